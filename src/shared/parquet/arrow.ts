// ColumnBatch → Apache Arrow record batch and IPC stream: what parquet-wasm takes in. Runs in an encode worker. Arrays of the batch
// are passed as views of exactly `length` values, not copied, but for booleans (bytes → bits) and dictionaries (→ plain values).
// Invariant: every field carries its Iceberg id, and a null count is that of the bitmap: Arrow drops the bitmap if told 0.
import {
  AsyncByteQueue,
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
  RecordBatchStreamWriter,
  Schema,
  Struct,
  Table,
  TimeMicrosecond,
  TimestampMicrosecond,
  TimestampNanosecond,
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
 * A view of memory of this thread that the next call fills again: tens of megabytes, new ones for each file, cost more in page
 * faults than in copying. Errors: PARQUET for an Iceberg type without Arrow counterpart.
 */
export function arrowStream(batch: ColumnBatch, schema: IcebergSchema): Uint8Array {
  const sink = new StreamMemory()
  // `reset` keeps a sink of this class as it is. The writer only ever calls `write` and `close` of it.
  new RecordBatchStreamWriter().reset(sink).writeAll(arrowTable(batch, schema))
  return sink.written()
}

const memory = { bytes: new Uint8Array(0) }
/** Memory is given back after a stream that uses less than this share of it. */
const memoryShareMin = 0.25

/** Takes what a writer writes, piece after piece, into the one memory. */
class StreamMemory extends AsyncByteQueue {
  #length = 0

  override write(value: Uint8Array): void {
    const end = this.#length + value.byteLength
    if (end > memory.bytes.length) {
      const larger = new Uint8Array(Math.max(1 << 16, Math.ceil(1.5 * end)))
      larger.set(memory.bytes.subarray(0, this.#length))
      memory.bytes = larger
    }
    memory.bytes.set(value, this.#length)
    this.#length = end
  }

  written(): Uint8Array {
    const stream = memory.bytes.subarray(0, this.#length)
    if (this.#length < memory.bytes.length * memoryShareMin) memory.bytes = new Uint8Array(0)
    return stream
  }
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
  const offsets = new Int32Array(length + 1)
  let end = 0
  for (let index = 0; index < length; index++) {
    const present = validity === null || (((validity[index >> 3] ?? 0) >> (index & 7)) & 1) === 1
    const entry = indices[index] as number
    if (present) end += (entryOffsets[entry + 1] as number) - (entryOffsets[entry] as number)
    if (end > bytesMax) throw new IngestError('PARQUET', { column: column.field.name, bytesMax })
    offsets[index + 1] = end
  }
  const bytes = new Uint8Array(end + wordBytes)
  const [source, target] = [entryWords(column), new DataView(bytes.buffer)]
  for (let index = 0; index < length; ) {
    const entry = indices[index] as number
    let next = index + 1
    while (next < length && indices[next] === entry) next++
    const from = entryOffsets[entry] as number
    const once = (entryOffsets[entry + 1] as number) - from
    const start = offsets[index] as number
    const stop = offsets[next] as number
    // Nulls take no bytes: a run of equal indices is whole entries, or nothing. Whole words: what a copy writes beyond its end, the
    // next one writes over.
    if (stop > start)
      for (let done = 0; done < once; done += 4) target.setInt32(start + done, source.getInt32(from + done))
    // Each copy doubles what is filled: one topic name for all rows costs no more than its bytes.
    for (let filled = once; filled > 0 && start + filled < stop; filled *= 2) {
      bytes.copyWithin(start + filled, start, Math.min(start + filled, stop - filled))
    }
    index = next
  }
  return { offsets, bytes }
}

const wordBytes = 4

/** The bytes of all entries, with a word to spare behind them. */
function entryWords({ offsets, entryCount, bytes }: DictionaryColumn): DataView {
  const end = offsets[entryCount] ?? 0
  const padded = new Uint8Array(end + wordBytes)
  padded.set(bytes.subarray(0, end))
  return new DataView(padded.buffer)
}

/** Arrow offsets of strings are 32 bits. */
const bytesMax = 0x7fffffff
