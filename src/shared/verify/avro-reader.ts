// Reads Avro data by a plan and tells a sink its values: verify's own decoder, an interpreter over tables. Pure, hot.
// Invariant: no byte outside [start, end) is read, and no loop runs longer than the bytes (or a constant) allow; a value that
// is not what the schema says ends in a fault code, never in an exception.
import { isUtf8 } from 'node:buffer'
import type { ErrorCode } from '../errors.ts'
import type { PlanNode } from './avro-plan.ts'
import { Place, type ValueSink } from './value-sink.ts'

export type RecordFault = Extract<ErrorCode, `RECORD_${string}`>

/** Items of size zero (nulls, empty fixed) in one array, at most. */
const emptyItemsMax = 65_536

export class AvroReader<S extends ValueSink> {
  readonly sink: S
  /** Where and why the last record could not be read. */
  fault: RecordFault = 'RECORD_VALUE'
  readonly #place = new Place()
  readonly #words = new Int32Array(4)
  #bytes: Uint8Array = new Uint8Array(0)
  #view: DataView = new DataView(new ArrayBuffer(0))
  #at = 0
  #end = 0
  // The last number read: low and high word.
  #low = 0
  #high = 0

  constructor(sink: S) {
    this.sink = sink
  }

  /** Block the next records lie in. */
  open(bytes: Uint8Array): void {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  /** Reads one datum of bytes[start, end), all of it. False: see `fault`; the sink may have been told a part. */
  record(plan: PlanNode, start: number, end: number): boolean {
    this.#at = start
    this.#end = end
    this.#place.clear()
    if (!this.#children(plan)) return false
    return this.#at === end || this.#fail('RECORD_TRAILING_BYTES')
  }

  #children(plan: PlanNode): boolean {
    const children = plan.children
    for (let index = 0; index < children.length; index++) {
      if (!this.#value(children[index] as PlanNode)) return false
    }
    return true
  }

  #value(plan: PlanNode): boolean {
    switch (plan.op) {
      case 'union':
        return this.#union(plan)
      case 'string':
        return this.#text(plan)
      case 'long':
        return this.#number() && this.#scaled(plan)
      case 'int':
        return this.#int() && this.#scaled(plan)
      case 'null':
        return true
      case 'enum':
        return this.#symbol(plan)
      case 'double':
        return this.#real(plan, 8)
      case 'float':
        return this.#real(plan, 4)
      case 'boolean':
        return this.#boolean(plan)
      case 'decimal':
        return this.#decimal(plan)
      case 'binary':
        return this.#length() && this.#raw(plan, this.#low)
      case 'fixed':
        return this.#raw(plan, plan.size)
      case 'uuid':
        return this.#uuid(plan)
      case 'struct':
        if (plan.id !== 0) this.sink.present(plan.id, this.#place)
        return this.#children(plan)
      case 'list':
      case 'map':
        return this.#items(plan)
    }
  }

  #int(): boolean {
    const start = this.#at
    if (!this.#number()) return false
    return (this.#high === this.#low >> 31 && this.#at - start <= 5) || this.#fail('RECORD_VARINT')
  }

  #union(plan: PlanNode): boolean {
    if (!this.#number()) return false
    if (this.#high !== 0 || this.#low < 0 || this.#low >= plan.children.length) return this.#fail('RECORD_VALUE')
    return this.#value(plan.children[this.#low] as PlanNode)
  }

  /** Blocks of items (Avro spec, "Arrays"): a negative count is followed by the block's size in bytes. */
  #items(plan: PlanNode): boolean {
    const itemBytesMin = plan.children.reduce((sum, child) => sum + child.bytesMin, 0)
    if (plan.id !== 0) this.sink.present(plan.id, this.#place)
    let index = 0
    for (;;) {
      if (!this.#number()) return false
      if (this.#low === 0 && this.#high === 0) return true
      let count = this.#low
      let blockEnd = -1
      if (this.#high === -1 && count < 0) {
        count = -count
        if (!this.#length()) return false
        blockEnd = this.#at + this.#low
      } else if (this.#high !== 0 || count < 0) return this.#fail('RECORD_BOUND')
      const bound = itemBytesMin === 0 ? emptyItemsMax - index : Math.floor((this.#end - this.#at) / itemBytesMin)
      if (count < 0 || count > bound) return this.#fail('RECORD_BOUND')
      for (const last = index + count; index < last; index++) {
        if (plan.id !== 0) this.#place.enter(index)
        if (plan.id !== 0) this.sink.item(plan.id, this.#place)
        if (!this.#children(plan)) return false
        if (plan.id !== 0) this.#place.leave()
      }
      if (blockEnd >= 0 && this.#at !== blockEnd) return this.#fail('RECORD_BOUND')
    }
  }

  #scaled(plan: PlanNode): boolean {
    if (plan.factor !== 1) {
      const exact = this.#high * 4294967296 + (this.#low >>> 0)
      const product = exact * plan.factor
      if (Math.abs(product) < 9007199254740992) {
        this.#high = Math.floor(product / 4294967296)
        this.#low = product | 0
      } else if (!this.#scaledFar(plan.factor)) return false
    }
    if (plan.id !== 0) this.sink.integer(plan.id, this.#place, this.#low, this.#high)
    return true
  }

  /** Beyond 2^53 of the target unit: years away from any real time. */
  #scaledFar(factor: number): boolean {
    const product = ((BigInt(this.#high) << 32n) | BigInt(this.#low >>> 0)) * BigInt(factor)
    if (BigInt.asIntN(64, product) !== product) return this.#fail('RECORD_VALUE')
    this.#low = Number(BigInt.asIntN(32, product))
    this.#high = Number(BigInt.asIntN(32, product >> 32n))
    return true
  }

  #real(plan: PlanNode, size: number): boolean {
    if (this.#at + size > this.#end) return this.#fail('RECORD_TRUNCATED')
    const value = size === 4 ? this.#view.getFloat32(this.#at, true) : this.#view.getFloat64(this.#at, true)
    this.#at += size
    if (plan.id !== 0) this.sink.real(plan.id, this.#place, value)
    return true
  }

  #boolean(plan: PlanNode): boolean {
    if (this.#at >= this.#end) return this.#fail('RECORD_TRUNCATED')
    const value = this.#bytes[this.#at++] as number
    if (value > 1) return this.#fail('RECORD_VALUE')
    if (plan.id !== 0) this.sink.integer(plan.id, this.#place, value, 0)
    return true
  }

  #symbol(plan: PlanNode): boolean {
    if (!this.#number()) return false
    if (this.#high !== 0 || this.#low < 0 || this.#low >= plan.symbols.length) return this.#fail('RECORD_VALUE')
    const symbol = plan.symbols[this.#low] as Uint8Array
    if (plan.id !== 0) this.sink.bytes(plan.id, this.#place, symbol, 0, symbol.length)
    return true
  }

  #text(plan: PlanNode): boolean {
    if (!this.#length()) return false
    const start = this.#at
    const end = start + this.#low
    const bytes = this.#bytes
    let bits = 0
    for (let at = start; at < end; at++) bits |= bytes[at] as number
    if (bits > 0x7f && !isUtf8(bytes.subarray(start, end))) return this.#fail('RECORD_VALUE')
    this.#at = end
    if (plan.id !== 0) this.sink.bytes(plan.id, this.#place, bytes, start, end)
    return true
  }

  #raw(plan: PlanNode, size: number): boolean {
    const start = this.#at
    if (start + size > this.#end) return this.#fail('RECORD_TRUNCATED')
    this.#at = start + size
    if (plan.id !== 0) this.sink.bytes(plan.id, this.#place, this.#bytes, start, start + size)
    return true
  }

  /** Big-endian two's complement of any length, into four words. */
  #decimal(plan: PlanNode): boolean {
    if (plan.size < 0 && !this.#length()) return false
    const size = plan.size < 0 ? this.#low : plan.size
    const start = this.#at
    if (start + size > this.#end) return this.#fail('RECORD_TRUNCATED')
    this.#at = start + size
    if (!decimalWords(this.#bytes, start, start + size, this.#words)) return this.#fail('RECORD_VALUE')
    if (!isBelow(this.#words, plan.limit)) return this.#fail('RECORD_VALUE')
    if (plan.id !== 0) this.sink.decimal(plan.id, this.#place, this.#words)
    return true
  }

  /** fixed(16) told as the text of a uuid (RFC 9562, section 4). */
  #uuid(plan: PlanNode): boolean {
    const start = this.#at
    if (start + 16 > this.#end) return this.#fail('RECORD_TRUNCATED')
    this.#at = start + 16
    const hex = Buffer.from(this.#bytes.subarray(start, start + 16)).toString('hex')
    const text = Buffer.from(hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'))
    if (plan.id !== 0) this.sink.bytes(plan.id, this.#place, text, 0, text.length)
    return true
  }

  /** A length that the bytes left can hold, into `#low`. */
  #length(): boolean {
    if (!this.#number()) return false
    if (this.#high !== 0 || this.#low < 0) return this.#fail('RECORD_BOUND')
    return this.#low <= this.#end - this.#at || this.#fail('RECORD_TRUNCATED')
  }

  /** Zigzag varint of at most ten bytes (Avro spec, "Binary Encoding") into two words. */
  #number(): boolean {
    const bytes = this.#bytes
    let low = 0
    let high = 0
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.#at >= this.#end) return this.#fail('RECORD_TRUNCATED')
      const byte = bytes[this.#at++] as number
      if (shift < 28) low |= (byte & 0x7f) << shift
      else if (shift === 28) {
        low |= (byte & 0x0f) << 28
        high = (byte & 0x70) >> 4
      } else if (shift === 63) {
        if (byte > 1) return this.#fail('RECORD_VARINT')
        high |= byte << 31
      } else high |= (byte & 0x7f) << (shift - 32)
      if (byte < 0x80) {
        const sign = -(low & 1)
        this.#low = ((low >>> 1) | (high << 31)) ^ sign
        this.#high = (high >>> 1) ^ sign
        return true
      }
    }
    return this.#fail('RECORD_VARINT')
  }

  #fail(code: RecordFault): false {
    this.fault = code
    return false
  }
}

/**
 * Sign-extends bytes[start, end), big-endian, into four words, lowest first. False where the value needs more than 128 bits
 * or there is no byte at all.
 */
export function decimalWords(bytes: Uint8Array, start: number, end: number, words: Int32Array): boolean {
  if (start >= end) return false
  const fill = (bytes[start] as number) > 0x7f ? 0xff : 0
  for (; end - start > 16; start++) if (bytes[start] !== fill) return false
  if (((bytes[start] as number) > 0x7f ? 0xff : 0) !== fill) return false
  words.fill(fill === 0 ? 0 : -1)
  for (let at = end - 1, index = 0; at >= start; at--, index++) {
    const shift = (index & 3) * 8
    const slot = index >> 2
    words[slot] = ((words[slot] as number) & ~(0xff << shift)) | ((bytes[at] as number) << shift)
  }
  return true
}

/** |value| < limit; values of up to 53 bits without BigInt. */
function isBelow(words: Int32Array, limit: bigint): boolean {
  const [w0, w1, w2, w3] = [words[0] as number, words[1] as number, words[2] as number, words[3] as number]
  const sign = w3 >> 31
  if (w2 === sign && w3 === sign && w1 >> 20 === sign) {
    return Math.abs(w1 * 4294967296 + (w0 >>> 0)) < Number(limit)
  }
  const high = (BigInt(w3) << 96n) | (BigInt(w2 >>> 0) << 64n) | (BigInt(w1 >>> 0) << 32n) | BigInt(w0 >>> 0)
  return (high < 0n ? -high : high) < limit
}
