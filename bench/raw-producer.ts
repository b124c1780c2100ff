// Feeds a topic as fast as a consumer can drain it, at hardly any cost of its own: record batches are made once and sent again and
// again, the broker gives them their offsets. Kafka's Produce request takes one batch of a partition at a time. Invariant: at most
// `aheadMax` messages lie between what was sent and what was committed.
import { setTimeout as sleep } from 'node:timers/promises'
import { FeedPartition } from '../src/main/feed/feed-partition.ts'
import { TradeStream } from '../src/main/feed/synthetic-trades.ts'
import { openKafka } from '../src/main/kafka/connection.ts'
import { type Broker as Connection, createCluster, encoded } from '../src/main/kafka/internals.ts'
import { array, int32, string, WireReader } from '../src/main/kafka/wire.ts'
import type { Broker } from './broker.ts'

const BATCH_RECORDS = 2000
/** Different batches of each partition. */
const BATCHES = 4
const SCHEMA_ID = 1
/** Of the only broker that `k2 services` starts. */
const NODE_ID = 1
const ROOM_MS = 5

export interface RawFeed {
  readonly topic: string
  readonly partitions: number
  readonly aheadMax: number
  /** Messages that are committed by now. */
  readonly committed: () => number
}

/** Until the signal; returns how many messages were sent. Errors: what the broker answers. */
export async function feedRaw(broker: Broker, feed: RawFeed, stop: AbortSignal): Promise<number> {
  const batches = makeBatches(feed.topic, feed.partitions)
  const kafka = openKafka(connectionTo(broker), { text: '' })
  const cluster = createCluster(kafka, { metadataMaxAge: 300_000, allowAutoTopicCreation: false })
  let sent = 0
  try {
    await cluster.connect()
    await cluster.addMultipleTargetTopics([feed.topic])
    const connection = await cluster.findBroker({ nodeId: NODE_ID })
    for (let round = 0; !stop.aborted; round++) {
      while (sent - feed.committed() > feed.aheadMax && !stop.aborted) await sleep(ROOM_MS)
      const parts = batches.map((own) => own[round % own.length] ?? new Uint8Array(0))
      await produce(connection, feed.topic, parts)
      sent += parts.length * BATCH_RECORDS
    }
  } finally {
    await cluster.disconnect()
  }
  return sent
}

const connectionTo = ({ address }: Broker) =>
  ({
    brokers: [address],
    saslMechanism: 'plain',
    saslUsername: null,
    saslPassword: null,
    ssl: false,
    sslCa: null,
    sslCert: null,
    sslKey: null,
  }) as const

/** For each partition a few batches, lz4. Keys do not choose the partition here: every partition gets as much. */
function makeBatches(topic: string, partitions: number): readonly (readonly Uint8Array[])[] {
  return Array.from({ length: partitions }, (_, partition) => {
    const startUs = Date.now() * 1000
    const trades = new TradeStream({
      schemaId: SCHEMA_ID,
      seed: partition,
      symbols: 100,
      partitions: 1,
      startUs,
      stepUs: 1,
    })
    return Array.from({ length: BATCHES }, () => {
      const open = new FeedPartition({
        topic,
        partition,
        codec: 'lz4',
        batchRecords: BATCH_RECORDS,
        next: 0n,
        found: 0,
      })
      do {
        trades.advance()
        trades.write(open.writer)
      } while (!open.end(trades.timestampMs, trades.key))
      return open.seal()
    })
  })
}

/** Produce v7 (KIP-98 and later): no transaction, acknowledged by the leader, one batch for each partition. */
async function produce(connection: Connection, topic: string, batches: readonly Uint8Array[]): Promise<void> {
  const parts = batches.map((batch, partition) => Buffer.concat([int32(partition), int32(batch.length), batch]))
  const [noTransaction, leaderOnly] = [Buffer.from([0xff, 0xff]), Buffer.from([0, 1])]
  const topics = array([Buffer.concat([string(topic), array(parts)])])
  const body = Buffer.concat([noTransaction, leaderOnly, int32(30_000), topics])
  await connection.connectionPool.send({
    request: { apiKey: 0, apiVersion: 7, apiName: 'Produce', encode: async () => encoded(body) },
    response: {
      decode: async (bytes) => {
        const reader = new WireReader(bytes)
        reader.array(() => {
          reader.string()
          reader.array(() => readAnswer(reader, topic))
        })
        return {}
      },
      parse: async (decoded) => decoded,
    },
  })
}

function readAnswer(reader: WireReader, topic: string): void {
  const [partition, errorCode] = [reader.int32(), reader.int16()]
  if (errorCode !== 0) throw new Error(`${topic}/${partition}: the broker answers Produce with code ${errorCode}`)
  for (const _ of ['base offset', 'append time', 'log start']) reader.int64()
}
