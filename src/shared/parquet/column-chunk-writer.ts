// One leaf of one row group as a column chunk: dictionary page, data pages, what the footer says of them. Encode worker. Invariant:
// a page begins with a row and holds whole rows (the offset index needs it); a chunk is all dictionary or has none, so that readers
// may filter by the dictionary alone.
//
// Data pages are of version 1. Version 2 would leave levels uncompressed and readable without the values, which no reader of these
// files makes use of; its support differs (readers that take `is_compressed` as true, or DELTA encodings in version 2 only in part),
// while version 1 with every encoding used here was read by pyarrow, DuckDB, hyparquet and our own reader.
import { crc32 } from '@node-rs/crc32'
import type { LeafBounds } from '../columns/bounds.ts'
import { assert, IngestError } from '../errors.ts'
import { ByteSink } from './byte-sink.ts'
import type { ColumnEncoding } from './column-encoding.ts'
import { writeDeltaInt32, writeDeltaInt64 } from './delta-binary-packed.ts'
import { writeDeltaBytes, writeDeltaLength } from './delta-byte-array.ts'
import { type DenseColumn, expanded } from './dense-column.ts'
import type { LeafEntries } from './levels.ts'
import type { PageCompressor } from './page-compression.ts'
import { cutPages, type PageCut } from './page-cuts.ts'
import type { LeafType } from './parquet-types.ts'
import { writePlain } from './plain-values.ts'
import { bitWidth, writeHybrid, writeRun } from './rle-bit-packing.ts'
import { leafBounds, type StatisticValues, statisticValues } from './statistic-values.ts'
import { ThriftWriter } from './thrift-writer.ts'
import { buildDictionary } from './value-dictionary.ts'
import { compareAt, type OrderedColumn, usedRange, type ValueRange, valueRange, widerRange } from './value-range.ts'

/** parquet.thrift, enum Encoding. */
export const encodingNumbers = {
  plain: 0,
  rle: 3,
  'delta-binary-packed': 5,
  'delta-length-byte-array': 6,
  'delta-byte-array': 7,
  'rle-dictionary': 8,
} as const
export type PageEncoding = Exclude<keyof typeof encodingNumbers, 'rle'>

/** parquet.thrift, enum PageType. */
export const pageTypes = { data: 0, dictionary: 2 } as const

export interface ChunkLimits {
  readonly pageBytes: number
  readonly pageRows: number
  readonly dictionaryBytes: number
}

export interface PageWritten {
  /** In the file, of its header. */
  readonly offset: number
  /** Header included. */
  readonly bytes: number
  readonly firstRow: number
  readonly presentCount: number
  readonly nullCount: number
  /** Null: no values, or only NaN. */
  readonly statistics: StatisticValues | null
}

export interface ChunkWritten {
  readonly encoding: PageEncoding
  readonly valueCount: number
  readonly nullCount: number
  readonly offset: number
  readonly dictionaryOffset: number | null
  readonly dataOffset: number
  readonly compressedBytes: number
  readonly uncompressedBytes: number
  readonly statistics: StatisticValues | null
  readonly bounds: LeafBounds | null
  readonly pages: readonly PageWritten[]
  readonly order: 'unordered' | 'ascending' | 'descending'
}

const body = new ByteSink()

/** Writes chunks into one file. */
export class ColumnChunkWriter {
  readonly #file: ByteSink
  readonly #compress: PageCompressor
  readonly #limits: ChunkLimits
  readonly #thrift: ThriftWriter
  #uncompressed = 0

  constructor(file: ByteSink, compress: PageCompressor, limits: ChunkLimits) {
    this.#file = file
    this.#compress = compress
    this.#limits = limits
    this.#thrift = new ThriftWriter(file)
  }

  /** Errors: PARQUET where a page would be 2 GB or more. */
  write(type: LeafType, entries: LeafEntries, column: DenseColumn, chosen: ColumnEncoding): ChunkWritten {
    const offset = this.#file.length
    this.#uncompressed = 0
    const { values, indices, encoding } = encodedAs(column, chosen, this.#limits.dictionaryBytes)
    const dictionaryOffset = indices === null ? null : this.#dictionaryPage(values)
    const dataOffset = this.#file.length
    const signed = type.logical?.kind === 'decimal'
    const used = new Uint8Array(indices === null ? 0 : values.length)
    const pages: PageWritten[] = []
    const ranges: (ValueRange | null)[] = []
    for (const cut of cutPages(entries, values, indices === null ? null : indexBits(values), this.#limits)) {
      const range =
        indices === null
          ? valueRange(values, cut.firstValue, cut.nextValue, signed)
          : indexRange(values, indices, cut, used, signed)
      body.reset()
      writeLevels(body, entries, cut)
      writeValues(body, values, indices, encoding, cut)
      const at = this.#file.length
      const count = cut.nextEntry - cut.firstEntry
      const presentCount = cut.nextValue - cut.firstValue
      this.#page(pageTypes.data, count, encodingNumbers[encoding])
      ranges.push(range)
      pages.push({
        offset: at,
        bytes: this.#file.length - at,
        firstRow: cut.firstRow,
        presentCount,
        nullCount: count - presentCount,
        statistics: range === null ? null : statisticValues(values, type, range),
      })
    }
    const range = ranges.reduce((all, one) => widerRange(values, all, one, signed), null)
    return {
      encoding,
      valueCount: entries.count,
      nullCount: entries.count - entries.presentCount,
      offset,
      dictionaryOffset,
      dataOffset,
      compressedBytes: this.#file.length - offset,
      uncompressedBytes: this.#uncompressed,
      statistics: range === null ? null : statisticValues(values, type, range),
      bounds: range === null ? null : leafBounds(values, type, range),
      pages,
      order: orderOf(values, ranges, signed),
    }
  }

  /** Returns where it begins. */
  #dictionaryPage(entries: OrderedColumn): number {
    const at = this.#file.length
    body.reset()
    writePlain(body, entries, 0, entries.length)
    this.#page(pageTypes.dictionary, entries.length, encodingNumbers.plain)
    return at
  }

  /** Appends `body` as a page of `count` entries (parquet.thrift, PageHeader). */
  #page(type: number, count: number, encoding: number): void {
    const raw = body.written()
    const packed = this.#compress(raw)
    if (raw.length > pageBytesMax) throw new IngestError('PARQUET', { pageBytes: raw.length, pageBytesMax })
    const [file, thrift] = [this.#file, this.#thrift]
    const at = file.length
    thrift.begin()
    thrift.int32(1, type)
    thrift.int32(2, raw.length)
    thrift.int32(3, packed.length)
    thrift.int32(4, crc32(packed) | 0)
    thrift.struct(type === pageTypes.data ? 5 : 7)
    thrift.int32(1, count)
    thrift.int32(2, encoding)
    if (type === pageTypes.data) {
      thrift.int32(3, encodingNumbers.rle)
      thrift.int32(4, encodingNumbers.rle)
    }
    thrift.end()
    thrift.end()
    this.#uncompressed += file.length - at + raw.length
    file.append(packed)
  }
}

/** Sizes in page headers are 32 bits. */
const pageBytesMax = 0x7fffffff

interface EncodedAs {
  /** What is written plain or as deltas: the values, or the entries of their dictionary. */
  readonly values: OrderedColumn
  readonly indices: Int32Array | null
  readonly encoding: PageEncoding
}

/** A column that comes as a dictionary stays one while it fits: its indices go straight in. */
function encodedAs(column: DenseColumn, chosen: ColumnEncoding, dictionaryBytes: number): EncodedAs {
  const isTried = column.length > 0 && (chosen.dictionary || column.kind === 'dictionary')
  const dictionary = isTried ? buildDictionary(column, dictionaryBytes) : null
  if (dictionary !== null) {
    return { values: dictionary.entries, indices: dictionary.indices, encoding: 'rle-dictionary' }
  }
  const values = column.kind === 'dictionary' ? expanded(column) : column
  return { values, indices: null, encoding: chosen.values }
}

/** At least one: a width of 0 is allowed, and less often read. */
const indexBits = (entries: OrderedColumn): number => Math.max(1, bitWidth(entries.length - 1))

/** Levels of data pages of version 1 lie before the values, behind their length in bytes (Encodings.md, "RLE"). */
function writeLevels(sink: ByteSink, entries: LeafEntries, cut: PageCut): void {
  writeLevel(sink, entries.repetitions, entries.repetitionMax, cut)
  writeLevel(sink, entries.definitions, entries.definitionMax, cut)
}

function writeLevel(sink: ByteSink, levels: Int32Array | null, max: number, cut: PageCut): void {
  if (max === 0) return
  const at = sink.length
  sink.int32(0)
  if (levels === null) writeRun(sink, max, cut.nextEntry - cut.firstEntry, bitWidth(max))
  else writeHybrid(sink, levels, cut.firstEntry, cut.nextEntry, bitWidth(max))
  sink.view.setInt32(at, sink.length - at - 4, true)
}

function writeValues(
  sink: ByteSink,
  values: OrderedColumn,
  indices: Int32Array | null,
  encoding: PageEncoding,
  { firstValue, nextValue }: PageCut,
): void {
  if (indices !== null) {
    const width = indexBits(values)
    sink.byte(width)
    writeHybrid(sink, indices, firstValue, nextValue, width)
    return
  }
  if (encoding === 'delta-binary-packed' && values.kind === 'int32') {
    writeDeltaInt32(sink, values.values, firstValue, nextValue)
  } else if (encoding === 'delta-binary-packed' && values.kind === 'int64') {
    writeDeltaInt64(sink, values.words, firstValue, nextValue)
  } else if (encoding === 'delta-length-byte-array' && values.kind === 'bytes') {
    writeDeltaLength(sink, values.bytes, values.offsets, firstValue, nextValue)
  } else if (encoding === 'delta-byte-array' && values.kind === 'bytes') {
    writeDeltaBytes(sink, values.bytes, values.offsets, firstValue, nextValue)
  } else {
    assert(encoding === 'plain', `encoding ${encoding} for values of kind ${values.kind}`)
    writePlain(sink, values, firstValue, nextValue)
  }
}

function indexRange(
  entries: OrderedColumn,
  indices: Int32Array,
  { firstValue, nextValue }: PageCut,
  used: Uint8Array,
  signed: boolean,
): ValueRange | null {
  used.fill(0)
  for (let index = firstValue; index < nextValue; index++) used[indices[index] as number] = 1
  return usedRange(entries, used, signed)
}

/** Of the pages that have values, by their lowest and by their highest (parquet.thrift, BoundaryOrder). */
function orderOf(
  values: OrderedColumn,
  ranges: readonly (ValueRange | null)[],
  signed: boolean,
): ChunkWritten['order'] {
  const filled = ranges.filter((range) => range !== null)
  let [isAscending, isDescending] = [true, true]
  for (const [index, range] of filled.entries()) {
    const before = filled[index - 1]
    if (before === undefined) continue
    const low = compareAt(values, range.lowest, before.lowest, signed)
    const high = compareAt(values, range.highest, before.highest, signed)
    isAscending &&= low >= 0 && high >= 0
    isDescending &&= low <= 0 && high <= 0
  }
  return isAscending ? 'ascending' : isDescending ? 'descending' : 'unordered'
}
