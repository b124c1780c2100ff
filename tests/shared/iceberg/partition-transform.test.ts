import { describe, expect, test } from 'vitest'
import { partitionColumns, partitionPath } from '../../../src/shared/iceberg/partition-transform.ts'
import type { IcebergSchema } from '../../../src/shared/iceberg/schema.ts'
import { daySpec, tradeSchema } from './table-fixture.ts'

describe('partition transforms', () => {
  test('a day partition is a date column with the id and name of the spec', () => {
    expect(partitionColumns(daySpec, tradeSchema)).toEqual([
      { fieldId: 1000, name: 'timestamp_day', transform: 'day', type: 'date' },
    ])
  })

  test('sources inside structs are found, and types follow the transform', () => {
    const schema: IcebergSchema = {
      type: 'struct',
      'schema-id': 0,
      fields: [
        {
          id: 1,
          name: 's',
          required: true,
          type: { type: 'struct', fields: [{ id: 2, name: 'n', required: true, type: 'long' }] },
        },
      ],
    }
    const types = ['identity', 'bucket[16]', 'truncate[10]', 'void', 'hour'].map((transform) => {
      const spec = { 'spec-id': 0, fields: [{ 'source-id': 2, 'field-id': 1000, name: 'p', transform }] }
      return partitionColumns(spec, schema)[0]?.type
    })
    expect(types).toEqual(['long', 'int', 'long', 'long', 'int'])
  })

  test('a transform of the future is refused by name', () => {
    const spec = { 'spec-id': 0, fields: [{ 'source-id': 3, 'field-id': 1000, name: 'p', transform: 'zorder' }] }
    expect(() => partitionColumns(spec, tradeSchema)).toThrow('unknown transform zorder')
  })

  test('paths read as Java writes them', () => {
    const column = (name: string, transform: string, type: string) => ({ fieldId: 1000, name, transform, type })
    const path = (transform: string, type: string, value: number | string | null): string =>
      partitionPath([column('p', transform, type)], [value])
    expect(path('day', 'date', 16139)).toBe('p=2014-03-10')
    expect(path('day', 'date', -1)).toBe('p=1969-12-31')
    expect(path('month', 'int', 530)).toBe('p=2014-03')
    expect(path('month', 'int', -1)).toBe('p=1969-12')
    expect(path('year', 'int', 44)).toBe('p=2014')
    expect(path('hour', 'int', -1)).toBe('p=1969-12-31-23')
    expect(path('identity', 'string', 'a/b c')).toBe('p=a%2Fb+c')
    expect(path('day', 'date', null)).toBe('p=null')
    expect(partitionPath([column('a', 'day', 'date'), column('b', 'identity', 'int')], [0, 7])).toBe('a=1970-01-01/b=7')
    expect(partitionPath([], [])).toBe('')
  })
})
