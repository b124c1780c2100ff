// Walks the records of one decompressed batch (Kafka protocol guide, "Record"): length · attributes · timestampDelta ·
// offsetDelta · key · value · headers, numbers as zigzag varints. Pure, hot: positions in the block, no object per record.
// Invariant: every range lies inside the block; the records found are as many as the batch header says.
import { IngestError } from '../errors.ts'
import { decompressBody } from '../kafka/compression.ts'
import type { Codec } from '../kafka/record-batch.ts'
import type { LogBatch } from './log-batch.ts'

const codecs: readonly Codec[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

/** The records of a batch as one block. Errors: DECOMPRESSION_BOUND, SOURCE_CORRUPT, CODEC_UNSUPPORTED. */
export function decompressRecords(batch: LogBatch, bytesMax: number): Uint8Array {
  return decompressBody(codecs[batch.attributes & 7] ?? 'unsupported', batch.body, bytesMax)
}

export class RecordWalk {
  bytes: Uint8Array = new Uint8Array(0)
  offset = 0
  /** ms since 1970; -1: none. */
  timestamp = 0
  /** Start -1: null. */
  keyStart = -1
  keyEnd = -1
  valueStart = -1
  valueEnd = -1
  headerCount = 0
  #headersAt = 0
  #batch: LogBatch | null = null
  #at = 0
  #end = 0
  #left = 0
  #length = 0

  open(batch: LogBatch, bytes: Uint8Array): void {
    this.bytes = bytes
    this.#batch = batch
    this.#at = 0
    this.#left = batch.recordCount
    this.offset = batch.baseOffset - 1
  }

  /** Steps to the next record; false after the last. Errors: SOURCE_CORRUPT. */
  next(): boolean {
    const batch = this.#batch
    if (batch === null || this.#left === 0) {
      if (this.#at !== this.bytes.length) throw this.#corrupt('bytes after the last record')
      return false
    }
    this.#left--
    this.#end = this.bytes.length
    const size = this.#small()
    const start = this.#at
    if (size < 0 || start + size > this.bytes.length) throw this.#corrupt('record longer than its batch')
    this.#end = start + size
    this.#at++
    const delta = this.#long()
    this.timestamp = (batch.attributes & 8) !== 0 ? batch.maxTimestamp : batch.baseTimestamp + delta
    const offset = batch.baseOffset + this.#small()
    if (offset <= this.offset) throw this.#corrupt('offsets do not rise')
    this.offset = offset
    this.keyStart = this.#span()
    this.keyEnd = this.keyStart + this.#length
    this.valueStart = this.#span()
    this.valueEnd = this.valueStart + this.#length
    this.headerCount = this.#small()
    this.#headersAt = this.#at
    if (this.headerCount < 0 || this.headerCount > size) throw this.#corrupt('header count')
    if (this.offset < batch.baseOffset || this.offset >= batch.nextOffset)
      throw this.#corrupt('offset outside its batch')
    this.#at = this.#end
    return true
  }

  /** Tells the headers of the current record in order: positions of key and value (start -1: null) in `bytes`. */
  headers(
    visit: (index: number, keyStart: number, keyEnd: number, valueStart: number, valueEnd: number) => void,
  ): void {
    const resume = this.#at
    this.#at = this.#headersAt
    for (let index = 0; index < this.headerCount; index++) {
      const keyStart = this.#span()
      const keyEnd = keyStart + this.#length
      const valueStart = this.#span()
      visit(index, keyStart, keyEnd, valueStart, valueStart + this.#length)
    }
    this.#at = resume
  }

  /** A length and its bytes: the start, or -1 for null; the length goes into `#length`. */
  #span(): number {
    const length = this.#small()
    if (length < 0) {
      this.#length = 0
      return -1
    }
    const start = this.#at
    if (start + length > this.#end) throw this.#corrupt('field longer than its record')
    this.#length = length
    this.#at = start + length
    return start
  }

  /** Zigzag varint of 32 bits. */
  #small(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      if (this.#at >= this.#end) throw this.#corrupt('record ends inside a number')
      const byte = this.bytes[this.#at++] as number
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return (value >>> 1) ^ -(value & 1)
    }
    throw this.#corrupt('number of more than 5 bytes')
  }

  /** Zigzag varint of 64 bits, as a double: time deltas, exact below 2^52 ms. */
  #long(): number {
    let value = 0
    let scale = 1
    for (let count = 0; count < 10; count++) {
      if (this.#at >= this.#end) throw this.#corrupt('record ends inside a number')
      const byte = this.bytes[this.#at++] as number
      value += (byte & 0x7f) * scale
      scale *= 128
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2
    }
    throw this.#corrupt('number of more than 10 bytes')
  }

  #corrupt(reason: string): IngestError {
    return new IngestError('SOURCE_CORRUPT', { offset: this.#batch?.baseOffset ?? -1, reason })
  }
}
