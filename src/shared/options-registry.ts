// Rows of the options table on the schema registry. Pure data; a part of options.ts.
import type { OptionRow } from './option-row.ts'

const addresses = 'addresses of one registry with Confluent’s REST API, base path included, comma-separated'

export const registryRows = [
  {
    name: 'registry',
    commands: ['run', 'verify', 'tables plan', 'dead-letters replay'],
    group: 'Where',
    kind: 'urls',
    conflicts: ['schemas'],
    text: `schema registry to ask instead of --schemas: ${addresses}`,
  },
  {
    name: 'registry',
    commands: ['feed csv', 'feed synthetic'],
    group: 'Where',
    kind: 'urls',
    text: `schema registry to register the schema of --schemas in; records carry its id: ${addresses}`,
  },
  {
    name: 'registryAuth',
    commands: ['run', 'verify', 'tables plan', 'feed csv', 'feed synthetic', 'dead-letters replay'],
    group: 'Where',
    kind: 'registry-auth',
    text: 'credentials for the registry; best in K2_REGISTRY_AUTH, where no list of processes shows them',
  },
  {
    name: 'registryCache',
    commands: ['run', 'verify', 'tables plan', 'dead-letters replay'],
    group: 'Where',
    kind: 'path',
    default: '.k2/schemas',
    text: 'folder in which schemas of the registry are kept, so that a start does not need it',
  },
] as const satisfies readonly OptionRow[]
