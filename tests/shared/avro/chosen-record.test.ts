import { describe, expect, test } from 'vitest'
import { parseAvroSchema } from '../../../src/shared/avro/avro-schema.ts'
import { icebergSchemaOf } from '../../../src/shared/avro/iceberg-mapping.ts'
import { evolveSchema } from '../../../src/shared/avro/schema-evolution.ts'
import { highestFieldId } from '../../../src/shared/iceberg/schema-json.ts'

const plain = { keyColumn: false, headersColumn: false, tombstone: 'skip' } as const
const columns = { renamed: { price: 'px' }, leftOut: ['vendor', 'later'] }
const record = (...fields: ReadonlyArray<Readonly<Record<string, unknown>>>) =>
  parseAvroSchema(JSON.stringify({ type: 'record', name: 'R', fields }))
const symbol = { name: 'symbol', type: 'string' }
const vendor = { name: 'vendor', type: 'string' }
const table = icebergSchemaOf(record(symbol, { name: 'price', type: 'int' }, vendor), { ...plain, columns })
const evolve = (...fields: ReadonlyArray<Readonly<Record<string, unknown>>>) =>
  evolveSchema(table, highestFieldId(table), record(...fields), columns)
const own = (schema: typeof table) =>
  schema.fields.filter(({ name }) => !name.startsWith('kafka_')).map(({ name, type }) => `${name} ${type}`)

test('a table shows the fields of its record under their chosen names', () => {
  expect(own(table)).toEqual(['symbol string', 'px int'])
})

describe('a table that follows another schema', () => {
  test('adds no column for what is left out, and changes nothing for what it holds already', () => {
    const later = { name: 'later', type: { type: 'map', values: 'int' } }
    expect(evolve(symbol, { name: 'price', type: 'int' }, vendor, later).changes).toEqual([])
  })

  test('adds and widens under the chosen names, also through an alias', () => {
    const { schema, changes } = evolve(
      symbol,
      { name: 'cost', aliases: ['price'], type: 'long' },
      { name: 'note', type: 'string' },
    )
    expect(own(schema)).toEqual(['symbol string', 'px long', 'note string'])
    expect(changes.map(({ kind }) => kind)).toEqual(['added', 'widened'])
  })

  test('refuses a field called like the column that another was renamed to', () => {
    expect(() => evolve(symbol, { name: 'price', type: 'int' }, { name: 'px', type: 'int' })).toThrow(
      /SCHEMA_INCOMPATIBLE/,
    )
  })
})
