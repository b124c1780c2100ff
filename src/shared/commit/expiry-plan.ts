// What one expiry of a table removes and tags, and the one request that does it. Pure; commit thread. It is planned on metadata that
// was checked, and holds only on that metadata's head and refs. Invariant: what readers and guard 3 need is never in a plan: heads,
// tags that are not too old, and the line from the head back to the last snapshot of ours.
import type { Snapshot, SnapshotRef, TableMetadata, TableUpdate } from '../iceberg/metadata.ts'
import { keptSnapshots, mayExpire, oldRefs, retentionPolicy } from '../iceberg/retention.ts'
import { ancestry } from './ancestry.ts'
import type { Guards } from './guards.ts'
import { missingTags } from './history-tags.ts'

export interface ExpiredSnapshot {
  readonly snapshot: Snapshot
  /** Files that it shows may be shown by no other: something else than appends lies between it and the next one kept, or nobody knows. */
  readonly mayFreeFiles: boolean
}

export interface ExpiryPlan {
  /** The metadata that was looked at; the request asserts its head and refs. */
  readonly base: TableMetadata
  readonly newTags: ReadonlyMap<string, SnapshotRef>
  readonly oldRefs: readonly string[]
  /** Oldest first. */
  readonly snapshots: readonly ExpiredSnapshot[]
  /** Old snapshots beyond the size of one batch. */
  readonly left: number
}

/** Snapshots of one request: their manifest lists are read when their files are deleted. */
export const BATCH_SNAPSHOTS_MAX = 500

/** Plans one batch. `nowMs`: wall clock of the committer. */
export function planExpiry(
  metadata: TableMetadata,
  nowMs: number,
  guards: Pick<Guards, 'keptByMarks'>,
  batchMax = BATCH_SNAPSHOTS_MAX,
): ExpiryPlan {
  const nothing = { base: metadata, newTags: new Map(), oldRefs: [], snapshots: [], left: 0 }
  const { line } = ancestry(metadata)
  if (!mayExpire(metadata) || line.length === 0) return nothing
  const policy = retentionPolicy(metadata.properties)
  const ours = guards.keptByMarks(metadata)
  const old = oldRefs(metadata, policy, nowMs).filter((name) => !ours.refs.has(name))
  const newTags = missingTags(line, metadata, nowMs)
  const refs = Object.fromEntries([
    ...Object.entries(metadata.refs).filter(([name]) => !old.includes(name)),
    ...newTags.entries(),
  ])
  const kept = keptSnapshots(metadata, refs, policy, nowMs)
  const removable = metadata.snapshots
    .filter(({ 'snapshot-id': id }) => !kept.has(id) && !ours.snapshots.has(id))
    .sort((a, b) => (a['sequence-number'] < b['sequence-number'] ? -1 : 1))
  const batch = removable.slice(0, batchMax)
  const shownElsewhere = shownByLater(line, new Set(batch.map((each) => each['snapshot-id'])))
  return {
    base: metadata,
    newTags,
    oldRefs: old,
    snapshots: batch.map((snapshot) => ({ snapshot, mayFreeFiles: !shownElsewhere.has(snapshot['snapshot-id']) })),
    left: removable.length - batch.length,
  }
}

export const isNothing = ({ newTags, oldRefs: old, snapshots }: ExpiryPlan): boolean =>
  newTags.size === 0 && old.length === 0 && snapshots.length === 0

/**
 * Expired snapshots of the line whose live files are all live in a later snapshot that stays: nothing but appends lies between (spec,
 * "Snapshots": an append only adds files). What that later one shows is looked at when it expires itself.
 */
function shownByLater(line: readonly Snapshot[], expired: ReadonlySet<bigint>): ReadonlySet<bigint> {
  const shown = new Set<bigint>()
  let isShown = false
  for (const { 'snapshot-id': id, summary } of line) {
    if (!expired.has(id)) isShown = true
    else if (isShown) shown.add(id)
    isShown &&= summary['operation'] === 'append'
  }
  return shown
}

/** The updates of one request. `properties`: where the files to delete are listed, and lists that are done. */
export function expiryUpdates(
  plan: ExpiryPlan,
  properties: { readonly set: Readonly<Record<string, string>>; readonly removed: readonly string[] },
): TableUpdate[] {
  const ids = plan.snapshots.map(({ snapshot }) => snapshot['snapshot-id'])
  return [
    ...[...plan.newTags].map(([name, ref]): TableUpdate => ({ action: 'set-snapshot-ref', 'ref-name': name, ...ref })),
    ...plan.oldRefs.map((name): TableUpdate => ({ action: 'remove-snapshot-ref', 'ref-name': name })),
    ...(ids.length === 0 ? [] : [{ action: 'remove-snapshots', 'snapshot-ids': ids } as const]),
    ...(Object.keys(properties.set).length === 0
      ? []
      : [{ action: 'set-properties', updates: properties.set } as const]),
    ...(properties.removed.length === 0
      ? []
      : [{ action: 'remove-properties', removals: properties.removed } as const]),
  ]
}
