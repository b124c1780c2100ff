// Avro's numbers of variable length (Avro 1.12 specification, "Binary Encoding"), counts and lengths, every byte bounded. Encode
// worker, hot. A reader takes a position and answers the next one, or a refusal below 0; its result lies in a scratch object.
// `bytes[at] as number`: `at` was compared with the end just before, which the compiler cannot see.
import { blockSize, countBeyond, intRange, lengthBeyond, lengthNegative, truncated, varintTooLong } from './refusals.ts'

/** Where {@link readInt}, {@link readLength} and {@link readIndex} leave their number. */
export const scratch = { int: 0 }
/** Where {@link readBlock} leaves the number of items, and the position after the block, -1 where it is not stated. */
export const block = { count: 0, end: -1 }

const words = new Int32Array(2)

/** A zigzag int of at most 5 bytes into `scratch.int`. */
export function readInt(bytes: Uint8Array, start: number, end: number): number {
  let raw = 0
  let at = start
  for (let shift = 0; shift < 35; shift += 7) {
    if (at >= end) return truncated
    const byte = bytes[at] as number
    at += 1
    raw |= (byte & 127) << shift
    if (byte < 128) {
      if (shift === 28 && byte > 15) return intRange
      scratch.int = (raw >>> 1) ^ -(raw & 1)
      return at
    }
  }
  return varintTooLong
}

/** A zigzag long of at most 10 bytes as low and high word into `target[index]` and the next. */
export function readLong(bytes: Uint8Array, start: number, end: number, target: Int32Array, index: number): number {
  let at = start
  let low = 0
  let high = 0
  let byte = 128
  for (let shift = 0; shift < 28 && byte > 127; shift += 7) {
    if (at >= end) return truncated
    byte = bytes[at] as number
    at += 1
    low |= (byte & 127) << shift
  }
  if (byte > 127) {
    // The fifth byte lies across both words.
    if (at >= end) return truncated
    byte = bytes[at] as number
    at += 1
    low |= (byte & 15) << 28
    high = (byte & 127) >>> 4
    for (let shift = 3; shift < 31 && byte > 127; shift += 7) {
      if (at >= end) return truncated
      byte = bytes[at] as number
      at += 1
      high |= (byte & 127) << shift
    }
    if (byte > 127) {
      if (at >= end) return truncated
      byte = bytes[at] as number
      at += 1
      if (byte > 127) return varintTooLong
      if (byte > 1) return intRange
      high |= byte << 31
    }
  }
  const sign = -(low & 1)
  target[index] = ((low >>> 1) | (high << 31)) ^ sign
  target[index + 1] = (high >>> 1) ^ sign
  return at
}

/** A length in bytes that fits before `end`, into `scratch.int`. */
export function readLength(bytes: Uint8Array, start: number, end: number): number {
  const at = readLong(bytes, start, end, words, 0)
  if (at < 0) return at
  const low = words[0] as number
  const high = words[1] as number
  if (high < 0) return lengthNegative
  if (high !== 0 || low < 0 || low > end - at) return lengthBeyond
  scratch.int = low
  return at
}

/**
 * The index of a union branch or enum symbol, below `count`, into `scratch.int`; another answers `refusal`. The specification
 * writes an int; padding up to the ten bytes of a long is read too, as for every count and length.
 */
export function readIndex(bytes: Uint8Array, start: number, end: number, count: number, refusal: number): number {
  const at = readLong(bytes, start, end, words, 0)
  if (at < 0) return at
  const low = words[0] as number
  if (words[1] !== 0 || low < 0 || low >= count) return refusal
  scratch.int = low
  return at
}

/**
 * The head of a block of array or map items. A negative count is followed by the size of the block in bytes (specification,
 * "Arrays"). `itemBytesMin` is the fewest bytes of an item, 1 or more: what cannot lie before `end` is refused unread.
 */
export function readBlock(bytes: Uint8Array, start: number, end: number, itemBytesMin: number): number {
  let at = readLong(bytes, start, end, words, 0)
  if (at < 0) return at
  const low = words[0] as number
  const high = words[1] as number
  block.end = -1
  let count = low
  let left = end - at
  if (high === -1 && low < 0) {
    count = -low
    at = readLength(bytes, at, end)
    if (at < 0) return at === lengthBeyond || at === lengthNegative ? blockSize : at
    left = scratch.int
    block.end = at + left
  } else if (high !== 0 || low < 0) {
    return countBeyond
  }
  if (count * itemBytesMin > left) return countBeyond
  block.count = count
  return at
}
