// Positions: the value of the table property `k2.positions`, the only place where progress is true (design: "Progress").
// Types and algebra; the text form is in positions-json.ts. Pure.
// Invariant: every write names the snapshot that carries it (T), so that the value counts only while T is an ancestor of the head.
import { createHash } from 'node:crypto'
import { assert } from '../errors.ts'
import type { OffsetRange, PartitionRange, TopicKey } from '../offsets.ts'
import type { CanonicalValue } from './canonical-json.ts'
import { canonicalJson } from './canonical-json.ts'

export const POSITIONS_PROPERTY = 'k2.positions'
/** Tag on T, kept for ever, so that expiry by others leaves T's summary readable. */
export const POSITIONS_TAG = 'k2'
/** `snapshot` of the value a table is created with: no snapshot carries it yet (Iceberg's own sentinel for "none"). */
export const NO_SNAPSHOT = -1n
/** Above this many partitions the summary holds a count instead of ranges: a snapshot must stay small. */
export const SUMMARY_RANGES_MAX = 100

/** Why an operator let offsets go: retention took them, the log was cut below the position, or the position was set beyond them. */
export type GapReason = 'retention' | 'truncated' | 'set'

/**
 * Offsets that an operator declared lost. `retention`, `set`: nothing of them was read. `truncated`: the rows of them are of records
 * that the log lost; others took their offsets, and were read beside them.
 */
export interface AcceptedGap extends OffsetRange {
  readonly why: GapReason
  /** When, ISO 8601. */
  readonly at: string
}

export interface PartitionMark {
  /** First offset ever read of this partition. */
  readonly start: bigint
  /** Next offset to read. */
  readonly next: bigint
  /** Leader epoch of `next`, where the source knows it. */
  readonly epoch?: number
  /** Ascending; absent where there is none. */
  readonly gaps?: readonly AcceptedGap[]
}

export interface TopicMarks {
  readonly name: string
  readonly partitions: ReadonlyMap<number, PartitionMark>
}

/** Side files that a main snapshot named and that their table may not hold yet. */
export interface Unconfirmed {
  readonly commit: string
  readonly table: string
  readonly files: readonly string[]
}

export interface TablePolicy {
  readonly tombstone: 'skip' | 'store'
  /** When the policy came to hold, ISO 8601. */
  readonly since: string
}

export interface Positions {
  readonly v: 1
  /** T, the snapshot that carries this value; {@link NO_SNAPSHOT} at creation. */
  readonly snapshot: bigint
  /** Rises with every `k2 positions set`: the same ranges after it are new work. */
  readonly history: number
  readonly topics: ReadonlyMap<TopicKey, TopicMarks>
  /** T's own ranges. */
  readonly ranges: readonly PartitionRange[]
  readonly unconfirmed: readonly Unconfirmed[]
  readonly policy: TablePolicy
  /** Rows that were in the table when it was taken over from another writer; absent where it was not. */
  readonly adopted?: bigint
}

/** Where reading of a partition begins that has no mark yet. */
export interface PartitionStart {
  readonly topic: TopicKey
  readonly topicName: string
  readonly partition: number
  readonly start: bigint
}

export const initialPositions = (policy: TablePolicy): Positions => ({
  v: 1,
  snapshot: NO_SNAPSHOT,
  history: 0,
  topics: new Map(),
  ranges: [],
  unconfirmed: [],
  policy,
})

/** Next offset to read of a partition, or null where it has no mark. */
export const nextOffset = (positions: Positions, topic: TopicKey, partition: number): bigint | null =>
  positions.topics.get(topic)?.partitions.get(partition)?.next ?? null

/** Moves `next` of each range's partition to the range's end. The partition must have a mark (our bug otherwise). */
export function advance(positions: Positions, ranges: readonly PartitionRange[]): Positions {
  const topics = new Map(positions.topics)
  for (const range of ranges) {
    const marks = topics.get(range.topic)
    const mark = marks?.partitions.get(range.partition)
    assert(marks !== undefined && mark !== undefined, `no mark of ${range.topic}/${range.partition}`)
    const { leaderEpoch: epoch } = range
    const moved: PartitionMark = {
      start: mark.start,
      next: range.next,
      ...(epoch === undefined ? {} : { epoch }),
      ...(mark.gaps === undefined ? {} : { gaps: mark.gaps }),
    }
    topics.set(range.topic, { ...marks, partitions: new Map(marks.partitions).set(range.partition, moved) })
  }
  return { ...positions, topics }
}

/** Adds marks for partitions that have none; `next` = `start`. */
export function addStarts(positions: Positions, starts: readonly PartitionStart[]): Positions {
  const topics = new Map(positions.topics)
  for (const { topic, topicName, partition, start } of starts) {
    const partitions = new Map(topics.get(topic)?.partitions)
    assert(!partitions.has(partition), `${topic}/${partition} has a mark already`)
    topics.set(topic, { name: topicName, partitions: partitions.set(partition, { start, next: start }) })
  }
  return { ...positions, topics }
}

/** The starts that the table does not know yet. */
export const newStarts = (positions: Positions, starts: readonly PartitionStart[]): PartitionStart[] =>
  starts.filter((start) => nextOffset(positions, start.topic, start.partition) === null)

/** A start as the empty range that its commit carries. */
export const startRange = ({ topic, partition, start }: PartitionStart): PartitionRange => ({
  topic,
  partition,
  first: start,
  next: start,
})

/** `{"<cluster id>/<topic id>":{"0":["0","500"]}}` as a canonical value. */
export function rangesValue(ranges: readonly PartitionRange[]): CanonicalValue {
  const topics: Record<string, Record<string, CanonicalValue>> = Object.create(null)
  for (const range of ranges) {
    const partitions = topics[range.topic] ?? Object.create(null)
    partitions[String(range.partition)] = [String(range.first), String(range.next)]
    topics[range.topic] = partitions
  }
  return topics
}

/** `k2.ranges` of a snapshot summary: the ranges, or their count above {@link SUMMARY_RANGES_MAX} partitions. */
export const summaryRanges = (ranges: readonly PartitionRange[]): string =>
  ranges.length > SUMMARY_RANGES_MAX ? String(ranges.length) : canonicalJson(rangesValue(ranges))

/**
 * Commit id: SHA-256, lower-case hex, of canonical `[table uuid, history, ranges]` (guard 5). The same work has the same id after
 * a restart and in every pod. Ranges must not be empty: an id without ranges would be shared by unlike commits. Where ranges do not
 * say which records are meant (a replay), `records` does: a hash of them.
 */
export function commitId(
  tableUuid: string,
  history: number,
  ranges: readonly PartitionRange[],
  records: string | null = null,
): string {
  assert(ranges.length > 0, 'a commit needs at least one range')
  const work = [tableUuid, history, rangesValue(ranges), ...(records === null ? [] : [records])]
  return createHash('sha256').update(canonicalJson(work)).digest('hex')
}
