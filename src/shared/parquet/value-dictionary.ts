// The distinct values of a dense column and an index per value, for dictionary pages (Encodings.md, "Dictionary Encoding"). Encode
// worker, hot. Invariant: each entry is used by a value; a dictionary that grows beyond its limit
// is given up, never cut.
import type { BytesColumn, DictionaryColumn, FixedColumn } from '../columns/column-batch.ts'
import type { DenseColumn } from './dense-column.ts'
import { ByteScratch, Int32Scratch } from './scratch.ts'
import type { OrderedColumn } from './value-range.ts'

export interface ValueDictionary {
  /** One per value of the column; valid until the next dictionary is made. */
  readonly indices: Int32Array
  /** `entries.length` of them, plain. */
  readonly entries: OrderedColumn
}

const indexMemory = new Int32Scratch()
const slotMemory = new Int32Scratch()
const placeMemory = new Int32Scratch()
/** A dictionary with more entries than this must save something, whatever a sample has said. */
const entriesFree = 1024
const distinctShareMax = 0.75

/** Null where a dictionary of at most `bytesMax` (as its page holds it) does not do, or does not pay. */
export function buildDictionary(column: DenseColumn, bytesMax: number): ValueDictionary | null {
  switch (column.kind) {
    case 'boolean':
      return null
    case 'dictionary':
      return usedEntries(column, bytesMax)
    case 'int32':
    case 'float32':
      return ofWords(column, wordsOf(column.values), 1, bytesMax)
    case 'int64':
      return ofWords(column, column.words, 2, bytesMax)
    case 'float64':
      return ofWords(column, wordsOf(column.values), 2, bytesMax)
    case 'bytes':
    case 'fixed':
      return ofBytes(column, bytesMax)
  }
}

const wordsOf = (values: Int32Array | Float32Array | Float64Array): Int32Array =>
  values instanceof Int32Array ? values : new Int32Array(values.buffer, values.byteOffset, values.byteLength / 4)

const usedMemory = new ByteScratch()

/** The entries that a value uses; a reused dictionary holds others too. Where all are used, nothing is numbered anew. */
function usedEntries(column: DictionaryColumn, bytesMax: number): ValueDictionary | null {
  const { field, length, entryCount, offsets, bytes } = column
  const used = usedMemory.take(entryCount)
  used.fill(0, 0, entryCount)
  for (let index = 0; index < length; index++) used[column.indices[index] as number] = 1
  let count = 0
  for (let entry = 0; entry < entryCount; entry++) count += used[entry] as number
  if (count < entryCount) return renumbered(column, bytesMax)
  if (4 * count + (offsets[count] as number) - (offsets[0] as number) > bytesMax) return null
  const entries = { kind: 'bytes' as const, field, length: count, nullCount: 0, validity: null, offsets, bytes }
  return { indices: column.indices, entries }
}

function renumbered(column: DictionaryColumn, bytesMax: number): ValueDictionary | null {
  const { length, entryCount, offsets } = column
  const indices = indexMemory.take(length)
  const places = placeMemory.take(entryCount)
  const numbers = slotMemory.take(entryCount)
  numbers.fill(0, 0, entryCount)
  let count = 0
  let bytes = 0
  for (let index = 0; index < length; index++) {
    const entry = column.indices[index] as number
    let number = numbers[entry] as number
    if (number === 0) {
      places[count++] = entry
      number = count
      numbers[entry] = number
      bytes += 4 + (offsets[entry + 1] as number) - (offsets[entry] as number)
    }
    indices[index] = number - 1
  }
  if (bytes > bytesMax) return null
  const { field, bytes: text } = column
  const all: BytesColumn = {
    kind: 'bytes',
    field,
    length: entryCount,
    nullCount: 0,
    validity: null,
    offsets,
    bytes: text,
  }
  return { indices, entries: entriesAt(all, places, count) }
}

/** Entries allowed among `count` values of at least `size` bytes. */
const entriesMax = (count: number, size: number, bytesMax: number): number =>
  Math.min(bytesMax / size, Math.max(entriesFree, count * distinctShareMax)) | 0

/** Bits of a table with at least two slots an entry. */
const slotBits = (count: number, limit: number): number => 33 - Math.clz32(Math.max(7, Math.min(count, limit)))

/** Values of `width` words each; floats by their bits, so that every NaN and zero comes back as it was. */
function ofWords(column: OrderedColumn, words: Int32Array, width: 1 | 2, bytesMax: number): ValueDictionary | null {
  const { length } = column
  const limit = entriesMax(length, 4 * width, bytesMax)
  const bits = slotBits(length, limit)
  const [shift, mask] = [32 - bits, 2 ** bits - 1]
  const slots = slotMemory.take(mask + 1)
  slots.fill(0, 0, mask + 1)
  const places = placeMemory.take(limit + 1)
  const indices = indexMemory.take(length)
  const second = width - 1
  let count = 0
  for (let index = 0; index < length; index++) {
    const low = words[index * width] as number
    const high = words[index * width + second] as number
    let slot = Math.imul(Math.imul(low ^ (low >>> 15), 0x2c1b3c6d) ^ Math.imul(high, 0x297a2d39), 0x9e3779b1) >>> shift
    let number = slots[slot] as number
    while (number !== 0) {
      const place = (places[number - 1] as number) * width
      if (words[place] === low && words[place + second] === high) break
      slot = (slot + 1) & mask
      number = slots[slot] as number
    }
    if (number === 0) {
      if (count === limit) return null
      places[count++] = index
      number = count
      slots[slot] = number
    }
    indices[index] = number - 1
  }
  return { indices, entries: entriesAt(column, places, count) }
}

function ofBytes(column: BytesColumn | FixedColumn, bytesMax: number): ValueDictionary | null {
  const { bytes, length } = column
  const size = column.kind === 'fixed' ? column.size : 0
  const offsets = column.kind === 'bytes' ? column.offsets : noOffsets
  const limit = entriesMax(length, Math.max(1, size), bytesMax)
  const bits = slotBits(length, limit)
  const [shift, mask] = [32 - bits, 2 ** bits - 1]
  const slots = slotMemory.take(mask + 1)
  slots.fill(0, 0, mask + 1)
  const places = placeMemory.take(limit + 1)
  const indices = indexMemory.take(length)
  let count = 0
  let total = 0
  for (let index = 0; index < length; index++) {
    const start = size === 0 ? (offsets[index] as number) : size * index
    const end = size === 0 ? (offsets[index + 1] as number) : start + size
    let hash = end - start
    for (let at = start; at < end; at++) hash = (Math.imul(hash, 0x01000193) + (bytes[at] as number)) | 0
    let slot = Math.imul(hash ^ (hash >>> 15), 0x9e3779b1) >>> shift
    let number = slots[slot] as number
    while (number !== 0) {
      const place = places[number - 1] as number
      const otherStart = size === 0 ? (offsets[place] as number) : size * place
      const otherEnd = size === 0 ? (offsets[place + 1] as number) : otherStart + size
      if (isEqual(bytes, start, end, otherStart, otherEnd)) break
      slot = (slot + 1) & mask
      number = slots[slot] as number
    }
    if (number === 0) {
      total += end - start + (size === 0 ? 4 : 0)
      if (count === limit || total > bytesMax) return null
      places[count++] = index
      number = count
      slots[slot] = number
    }
    indices[index] = number - 1
  }
  return { indices, entries: entriesAt(column, places, count) }
}

const noOffsets = new Int32Array(0)

function isEqual(bytes: Uint8Array, start: number, end: number, otherStart: number, otherEnd: number): boolean {
  if (end - start !== otherEnd - otherStart) return false
  for (let at = start, other = otherStart; at < end; at++, other++) if (bytes[at] !== bytes[other]) return false
  return true
}

/** Values at these places, in memory of their own. */
function entriesAt(column: OrderedColumn, places: Int32Array, count: number): OrderedColumn {
  const base = { length: count, nullCount: 0, validity: null }
  switch (column.kind) {
    case 'boolean':
      return {
        ...column,
        ...base,
        values: Uint8Array.from({ length: count }, (_, at) => valueAt(column.values, places, at)),
      }
    case 'int32':
      return {
        ...column,
        ...base,
        values: Int32Array.from({ length: count }, (_, at) => valueAt(column.values, places, at)),
      }
    case 'float32': {
      const words = wordsAt(wordsOf(column.values), 1, places, count)
      return { ...column, ...base, values: new Float32Array(words.buffer, 0, count) }
    }
    case 'float64': {
      const words = wordsAt(wordsOf(column.values), 2, places, count)
      return { ...column, ...base, values: new Float64Array(words.buffer, 0, count) }
    }
    case 'int64':
      return { ...column, ...base, words: wordsAt(column.words, 2, places, count) }
    case 'fixed': {
      const { size } = column
      const bytes = new Uint8Array(size * count)
      for (let at = 0; at < count; at++) {
        const start = size * (places[at] as number)
        bytes.set(column.bytes.subarray(start, start + size), size * at)
      }
      return { ...column, ...base, bytes }
    }
    case 'bytes':
      return { ...column, ...base, ...textAt(column, places, count) }
  }
}

const valueAt = (values: Int32Array | Uint8Array, places: Int32Array, at: number): number =>
  values[places[at] as number] as number

function wordsAt(words: Int32Array, width: number, places: Int32Array, count: number): Int32Array {
  const out = new Int32Array(width * count)
  for (let at = 0; at < count; at++) {
    const place = width * (places[at] as number)
    for (let word = 0; word < width; word++) out[width * at + word] = words[place + word] as number
  }
  return out
}

function textAt(
  { bytes, offsets }: BytesColumn,
  places: Int32Array,
  count: number,
): { offsets: Int32Array; bytes: Uint8Array } {
  const ends = new Int32Array(count + 1)
  for (let at = 0; at < count; at++) {
    const place = places[at] as number
    ends[at + 1] = (ends[at] as number) + (offsets[place + 1] as number) - (offsets[place] as number)
  }
  const out = new Uint8Array(ends[count] as number)
  for (let at = 0; at < count; at++) {
    const place = places[at] as number
    out.set(bytes.subarray(offsets[place], offsets[place + 1]), ends[at] as number)
  }
  return { offsets: ends, bytes: out }
}
