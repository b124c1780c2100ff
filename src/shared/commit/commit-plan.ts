// The plan of one attempt at a commit, and its request. Pure; committer thread. Invariant: a plan is made from one metadata that was
// checked, and its request holds only on the head of that metadata.
import type { Snapshot, TableMetadata, TableUpdate } from '../iceberg/metadata.ts'
import type { PartitionRange } from '../offsets.ts'
import { MAIN_BRANCH } from './ancestry.ts'
import type { ReplayWork, Work } from './commit-work.ts'
import type { Guards } from './guards.ts'
import type { Positions, Unconfirmed } from './positions.ts'
import { addStarts, advance, newStarts, POSITIONS_PROPERTY, POSITIONS_TAG, summaryRanges } from './positions.ts'
import { writePositions } from './positions-json.ts'
import { COMMIT_ID_KEY, evidenceSummary } from './read-positions.ts'
import { SIDE_FILES_KEY, sideFilesSummary } from './side-tables.ts'

/** One attempt: everything a stage needs. */
export interface Plan {
  /** The metadata that was checked; the request asserts its head. */
  readonly base: TableMetadata
  readonly commitId: string
  readonly snapshotId: bigint
  readonly timestampMs: number
  /** When `base` was checked, by the committer's clock. */
  readonly checkedAtMs: number
  readonly summary: Readonly<Record<string, string>>
  /** What the table will say once this attempt lands. */
  readonly positions: Positions
}

/** Plans an attempt on checked metadata whose positions fit the ranges. */
export function planCommit(
  work: Work,
  base: TableMetadata,
  positions: Positions,
  ranges: readonly PartitionRange[],
  attempt: { readonly commitId: string; readonly count: number; readonly atMs: number },
  guards: Guards,
): Plan {
  const own = ownSideFiles(work, attempt.commitId)
  const snapshotId = guards.snapshotId(work.snapshotId, attempt.count)
  const moved = movedBy(work, positions, ranges, guards)
  return {
    base,
    commitId: attempt.commitId,
    snapshotId,
    timestampMs: guards.timestampMs(attempt.atMs, base),
    checkedAtMs: attempt.atMs,
    summary: summaryOf(work, base, positions, ranges, attempt.commitId, own, guards),
    positions: {
      ...moved,
      snapshot: snapshotId,
      ranges,
      unconfirmed: [...guards.dropConfirmed(positions.unconfirmed, work.confirmed), ...guards.named(own)],
      policy: positions.policy.tombstone === work.policy.tombstone ? positions.policy : work.policy,
    },
  }
}

function movedBy(work: Work, positions: Positions, ranges: readonly PartitionRange[], guards: Guards): Positions {
  switch (work.kind) {
    case 'group':
      return advance(positions, guards.moved(ranges, work))
    case 'starts':
      return addStarts(positions, newStarts(positions, work.starts))
    case 'change':
      return work.positions
  }
}

function ownSideFiles(work: Work, commit: string): Unconfirmed | null {
  if (work.kind !== 'group' || work.side === null || work.side.files.length === 0) return null
  return { commit, table: work.side.table, files: work.side.files }
}

function summaryOf(
  work: Work,
  base: TableMetadata,
  positions: Positions,
  ranges: readonly PartitionRange[],
  commit: string,
  own: Unconfirmed | null,
  guards: Guards,
): Record<string, string> {
  const hasRows = work.kind === 'group' && work.dataFiles.some((file) => file.recordCount > 0)
  const proven = work.kind === 'change' && work.seen.kind === 'accepted' ? work.seen.evidence : replayed(work)?.evidence
  const evidence = proven ?? (hasRows ? null : guards.evidence(base, positions))
  return {
    [COMMIT_ID_KEY]: commit,
    'k2.writer': work.writer,
    'k2.group': work.group,
    'k2.ranges': summaryRanges(ranges),
    ...(own === null ? {} : { [SIDE_FILES_KEY]: sideFilesSummary(own) }),
    ...(evidence === null ? {} : evidenceSummary(evidence)),
    ...(work.kind === 'change' ? work.summary : replayed(work)?.summary),
  }
}

const replayed = (work: Work): ReplayWork | null => (work.kind === 'group' ? (work.replay ?? null) : null)

/** Kept for ever: the longest age that Iceberg's metadata can hold. */
const FOR_EVER_MS = 0x7fffffffffffffffn

/** The updates of one request: snapshot, branch, tag and positions together or not at all. */
export function commitUpdates(plan: Plan, snapshot: Snapshot): TableUpdate[] {
  const id = snapshot['snapshot-id']
  const branch = plan.base.refs[MAIN_BRANCH] // its retention settings are the owner's, not ours
  return [
    { action: 'add-snapshot', snapshot },
    { action: 'set-snapshot-ref', 'ref-name': MAIN_BRANCH, ...branch, 'snapshot-id': id, type: 'branch' },
    {
      action: 'set-snapshot-ref',
      'ref-name': POSITIONS_TAG,
      'snapshot-id': id,
      type: 'tag',
      'max-ref-age-ms': FOR_EVER_MS,
    },
    { action: 'set-properties', updates: { [POSITIONS_PROPERTY]: writePositions(plan.positions) } },
  ]
}
