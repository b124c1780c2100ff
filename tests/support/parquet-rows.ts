// Rows of a Parquet file by an independent reader (hyparquet), unconverted: 64-bit numbers and unscaled decimals as bigint, times
// as stored, binary as bytes. hyparquet's own conversion of decimals goes through doubles and would hide a lost digit.
import zlib from 'node:zlib'
import { decompress } from 'fzstd'
import { type Compressors, parquetMetadata, parquetReadObjects } from 'hyparquet'
import lz4 from 'lz4-napi'
import { childFields } from '../../src/shared/columns/nested-fields.ts'
import type { IcebergField, IcebergSchema, IcebergType } from '../../src/shared/iceberg/schema.ts'
import type { Cell, Row } from './column-maker.ts'

const compressors: Compressors = {
  ZSTD: (input, length) => decompress(input, new Uint8Array(length)),
  GZIP: (input) => zlib.gunzipSync(input),
  LZ4_RAW: (input, length) => {
    const size = Buffer.alloc(4)
    size.writeUInt32LE(length)
    return lz4.uncompressSync(Buffer.concat([size, input]))
  },
}

const textDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** All rows of a file whose columns are those of the schema. */
export async function parquetRows(bytes: Uint8Array, schema: IcebergSchema): Promise<Row[]> {
  const metadata = parquetMetadata(bytes)
  for (const element of metadata.schema) {
    // Else hyparquet makes texts of them.
    if (element.logical_type?.type === 'UUID') delete element.logical_type
    if (element.converted_type !== 'DECIMAL') continue
    delete element.converted_type
    delete element.logical_type
  }
  const file = bytes.slice().buffer
  const rows = await parquetReadObjects({
    file,
    metadata,
    utf8: false,
    compressors,
    parsers: {
      // Its own takes a byte order mark for none of the text.
      stringFromBytes: (value) => textDecoder.decode(value),
      uuidFromBytes: (value) => value,
      timestampFromMicroseconds: (value) => value,
      timestampFromNanoseconds: (value) => value,
      dateFromDays: (value) => value,
    },
  })
  return rows.map((row) => cellsOf(schema.fields, row))
}

const cellsOf = (fields: readonly IcebergField[], row: object): Row =>
  Object.fromEntries(fields.map((field) => [field.name, cellOf(field.type, Reflect.get(row, field.name))]))

function cellOf(type: IcebergType, value: unknown): Cell {
  if (value === undefined || value === null) return null
  if (typeof type === 'string') return primitiveOf(type, value)
  const fields = childFields(type)
  if (type.type === 'struct') return cellsOf(fields, Object(value))
  if (type.type === 'list') return Array.isArray(value) ? value.map((element) => cellOf(type.element, element)) : null
  return new Map(Object.entries(Object(value)).map(([key, entry]): [Cell, Cell] => [key, cellOf(type.value, entry)]))
}

function primitiveOf(type: string, value: unknown): Cell {
  if (type.startsWith('decimal'))
    return value instanceof Uint8Array ? signed(value) : BigInt(Number.isInteger(value) ? Number(value) : String(value))
  if (value instanceof Uint8Array) return value.slice()
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean')
    return value
  throw new Error(`value of unexpected kind for ${type}`)
}

function signed(bytes: Uint8Array): bigint {
  let value = 0n
  for (const byte of bytes) value = (value << 8n) | BigInt(byte)
  return BigInt.asIntN(8 * bytes.length, value)
}
