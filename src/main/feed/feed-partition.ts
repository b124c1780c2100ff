// The open record batch of one partition: records are encoded straight into one buffer and sealed when the batch is full.
// Main thread. Invariant: batches begin at multiples of `batchRecords` after the feed's start, so that a feed begun again
// cuts the same batches; records that an earlier run left in the log are counted, not written.
import { assert, IngestError } from '../../shared/errors.ts'
import type { WriterCodec } from '../../shared/kafka/compression.ts'
import { writeRecordBatch } from '../../shared/kafka/record-batch-writer.ts'
import { AvroWriter } from './avro-writer.ts'

/** A record on its way out. */
export interface FeedRecord {
  readonly timestampMs: number
  readonly key: Uint8Array
  readonly value: Uint8Array
}

/** A record of the batch writer's shape, reused from batch to batch. */
interface Slot {
  timestampMs: number
  key: Uint8Array
  value: Uint8Array
}

const empty = new Uint8Array(0)

export class FeedPartition {
  /** Between {@link begin} and {@link end}, the value of the current record is written here. */
  readonly writer = new AvroWriter()
  readonly #codec: WriterCodec
  readonly #batchRecords: number
  readonly #place: { readonly topic: string; readonly partition: number }
  readonly #slots: Slot[] = []
  /** Where value i begins; one more entry for the end of the last. */
  readonly #starts: Int32Array
  #count = 0
  #next: bigint
  #found: number
  readonly #foundCount: number

  /** `found`: records of this feed that the log holds already; `next`: the offset after them. */
  constructor(options: {
    readonly topic: string
    readonly partition: number
    readonly codec: WriterCodec
    readonly batchRecords: number
    readonly next: bigint
    readonly found: number
  }) {
    this.#place = { topic: options.topic, partition: options.partition }
    this.#codec = options.codec
    this.#batchRecords = options.batchRecords
    this.#starts = new Int32Array(options.batchRecords + 1)
    this.#next = options.next
    this.#found = options.found
    this.#foundCount = options.found
  }

  /** Ends the record whose value was written since the last one; true when the batch is full and must be sealed. */
  end(timestampMs: number, key: Uint8Array): boolean {
    if (this.#found > 0) {
      this.#found--
      this.writer.rewind(0)
      return false
    }
    if (this.#count === 0 && this.#foundCount % this.#batchRecords !== 0) {
      throw new IngestError('FEED_CONFLICT', {
        ...this.#place,
        reason: 'batches in the log are not those of this feed',
      })
    }
    let slot = this.#slots[this.#count]
    if (slot === undefined) {
      slot = { timestampMs: 0, key: empty, value: empty }
      this.#slots.push(slot)
    }
    slot.timestampMs = timestampMs
    slot.key = key
    this.#starts[++this.#count] = this.writer.at
    return this.#count === this.#batchRecords
  }

  get pending(): number {
    return this.#count
  }

  /** Copies of the pending records (at least one), which are then gone. */
  take(): readonly FeedRecord[] {
    // Not `slice`: the views are Buffers, whose slice shares its memory.
    const records = this.#pendingRecords().map((record) => ({ ...record, value: Uint8Array.from(record.value) }))
    this.#clear()
    return records
  }

  /** The batch of the pending records (at least one), which are then gone. */
  seal(): Uint8Array {
    const records = this.#pendingRecords()
    const batch = writeRecordBatch(records, { baseOffset: this.#next, codec: this.#codec })
    this.#clear()
    return batch
  }

  /** As views into the writer's buffer, made only now: it may have grown, and so moved, while the batch was filled. */
  #pendingRecords(): readonly FeedRecord[] {
    assert(this.#count > 0, 'an empty batch is never sealed')
    const records = this.#slots.slice(0, this.#count)
    records.forEach((slot, index) => {
      slot.value = this.writer.view(this.#starts[index] ?? 0, this.#starts[index + 1] ?? 0)
    })
    return records
  }

  #clear(): void {
    this.#next += BigInt(this.#count)
    this.#count = 0
    this.writer.rewind(0)
  }

  /** Called after the feed's last record. */
  assertAllFoundAgain(): void {
    if (this.#found === 0) return
    throw new IngestError('FEED_CONFLICT', { ...this.#place, reason: 'more records in the log than this feed has' })
  }
}
