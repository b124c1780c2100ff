// Rows of the options table on the config file itself. Pure data; a part of options.ts.
import type { OptionRow } from './option-row.ts'

export const routeRows = [
  {
    name: 'routes',
    commands: ['run', 'verify', 'tables plan'],
    group: 'Where',
    kind: 'routes',
    text: 'in the config file only: which topics go into which table, and how (docs/config.md); unset: by the rule of the topic',
  },
] as const satisfies readonly OptionRow[]
