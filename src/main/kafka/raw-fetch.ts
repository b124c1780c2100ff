// Decodes a Fetch v11 response without looking into a record: per partition its whole record batches as one view, and the
// transactions that the broker lists as aborted. Main thread; per batch a header is touched, per record nothing.
// Shape: what kafkajs expects of its own decoder, with one stand-in message per partition that carries the raw bytes.
import { IngestError } from '../../shared/errors.ts'

export interface AbortedTransaction {
  readonly producerId: bigint
  /** First offset of the transaction. */
  readonly first: bigint
}

/** One partition's share of a response. */
export interface RawPartition {
  /** Whole v2 batches; a view of the response. The first may begin below the offset that was asked for. */
  readonly bytes: Buffer
  readonly aborted: readonly AbortedTransaction[]
  readonly logStart: bigint
  readonly highWatermark: bigint
}

/** The stand-in message: kafkajs looks only at what is named here. */
interface RawMessage {
  readonly offset: string
  readonly isControlRecord: false
  readonly key: null
  readonly batchContext: object
  readonly raw: RawPartition
}

interface FetchedPartition {
  readonly partition: number
  readonly errorCode: number
  readonly highWatermark: string
  readonly lastStableOffset: string
  readonly lastStartOffset: string
  /** Always empty: kafkajs's own filter leaks aborted records, so it gets nothing to do. */
  readonly abortedTransactions: readonly never[]
  readonly preferredReadReplica: number
  readonly messages: readonly RawMessage[]
}

export interface FetchResponse {
  readonly throttleTime: number
  readonly clientSideThrottleTime: number
  readonly errorCode: number
  readonly sessionId: number
  readonly responses: { readonly topicName: string; readonly partitions: readonly FetchedPartition[] }[]
}

const HEADER_BYTES = 61

/** Errors: BROKER_UNSUPPORTED for message formats before v2. */
export async function decodeRawFetch(bytes: Buffer): Promise<FetchResponse> {
  const responses: FetchResponse['responses'] = []
  let at = 14
  for (let topics = bytes.readInt32BE(10); topics > 0; topics--) {
    const nameEnd = at + 2 + bytes.readInt16BE(at)
    const topicName = bytes.toString('utf8', at + 2, nameEnd)
    const partitions: FetchedPartition[] = []
    at = nameEnd + 4
    for (let count = bytes.readInt32BE(nameEnd); count > 0; count--) {
      const decoded = decodePartition(bytes, at, topicName)
      partitions.push(decoded.partition)
      at = decoded.end
    }
    responses.push({ topicName, partitions })
  }
  return {
    throttleTime: 0,
    clientSideThrottleTime: bytes.readInt32BE(0),
    errorCode: bytes.readInt16BE(4),
    sessionId: bytes.readInt32BE(6),
    responses,
  }
}

/** Partition of a Fetch v11 response at `at` (Kafka protocol guide, "Fetch Response (Version: 11)"). */
function decodePartition(bytes: Buffer, at: number, topic: string): { partition: FetchedPartition; end: number } {
  const partition = bytes.readInt32BE(at)
  const highWatermark = bytes.readBigInt64BE(at + 6)
  const lastStable = bytes.readBigInt64BE(at + 14)
  const logStart = bytes.readBigInt64BE(at + 22)
  const aborted: AbortedTransaction[] = []
  let place = at + 34
  for (let count = bytes.readInt32BE(at + 30); count > 0; count--, place += 16) {
    aborted.push({ producerId: bytes.readBigInt64BE(place), first: bytes.readBigInt64BE(place + 8) })
  }
  const start = place + 8
  const end = start + Math.max(0, bytes.readInt32BE(place + 4))
  const whole = wholeBatches(bytes, start, end, topic, partition)
  const raw: RawPartition = { bytes: bytes.subarray(start, whole.end), aborted, logStart, highWatermark }
  const message: RawMessage = {
    offset: whole.last.toString(),
    isControlRecord: false,
    key: null,
    batchContext: {},
    raw,
  }
  return {
    partition: {
      partition,
      errorCode: bytes.readInt16BE(at + 4),
      highWatermark: highWatermark.toString(),
      lastStableOffset: lastStable.toString(),
      lastStartOffset: logStart.toString(),
      abortedTransactions: [],
      preferredReadReplica: bytes.readInt32BE(place),
      messages: whole.end === start ? [] : [message],
    },
    end,
  }
}

/** The broker may cut the last batch of a partition; it is fetched again. */
function wholeBatches(
  bytes: Buffer,
  start: number,
  end: number,
  topic: string,
  partition: number,
): { end: number; last: bigint } {
  let at = start
  let last = -1n
  while (at + HEADER_BYTES <= end) {
    const length = 12 + bytes.readInt32BE(at + 8)
    if (length < HEADER_BYTES || at + length > end) break
    const magic = bytes.readInt8(at + 16)
    const offset = bytes.readBigInt64BE(at)
    if (magic !== 2) {
      throw new IngestError('BROKER_UNSUPPORTED', { topic, partition, offset, reason: `message format v${magic}` })
    }
    last = offset + BigInt(bytes.readInt32BE(at + 23))
    at += length
  }
  return { end: at, last }
}
