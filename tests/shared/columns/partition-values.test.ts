import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { transformMisfit, valueReader } from '../../../src/shared/columns/partition-values.ts'
import { partitionRows } from '../../../src/shared/columns/partitioning.ts'
import type { IcebergSchema } from '../../../src/shared/iceberg/schema.ts'
import { type Cell, makeBatch } from '../../support/column-maker.ts'

const schemaOf = (type: string): IcebergSchema => ({
  type: 'struct',
  'schema-id': 0,
  fields: [{ id: 1, name: 'a', required: false, type }],
})

/** Values of a transform, of a plain column and of a dictionary alike. */
function values(type: string, transform: string, cells: readonly Cell[]): unknown[] {
  expect(transformMisfit(transform, type)).toBeNull()
  const rows = cells.map((a) => ({ a }))
  const [plain, coded] = [new Set<number>(), new Set([1])].map((dictionaries) => {
    const [column] = makeBatch(schemaOf(type), rows, dictionaries).columns
    if (column === undefined) throw new Error('no column')
    const at = valueReader(column, type, transform)
    return cells.map((_, row) => at(row))
  })
  expect(coded).toEqual(plain)
  return plain ?? []
}

const us = (time: string): bigint => BigInt(Date.parse(time)) * 1000n
const days = (time: string): number => Date.parse(time) / 86_400_000

describe('a partition value', () => {
  test.each([
    ['timestamptz', 'year', [us('2017-11-16T22:31:08Z'), us('1969-12-31T23:59:59Z'), null], [47, -1, null]],
    ['timestamptz', 'month', [us('2017-11-16T22:31:08Z'), us('1969-12-31T23:59:59Z')], [574, -1]],
    ['timestamp', 'day', [us('2017-11-16T22:31:08Z'), -1n], [17_486, -1]],
    ['timestamptz', 'hour', [us('2017-11-16T22:31:08Z'), -1n], [419_686, -1]],
    ['date', 'year', [days('2017-11-16'), -1, 0], [47, -1, 0]],
    ['date', 'month', [days('2017-11-16'), days('2016-02-29')], [574, 553]],
    ['int', 'bucket[100]', [34], [79]],
    ['long', 'bucket[100]', [34n], [79]],
    ['string', 'bucket[100]', ['iceberg', null], [89, null]],
    ['decimal(9, 2)', 'bucket[100]', [1420n], [59]],
    ['binary', 'bucket[100]', [Uint8Array.of(0, 1, 2, 3)], [41]],
    ['fixed[4]', 'bucket[100]', [Uint8Array.of(0, 1, 2, 3)], [41]],
    ['timestamptz', 'bucket[100]', [us('2017-11-16T22:31:08Z')], [7]],
    ['int', 'truncate[10]', [1, -1, 10], [0, -10, 10]],
    ['long', 'truncate[10]', [1n, -1n, 9_223_372_036_854_775_807n], [0, -10, '9223372036854775800']],
    ['string', 'truncate[3]', ['iceberg', 'ab', '', '😀😀😀😀'], ['ice', 'ab', '', '😀😀😀']],
    ['string', 'identity', ['a', null, ''], ['a', null, '']],
    ['long', 'identity', [-5n, 9_007_199_254_740_993n], [-5, '9007199254740993']],
    ['int', 'identity', [7, -7], [7, -7]],
    ['boolean', 'identity', [true, false], ['true', 'false']],
    ['date', 'identity', [16_139], [16_139]],
  ])('of %s by %s is that of the spec', (type, transform, cells, expected) => {
    expect(values(type, transform, cells)).toEqual(expected)
  })

  test('of any time is its year and month in UTC', () => {
    fc.assert(
      fc.property(fc.date({ min: new Date(-1e14), max: new Date(1e14), noInvalidDate: true }), (date) => {
        const cells = [BigInt(date.getTime()) * 1000n]
        const year = date.getUTCFullYear() - 1970
        expect(values('timestamptz', 'year', cells)).toEqual([year])
        expect(values('timestamptz', 'month', cells)).toEqual([year * 12 + date.getUTCMonth()])
      }),
    )
  })
})

test.each([
  ['day', 'string', /^day of string/],
  ['hour', 'date', /^hour of date/],
  ['identity', 'double', /^identity of double/],
  ['truncate[2]', 'decimal(9, 2)', /^truncate of decimal/],
  ['bucket', 'int', /is no transform that K2 writes$/],
  ['zorder', 'int', /is no transform that K2 writes$/],
])('%s of %s is refused by name', (transform, type, expected) => {
  expect(transformMisfit(transform, type)).toMatch(expected)
})

test('rows are grouped by all fields of a spec together', () => {
  const schema: IcebergSchema = {
    type: 'struct',
    'schema-id': 0,
    fields: [
      { id: 1, name: 'symbol', required: false, type: 'string' },
      { id: 2, name: 'at', required: true, type: 'timestamptz' },
    ],
  }
  const spec = {
    'spec-id': 0,
    fields: [
      { 'source-id': 2, 'field-id': 1000, name: 'at_day', transform: 'day' },
      { 'source-id': 1, 'field-id': 1001, name: 'symbol', transform: 'identity' },
      { 'source-id': 1, 'field-id': 1002, name: 'gone', transform: 'void' },
    ],
  }
  const dayUs = 86_400_000_000n
  const rows = [
    { symbol: 'a', at: 0n },
    { symbol: null, at: 0n },
    { symbol: 'a', at: dayUs },
    { symbol: 'a', at: 5n },
  ]
  expect(partitionRows(makeBatch(schema, rows), schema, spec, 32)).toEqual({
    kind: 'many',
    groups: [
      { value: [0, 'a', null], rows: Int32Array.of(0, 3) },
      { value: [0, null, null], rows: Int32Array.of(1) },
      { value: [1, 'a', null], rows: Int32Array.of(2) },
    ],
  })
  expect(partitionRows(makeBatch(schema, rows.slice(0, 1)), schema, spec, 32)).toEqual({
    kind: 'one',
    value: [0, 'a', null],
  })
  expect(partitionRows(makeBatch(schema, rows), schema, spec, 2)).toEqual({ kind: 'too-many', count: 3 })
})
