// One partition of a cluster as `k2 verify` reads it: by plain fetches from its leader, without a group, and with neither the fetch
// decoder nor the transaction filter of `k2 run`. Main thread. Invariant: what was read to the end is the topic that was found.
import { IngestError } from '../../shared/errors.ts'
import { BATCH_HEADER_BYTES, batchFault, type LogBatch, parseBatch } from '../../shared/verify/log-batch.ts'
import { untilAnswered } from '../ingest/kafka-partitions.ts'
import type { ClusterLook } from '../kafka/cluster-look.ts'
import { fetchRecords } from '../kafka/fetch-request.ts'

export interface BrokerPlace {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  /** Node id. */
  readonly leader: number
  /** Read no further. */
  readonly end: number
}

/** How long brokers that do not answer are asked again. */
export type Waiting = Parameters<typeof untilAnswered>[1]

const FETCH_BYTES_MAX = 8 * 1024 * 1024
const WAIT_MS_MAX = 500
/** Kafka's codes. */
const OUT_OF_RANGE = 1
const REFUSED = 29

/** Part of a partition's log, from the batch that holds the offset asked for; or where the log begins now. */
type Answer =
  | { readonly kind: 'batches'; readonly bytes: Buffer; readonly highWatermark: number }
  | { readonly kind: 'gone'; readonly logStart: number }

export class BrokerLog {
  readonly #look: ClusterLook
  readonly #place: BrokerPlace
  readonly #waiting: Waiting
  /** Null: to be asked for anew. */
  #leader: number | null

  constructor(look: ClusterLook, place: BrokerPlace, waiting: Waiting) {
    this.#look = look
    this.#place = place
    this.#waiting = waiting
    this.#leader = place.leader
  }

  /** As a LogPartition's. Each call reads anew. */
  batches(from: number): AsyncGenerator<LogBatch> {
    return this.#read(from, this.#place.end)
  }

  /** As a LogPartition's: from the start to the high watermark that the first answer tells. */
  batchesWithEnds(): AsyncGenerator<LogBatch> {
    return this.#read(0, null)
  }

  /** `limit` null: the high watermark, as it is now. */
  async *#read(from: number, limit: number | null): AsyncGenerator<LogBatch> {
    let end = limit ?? this.#place.end
    let isLimited = limit !== null
    for (let next = from; next < end; ) {
      const answer = await untilAnswered(() => this.#ask(next), this.#waiting)
      if (answer.kind === 'gone') {
        next = answer.logStart
        continue
      }
      if (!isLimited) end = Math.max(end, answer.highWatermark)
      isLimited = true
      for (const batch of this.#split(answer.bytes, next)) {
        // Where the end lies before the batch, compaction has left nothing in between.
        next = batch.baseOffset >= end ? end : batch.nextOffset
        if (batch.baseOffset >= end) break
        yield batch
      }
    }
    await untilAnswered(() => this.#confirm(), this.#waiting)
  }

  /** Errors: BROKER_*, SOURCE_EMPTY, TOPIC_RECREATED, POSITION_OUT_OF_RANGE. */
  async #ask(offset: number): Promise<Answer> {
    const { topic, partition, end } = this.#place
    const wanted = { topic, partition, offset: BigInt(offset), bytesMax: FETCH_BYTES_MAX, waitMsMax: WAIT_MS_MAX }
    try {
      this.#leader ??= await this.#findLeader()
      const { errorCode, bytes, highWatermark } = await this.#look.askBroker(this.#leader, (broker) =>
        fetchRecords(broker, wanted),
      )
      if (errorCode === REFUSED) throw new IngestError('BROKER_REFUSED', { topic })
      if (errorCode === OUT_OF_RANGE) return await this.#gone(offset, this.#leader)
      // Below its last stable offset a log holds something: the batch there, or a later one after compaction.
      if (errorCode !== 0 || bytes.length < BATCH_HEADER_BYTES) {
        throw new IngestError('BROKER_UNREACHABLE', { topic, partition, offset, end, errorCode })
      }
      return { kind: 'batches', bytes, highWatermark: Number(highWatermark) }
    } catch (error) {
      this.#leader = null
      throw error
    }
  }

  /** Retention went on since the partition was found: what it took is no longer the source's. */
  async #gone(offset: number, leader: number): Promise<Answer> {
    const { topic, partition, end } = this.#place
    const logStart = Number((await this.#look.earliest([{ topic, partition, leader }])).of(topic, partition))
    if (logStart > offset) return { kind: 'gone', logStart }
    throw new IngestError('POSITION_OUT_OF_RANGE', { topic, partition, offset, logEnd: end, reason: 'truncated' })
  }

  async #findLeader(): Promise<number> {
    const { topic, topicId, partition } = this.#place
    const { topics } = await this.#look.topics({ kind: 'names', names: [topic] })
    const found = topics.find(({ name }) => name === topic)
    if (found?.topicId !== topicId) throw this.#recreated(found?.topicId)
    const leader = found.partitions.find((each) => each.partition === partition)?.leader
    if (leader === undefined)
      throw new IngestError('BROKER_UNREACHABLE', { topic, partition, reason: 'no such partition' })
    return leader
  }

  /** Fetches go by name: a topic made again is told by its id only. */
  async #confirm(): Promise<void> {
    const { topic, topicId } = this.#place
    const found = (await this.#look.topicIds([topic])).get(topic)
    if (found !== topicId) throw this.#recreated(found)
  }

  #recreated(found: string | undefined): IngestError {
    const { topic, topicId } = this.#place
    return new IngestError('TOPIC_RECREATED', { topic, was: topicId, is: found ?? 'none' })
  }

  /** Whole batches that end behind `next`; the last of a response may be cut, and is asked for again. */
  *#split(bytes: Buffer, next: number): Generator<LogBatch> {
    let expected = -1
    for (let at = 0; at + BATCH_HEADER_BYTES <= bytes.length; ) {
      const length = 12 + bytes.readInt32BE(at + 8)
      if (length < BATCH_HEADER_BYTES) throw this.#corrupt(bytes, at, `batch length ${length - 12}`)
      if (at + length > bytes.length) return
      const whole = bytes.subarray(at, at + length)
      const fault = batchFault(whole)
      if (fault !== null) throw this.#corrupt(bytes, at, fault)
      const batch = parseBatch(whole)
      if (batch.baseOffset < expected) throw this.#corrupt(bytes, at, `expected offset ${expected} or later`)
      expected = batch.nextOffset
      at += length
      if (batch.nextOffset > next) yield batch
    }
  }

  #corrupt(bytes: Buffer, at: number, reason: string): IngestError {
    const { topic, partition } = this.#place
    return new IngestError('SOURCE_CORRUPT', { topic, partition, offset: bytes.readBigInt64BE(at), reason })
  }
}
