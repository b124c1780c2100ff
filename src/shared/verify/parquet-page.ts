// Pages of a Parquet column chunk as levels and raw values: nothing is converted, so nothing is lost (hyparquet's own
// conversions round decimals and timestamps). Pure. Footer, headers and most encodings by hyparquet; DELTA_BINARY_PACKED of
// 64 bits by the few lines at the end, because BigInt per value would cost more than all the rest.
import zlib from 'node:zlib'
import type { CompressionCodec, Compressors, DecodedArray, PageHeader, ParquetType, SchemaElement } from 'hyparquet'
import { parquetHeader } from 'hyparquet/src/column.js'
import { decompressPage } from 'hyparquet/src/datapage.js'
import { deltaBinaryUnpack, deltaByteArray, deltaLengthByteArray } from 'hyparquet/src/delta.js'
import { byteStreamSplit, readRleBitPackedHybrid } from 'hyparquet/src/encoding.js'
import { readPlain } from 'hyparquet/src/plain.js'
import lz4 from 'lz4-napi'
import { decompressZstd } from '../kafka/zstd.ts'

export interface Page {
  /** Entries: values and nulls. */
  readonly count: number
  /** Null: all entries are at the highest level. */
  readonly definitions: Uint8Array | null
  /** Null: every entry is a row. */
  readonly repetitions: Uint8Array | null
  /** Values that are there, or indices into `dictionary`. INT64 as two words a value, low first. */
  readonly values: DecodedArray
  readonly dictionary: DecodedArray | null
}

export interface ChunkShape {
  readonly type: ParquetType
  readonly codec: CompressionCodec
  readonly element: SchemaElement
  readonly levelMax: number
  readonly repetitionMax: number
}

interface Reader {
  view: DataView
  offset: number
}

const compressors: Compressors = {
  ZSTD: (bytes, size) => decompressZstd(bytes, size),
  GZIP: (bytes, size) => zlib.gunzipSync(bytes, { maxOutputLength: Math.max(1, size) }),
  BROTLI: (bytes, size) => zlib.brotliDecompressSync(bytes, { maxOutputLength: Math.max(1, size) }),
  LZ4_RAW: (bytes, size) => {
    // The codec of the package wants the size in front.
    const framed = Buffer.alloc(bytes.length + 4)
    framed.writeUInt32LE(size, 0)
    framed.set(bytes, 4)
    return lz4.uncompressSync(framed)
  },
}

/** Largest page that is unpacked. */
const pageBytesMax = 512 * 1024 * 1024

/** Data pages of a chunk in order. Throws plain errors on damage: the caller knows the file. */
export function* readPages(chunk: Uint8Array, shape: ChunkShape): Generator<Page> {
  const reader: Reader = { view: new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength), offset: 0 }
  let dictionary: DecodedArray | null = null
  while (reader.offset < chunk.length) {
    const header = parquetHeader(reader)
    const end = reader.offset + header.compressed_page_size
    if (header.compressed_page_size < 0 || end > chunk.length) throw new Error('page longer than its chunk')
    if (header.uncompressed_page_size < 0 || header.uncompressed_page_size > pageBytesMax) throw new Error('page size')
    const bytes = chunk.subarray(reader.offset, end)
    reader.offset = end
    if (header.type === 'DICTIONARY_PAGE') {
      const page = decompressPage(bytes, header.uncompressed_page_size, shape.codec, compressors)
      const count = header.dictionary_page_header?.num_values ?? 0
      dictionary = plain(readerOf(page), shape, count)
    } else if (header.type === 'DATA_PAGE') yield dataPage(bytes, header, shape, dictionary)
    else if (header.type === 'DATA_PAGE_V2') yield dataPageV2(bytes, header, shape, dictionary)
  }
}

const readerOf = (bytes: Uint8Array): Reader => ({
  view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
  offset: 0,
})

function dataPage(bytes: Uint8Array, header: PageHeader, shape: ChunkShape, dictionary: DecodedArray | null): Page {
  const page = header.data_page_header
  if (page === undefined) throw new Error('data page without its header')
  const reader = readerOf(decompressPage(bytes, header.uncompressed_page_size, shape.codec, compressors))
  const repetitions = shape.repetitionMax === 0 ? null : levels(reader, shape.repetitionMax, page.num_values)
  const definitions = shape.levelMax === 0 ? null : levels(reader, shape.levelMax, page.num_values)
  return { ...valuesOf(reader, shape, page.num_values, definitions, page.encoding, dictionary), repetitions }
}

function dataPageV2(bytes: Uint8Array, header: PageHeader, shape: ChunkShape, dictionary: DecodedArray | null): Page {
  const page = header.data_page_header_v2
  if (page === undefined) throw new Error('data page without its header')
  const repetitionBytes = page.repetition_levels_byte_length
  const levelBytes = repetitionBytes + page.definition_levels_byte_length
  const count = page.num_values
  const levelReader = readerOf(bytes)
  const repetitions =
    shape.repetitionMax === 0 ? null : levels(levelReader, shape.repetitionMax, count, repetitionBytes)
  levelReader.offset = repetitionBytes
  const definitionBytes = page.definition_levels_byte_length
  const definitions = shape.levelMax === 0 ? null : levels(levelReader, shape.levelMax, count, definitionBytes)
  const body = bytes.subarray(levelBytes)
  const size = header.uncompressed_page_size - levelBytes
  const plainBody = page.is_compressed === false ? body : decompressPage(body, size, shape.codec, compressors)
  return { ...valuesOf(readerOf(plainBody), shape, count, definitions, page.encoding, dictionary), repetitions }
}

function levels(reader: Reader, max: number, count: number, length?: number): Uint8Array {
  const out = new Uint8Array(count)
  readRleBitPackedHybrid(reader, 32 - Math.clz32(max), out, length)
  return out
}

function valuesOf(
  reader: Reader,
  shape: ChunkShape,
  count: number,
  definitions: Uint8Array | null,
  encoding: string,
  dictionary: DecodedArray | null,
): Omit<Page, 'repetitions'> {
  let present = count
  if (definitions !== null) for (const level of definitions) if (level !== shape.levelMax) present--
  const isAll = present === count
  const page = { count, definitions: isAll ? null : definitions }
  if (encoding === 'RLE_DICTIONARY' || encoding === 'PLAIN_DICTIONARY') {
    if (dictionary === null) throw new Error('page refers to a dictionary that is not there')
    return { ...page, values: indices(reader, present), dictionary }
  }
  return { ...page, values: present === 0 ? [] : decode(reader, shape, present, encoding), dictionary: null }
}

function indices(reader: Reader, count: number): Int32Array {
  const out = new Int32Array(count)
  const width = count === 0 ? 0 : reader.view.getUint8(reader.offset++)
  if (width > 0) readRleBitPackedHybrid(reader, width, out, reader.view.byteLength - reader.offset)
  return out
}

function decode(reader: Reader, shape: ChunkShape, count: number, encoding: string): DecodedArray {
  const { type, element } = shape
  switch (encoding) {
    case 'PLAIN':
      return plain(reader, shape, count)
    case 'RLE': {
      const out = new Uint8Array(count)
      readRleBitPackedHybrid(reader, 1, out)
      return out
    }
    case 'DELTA_BINARY_PACKED': {
      if (type === 'INT64') return deltaWords(reader, count)
      const out = new Int32Array(count)
      deltaBinaryUnpack(reader, count, out)
      return out
    }
    case 'DELTA_LENGTH_BYTE_ARRAY': {
      const out = new Array<Uint8Array>(count)
      deltaLengthByteArray(reader, count, out)
      return out
    }
    case 'DELTA_BYTE_ARRAY': {
      const out = new Array<Uint8Array>(count)
      deltaByteArray(reader, count, out)
      return out
    }
    case 'BYTE_STREAM_SPLIT':
      return words(byteStreamSplit(reader, count, type, element.type_length))
    default:
      throw new Error(`encoding ${encoding}`)
  }
}

const plain = (reader: Reader, shape: ChunkShape, count: number): DecodedArray =>
  words(readPlain(reader, shape.type, count, shape.element.type_length))

/** 64-bit numbers as pairs of words; everything else as it is. */
const words = (values: DecodedArray): DecodedArray =>
  values instanceof BigInt64Array ? new Int32Array(values.buffer, values.byteOffset, values.length * 2) : values

/**
 * DELTA_BINARY_PACKED of 64-bit numbers (Parquet spec, "Delta Encoding"): header, then blocks of a least delta, bit widths
 * and packed miniblocks. Sums wrap at 64 bits, as the spec says.
 */
export function deltaWords(reader: Reader, count: number): Int32Array {
  const { view } = reader
  const out = new Int32Array(count * 2)
  const pair = new Int32Array(2)
  const blockSize = varint(reader, pair, false)
  const miniblocks = varint(reader, pair, false)
  varint(reader, pair, false)
  varint(reader, pair, true)
  let [low, high] = [pair[0] as number, pair[1] as number]
  out[0] = low
  out[1] = high
  const perMiniblock = blockSize / miniblocks
  if (!Number.isInteger(perMiniblock) || perMiniblock % 8 !== 0 || perMiniblock === 0) throw new Error('miniblock size')
  for (let index = 1; index < count; ) {
    varint(reader, pair, true)
    const [leastLow, leastHigh] = [pair[0] as number, pair[1] as number]
    const widthsAt = reader.offset
    reader.offset += miniblocks
    for (let block = 0; block < miniblocks && index < count; block++) {
      const width = view.getUint8(widthsAt + block)
      if (width > 64) throw new Error('bit width')
      const start = reader.offset
      for (let item = 0; item < perMiniblock && index < count; item++, index++) {
        readBits(view, start, item * width, width, pair)
        const lowSum = (low >>> 0) + (leastLow >>> 0) + ((pair[0] as number) >>> 0)
        low = lowSum | 0
        high = (high + leastHigh + (pair[1] as number) + Math.floor(lowSum / 4294967296)) | 0
        out[index * 2] = low
        out[index * 2 + 1] = high
      }
      reader.offset = start + (perMiniblock * width) / 8
    }
  }
  return out
}

/** `width` bits from bit `bit` after byte `start`, least significant first, into two words. */
function readBits(view: DataView, start: number, bit: number, width: number, pair: Int32Array): void {
  let low = 0
  let high = 0
  let got = 0
  let at = start + (bit >>> 3)
  let shift = bit & 7
  while (got < width) {
    const take = Math.min(8 - shift, width - got)
    const part = (view.getUint8(at++) >>> shift) & ((1 << take) - 1)
    shift = 0
    if (got < 32) {
      low |= part << got
      if (got + take > 32) high |= part >>> (32 - got)
    } else high |= part << (got - 32)
    got += take
  }
  pair[0] = low
  pair[1] = high
}

/** Unsigned or zigzag varint of up to 64 bits into two words; returns the low word. */
function varint(reader: Reader, pair: Int32Array, isZigzag: boolean): number {
  let low = 0
  let high = 0
  for (let shift = 0; shift < 70; shift += 7) {
    const byte = reader.view.getUint8(reader.offset++)
    const part = byte & 0x7f
    if (shift < 32) low |= part << shift
    if (shift > 25) high |= shift < 32 ? part >>> (32 - shift) : part << (shift - 32)
    if (byte < 0x80) {
      const sign = isZigzag ? -(low & 1) : 0
      pair[0] = isZigzag ? ((low >>> 1) | (high << 31)) ^ sign : low
      pair[1] = isZigzag ? (high >>> 1) ^ sign : high
      return pair[0]
    }
  }
  throw new Error('number of more than 10 bytes')
}
