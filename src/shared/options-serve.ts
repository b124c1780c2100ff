// Rows of the options table on the HTTP of a run. Pure data; a part of options.ts.
import type { OptionRow } from './option-row.ts'

export const serveRows = [
  {
    name: 'http',
    commands: ['run'],
    group: 'Output',
    kind: 'listen',
    text: 'answer /healthz, /readyz, /status and /metrics here; without a host on 127.0.0.1 only, port 0 is any free one; unset: not at all',
  },
  {
    name: 'metricSeriesMax',
    commands: ['run'],
    group: 'Output',
    kind: 'integer',
    min: 10,
    max: 100_000,
    default: '2000',
    unit: 'series',
    text: 'most partitions, tables or topics that one metric names; what is beyond is added up as "other"',
  },
] as const satisfies readonly OptionRow[]
