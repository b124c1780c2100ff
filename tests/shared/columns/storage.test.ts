import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { deadLettersSchema } from '../../../src/shared/avro/iceberg-mapping.ts'
import { appendBytes, appendInt, appendLong, appendText } from '../../../src/shared/columns/hand-filled.ts'
import { appendNullRow, createProvenance, noTimestampHigh } from '../../../src/shared/columns/provenance.ts'
import {
  appendNull,
  type ColumnStore,
  createColumnBatch,
  resetBatch,
  type StoredBatch,
  storeNamed,
  truncateBatch,
} from '../../../src/shared/columns/storage.ts'
import type { IcebergSchema, IcebergType } from '../../../src/shared/iceberg/schema.ts'
import { batchPicture, rowsOf } from '../../support/column-values.ts'

const schemaOf = (fields: ReadonlyArray<readonly [string, IcebergType, boolean]>): IcebergSchema => ({
  type: 'struct',
  'schema-id': 0,
  fields: fields.map(([name, type, required], index) => ({ id: index + 1, name, type, required })),
})

function textBatch(type: 'string' | 'binary' = 'string'): { batch: StoredBatch; store: ColumnStore } {
  const batch = createColumnBatch(schemaOf([['t', type, false]]), 1_000_000)
  return { batch, store: storeNamed(batch, 't') }
}

describe('text columns', () => {
  test('stay dictionaries while few values repeat', () => {
    const { batch, store } = textBatch()
    for (let index = 0; index < 20_000; index += 1) appendText(store, `symbol ${index % 4000}`)
    batch.rowCount = 20_000
    const column = batch.columns[0]
    expect(column?.kind === 'dictionary' && column.entryCount).toBe(4000)
    expect(rowsOf(batch).map((row) => row.t)).toEqual(Array.from({ length: 20_000 }, (_, i) => `symbol ${i % 4000}`))
  })

  test('become plain within the chunk when values stop repeating, and begin plain from then on', () => {
    const { batch, store } = textBatch()
    const expected: Array<string | null> = []
    const append = (text: string | null): void => {
      if (text === null) appendNull(store)
      else appendText(store, text)
      expected.push(text)
      batch.rowCount += 1
    }
    for (let index = 0; index < 9000; index += 1)
      append(index % 10 === 3 ? null : `value ${index} ${'x'.repeat(index % 90)}`)
    expect(batch.columns[0]?.kind).toBe('bytes')
    expect(rowsOf(batch).map((row) => row.t)).toEqual(expected)
    const plain = batch.columns[0]
    if (plain?.kind !== 'bytes') throw new Error('plain bytes')
    expect(plain.nullCount).toBe(900)
    expect(plain.offsets[13]).toBe(plain.offsets[14])
    resetBatch(batch)
    expect(batch.columns[0]?.kind).toBe('bytes')
    expected.length = 0
    for (const text of ['a', null, 'b']) append(text)
    expect(rowsOf(batch).map((row) => row.t)).toEqual(expected)
  })

  test('are tried as dictionaries again after a while', () => {
    const { batch, store } = textBatch()
    for (let index = 0; index < 5000; index += 1) appendText(store, `${index}`)
    const kinds = new Set<string>()
    for (let reset = 0; reset < 70; reset += 1) {
      resetBatch(batch)
      for (const text of ['a', 'b', 'a']) appendText(store, text)
      batch.rowCount = 3
      kinds.add(batch.columns[0]?.kind ?? '')
      expect(rowsOf(batch).map((row) => row.t)).toEqual(['a', 'b', 'a'])
    }
    expect([...kinds]).toEqual(['bytes', 'dictionary'])
  })

  test('that are distinct in every small chunk are judged over several chunks', () => {
    const { batch, store } = textBatch()
    for (let chunk = 0; chunk < 20; chunk += 1) {
      resetBatch(batch)
      for (let index = 0; index < 500; index += 1) appendText(store, `${chunk} ${index}`)
    }
    expect(batch.columns[0]?.kind).toBe('bytes')
  })

  test('give up a dictionary of few but long values', () => {
    const { batch, store } = textBatch('binary')
    const bytes = new Uint8Array(300_000)
    for (let index = 0; index < 5; index += 1) {
      bytes[7] = index
      appendBytes(store, bytes, 0, bytes.length)
    }
    batch.rowCount = 5
    expect(batch.columns[0]?.kind).toBe('bytes')
    expect(rowsOf(batch).map((row) => (row.t instanceof Uint8Array ? [row.t.length, row.t[7]] : row.t))).toEqual(
      [0, 1, 2, 3, 4].map((index) => [300_000, index]),
    )
  })

  // Keys of equal hash: the second word undoes what the first has done. Without a limit each would be compared with all others.
  test('give up a dictionary whose keys are made to collide', () => {
    const { batch, store } = textBatch('binary')
    const key = new DataView(new ArrayBuffer(8))
    const expected: Uint8Array[] = []
    for (let index = 0; index < 100; index += 1) {
      let hash = Math.imul(8 ^ index, 0x9e3779b1)
      hash ^= hash >>> 15
      key.setInt32(0, index, true)
      key.setInt32(4, hash, true)
      expected.push(new Uint8Array(key.buffer.slice(0)))
      appendBytes(store, new Uint8Array(key.buffer), 0, 8)
      batch.rowCount += 1
      if (index === 60) expect(batch.columns[0]?.kind).toBe('dictionary')
    }
    expect(batch.columns[0]?.kind).toBe('bytes')
    expect(rowsOf(batch).map((row) => row.t)).toEqual(expected)
  })

  test('tell apart values that differ in one byte only, of any length', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 12 }), { maxLength: 300 }), (values) => {
        const { batch, store } = textBatch('binary')
        const all = values.flatMap((value) => [
          value,
          value.map((byte, at) => (at === value.length - 1 ? byte ^ 1 : byte)),
        ])
        for (const value of all) appendBytes(store, value, 0, value.length)
        batch.rowCount = all.length
        expect(rowsOf(batch).map((row) => row.t)).toEqual(all)
      }),
      { numRuns: 50 },
    )
  })

  test('take what is not UTF-8 as replacement characters when filled by hand', () => {
    const { batch, store } = textBatch()
    appendBytes(store, Uint8Array.of(97, 0xff, 98), 0, 3)
    batch.rowCount = 1
    expect(rowsOf(batch)).toEqual([{ t: 'a\ufffdb' }])
  })
})

const nested: IcebergType = {
  type: 'struct',
  fields: [
    { id: 10, name: 'a', required: true, type: 'long' },
    { id: 11, name: 'b', required: false, type: 'string' },
    {
      id: 12,
      name: 'c',
      required: true,
      type: { type: 'list', 'element-id': 13, element: 'string', 'element-required': true },
    },
    { id: 14, name: 'd', required: true, type: 'decimal(38, 2)' },
    { id: 15, name: 'e', required: true, type: 'fixed[3]' },
    { id: 16, name: 'f', required: true, type: 'string' },
  ],
}

test('a null struct holds a placeholder in each child', () => {
  const batch = createColumnBatch(schemaOf([['s', nested, false]]), 10)
  appendNullRow(batch)
  batch.rowCount = 1
  expect(rowsOf(batch)).toEqual([{ s: null }])
  const column = batch.columns[0]
  if (column?.kind !== 'struct') throw new Error('a struct')
  expect(column.children.map((child) => [child.length, child.nullCount])).toEqual([
    [1, 0],
    [1, 1],
    [1, 0],
    [1, 0],
    [1, 0],
    [1, 0],
  ])
})

test('nulls of a batch used before hold zeros, not the values of then', () => {
  const types: IcebergType[] = [
    'boolean',
    'int',
    'long',
    'float',
    'double',
    'decimal(9, 2)',
    'fixed[2]',
    'uuid',
    'timestamp',
  ]
  const batch = createColumnBatch(schemaOf(types.map((type, at) => [`c${at}`, type, false] as const)), 10)
  for (const column of batch.columns) {
    if ('values' in column) column.values.fill(1)
    if ('words' in column) column.words.fill(1)
    if (column.kind === 'fixed') column.bytes.fill(1)
  }
  appendNullRow(batch)
  for (const column of batch.columns) {
    if ('values' in column) expect(column.values[0]).toBe(0)
    if (column.kind === 'int64') expect([...column.words.slice(0, 3)]).toEqual([0, 0, 1])
    if (column.kind === 'decimal') expect([...column.words.slice(0, 5)]).toEqual([0, 0, 0, 0, 1])
    if (column.kind === 'fixed') expect(column.bytes.slice(0, column.size).every((byte) => byte === 0)).toBe(true)
  }
})

test('a truncated batch is the batch that it was, whatever was appended since', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 40 }), fc.nat(40), (presences, cut) => {
      const schema = schemaOf([
        ['t', 'string', false],
        ['n', 'long', false],
        ['s', nested, false],
      ])
      const fill = (rows: number): StoredBatch => {
        const batch = createColumnBatch(schema, 100)
        for (const present of presences.slice(0, rows)) {
          if (present) {
            appendText(storeNamed(batch, 't'), 'text')
            appendLong(storeNamed(batch, 'n'), 7, 0)
            appendNull(storeNamed(batch, 's'))
          } else appendNullRow(batch)
          batch.rowCount += 1
        }
        return batch
      }
      const rows = Math.min(cut, presences.length)
      const batch = fill(presences.length)
      appendText(storeNamed(batch, 't'), 'half a row')
      truncateBatch(batch, rows)
      expect(batchPicture(batch)).toEqual(batchPicture(fill(rows)))
      for (const column of batch.columns)
        expect(column.validity?.[rows >> 3]).toBeGreaterThanOrEqual((255 << (rows & 7)) & 255)
    }),
    { numRuns: 60 },
  )
})

test('arrays that one large chunk has left behind are given back', () => {
  const { batch, store } = textBatch('binary')
  const value = new Uint8Array(40 << 20)
  appendBytes(store, value, 0, value.length)
  appendBytes(store, value, 0, value.length)
  resetBatch(batch)
  appendBytes(store, value, 0, 3)
  resetBatch(batch)
  appendBytes(store, value, 0, 3)
  const bytes = batch.columns[0]?.kind === 'bytes' ? batch.columns[0].bytes.length : 0
  expect(bytes).toBeGreaterThan(0)
  expect(bytes).toBeLessThan(1 << 20)
})

test('a type of a later table format is refused', () => {
  expect(() => createColumnBatch(schemaOf([['v', 'variant', false]]), 1)).toThrow(/SCHEMA_UNSUPPORTED/)
})

describe('provenance', () => {
  const letters = deadLettersSchema()
  test('every row carries its part, key and headers', () => {
    const batch = createColumnBatch(letters, 10)
    const provenance = createProvenance(batch, letters)
    expect([provenance.hasKey, provenance.hasHeaders]).toEqual([true, true])
    // Two headers: "k" → bytes 1 2, and a key that is not UTF-8 with a null value.
    const bytes = Uint8Array.of(9, 9, 2, 0x6b, 4, 1, 2, 2, 0xff, 1, 9)
    provenance.beginPart('trades', 'an-id', 3)
    provenance.append(5, 0, 1, 2)
    provenance.appendKey(bytes, 0, 2)
    provenance.appendHeaders(bytes, 2, 10, 2)
    batch.rowCount = 1
    provenance.beginPart('quotes', 'id-2', 4)
    provenance.append(-1, -1, 0, noTimestampHigh)
    provenance.appendKey(bytes, -1, -1)
    provenance.appendHeaders(bytes, 0, 0, 0)
    provenance.append(6, 0, 0, 0)
    provenance.appendKey(Uint8Array.of(5, 6, 7, 8, 9, 10), 1, 6)
    provenance.appendHeaders(bytes, 0, 0, 0)
    batch.rowCount = 3
    const own = letters.fields.slice(0, 7).map((field) => field.name)
    const rows = rowsOf({ rowCount: 3, columns: batch.columns.filter((column) => own.includes(column.field.name)) })
    expect(rows[2]?.kafka_key).toEqual(Uint8Array.of(6, 7, 8, 9, 10))
    expect(rows.slice(0, 2)).toEqual([
      {
        kafka_topic: 'trades',
        kafka_topic_id: 'an-id',
        kafka_partition: 3,
        kafka_offset: 5n,
        kafka_timestamp: 8589934593n,
        kafka_key: Uint8Array.of(9, 9),
        kafka_headers: [
          { key: 'k', value: Uint8Array.of(1, 2) },
          { key: '\ufffd', value: null },
        ],
      },
      {
        kafka_topic: 'quotes',
        kafka_topic_id: 'id-2',
        kafka_partition: 4,
        kafka_offset: -1n,
        kafka_timestamp: null,
        kafka_key: null,
        kafka_headers: [],
      },
    ])
  })

  test('a dead letter is filled by hand', () => {
    const batch = createColumnBatch(letters, 10)
    appendBytes(storeNamed(batch, 'value'), Uint8Array.of(1, 2, 3), 1, 3)
    appendInt(storeNamed(batch, 'schema_id'), 7)
    appendText(storeNamed(batch, 'error_code'), 'RECORD_VALUE')
    appendLong(storeNamed(batch, 'seen_at'), 1, 0)
    expect(() => appendInt(storeNamed(batch, 'seen_at'), 1)).toThrow(/holds an int/)
    const columns = ['value', 'schema_id', 'error_code', 'seen_at'].map((name) => storeNamed(batch, name).column)
    expect(rowsOf({ rowCount: 1, columns })).toEqual([
      { value: Uint8Array.of(2, 3), schema_id: 7, error_code: 'RECORD_VALUE', seen_at: 1n },
    ])
  })

  test('headers that do not end where they should are refused', () => {
    const batch = createColumnBatch(letters, 10)
    const provenance = createProvenance(batch, letters)
    for (const bytes of [[2], [8, 97], [0x80, 0x80, 0x80, 0x80, 0x80, 0x80], [2, 97]]) {
      expect(() => provenance.appendHeaders(Uint8Array.from(bytes), 0, bytes.length, 1)).toThrow(/SOURCE_CORRUPT/)
      truncateBatch(batch, 0)
    }
  })

  test('a table without its columns is refused by name', () => {
    const schema = schemaOf([['kafka_topic', 'string', false]])
    expect(() => createProvenance(createColumnBatch(schema, 1), schema)).toThrow(/TABLE_MISFIT.*kafka_topic_id/)
  })
})
