// What an operator may do to positions, as pure algebra: move a partition, with what that loses or repeats kept beside its mark; add a
// topic that was made again. Pure. Invariant: every move raises `history`, so that the same offsets are new work afterwards (guard 5);
// no offset that was skipped is without its gap.
import { IngestError } from '../errors.ts'
import type { PartitionRange, TopicKey } from '../offsets.ts'
import type { AcceptedGap, GapReason, PartitionMark, Positions } from './positions.ts'

export interface PartitionMove {
  readonly topic: TopicKey
  readonly topicName: string
  readonly partition: number
  /** Next offset to read. */
  readonly next: bigint
  /** Of a move back: `truncated` where the log lost what was read; of a move ahead: what took the offsets between. */
  readonly why: GapReason
}

/** What one partition says before and after. */
export interface MarkChange {
  readonly topic: TopicKey
  readonly topicName: string
  readonly partition: number
  /** Null: the table did not know the partition. */
  readonly before: PartitionMark | null
  readonly after: PartitionMark
}

/** Gaps of one partition are made by hand; a property must stay small. */
const GAPS_MAX = 1_000

/** Positions after the moves, under a new history. `at`: ISO 8601. Errors: POSITIONS_REFUSED beyond the bound of gaps. */
export function movePartitions(
  positions: Positions,
  moves: readonly PartitionMove[],
  at: string,
): { readonly positions: Positions; readonly changes: readonly MarkChange[] } {
  const topics = new Map(positions.topics)
  const changes: MarkChange[] = []
  for (const move of moves) {
    const { topic, topicName, partition } = move
    const marks = topics.get(topic) ?? { name: topicName, partitions: new Map<number, PartitionMark>() }
    const before = marks.partitions.get(partition) ?? null
    const after = before === null ? { start: move.next, next: move.next } : movedMark(before, move, at)
    topics.set(topic, { name: topicName, partitions: new Map(marks.partitions).set(partition, after) })
    changes.push({ topic, topicName, partition, before, after })
  }
  return { positions: { ...positions, history: positions.history + 1, topics }, changes }
}

function movedMark(mark: PartitionMark, { next, why, topicName, partition }: PartitionMove, at: string): PartitionMark {
  if (next === mark.next) return mark
  const kept = (mark.gaps ?? []).flatMap((gap) => keptGap(gap, next))
  const made: AcceptedGap[] =
    next > mark.next
      ? [{ first: mark.next, next, why: why === 'truncated' ? 'retention' : why, at }]
      : why === 'truncated'
        ? [{ first: next, next: mark.next, why, at }]
        : []
  const gaps = [...kept, ...made].sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0))
  if (gaps.length > GAPS_MAX) {
    throw new IngestError('POSITIONS_REFUSED', {
      topic: topicName,
      partition,
      reason: `more than ${GAPS_MAX} accepted gaps`,
    })
  }
  const start = next < mark.start ? next : mark.start
  // The leader epoch belonged to the record before the former position.
  return { start, next, ...(gaps.length === 0 ? {} : { gaps }) }
}

/** What is read again is no gap any more; rows of a truncated log stay in the table whatever is read. */
function keptGap(gap: AcceptedGap, next: bigint): AcceptedGap[] {
  if (gap.why === 'truncated' || gap.next <= next) return [gap]
  return gap.first >= next ? [] : [{ ...gap, next }]
}

/** The gaps that the changes made, by partition. */
export const newGaps = (changes: readonly MarkChange[]): readonly (MarkChange & { readonly gap: AcceptedGap })[] =>
  changes.flatMap((change) => {
    const known = new Set(change.before?.gaps)
    return (change.after.gaps ?? [])
      .filter((gap) => ![...known].some((each) => each.first === gap.first))
      .map((gap) => ({ ...change, gap }))
  })

/** The ranges that a change carries: empty ones, at the positions it sets. */
export const changedRanges = (changes: readonly MarkChange[]): PartitionRange[] =>
  changes.map(({ topic, partition, after }) => ({ topic, partition, first: after.next, next: after.next }))
