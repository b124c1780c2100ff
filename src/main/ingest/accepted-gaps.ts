// The lost offsets that `--accept-gap` gives up: from the stop that names them to the move that the committer makes. Main thread.
// Invariant: a partition is moved once in the life of a process; what is lost after that is a stop again, for somebody to see.
import type { PartitionMove } from '../../shared/commit/position-moves.ts'
import { IngestError } from '../../shared/errors.ts'
import type { GapAcceptance } from '../../shared/option-values.ts'
import type { SourcePartition } from './record-source.ts'

/** A move, and the position that it is meant for. */
export interface GapMove extends PartitionMove {
  readonly position: bigint
}

export class AcceptedGaps {
  readonly #acceptance: GapAcceptance | null
  readonly #taken = new Set<string>()

  constructor(acceptance: GapAcceptance | null) {
    this.#acceptance = acceptance
  }

  /** The move that goes on behind the gap of this error; null where it is no gap, or nobody accepted it. */
  take(error: unknown, partitions: readonly SourcePartition[]): GapMove | null {
    const gap = gapOf(error, partitions)
    if (gap === null || !this.#accepts(gap) || this.#taken.has(nameOf(gap))) return null
    this.#taken.add(nameOf(gap))
    return gap
  }

  #accepts(gap: GapMove): boolean {
    if (this.#acceptance === null) return false
    return this.#acceptance.kind === 'all' || this.#acceptance.partitions.includes(nameOf(gap))
  }
}

const nameOf = ({ topicName, partition }: PartitionMove): string => `${topicName}/${partition}`

/** Retention: on from the log start. Truncation: on from where the log was cut, as other records have these offsets now. */
function gapOf(error: unknown, partitions: readonly SourcePartition[]): GapMove | null {
  if (!(error instanceof IngestError) || error.code !== 'POSITION_OUT_OF_RANGE') return null
  const { topic: name, partition: number, position, epochEnd } = error.context
  const found = partitions.find((each) => each.topicName === name && each.partition === number)
  if (found === undefined || typeof position !== 'bigint') return null
  const { topic, topicName, partition, logStart, logEnd } = found
  const place = { topic, topicName, partition, position }
  if (position < logStart) return { ...place, next: logStart, why: 'retention' }
  const cut = typeof epochEnd === 'bigint' ? epochEnd : logEnd
  if (cut >= position) return null
  return { ...place, next: cut < logStart ? logStart : cut, why: 'truncated' }
}
