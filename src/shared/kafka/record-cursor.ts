// Bounded walk over the records of a decompressed batch body, without an allocation per record. Pure; encode workers.
// Invariant: after `next()` returned true, every range the cursor shows lies inside the body and the record's offset inside its batch.
// Record (Kafka protocol guide, "Record"; varints are zigzag):
//   length varint · attributes int8 · timestampDelta varlong · offsetDelta varint · keyLength varint · key · valueLength varint ·
//   value · headerCount varint · headers { keyLength varint · key · valueLength varint · value }
import { IngestError } from '../errors.ts'

/** `body[i]` within checked bounds is a number; the compiler cannot know, hence the `as number` in this file. */
export class RecordCursor {
  /** Offset of the record = the batch's base offset + this. */
  offsetDelta = 0
  /** ms against the batch's base timestamp; exact up to 2^53. */
  timestampDelta = 0
  /** -1/-1: null. */
  keyStart = -1
  keyEnd = -1
  /** -1/-1: null, a tombstone. */
  valueStart = -1
  valueEnd = -1
  /** Where the headers lie, their count not included; see {@link decodeHeaders}. */
  headersStart = 0
  headersEnd = 0
  headerCount = 0

  #body: Uint8Array = new Uint8Array(0)
  #at = 0
  #end = 0
  #recordsLeft = 0
  #lastOffsetDelta = 0
  #rangeEnd = -1

  /**
   * Starts over at the beginning of `body`. Offsets must rise and stay within `lastOffsetDelta`: a record that claimed an offset
   * of a later batch would be stored twice.
   */
  reset(body: Uint8Array, recordCount: number, lastOffsetDelta = 0x7fffffff): void {
    this.#body = body
    this.#at = 0
    this.#recordsLeft = recordCount
    this.#lastOffsetDelta = lastOffsetDelta
    this.offsetDelta = -1
  }

  /**
   * Moves to the next record; false after the last. Errors: SOURCE_CORRUPT (context `reason`, `byte` in the body): the CRC was
   * right, so the producer wrote this.
   */
  next(): boolean {
    if (this.#recordsLeft === 0) {
      if (this.#at !== this.#body.length) this.#fail('bytes after the last record')
      return false
    }
    this.#recordsLeft--
    this.#end = this.#body.length
    const length = this.#varint()
    const end = this.#at + length
    if (length < 0 || end > this.#end) this.#fail('record length')
    this.#end = end
    this.#at++ // attributes: unused by the format
    this.timestampDelta = this.#varlong()
    const offsetDelta = this.#varint()
    if (offsetDelta <= this.offsetDelta || offsetDelta > this.#lastOffsetDelta) this.#fail('offset out of order')
    this.offsetDelta = offsetDelta
    this.keyStart = this.#range()
    this.keyEnd = this.#rangeEnd
    this.valueStart = this.#range()
    this.valueEnd = this.#rangeEnd
    this.headerCount = this.#varint()
    this.headersStart = this.#at
    if (this.headerCount !== 0) this.#skipHeaders()
    this.headersEnd = end
    if (this.#at !== end) this.#fail('record ends before its length')
    return true
  }

  /** Each header takes two bytes at least, so that a hostile count fails long before it has been counted to. */
  #skipHeaders(): void {
    if (this.headerCount < 0) this.#fail('header count')
    for (let i = 0; i < this.headerCount; i++) {
      if (this.#range() < 0) this.#fail('header without a key')
      this.#range()
    }
  }

  /** Reads a length and steps over that many bytes; any negative length means null, as in Java's reader. Start, or -1. */
  #range(): number {
    const length = this.#varint()
    if (length < 0) {
      this.#rangeEnd = -1
      return -1
    }
    const start = this.#at
    if (start + length > this.#end) this.#fail('length beyond the record')
    this.#at = start + length
    this.#rangeEnd = this.#at
    return start
  }

  #varint(): number {
    const at = this.#at
    if (at < this.#end) {
      const byte = this.#body[at] as number
      if (byte < 0x80) {
        this.#at = at + 1
        return (byte >>> 1) ^ -(byte & 1)
      }
    }
    return this.#longVarint()
  }

  #longVarint(): number {
    let at = this.#at
    let word = 0
    for (let shift = 0; shift < 35; shift += 7) {
      if (at >= this.#end) this.#fail('record ends inside a number')
      const byte = this.#body[at++] as number
      if (shift === 28 && byte > 0x0f) break
      word |= (byte & 0x7f) << shift
      if (byte < 0x80) {
        this.#at = at
        return (word >>> 1) ^ -(word & 1)
      }
    }
    return this.#fail('number too long')
  }

  /** Zigzag of 64 bits as two words; the sum is a double, exact up to 2^53. */
  #varlong(): number {
    let at = this.#at
    let low = 0
    let high = 0
    for (let shift = 0; shift < 70; shift += 7) {
      if (at >= this.#end) this.#fail('record ends inside a number')
      const byte = this.#body[at++] as number
      if (shift === 63 && byte > 1) break
      const bits = byte & 0x7f
      if (shift < 28) low |= bits << shift
      else if (shift === 28) {
        low |= bits << 28
        high = bits >>> 4
      } else high |= bits << (shift - 32)
      if (byte < 0x80) {
        this.#at = at
        const sign = -(low & 1)
        low = ((low >>> 1) | (high << 31)) ^ sign
        high = (high >>> 1) ^ sign
        return high * 0x1_0000_0000 + (low >>> 0)
      }
    }
    return this.#fail('number too long')
  }

  #fail(reason: string): never {
    throw new IngestError('SOURCE_CORRUPT', { reason: `record: ${reason}`, byte: this.#at })
  }
}

export interface RecordHeader {
  readonly key: string
  readonly value: Uint8Array | null
}

/** Headers of the record the cursor stands on; values are views of `body`. The cursor has already checked their bounds. */
export function decodeHeaders(body: Uint8Array, cursor: RecordCursor): RecordHeader[] {
  const headers: RecordHeader[] = []
  let at = cursor.headersStart
  const length = (): number => {
    let word = 0
    for (let shift = 0; ; shift += 7) {
      const byte = body[at++] as number
      word |= (byte & 0x7f) << shift
      if (byte < 0x80) return (word >>> 1) ^ -(word & 1)
    }
  }
  const bytes = (): Uint8Array | null => {
    const count = length()
    if (count < 0) return null
    at += count
    return body.subarray(at - count, at)
  }
  for (let i = 0; i < cursor.headerCount; i++) {
    const key = bytes()
    headers.push({ key: utf8.decode(key ?? new Uint8Array(0)), value: bytes() })
  }
  return headers
}

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true })
