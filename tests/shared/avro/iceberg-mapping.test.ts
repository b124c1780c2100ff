import { describe, expect, test } from 'vitest'
import { parseAvroSchema } from '../../../src/shared/avro/avro-schema.ts'
import {
  deadLettersSchema,
  deadLettersSpec,
  icebergSchemaOf,
  type MappingOptions,
  partitionSpecFor,
} from '../../../src/shared/avro/iceberg-mapping.ts'
import { fitWriter } from '../../../src/shared/avro/writer-fit.ts'
import { type ErrorCode, IngestError } from '../../../src/shared/errors.ts'
import type { IcebergField, IcebergSchema, IcebergType } from '../../../src/shared/iceberg/schema.ts'
import { tradeV2Json } from '../../support/trade-v2.ts'

const plain: MappingOptions = { keyColumn: false, headersColumn: false, tombstone: 'skip' }
const recordOf = (...fields: unknown[]) => parseAvroSchema(JSON.stringify({ type: 'record', name: 'R', fields }))
const one = (type: unknown, name = 'f') => recordOf({ name, type })
const mapped = (type: unknown): IcebergField | undefined => icebergSchemaOf(one(type), plain).fields[0]

function refusal(action: () => unknown): { code: ErrorCode; path: unknown; reason: unknown } {
  try {
    action()
  } catch (error) {
    if (error instanceof IngestError)
      return { code: error.code, path: error.context.path, reason: error.context.reason }
    throw error
  }
  throw new Error('nothing was refused')
}

describe('types', () => {
  const decimal = { logicalType: 'decimal', precision: 18, scale: 8 }
  const cases: ReadonlyArray<readonly [unknown, IcebergType]> = [
    ['boolean', 'boolean'],
    ['int', 'int'],
    ['long', 'long'],
    ['float', 'float'],
    ['double', 'double'],
    ['string', 'string'],
    ['bytes', 'binary'],
    [{ type: 'string', logicalType: 'uuid' }, 'string'],
    [{ type: 'fixed', name: 'U', size: 16, logicalType: 'uuid' }, 'string'],
    [{ type: 'enum', name: 'E', symbols: ['A'] }, 'string'],
    [{ type: 'bytes', ...decimal }, 'decimal(18, 8)'],
    [{ type: 'fixed', name: 'D', size: 16, ...decimal }, 'decimal(18, 8)'],
    [{ type: 'fixed', name: 'F', size: 5 }, 'fixed[5]'],
    [{ type: 'int', logicalType: 'date' }, 'date'],
    [{ type: 'int', logicalType: 'time-millis' }, 'long'],
    [{ type: 'long', logicalType: 'time-micros' }, 'long'],
    [{ type: 'long', logicalType: 'timestamp-millis' }, 'timestamptz'],
    [{ type: 'long', logicalType: 'timestamp-micros' }, 'timestamptz'],
    [{ type: 'long', logicalType: 'local-timestamp-millis' }, 'timestamp'],
    [{ type: 'long', logicalType: 'local-timestamp-micros' }, 'timestamp'],
  ]
  test.each(cases)('%j becomes %s, required, and optional in a union with null', (avro, iceberg) => {
    expect(mapped(avro)).toEqual({ id: 1, name: 'f', required: true, type: iceberg })
    expect(mapped(['null', avro])).toEqual({ id: 1, name: 'f', required: false, type: iceberg })
    expect(mapped([avro, 'null'])?.required).toBe(false)
    expect(mapped([avro])?.required).toBe(true)
  })

  test('docs become docs', () => {
    expect(icebergSchemaOf(recordOf({ name: 'f', type: 'int', doc: 'about f' }), plain).fields[0]?.doc).toBe('about f')
  })
})

describe('schemas', () => {
  test('own fields come first, provenance after them, all optional', () => {
    const schema = icebergSchemaOf(parseAvroSchema(tradeV2Json), {
      keyColumn: true,
      headersColumn: true,
      tombstone: 'skip',
    })
    const names = schema.fields.map((field) => field.name)
    expect(names.slice(0, 3)).toEqual(['message_id', 'trade_id', 'symbol'])
    expect(names.slice(15)).toEqual([
      'kafka_topic',
      'kafka_topic_id',
      'kafka_partition',
      'kafka_offset',
      'kafka_timestamp',
      'kafka_key',
      'kafka_headers',
    ])
    expect(schema.fields.slice(15).map((field) => [field.required, field.type])).toEqual([
      [false, 'string'],
      [false, 'string'],
      [false, 'int'],
      [false, 'long'],
      [false, 'timestamptz'],
      [false, 'binary'],
      [false, expect.objectContaining({ type: 'list' })],
    ])
    expect(
      schema.fields
        .slice(0, 15)
        .filter((field) => !field.required)
        .map((field) => field.name),
    ).toEqual(['source_sequence', 'platform_sequence', 'vendor_data'])
  })

  // The order of AssignFreshIds in Java and _SetFreshIDs in pyiceberg: a struct's fields, then what lies inside each of them.
  test('field ids are those that a catalog would assign', () => {
    const inner = {
      type: 'record',
      name: 'In',
      fields: [
        { name: 'x', type: 'int' },
        { name: 'y', type: 'int' },
      ],
    }
    const schema = icebergSchemaOf(
      recordOf(
        { name: 'm', type: { type: 'map', values: { type: 'array', items: inner } } },
        { name: 's', type: 'In' },
        { name: 'n', type: 'int' },
      ),
      { keyColumn: false, headersColumn: true, tombstone: 'skip' },
    )
    expect(schema.fields.map((field) => field.id)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(schema.fields[0]?.type).toMatchObject({
      'key-id': 10,
      'value-id': 11,
      value: { 'element-id': 12, element: { fields: [{ id: 13 }, { id: 14 }] } },
    })
    expect(schema.fields[1]?.type).toMatchObject({ fields: [{ id: 15 }, { id: 16 }] })
    expect(schema.fields[8]?.type).toMatchObject({ 'element-id': 17, element: { fields: [{ id: 18 }, { id: 19 }] } })
  })

  test('a table that stores tombstones has optional own fields and the key', () => {
    const schema = icebergSchemaOf(parseAvroSchema(tradeV2Json), { ...plain, tombstone: 'store' })
    expect(schema.fields.every((field) => !field.required)).toBe(true)
    expect(schema.fields.at(-1)).toMatchObject({ name: 'kafka_key', type: 'binary' })
  })
})

describe('refusals name the path', () => {
  const nested = (type: unknown) => ({
    type: 'array',
    items: { type: 'record', name: 'Leg', fields: [{ name: 'g', type: { type: 'map', values: type } }] },
  })
  const cases: ReadonlyArray<readonly [string, unknown]> = [
    ['a union of several types', ['null', 'int', 'string']],
    ['a union of several types without null', ['int', 'string']],
    ['a union of null alone', ['null']],
    ['null', 'null'],
    ['a record that contains itself', ['null', 'R']],
    ['an empty record', { type: 'record', name: 'Empty', fields: [] }],
    ['a decimal beyond 38 digits', { type: 'bytes', logicalType: 'decimal', precision: 39, scale: 0 }],
    ['nanoseconds', { type: 'long', logicalType: 'timestamp-nanos' }],
    ['local nanoseconds', { type: 'long', logicalType: 'local-timestamp-nanos' }],
    ['a fixed of no bytes', { type: 'fixed', name: 'Zero', size: 0 }],
    [
      'names equal but for case',
      {
        type: 'record',
        name: 'Case',
        fields: [
          { name: 'ab', type: 'int' },
          { name: 'aB', type: 'int' },
        ],
      },
    ],
  ]
  test.each(cases)('%s', (_, type) => {
    const outer = refusal(() => icebergSchemaOf(one(type), plain))
    expect(outer.code).toBe('SCHEMA_UNSUPPORTED')
    expect(outer.path).toMatch(/^f(\.aB)?$/)
    const inner = refusal(() => icebergSchemaOf(one(nested(type)), plain))
    expect(inner.code).toBe('SCHEMA_UNSUPPORTED')
    expect(inner.path).toMatch(/^f\[\]\.g\{\}(\.aB)?$/)
  })

  test('nanoseconds name the choice', () => {
    expect(refusal(() => icebergSchemaOf(one({ type: 'long', logicalType: 'timestamp-nanos' }), plain)).reason).toMatch(
      /format v3.*timestamp-micros/,
    )
  })

  test('names of provenance columns, in any case, also those that are not asked for', () => {
    for (const name of ['kafka_offset', 'KAFKA_Topic', 'kafka_key', 'kafka_headers']) {
      expect(refusal(() => icebergSchemaOf(one('int', name), plain))).toMatchObject({
        code: 'SCHEMA_UNSUPPORTED',
        path: name,
      })
    }
    expect(mapped({ type: 'record', name: 'In', fields: [{ name: 'kafka_offset', type: 'int' }] })).toBeDefined()
  })

  test('an empty record at the top', () => {
    expect(refusal(() => icebergSchemaOf(recordOf(), plain))).toMatchObject({
      code: 'SCHEMA_UNSUPPORTED',
      path: '(top)',
    })
  })

  test('a schema that multiplies by naming one type twice on each level', () => {
    const level = (n: number): unknown =>
      n === 0
        ? 'int'
        : {
            type: 'record',
            name: `L${n}`,
            fields: [
              { name: 'a', type: level(n - 1) },
              { name: 'b', type: n === 1 ? 'int' : `L${n - 1}` },
            ],
          }
    const started = performance.now()
    expect(refusal(() => icebergSchemaOf(one(level(25)), plain)).reason).toMatch(/more than/)
    expect(performance.now() - started).toBeLessThan(1000)
  })
})

describe('what a writer schema must keep', () => {
  const tableOf = (...fields: unknown[]): IcebergSchema => icebergSchemaOf(recordOf(...fields), plain)
  const decimal = (precision: number, scale = 2) => ({ type: 'bytes', logicalType: 'decimal', precision, scale })
  const fits = (writer: unknown, table: unknown) => fitWriter(one(writer), tableOf({ name: 'f', type: table }))

  test('the same types, and those that Iceberg widens', () => {
    for (const [writer, table] of [
      ['int', 'long'],
      ['float', 'double'],
      [decimal(9), decimal(10)],
      ['int', ['null', 'long']],
      [{ type: 'fixed', name: 'D', size: 8, logicalType: 'decimal', precision: 9, scale: 2 }, decimal(9)],
      [{ type: 'enum', name: 'E', symbols: ['A'] }, 'string'],
      [
        { type: 'long', logicalType: 'timestamp-millis' },
        { type: 'long', logicalType: 'timestamp-micros' },
      ],
    ]) {
      expect(() => fits(writer, table)).not.toThrow()
    }
  })

  test('any other type is refused by its path', () => {
    for (const [writer, table] of [
      ['long', 'int'],
      ['double', 'float'],
      ['int', 'double'],
      ['string', 'bytes'],
      ['int', { type: 'int', logicalType: 'date' }],
      ['long', { type: 'long', logicalType: 'timestamp-micros' }],
      [
        { type: 'long', logicalType: 'local-timestamp-micros' },
        { type: 'long', logicalType: 'timestamp-micros' },
      ],
      [decimal(10), decimal(9)],
      [decimal(9, 3), decimal(12, 2)],
      [['null', 'int'], 'int'],
      ['int', { type: 'array', items: 'int' }],
      [
        { type: 'array', items: 'int' },
        { type: 'map', values: 'int' },
      ],
    ]) {
      expect(refusal(() => fits(writer, table))).toMatchObject({ code: 'SCHEMA_INCOMPATIBLE', path: 'f' })
    }
    expect(refusal(() => fits({ type: 'array', items: ['null', 'int'] }, { type: 'array', items: 'int' })).path).toBe(
      'f[]',
    )
    expect(refusal(() => fits({ type: 'map', values: 'long' }, { type: 'map', values: 'int' })).path).toBe('f{}')
  })

  test('a field the table lacks is refused; a column the writer lacks must be optional', () => {
    const a = { name: 'a', type: 'int' }
    const b = { name: 'b', type: 'int' }
    expect(refusal(() => fitWriter(recordOf(a, b), tableOf(a)))).toMatchObject({
      code: 'SCHEMA_INCOMPATIBLE',
      path: 'b',
      reason: 'the table has no such column',
    })
    expect(refusal(() => fitWriter(recordOf(a), tableOf(a, b)))).toMatchObject({
      code: 'SCHEMA_INCOMPATIBLE',
      path: 'b',
    })
    expect(() => fitWriter(recordOf(a), tableOf(a, { name: 'b', type: ['null', 'int'] }))).not.toThrow()
  })

  test('an alias stands for the column that it names, once', () => {
    const table = tableOf({ name: 'a', type: 'int' })
    expect(() => fitWriter(recordOf({ name: 'x', aliases: ['y', 'a'], type: 'int' }), table)).not.toThrow()
    const both = recordOf({ name: 'a', type: 'int' }, { name: 'x', aliases: ['a'], type: 'int' })
    expect(refusal(() => fitWriter(both, table))).toMatchObject({ code: 'SCHEMA_INCOMPATIBLE', path: 'x' })
  })

  test('a field never lands in a provenance column', () => {
    const table = tableOf({ name: 'a', type: 'int' })
    expect(
      refusal(() => fitWriter(recordOf({ name: 'a', type: 'int' }, { name: 'kafka_offset', type: 'long' }), table)),
    ).toMatchObject({ code: 'SCHEMA_INCOMPATIBLE', path: 'kafka_offset' })
  })

  test('a writer schema without Iceberg counterpart is refused as such', () => {
    expect(refusal(() => fits(['int', 'string'], 'int'))).toMatchObject({ code: 'SCHEMA_UNSUPPORTED', path: 'f' })
  })
})

describe('partition specs', () => {
  const micros = { type: 'long', logicalType: 'timestamp-micros' }
  test('a top-level timestamp is partitioned by day', () => {
    expect(partitionSpecFor(icebergSchemaOf(parseAvroSchema(tradeV2Json), plain))).toEqual({
      'spec-id': 0,
      fields: [{ 'source-id': 6, 'field-id': 1000, name: 'timestamp_day', transform: 'day' }],
    })
    const local = { type: 'long', logicalType: 'local-timestamp-millis' }
    expect(partitionSpecFor(icebergSchemaOf(one(['null', local], 'timestamp'), plain)).fields).toHaveLength(1)
  })

  test('without one, or with a long of that name, a table is unpartitioned', () => {
    expect(partitionSpecFor(icebergSchemaOf(one(micros, 'time'), plain)).fields).toEqual([])
    expect(partitionSpecFor(icebergSchemaOf(one('long', 'timestamp'), plain)).fields).toEqual([])
  })

  test('the name of the partition field gives way to a column of that name', () => {
    const schema = icebergSchemaOf(
      recordOf({ name: 'timestamp', type: micros }, { name: 'Timestamp_Day', type: 'int' }),
      plain,
    )
    expect(partitionSpecFor(schema).fields[0]?.name).toBe('timestamp_day_2')
  })
})

test('the dead letters table holds the record as it was, and why', () => {
  const schema = deadLettersSchema()
  expect(
    schema.fields.map(
      (field) => `${field.id} ${field.name} ${typeof field.type === 'string' ? field.type : field.type.type}`,
    ),
  ).toEqual([
    '1 kafka_topic string',
    '2 kafka_topic_id string',
    '3 kafka_partition int',
    '4 kafka_offset long',
    '5 kafka_timestamp timestamptz',
    '6 kafka_key binary',
    '7 kafka_headers list',
    '8 value binary',
    '9 schema_id int',
    '10 error_code string',
    '11 error_text string',
    '12 field_path string',
    '13 route string',
    '14 seen_at timestamptz',
    '15 k2_version string',
  ])
  expect(schema.fields.every((field) => !field.required)).toBe(true)
  expect(deadLettersSpec().fields).toEqual([
    { 'source-id': 5, 'field-id': 1000, name: 'kafka_timestamp_day', transform: 'day' },
  ])
})
