// Writes Avro binary (Avro 1.12 specification, "Binary encoding") into one growing buffer, value after value. Main thread.
// Invariant: the buffer is reused from batch to batch; `at` only moves back through `rewind`.

import { frameBytes, writeFrame } from '../../shared/avro/framing.ts'
import { assert } from '../../shared/errors.ts'

/** Room that every datum of fixed-size parts fits in; strings reserve their own on top. */
const datumRoom = 1024

const hexCodes = Uint8Array.from(Buffer.from('0123456789abcdef', 'latin1'))
const dash = 0x2d
const digitZero = 0x30
const powersOf2To32 = 0x1_0000_0000

export class AvroWriter {
  #bytes = Buffer.alloc(8 * datumRoom)
  at = 0

  /** Bytes [start, end) as a view; valid until the next write. */
  view(start: number, end: number): Uint8Array {
    return this.#bytes.subarray(start, end)
  }

  rewind(at: number): void {
    this.at = at
  }

  /** Confluent frame in front of a datum, with room for its fixed-size parts. */
  frame(schemaId: number): void {
    this.reserve(frameBytes + datumRoom)
    this.at = writeFrame(this.#bytes, this.at, schemaId)
  }

  reserve(bytes: number): void {
    if (this.at + bytes <= this.#bytes.length) return
    const larger = Buffer.alloc(Math.max(2 * this.#bytes.length, this.at + bytes))
    larger.set(this.#bytes.subarray(0, this.at))
    this.#bytes = larger
  }

  /** Boolean, index of a union's branch below 64, or any other single byte. */
  byte(value: number): void {
    this.#bytes[this.at++] = value
  }

  /** int, long, enum index, block count: zigzag, for integers up to 2^52 either way. */
  long(value: number): void {
    const bytes = this.#bytes
    let at = this.at
    const zigzag = value < 0 ? -2 * value - 1 : 2 * value
    let small = zigzag
    if (zigzag >= 0x4000_0000) {
      // Four groups of seven bits at once: shifts reach only 32 bits, and a division per group is what costs.
      small = Math.floor(zigzag / 0x1000_0000)
      const low = zigzag - small * 0x1000_0000
      bytes[at++] = (low & 0x7f) | 0x80
      bytes[at++] = ((low >>> 7) & 0x7f) | 0x80
      bytes[at++] = ((low >>> 14) & 0x7f) | 0x80
      bytes[at++] = (low >>> 21) | 0x80
    }
    while (small >= 0x80) {
      bytes[at++] = (small & 0x7f) | 0x80
      small >>>= 7
    }
    bytes[at++] = small
    this.at = at
  }

  string(text: string): void {
    const length = Buffer.byteLength(text)
    this.reserve(length + datumRoom)
    this.long(length)
    this.at += this.#bytes.write(text, this.at, 'utf8')
  }

  /** Bytes that are Avro already: strings or whole fields encoded beforehand. */
  encoded(part: Uint8Array): void {
    const bytes = this.#bytes
    let at = this.at
    // Faster than `set` for the few bytes of a symbol or of a map entry.
    for (let index = 0; index < part.length; index++) bytes[at++] = part[index] ?? 0
    this.at = at
  }

  /** Unscaled value of a decimal, not negative, as minimal two's complement, big-endian (section "Decimal"). */
  decimal(unscaled: bigint): void {
    assert(unscaled >= 0n && unscaled < 1n << 62n, 'decimal of at most 18 digits')
    this.#decimalWords(Number(unscaled >> 32n), Number(unscaled & 0xffff_ffffn))
  }

  /** As {@link decimal}, for unscaled values below 2^53. */
  smallDecimal(unscaled: number): void {
    this.#decimalWords(Math.floor(unscaled / powersOf2To32), unscaled >>> 0)
  }

  #decimalWords(high: number, low: number): void {
    const bytes = this.#bytes
    const length = high === 0 ? signedBytes(low) : 4 + signedBytes(high)
    let at = this.at
    bytes[at++] = length << 1
    for (let index = length - 1; index >= 4; index--) bytes[at++] = high >>> (8 * (index - 4))
    for (let index = length < 4 ? length - 1 : 3; index >= 0; index--) bytes[at++] = low >>> (8 * index)
    this.at = at
  }

  /** String of a prefix (ASCII) and a decimal integer not negative. */
  numbered(prefix: Uint8Array, value: number): void {
    let digits = 1
    for (let bound = 10; bound <= value; bound *= 10) digits++
    this.long(prefix.length + digits)
    this.encoded(prefix)
    const bytes = this.#bytes
    let rest = value
    for (let at = this.at + digits - 1; at >= this.at; at--) {
      const next = Math.floor(rest / 10)
      bytes[at] = digitZero + (rest - next * 10)
      rest = next
    }
    this.at += digits
  }

  /** String of a UUID, from its four 32-bit words. */
  uuid(first: number, second: number, third: number, fourth: number): void {
    this.#bytes[this.at++] = 36 << 1
    this.#hex(first, 28, 0)
    this.byte(dash)
    this.#hex(second, 28, 16)
    this.byte(dash)
    this.#hex(second, 12, 0)
    this.byte(dash)
    this.#hex(third, 28, 16)
    this.byte(dash)
    this.#hex(third, 12, 0)
    this.#hex(fourth, 28, 0)
  }

  #hex(word: number, from: number, to: number): void {
    const bytes = this.#bytes
    let at = this.at
    for (let shift = from; shift >= to; shift -= 4) bytes[at++] = hexCodes[(word >>> shift) & 15] ?? 0
    this.at = at
  }
}

/** Bytes of the shortest two's complement of an unsigned 32-bit word. */
function signedBytes(word: number): number {
  if (word < 0x80) return 1
  if (word < 0x8000) return 2
  if (word < 0x80_0000) return 3
  return word < 0x8000_0000 ? 4 : 5
}
