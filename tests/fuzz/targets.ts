// What is fuzzed: each target makes inputs from a random source and judges one. A judge returns where the input was read or refused as it
// should be; anything it throws is a finding.
import { decodeRawFetch } from '../../src/main/kafka/raw-fetch.ts'
import { parseAvroSchema } from '../../src/shared/avro/avro-schema.ts'
import {
  deadLettersSchema,
  deadLettersSpec,
  icebergSchemaOf,
  partitionSpecFor,
} from '../../src/shared/avro/iceberg-mapping.ts'
import { evolveSchema } from '../../src/shared/avro/schema-evolution.ts'
import { fitWriter } from '../../src/shared/avro/writer-fit.ts'
import { IngestError } from '../../src/shared/errors.ts'
import { highestFieldId } from '../../src/shared/iceberg/schema-json.ts'
import { compressBody, type WriterCodec } from '../../src/shared/kafka/compression.ts'
import { batchCrc, codecId, HEADER_BYTES, LENGTH_PREFIX_BYTES } from '../../src/shared/kafka/record-batch.ts'
import { type RecordInput, writeRecordBatch } from '../../src/shared/kafka/record-batch-writer.ts'
import type { EncodeRequest, TableLayout } from '../../src/shared/messages.ts'
import { parquetProperties } from '../../src/shared/parquet/parquet-properties.ts'
import { ChunkRows } from '../../src/workers/chunk-rows.ts'
import type { Random } from '../simulation/random.ts'
import { tradeRecord, tradeV2Json } from '../support/trade-v2.ts'
import { joined, mutated } from './mutate.ts'

export interface Target {
  readonly name: string
  make(random: Random): Uint8Array
  judge(input: Uint8Array): void | Promise<void>
}

const CODECS: readonly WriterCodec[] = ['none', 'gzip', 'snappy', 'snappy-xerial', 'lz4']
/** The product's default. */
const DECOMPRESSED_BYTES_MAX = 64 * 1024 * 1024
const NESTED_JSON = JSON.stringify({
  type: 'record',
  name: 'Book',
  fields: [
    { name: 'symbol', type: 'string' },
    {
      name: 'bids',
      type: {
        type: 'array',
        items: {
          type: 'record',
          name: 'Level',
          fields: [
            { name: 'price', type: { type: 'bytes', logicalType: 'decimal', precision: 18, scale: 8 } },
            { name: 'sizes', type: { type: 'array', items: 'int' } },
          ],
        },
      },
    },
    { name: 'tags', type: ['null', { type: 'map', values: ['null', 'double'] }] },
    { name: 'side', type: { type: 'enum', name: 'Side', symbols: ['BUY', 'SELL'] } },
    { name: 'mark', type: { type: 'fixed', name: 'Mark', size: 16, logicalType: 'uuid' } },
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'flags', type: { type: 'array', items: 'boolean' } },
  ],
})
/** A Book: one bid of two sizes, a tag that is null and one that is not. */
const bookRecord = Uint8Array.from([
  ...[6, 66, 84, 67, 2, 4, 1, 44, 4, 2, 4, 0, 0, 2, 4, 2, 97, 0, 2, 98, 2, 0, 0, 0, 0, 0, 0, 240, 63, 0, 2],
  ...new Array<number>(16).fill(7),
  ...[128, 160, 148, 206, 161, 98, 4, 1, 0, 0],
])

const framed = (schemaId: number, record: Uint8Array): Uint8Array => joined(Uint8Array.of(0, 0, 0, 0, schemaId), record)
const goodValues = [...Array.from({ length: 8 }, (_, at) => framed(1, tradeRecord(at))), framed(2, bookRecord)]

function layoutOf(json: string): TableLayout {
  const schema = icebergSchemaOf(parseAvroSchema(json), { keyColumn: true, headersColumn: true, tombstone: 'store' })
  return {
    table: 'fuzz',
    uuid: json,
    dataLocation: '',
    schema,
    spec: partitionSpecFor(schema),
    parquet: parquetProperties({}, 'fuzz'),
  }
}
const letters: TableLayout = { ...layoutOf(tradeV2Json), schema: deadLettersSchema(), spec: deadLettersSpec() }
/** Kept over all inputs, as a worker keeps them: what one input leaves behind the next one would meet. */
const kept = new Map(
  [tradeV2Json, NESTED_JSON].map((json) => [
    json,
    { layout: layoutOf(json), rows: new ChunkRows(layoutOf(json), letters, 'fuzz') },
  ]),
)

/** One chunk through the worker's decoding, into the table of `json`; every record must be counted once, every column be of one length. */
function decodeChunk(bytes: Uint8Array, json: string): void {
  const table = kept.get(json)
  if (table === undefined) throw new Error('no such table')
  const part = { topic: 'c/t', topicName: 'fuzz', partition: 0, first: 0n, next: 1n << 52n, bytes }
  const request: EncodeRequest = {
    kind: 'encode',
    fileStem: 'fuzz',
    policy: {
      route: 'fuzz',
      tombstone: 'store',
      unknownSchema: 'dead-letter',
      windowFirstUs: '0',
      windowAheadUs: '86400000000',
    },
    main: table.layout,
    deadLetters: letters,
    schemas: [
      { id: 1, json: json === NESTED_JSON ? NESTED_JSON : tradeV2Json },
      { id: 2, json: json === NESTED_JSON ? NESTED_JSON : tradeV2Json },
    ],
    missingSchemaIds: Array.from({ length: 254 }, (_, at) => at + 3),
    parts: [part],
    decompressedBytesMax: DECOMPRESSED_BYTES_MAX,
    seenAtUs: '0',
    puts: 'rows and dead letters',
  }
  const { ranges, unknownSchemas } = table.rows.decode(request)
  const { main, deadLetters } = table.rows
  for (const store of main.stores) {
    if (store.column.length !== main.rowCount)
      throw new Error(`column ${store.column.field.name}: ${store.column.length} values, ${main.rowCount} rows`)
  }
  if (unknownSchemas.length > 0) return
  for (const range of ranges) {
    const { records, rows, deadLetters: bad, tombstonesSkipped } = range
    if (records !== rows + bad + tombstonesSkipped)
      throw new Error(`${records} records became ${rows} rows, ${bad} dead letters`)
    if (rows !== main.rowCount || bad !== deadLetters.batch.rowCount)
      throw new Error('counts that the columns do not have')
  }
}

/** What hostile bytes may end in. */
function refusedOnly(codes: readonly string[], run: () => void): void {
  try {
    run()
  } catch (error) {
    if (error instanceof IngestError && codes.includes(error.code)) return
    // The sources let no batch of a log out of order; damage to two headers can.
    if (error instanceof Error && error.message.includes('comes after offset')) return
    throw error
  }
}
const SOURCE_CODES = ['SOURCE_CORRUPT', 'CODEC_UNSUPPORTED', 'DECOMPRESSION_BOUND']

function recordsOf(random: Random): RecordInput[] {
  return Array.from({ length: 1 + random.int(6) }, (_, at) => {
    const value = random.pick(goodValues)
    return {
      timestampMs: 1_768_300_000_000 + at,
      key: random.chance(20) ? null : Uint8Array.of(1, 2, 3),
      value: random.chance(5) ? null : random.chance(50) ? value : mutated(value, goodValues, random),
      ...(random.chance(30)
        ? {
            headers: [
              { key: 'h', value: Uint8Array.of(9) },
              { key: '__proto__', value: null },
            ],
          }
        : {}),
    }
  })
}

/** A batch whose records are damaged before or after compression, mostly with lengths and CRC put right again. */
function hostileBatch(random: Random): Uint8Array {
  const plain = writeRecordBatch(recordsOf(random), { baseOffset: BigInt(random.int(1000)) })
  const codec = random.pick(CODECS)
  const body = plain.subarray(HEADER_BYTES)
  const damagedBody = random.chance(50) ? mutated(body, goodValues, random) : body
  const compressed = compressBody(codec, damagedBody)
  const payload = random.chance(40) ? mutated(compressed, [compressed, body], random) : compressed
  const head = random.chance(20)
    ? mutated(plain.subarray(0, HEADER_BYTES), [plain], random).slice(0, HEADER_BYTES)
    : plain.slice(0, HEADER_BYTES)
  const batch = joined(head, new Uint8Array(HEADER_BYTES - head.length), payload)
  const view = new DataView(batch.buffer)
  if (random.chance(90)) view.setInt32(8, batch.length - LENGTH_PREFIX_BYTES)
  if (random.chance(90)) batch[22] = ((batch[22] ?? 0) & ~7) | codecId(codec === 'snappy-xerial' ? 'snappy' : codec)
  if (random.chance(10)) view.setInt32(57, random.pick([-1, 0, 1, 0x7fffffff, 1000]))
  if (random.chance(95)) view.setUint32(17, batchCrc(batch, 0, batch.length))
  return batch
}

const batches: Target = {
  name: 'record-batch',
  make: (random) => joined(...Array.from({ length: 1 + random.int(2) }, () => hostileBatch(random))),
  judge: (input) =>
    refusedOnly(SOURCE_CODES, () =>
      decodeChunk(Uint8Array.from(input), input.length % 2 === 0 ? tradeV2Json : NESTED_JSON),
    ),
}

const record = (name: string, json: string, good: readonly Uint8Array[]): Target => ({
  name,
  make: (random) => mutated(random.pick(good), good, random),
  judge: (input) => {
    const value = framed(1, input)
    const next = { timestampMs: 1_768_300_000_000, key: null, value: framed(1, good[0] ?? input) }
    // The neighbour behind a bad record must be stored.
    const batch = writeRecordBatch([{ timestampMs: 1_768_300_000_000, key: null, value }, next], { baseOffset: 0n })
    decodeChunk(batch, json)
    const rows = kept.get(json)?.rows.main.rowCount
    if (rows !== 1 && rows !== 2) throw new Error(`${rows} rows of a bad record and a good one`)
  },
})

const SCHEMA_CODES = ['SCHEMA_INVALID', 'SCHEMA_UNSUPPORTED', 'SCHEMA_INCOMPATIBLE']
const schemaTexts = [tradeV2Json, NESTED_JSON].map((json) => Buffer.from(JSON.stringify(JSON.parse(json))))

const schemas: Target = {
  name: 'schema',
  make: (random) => mutated(random.pick(schemaTexts), schemaTexts, random),
  judge: (input) =>
    refusedOnly(SCHEMA_CODES, () => {
      const writer = parseAvroSchema(Buffer.from(input).toString())
      const table = icebergSchemaOf(parseAvroSchema(tradeV2Json), {
        keyColumn: false,
        headersColumn: false,
        tombstone: 'skip',
      })
      const { schema } = evolveSchema(table, highestFieldId(table), writer)
      fitWriter(writer, schema)
    }),
}

function goodFetch(): Buffer {
  const batch = writeRecordBatch([{ timestampMs: 1, key: null, value: Uint8Array.of(1) }], { baseOffset: 5n })
  const head = Buffer.alloc(14 + 2 + 1 + 4 + 30 + 4 + 16 + 4 + 4)
  head.writeInt32BE(1, 10)
  head.writeInt16BE(1, 14)
  head.write('t', 16)
  head.writeInt32BE(1, 17)
  head.writeInt32BE(1, 51)
  head.writeInt32BE(batch.length, 75)
  return Buffer.concat([head, batch])
}

const fetches: Target = {
  name: 'fetch-response',
  make: (random) => mutated(goodFetch(), [goodFetch()], random),
  judge: async (input) => {
    try {
      await decodeRawFetch(Buffer.from(input))
    } catch (error) {
      // kafkajs takes a RangeError for a response that was cut, and asks again.
      if (error instanceof RangeError || (error instanceof IngestError && error.code === 'BROKER_UNSUPPORTED')) return
      throw error
    }
  },
}

export const targets: readonly Target[] = [
  batches,
  record(
    'trade-record',
    tradeV2Json,
    goodValues.slice(0, 8).map((value) => value.subarray(5)),
  ),
  record('nested-record', NESTED_JSON, [bookRecord]),
  schemas,
  fetches,
]
