// One read of an assignment: a lane per partition, and a queue of record batches between the fetching consumer and the line. Main
// thread. Invariant: a lane takes a response only if it was asked for at the lane's own next offset, so slices are contiguous; the
// queue is bounded by bytes, and whoever fetches waits for room before it hands over.
import type { TopicKey } from '../../shared/offsets.ts'
import type { RawPartition } from '../kafka/raw-fetch.ts'
import { type VisibleBatches, visibleBatches } from '../kafka/transaction-filter.ts'
import type { RecordBatches } from './record-source.ts'

export interface Lane {
  readonly topic: TopicKey
  readonly topicName: string
  readonly partition: number
  /** Offset that the next response must begin at. */
  next: bigint
  /** Offset to stop before; null: never. */
  readonly end: bigint | null
}

/** The batch that a log holds at or after an offset, by its header. */
export interface NextBatch {
  readonly baseOffset: bigint
  readonly leaderEpoch: number
}

export type Taken = 'taken' | 'ended' | 'misplaced' | 'not read'

export class KafkaReading {
  readonly epoch: number
  readonly #lanes: ReadonlyMap<string, Lane>
  readonly #bytesMax: number
  /** Not to an end: without lanes, too, it waits for its revocation. */
  readonly #isEndless: boolean
  readonly #queue: RecordBatches[] = []
  #queuedBytes = 0
  #failure: unknown = null
  #isClosed = false
  #waiters: (() => void)[] = []

  constructor(epoch: number, lanes: readonly Lane[], limits: { bytesMax: number; isEndless: boolean }) {
    this.epoch = epoch
    this.#lanes = new Map(lanes.map((lane) => [`${lane.topicName}/${lane.partition}`, lane]))
    this.#bytesMax = limits.bytesMax
    this.#isEndless = limits.isEndless
  }

  get lanes(): readonly Lane[] {
    return [...this.#lanes.values()]
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  get queuedBytes(): number {
    return this.#queuedBytes
  }

  get isFull(): boolean {
    return this.#queuedBytes >= this.#bytesMax
  }

  lane(topicName: string, partition: number): Lane | null {
    return this.#lanes.get(`${topicName}/${partition}`) ?? null
  }

  /**
   * Takes a response that was asked for at offset `wanted`. Errors: SOURCE_CORRUPT, of a batch that nobody after us would see; what
   * precedes it was taken.
   */
  take(topicName: string, partition: number, wanted: bigint, raw: RawPartition): Taken {
    const lane = this.lane(topicName, partition)
    if (lane === null || this.#isClosed || hasEnded(lane)) return 'not read'
    if (wanted !== lane.next) return 'misplaced'
    const visible = visibleBatches(raw.bytes, raw.aborted, lane.next, lane.end)
    const next = lane.end !== null && visible.next !== null && visible.next > lane.end ? lane.end : visible.next
    if (next !== null && next > lane.next) this.#push(lane, { ...visible, next })
    this.#wake()
    if (visible.failure !== null) throw visible.failure
    return hasEnded(lane) ? 'ended' : 'taken'
  }

  /** Moves a lane that stands at `from` to the batch with which its log goes on, as nothing is left in between. */
  pass(lane: Lane, from: bigint, { baseOffset: to, leaderEpoch }: NextBatch): Taken {
    if (this.#isClosed || hasEnded(lane)) return 'not read'
    if (from !== lane.next || to <= from) return 'misplaced'
    const next = lane.end !== null && to > lane.end ? lane.end : to
    this.#push(lane, { bytes: new Uint8Array(0), recordCount: 0, leaderEpoch, next })
    this.#wake()
    return hasEnded(lane) ? 'ended' : 'taken'
  }

  #push(lane: Lane, taken: Omit<VisibleBatches, 'failure'> & { readonly next: bigint }): void {
    const { topic, topicName, partition } = lane
    const { next, bytes, recordCount, leaderEpoch } = taken
    const first = lane.next
    this.#queue.push({ topic, topicName, partition, first, next, epoch: this.epoch, bytes, recordCount, leaderEpoch })
    this.#queuedBytes += bytes.length
    lane.next = next
  }

  #wake(): void {
    const waiters = this.#waiters
    this.#waiters = []
    for (const resolve of waiters) resolve()
  }

  /** What comes after the queue is this. */
  fail(error: unknown): void {
    this.#failure ??= error
    this.#wake()
  }

  /** Whatever waits for the queue, on either side, goes on and finds it closed. */
  close(): void {
    this.#isClosed = true
    this.#queue.length = 0
    this.#wake()
  }

  /** Resolves when something was taken or given, or the reading has failed or closed. */
  changed(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve))
  }

  /** Until every lane has ended, the reading is closed, or it failed: what was queued before the failure comes first. */
  async *slices(): AsyncGenerator<RecordBatches, void, undefined> {
    for (;;) {
      if (this.#isClosed) return
      const slice = this.#queue.shift()
      if (slice !== undefined) {
        this.#queuedBytes -= slice.bytes.length
        this.#wake()
        yield slice
      } else if (this.#failure !== null) throw this.#failure
      else if (!this.#isEndless && this.lanes.every(hasEnded)) return
      else await this.changed()
    }
  }
}

export const hasEnded = ({ next, end }: Lane): boolean => end !== null && next >= end
