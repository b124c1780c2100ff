// Footer and page index of a Parquet file (parquet.thrift: FileMetaData, ColumnIndex, OffsetIndex), from what the chunk writers have
// counted: nothing is read back. Encode worker, once a file. Invariant: every offset is that of a byte already written; statistics are
// in the order that each type defines, and column_orders says so (else readers pass max_value and min_value over).
import { childFields } from '../columns/nested-fields.ts'
import type { IcebergField, IcebergSchema } from '../iceberg/schema.ts'
import type { ByteSink } from './byte-sink.ts'
import { type ChunkWritten, encodingNumbers, pageTypes } from './column-chunk-writer.ts'
import { type LeafType, type LogicalType, leafType, physicalType } from './parquet-types.ts'
import type { StatisticValues } from './statistic-values.ts'
import { ThriftWriter, thriftType } from './thrift-writer.ts'

/** How rows of a file are sorted, by leaf columns. */
export interface SortingColumn {
  /** Leaf, counted in file order. */
  readonly leaf: number
  readonly descending: boolean
  readonly nullsFirst: boolean
}

export interface RowGroupWritten {
  readonly rowCount: number
  readonly chunks: readonly ChunkWritten[]
}

export interface FileWritten {
  readonly schema: IcebergSchema
  readonly rowCount: number
  readonly rowGroups: readonly RowGroupWritten[]
  /** Of {@link codecNumbers}. */
  readonly codec: number
  readonly createdBy: string
  readonly sortedBy: readonly SortingColumn[]
}

/** Where the page index of a chunk lies; null where a page has values but none with an order. */
interface ChunkIndex {
  readonly columnIndex: { readonly offset: number; readonly bytes: number } | null
  readonly offsetIndex: { readonly offset: number; readonly bytes: number }
}

export const magic = Uint8Array.of(0x50, 0x41, 0x52, 0x31)

/** Appends page index, footer, its length and the closing magic. */
export function writeFooter(file: ByteSink, written: FileWritten): void {
  const thrift = new ThriftWriter(file)
  const indexes = writePageIndex(file, thrift, written)
  const at = file.length
  thrift.begin()
  thrift.int32(1, 1)
  writeSchema(thrift, written.schema)
  thrift.int64(3, written.rowCount)
  thrift.list(4, thriftType.struct, written.rowGroups.length)
  const leaves = leavesOf(written.schema)
  written.rowGroups.forEach((group, ordinal) => {
    writeRowGroup(thrift, written, { group, ordinal, leaves, indexes: indexes[ordinal] ?? [] })
  })
  // As Iceberg's own writers do; readers map columns by field id whether it is there or not.
  thrift.list(5, thriftType.struct, 1)
  thrift.begin()
  thrift.text(1, 'iceberg.schema')
  thrift.text(2, JSON.stringify(written.schema))
  thrift.end()
  thrift.text(6, written.createdBy)
  thrift.list(7, thriftType.struct, leaves.length)
  for (const _ of leaves) {
    thrift.begin()
    thrift.emptyStruct(1)
    thrift.end()
  }
  thrift.end()
  file.int32(file.length - at)
  file.append(magic)
}

/** All column indexes, then all offset indexes (PageIndex.md: readers fetch each kind in one read). */
function writePageIndex(file: ByteSink, thrift: ThriftWriter, { rowGroups }: FileWritten): readonly ChunkIndex[][] {
  const columnIndexes = rowGroups.map(({ chunks }) =>
    chunks.map((chunk) => {
      if (chunk.pages.some((page) => page.presentCount > 0 && page.statistics === null)) return null
      return placed(file, () => writeColumnIndex(thrift, chunk))
    }),
  )
  return rowGroups.map(({ chunks }, group) =>
    chunks.map((chunk, leaf) => ({
      columnIndex: columnIndexes[group]?.[leaf] ?? null,
      offsetIndex: placed(file, () => writeOffsetIndex(thrift, chunk)),
    })),
  )
}

function placed(file: ByteSink, write: () => void): { readonly offset: number; readonly bytes: number } {
  const offset = file.length
  write()
  return { offset, bytes: file.length - offset }
}

const boundaryOrders = { unordered: 0, ascending: 1, descending: 2 } as const
const nothing = new Uint8Array(0)

function writeColumnIndex(thrift: ThriftWriter, { pages, order }: ChunkWritten): void {
  thrift.begin()
  thrift.list(1, thriftType.bool, pages.length)
  for (const page of pages) thrift.boolElement(page.presentCount === 0)
  thrift.list(2, thriftType.binary, pages.length)
  for (const page of pages) thrift.binaryElement(page.statistics?.min ?? nothing)
  thrift.list(3, thriftType.binary, pages.length)
  for (const page of pages) thrift.binaryElement(page.statistics?.max ?? nothing)
  thrift.int32(4, boundaryOrders[order])
  thrift.list(5, thriftType.int64, pages.length)
  for (const page of pages) thrift.intElement(page.nullCount)
  thrift.end()
}

function writeOffsetIndex(thrift: ThriftWriter, { pages }: ChunkWritten): void {
  thrift.begin()
  thrift.list(1, thriftType.struct, pages.length)
  for (const page of pages) {
    thrift.begin()
    thrift.int64(1, page.offset)
    thrift.int32(2, page.bytes)
    thrift.int64(3, page.firstRow)
    thrift.end()
  }
  thrift.end()
}

interface Leaf {
  readonly type: LeafType
  readonly path: readonly string[]
}

function leavesOf(schema: IcebergSchema): readonly Leaf[] {
  const visit = (field: IcebergField, above: readonly string[]): readonly Leaf[] => {
    const path = [...above, field.name]
    if (typeof field.type === 'string') return [{ type: leafType(field), path }]
    const below = field.type.type === 'struct' ? path : [...path, repeatedNames[field.type.type]]
    return childFields(field.type).flatMap((child) => visit(child, below))
  }
  return schema.fields.flatMap((field) => visit(field, []))
}

/** LogicalTypes.md, "Lists" and "Maps". */
const repeatedNames = { list: 'list', map: 'key_value' } as const

const repetition = { required: 0, optional: 1, repeated: 2 } as const
const converted = { utf8: 0, map: 1, list: 3, decimal: 5, date: 6, 'time-micros': 8, 'timestamp-micros': 10 } as const
const logicalMap = 2
const logicalList = 3

function writeSchema(thrift: ThriftWriter, schema: IcebergSchema): void {
  const count = (field: IcebergField): number => {
    const below = childFields(field.type).reduce((sum, child) => sum + count(child), 0)
    return typeof field.type === 'string' || field.type.type === 'struct' ? 1 + below : 2 + below
  }
  thrift.list(2, thriftType.struct, 1 + schema.fields.reduce((sum, field) => sum + count(field), 0))
  thrift.begin()
  thrift.text(4, 'table')
  thrift.int32(5, schema.fields.length)
  thrift.end()
  for (const field of schema.fields) writeElement(thrift, field)
}

/** Depth first (parquet.thrift, SchemaElement). */
function writeElement(thrift: ThriftWriter, field: IcebergField): void {
  const children = childFields(field.type)
  const repeats = field.required ? repetition.required : repetition.optional
  thrift.begin()
  if (typeof field.type === 'string') writeLeafElement(thrift, field, repeats)
  else {
    const { type } = field.type
    thrift.int32(3, repeats)
    thrift.text(4, field.name)
    thrift.int32(5, type === 'struct' ? children.length : 1)
    if (type !== 'struct') thrift.int32(6, converted[type])
    thrift.int32(9, field.id)
    if (type !== 'struct') {
      thrift.struct(10)
      thrift.emptyStruct(type === 'map' ? logicalMap : logicalList)
      thrift.end()
    }
  }
  thrift.end()
  if (typeof field.type !== 'string' && field.type.type !== 'struct') {
    thrift.begin()
    thrift.int32(3, repetition.repeated)
    thrift.text(4, repeatedNames[field.type.type])
    thrift.int32(5, children.length)
    thrift.end()
  }
  for (const child of children) writeElement(thrift, child)
}

function writeLeafElement(thrift: ThriftWriter, field: IcebergField, repeats: number): void {
  const { physical, length, logical } = leafType(field)
  thrift.int32(1, physicalType[physical])
  if (physical === 'fixed') thrift.int32(2, length)
  thrift.int32(3, repeats)
  thrift.text(4, field.name)
  const older = logical === null ? null : convertedType(logical)
  if (older !== null) thrift.int32(6, older)
  if (logical?.kind === 'decimal') {
    thrift.int32(7, logical.scale)
    thrift.int32(8, logical.precision)
  }
  thrift.int32(9, field.id)
  if (logical !== null) writeLogicalType(thrift, logical)
}

/** Local times carry the older annotation too (LogicalTypes.md, "TIMESTAMP", compatibility); nanoseconds and uuid have none. */
function convertedType(logical: LogicalType): number | null {
  switch (logical.kind) {
    case 'string':
      return converted.utf8
    case 'decimal':
      return converted.decimal
    case 'date':
      return converted.date
    case 'uuid':
      return null
    case 'time':
    case 'timestamp':
      return logical.unit === 'micros' ? converted[`${logical.kind}-micros`] : null
  }
}

/** parquet.thrift, union LogicalType. */
const logicalNumbers = { string: 1, decimal: 5, date: 6, time: 7, timestamp: 8, uuid: 14 } as const
const unitNumbers = { micros: 2, nanos: 3 } as const

function writeLogicalType(thrift: ThriftWriter, logical: LogicalType): void {
  thrift.struct(10)
  thrift.struct(logicalNumbers[logical.kind])
  if (logical.kind === 'decimal') {
    thrift.int32(1, logical.scale)
    thrift.int32(2, logical.precision)
  } else if (logical.kind === 'time' || logical.kind === 'timestamp') {
    thrift.bool(1, logical.utc)
    thrift.struct(2)
    thrift.emptyStruct(unitNumbers[logical.unit])
    thrift.end()
  }
  thrift.end()
  thrift.end()
}

interface RowGroupPlace {
  readonly group: RowGroupWritten
  readonly ordinal: number
  readonly leaves: readonly Leaf[]
  readonly indexes: readonly ChunkIndex[]
}

/** Row groups are counted in 16 bits. */
const ordinalMax = 0x7fff

function writeRowGroup(thrift: ThriftWriter, written: FileWritten, place: RowGroupPlace): void {
  const { group, ordinal, leaves, indexes } = place
  const { chunks } = group
  thrift.begin()
  thrift.list(1, thriftType.struct, chunks.length)
  chunks.forEach((chunk, index) => {
    const leaf = leaves[index]
    const pageIndex = indexes[index]
    if (leaf !== undefined && pageIndex !== undefined) writeChunk(thrift, written.codec, chunk, leaf, pageIndex)
  })
  thrift.int64(
    2,
    chunks.reduce((sum, chunk) => sum + chunk.uncompressedBytes, 0),
  )
  thrift.int64(3, group.rowCount)
  if (written.sortedBy.length > 0) {
    thrift.list(4, thriftType.struct, written.sortedBy.length)
    for (const { leaf, descending, nullsFirst } of written.sortedBy) {
      thrift.begin()
      thrift.int32(1, leaf)
      thrift.bool(2, descending)
      thrift.bool(3, nullsFirst)
      thrift.end()
    }
  }
  thrift.int64(5, chunks[0]?.offset ?? 0)
  thrift.int64(
    6,
    chunks.reduce((sum, chunk) => sum + chunk.compressedBytes, 0),
  )
  if (ordinal <= ordinalMax) thrift.int16(7, ordinal)
  thrift.end()
}

/** parquet.thrift, ColumnChunk and ColumnMetaData. */
function writeChunk(thrift: ThriftWriter, codec: number, chunk: ChunkWritten, leaf: Leaf, pageIndex: ChunkIndex): void {
  const hasDictionary = chunk.dictionaryOffset !== null
  thrift.begin()
  thrift.int64(2, 0)
  thrift.struct(3)
  thrift.int32(1, physicalType[leaf.type.physical])
  const { plain, rle } = encodingNumbers
  const encodings = [...new Set([...(hasDictionary ? [plain] : []), rle, encodingNumbers[chunk.encoding]])]
  thrift.list(2, thriftType.int32, encodings.length)
  for (const encoding of encodings) thrift.intElement(encoding)
  thrift.list(3, thriftType.binary, leaf.path.length)
  for (const name of leaf.path) thrift.textElement(name)
  thrift.int32(4, codec)
  thrift.int64(5, chunk.valueCount)
  thrift.int64(6, chunk.uncompressedBytes)
  thrift.int64(7, chunk.compressedBytes)
  thrift.int64(9, chunk.dataOffset)
  if (chunk.dictionaryOffset !== null) thrift.int64(11, chunk.dictionaryOffset)
  writeStatistics(thrift, chunk.nullCount, chunk.statistics)
  writeEncodingStatistics(thrift, chunk)
  thrift.end()
  thrift.int64(4, pageIndex.offsetIndex.offset)
  thrift.int32(5, pageIndex.offsetIndex.bytes)
  if (pageIndex.columnIndex !== null) {
    thrift.int64(6, pageIndex.columnIndex.offset)
    thrift.int32(7, pageIndex.columnIndex.bytes)
  }
  thrift.end()
}

function writeStatistics(thrift: ThriftWriter, nullCount: number, statistics: StatisticValues | null): void {
  thrift.struct(12)
  thrift.int64(3, nullCount)
  if (statistics !== null) {
    thrift.binary(5, statistics.max)
    thrift.binary(6, statistics.min)
    thrift.bool(7, statistics.maxExact)
    thrift.bool(8, statistics.minExact)
  }
  thrift.end()
}

/** By these a reader knows that every data page is of the dictionary, and filters by it. */
function writeEncodingStatistics(thrift: ThriftWriter, chunk: ChunkWritten): void {
  const hasDictionary = chunk.dictionaryOffset !== null
  thrift.list(13, thriftType.struct, hasDictionary ? 2 : 1)
  const write = (type: number, encoding: number, count: number): void => {
    thrift.begin()
    thrift.int32(1, type)
    thrift.int32(2, encoding)
    thrift.int32(3, count)
    thrift.end()
  }
  if (hasDictionary) write(pageTypes.dictionary, encodingNumbers.plain, 1)
  write(pageTypes.data, encodingNumbers[chunk.encoding], chunk.pages.length)
}
