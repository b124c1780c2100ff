// The snapshots of a table as an operator looks at them: when, by whom, what was added, which offsets, which refs. Pure.
// Summaries are other writers' business, too: what a snapshot does not say is null, never guessed.
import { ancestry } from '../../shared/commit/ancestry.ts'
import type { Positions } from '../../shared/commit/positions.ts'
import { parseRanges } from '../../shared/commit/positions-json.ts'
import { COMMIT_ID_KEY } from '../../shared/commit/read-positions.ts'
import { SIDE_COMMITS_KEY } from '../../shared/commit/side-tables.ts'
import { IngestError } from '../../shared/errors.ts'
import type { Snapshot, SnapshotRef, TableMetadata } from '../../shared/iceberg/metadata.ts'

/** Offsets that a snapshot of K2 covers. */
export type SnapshotRanges =
  | { readonly kind: 'ranges'; readonly ranges: readonly NamedRange[] }
  /** Above a hundred partitions the summary has their number only. */
  | { readonly kind: 'count'; readonly partitions: number }

export interface NamedRange {
  /** Name of the topic where the table's positions know it, else its key. */
  readonly topic: string
  readonly partition: number
  readonly first: bigint
  readonly next: bigint
}

/** What a snapshot changed, and what there was after it; null where its summary does not say. */
export interface SnapshotCounts {
  readonly addedRows: bigint | null
  readonly addedFiles: bigint | null
  readonly addedBytes: bigint | null
  readonly removedRows: bigint | null
  readonly removedFiles: bigint | null
  readonly totalRows: bigint | null
  readonly totalFiles: bigint | null
  readonly totalBytes: bigint | null
}

export interface SnapshotRow {
  readonly id: bigint
  readonly parent: bigint | null
  readonly sequenceNumber: bigint
  readonly timeMs: number
  /** append, overwrite, replace, delete; `unknown` where it is not said. */
  readonly operation: string
  readonly counts: SnapshotCounts
  /** Names of branches and tags on it. */
  readonly refs: readonly string[]
  /** Whether it is an ancestor of main's head, or the head. */
  readonly isOnMain: boolean
  readonly commitId: string | null
  /** Of K2: `host/pid/uuid`; of another engine its name, where it gives one. */
  readonly writer: string | null
  readonly group: string | null
  readonly ranges: SnapshotRanges | null
  /** Of a side table: commits of main whose rows it holds. */
  readonly sideOf: string | null
  readonly schemaId: number | null
  readonly summary: Readonly<Record<string, string>>
}

/** Newest first; `sinceMs`: those not older. `total`: all that are not older, of which at most `limit` are here. */
export function listSnapshots(
  metadata: TableMetadata,
  positions: Positions | null,
  chosen: { readonly limit: number; readonly sinceMs: number | null },
): { readonly rows: readonly SnapshotRow[]; readonly total: number } {
  const onMain = new Set(ancestry(metadata).line.map((snapshot) => snapshot['snapshot-id']))
  const refs = refsBySnapshot(metadata)
  const { sinceMs, limit } = chosen
  const young = metadata.snapshots.filter((snapshot) => sinceMs === null || snapshot['timestamp-ms'] >= sinceMs)
  const newest = young.toSorted(byAge).slice(0, limit)
  const rows = newest.map((snapshot) => rowOf(snapshot, { onMain, refs, positions }))
  return { rows, total: young.length }
}

/** Newest first. Sequence numbers only rise; a table that was v1 has several of number 0. */
const byAge = (left: Snapshot, right: Snapshot): number =>
  Number(right['sequence-number'] - left['sequence-number']) || right['timestamp-ms'] - left['timestamp-ms']

function refsBySnapshot({ refs }: TableMetadata): ReadonlyMap<bigint, readonly string[]> {
  const names = new Map<bigint, string[]>()
  for (const [name, { 'snapshot-id': id }] of Object.entries(refs)) names.set(id, [...(names.get(id) ?? []), name])
  return names
}

function rowOf(
  snapshot: Snapshot,
  context: {
    readonly onMain: ReadonlySet<bigint>
    readonly refs: ReadonlyMap<bigint, readonly string[]>
    readonly positions: Positions | null
  },
): SnapshotRow {
  const { summary, 'snapshot-id': id } = snapshot
  return {
    id,
    parent: snapshot['parent-snapshot-id'],
    sequenceNumber: snapshot['sequence-number'],
    timeMs: snapshot['timestamp-ms'],
    operation: summary['operation'] ?? 'unknown',
    counts: countsOf(summary),
    refs: context.refs.get(id) ?? [],
    isOnMain: context.onMain.has(id),
    commitId: summary[COMMIT_ID_KEY] ?? null,
    writer: summary['k2.writer'] ?? summary['engine-name'] ?? null,
    group: summary['k2.group'] ?? null,
    ranges: rangesOf(summary['k2.ranges'], context.positions),
    sideOf: summary[SIDE_COMMITS_KEY] ?? null,
    schemaId: snapshot['schema-id'],
    summary,
  }
}

export function countsOf(summary: Readonly<Record<string, string>>): SnapshotCounts {
  const count = (key: string): bigint | null => {
    const text = summary[key]
    return text !== undefined && /^\d{1,19}$/.test(text) ? BigInt(text) : null
  }
  return {
    addedRows: count('added-records'),
    addedFiles: count('added-data-files'),
    addedBytes: count('added-files-size'),
    removedRows: count('deleted-records'),
    removedFiles: count('deleted-data-files'),
    totalRows: count('total-records'),
    totalFiles: count('total-data-files'),
    totalBytes: count('total-files-size'),
  }
}

function rangesOf(text: string | undefined, positions: Positions | null): SnapshotRanges | null {
  if (text === undefined) return null
  if (/^\d{1,9}$/.test(text)) return { kind: 'count', partitions: Number(text) }
  try {
    const ranges = parseRanges(text).map(
      ({ topic, partition, first, next }): NamedRange => ({
        topic: positions?.topics.get(topic)?.name ?? topic,
        partition,
        first,
        next,
      }),
    )
    return {
      kind: 'ranges',
      ranges: ranges.sort((a, b) => (a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1)),
    }
  } catch (error) {
    // Somebody else's text under our key says nothing about offsets.
    if (error instanceof IngestError) return null
    throw error
  }
}

export interface RefRow {
  readonly name: string
  readonly type: SnapshotRef['type']
  readonly snapshotId: bigint
  /** Of its snapshot; null where that is not in the table any more. */
  readonly timeMs: number | null
  /** Null: what `history.expire.max-ref-age-ms` says. */
  readonly maxRefAgeMs: bigint | null
}

/** Branches, then tags, the youngest first. */
export function listRefs({ refs, snapshots }: TableMetadata): readonly RefRow[] {
  const times = new Map(snapshots.map((snapshot) => [snapshot['snapshot-id'], snapshot['timestamp-ms']]))
  const rows = Object.entries(refs).map(
    ([name, ref]): RefRow => ({
      name,
      type: ref.type,
      snapshotId: ref['snapshot-id'],
      timeMs: times.get(ref['snapshot-id']) ?? null,
      maxRefAgeMs: ref['max-ref-age-ms'] ?? null,
    }),
  )
  const rank = ({ type }: RefRow): number => (type === 'branch' ? 0 : 1)
  return rows.sort(
    (left, right) =>
      rank(left) - rank(right) || (right.timeMs ?? 0) - (left.timeMs ?? 0) || (left.name < right.name ? -1 : 1),
  )
}

/** The oldest snapshot that the table still has: how far time travel goes back. */
export const oldestSnapshot = ({ snapshots }: TableMetadata): Snapshot | null =>
  snapshots.reduce<Snapshot | null>(
    (oldest, snapshot) => (oldest === null || snapshot['timestamp-ms'] < oldest['timestamp-ms'] ? snapshot : oldest),
    null,
  )
