// One Avro value from bytes into a column, per type; what the generated decoder calls. Encode worker, the hottest code of all:
// no BigInt, no strings, no objects per value. Each function reads at `at`, appends one value, and answers the position after
// it, or a refusal below 0 with nothing appended. `as number`: the index was compared with the bounds just before.
import type {
  BooleanColumn,
  DecimalColumn,
  FixedColumn,
  Float32Column,
  Float64Column,
  Int32Column,
  Int64Column,
} from '../columns/column-batch.ts'
import { growColumn } from '../columns/column-growth.ts'
import { appendSlice, appendSymbol, type SymbolTable, type TextStore, viewOf } from '../columns/text-store.ts'
import {
  booleanByte,
  decimalDigits,
  decimalEmpty,
  enumIndex,
  lengthBeyond,
  notUtf8,
  timestampRange,
  truncated,
} from './refusals.ts'
import { readIndex, readInt, readLength, readLong, scratch } from './varints.ts'

export function readBoolean(bytes: Uint8Array, at: number, end: number, column: BooleanColumn): number {
  if (at >= end) return truncated
  const byte = bytes[at] as number
  if (byte > 1) return booleanByte
  const index = column.length
  if (index >= column.values.length) growColumn(column, index + 1)
  column.values[index] = byte
  column.length = index + 1
  return at + 1
}

export function readInt32(bytes: Uint8Array, at: number, end: number, column: Int32Column): number {
  const next = readInt(bytes, at, end)
  if (next < 0) return next
  const index = column.length
  if (index >= column.values.length) growColumn(column, index + 1)
  column.values[index] = scratch.int
  column.length = index + 1
  return next
}

/** `factor` is 1, or 1000 for milliseconds of a day as microseconds: the product of 32 and 10 bits is exact in a double. */
export function readInt32AsInt64(
  bytes: Uint8Array,
  at: number,
  end: number,
  column: Int64Column,
  factor: number,
): number {
  const next = readInt(bytes, at, end)
  if (next < 0) return next
  const index = column.length
  if (2 * index >= column.words.length) growColumn(column, index + 1)
  const value = scratch.int * factor
  column.words[2 * index] = value | 0
  column.words[2 * index + 1] = Math.floor(value / 4294967296)
  column.length = index + 1
  return next
}

export function readInt64(bytes: Uint8Array, at: number, end: number, column: Int64Column): number {
  const index = column.length
  if (2 * index >= column.words.length) growColumn(column, index + 1)
  const next = readLong(bytes, at, end, column.words, 2 * index)
  if (next >= 0) column.length = index + 1
  return next
}

export function readMillisAsMicros(bytes: Uint8Array, at: number, end: number, column: Int64Column): number {
  const index = column.length
  if (2 * index >= column.words.length) growColumn(column, index + 1)
  const { words } = column
  const next = readLong(bytes, at, end, words, 2 * index)
  if (next < 0) return next
  // Word by word: both products stay below 2^53, so the carry is exact.
  const low = ((words[2 * index] as number) >>> 0) * 1000
  const high = (words[2 * index + 1] as number) * 1000 + Math.floor(low / 4294967296)
  if (high !== (high | 0)) return timestampRange
  words[2 * index] = low | 0
  words[2 * index + 1] = high
  column.length = index + 1
  return next
}

export function readFloat32(view: DataView, at: number, end: number, column: Float32Column | Float64Column): number {
  if (end - at < 4) return truncated
  const index = column.length
  if (index >= column.values.length) growColumn(column, index + 1)
  column.values[index] = view.getFloat32(at, true)
  column.length = index + 1
  return at + 4
}

export function readFloat64(view: DataView, at: number, end: number, column: Float64Column): number {
  if (end - at < 8) return truncated
  const index = column.length
  if (index >= column.values.length) growColumn(column, index + 1)
  column.values[index] = view.getFloat64(at, true)
  column.length = index + 1
  return at + 8
}

/** Length-prefixed bytes: a string (which must be UTF-8) or binary, as the store asks. */
export function readBytes(bytes: Uint8Array, view: DataView, at: number, end: number, store: TextStore): number {
  let start = at + 1
  let size = at < end ? (bytes[at] as number) : 255
  if (size < 128 && (size & 1) === 0) {
    size >>>= 1
    if (size > end - start) return lengthBeyond
  } else {
    start = readLength(bytes, at, end)
    if (start < 0) return start
    size = scratch.int
  }
  return appendSlice(store, bytes, view, start, size) ? start + size : notUtf8
}

export function readEnum(bytes: Uint8Array, at: number, end: number, store: TextStore, symbols: SymbolTable): number {
  const next = readIndex(bytes, at, end, symbols.count, enumIndex)
  if (next >= 0) appendSymbol(store, symbols, scratch.int)
  return next
}

const uuidText = new Uint8Array(36)
const uuidView = viewOf(uuidText)
const hexDigits = Uint8Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0))

/** Sixteen bytes as the text 8-4-4-4-12 (RFC 9562). */
export function readUuid(bytes: Uint8Array, at: number, end: number, store: TextStore): number {
  if (end - at < 16) return truncated
  let to = 0
  for (let index = 0; index < 16; index += 1) {
    if (to === 8 || to === 13 || to === 18 || to === 23) {
      uuidText[to] = 45
      to += 1
    }
    const byte = bytes[at + index] as number
    uuidText[to] = hexDigits[byte >>> 4] as number
    uuidText[to + 1] = hexDigits[byte & 15] as number
    to += 2
  }
  appendSlice(store, uuidText, uuidView, 0, 36)
  return at + 16
}

export function readFixed(bytes: Uint8Array, at: number, end: number, column: FixedColumn): number {
  const { size } = column
  if (end - at < size) return truncated
  const index = column.length
  if ((index + 1) * size > column.bytes.length) growColumn(column, index + 1)
  const target = column.bytes
  const to = index * size
  if (size > 64) target.set(bytes.subarray(at, at + size), to)
  else for (let done = 0; done < size; done += 1) target[to + done] = bytes[at + done] as number
  column.length = index + 1
  return at + size
}

/** The largest unscaled value of a precision: 10^precision - 1 as four words, lowest first. */
export function decimalLimit(precision: number): Int32Array {
  const largest = 10n ** BigInt(precision) - 1n
  return Int32Array.from({ length: 4 }, (_, word) => Number(BigInt.asIntN(32, largest >> BigInt(32 * word))))
}

/** A decimal whose bytes are prefixed by their length. */
export function readDecimal(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  end: number,
  column: DecimalColumn,
  limit: Int32Array,
): number {
  const first = at < end ? (bytes[at] as number) : 255
  if (first < 128 && (first & 1) === 0) {
    if (first >>> 1 > end - at - 1) return lengthBeyond
    return readDecimalOf(bytes, view, at + 1, end, column, limit, first >>> 1)
  }
  const start = readLength(bytes, at, end)
  if (start < 0) return start
  return readDecimalOf(bytes, view, start, end, column, limit, scratch.int)
}

/** A decimal of `size` bytes, big-endian two's complement, exact or refused. */
export function readDecimalOf(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  end: number,
  column: DecimalColumn,
  limit: Int32Array,
  size: number,
): number {
  if (size > end - at) return truncated
  if (size === 0) return decimalEmpty
  const index = column.length
  if (4 * index >= column.words.length) growColumn(column, index + 1)
  const { words } = column
  const to = 4 * index
  const sign = (bytes[at] as number) > 127 ? -1 : 0
  if (size > 8) {
    if (!readWide(bytes, view, at, size, words, to, sign)) return decimalDigits
  } else {
    let low = sign
    let high = sign
    const split = size > 4 ? at + size - 4 : at
    for (let from = at; from < split; from += 1) high = (high << 8) | (bytes[from] as number)
    for (let from = split; from < at + size; from += 1) low = (low << 8) | (bytes[from] as number)
    words[to] = low
    words[to + 1] = high
    words[to + 2] = sign
    words[to + 3] = sign
  }
  if (!fitsPrecision(words, to, sign, limit)) return decimalDigits
  column.length = index + 1
  return at + size
}

/**
 * More than eight bytes; false where those beyond sixteen are not all sign. Sixteen that disagree with the sign above them are
 * 2^127 or more, which is beyond every precision: {@link fitsPrecision} refuses them.
 */
function readWide(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  size: number,
  words: Int32Array,
  to: number,
  sign: number,
): boolean {
  const filler = sign & 255
  for (let from = at; from < at + size - 16; from += 1) if (bytes[from] !== filler) return false
  for (let word = 0; word < 4; word += 1) {
    const from = at + size - 4 * (word + 1)
    if (from >= at) {
      words[to + word] = view.getInt32(from, false)
      continue
    }
    let value = sign
    for (let part = at; part < from + 4; part += 1) value = (value << 8) | (bytes[part] as number)
    words[to + word] = value
  }
  return true
}

/** Compares the magnitude, top word first. Of a negative value the complement is one less than it: equal is too much there. */
function fitsPrecision(words: Int32Array, to: number, sign: number, limit: Int32Array): boolean {
  for (let word = 3; word >= 0; word -= 1) {
    const magnitude = ((words[to + word] as number) ^ sign) >>> 0
    const largest = (limit[word] as number) >>> 0
    if (magnitude !== largest) return magnitude < largest
  }
  return sign === 0
}
