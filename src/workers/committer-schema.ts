// Brings the schema of a main table to what its records need, before they are read. Commit thread. Invariants: what a schema becomes is
// decided by a pure function, on the metadata that the request asserts; of two that evolve a table at once one wins, and the other
// finds what it wanted, or evolves further.
import { changeText, type Evolution } from '../shared/avro/schema-evolution.ts'
import { evolveByAll } from '../shared/avro/table-schema.ts'
import { backoffMs } from '../shared/commit/commit-limits.ts'
import type { RouteSpec } from '../shared/commit/route-spec.ts'
import { takenAway } from '../shared/commit/table-fit.ts'
import { IngestError } from '../shared/errors.ts'
import { formatTableName } from '../shared/iceberg/catalog.ts'
import { currentSchema } from '../shared/iceberg/current-layout.ts'
import type { TableMetadata, TableRequirement } from '../shared/iceberg/metadata.ts'
import { type CommitterIo, patiently, pause } from './committer-io.ts'
import { load, post } from './committer-run.ts'

/** Changes of one evolution that a log line names. */
const CHANGES_TOLD_MAX = 20

/** The table with a schema into which every writer's records fit. Errors: SCHEMA_INCOMPATIBLE, SCHEMA_UNSUPPORTED, TABLE_MISFIT, COMMIT_*. */
export async function evolveTable(io: CommitterIo, spec: RouteSpec, opened: TableMetadata): Promise<TableMetadata> {
  const table = formatTableName(spec.table)
  let main = opened
  for (let count = 1; count <= io.limits.attemptsMax; count++) {
    const { schema, changes } = evolved(table, spec, main)
    if (changes.length === 0) return main
    const added = changes.filter((change) => change.kind === 'added').map((change) => change.path)
    const problem = takenAway(main, added)
    if (problem !== null) throw new IngestError('TABLE_MISFIT', { table, problem })
    const outcome = await post(io, spec.table, standing(main), [
      { action: 'add-schema', schema },
      { action: 'set-current-schema', 'schema-id': -1 },
    ])
    switch (outcome.kind) {
      case 'done': {
        const told = changes.slice(0, CHANGES_TOLD_MAX).map(changeText).join('; ')
        io.log({ event: 'schema evolved', table, changes: told, count: changes.length })
        return outcome.table.metadata
      }
      case 'rejected':
        throw new IngestError('COMMIT_REJECTED', { table, reason: outcome.reason })
      default:
        // Lost the race, or landed without an answer: either way the table tells.
        await pause(io, table, backoffMs(count, io.limits), outcome.reason)
        main = await reloaded(io, spec, main)
    }
  }
  throw new IngestError('COMMIT_GAVE_UP', { table, attempts: io.limits.attemptsMax, reason: 'schema' })
}

/** What the new schema was decided on. */
const standing = (main: TableMetadata): readonly TableRequirement[] => [
  { type: 'assert-table-uuid', uuid: main['table-uuid'] },
  { type: 'assert-current-schema-id', 'current-schema-id': main['current-schema-id'] },
  { type: 'assert-last-assigned-field-id', 'last-assigned-field-id': main['last-column-id'] },
]

function evolved(table: string, { writers, choices }: RouteSpec, main: TableMetadata): Evolution {
  try {
    return evolveByAll(currentSchema(main), main['last-column-id'], writers, choices?.columns)
  } catch (error) {
    if (!(error instanceof IngestError)) throw error
    throw new IngestError(error.code, { table, ...error.context }, error.cause)
  }
}

async function reloaded(io: CommitterIo, { table }: RouteSpec, before: TableMetadata): Promise<TableMetadata> {
  const name = formatTableName(table)
  const found = await patiently(io, name, () => load(io, table))
  if (found === null || found['table-uuid'] !== before['table-uuid']) {
    throw new IngestError('TABLE_REPLACED', { table: name })
  }
  return found
}
