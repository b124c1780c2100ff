// How far one partition is: read, encoded, committed, and what is in flight between. Main thread; touched per slice, chunk and commit.
// Invariant: what it remembers is bounded: beyond the limit the two newest slices are taken for one, which makes ages too large, never
// too small.
import type { OffsetRange } from '../../shared/offsets.ts'

/** A slice that is read and not committed. */
interface Held {
  readonly first: bigint
  readonly next: bigint
  /** Undecoded bytes; 0 once they are encoded. */
  bytes: number
  /** Kafka timestamp of its oldest record, ms since 1970; null: it has none. */
  readonly oldestMs: number | null
}

const HELD_MAX = 256

export class PartitionProgress {
  readonly topicName: string
  readonly partition: number
  /** Next offset after what the table holds. */
  committed: bigint
  /** Next offset to read. */
  read: bigint
  #logEnd: bigint
  #held: Held[] = []

  constructor(topicName: string, partition: number, at: { readonly committed: bigint; readonly logEnd: bigint }) {
    this.topicName = topicName
    this.partition = partition
    this.committed = at.committed
    this.read = at.committed
    this.#logEnd = at.logEnd
  }

  /** High watermark, as last seen; what was read is proof of its own. */
  get logEnd(): bigint {
    return this.#logEnd > this.read ? this.#logEnd : this.read
  }

  set logEnd(next: bigint) {
    this.#logEnd = next
  }

  get lag(): bigint {
    return this.logEnd > this.committed ? this.logEnd - this.committed : 0n
  }

  /** Undecoded bytes in flight. */
  get bytes(): number {
    return this.#held.reduce((sum, { bytes }) => sum + bytes, 0)
  }

  /** Kafka timestamp of the oldest record in flight; null where nothing with a timestamp is. */
  get oldestMs(): number | null {
    return this.#held.reduce<number | null>((oldest, { oldestMs }) => earlier(oldest, oldestMs), null)
  }

  slice({ first, next }: OffsetRange, bytes: number, oldestMs: number | null): void {
    this.read = next
    const last = this.#held.at(-1)
    if (this.#held.length < HELD_MAX || last === undefined) this.#held.push({ first, next, bytes, oldestMs })
    else {
      const joined = { first: last.first, next, bytes: last.bytes + bytes, oldestMs: earlier(last.oldestMs, oldestMs) }
      this.#held[this.#held.length - 1] = joined
    }
  }

  /** A chunk is encoded: the slices that end in it are decoded. */
  encoded({ first, next }: OffsetRange): void {
    for (const held of this.#held) if (held.next > first && held.next <= next) held.bytes = 0
  }

  /** The table holds everything before `next`: the oldest timestamps of the slices that are visible by it. */
  commit(next: bigint): number[] {
    this.committed = next
    const visible = this.#held.filter((held) => held.next <= next)
    if (visible.length > 0) this.#held = this.#held.filter((held) => held.next > next)
    return visible.flatMap(({ oldestMs }) => (oldestMs === null ? [] : [oldestMs]))
  }
}

const earlier = (a: number | null, b: number | null): number | null =>
  a === null ? b : b === null ? a : Math.min(a, b)
