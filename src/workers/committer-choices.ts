// Brings a table to what its route chooses where that changes no row that is there, and stops where it would. Commit thread.
// Invariant: properties only; they move no head, so a commit in flight neither loses them nor is lost by them.

import { choicesMisfit, propertyChange } from '../shared/commit/choices-fit.ts'
import { backoffMs } from '../shared/commit/commit-limits.ts'
import type { RouteSpec } from '../shared/commit/route-spec.ts'
import { IngestError } from '../shared/errors.ts'
import { formatTableName } from '../shared/iceberg/catalog.ts'
import type { TableMetadata, TableUpdate } from '../shared/iceberg/metadata.ts'
import { type CommitterIo, patiently, pause } from './committer-io.ts'
import { load } from './committer-run.ts'

/** The metadata of the table once it is as chosen. Errors: TABLE_MISFIT, TABLE_PROPERTY, TABLE_REPLACED, COMMIT_*. */
export async function applyChoices(io: CommitterIo, spec: RouteSpec, main: TableMetadata): Promise<TableMetadata> {
  const table = formatTableName(spec.table)
  let metadata = main
  let reason = ''
  for (let count = 1; count <= io.limits.attemptsMax; count++) {
    const problem = choicesMisfit(spec, metadata)
    if (problem !== null) throw new IngestError('TABLE_MISFIT', { table, problem })
    const change = propertyChange(spec, metadata)
    if (change === null) return metadata
    const updates: TableUpdate[] = [{ action: 'set-properties', updates: change.updates }]
    if (change.removals.length > 0) updates.push({ action: 'remove-properties', removals: change.removals })
    const required = { type: 'assert-table-uuid', uuid: main['table-uuid'] } as const
    const outcome = await patiently(io, table, () => io.catalog.updateTable(spec.table, [required], updates))
    if (outcome.kind === 'done') return outcome.table.metadata
    if (outcome.kind === 'rejected') throw new IngestError('COMMIT_REJECTED', { table, reason: outcome.reason })
    // Whatever became of it: another look shows whether it is still to be done.
    reason = outcome.reason
    await pause(io, table, backoffMs(count, io.limits), reason)
    const found = await patiently(io, table, () => load(io, spec.table))
    if (found === null || found['table-uuid'] !== main['table-uuid']) throw new IngestError('TABLE_REPLACED', { table })
    metadata = found
  }
  throw new IngestError('COMMIT_GAVE_UP', { table, attempts: io.limits.attemptsMax, reason })
}
