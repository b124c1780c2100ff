// Answers a call that sets positions of a table which no route has open: `k2 positions set` and `adopt`. Commit thread.
// Invariant: the side table is there before main says that it has positions.
import { IngestError, toFailure } from '../shared/errors.ts'
import { formatTableName } from '../shared/iceberg/catalog.ts'
import type { ChangeReply, PositionsChange } from '../shared/messages.ts'
import { commitChange } from './commit-change.ts'
import type { CommitterIo } from './committer-io.ts'
import { patiently } from './committer-io.ts'
import { loadOrCreate, sideTable, sideTableName } from './committer-open.ts'
import { load } from './committer-run.ts'

/** Never throws what the world did. */
export async function changePositions(io: CommitterIo, change: PositionsChange): Promise<ChangeReply> {
  const table = formatTableName(change.table)
  try {
    const base = await patiently(io, table, () => load(io, change.table))
    if (base === null) throw new IngestError('TABLE_MISSING', { table })
    if (change.deadLetters !== null) {
      await loadOrCreate(io, sideTableName(change.table), sideTable(change.deadLetters))
    }
    const end = await commitChange(io, change, base)
    switch (end.kind) {
      case 'failed':
        return { kind: 'failed', failure: end.failure }
      case 'fenced':
        return { kind: 'moved' }
      case 'committed':
        return { kind: 'changed', snapshotId: String(end.snapshot?.['snapshot-id'] ?? end.positions.snapshot) }
    }
  } catch (error) {
    return { kind: 'failed', failure: toFailure(error) }
  }
}
