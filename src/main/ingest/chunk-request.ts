// From slices of record batches to the request of one chunk, and back from halves to one result. Pure. Invariant: a chunk has
// one part per partition, its bytes are copied once into memory of their own, so that they can be transferred to a worker.
import { randomUUID } from 'node:crypto'
import type { ErrorCode, IngestError } from '../../shared/errors.ts'
import { readBatchHeader } from '../../shared/kafka/record-batch.ts'
import type { DeadLetterCounts, EncodeReply, EncodeRequest, RangeOutcome, StageTimes } from '../../shared/messages.ts'
import { partitionKey } from '../../shared/offsets.ts'
import type { RecordBatches } from './record-source.ts'

export type Encoded = Extract<EncodeReply, { kind: 'encoded' }> & {
  /** What ended the chunk early: its ranges end before that place, and nothing may follow them. */
  readonly endedBy?: IngestError
}
/** What is the same for every chunk of a route. */
export type ChunkContext = Pick<EncodeRequest, 'policy' | 'main' | 'deadLetters' | 'decompressedBytesMax'> & {
  /** Absent: rows and dead letters. */
  readonly puts?: EncodeRequest['puts']
}
export type Schemas = Pick<EncodeRequest, 'schemas' | 'missingSchemaIds'>

/** Joins the slices of each partition and copies their bytes; the straddled record batch of a cut may be in two chunks. */
export function chunkRequest(slices: readonly RecordBatches[], context: ChunkContext, schemas: Schemas): EncodeRequest {
  const byPartition = new Map<string, RecordBatches[]>()
  for (const slice of slices) {
    const key = partitionKey(slice.topic, slice.partition)
    const held = byPartition.get(key)
    if (held === undefined) byPartition.set(key, [slice])
    else held.push(slice)
  }
  const parts = [...byPartition.values()].map((held) => {
    const [head, last] = [held[0], held.at(-1)]
    if (head === undefined || last === undefined) throw new Error('a partition without slices')
    const { topic, topicName, partition, first } = head
    return { topic, topicName, partition, first, next: last.next, bytes: concat(held.map(ownBytes)) }
  })
  return {
    kind: 'encode',
    ...context,
    ...schemas,
    fileStem: randomUUID(),
    parts,
    seenAtUs: (BigInt(Date.now()) * 1000n).toString(),
    puts: context.puts ?? 'rows and dead letters',
  }
}

/** A record batch that straddles two slices of a chunk is in the bytes of both: it is taken from the first. */
function ownBytes(slice: RecordBatches, index: number): Uint8Array {
  const header = index === 0 ? null : readBatchHeader(slice.bytes, 0)
  return header !== null && header.baseOffset < slice.first ? slice.bytes.subarray(header.length) : slice.bytes
}

function concat(pieces: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    joined.set(piece, at)
    at += piece.length
  }
  return joined
}

/**
 * Halves a chunk by partitions, or by offsets where it has one partition. Null when it holds a single offset.
 * Slices are cut by offset only: the worker skips what lies outside [first, next).
 */
export function halve(
  slices: readonly RecordBatches[],
): readonly [readonly RecordBatches[], readonly RecordBatches[]] | null {
  if (slices.length > 1) {
    const middle = slices.length >> 1
    return [slices.slice(0, middle), slices.slice(middle)]
  }
  const [slice] = slices
  if (slice === undefined || slice.next - slice.first < 2n) return null
  const cut = (slice.first + slice.next) / 2n
  return [[{ ...slice, next: cut }], [{ ...slice, first: cut }]]
}

/**
 * The slices of a chunk without what an error keeps from being encoded: its partition ends before the record batch or record that
 * it names. Null where it names none, or where nothing is left.
 */
export function slicesBefore(slices: readonly RecordBatches[], error: IngestError): readonly RecordBatches[] | null {
  const { topic, partition, offset, batch } = error.context
  const place = offset ?? batch
  if (place === undefined || typeof place === 'boolean') return null
  const end = BigInt(place)
  const left = slices.flatMap((slice) => {
    if (slice.topicName !== topic || slice.partition !== partition || slice.next <= end) return [slice]
    return slice.first < end ? [{ ...slice, next: end }] : []
  })
  const isShorter = left.length < slices.length || left.some((slice, index) => slice.next !== slices[index]?.next)
  return isShorter && left.length > 0 ? left : null
}

/** The results of the two halves of a chunk as the result of the whole. */
export function joinEncoded(a: Encoded, b: Encoded): Encoded {
  return {
    kind: 'encoded',
    ranges: joinOutcomes([...a.ranges, ...b.ranges]),
    dataFiles: [...a.dataFiles, ...b.dataFiles],
    deadLetterFiles: [...a.deadLetterFiles, ...b.deadLetterFiles],
    encodedAtMs: Math.min(a.encodedAtMs, b.encodedAtMs),
    times: addTimes(a.times, b.times),
    ...addCodes(a.deadLetterCodes, b.deadLetterCodes),
    ...(b.endedBy === undefined ? {} : { endedBy: b.endedBy }),
  }
}

function addCodes(a: DeadLetterCounts = {}, b: DeadLetterCounts = {}): Pick<Encoded, 'deadLetterCodes'> {
  const sums: Partial<Record<ErrorCode, number>> = { ...a }
  // Keys of a record of ours: Object.entries forgets what they were.
  for (const code of Object.keys(b) as ErrorCode[]) sums[code] = (sums[code] ?? 0) + (b[code] ?? 0)
  return Object.keys(sums).length === 0 ? {} : { deadLetterCodes: sums }
}

/** The result of a chunk with the leader epochs of its slices: headers are the coordinator's to read, not the workers'. */
export function withLeaderEpochs(encoded: Encoded, slices: readonly RecordBatches[]): Encoded {
  const epochs = new Map(slices.map((slice) => [partitionKey(slice.topic, slice.partition), slice.leaderEpoch]))
  const ranges = encoded.ranges.map((range) => {
    const leaderEpoch = epochs.get(partitionKey(range.topic, range.partition))
    return leaderEpoch === undefined ? range : { ...range, leaderEpoch }
  })
  return { ...encoded, ranges }
}

/** One outcome per partition; ranges of a partition must follow one another. */
export function joinOutcomes(ranges: readonly RangeOutcome[]): RangeOutcome[] {
  const joined = new Map<string, RangeOutcome>()
  for (const range of ranges) {
    const key = partitionKey(range.topic, range.partition)
    const before = joined.get(key)
    if (before !== undefined && before.next !== range.first) {
      throw new Error(`outcomes of ${key} are not contiguous: ${before.next} then ${range.first}`)
    }
    joined.set(key, before === undefined ? range : addOutcome(before, range))
  }
  return [...joined.values()]
}

const addOutcome = (a: RangeOutcome, b: RangeOutcome): RangeOutcome => ({
  ...a,
  next: b.next,
  ...(b.leaderEpoch === undefined ? {} : { leaderEpoch: b.leaderEpoch }),
  records: a.records + b.records,
  rows: a.rows + b.rows,
  deadLetters: a.deadLetters + b.deadLetters,
  tombstonesSkipped: a.tombstonesSkipped + b.tombstonesSkipped,
  ...(a.badOffsets === undefined ? {} : { badOffsets: [...a.badOffsets, ...(b.badOffsets ?? [])] }),
})

export const addTimes = (a: StageTimes, b: StageTimes): StageTimes => ({
  decompressMs: a.decompressMs + b.decompressMs,
  decodeMs: a.decodeMs + b.decodeMs,
  encodeMs: a.encodeMs + b.encodeMs,
  putMs: a.putMs + b.putMs,
})
