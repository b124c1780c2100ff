// A feed's way into a topic of a Kafka cluster: idempotent producer, one request per record batch. Main thread. Invariants: a topic
// that holds records is refused unless to be added to; requests that are sent again do not double records, within one run. A feed
// that ends early is not gone on with: the brokers keep no note of how far it was.
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
    await prepareTopic(kafka, target)
    const producer = kafka.producer({
      idempotent: true,
      allowAutoTopicCreation: false,
      // Every record names its partition.
      createPartitioner:
        () =>
        ({ message }) =>
          message.partition ?? 0,
    })
    await producer.connect()
    return { kind: 'open', sink: new KafkaFeed(target, producer, messages) }
  } catch (error) {
    throw placed(error, target)
  }
}

async function prepareTopic(kafka: Kafka, target: KafkaTarget): Promise<void> {
  const admin = kafka.admin()
  await admin.connect()
  try {
    if ((await admin.listTopics()).includes(target.topic)) await checkTopic(admin, target)
    else await createTopic(admin, target)
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

async function checkTopic(admin: Admin, { topic, partitions, append }: KafkaTarget): Promise<void> {
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
  readonly #producer: Producer
  readonly #messages: number
  readonly #partitions: readonly FeedPartition[]
  readonly #writes: Promise<void>[] = []
  /** Ends with the send that was asked for last; once one has failed, none follows. */
  #turn: Promise<void> = Promise.resolve()
  #done = 0
  #written = 0
  #bytes = 0

  constructor(target: KafkaTarget, producer: Producer, messages: number) {
    const { topic, partitions, codec, batchRecords } = target
    this.#target = target
    this.#producer = producer
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
    // One after the other, as kafkajs would for each broker itself, by a lock that it takes outside of what forgets a broker that
    // failed (2.2.4, sendMessages.js): left to it, records went out twice once, in a test that kills the broker.
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
    for (const startMs = performance.now(); ; await sleep(SEND_PAUSE_MS)) {
      try {
        await this.#producer.send({ topic, messages, acks: -1, compression: compressionOf[codec] })
        break
      } catch (error) {
        // kafkajs gives up a connection after seconds. It has taken the sequence number back: the same records again are the same
        // batch to the broker, which drops it if it has it.
        const own = placed(error, this.#target)
        const isOver = performance.now() - startMs > SEND_MS_MAX || this.#target.signal?.aborted === true
        if (own.action !== 'retry' || isOver || isFinal(error)) throw own
      }
    }
    this.#written += records.length
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
