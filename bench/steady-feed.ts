// Feeds a topic at a steady rate from this process, as a producer with a linger of 25 ms would, and notes when the broker appended
// each record: the topic stamps records with its own clock (LogAppendTime). Invariant: what is due is sent, however late; whoever
// measures looks at the rate that came of it.
import { setTimeout as sleep } from 'node:timers/promises'
import kafkajs, { type Producer } from 'kafkajs'
import { AvroWriter } from '../src/main/feed/avro-writer.ts'
import { registerCodecs } from '../src/main/feed/kafka-codecs.ts'
import { TradeStream } from '../src/main/feed/synthetic-trades.ts'
import type { Broker } from './broker.ts'

const TICK_MS = 25
/** Most records of one send, where the feed is late. */
const SEND_MAX = 5000
const SCHEMA_ID = 1

/** Consecutive records of a partition that the broker appended at one time. */
export interface Appended {
  readonly partition: number
  readonly first: number
  readonly next: number
  readonly appendedMs: number
}

export interface SteadyFeed {
  readonly topic: string
  readonly partitions: number
  readonly perSecond: number
}

export async function createStampedTopic(broker: Broker, { topic, partitions }: SteadyFeed): Promise<void> {
  const admin = client(broker).admin()
  await admin.connect()
  try {
    const configEntries = [
      { name: 'message.timestamp.type', value: 'LogAppendTime' },
      { name: 'retention.ms', value: '-1' },
    ]
    await admin.createTopics({ topics: [{ topic, numPartitions: partitions, configEntries }], waitForLeaders: true })
  } finally {
    await admin.disconnect()
  }
}

/** Silent: a broker that has just started refuses the first try of an idempotent producer, and kafkajs tries again. */
const client = (broker: Broker) => new kafkajs.Kafka({ brokers: [broker.address], logLevel: kafkajs.logLevel.NOTHING })

/** Until the signal. */
export async function feedSteadily(broker: Broker, feed: SteadyFeed, stop: AbortSignal): Promise<readonly Appended[]> {
  registerCodecs()
  const producer = client(broker).producer({ idempotent: true, allowAutoTopicCreation: false })
  await producer.connect()
  const appended: Appended[] = []
  const startUs = Date.now() * 1000
  const stream = { schemaId: SCHEMA_ID, seed: 1, symbols: 100, startUs, stepUs: 1e6 / feed.perSecond }
  const trades = new TradeStream({ ...stream, partitions: feed.partitions })
  const startMs = performance.now()
  let sent = 0
  try {
    while (!stop.aborted) {
      const due = Math.floor(((performance.now() - startMs) * feed.perSecond) / 1000)
      const count = Math.min(SEND_MAX, due - sent)
      if (count > 0) appended.push(...(await send(producer, feed.topic, trades, count)))
      sent += count
      await sleep(TICK_MS - ((performance.now() - startMs) % TICK_MS))
    }
  } finally {
    await producer.disconnect()
  }
  return appended
}

async function send(
  producer: Producer,
  topic: string,
  trades: TradeStream,
  count: number,
): Promise<readonly Appended[]> {
  const writer = new AvroWriter()
  const counts = new Map<number, number>()
  const messages = Array.from({ length: count }, () => {
    writer.rewind(0)
    trades.advance()
    trades.write(writer)
    const { partition } = trades
    counts.set(partition, (counts.get(partition) ?? 0) + 1)
    return { partition, key: Buffer.from(trades.key), value: Buffer.from(writer.view(0, writer.at)) }
  })
  const answers = await producer.send({ topic, messages, acks: -1, compression: kafkajs.CompressionTypes.LZ4 })
  return answers.map(({ partition, baseOffset, logAppendTime }) => {
    if (baseOffset === undefined || logAppendTime === undefined || logAppendTime === '-1') {
      throw new Error('the broker does not say when it appended')
    }
    const first = Number(baseOffset)
    return { partition, first, next: first + (counts.get(partition) ?? 0), appendedMs: Number(logAppendTime) }
  })
}
