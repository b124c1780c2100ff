// Four requests that kafkajs has not, or not in the version that tells enough: topic ids, stable ends, leader epochs. Main thread.
// Versions are those that brokers from 2.8 on speak and 4.x still does. Errors are Kafka's own codes, left to the caller.
import { type Broker, encoded } from './internals.ts'
import { array, compactArray, compactString, int8, int32, int64, string, WireReader } from './wire.ts'

export interface TopicMetadata {
  /** 0: none; 3: unknown topic; 5: no leader now; 29: not authorized. */
  readonly errorCode: number
  readonly name: string
  /** Kafka's topic id, base64 for URLs. */
  readonly topicId: string
  readonly isInternal: boolean
  readonly partitions: readonly {
    readonly errorCode: number
    readonly partition: number
    /** -1: none. */
    readonly leader: number
    readonly leaderEpoch: number
  }[]
}

export interface ClusterMetadata {
  readonly clusterId: string
  readonly topics: readonly TopicMetadata[]
}

/** Metadata v12 of topics by name; null: of all topics. */
export function fetchMetadata(broker: Broker, topics: readonly string[] | null): Promise<ClusterMetadata> {
  const wanted = topics?.map((name) => Buffer.concat([Buffer.alloc(16), compactString(name), int8(0)])) ?? null
  // Flexible requests have a tag buffer after the client id: one more 0 before the body. No topic is created, no operations asked.
  const body = Buffer.concat([int8(0), compactArray(wanted), int8(0), int8(0), int8(0)])
  return send(broker, { apiKey: 3, apiVersion: 12, apiName: 'Metadata' }, body, (reader) => {
    reader.tags()
    reader.int32()
    reader.compactArray(() => skipBroker(reader))
    const clusterId = reader.compactString()
    reader.int32()
    return { clusterId, topics: reader.compactArray(() => readTopic(reader)) }
  })
}

function skipBroker(reader: WireReader): void {
  reader.int32()
  reader.compactString()
  reader.int32()
  reader.compactString()
  reader.tags()
}

function readTopic(reader: WireReader): TopicMetadata {
  const errorCode = reader.int16()
  const name = reader.compactString()
  const topicId = reader.uuid()
  const isInternal = reader.int8() !== 0
  const partitions = reader.compactArray(() => {
    const head = { errorCode: reader.int16(), partition: reader.int32(), leader: reader.int32() }
    const leaderEpoch = reader.int32()
    for (const _ of ['replicas', 'in sync', 'offline']) reader.compactArray(() => reader.int32())
    reader.tags()
    return { ...head, leaderEpoch }
  })
  reader.int32()
  reader.tags()
  return { errorCode, name, topicId, isInternal, partitions }
}

/** What ListOffsets is asked for instead of a time in ms since 1970. */
export const EARLIEST = -2n
/** With read_committed: the last stable offset. */
export const LATEST = -1n

export interface PartitionOffset {
  readonly topic: string
  readonly partition: number
  readonly errorCode: number
  /** -1: no record is that young. */
  readonly offset: bigint
}

/** ListOffsets v2, read_committed, of partitions that this broker leads. */
export async function listOffsets(
  broker: Broker,
  wanted: readonly { readonly topic: string; readonly partition: number; readonly time: bigint }[],
  isolation: 'read committed' | 'read uncommitted',
): Promise<PartitionOffset[]> {
  const topics = byTopic(wanted, ({ partition, time }) => Buffer.concat([int32(partition), int64(time)]))
  const body = Buffer.concat([int32(-1), int8(isolation === 'read committed' ? 1 : 0), topics])
  const answers = await send(broker, { apiKey: 2, apiVersion: 2, apiName: 'ListOffsets' }, body, (reader) => {
    reader.int32()
    return reader.array(() => {
      const topic = reader.string()
      return reader.array(() => {
        const head = { topic, partition: reader.int32(), errorCode: reader.int16() }
        reader.int64()
        return { ...head, offset: reader.int64() }
      })
    })
  })
  return answers.flat()
}

/**
 * OffsetForLeaderEpoch v3 of partitions that this broker leads: the offset after the last one of that epoch, or of the newest epoch
 * before it; -1 where the epoch is not known.
 */
export async function endOfEpochs(
  broker: Broker,
  wanted: readonly { readonly topic: string; readonly partition: number; readonly leaderEpoch: number }[],
): Promise<PartitionOffset[]> {
  const topics = byTopic(wanted, ({ partition, leaderEpoch }) =>
    Buffer.concat([int32(partition), int32(-1), int32(leaderEpoch)]),
  )
  const body = Buffer.concat([int32(-1), topics])
  const answers = await send(broker, { apiKey: 23, apiVersion: 3, apiName: 'OffsetForLeaderEpoch' }, body, (reader) => {
    reader.int32()
    return reader.array(() => {
      const topic = reader.string()
      return reader.array(() => {
        const errorCode = reader.int16()
        const partition = reader.int32()
        reader.int32()
        return { topic, partition, errorCode, offset: reader.int64() }
      })
    })
  })
  return answers.flat()
}

/** The array of topics, each with its array of partitions, that requests on partitions are made of. */
function byTopic<P extends { readonly topic: string }>(wanted: readonly P[], write: (partition: P) => Buffer): Buffer {
  const names = [...new Set(wanted.map(({ topic }) => topic))]
  const partitionsOf = (name: string): Buffer => array(wanted.filter(({ topic }) => topic === name).map(write))
  return array(names.map((name) => Buffer.concat([string(name), partitionsOf(name)])))
}

async function send<T>(
  broker: Broker,
  api: { readonly apiKey: number; readonly apiVersion: number; readonly apiName: string },
  body: Buffer,
  read: (reader: WireReader) => T,
): Promise<T> {
  const answer: { value: T | null } = { value: null }
  await broker.connectionPool.send({
    request: { ...api, encode: async () => encoded(body) },
    response: {
      decode: async (bytes) => {
        answer.value = read(new WireReader(bytes))
        return {}
      },
      parse: async (decoded) => decoded,
    },
  })
  if (answer.value === null) throw new Error(`${api.apiName} came back without an answer`)
  return answer.value
}
