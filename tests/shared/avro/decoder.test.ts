import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseAvroSchema } from '../../../src/shared/avro/avro-schema.ts'
import { compileDecoder } from '../../../src/shared/avro/decoder.ts'
import { createProvenance } from '../../../src/shared/columns/provenance.ts'
import { createColumnBatch, resetBatch } from '../../../src/shared/columns/storage.ts'
import { schemaAndSamples } from '../../support/avro-arbitrary.ts'
import { type AvscOracle, startAvscOracle } from '../../support/avsc-oracle.ts'
import { batchPicture, type ColumnValue, rowsOf } from '../../support/column-values.ts'
import { benchOf, decode, decodeField, fieldOf, ownRows } from '../../support/decoder-bench.ts'
import { tradeRecord, tradeV2Json, zigzag } from '../../support/trade-v2.ts'

describe('against avsc as oracle', () => {
  let oracle: AvscOracle
  beforeAll(() => {
    oracle = startAvscOracle()
  })
  afterAll(() => oracle.close())

  test('values of random schemas arrive in the columns as they were encoded', async () => {
    await fc.assert(
      fc.asyncProperty(schemaAndSamples(6, 6), async ({ schema, samples }) => {
        const bench = benchOf(schema)
        const encoded = await oracle.encode(
          schema,
          samples.map((sample) => sample.wire),
        )
        for (const record of encoded) expect(decode(bench, record)).toBeNull()
        expect(ownRows(bench).map(sorted)).toEqual(samples.map((sample) => sorted(sample.column)))
      }),
      { numRuns: 250 },
    )
  })

  test('a batch that is reset and filled again shows the new values only', async () => {
    await fc.assert(
      fc.asyncProperty(schemaAndSamples(4, 5), async ({ schema, samples }) => {
        const bench = benchOf(schema)
        const encoded = await oracle.encode(
          schema,
          samples.map((sample) => sample.wire),
        )
        for (const record of encoded) expect(decode(bench, record)).toBeNull()
        const before = batchPicture(bench.batch)
        resetBatch(bench.batch)
        for (const record of encoded.toReversed()) expect(decode(bench, record)).toBeNull()
        resetBatch(bench.batch)
        for (const record of encoded) expect(decode(bench, record)).toBeNull()
        expect(batchPicture(bench.batch)).toEqual(before)
      }),
      { numRuns: 60 },
    )
  })

  test('a record that is cut or has a byte changed fails without a trace, or is read as what it now says', async () => {
    await fc.assert(
      fc.asyncProperty(schemaAndSamples(4, 2), fc.infiniteStream(fc.nat(255)), async ({ schema, samples }, noise) => {
        const [first, last] = await oracle.encode(schema, [samples[0]?.wire, samples.at(-1)?.wire])
        if (first === undefined || last === undefined) throw new Error('two records')
        const bench = benchOf(schema)
        expect(decode(bench, last)).toBeNull()
        const before = JSON.stringify(batchPicture(bench.batch), bigintText)
        for (let at = 0; at < Math.min(first.length, 60); at += 1) {
          expect(decode(bench, first.subarray(0, at))?.code).toMatch(/^RECORD_/)
          const changed = first.slice()
          changed[at] = noise.next().value ?? 0
          if (decode(bench, changed) === null) bench.batch.rowCount -= 1
          else expect(JSON.stringify(batchPicture(bench.batch), bigintText)).toBe(before)
          expect(bench.batch.rowCount).toBe(1)
          resetBatch(bench.batch)
          expect(decode(bench, last)).toBeNull()
        }
        expect(decode(bench, [...first, 0])?.code).toMatch(/^RECORD_/)
        expect(JSON.stringify(batchPicture(bench.batch), bigintText)).toBe(before)
      }),
      { numRuns: 40 },
    )
  })
})

/** Map entries in the order of their keys: avsc hands objects over, which have an order of their own. */
function sorted(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  if (Array.isArray(value)) {
    const items = value.map(sorted)
    const isMap = items.length > 0 && items.every((item) => Array.isArray(item) && item.length === 2)
    return isMap
      ? items.toSorted((a, b) => (JSON.stringify(a, bigintText) < JSON.stringify(b, bigintText) ? -1 : 1))
      : items
  }
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, sorted(inner)]))
}
const bigintText = (_: string, value: unknown): unknown =>
  typeof value === 'bigint' ? `${value}n` : typeof value === 'number' ? String(value) : value

test('a TradeV2 record is read field by field', () => {
  const bench = benchOf(tradeV2Json)
  expect(decode(bench, tradeRecord(0))).toBeNull()
  expect(decode(bench, tradeRecord(1))).toBeNull()
  const rows = ownRows(bench) as Array<Record<string, ColumnValue>>
  expect(rows[0]).toEqual({
    message_id: '00000000-7d1c-4f3a-9e55-0123456789ab',
    trade_id: 'BINANCE-789012',
    symbol: 'BTCUSDT',
    exchange: 'BINANCE',
    asset_class: 'crypto',
    timestamp: 1_768_300_000_000_000n,
    price: 9_123_456_000_000n,
    quantity: 12_345_000n,
    currency: 'USDT',
    side: 'BUY',
    trade_conditions: [],
    source_sequence: 789_012n,
    ingestion_timestamp: 1_768_300_000_045_000n,
    platform_sequence: null,
    vendor_data: null,
  })
  expect(rows[1]?.vendor_data).toEqual([['event_type', 'trade-tick']])
  expect(rows[1]?.side).toBe('SELL')
})

test('bad records between good ones leave the batch as if they had never been', () => {
  const dirty = benchOf(tradeV2Json)
  const clean = benchOf(tradeV2Json)
  const record = tradeRecord(1)
  for (let index = 0; index < 40; index += 1) {
    for (const bench of [dirty, clean]) expect(decode(bench, tradeRecord(index))).toBeNull()
    for (let cut = index; cut < record.length; cut += 7) expect(decode(dirty, record.subarray(0, cut))).not.toBeNull()
  }
  expect(batchPicture(dirty.batch)).toEqual(batchPicture(clean.batch))
})

test('own columns and provenance columns grow together over many rows', () => {
  const { batch, decoder, schema } = benchOf(tradeV2Json)
  const provenance = createProvenance(batch, schema)
  for (let round = 0; round < 2; round += 1) {
    resetBatch(batch)
    provenance.beginPart('market.crypto.trades.binance', 'an-id', round)
    for (let index = 0; index < 9000; index += 1) {
      const record = tradeRecord(index)
      expect(decoder.decode(record, 0, record.length)).toBeNull()
      provenance.append(index, 0, 5, 1)
      batch.rowCount += 1
    }
    const kinds = Object.fromEntries(batch.columns.map((column) => [column.field.name, column.kind]))
    expect(kinds).toMatchObject({
      message_id: 'bytes',
      trade_id: 'bytes',
      symbol: 'dictionary',
      kafka_topic: 'dictionary',
    })
    const rows = rowsOf(batch)
    expect(rows[8999]).toMatchObject({
      trade_id: 'BINANCE-798011',
      symbol: 'TRXUSDT',
      kafka_topic: 'market.crypto.trades.binance',
      kafka_topic_id: 'an-id',
      kafka_partition: round,
      kafka_offset: 8999n,
      kafka_timestamp: 4_294_967_301n,
    })
    expect(new Set(rows.map((row) => row.message_id)).size).toBe(9000)
  }
})

describe('hostile counts', () => {
  const items: ReadonlyArray<readonly [unknown, readonly number[]]> = [
    ['long', [0, 0, 0, 0]],
    ['boolean', [1, 1, 1, 1]],
    [{ type: 'array', items: 'int' }, [0, 0, 0, 0]],
    [{ type: 'record', name: 'Two', fields: ['a', 'b'].map((name) => ({ name, type: 'int' })) }, [2, 2, 2, 2]],
    [
      ['null', 'string'],
      [0, 0, 0, 0],
    ],
  ]
  const counts = [1000n, 100_000n, 1n << 31n, 1n << 32n, (1n << 53n) + 1n, 1n << 62n, (1n << 63n) - 1n]
  test('a count that the bytes cannot hold is refused before an item is read', () => {
    for (const [type, bytes] of items) {
      for (const kind of [
        { type: 'array', items: type },
        { type: 'map', values: type },
      ]) {
        const bench = fieldOf(kind)
        const started = performance.now()
        for (const count of counts) {
          for (const signed of [
            zigzag(count),
            [...zigzag(-count), ...zigzag(4)],
            [...zigzag(-count), ...zigzag(count)],
          ]) {
            expect(decode(bench, [...signed, ...bytes])?.code).toBe('RECORD_BOUND')
          }
        }
        expect(performance.now() - started).toBeLessThan(500)
        expect(batchPicture(bench.batch)).toEqual(batchPicture(fieldOf(kind).batch))
      }
    }
  })

  test('blocks of a negative count are read with their size, which must be right', () => {
    const ints = { type: 'array', items: 'int' }
    expect(decodeField(ints, [...zigzag(-2), ...zigzag(2), 2, 4, ...zigzag(1), 6, 0])).toEqual([1, 2, 3])
    expect(decodeField(ints, [...zigzag(-2), ...zigzag(3), 2, 4, 0])).toBe('RECORD_BOUND')
    expect(decodeField(ints, [...zigzag(-2), ...zigzag(1), 2, 4, 0])).toBe('RECORD_BOUND')
    expect(decodeField(ints, [...zigzag(-1), ...zigzag(-1), 2, 0])).toBe('RECORD_BOUND')
    expect(decodeField(ints, [...zigzag(-(1n << 63n)), ...zigzag(2), 2, 4, 0])).toBe('RECORD_BOUND')
  })

  test('items that would take no bytes have no table, hence no decoder', () => {
    for (const type of [
      'null',
      { type: 'record', name: 'Empty', fields: [] },
      { type: 'fixed', name: 'Zero', size: 0 },
    ]) {
      expect(() => fieldOf({ type: 'array', items: type })).toThrow(/SCHEMA_UNSUPPORTED/)
    }
  })

  test('many empty lists in a list take time and memory by their bytes only', () => {
    const bench = fieldOf({ type: 'array', items: { type: 'array', items: 'int' } })
    const count = 200_000
    const record = [...zigzag(count), ...Array(count).fill(0), 0]
    expect(decode(bench, record)).toBeNull()
    expect(decode(bench, [...record.slice(0, -2), 0x80])).not.toBeNull()
    expect((ownRows(bench)[0] as { f: unknown[] }).f).toHaveLength(count)
  })
})

describe('failures', () => {
  test('name the innermost field and the byte', () => {
    const bench = benchOf({
      type: 'record',
      name: 'R',
      fields: [
        { name: 'id', type: 'int' },
        {
          name: 'legs',
          type: { type: 'array', items: { type: 'record', name: 'Leg', fields: [{ name: 'side', type: 'boolean' }] } },
        },
        { name: 'tags', type: { type: 'map', values: 'int' } },
      ],
    })
    expect(decode(bench, [2, 4, 1, 7])).toEqual({
      code: 'RECORD_VALUE',
      fieldPath: 'legs[].side',
      detail: 'a boolean that is neither 0 nor 1, at byte 3 of 4',
    })
    expect(decode(bench, [2, 0, 2, 2, 0xff, 0, 0])?.fieldPath).toBe('tags{key}')
    expect(decode(bench, [2, 0, 2, 2, 0x61])?.fieldPath).toBe('tags{}')
    expect(decode(bench, [2, 0, 0, 9])).toMatchObject({ code: 'RECORD_TRAILING_BYTES', fieldPath: '' })
    expect(decode(bench, [])).toMatchObject({ code: 'RECORD_TRUNCATED', fieldPath: 'id' })
    expect(decode(bench, [2, 0, 0])).toBeNull()
  })

  test('a wide record is read in parts, and its last field named', () => {
    const fields = Array.from({ length: 100 }, (_, index) => ({ name: `f${index}`, type: 'int' }))
    const bench = benchOf({ type: 'record', name: 'Wide', fields })
    expect(
      decode(
        bench,
        fields.map((_, index) => index & 62),
      ),
    ).toBeNull()
    expect(
      decode(
        bench,
        fields.slice(1).map(() => 0),
      )?.fieldPath,
    ).toBe('f99')
    expect(Object.values(ownRows(bench)[0] as object)).toEqual(fields.map((_, index) => (index & 62) / 2))
  })
})

describe('another writer schema than the table was made from', () => {
  const recordOf = (fields: unknown[]) => ({ type: 'record', name: 'R', fields })
  test('values are widened, aliases followed, absent optional columns null, at any depth', () => {
    const price = (precision: number) => ({ type: 'bytes', logicalType: 'decimal', precision, scale: 2 })
    const leg = (fields: unknown[]) => ({ type: 'array', items: { type: 'record', name: 'Leg', fields } })
    const { batch, schema } = benchOf(
      recordOf([
        { name: 'added', type: ['null', 'string'] },
        { name: 'id', type: 'long' },
        { name: 'ratio', type: 'double' },
        { name: 'price', type: price(20) },
        {
          name: 'legs',
          type: leg([
            { name: 'note', type: ['null', 'string'] },
            { name: 'size', type: 'long' },
          ]),
        },
      ]),
    )
    const writer = recordOf([
      { name: 'cost', aliases: ['price'], type: price(6) },
      { name: 'ratio', type: 'float' },
      { name: 'legs', type: leg([{ name: 'quantity', aliases: ['qty', 'size'], type: 'int' }]) },
      { name: 'id', type: 'int' },
    ])
    const decoder = compileDecoder(parseAvroSchema(JSON.stringify(writer)), schema, batch)
    const bench = { batch, schema, decoder }
    expect(
      decode(bench, [...zigzag(1), 0xfb, 0, 0, 0xc0, 0x3f, 4, ...zigzag(-7), ...zigzag(8), 0, ...zigzag(-3)]),
    ).toBeNull()
    expect(ownRows(bench)).toEqual([
      {
        added: null,
        id: -3n,
        ratio: 1.5,
        price: -5n,
        legs: [
          { note: null, size: -7n },
          { note: null, size: 8n },
        ],
      },
    ])
  })

  test('names never become code', () => {
    const bench = fieldOf({ type: 'enum', name: 'a.b.constructor', symbols: ['__proto__', 'toString'] })
    const hostile = { ...bench.schema, fields: [{ id: 1, name: "');throw 1;('", required: true, type: 'string' }] }
    expect(decode(bench, zigzag(0))).toBeNull()
    expect(ownRows(bench)).toEqual([{ f: '__proto__' }])
    expect(() => createColumnBatch(hostile, 1)).not.toThrow()
  })
})
