// A value of a column as Parquet statistics and Iceberg bounds carry it: min and max of chunks and pages (parquet.thrift, Statistics
// and ColumnIndex: PLAIN without length), lower and upper bounds of a manifest entry (Iceberg spec, Appendix D). Pure, once a page.
// Invariant: lower ≤ every value ≤ upper; text and binary are cut by the one rule of bounds.ts, in both places.
import {
  binaryLowerBound,
  binaryUpperBound,
  booleanBound,
  decimalBound,
  float32Bound,
  float64Bound,
  int32Bound,
  int64Bound,
  type LeafBounds,
  stringLowerBound,
  stringUpperBound,
} from '../columns/bounds.ts'
import type { LeafType } from './parquet-types.ts'
import type { OrderedColumn, ValueRange } from './value-range.ts'

export interface StatisticValues {
  readonly min: Uint8Array
  readonly max: Uint8Array
  /** False where text was cut: the value itself does not occur. */
  readonly minExact: boolean
  readonly maxExact: boolean
}

/** As Parquet's footer and column index have them. */
export function statisticValues(column: OrderedColumn, type: LeafType, range: ValueRange): StatisticValues {
  if (column.kind !== 'bytes') {
    const [min, max] = [valueBytes(column, range.lowest, -0), valueBytes(column, range.highest, 0)]
    return { min, max, minExact: true, maxExact: true }
  }
  const { lower, upper } = textBounds(column, type, range)
  const whole = valueBytes(column, range.highest, 0)
  const max = upper ?? whole
  return {
    min: lower,
    max,
    minExact: isWhole(column, range.lowest, lower),
    maxExact: isWhole(column, range.highest, max),
  }
}

/** As an Iceberg manifest has them. */
export function leafBounds(column: OrderedColumn, type: LeafType, range: ValueRange): LeafBounds {
  if (column.kind === 'bytes') return textBounds(column, type, range)
  if (type.logical?.kind === 'decimal') {
    return { lower: decimalBytes(column, range.lowest), upper: decimalBytes(column, range.highest) }
  }
  return { lower: valueBytes(column, range.lowest, -0), upper: valueBytes(column, range.highest, 0) }
}

type TextColumn = Extract<OrderedColumn, { readonly kind: 'bytes' }>

function textBounds(column: TextColumn, type: LeafType, range: ValueRange): LeafBounds {
  const [lowest, highest] = [textAt(column, range.lowest), textAt(column, range.highest)]
  return type.logical?.kind === 'string'
    ? { lower: stringLowerBound(lowest), upper: stringUpperBound(highest) }
    : { lower: binaryLowerBound(lowest), upper: binaryUpperBound(highest) }
}

const textAt = ({ bytes, offsets }: TextColumn, place: number): Uint8Array =>
  bytes.subarray(offsets[place], offsets[place + 1])

/** A cut lower value is shorter; a cut upper value is no longer, and differs. */
const isWhole = (column: TextColumn, place: number, bound: Uint8Array): boolean =>
  Buffer.compare(textAt(column, place), bound) === 0

/**
 * `zero` stands for a zero of a float: -0 below and +0 above, as both specs ask, since readers disagree on which is less.
 */
function valueBytes(column: OrderedColumn, place: number, zero: number): Uint8Array {
  switch (column.kind) {
    case 'boolean':
      return booleanBound(column.values[place] !== 0)
    case 'int32':
      return int32Bound(column.values[place] as number)
    case 'int64':
      return int64Bound(column.words[2 * place] as number, column.words[2 * place + 1] as number)
    case 'float32':
      return float32Bound(column.values[place] === 0 ? zero : (column.values[place] as number))
    case 'float64':
      return float64Bound(column.values[place] === 0 ? zero : (column.values[place] as number))
    case 'bytes':
      return textAt(column, place).slice()
    case 'fixed':
      return column.bytes.slice(column.size * place, column.size * (place + 1))
  }
}

/** Big-endian in the fewest bytes. */
function decimalBytes(column: OrderedColumn, place: number): Uint8Array {
  const words: [number, number, number, number] = [0, 0, 0, 0]
  if (column.kind === 'fixed') {
    const view = new DataView(new ArrayBuffer(16))
    const value = valueBytes(column, place, 0)
    const sign = (value[0] ?? 0) >> 7 === 1 ? 0xff : 0
    for (let byte = 0; byte < 16; byte++) view.setUint8(15 - byte, value[value.length - 1 - byte] ?? sign)
    for (let word = 0; word < 4; word++) words[word] = view.getInt32(4 * (3 - word))
  } else {
    const low = column.kind === 'int32' ? column.values[place] : column.kind === 'int64' ? column.words[2 * place] : 0
    const high = column.kind === 'int64' ? (column.words[2 * place + 1] as number) : (low as number) >> 31
    words[0] = low as number
    words[1] = high
    words[2] = high >> 31
    words[3] = high >> 31
  }
  return decimalBound(words)
}
