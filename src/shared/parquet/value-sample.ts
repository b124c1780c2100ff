// A sample of the values of a column, taken to choose its Parquet encoding: how many distinct values, how wide the steps between
// neighbours, how long their common prefixes. Encode worker. Invariant: bounded work (4,096 texts or 32,768 numbers a column), whatever the batch.
import type { Column } from '../columns/column-batch.ts'
import { isPresent } from '../columns/validity.ts'

const windowCount = 128
/** Neighbouring rows of a window: encodings live from what lies side by side. */
const windowLength = 32

/** Positions of present values: all of a small column, else windows spread over it. */
export function samplePositions(column: Column): Int32Array {
  const { length, validity } = column
  const step = Math.max(windowLength, Math.floor(length / windowCount))
  const positions = new Int32Array(Math.min(length, windowCount * windowLength))
  let count = 0
  for (let start = 0; start < length; start += step) {
    const end = Math.min(length, start + windowLength)
    for (let index = start; index < end && count < positions.length; index++) {
      if (validity === null || isPresent(validity, index)) positions[count++] = index
    }
  }
  return positions.subarray(0, count)
}

/** Rows looked at for distinct numbers. Small samples mislead here: prices repeat over thousands of rows. */
const countedMax = 1 << 15
const slots = new Uint8Array(countedMax)

/** Share of distinct values among the present ones of `width` words each (int32 1, int64 2, decimal 4), 0 to 1. */
export function distinctShareOfWords(column: Column, words: Int32Array, width: number): number {
  const { validity } = column
  const length = Math.min(column.length, countedMax)
  const shift = 32 - slotBits(length)
  slots.fill(0, 0, 2 ** (32 - shift))
  let used = 0
  let present = 0
  for (let index = 0; index < length; index++) {
    if (validity !== null && !isPresent(validity, index)) continue
    present++
    let hash = words[index * width] ?? 0
    for (let word = 1; word < width; word++)
      hash = (Math.imul(hash, 0x01000193) + (words[index * width + word] ?? 0)) | 0
    const slot = Math.imul(hash ^ (hash >>> 15), -1640531535) >>> shift
    if (slots[slot] === 0) {
      slots[slot] = 1
      used++
    }
  }
  return share(used, 2 ** (32 - shift), present)
}

/** Share of distinct values among hashes, 0 to 1. */
export function distinctShare(hashes: Int32Array): number {
  const shift = 32 - slotBits(hashes.length)
  slots.fill(0, 0, 2 ** (32 - shift))
  let used = 0
  for (const hash of hashes) {
    const slot = Math.imul(hash, -1640531535) >>> shift
    if (slots[slot] === 0) {
      slots[slot] = 1
      used++
    }
  }
  return share(used, 2 ** (32 - shift), hashes.length)
}

/** At least one slot a value, so that linear counting stays good to a few percent. */
const slotBits = (length: number): number => Math.min(15, Math.max(8, 32 - Math.clz32(Math.max(1, length) - 1)))

/** Linear counting: how many distinct values leave `used` of `slotCount` slots used, as a share of `present`. */
function share(used: number, slotCount: number, present: number): number {
  if (present === 0) return 0
  const distinct = used === slotCount ? present : -slotCount * Math.log((slotCount - used) / slotCount)
  return Math.min(1, distinct / present)
}

/** Hashes of byte ranges; value i is bytes[offsets[i], offsets[i + 1]). */
export function hashBytes(bytes: Uint8Array, offsets: Int32Array, positions: Int32Array): Int32Array {
  const hashes = new Int32Array(positions.length)
  for (let index = 0; index < positions.length; index++) {
    const position = positions[index] ?? 0
    const end = offsets[position + 1] ?? 0
    let hash = 0
    for (let at = offsets[position] ?? 0; at < end; at++) hash = (Math.imul(hash, 0x01000193) + (bytes[at] ?? 0)) | 0
    hashes[index] = hash ^ (hash >>> 15)
  }
  return hashes
}

/** Hashes of values of `size` bytes each. */
export function hashFixed(bytes: Uint8Array, size: number, positions: Int32Array): Int32Array {
  const hashes = new Int32Array(positions.length)
  for (let index = 0; index < positions.length; index++) {
    const start = (positions[index] ?? 0) * size
    let hash = 0
    for (let at = start; at < start + size; at++) hash = (Math.imul(hash, 0x01000193) + (bytes[at] ?? 0)) | 0
    hashes[index] = hash ^ (hash >>> 15)
  }
  return hashes
}

const blockLength = 32

/** Mean bits per value that DELTA_BINARY_PACKED needs: per block the spread of the steps. `width`: words per value, two used. */
export function deltaBits(words: Int32Array, width: number, positions: Int32Array): number {
  let bits = 0
  let blocks = 0
  for (let first = 1; first < positions.length; first += blockLength) {
    const end = Math.min(positions.length, first + blockLength)
    let lowest = Number.POSITIVE_INFINITY
    let highest = Number.NEGATIVE_INFINITY
    for (let index = first; index < end; index++) {
      const step = wordsAt(words, width, positions[index] ?? 0) - wordsAt(words, width, positions[index - 1] ?? 0)
      if (step < lowest) lowest = step
      if (step > highest) highest = step
    }
    bits += Math.ceil(Math.log2(highest - lowest + 1))
    blocks++
  }
  return blocks === 0 ? 0 : bits / blocks
}

/** A value as a double: exact below 2^53, which is enough for an estimate. */
function wordsAt(words: Int32Array, width: number, position: number): number {
  const low = words[position * width] ?? 0
  return width === 1 ? low : (words[position * width + 1] ?? 0) * 4294967296 + (low >>> 0)
}

/** Share of the bytes of a value that repeat the start of the value before it, 0 to 1. */
export function prefixShare(bytes: Uint8Array, offsets: Int32Array, positions: Int32Array): number {
  let shared = 0
  let total = 0
  for (let index = 1; index < positions.length; index++) {
    const start = offsets[positions[index] ?? 0] ?? 0
    const end = offsets[(positions[index] ?? 0) + 1] ?? 0
    const before = offsets[positions[index - 1] ?? 0] ?? 0
    const length = Math.min(end - start, (offsets[(positions[index - 1] ?? 0) + 1] ?? 0) - before)
    let common = 0
    while (common < length && bytes[start + common] === bytes[before + common]) common++
    shared += common
    total += end - start
  }
  return total === 0 ? 0 : shared / total
}
