import { describe, expect, test } from 'vitest'
import type { TableMetadata } from '../../../src/shared/iceberg/metadata.ts'
import type { IcebergField, IcebergSchema } from '../../../src/shared/iceberg/schema.ts'
import { columnReading, duckdbType } from '../../../src/shared/query/duckdb-type.ts'
import { freshMetadata } from '../iceberg/table-fixture.ts'

const column = (type: IcebergField['type']): IcebergField => ({ id: 1, name: 'c', required: false, type })
const struct = (...names: readonly (readonly [number, string, string])[]): IcebergField['type'] => ({
  type: 'struct',
  fields: names.map(([id, name, type]) => ({ id, name, required: false, type })),
})
const schemasOf = (...types: readonly IcebergField['type'][]): TableMetadata => ({
  ...freshMetadata(),
  schemas: types.map((type, id): IcebergSchema => ({ type: 'struct', 'schema-id': id, fields: [column(type)] })),
})

test('types have their counterparts, nested ones with names quoted', () => {
  expect(duckdbType('decimal(18, 8)')).toBe('DECIMAL(18,8)')
  expect(duckdbType({ type: 'list', 'element-id': 2, element: 'long', 'element-required': true })).toBe('BIGINT[]')
  expect(duckdbType(struct([2, 'a"b', 'string'], [3, 'c', 'fixed[4]']))).toBe('STRUCT("a""b" VARCHAR, "c" BLOB)')
  expect(duckdbType('timestamptz_ns')).toBeNull()
  expect(duckdbType(struct([2, 'a', 'variant']))).toBeNull()
})

describe('a nested column', () => {
  const before = struct([2, 'a', 'int'], [3, 'b', 'string'])
  test('is read where all schemas have the same fields, also widened', () => {
    const widened = struct([2, 'a', 'long'], [3, 'b', 'string'])
    expect(columnReading(column(widened), schemasOf(before, widened)).kind).toBe('readable')
  })

  test.each([
    ['renamed', struct([2, 'x', 'int'], [3, 'b', 'string'])],
    ['added', struct([2, 'a', 'int'], [3, 'b', 'string'], [4, 'more', 'int'])],
    ['dropped and added again under its name', struct([2, 'a', 'int'], [5, 'b', 'string'])],
  ])('is not read where a field was %s', (_how, after) => {
    const reading = columnReading(column(after), schemasOf(before, after))
    expect(reading).toEqual({ kind: 'unreadable', reason: expect.stringContaining('schema 0') })
  })
})
