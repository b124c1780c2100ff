import { expect, test } from 'vitest'
import { takenAway } from '../../../src/shared/commit/table-fit.ts'
import type { IcebergSchema } from '../../../src/shared/iceberg/schema.ts'

const schema = (id: number, ...fields: ReadonlyArray<readonly [id: number, name: string]>): IcebergSchema => ({
  type: 'struct',
  'schema-id': id,
  fields: fields.map(([field, name]) => ({ id: field, name, required: false, type: 'string' })),
})
const table = (...schemas: IcebergSchema[]) => ({ schemas, 'current-schema-id': schemas.length - 1 })

test('a column that was renamed or dropped is not to be added again; one that never was may be', () => {
  const former = schema(0, [1, 'symbol'], [2, 'currency'], [3, 'side'])
  const renamed = table(former, schema(1, [1, 'symbol'], [2, 'ccy']))
  expect(takenAway(renamed, ['note', 'currency'])).toBe('currency: renamed to ccy by another writer')
  expect(takenAway(renamed, ['side'])).toBe('side: dropped by another writer')
  expect(takenAway(renamed, ['note'])).toBeNull()
  expect(takenAway(table(former), [])).toBeNull()
})
