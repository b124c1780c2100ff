// Kafka record batches, message format v2: the header, its checks and the CRC. Pure; runs on the main thread (headers only)
// and in the encode workers. Layout (Kafka protocol guide, "Record Batch"; big-endian):
//    0 baseOffset int64        8 batchLength int32 (bytes after itself)    12 partitionLeaderEpoch int32   16 magic int8 = 2
//   17 crc uint32 (CRC-32C of everything after itself)                     21 attributes int16             23 lastOffsetDelta int32
//   27 baseTimestamp int64    35 maxTimestamp int64    43 producerId int64  51 producerEpoch int16          53 baseSequence int32
//   57 recordCount int32      61 records (compressed as one block where a codec is set)
// Only what lies after the CRC is covered by it: base offset, length, leader epoch and magic are not.
import { crc32, crc32c } from '@node-rs/crc32'
import { IngestError } from '../errors.ts'

/** `unsupported`: an id that no Kafka release has given out; refused when it is decompressed, after the CRC was seen to be right. */
export type Codec = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd' | 'unsupported'

/** Bytes before the records. */
export const HEADER_BYTES = 61
/** Bytes before `batchLength` counts: base offset and the length itself. */
export const LENGTH_PREFIX_BYTES = 12
const MAGIC_AT = 16
const CRC_AT = 17
const ATTRIBUTES_AT = 21

const codecs: readonly Codec[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
export const codecId = (codec: Codec): number => codecs.indexOf(codec)

/** Attribute bits (KIP-98, KIP-534): codec 0-2, timestamp type 3, transactional 4, control 5, delete horizon 6. */
export const attributeBits = { logAppendTime: 0x08, transactional: 0x10, control: 0x20 } as const

export interface BatchHeader {
  readonly baseOffset: bigint
  readonly lastOffsetDelta: number
  /** Offset after the last one this batch stands for (compaction may have removed that record). */
  readonly nextOffset: bigint
  /** Bytes of the whole batch, header and length prefix included. */
  readonly length: number
  readonly leaderEpoch: number
  readonly magic: number
  readonly crc: number
  readonly codec: Codec
  /** `log-append`: every record's time is `maxTimestamp`; `create`: `baseTimestamp` + the record's delta. */
  readonly timestampType: 'create' | 'log-append'
  readonly isControl: boolean
  readonly isTransactional: boolean
  /** -1: not idempotent. */
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly baseSequence: number
  /** ms since 1970; -1: none. */
  readonly baseTimestamp: bigint
  readonly maxTimestamp: bigint
  /** 0 where compaction emptied the batch and kept it for the producer's state. */
  readonly recordCount: number
}

/**
 * Header of the batch at `at`, or null where `bytes` end before the whole batch does.
 * Errors: SOURCE_CORRUPT (context `reason`) where this cannot be the start of a v2 batch.
 */
export function readBatchHeader(bytes: Uint8Array, at: number): BatchHeader | null {
  const header = parseBatchHeader(bytes, at)
  return header === null || at + header.length > bytes.length ? null : header
}

/** As {@link readBatchHeader}, but the first 61 bytes of the batch are enough. */
export function parseBatchHeader(bytes: Uint8Array, at: number): BatchHeader | null {
  if (at + CRC_AT > bytes.length) return null
  const length = int32(bytes, at + 8) + LENGTH_PREFIX_BYTES
  const magic = int8(bytes, at + MAGIC_AT)
  if (magic !== 2) throw corrupt(`message format v${magic}; only v2 (Kafka 0.11 and later) can be read`)
  if (length < HEADER_BYTES) throw corrupt(`length ${length} is shorter than a header`)
  if (at + HEADER_BYTES > bytes.length) return null
  const attributes = int16(bytes, at + ATTRIBUTES_AT)
  const baseOffset = int64(bytes, at)
  const lastOffsetDelta = int32(bytes, at + 23)
  const recordCount = int32(bytes, at + 57)
  if (baseOffset < 0n) throw corrupt(`base offset ${baseOffset}`)
  if (lastOffsetDelta < 0) throw corrupt(`last offset delta ${lastOffsetDelta}`)
  if (recordCount < 0 || recordCount > lastOffsetDelta + 1) {
    throw corrupt(`${recordCount} records in ${lastOffsetDelta + 1} offsets`)
  }
  return {
    baseOffset,
    lastOffsetDelta,
    nextOffset: baseOffset + BigInt(lastOffsetDelta) + 1n,
    length,
    leaderEpoch: int32(bytes, at + 12),
    magic,
    crc: int32(bytes, at + CRC_AT) >>> 0,
    codec: codecs[attributes & 7] ?? 'unsupported',
    timestampType: (attributes & attributeBits.logAppendTime) === 0 ? 'create' : 'log-append',
    isTransactional: (attributes & attributeBits.transactional) !== 0,
    isControl: (attributes & attributeBits.control) !== 0,
    producerId: int64(bytes, at + 43),
    producerEpoch: int16(bytes, at + 51),
    baseSequence: int32(bytes, at + 53),
    baseTimestamp: int64(bytes, at + 27),
    maxTimestamp: int64(bytes, at + 35),
    recordCount,
  }
}

/** The batch's records, still compressed; a view. */
export const batchBody = (bytes: Uint8Array, at: number, header: BatchHeader): Uint8Array =>
  bytes.subarray(at + HEADER_BYTES, at + header.length)

/** Whether the whole batch at `at` has the CRC its header states. */
export function isBatchIntact(bytes: Uint8Array, at: number, header: BatchHeader): boolean {
  return batchCrc(bytes, at, header.length) === header.crc
}

/** CRC-32C of a batch of `length` bytes: attributes to the end. */
export const batchCrc = (bytes: Uint8Array, at: number, length: number): number =>
  crc32c(bytes.subarray(at + ATTRIBUTES_AT, at + length))

/**
 * Whether a whole, intact message of format v0 or v1 starts at `at`. It cannot be read, but it must not be taken for the
 * remains of a torn write either. There the CRC is at 12, a plain CRC-32 of the magic byte (16) and all that follows.
 */
export function isOldMessageIntact(bytes: Uint8Array, at: number): boolean {
  if (at + CRC_AT > bytes.length) return false
  const length = int32(bytes, at + 8) + LENGTH_PREFIX_BYTES
  const magic = int8(bytes, at + MAGIC_AT)
  if (magic < 0 || magic > 1 || length < 26 || at + length > bytes.length) return false
  return crc32(bytes.subarray(at + MAGIC_AT, at + length)) === int32(bytes, at + 12) >>> 0
}

const corrupt = (reason: string): IngestError => new IngestError('SOURCE_CORRUPT', { reason })

// Callers have checked the bounds; `?? 0` only tells the compiler so.
const int8 = (bytes: Uint8Array, at: number): number => ((bytes[at] ?? 0) << 24) >> 24
const int16 = (bytes: Uint8Array, at: number): number => (int8(bytes, at) << 8) | (bytes[at + 1] ?? 0)
const int32 = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)
const int64 = (bytes: Uint8Array, at: number): bigint =>
  BigInt(int32(bytes, at)) * 0x1_0000_0000n + BigInt(int32(bytes, at + 4) >>> 0)
