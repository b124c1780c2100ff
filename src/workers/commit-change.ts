// An operator's change of positions as a commit: the same as any other, with an empty snapshot. Commit thread.
// Invariant: nothing is decided here; the change lands on exactly the table it was decided on, or not at all (guard 1).
import type { ChangeWork } from '../shared/commit/commit-work.ts'
import { formatTableName } from '../shared/iceberg/catalog.ts'
import type { TableMetadata } from '../shared/iceberg/metadata.ts'
import type { PositionsChange } from '../shared/messages.ts'
import type { CommitterIo } from './committer-io.ts'
import { newSnapshotId } from './committer-io.ts'
import { type CommitEnd, runCommit } from './committer-run.ts'

/** `base`: the newest metadata that is held; the change itself says what it must be like. */
export function commitChange(
  io: CommitterIo,
  change: Omit<PositionsChange, 'deadLetters'>,
  base: TableMetadata,
): Promise<CommitEnd> {
  const { table: name, tableUuid, seen, positions, ranges, summary, writer, group } = change
  const work: ChangeWork = {
    kind: 'change',
    table: formatTableName(name),
    tableUuid,
    snapshotId: newSnapshotId(io),
    writer,
    group,
    policy: positions.policy,
    confirmed: new Map(),
    seen,
    positions,
    ranges,
    summary,
  }
  return runCommit(io, { name, work, base, side: null })
}
