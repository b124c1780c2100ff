// A feed's way into a topic of a Kafka cluster: idempotent producer, one request per record batch. Main thread. Invariants: a topic
// that holds records is refused unless to be added to; within one run a batch is sent again only where the log's end says that it is
// not there (nobody else writes into the partition meanwhile). A feed that ends early is not gone on with: brokers keep no note of it.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Admin, Kafka, Producer } from 'kafkajs'
import { CompressionTypes } from 'kafkajs'
import { IngestError } from '../../shared/errors.ts'
import type { WriterCodec } from '../../shared/kafka/compression.ts'
import { brokerError, openKafka } from '../kafka/connection.ts'
import type { AvroWriter } from './avro-writer.ts'
import { FeedPartition, type FeedRecord } from './feed-partition.ts'
import type { BrokersPlace, FeedResult, FeedSettings, FeedSink, OpenedFeed } from './feed-sink.ts'
import { registerCodecs } from './kafka-codecs.ts'

type KafkaTarget = FeedSettings & BrokersPlace

/** A broker that restarts is waited for. */
const SEND_MS_MAX = 120_000
const SEND_PAUSE_MS = 500
const OFFSETS_TRIES_MAX = 20

/** Makes the topic where it is missing. Errors: FEED_CONFLICT, BROKER_UNREACHABLE, BROKER_REFUSED. */
export async function openKafkaFeed(target: KafkaTarget, messages: number): Promise<OpenedFeed> {
  registerCodecs()
  const kafka = openKafka(target.connection, { text: '' })
  try {
    const ends = await prepareTopic(kafka, target)
    return { kind: 'open', sink: new KafkaFeed(target, { kafka, producer: await openProducer(kafka), ends }, messages) }
  } catch (error) {
    throw placed(error, target)
  }
}

/**
 * Each failure is shown at once: whether a batch is sent again is not for kafkajs to decide. It refuses 0 retries of an idempotent
 * producer (2.2.4, producer/index.js), not knowing that they are made here; NaN passes its check, and no count of attempts is below it.
 */
async function openProducer(kafka: Kafka): Promise<Producer> {
  const producer = kafka.producer({
    idempotent: true,
    allowAutoTopicCreation: false,
    retry: { retries: Number.NaN },
    // Every record names its partition.
    createPartitioner:
      () =>
      ({ message }) =>
        message.partition ?? 0,
  })
  await producer.connect()
  return producer
}

/** The end offset of each partition. */
const prepareTopic = (kafka: Kafka, target: KafkaTarget): Promise<bigint[]> =>
  withAdmin(kafka, async (admin) => {
    if ((await admin.listTopics()).includes(target.topic)) return checkTopic(admin, target)
    await createTopic(admin, target)
    return Array.from({ length: target.partitions }, () => 0n)
  })

async function withAdmin<T>(kafka: Kafka, work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = kafka.admin()
  await admin.connect()
  try {
    return await work(admin)
  } finally {
    await admin.disconnect()
  }
}

/**
 * The records carry their own times, which may be years old: by Kafka's default of a week they would be deleted within minutes.
 * Replicas as the brokers have it by default.
 */
async function createTopic(admin: Admin, { topic, partitions }: KafkaTarget): Promise<void> {
  const configEntries = [
    { name: 'retention.ms', value: '-1' },
    { name: 'message.timestamp.type', value: 'CreateTime' },
  ]
  await admin.createTopics({ topics: [{ topic, numPartitions: partitions, configEntries }], waitForLeaders: true })
}

async function checkTopic(admin: Admin, { topic, partitions, append }: KafkaTarget): Promise<bigint[]> {
  const found = await offsetsOf(admin, topic)
  if (found.length !== partitions) {
    const reason = 'the topic is there with another number of partitions'
    throw new IngestError('FEED_CONFLICT', { topic, partitions: found.length, wanted: partitions, reason })
  }
  const held = found.find(({ low, high }) => BigInt(high) > BigInt(low))
  if (held !== undefined && !append) {
    const reason = 'the topic holds records'
    throw new IngestError('FEED_CONFLICT', { topic, partition: held.partition, next: held.high, reason })
  }
  return Array.from({ length: partitions }, (_, partition) => endOf(found, partition))
}

const endOf = (found: readonly { readonly partition: number; readonly high: string }[], partition: number): bigint =>
  BigInt(found.find((each) => each.partition === partition)?.high ?? 0)

/** What the log's end says of a batch of `records` that was sent at `end` and not answered. Pure. */
export function batchAt(end: bigint, records: number, found: bigint): 'absent' | 'there' | 'unknown' {
  if (found === end) return 'absent'
  return found === end + BigInt(records) ? 'there' : 'unknown'
}

/** A topic that was just made may have partitions without a leader for a moment. */
async function offsetsOf(admin: Admin, topic: string): ReturnType<Admin['fetchTopicOffsets']> {
  for (let tries = 1; ; tries++) {
    try {
      return await admin.fetchTopicOffsets(topic)
    } catch (error) {
      if (brokerError(error).action !== 'retry' || isFinal(error) || tries >= OFFSETS_TRIES_MAX) throw error
      await sleep(SEND_PAUSE_MS)
    }
  }
}

/** kafkajs's errors with where they happened. */
function placed(error: unknown, { connection, topic }: KafkaTarget): IngestError {
  return brokerError(error, { brokers: connection.brokers.join(), topic })
}

/** A broker's own answer that will not change: a batch too large, a sequence it does not know. */
function isFinal(error: unknown): boolean {
  for (let at = error, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth++) {
    if (at.name === 'KafkaJSProtocolError' && Reflect.get(at, 'retriable') === false) return true
  }
  return false
}

class KafkaFeed implements FeedSink {
  readonly #target: KafkaTarget
  readonly #kafka: Kafka
  #producer: Producer
  /** By partition: the offset of the next record. */
  readonly #ends: bigint[]
  readonly #messages: number
  readonly #partitions: readonly FeedPartition[]
  readonly #writes: Promise<void>[] = []
  /** Ends with the send that was asked for last; once one has failed, none follows. */
  #turn: Promise<void> = Promise.resolve()
  #done = 0
  #written = 0
  #bytes = 0

  constructor(
    target: KafkaTarget,
    open: { readonly kafka: Kafka; readonly producer: Producer; readonly ends: bigint[] },
    messages: number,
  ) {
    const { topic, partitions, codec, batchRecords } = target
    this.#target = target
    this.#kafka = open.kafka
    this.#producer = open.producer
    this.#ends = open.ends
    this.#messages = messages
    this.#partitions = Array.from(
      { length: partitions },
      (_, partition) => new FeedPartition({ topic, partition, codec, batchRecords, next: 0n, found: 0 }),
    )
  }

  writer(partition: number): AvroWriter {
    return this.#at(partition).writer
  }

  end(partition: number, timestampMs: number, key: Uint8Array): boolean {
    this.#done++
    return this.#at(partition).end(timestampMs, key)
  }

  /** Errors: BROKER_UNREACHABLE, BROKER_REFUSED. */
  async flush(partition: number): Promise<boolean> {
    const records = this.#at(partition).take()
    await this.#writes[partition]
    // One after the other: what is in doubt is one batch, and its producer can be replaced.
    const write = this.#turn.then(() => this.#send(partition, records))
    this.#turn = write
    // Its failure is thrown where it is awaited, by the partition's next flush or at the end.
    write.catch(() => {})
    this.#writes[partition] = write
    this.#target.onProgress?.(this.#done, this.#messages)
    return this.#target.signal?.aborted !== true
  }

  async complete(): Promise<FeedResult> {
    for (const [index, partition] of this.#partitions.entries()) if (partition.pending > 0) await this.flush(index)
    await Promise.all(this.#writes)
    return this.#result('written')
  }

  async stop(): Promise<FeedResult> {
    await Promise.all(this.#writes)
    return this.#result('stopped')
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#writes)
    await this.#producer.disconnect().catch(() => undefined)
  }

  /** One record batch, acknowledged by all replicas in sync. */
  async #send(partition: number, records: readonly FeedRecord[]): Promise<void> {
    const { topic, codec } = this.#target
    const messages = records.map(({ timestampMs, key, value }) => {
      this.#bytes += key.length + value.length
      return { partition, key: asBuffer(key), value: asBuffer(value), timestamp: String(timestampMs) }
    })
    const compression = compressionOf[codec]
    let isInDoubt = false
    for (const startMs = performance.now(); ; await sleep(SEND_PAUSE_MS)) {
      try {
        if (isInDoubt && (await this.#isThere(partition, messages.length))) break
        isInDoubt = true
        await this.#producer.send({ topic, messages, acks: -1, compression })
        break
      } catch (error) {
        const own = placed(error, this.#target)
        const isOver = performance.now() - startMs > SEND_MS_MAX || this.#target.signal?.aborted === true
        if (own.action !== 'retry' || isOver || isFinal(error)) throw own
      }
    }
    this.#ends[partition] = this.#endOf(partition) + BigInt(records.length)
    this.#written += records.length
  }

  /**
   * Whether a batch that was not answered is in the log. Brokers know a batch again by producer and sequence, which is not enough: one
   * that starts forgets producers whose newest record is more than a day old (producer.id.expiration.ms, by the records' own times), and
   * then takes the batch twice. One that arrives after this look meets a broker that has not started since, and is known again.
   * Errors: FEED_CONFLICT.
   */
  async #isThere(partition: number, records: number): Promise<boolean> {
    const { topic } = this.#target
    const end = this.#endOf(partition)
    const found = endOf(await withAdmin(this.#kafka, (admin) => offsetsOf(admin, topic)), partition)
    const at = batchAt(end, records, found)
    if (at === 'absent') return false
    if (at === 'unknown') {
      const reason =
        'the broker failed while others wrote into the partition: whether it has the last batch cannot be told'
      throw new IngestError('FEED_CONFLICT', { topic, partition, next: String(end), found: String(found), reason })
    }
    // kafkajs has taken the sequence number back: the next batch would pass for this one.
    await this.#producer.disconnect().catch(() => undefined)
    this.#producer = await openProducer(this.#kafka)
    return true
  }

  #endOf(partition: number): bigint {
    const end = this.#ends[partition]
    if (end === undefined) throw new RangeError(`partition ${partition} of ${this.#ends.length}`)
    return end
  }

  #result(outcome: 'written' | 'stopped'): FeedResult {
    const { topic, partitions, connection } = this.#target
    const directory = connection.brokers.join()
    const counts = { messages: this.#written, messagesFound: 0, bytes: this.#bytes }
    return { place: 'brokers', directory, topic, partitions, outcome, ...counts }
  }

  #at(partition: number): FeedPartition {
    const found = this.#partitions[partition]
    if (found === undefined) throw new RangeError(`partition ${partition} of ${this.#partitions.length}`)
    return found
  }
}

const compressionOf: Readonly<Record<WriterCodec, CompressionTypes>> = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  'snappy-xerial': CompressionTypes.Snappy,
  lz4: CompressionTypes.LZ4,
  zstd: CompressionTypes.ZSTD,
}

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
