// Fetch v11 of one partition, asked and read by ourselves: what `k2 verify` reads brokers with, beside the fetches of the consumers.
// Main thread. Isolation is read_uncommitted: everything below the high watermark comes, aborted and control batches too.
import { type Broker, encoded } from './internals.ts'
import { array, int8, int32, int64, string, WireReader } from './wire.ts'

export interface PartitionFetch {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  /** The first batch comes whole, whatever its size (KIP-74). */
  readonly bytesMax: number
  readonly waitMsMax: number
}

export interface FetchedRecords {
  /** 0: none; 1: offset out of range; 3: unknown topic; 6: not the leader; 29: not authorized. */
  readonly errorCode: number
  readonly logStart: bigint
  readonly highWatermark: bigint
  /** Record batches from the one that holds the offset on; the last one may be cut. */
  readonly bytes: Buffer
}

/** Of a partition that this broker leads (Kafka protocol guide, "Fetch API", version 11, outside of a fetch session). */
export async function fetchRecords(broker: Broker, wanted: PartitionFetch): Promise<FetchedRecords> {
  const { topic, partition, offset, bytesMax, waitMsMax } = wanted
  const place = Buffer.concat([int32(partition), int32(-1), int64(offset), int64(-1n), int32(bytesMax)])
  const body = Buffer.concat([
    ...[int32(-1), int32(waitMsMax), int32(1), int32(bytesMax), int8(0), int32(0), int32(-1)],
    ...[array([Buffer.concat([string(topic), array([place])])]), array([]), string('')],
  ])
  const answer: { value: FetchedRecords | null } = { value: null }
  await broker.connectionPool.send({
    request: { apiKey: 1, apiVersion: 11, apiName: 'Fetch', encode: async () => encoded(body) },
    response: {
      decode: async (bytes) => {
        answer.value = readFetched(bytes)
        return {}
      },
      parse: async (decoded) => decoded,
    },
  })
  if (answer.value === null) throw new Error(`Fetch of ${topic}/${partition} came back without it`)
  return answer.value
}

/** The one partition of a response; null where there is none. */
export function readFetched(bytes: Buffer): FetchedRecords | null {
  const reader = new WireReader(bytes)
  reader.int32()
  const wholeError = reader.int16()
  reader.int32()
  const found = reader.array(() => {
    reader.string()
    return reader.array(() => {
      reader.int32()
      const errorCode = reader.int16()
      const highWatermark = reader.int64()
      // Last stable offset: the caller has asked for its end before.
      reader.int64()
      const logStart = reader.int64()
      reader.array(() => [reader.int64(), reader.int64()])
      reader.int32()
      return { errorCode, logStart, highWatermark, bytes: reader.bytes() }
    })
  })
  const [first] = found.flat()
  if (wholeError !== 0) return { errorCode: wholeError, logStart: -1n, highWatermark: -1n, bytes: Buffer.alloc(0) }
  return first ?? null
}
