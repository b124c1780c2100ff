// Rows of the options table on expiring snapshots. Pure data; a part of options.ts.
import type { OptionRow } from './option-row.ts'

export const expiryRows = [
  {
    name: 'dryRun',
    commands: ['tables expire'],
    group: 'Output',
    kind: 'boolean',
    text: 'show what would expire, and change nothing',
  },
] as const satisfies readonly OptionRow[]
