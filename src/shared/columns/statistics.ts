// Column statistics of a data file, as its manifest entry carries them (Iceberg spec, data_file fields 109 to 128): counted from
// the values themselves, in the encode worker, once per file. Invariant: counts are those a Parquet writer puts into the footer
// (repeated leaves count an empty or null list as one null), and bounds never exclude a value.
import { assert } from '../errors.ts'
import type { FileMetrics } from '../iceberg/data-file.ts'
import type { IcebergField, IcebergSchema } from '../iceberg/schema.ts'
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
} from './bounds.ts'
import type {
  BooleanColumn,
  BytesColumn,
  Column,
  ColumnBatch,
  DecimalColumn,
  DictionaryColumn,
  FixedColumn,
  Float32Column,
  Float64Column,
  Int32Column,
  Int64Column,
} from './column-batch.ts'
import { childFields } from './nested-fields.ts'
import { bothPresent, countAbsent, isPresent } from './validity.ts'

/** The part of {@link FileMetrics} that follows from the values; column sizes come from the encoder. */
export type ColumnStatistics = Omit<FileMetrics, 'columnSizes'>

/**
 * Statistics of every leaf, in file order. Bounds are given for leaves outside lists and maps only: Iceberg's own writer keeps
 * none for repeated values, and no reader could prune by them. Field ids are those of the schema, not of the columns. `known`: bounds
 * by field id that somebody found already, null for none.
 */
export function columnStatistics(
  batch: ColumnBatch,
  schema: IcebergSchema,
  known: ReadonlyMap<number, LeafBounds | null> = new Map(),
): ColumnStatistics {
  const collected: Collected = {
    known,
    valueCounts: [],
    nullValueCounts: [],
    nanValueCounts: [],
    lowerBounds: [],
    upperBounds: [],
  }
  assert(batch.columns.length === schema.fields.length, 'a batch has the columns of its schema')
  batch.columns.forEach((column, index) => {
    assert(column.length === batch.rowCount, `column ${column.field.name} has a value per row`)
    const field = schema.fields[index]
    if (field !== undefined) visit(collected, field, column, { validity: null, absentAbove: 0, repeated: false })
  })
  const { known: _, ...statistics } = collected
  return statistics
}

/** What lies above a column: a bitmap of its parent's presence, and what the levels above add as nulls. */
interface Above {
  readonly validity: Uint8Array | null
  /** Empty and null lists above: each is one entry of the leaf, without a value. */
  readonly absentAbove: number
  readonly repeated: boolean
}

/** {@link ColumnStatistics} while it is filled. */
interface Collected {
  readonly known: ReadonlyMap<number, LeafBounds | null>
  readonly valueCounts: [fieldId: number, count: number][]
  readonly nullValueCounts: [fieldId: number, count: number][]
  readonly nanValueCounts: [fieldId: number, count: number][]
  readonly lowerBounds: [fieldId: number, value: Uint8Array][]
  readonly upperBounds: [fieldId: number, value: Uint8Array][]
}

function visit(collected: Collected, field: IcebergField, column: Column, above: Above): void {
  const fields = childFields(field.type)
  const validity = bothPresent(above.validity, column.validity, column.length)
  switch (column.kind) {
    case 'struct':
      column.children.forEach((child, index) => {
        const childField = fields[index]
        if (childField !== undefined) visit(collected, childField, child, { ...above, validity })
      })
      return
    case 'list':
    case 'map': {
      const children = column.kind === 'list' ? [column.element] : [column.key, column.value]
      const absentAbove = above.absentAbove + countEmpty(column.offsets, column.length)
      children.forEach((child, index) => {
        const childField = fields[index]
        if (childField !== undefined)
          visit(collected, childField, child, { validity: null, absentAbove, repeated: true })
      })
      return
    }
    default:
      addLeaf(collected, field, column, { ...above, validity })
  }
}

function addLeaf(collected: Collected, field: IcebergField, column: LeafColumn, { validity, ...above }: Above): void {
  const absent = validity === null ? 0 : countAbsent(validity, column.length)
  const present = absent === 0 ? null : validity
  collected.valueCounts.push([field.id, above.absentAbove + column.length])
  collected.nullValueCounts.push([field.id, above.absentAbove + absent])
  if (column.kind === 'float32' || column.kind === 'float64') {
    collected.nanValueCounts.push([field.id, countNaN(column, present)])
  }
  if (above.repeated || absent === column.length) return
  const known = collected.known.get(field.id)
  const bounds = known === undefined ? boundsOf(field, column, present) : known
  if (bounds === null) return
  collected.lowerBounds.push([field.id, bounds.lower])
  if (bounds.upper !== null) collected.upperBounds.push([field.id, bounds.upper])
}

/** Lists without elements; a null list has none (a ColumnBatch keeps nothing under a null). */
function countEmpty(offsets: Int32Array, length: number): number {
  let empty = 0
  for (let index = 0; index < length; index++) if (offsets[index] === offsets[index + 1]) empty++
  return empty
}

function countNaN(column: Float32Column | Float64Column, present: Uint8Array | null): number {
  const values = column.values
  let count = 0
  for (let index = 0; index < column.length; index++) {
    if (Number.isNaN(values[index]) && (present === null || isPresent(present, index))) count++
  }
  return count
}

type LeafColumn = Exclude<Column, { readonly kind: 'struct' | 'list' | 'map' }>

/** Bounds of a leaf with at least one value; null where it has only NaN. `present` is null where every value is. */
function boundsOf(field: IcebergField, column: LeafColumn, present: Uint8Array | null): LeafBounds | null {
  switch (column.kind) {
    case 'boolean':
      return booleanBounds(column, present)
    case 'int32':
      return int32Bounds(column, present)
    case 'int64':
      return int64Bounds(column, present)
    case 'float32':
    case 'float64':
      return floatBounds(column, present)
    case 'decimal':
      return decimalBounds(column, present)
    case 'fixed':
      return fixedBounds(column, present)
    case 'bytes':
    case 'dictionary': {
      const { lowest, highest } = column.kind === 'bytes' ? bytesRange(column, present) : entryRange(column, present)
      return field.type === 'string'
        ? { lower: stringLowerBound(lowest), upper: stringUpperBound(highest) }
        : { lower: binaryLowerBound(lowest), upper: binaryUpperBound(highest) }
    }
  }
}

function booleanBounds({ values, length }: BooleanColumn, present: Uint8Array | null): LeafBounds {
  let seen = 0
  for (let index = 0; index < length && seen !== 3; index++) {
    if (present === null || isPresent(present, index)) seen |= values[index] === 0 ? 1 : 2
  }
  return { lower: booleanBound((seen & 1) === 0), upper: booleanBound((seen & 2) !== 0) }
}

function int32Bounds({ values, length }: Int32Column, present: Uint8Array | null): LeafBounds {
  let lowest = 2147483647
  let highest = -2147483648
  for (let index = 0; index < length; index++) {
    if (present !== null && !isPresent(present, index)) continue
    const value = values[index] ?? 0
    if (value < lowest) lowest = value
    if (value > highest) highest = value
  }
  return { lower: int32Bound(lowest), upper: int32Bound(highest) }
}

/** Flips the sign bit, so that comparing signed words orders them as unsigned. */
const signBit = -2147483648

function int64Bounds({ words, length }: Int64Column, present: Uint8Array | null): LeafBounds {
  let lowestHigh = 2147483647
  let lowestLow = 2147483647
  let highestHigh = signBit
  let highestLow = signBit
  for (let index = 0; index < length; index++) {
    if (present !== null && !isPresent(present, index)) continue
    const low = (words[2 * index] ?? 0) ^ signBit
    const high = words[2 * index + 1] ?? 0
    if (high < lowestHigh || (high === lowestHigh && low < lowestLow)) {
      lowestHigh = high
      lowestLow = low
    }
    if (high > highestHigh || (high === highestHigh && low > highestLow)) {
      highestHigh = high
      highestLow = low
    }
  }
  return {
    lower: int64Bound(lowestLow ^ signBit, lowestHigh),
    upper: int64Bound(highestLow ^ signBit, highestHigh),
  }
}

/**
 * NaN is no bound (spec, data_file). A zero bound is widened to -0.0 below and +0.0 above, as Parquet does: some readers order
 * -0.0 before 0.0 and others hold them equal, and neither may skip a file that holds the other zero.
 */
function floatBounds(column: Float32Column | Float64Column, present: Uint8Array | null): LeafBounds | null {
  const values = column.values
  let lowest = Number.POSITIVE_INFINITY
  let highest = Number.NEGATIVE_INFINITY
  let numbers = 0
  for (let index = 0; index < column.length; index++) {
    if (present !== null && !isPresent(present, index)) continue
    const value = values[index] ?? 0
    if (Number.isNaN(value)) continue
    numbers++
    if (value < lowest) lowest = value
    if (value > highest) highest = value
  }
  if (numbers === 0) return null
  const bound = column.kind === 'float32' ? float32Bound : float64Bound
  return { lower: bound(lowest === 0 ? -0 : lowest), upper: bound(highest === 0 ? 0 : highest) }
}

function decimalBounds({ words, length }: DecimalColumn, present: Uint8Array | null): LeafBounds {
  let lowest = -1
  let highest = -1
  for (let index = 0; index < length; index++) {
    if (present !== null && !isPresent(present, index)) continue
    if (lowest < 0) {
      lowest = index
      highest = index
      continue
    }
    if (isLess(words, index, lowest)) lowest = index
    else if (isLess(words, highest, index)) highest = index
  }
  return { lower: decimalBound(decimalAt(words, lowest)), upper: decimalBound(decimalAt(words, highest)) }
}

/** Is decimal `left` below decimal `right`? The highest word carries the sign, the others are unsigned. */
function isLess(words: Int32Array, left: number, right: number): boolean {
  const l = 4 * left
  const r = 4 * right
  if (words[l + 3] !== words[r + 3]) return (words[l + 3] ?? 0) < (words[r + 3] ?? 0)
  for (let word = 2; word > 0; word--) {
    const one = (words[l + word] ?? 0) ^ signBit
    const other = (words[r + word] ?? 0) ^ signBit
    if (one !== other) return one < other
  }
  return ((words[l] ?? 0) ^ signBit) < ((words[r] ?? 0) ^ signBit)
}

const decimalAt = (words: Int32Array, index: number): [number, number, number, number] => [
  words[4 * index] ?? 0,
  words[4 * index + 1] ?? 0,
  words[4 * index + 2] ?? 0,
  words[4 * index + 3] ?? 0,
]

function fixedBounds({ bytes, size, length }: FixedColumn, present: Uint8Array | null): LeafBounds {
  let lowest = -1
  let highest = -1
  for (let index = 0; index < length; index++) {
    if (present !== null && !isPresent(present, index)) continue
    const start = index * size
    if (lowest < 0) {
      lowest = start
      highest = start
    } else if (compareBytes(bytes, start, start + size, highest, highest + size) > 0) highest = start
    else if (compareBytes(bytes, start, start + size, lowest, lowest + size) < 0) lowest = start
  }
  return { lower: bytes.slice(lowest, lowest + size), upper: bytes.slice(highest, highest + size) }
}

interface BytesRange {
  readonly lowest: Uint8Array
  readonly highest: Uint8Array
}

/** Lowest and highest value in byte order. Ids often ascend: the comparison with the highest comes first and is then the only one. */
function bytesRange({ bytes, offsets, length }: BytesColumn, present: Uint8Array | null): BytesRange {
  let lowest = -1
  let highest = -1
  for (let index = 0; index < length; index++) {
    if (present !== null && !isPresent(present, index)) continue
    if (lowest < 0) {
      lowest = index
      highest = index
      continue
    }
    const start = offsets[index] ?? 0
    const end = offsets[index + 1] ?? 0
    if (compareBytes(bytes, start, end, offsets[highest] ?? 0, offsets[highest + 1] ?? 0) > 0) highest = index
    else if (compareBytes(bytes, start, end, offsets[lowest] ?? 0, offsets[lowest + 1] ?? 0) < 0) lowest = index
  }
  return {
    lowest: bytes.subarray(offsets[lowest] ?? 0, offsets[lowest + 1] ?? 0),
    highest: bytes.subarray(offsets[highest] ?? 0, offsets[highest + 1] ?? 0),
  }
}

/** As {@link bytesRange}, over the dictionary entries that a present value uses: a reused dictionary holds others too. */
function entryRange(column: DictionaryColumn, present: Uint8Array | null): BytesRange {
  const { indices, entryCount, bytes, offsets, length } = column
  const used = new Uint8Array((entryCount + 7) >> 3)
  for (let index = 0; index < length; index++) {
    if (present !== null && !isPresent(present, index)) continue
    const entry = indices[index] ?? 0
    used[entry >> 3] = (used[entry >> 3] ?? 0) | (1 << (entry & 7))
  }
  const entries: BytesColumn = {
    kind: 'bytes',
    field: column.field,
    length: entryCount,
    nullCount: countAbsent(used, entryCount),
    validity: used,
    bytes,
    offsets,
  }
  return bytesRange(entries, used)
}

/** Unsigned byte order, a prefix before what continues it; both ranges lie in the same bytes. */
function compareBytes(bytes: Uint8Array, start: number, end: number, otherStart: number, otherEnd: number): number {
  const shorter = Math.min(end - start, otherEnd - otherStart)
  for (let index = 0; index < shorter; index++) {
    const difference = (bytes[start + index] ?? 0) - (bytes[otherStart + index] ?? 0)
    if (difference !== 0) return difference
  }
  return end - start - (otherEnd - otherStart)
}
