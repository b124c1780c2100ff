// Options of `k2 demo`. Pure data.
import type { OptionRow } from './option-row.ts'

export const demoRows = [
  {
    name: 'dir',
    commands: ['demo'],
    group: 'Where',
    kind: 'path',
    default: '.k2/demo',
    text: 'folder of the demo: log/, catalog.db, warehouse/',
  },
  {
    name: 'kafka',
    commands: ['demo'],
    group: 'Where',
    kind: 'boolean',
    conflicts: ['keep'],
    text: 'through a Kafka broker and a schema registry that are started for it, on free ports, instead of a log directory',
  },
  {
    name: 'keep',
    commands: ['demo'],
    group: 'How much',
    kind: 'boolean',
    text: 'go on in what an earlier demo left instead of starting afresh',
  },
] as const satisfies readonly OptionRow[]
