// Avro object container files (Avro spec, "Object Container Files"), for manifests and manifest lists. Pure, any thread.
// Written here and not by avsc because its container drops `field-id` from the schema, which Iceberg readers need; avsc
// encodes the records. Read by our own bounded reader (avro-value.ts).
import { randomBytes } from 'node:crypto'
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import avsc from 'avsc'
import { uncompressSync as unsnappy } from 'snappy'
import { decompressZstd } from '../kafka/zstd.ts'
import {
  type AvroCursor,
  type AvroRecord,
  type AvroValue,
  avroCursor,
  compileAvro,
  readAvro,
  readAvroBytes,
  readAvroLong,
} from './avro-value.ts'
import { parseJson, writeJson } from './json.ts'

const magic = Buffer.from('Obj\u0001', 'latin1')
const syncLength = 16
/** Records are gathered into blocks of about this size before compression, as in Java. */
const blockBytes = 64_000
/** A block that unpacks beyond this is refused. */
const unpackedBytesMax = 512 * 1024 * 1024

/** avsc's type for 64-bit longs as bigint; without it a long above 2^53 throws. */
const bigintLong = avsc.types.LongType.__with({
  fromBuffer: (buffer: Buffer) => buffer.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const buffer = Buffer.alloc(8)
    buffer.writeBigInt64LE(value)
    return buffer
  },
  fromJSON: BigInt,
  toJSON: String,
  isValid: (value: unknown) => typeof value === 'bigint' && BigInt.asIntN(64, value) === value,
  compare: (left: bigint, right: bigint) => (left < right ? -1 : left > right ? 1 : 0),
})

/** Encodes one record to Avro binary. Longs are bigint; throws (our bug) for a record that does not fit. */
export type AvroEncoder = (record: AvroRecord) => Uint8Array

/** Encoders by the text of their schema: making one costs more than encoding a hundred records. */
const encoders = new Map<string, AvroEncoder>()
const encodersMax = 32

/** Encoder for a schema given as plain JSON data. */
export function avroEncoder(schema: object): AvroEncoder {
  const key = JSON.stringify(schema)
  const known = encoders.get(key)
  if (known !== undefined) return known
  const encoder = makeEncoder(schema)
  if (encoders.size >= encodersMax) encoders.clear()
  encoders.set(key, encoder)
  return encoder
}

function makeEncoder(schema: object): AvroEncoder {
  // avsc's types take only its own Schema union; it validates the structure itself and ignores other attributes.
  const type = avsc.Type.forSchema(bareTypes(schema) as avsc.Schema, { registry: { long: bigintLong } })
  return (record) => type.toBuffer(withBuffers(record))
}

/** The value with Buffer for all bytes, which is what avsc takes; the memory is shared. */
function withBuffers(value: AvroValue): AvroValue {
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  if (Array.isArray(value)) return value.map(withBuffers)
  const record: Record<string, AvroValue> = {}
  for (const [name, member] of Object.entries(value)) record[name] = withBuffers(member)
  return record
}

/** The schema with `{"type": "long", "logicalType": …}` as `"long"`: avsc would take its own long there, not ours. */
function bareTypes(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(bareTypes)
  if (typeof schema !== 'object' || schema === null) return schema
  if ('type' in schema && typeof schema.type === 'string' && !('name' in schema) && !('items' in schema))
    return schema.type
  return Object.fromEntries(Object.entries(schema).map(([name, member]) => [name, bareTypes(member)]))
}

export interface AvroFile {
  /** Key-value metadata of the header, `avro.schema` and `avro.codec` among it. */
  readonly metadata: ReadonlyMap<string, string>
  readonly records: readonly AvroRecord[]
}

/** A whole container file, deflated. The schema is written as given, with all its attributes. */
export function writeAvroFile(
  schema: object,
  metadata: Readonly<Record<string, string>>,
  records: Iterable<Uint8Array>,
): Uint8Array {
  const sync = randomBytes(syncLength)
  const header = { ...metadata, 'avro.schema': writeJson(schema), 'avro.codec': 'deflate' }
  const parts: Uint8Array[] = [magic, encodeMap(header), sync]
  let block: Uint8Array[] = []
  let blockSize = 0
  const flush = (): void => {
    if (block.length === 0) return
    const packed = deflateRawSync(Buffer.concat(block))
    parts.push(encodeLong(block.length), encodeLong(packed.length), packed, sync)
    block = []
    blockSize = 0
  }
  for (const record of records) {
    block.push(record)
    blockSize += record.length
    if (blockSize >= blockBytes) flush()
  }
  flush()
  return Buffer.concat(parts)
}

/**
 * Reads a container file of any of the codecs that engines use for manifests. `rename` gives each record field its key.
 * Throws Error (not ours to judge here) where the file is damaged.
 */
export function readAvroFile(bytes: Uint8Array, rename?: (name: string, fieldId: number | null) => string): AvroFile {
  const cursor = avroCursor(bytes)
  if (!magic.equals(bytes.subarray(0, magic.length))) throw new Error('not an Avro container file')
  cursor.at = magic.length
  const metadata = readHeader(cursor)
  const sync = readSync(cursor)
  const node = compileAvro(parseJson(metadata.get('avro.schema') ?? ''), rename)
  const records: AvroRecord[] = []
  while (cursor.at < bytes.length) {
    const count = Number(readAvroLong(cursor))
    const block = avroCursor(unpack(metadata.get('avro.codec') ?? 'null', readAvroBytes(cursor)))
    if (count < 0 || count > block.bytes.length) throw new Error('more records than bytes')
    for (let left = count; left > 0; left--) records.push(asRecord(readAvro(node, block)))
    if (block.at !== block.bytes.length) throw new Error('block goes on after its last record')
    if (!readSync(cursor).equals(sync)) throw new Error('sync marker differs')
  }
  return { metadata, records }
}

function readHeader(cursor: AvroCursor): Map<string, string> {
  const map = readAvro({ kind: 'map', values: { kind: 'bytes' } }, cursor)
  const entries = Object.entries(asRecord(map)).map(([key, value]): [string, string] => [
    key,
    value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : '',
  ])
  return new Map(entries)
}

function readSync(cursor: AvroCursor): Buffer {
  const sync = readAvro({ kind: 'fixed', size: syncLength }, cursor)
  if (!(sync instanceof Uint8Array)) throw new Error('sync marker missing')
  return Buffer.from(sync)
}

function unpack(codec: string, packed: Uint8Array): Uint8Array {
  switch (codec) {
    case 'null':
      return packed
    case 'deflate':
      return inflateRawSync(packed, { maxOutputLength: unpackedBytesMax })
    case 'zstandard':
      return decompressZstd(packed, unpackedBytesMax)
    case 'snappy': {
      // Four bytes of CRC-32 follow the data (Avro spec, "snappy").
      const plain = unsnappy(Buffer.from(packed.subarray(0, -4)))
      if (typeof plain === 'string') throw new Error('snappy answered with text')
      return plain
    }
    default:
      throw new Error(`Avro codec ${codec} is not supported`)
  }
}

function asRecord(value: AvroValue): AvroRecord {
  const isRecord =
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
  if (!isRecord) throw new Error('record expected')
  // Array.isArray does not narrow readonly arrays; the line above has excluded every other member of the union.
  return value as AvroRecord
}

function encodeMap(map: Readonly<Record<string, string>>): Uint8Array {
  const entries = Object.entries(map)
  const parts = entries.flatMap(([key, value]) => [...lengthPrefixed(key), ...lengthPrefixed(value)])
  return Buffer.concat([encodeLong(entries.length), ...parts, encodeLong(0)])
}

function lengthPrefixed(text: string): Uint8Array[] {
  const bytes = Buffer.from(text, 'utf8')
  return [encodeLong(bytes.length), bytes]
}

/** Zig-zag varint of a count or length (never negative, far below 2^52). */
function encodeLong(value: number): Uint8Array {
  const bytes: number[] = []
  let left = value * 2
  while (left >= 0x80) {
    bytes.push((left % 0x80) | 0x80)
    left = Math.floor(left / 0x80)
  }
  bytes.push(left)
  return Uint8Array.from(bytes)
}
