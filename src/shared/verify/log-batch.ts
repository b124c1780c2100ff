// One record batch as verify sees it: its header read, its CRC checked. Pure. A reader beside the one that ingests, so that a
// mistake in one of the two shows as a difference.
import { crc32c } from '@node-rs/crc32'

/** One v2 record batch (Kafka protocol guide, "Record Batch"); offsets and times are exact below 2^53. */
export interface LogBatch {
  readonly baseOffset: number
  /** Offset after the last one the batch stands for. */
  readonly nextOffset: number
  readonly attributes: number
  readonly baseTimestamp: number
  readonly maxTimestamp: number
  readonly producerId: bigint
  readonly recordCount: number
  /** The records, compressed as the attributes say; valid until the next batch is asked for. */
  readonly body: Uint8Array
}

export const isTransactional = (batch: LogBatch): boolean => (batch.attributes & 0x10) !== 0
export const isControl = (batch: LogBatch): boolean => (batch.attributes & 0x20) !== 0

export const BATCH_HEADER_BYTES = 61

/** Why this is no v2 batch, or null. */
export function batchFault(bytes: Buffer): string | null {
  if (bytes.readInt8(16) !== 2) return `magic ${bytes.readInt8(16)}, only v2 batches are read`
  if (crc32c(bytes.subarray(21)) !== bytes.readUInt32BE(17)) return 'CRC-32C does not match'
  if (bytes.readInt32BE(23) < 0 || bytes.readInt32BE(57) < 0) return 'negative count in the header'
  return null
}

/** Of one whole batch, found free of faults. */
export function parseBatch(bytes: Buffer): LogBatch {
  const baseOffset = Number(bytes.readBigInt64BE(0))
  return {
    baseOffset,
    nextOffset: baseOffset + bytes.readInt32BE(23) + 1,
    attributes: bytes.readInt16BE(21),
    baseTimestamp: Number(bytes.readBigInt64BE(27)),
    maxTimestamp: Number(bytes.readBigInt64BE(35)),
    producerId: bytes.readBigInt64BE(43),
    recordCount: bytes.readInt32BE(57),
    body: bytes.subarray(BATCH_HEADER_BYTES),
  }
}
