// Lowest and highest value of a stretch of a dense column, as places in it: of a page, and by comparing places of a chunk. Encode
// worker, hot. Invariant: the order is that of the column's type (Parquet's TypeDefinedOrder, ColumnOrder in parquet.thrift); NaN has
// no place in it.
import type { BytesColumn, FixedColumn } from '../columns/column-batch.ts'
import type { DenseColumn } from './dense-column.ts'

/** Places of values; null where there is no value, or only NaN. */
export interface ValueRange {
  readonly lowest: number
  readonly highest: number
}

export type OrderedColumn = Exclude<DenseColumn, { readonly kind: 'dictionary' }>

/** Of values [from, to). `signed`: bytes of a fixed column are a big-endian number. */
export function valueRange(column: OrderedColumn, from: number, to: number, signed: boolean): ValueRange | null {
  if (from === to) return null
  switch (column.kind) {
    case 'boolean':
    case 'int32':
      return wordRange(column.values, from, to)
    case 'int64':
      return pairRange(column.words, from, to)
    case 'float32':
    case 'float64':
      return floatRange(column.values, from, to)
    case 'bytes':
      return bytesRange(column, from, to)
    case 'fixed':
      return fixedRange(column, from, to, signed)
  }
}

/** Among the places marked in `used`: the entries of a dictionary that a page has. */
export function usedRange(column: OrderedColumn, used: Uint8Array, signed: boolean): ValueRange | null {
  let range: ValueRange | null = null
  for (let place = 0; place < used.length; place++) {
    if (used[place] === 1) range = widerRange(column, range, valueRange(column, place, place + 1, signed), signed)
  }
  return range
}

/** The range that spans both. */
export function widerRange(
  column: OrderedColumn,
  one: ValueRange | null,
  other: ValueRange | null,
  signed: boolean,
): ValueRange | null {
  if (one === null || other === null) return one ?? other
  return {
    lowest: compareAt(column, other.lowest, one.lowest, signed) < 0 ? other.lowest : one.lowest,
    highest: compareAt(column, other.highest, one.highest, signed) > 0 ? other.highest : one.highest,
  }
}

/** Negative, zero or positive, as value `left` is below, equal to or above value `right`. */
export function compareAt(column: OrderedColumn, left: number, right: number, signed: boolean): number {
  switch (column.kind) {
    case 'boolean':
    case 'int32':
    case 'float32':
    case 'float64':
      return (column.values[left] as number) - (column.values[right] as number)
    case 'int64': {
      const high = (column.words[2 * left + 1] as number) - (column.words[2 * right + 1] as number)
      return high !== 0
        ? high
        : ((column.words[2 * left] as number) >>> 0) - ((column.words[2 * right] as number) >>> 0)
    }
    case 'bytes':
      return compareText(column.bytes, column.offsets, left, right)
    case 'fixed':
      return compareFixed(column.bytes, column.size, left, right, signed)
  }
}

function wordRange(values: Int32Array | Uint8Array, from: number, to: number): ValueRange {
  let lowest = from
  let highest = from
  let least = values[from] as number
  let most = least
  for (let index = from + 1; index < to; index++) {
    const value = values[index] as number
    if (value < least) {
      least = value
      lowest = index
    } else if (value > most) {
      most = value
      highest = index
    }
  }
  return { lowest, highest }
}

function pairRange(words: Int32Array, from: number, to: number): ValueRange {
  let lowest = from
  let highest = from
  let leastHigh = words[2 * from + 1] as number
  let mostHigh = leastHigh
  let leastLow = (words[2 * from] as number) >>> 0
  let mostLow = leastLow
  for (let index = from + 1; index < to; index++) {
    const high = words[2 * index + 1] as number
    const low = (words[2 * index] as number) >>> 0
    if (high > mostHigh || (high === mostHigh && low > mostLow)) {
      mostHigh = high
      mostLow = low
      highest = index
    } else if (high < leastHigh || (high === leastHigh && low < leastLow)) {
      leastHigh = high
      leastLow = low
      lowest = index
    }
  }
  return { lowest, highest }
}

function floatRange(values: Float32Array | Float64Array, from: number, to: number): ValueRange | null {
  let lowest = -1
  let highest = -1
  let least = Number.POSITIVE_INFINITY
  let most = Number.NEGATIVE_INFINITY
  for (let index = from; index < to; index++) {
    const value = values[index] as number
    // Comparisons with NaN are false. The infinities are values: the first number counts whatever it is.
    if (value <= least && (value < least || lowest < 0)) {
      least = value
      lowest = index
    }
    if (value >= most && (value > most || highest < 0)) {
      most = value
      highest = index
    }
  }
  return lowest < 0 ? null : { lowest, highest }
}

/** Ids often ascend: the comparison with the highest comes first and is then the only one. */
function bytesRange({ bytes, offsets }: BytesColumn, from: number, to: number): ValueRange {
  let lowest = from
  let highest = from
  for (let index = from + 1; index < to; index++) {
    if (compareText(bytes, offsets, index, highest) > 0) highest = index
    else if (compareText(bytes, offsets, index, lowest) < 0) lowest = index
  }
  return { lowest, highest }
}

function compareText(bytes: Uint8Array, offsets: Int32Array, left: number, right: number): number {
  const start = offsets[left] as number
  const otherStart = offsets[right] as number
  const length = (offsets[left + 1] as number) - start
  const otherLength = (offsets[right + 1] as number) - otherStart
  const shorter = length < otherLength ? length : otherLength
  for (let index = 0; index < shorter; index++) {
    const difference = (bytes[start + index] as number) - (bytes[otherStart + index] as number)
    if (difference !== 0) return difference
  }
  return length - otherLength
}

function fixedRange({ bytes, size }: FixedColumn, from: number, to: number, signed: boolean): ValueRange {
  let lowest = from
  let highest = from
  for (let index = from + 1; index < to; index++) {
    if (compareFixed(bytes, size, index, highest, signed) > 0) highest = index
    else if (compareFixed(bytes, size, index, lowest, signed) < 0) lowest = index
  }
  return { lowest, highest }
}

function compareFixed(bytes: Uint8Array, size: number, left: number, right: number, signed: boolean): number {
  const start = size * left
  const otherStart = size * right
  const flip = signed ? 0x80 : 0
  for (let index = 0; index < size; index++) {
    const one = bytes[start + index] as number
    const other = bytes[otherStart + index] as number
    if (one !== other) return index === 0 ? (one ^ flip) - (other ^ flip) : one - other
  }
  return 0
}
