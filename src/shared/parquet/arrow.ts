// ColumnBatch → Apache Arrow record batch and IPC stream: what parquet-wasm takes in. Runs in an encode worker. Arrays of the batch
// are passed as views of exactly `length` values, not copied, but for booleans (bytes → bits) and dictionaries (→ plain values).
// Invariant: every field carries its Iceberg id, and a null count is that of the bitmap: Arrow drops the bitmap if told 0.
import {
  Binary,
  Bool,
  type Data,
  type DataType,
  DateDay,
  Decimal,
  Field,
  FixedSizeBinary,
  Float32,
  Float64,
  Int32,
  Int64,
  List,
  Map_,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  Table,
  TimeMicrosecond,
  TimestampMicrosecond,
  TimestampNanosecond,
  tableToIPC,
  Utf8,
} from 'apache-arrow'
import type { BooleanColumn, Column, ColumnBatch, DictionaryColumn, Int64Column } from '../columns/column-batch.ts'
import {
  childFields,
  decimalParameters,
  elementField,
  fixedLength,
  keyField,
  valueField,
} from '../columns/nested-fields.ts'
import { countAbsent } from '../columns/validity.ts'
import { assert, IngestError } from '../errors.ts'
import type { IcebergField, IcebergSchema, IcebergType } from '../iceberg/schema.ts'

/** Metadata key by which Arrow writers give a Parquet column its field id. */
const fieldIdKey = 'PARQUET:field_id'

/**
 * Arrow IPC stream of one record batch, uncompressed: apache-arrow 21.2.0 writes a wrong length prefix when it compresses.
 * Errors: PARQUET for an Iceberg type without Arrow counterpart.
 */
export function arrowStream(batch: ColumnBatch, schema: IcebergSchema): Uint8Array {
  return tableToIPC(arrowTable(batch, schema), 'stream')
}

/** The batch as an Arrow table; it shares the arrays of the batch and is valid until those change. */
export function arrowTable(batch: ColumnBatch, schema: IcebergSchema): Table {
  assert(batch.columns.length === schema.fields.length, 'a batch has the columns of its schema')
  const fields = schema.fields.map(arrowField)
  const children = fields.map((field, index) => {
    const column = batch.columns[index]
    assert(column !== undefined && column.length === batch.rowCount, `column ${field.name} has a value per row`)
    return columnData(field.type, column)
  })
  const data = makeData({ type: new Struct(fields), length: batch.rowCount, nullCount: 0, children })
  return new Table(new RecordBatch(new Schema(fields), data))
}

function arrowField(field: IcebergField): Field {
  return new Field(field.name, arrowType(field), !field.required, new Map([[fieldIdKey, String(field.id)]]))
}

function arrowType(field: IcebergField): DataType {
  const { type } = field
  if (typeof type === 'string') return primitiveType(field, type)
  switch (type.type) {
    case 'struct':
      return new Struct(childFields(type).map(arrowField))
    case 'list':
      return new List(arrowField(elementField(type)))
    case 'map': {
      const entries = new Field('', new Struct([arrowField(keyField(type)), arrowField(valueField(type))]), false)
      // The cast: `Map_` asks for its entries' keys to be typed by name. It names them `entries`; the Parquet writer takes the
      // name over, and in a Parquet file this level is called `key_value` (Parquet spec, "Maps").
      const map = new Map_(entries as Field<Struct<{ key: DataType; value: DataType }>>)
      Object.assign(entries, { name: 'key_value' })
      return map
    }
  }
}

function primitiveType(field: IcebergField, type: string): DataType {
  const decimal = decimalParameters(type)
  if (decimal !== null) return new Decimal(decimal.scale, decimal.precision, 128)
  const length = type === 'uuid' ? 16 : fixedLength(type)
  if (length !== null) return new FixedSizeBinary(length)
  const make = primitiveTypes.get(type)
  if (make === undefined) throw new IngestError('PARQUET', { column: field.name, type })
  return make()
}

const primitiveTypes: ReadonlyMap<IcebergType, () => DataType> = new Map<IcebergType, () => DataType>([
  ['boolean', () => new Bool()],
  ['int', () => new Int32()],
  ['date', () => new DateDay()],
  ['long', () => new Int64()],
  ['time', () => new TimeMicrosecond()],
  ['timestamp', () => new TimestampMicrosecond()],
  ['timestamptz', () => new TimestampMicrosecond('UTC')],
  ['timestamp_ns', () => new TimestampNanosecond()],
  ['timestamptz_ns', () => new TimestampNanosecond('UTC')],
  ['float', () => new Float32()],
  ['double', () => new Float64()],
  ['string', () => new Utf8()],
  ['binary', () => new Binary()],
])

/** What every Arrow array has: length and nulls. A bitmap without nulls is left out. */
function commonProps(column: Column): { length: number; nullCount: number; nullBitmap?: Uint8Array } {
  const { length, validity } = column
  const nullCount = validity === null ? 0 : countAbsent(validity, length)
  assert(nullCount === column.nullCount, `null count of ${column.field.name} is that of its bitmap`)
  if (validity === null || nullCount === 0) return { length, nullCount: 0 }
  return { length, nullCount, nullBitmap: validity.subarray(0, (length + 7) >> 3) }
}

// apache-arrow types the props of `makeData` by the class of `type`. The class is known here by the column's kind alone, so each
// case names it by a cast: `arrowType` made it for the same field.
function columnData(type: DataType, column: Column): Data {
  const common = commonProps(column)
  const { length } = column
  switch (column.kind) {
    case 'boolean':
      return makeData({ ...common, type: type as Bool, data: packedBits(column) })
    case 'int32':
      return makeData({ ...common, type: type as Int32, data: column.values.subarray(0, length) })
    case 'int64':
      return makeData({ ...common, type: type as Int64, data: int64View(column) })
    case 'float32':
      return makeData({ ...common, type: type as Float32, data: column.values.subarray(0, length) })
    case 'float64':
      return makeData({ ...common, type: type as Float64, data: column.values.subarray(0, length) })
    case 'decimal': {
      const { words } = column
      const data = new Uint32Array(words.buffer, words.byteOffset, 4 * length)
      return makeData({ ...common, type: type as Decimal, data })
    }
    case 'fixed': {
      const data = column.bytes.subarray(0, column.size * length)
      return makeData({ ...common, type: type as FixedSizeBinary, data })
    }
    case 'bytes':
    case 'dictionary': {
      const { offsets, bytes } = column.kind === 'bytes' ? column : expandedEntries(column)
      const valueOffsets = offsets.subarray(0, length + 1)
      const data = bytes.subarray(0, offsets[length] ?? 0)
      // Binary has the same layout as Utf8.
      return makeData({ ...common, type: type as Utf8, valueOffsets, data })
    }
    case 'struct': {
      const children = column.children.map((child, index) => columnData(childType(type, index), child))
      return makeData({ ...common, type: type as Struct, children })
    }
    case 'list': {
      const child = columnData(childType(type, 0), column.element)
      return makeData({ ...common, type: type as List, valueOffsets: column.offsets.subarray(0, length + 1), child })
    }
    case 'map': {
      const entries = childType(type, 0)
      const children = [columnData(childType(entries, 0), column.key), columnData(childType(entries, 1), column.value)]
      const child = makeData({ type: entries as Struct, length: column.key.length, nullCount: 0, children })
      return makeData({ ...common, type: type as Map_, valueOffsets: column.offsets.subarray(0, length + 1), child })
    }
  }
}

function childType(type: DataType, index: number): DataType {
  const child: Field | undefined = type.children[index]
  assert(child !== undefined, 'a column has the children of its type')
  return child.type
}

function packedBits({ values, length }: BooleanColumn): Uint8Array {
  const bits = new Uint8Array((length + 7) >> 3)
  for (let index = 0; index < length; index++) {
    if (values[index] !== 0) bits[index >> 3] = (bits[index >> 3] ?? 0) | (1 << (index & 7))
  }
  return bits
}

/** The words as 64-bit values; copied only where they do not start at a multiple of eight bytes. */
function int64View({ words, length }: Int64Column): BigInt64Array {
  const aligned = words.byteOffset % 8 === 0 ? words : words.slice(0, 2 * length)
  return new BigInt64Array(aligned.buffer, aligned.byteOffset, length)
}

/** The entries value by value. Dictionary input would make readers see dictionaries, and does not encode faster. */
function expandedEntries(column: DictionaryColumn): { readonly offsets: Int32Array; readonly bytes: Uint8Array } {
  const { indices, length, validity } = column
  const entryOffsets = column.offsets
  const entryBytes = column.bytes
  const offsets = new Int32Array(length + 1)
  let end = 0
  for (let index = 0; index < length; index++) {
    const present = validity === null || (((validity[index >> 3] ?? 0) >> (index & 7)) & 1) === 1
    const entry = indices[index] ?? 0
    if (present) end += (entryOffsets[entry + 1] ?? 0) - (entryOffsets[entry] ?? 0)
    if (end > bytesMax) throw new IngestError('PARQUET', { column: column.field.name, bytesMax })
    offsets[index + 1] = end
  }
  const bytes = new Uint8Array(end)
  for (let index = 0; index < length; ) {
    const entry = indices[index] ?? 0
    let next = index + 1
    while (next < length && indices[next] === entry) next++
    const from = entryOffsets[entry] ?? 0
    fillRun(bytes, offsets[index] ?? 0, offsets[next] ?? 0, entryBytes, from, (entryOffsets[entry + 1] ?? 0) - from)
    index = next
  }
  return { offsets, bytes }
}

/** Fills target[start, end) with one entry over and over: nulls take no bytes, so a run of equal indices is whole entries. */
function fillRun(
  target: Uint8Array,
  start: number,
  end: number,
  source: Uint8Array,
  from: number,
  length: number,
): void {
  const once = Math.min(end, start + length)
  for (let to = start; to < once; to++) target[to] = source[from++] ?? 0
  // Each copy doubles what is filled: one topic name for all rows costs no more than its bytes.
  for (let filled = length; filled > 0 && start + filled < end; filled *= 2) {
    target.copyWithin(start + filled, start, Math.min(start + filled, end - filled))
  }
}

/** Arrow offsets of strings are 32 bits. */
const bytesMax = 0x7fffffff
