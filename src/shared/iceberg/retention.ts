// Which snapshots and refs of a table are old (Iceberg spec, "Snapshot Retention Policy"; the rules of Java's RemoveSnapshots). Pure.
// A ref's own settings come first, then the table's `history.expire.*`, then K2's defaults, which suit a table that gets a snapshot
// every second: Iceberg's own (five days) would let its metadata grow by one entry a commit. Invariant: the head of a branch is kept.
import type { Snapshot, SnapshotRef, TableMetadata } from './metadata.ts'
import { ancestors } from './read-table.ts'

export interface RetentionPolicy {
  readonly snapshotAgeMsMax: number
  readonly snapshotsMin: number
  /** At most so many a branch, however young; null where the table says itself what is old. */
  readonly snapshotsMax: number | null
  readonly refAgeMsMax: bigint
  /** Age of staged snapshots (write-audit-publish) that no ref names yet. */
  readonly stagedAgeMsMax: number
}

const minute = 60_000
const day = 24 * 60 * minute
/** Of tables and branches that say nothing themselves. */
const defaults = { snapshotAgeMsMax: 15 * minute, snapshotsMin: 1, snapshotsMax: 100, stagedAgeMsMax: 5 * day }
const FOR_EVER = 0x7fffffffffffffffn
/** Summary key of a snapshot that Spark staged for an audit. */
const STAGED_KEY = 'wap.id'

/** False where the table's owner forbids that anything is removed: its files may be another table's, too. */
export const mayExpire = (metadata: TableMetadata): boolean =>
  metadata.properties['gc.enabled']?.toLowerCase() !== 'false'

/** Values that are no numbers count as absent. */
export function retentionPolicy(properties: TableMetadata['properties']): RetentionPolicy {
  const age = numberOf(properties['history.expire.max-snapshot-age-ms'])
  const min = numberOf(properties['history.expire.min-snapshots-to-keep'])
  const refAge = properties['history.expire.max-ref-age-ms']
  return {
    snapshotAgeMsMax: age ?? defaults.snapshotAgeMsMax,
    snapshotsMin: Math.max(1, min ?? defaults.snapshotsMin),
    snapshotsMax: age === null && min === null ? defaults.snapshotsMax : null,
    refAgeMsMax: refAge !== undefined && /^\d{1,18}$/.test(refAge) ? BigInt(refAge) : FOR_EVER,
    stagedAgeMsMax: age ?? defaults.stagedAgeMsMax,
  }
}

function numberOf(text: string | undefined): number | null {
  const value = Number(text)
  return text !== undefined && text.trim() !== '' && Number.isSafeInteger(value) && value >= 0 ? value : null
}

/**
 * Names of refs that are too old, by the time of the snapshot they name, as in every engine; never `main`. A ref whose snapshot is
 * not there names nothing and is old, too.
 */
export function oldRefs(metadata: TableMetadata, policy: RetentionPolicy, nowMs: number): readonly string[] {
  const times = new Map(metadata.snapshots.map((each) => [each['snapshot-id'], each['timestamp-ms']]))
  return Object.entries(metadata.refs)
    .filter(([name]) => name !== 'main')
    .filter(([, ref]) => {
      const atMs = times.get(ref['snapshot-id'])
      return atMs === undefined || BigInt(nowMs - atMs) > (ref['max-ref-age-ms'] ?? policy.refAgeMsMax)
    })
    .map(([name]) => name)
}

/** Ids of the snapshots that the refs keep, and of those nobody names yet. `refs`: those that stay. */
export function keptSnapshots(
  metadata: TableMetadata,
  refs: TableMetadata['refs'],
  policy: RetentionPolicy,
  nowMs: number,
): Set<bigint> {
  const kept = new Set<bigint>()
  for (const ref of Object.values(refs)) {
    kept.add(ref['snapshot-id'])
    if (ref.type === 'branch') for (const id of keptOnBranch(metadata, ref, policy, nowMs)) kept.add(id)
  }
  for (const snapshot of metadata.snapshots) if (isStaged(snapshot, policy, nowMs)) kept.add(snapshot['snapshot-id'])
  return kept
}

function* keptOnBranch(
  metadata: TableMetadata,
  ref: SnapshotRef,
  policy: RetentionPolicy,
  nowMs: number,
): Generator<bigint, void> {
  const own = ref['max-snapshot-age-ms'] !== undefined || ref['min-snapshots-to-keep'] !== undefined
  const ageMax = ref['max-snapshot-age-ms'] ?? BigInt(policy.snapshotAgeMsMax)
  const min = ref['min-snapshots-to-keep'] ?? policy.snapshotsMin
  const max = own || policy.snapshotsMax === null ? Number.POSITIVE_INFINITY : policy.snapshotsMax
  let count = 0
  for (const snapshot of ancestors(metadata, ref['snapshot-id'])) {
    const isYoung = BigInt(nowMs - snapshot['timestamp-ms']) <= ageMax
    if (count >= min && !(isYoung && count < max)) return
    count++
    yield snapshot['snapshot-id']
  }
}

const isStaged = ({ summary, 'timestamp-ms': atMs }: Snapshot, policy: RetentionPolicy, nowMs: number): boolean =>
  summary[STAGED_KEY] !== undefined && nowMs - atMs <= policy.stagedAgeMsMax
