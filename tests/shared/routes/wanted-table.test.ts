import { describe, expect, test } from 'vitest'
import { everyColumn } from '../../../src/shared/columns/column-choices.ts'
import { IngestError } from '../../../src/shared/errors.ts'
import type { RouteRule } from '../../../src/shared/routes/route-rule.ts'
import { wantedTable } from '../../../src/shared/routes/wanted-table.ts'
import { tradeV2Json } from '../../support/trade-v2.ts'

const options = { keyColumn: false, headersColumn: false, tombstone: 'skip' } as const
const rule = (more: Partial<RouteRule>): RouteRule => ({
  path: 'routes[0]',
  topics: [],
  table: 'n.t',
  partition: null,
  sort: null,
  compression: null,
  columns: everyColumn,
  options: {},
  ...more,
})
const wanted = (more: Partial<RouteRule>) => wantedTable([{ id: 1, json: tradeV2Json }], options, rule(more))
const refusal = (more: Partial<RouteRule>): object => {
  try {
    wanted(more)
  } catch (error) {
    if (error instanceof IngestError) return { code: error.code, ...error.context }
    throw error
  }
  return {}
}
const idOf = (name: string): number => wanted({}).schema.fields.find((field) => field.name === name)?.id ?? 0

test('a route that chooses nothing wants what every table has', () => {
  const { spec, choices } = wanted({})
  expect(spec.fields).toMatchObject([{ name: 'timestamp_day', transform: 'day' }])
  expect(choices).toEqual({
    isSpecChosen: false,
    isSortChosen: false,
    sortOrder: null,
    columns: everyColumn,
    absentFields: [],
    properties: {},
  })
})

describe('a route that chooses', () => {
  test('has its partition fields named as other engines name them', () => {
    const partition = [
      { transform: 'hour', column: 'timestamp' },
      { transform: 'bucket[8]', column: 'symbol' },
      { transform: 'truncate[2]', column: 'trade_id' },
      { transform: 'identity', column: 'exchange' },
    ]
    expect(wanted({ partition }).spec.fields).toEqual([
      { 'source-id': idOf('timestamp'), 'field-id': 1000, name: 'timestamp_hour', transform: 'hour' },
      { 'source-id': idOf('symbol'), 'field-id': 1001, name: 'symbol_bucket', transform: 'bucket[8]' },
      { 'source-id': idOf('trade_id'), 'field-id': 1002, name: 'trade_id_trunc', transform: 'truncate[2]' },
      { 'source-id': idOf('exchange'), 'field-id': 1003, name: 'exchange', transform: 'identity' },
    ])
    expect(wanted({ partition: [] }).spec.fields).toEqual([])
  })

  test('has order, columns and compression as the table keeps them', () => {
    const { schema, choices } = wanted({
      sort: [{ column: 'symbol', descending: true, nullsFirst: false }],
      compression: { codec: 'zstd', level: 9 },
      columns: { renamed: { price: 'px' }, leftOut: ['vendor_data'] },
    })
    expect(schema.fields.map(({ name }) => name)).toEqual(expect.arrayContaining(['px', 'quantity']))
    expect(schema.fields.map(({ name }) => name)).not.toEqual(expect.arrayContaining(['price']))
    expect(schema.fields.some(({ name }) => name === 'vendor_data')).toBe(false)
    expect(choices.sortOrder).toMatchObject({
      'order-id': 1,
      fields: [{ transform: 'identity', direction: 'desc', 'null-order': 'nulls-last' }],
    })
    expect(choices.properties).toEqual({
      'k2.columns': '{"left_out":["vendor_data"],"renamed":{"price":"px"}}',
      'write.parquet.compression-codec': 'zstd',
      'write.parquet.compression-level': '9',
    })
  })
})

describe('what cannot be had is refused by name', () => {
  test('a column that is not there, or of a type that does not suit', () => {
    expect(refusal({ partition: [{ transform: 'day', column: 'when' }] })).toMatchObject({
      code: 'ROUTE_COLUMN',
      key: 'partition',
      column: 'when',
    })
    expect(refusal({ partition: [{ transform: 'day', column: 'symbol' }] })).toMatchObject({
      reason: expect.stringMatching(/^day of string/),
    })
    expect(refusal({ sort: [{ column: 'vendor_data', descending: false, nullsFirst: true }] })).toMatchObject({
      key: 'sort',
      reason: 'a map has no order',
    })
  })

  test('a field that the record does not have, a name that two columns would have, one of K2’s own', () => {
    const columns = (renamed: Record<string, string>, leftOut: string[] = []) =>
      refusal({ columns: { renamed, leftOut } })
    const { choices } = wanted({ columns: { renamed: {}, leftOut: ['gone', 'side'] } })
    expect(choices.absentFields).toEqual(['gone'])
    expect(columns({ price: 'Quantity' })).toMatchObject({ code: 'SCHEMA_UNSUPPORTED' })
    expect(columns({ price: 'kafka_offset' })).toMatchObject({ code: 'SCHEMA_UNSUPPORTED', path: 'kafka_offset' })
  })
})
