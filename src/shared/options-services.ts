// Rows of the options table on `k2 services`. Pure data; a part of options.ts.
import type { OptionRow } from './option-row.ts'
import { portNames, serviceNames } from './service-names.ts'

export const servicesRows = [
  {
    name: 'only',
    commands: ['services up', 'services status', 'services down'],
    group: 'How much',
    kind: 'list',
    values: serviceNames,
    text: 'these servers only; unset: all (kafka, redis, registry, catalog, s3)',
  },
  {
    name: 'dir',
    commands: ['services up', 'services status', 'services down'],
    group: 'Where',
    kind: 'path',
    default: '.k2/services',
    text: 'folder of the servers: data, logs, and which processes they are',
  },
  {
    name: 'cache',
    commands: ['services up', 'demo'],
    group: 'Where',
    kind: 'path',
    computed: 'user cache',
    text: 'folder that servers are installed into, once',
  },
  {
    name: 'ports',
    commands: ['services up'],
    group: 'Where',
    kind: 'ports',
    values: portNames,
    text: 'other ports, as kafka=29192,redis=0; 0 is any free one; unset: those this folder had before, or the standard ones',
  },
] as const satisfies readonly OptionRow[]
