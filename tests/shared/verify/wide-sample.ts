// A record schema with every kind of column, and records of it as Avro values and as table rows, both written out by hand.
import avro from 'avsc'
import type { IcebergField } from '../../../src/shared/iceberg/schema.ts'
import type { Row } from '../../support/column-maker.ts'
import { framed, headerCells, keyAndHeaders, placeOf, provenance, type Sample, schemaOf } from './verify-world.ts'

const nullable = (name: string, type: unknown) => ({ name, type: ['null', type], default: null })

export const wideAvro = {
  type: 'record',
  name: 'Wide',
  namespace: 'test',
  fields: [
    { name: 'flag', type: 'boolean' },
    { name: 'small', type: 'int' },
    { name: 'large', type: 'long' },
    { name: 'single', type: 'float' },
    { name: 'wide', type: 'double' },
    { name: 'text', type: 'string' },
    { name: 'raw', type: 'bytes' },
    { name: 'code', type: { type: 'fixed', name: 'Code', size: 3 } },
    { name: 'side', type: { type: 'enum', name: 'Side', symbols: ['BUY', 'SELL'] } },
    { name: 'price', type: { type: 'bytes', logicalType: 'decimal', precision: 18, scale: 8 } },
    { name: 'huge', type: { type: 'fixed', name: 'Huge', size: 16, logicalType: 'decimal', precision: 38, scale: 2 } },
    { name: 'day', type: { type: 'int', logicalType: 'date' } },
    { name: 'timestamp', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'micros', type: { type: 'long', logicalType: 'timestamp-micros' } },
    { name: 'local', type: { type: 'long', logicalType: 'local-timestamp-micros' } },
    { name: 'time', type: { type: 'int', logicalType: 'time-millis' } },
    nullable('note', 'string'),
    nullable('count', 'long'),
    nullable('tags', { type: 'array', items: ['null', 'string'] }),
    nullable('data', { type: 'map', values: 'long' }),
    nullable('venue', {
      type: 'record',
      name: 'Venue',
      fields: [
        { name: 'name', type: 'string' },
        nullable('rank', 'int'),
        {
          name: 'fees',
          type: {
            type: 'array',
            items: {
              type: 'record',
              name: 'Fee',
              fields: [{ name: 'kind', type: 'string' }, nullable('parts', { type: 'array', items: 'int' })],
            },
          },
        },
      ],
    }),
  ],
}

const required = (id: number, name: string, type: IcebergField['type']): IcebergField => ({
  id,
  name,
  required: true,
  type,
})
const maybe = (id: number, name: string, type: IcebergField['type']): IcebergField => ({
  id,
  name,
  required: false,
  type,
})

/** Ids are not in order on purpose, and the column order is not the record's. */
export const wideSchema = schemaOf([
  required(21, 'text', 'string'),
  required(1, 'flag', 'boolean'),
  required(2, 'small', 'int'),
  required(3, 'large', 'long'),
  required(4, 'single', 'float'),
  required(5, 'wide', 'double'),
  required(7, 'raw', 'binary'),
  required(8, 'code', 'fixed[3]'),
  required(9, 'side', 'string'),
  required(10, 'price', 'decimal(18, 8)'),
  required(11, 'huge', 'decimal(38, 2)'),
  required(12, 'day', 'date'),
  required(13, 'timestamp', 'timestamptz'),
  required(14, 'micros', 'timestamptz'),
  required(15, 'local', 'timestamp'),
  required(16, 'time', 'long'),
  maybe(17, 'note', 'string'),
  maybe(18, 'count', 'long'),
  maybe(30, 'tags', { type: 'list', 'element-id': 31, element: 'string', 'element-required': false }),
  maybe(32, 'data', {
    type: 'map',
    'key-id': 33,
    key: 'string',
    'value-id': 34,
    value: 'long',
    'value-required': true,
  }),
  maybe(40, 'venue', {
    type: 'struct',
    fields: [
      required(41, 'name', 'string'),
      maybe(42, 'rank', 'int'),
      required(43, 'fees', {
        type: 'list',
        'element-id': 44,
        'element-required': true,
        element: {
          type: 'struct',
          fields: [
            required(45, 'kind', 'string'),
            maybe(46, 'parts', { type: 'list', 'element-id': 47, element: 'int', 'element-required': true }),
          ],
        },
      }),
    ],
  }),
  ...provenance(50),
  ...keyAndHeaders(60),
])

export const wideType = avro.Type.forSchema(wideAvro as unknown as avro.Schema)

/** Big-endian two's complement. */
function unscaled(value: bigint, size: number): Buffer {
  return Buffer.from(
    BigInt.asUintN(8 * size, value)
      .toString(16)
      .padStart(2 * size, '0'),
    'hex',
  )
}

/** Record number `offset`: every value depends on it, nulls and empty lists come and go. */
export function wideSample(offset: number, partition = 0): Sample {
  const price = BigInt(offset) * 1_234_567n - 5_000_000n
  const huge = (BigInt(offset) - 3n) * 10n ** 30n + 17n
  const tags = offset % 4 === 0 ? null : offset % 4 === 1 ? [] : [`t${offset}`, null, 'x'.repeat(offset % 9)]
  const data = offset % 3 === 0 ? null : { [`k${offset}`]: offset, b: -1 }
  const fees = Array.from({ length: offset % 3 }, (_, at) => ({
    kind: `fee${at}`,
    parts: at === 0 ? Array.from({ length: offset % 4 }, (_unused, part) => part * offset) : null,
  }))
  const venue = offset % 5 === 0 ? null : { name: `v${offset % 7}`, rank: offset % 2 === 0 ? null : offset, fees }
  const common = {
    flag: offset % 2 === 1,
    small: -offset,
    single: Math.fround(offset / 3),
    wide: offset / 7,
    text: `tëxt ${offset % 11} 🙂`,
    raw: Buffer.from([offset & 255, 0, 255]),
    code: Buffer.from([1, 2, offset & 255]),
    side: offset % 2 === 0 ? 'BUY' : 'SELL',
    day: 19_000 + offset,
    note: offset % 3 === 0 ? null : `note ${offset}`,
  }
  const large = offset * 4_000_000_000 - 7
  const timestamp = 1_700_000_000_000 + offset
  const value = {
    ...common,
    large,
    price: unscaled(price, 8),
    huge: unscaled(huge, 16),
    timestamp,
    micros: timestamp * 1000 + 1,
    local: -offset * 1000,
    time: offset,
    count: offset % 2 === 0 ? null : offset,
    tags,
    data,
    venue,
  }
  const key = offset % 2 === 0 ? Buffer.from(`key${offset}`) : null
  const headers =
    offset % 3 === 0
      ? []
      : [
          { key: 'h', value: Buffer.from([offset & 255]) },
          { key: 'n', value: null },
        ]
  const row: Row = {
    ...common,
    large: BigInt(large),
    price,
    huge,
    timestamp: BigInt(timestamp) * 1000n,
    micros: BigInt(timestamp) * 1000n + 1n,
    local: BigInt(-offset * 1000),
    time: BigInt(offset) * 1000n,
    count: offset % 2 === 0 ? null : BigInt(offset),
    tags,
    data: data === null ? null : new Map(Object.entries(data).map(([name, number]) => [name, BigInt(number)])),
    venue,
    ...placeOf(offset, partition),
    kafka_key: key,
    kafka_headers: headerCells(headers),
  }
  return { value: framed(wideType, nulled(value)), row, key, headers }
}

/** avsc wants unions of null and a named type as plain values where it can tell them apart: it can here. */
const nulled = <T>(value: T): T => value
