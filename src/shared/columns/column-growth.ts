// Memory of single columns: made empty, grown by doubling up to a stated limit, cut back. Encode worker only.
// Invariant: bits of `validity` at and beyond `length` are 1, so that appending a present value never touches the bitmap;
// arrays are memory of their own (offset 0), and the first entry of every offsets array is 0.
import { IngestError } from '../errors.ts'
import type { IcebergField, IcebergType } from '../iceberg/schema.ts'
import { type Column, columnKind } from './column-batch.ts'

/** Values of one column of one batch. */
export const valuesMax = 1 << 27
/** Bytes of one text, binary or fixed column of one batch: offsets are 32 bits. */
export const bytesMax = 1 << 30
/** Values that a new column has room for. */
const capacityAtFirst = 1024
/** Array memory that a reset keeps in any case, and beyond it only where the last batch used half of it. */
const keptBytes = 1 << 25

/** Leaf columns as {@link leafColumn} makes them; text columns have a store of their own. */
export type LeafColumn = Exclude<Column, { readonly kind: 'struct' | 'list' | 'map' | 'bytes' | 'dictionary' }>

export const emptyValidity = (field: IcebergField): Uint8Array | null =>
  field.required ? null : new Uint8Array(capacityAtFirst / 8).fill(255)
export const emptyOffsets = (): Int32Array => new Int32Array(capacityAtFirst + 1)
export const emptyIndices = (): Int32Array => new Int32Array(capacityAtFirst)

/** An empty leaf column. Errors: SCHEMA_UNSUPPORTED for a primitive of a later format. */
export function leafColumn(field: IcebergField): LeafColumn {
  const base = { field, length: 0, nullCount: 0, validity: emptyValidity(field) }
  const kind = columnKind(field.type)
  switch (kind) {
    case 'boolean':
      return { kind, ...base, values: new Uint8Array(capacityAtFirst) }
    case 'int32':
      return { kind, ...base, values: new Int32Array(capacityAtFirst) }
    case 'int64':
      if (!int64Types.has(field.type)) throw noStorage(field)
      return { kind, ...base, words: new Int32Array(2 * capacityAtFirst) }
    case 'float32':
      return { kind, ...base, values: new Float32Array(capacityAtFirst) }
    case 'float64':
      return { kind, ...base, values: new Float64Array(capacityAtFirst) }
    case 'decimal':
      return { kind, ...base, words: new Int32Array(4 * capacityAtFirst) }
    case 'fixed': {
      const size = fixedSize(field)
      return { kind, ...base, size, bytes: new Uint8Array(size * 16) }
    }
    default:
      throw noStorage(field)
  }
}

const int64Types: ReadonlySet<IcebergType> = new Set([
  'long',
  'time',
  'timestamp',
  'timestamptz',
  'timestamp_ns',
  'timestamptz_ns',
])

const noStorage = (field: IcebergField): IngestError =>
  new IngestError('SCHEMA_UNSUPPORTED', { path: field.name, reason: `no storage for ${JSON.stringify(field.type)}` })

function fixedSize(field: IcebergField): number {
  if (field.type === 'uuid') return 16
  const match = /^fixed\[(\d+)\]$/.exec(String(field.type))
  const size = match === null ? 0 : Number(match[1])
  if (size < 1 || size > bytesMax / 16) throw noStorage(field)
  return size
}

/** Values that the arrays of a column have room for. A required struct has no array: no limit of its own. */
function capacityOf(column: Column): number {
  switch (column.kind) {
    case 'boolean':
    case 'int32':
    case 'float32':
    case 'float64':
      return column.values.length
    case 'int64':
      return column.words.length / 2
    case 'decimal':
      return column.words.length / 4
    case 'fixed':
      return column.bytes.length / column.size
    case 'dictionary':
      return column.indices.length
    case 'bytes':
    case 'list':
    case 'map':
      return column.offsets.length - 1
    case 'struct':
      return column.validity === null ? valuesMax : column.validity.length * 8
  }
}

/**
 * Makes room for `capacityMin` values or more, at least doubling. Errors: DECOMPRESSION_BOUND beyond {@link valuesMax} or
 * {@link bytesMax}: the chunk is too large, whatever its records are.
 */
export function growColumn(column: Column, capacityMin: number): void {
  const before = capacityOf(column)
  if (before >= capacityMin) return
  const limit = column.kind === 'fixed' ? Math.min(valuesMax, Math.floor(bytesMax / column.size)) : valuesMax
  if (capacityMin > limit) throw tooLarge(column, 'values', limit)
  resize(column, Math.min(limit, Math.max(capacityMin, 2 * before)))
}

/** Sets the arrays to this capacity; values below both the old and the new one stay. */
function resize(column: Column, capacity: number): void {
  switch (column.kind) {
    case 'boolean':
      column.values = resized(new Uint8Array(capacity), column.values)
      break
    case 'int32':
      column.values = resized(new Int32Array(capacity), column.values)
      break
    case 'float32':
      column.values = resized(new Float32Array(capacity), column.values)
      break
    case 'float64':
      column.values = resized(new Float64Array(capacity), column.values)
      break
    case 'int64':
      column.words = resized(new Int32Array(2 * capacity), column.words)
      break
    case 'decimal':
      column.words = resized(new Int32Array(4 * capacity), column.words)
      break
    case 'fixed':
      column.bytes = resized(new Uint8Array(capacity * column.size), column.bytes)
      break
    case 'dictionary':
      column.indices = resized(new Int32Array(capacity), column.indices)
      break
    case 'bytes':
    case 'list':
    case 'map':
      column.offsets = resized(new Int32Array(capacity + 1), column.offsets)
      break
    case 'struct':
      break
  }
  if (column.validity !== null) {
    const validity = new Uint8Array(Math.ceil(capacity / 8)).fill(255)
    column.validity = resized(validity, column.validity)
  }
}

function resized<T extends Uint8Array | Int32Array | Float32Array | Float64Array>(target: T, source: T): T {
  target.set(source.length > target.length ? source.subarray(0, target.length) : source)
  return target
}

/** Bytes of a text or binary column with room for `bytesMin`. Errors: DECOMPRESSION_BOUND. */
export function grownBytes(column: Column, bytes: Uint8Array, bytesMin: number): Uint8Array {
  if (bytesMin > bytesMax) throw tooLarge(column, 'bytes', bytesMax)
  const grown = new Uint8Array(Math.min(bytesMax, Math.max(bytesMin, 2 * bytes.length)))
  grown.set(bytes)
  return grown
}

const tooLarge = (column: Column, what: string, limit: number): IngestError =>
  new IngestError('DECOMPRESSION_BOUND', { column: column.field.name, [`${what}Max`]: limit })

/** Whether memory of this size, of which a batch used `used` bytes, is given back. */
export const isSpare = (size: number, used: number): boolean => size > keptBytes && used < size / 2

/** Forgets all values. Memory stays, but for arrays that one large batch has left behind. */
export function emptyColumn(column: Column): void {
  const capacity = capacityOf(column)
  const used = column.length
  if (column.validity !== null && column.nullCount > 0) column.validity.fill(255, 0, (used + 7) >> 3)
  column.length = 0
  column.nullCount = 0
  // Sixteen bytes a value is the widest of the fixed-width kinds; a large fixed counts by its own size.
  const width = column.kind === 'fixed' ? column.size : 16
  if (column.kind !== 'struct' && isSpare(capacity * width, used * width)) resize(column, capacityAtFirst)
}

/** Drops the values from `length` on, and their null bits; children are the caller's. */
export function cutColumn(column: Column, length: number): void {
  const { validity } = column
  if (validity !== null) {
    for (let index = length; index < column.length; index += 1) {
      const at = index >> 3
      const bit = 1 << (index & 7)
      const byte = validity[at] ?? 0
      if ((byte & bit) !== 0) continue
      validity[at] = byte | bit
      column.nullCount -= 1
    }
  }
  if (column.length > length) column.length = length
}

/** Clears the bit of value `index` and counts it; a required column holds a placeholder there. */
export function markNull(column: Column, index: number): void {
  const { validity } = column
  if (validity === null) return
  const at = index >> 3
  validity[at] = (validity[at] ?? 0) & ~(1 << (index & 7))
  column.nullCount += 1
}
