// ColumnBatch: the rows of one chunk as columns in Arrow's memory layout, the seam between the Avro decoder (fills it) and a
// Parquet encoder (reads it). Lives in one encode worker and is reused from chunk to chunk: `reset` keeps the memory.
// Invariant: every column of a batch holds exactly `rowCount` top-level values once a row is complete.
import type { IcebergField, IcebergType } from '../iceberg/schema.ts'

/**
 * One column. `length` counts its values (for a child of a list or map: its elements). `validity` is an Arrow bitmap
 * (bit = 1: present) or null for a required column; values under a 0 bit are zero or empty. Arrays are larger than `length`.
 */
export type Column =
  | BooleanColumn
  | Int32Column
  | Int64Column
  | Float32Column
  | Float64Column
  | DecimalColumn
  | BytesColumn
  | DictionaryColumn
  | FixedColumn
  | StructColumn
  | ListColumn
  | MapColumn

interface ColumnBase {
  readonly field: IcebergField
  length: number
  nullCount: number
  validity: Uint8Array | null
}
/** One byte per value, 0 or 1. */
export interface BooleanColumn extends ColumnBase {
  readonly kind: 'boolean'
  values: Uint8Array
}
/** int, date. */
export interface Int32Column extends ColumnBase {
  readonly kind: 'int32'
  values: Int32Array
}
/** long, time, timestamps: two words per value, low then high (= little-endian int64). */
export interface Int64Column extends ColumnBase {
  readonly kind: 'int64'
  words: Int32Array
}
export interface Float32Column extends ColumnBase {
  readonly kind: 'float32'
  values: Float32Array
}
export interface Float64Column extends ColumnBase {
  readonly kind: 'float64'
  values: Float64Array
}
/** decimal(p, s) of any precision: four words per value, lowest first (= little-endian two's complement int128). */
export interface DecimalColumn extends ColumnBase {
  readonly kind: 'decimal'
  words: Int32Array
}
/** string and binary: value i is bytes[offsets[i], offsets[i + 1]). */
export interface BytesColumn extends ColumnBase {
  readonly kind: 'bytes'
  offsets: Int32Array
  bytes: Uint8Array
}
/** string and binary of few distinct values: value i is entry indices[i]; entry k is bytes[offsets[k], offsets[k + 1]). */
export interface DictionaryColumn extends ColumnBase {
  readonly kind: 'dictionary'
  indices: Int32Array
  entryCount: number
  offsets: Int32Array
  bytes: Uint8Array
}
/** fixed(n); uuid as its 16 bytes. */
export interface FixedColumn extends ColumnBase {
  readonly kind: 'fixed'
  readonly size: number
  bytes: Uint8Array
}
export interface StructColumn extends ColumnBase {
  readonly kind: 'struct'
  readonly children: Column[]
}
/** Elements of value i are element[offsets[i], offsets[i + 1]). */
export interface ListColumn extends ColumnBase {
  readonly kind: 'list'
  offsets: Int32Array
  element: Column
}
export interface MapColumn extends ColumnBase {
  readonly kind: 'map'
  offsets: Int32Array
  key: Column
  value: Column
}

export interface ColumnBatch {
  rowCount: number
  readonly columns: readonly Column[]
}

/** Physical kind of a column for an Iceberg type, before any dictionary is tried. */
export function columnKind(type: IcebergType): Column['kind'] {
  if (typeof type !== 'string') return type.type
  if (type.startsWith('decimal')) return 'decimal'
  if (type.startsWith('fixed') || type === 'uuid') return 'fixed'
  switch (type) {
    case 'boolean':
      return 'boolean'
    case 'int':
    case 'date':
      return 'int32'
    case 'float':
      return 'float32'
    case 'double':
      return 'float64'
    case 'string':
    case 'binary':
      return 'bytes'
    default:
      return 'int64'
  }
}
