// Two more shapes of records beside the trade, so that the speed measured is not one schema's: a wide one of 100 columns, and an order
// book with lists of records. Rows come from a fixed seed and are written by avsc. Invariant: the same rows on every machine.
import avro from 'avsc'
import { Random } from '../src/main/feed/random.ts'
import { parseAvroSchema } from '../src/shared/avro/avro-schema.ts'
import { compileDecoder, type RecordDecoder } from '../src/shared/avro/decoder.ts'
import { icebergSchemaOf } from '../src/shared/avro/iceberg-mapping.ts'
import { createColumnBatch, resetBatch, type StoredBatch } from '../src/shared/columns/storage.ts'
import type { IcebergSchema } from '../src/shared/iceberg/schema.ts'

export interface Shape {
  readonly name: string
  readonly rows: number
  readonly schema: AvroRecordJson
  readonly row: (index: number, random: Random) => object
}

interface AvroRecordJson {
  readonly type: 'record'
  readonly name: string
  readonly fields: readonly { readonly name: string; readonly type: unknown }[]
}

/** A shape with its rows as Avro, and a batch that its decoder fills. */
export interface FilledShape {
  readonly data: readonly Uint8Array[]
  readonly avroBytes: number
  readonly schema: IcebergSchema
  readonly batch: StoredBatch
  /** Decodes every row anew. */
  readonly decode: () => void
  /** avsc, the same rows to objects. */
  readonly decodeByAvsc: () => void
}

const timestamp = { type: 'long', logicalType: 'timestamp-micros' }
const startUs = 1_768_262_400_000_000

/** Column kinds of the wide shape, with how many there are of each: 100 together. */
const wideKinds: ReadonlyArray<
  readonly [type: unknown, count: number, value: (random: Random, index: number) => unknown]
> = [
  ['long', 25, (random) => random.below(1 << 30)],
  ['int', 10, (random) => random.below(1 << 16)],
  ['double', 20, (random) => random.below(1 << 30) / 64],
  ['boolean', 5, (random) => random.below(2) === 1],
  ['string', 10, (random) => `STATE_${random.below(12)}`],
  ['string', 10, (random, index) => `id-${index}-${random.below(1 << 30)}`],
  [['null', 'long'], 10, (random) => (random.below(3) === 0 ? null : random.below(1 << 30))],
  [['null', 'string'], 5, (random) => (random.below(3) === 0 ? null : `V${random.below(500)}`)],
  [timestamp, 5, (random, index) => startUs + index * 1000 + random.below(1000)],
]
const wideFields = wideKinds.flatMap(([type, count, value], kind) =>
  Array.from({ length: count }, (_, index) => ({ name: `column_${kind}_${index}`, type, value })),
)

const level = {
  type: 'record',
  name: 'Level',
  fields: [
    { name: 'price', type: 'double' },
    { name: 'size', type: 'long' },
    { name: 'orders', type: 'int' },
    { name: 'venue', type: 'string' },
  ],
}
const LEVELS = 10

const levelsOf = (random: Random): readonly object[] =>
  Array.from({ length: LEVELS }, (_, depth) => ({
    price: 100 + depth / 8 + random.below(8) / 64,
    size: random.below(1 << 20),
    orders: 1 + random.below(40),
    venue: `VENUE_${random.below(6)}`,
  }))

export const shapes: readonly Shape[] = [
  {
    name: 'wide',
    rows: 10_000,
    schema: { type: 'record', name: 'Wide', fields: wideFields.map(({ name, type }) => ({ name, type })) },
    row: (index, random) => Object.fromEntries(wideFields.map(({ name, value }) => [name, value(random, index)])),
  },
  {
    name: 'nested',
    rows: 5000,
    schema: {
      type: 'record',
      name: 'Book',
      fields: [
        { name: 'symbol', type: 'string' },
        { name: 'taken_at', type: timestamp },
        { name: 'bids', type: { type: 'array', items: level } },
        { name: 'asks', type: { type: 'array', items: 'Level' } },
        { name: 'tags', type: { type: 'map', values: 'string' } },
      ],
    },
    row: (index, random) => ({
      symbol: `SYM${random.below(200)}`,
      taken_at: startUs + index * 1000,
      bids: levelsOf(random),
      asks: levelsOf(random),
      tags: { feed: 'A', session: `S${random.below(4)}` },
    }),
  },
]

export function fillShape(shape: Shape): FilledShape {
  const json = JSON.stringify(shape.schema)
  // avsc is trusted with what this bench made itself.
  const type = avro.Type.forSchema(JSON.parse(json))
  const random = new Random(1)
  const buffers = Array.from({ length: shape.rows }, (_, index) => type.toBuffer(shape.row(index, random)))
  const record = parseAvroSchema(json)
  const whole = icebergSchemaOf(record, { keyColumn: false, headersColumn: false, tombstone: 'skip' })
  const schema = { ...whole, fields: whole.fields.filter(({ name }) => !name.startsWith('kafka_')) }
  const batch = createColumnBatch(schema, shape.rows)
  const decoder = compileDecoder(record, schema, batch)
  const decode = (): void => decodeAll(decoder, batch, buffers)
  // A second time: text columns choose dictionary or plain bytes by the chunk before.
  decode()
  decode()
  return {
    data: buffers,
    avroBytes: buffers.reduce((sum, { length }) => sum + length, 0),
    schema,
    batch,
    decode,
    decodeByAvsc: () => {
      for (const buffer of buffers) type.fromBuffer(buffer)
    },
  }
}

function decodeAll(decoder: RecordDecoder, batch: StoredBatch, data: readonly Uint8Array[]): void {
  resetBatch(batch)
  for (const bytes of data) {
    if (decoder.decode(bytes, 0, bytes.length) !== null) throw new Error('a row of the bench does not decode')
    batch.rowCount++
  }
}
