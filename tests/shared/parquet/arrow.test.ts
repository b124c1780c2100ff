import { tableFromIPC } from 'apache-arrow'
import { describe, expect, it } from 'vitest'
import type { ColumnBatch } from '../../../src/shared/columns/column-batch.ts'
import type { IcebergSchema, IcebergType } from '../../../src/shared/iceberg/schema.ts'
import { arrowStream, arrowTable } from '../../../src/shared/parquet/arrow.ts'
import { type Cell, makeBatch } from '../../support/column-maker.ts'

const schemaOf = (type: IcebergType, required = false): IcebergSchema => ({
  type: 'struct',
  'schema-id': 0,
  fields: [{ id: 1, name: 'c', required, type }],
})
const batchOf = (type: IcebergType, cells: readonly Cell[], dictionary = false): ColumnBatch =>
  makeBatch(
    schemaOf(type),
    cells.map((c) => ({ c })),
    new Set(dictionary ? [1] : []),
  )

describe('arrow input', () => {
  it('shares the arrays of the batch, cut to the length of the column', () => {
    const batch = batchOf('int', [1, 2, 3])
    const column = batch.columns[0]
    const values = arrowTable(batch, schemaOf('int')).getChildAt(0)?.data[0]?.values
    expect(values).toHaveLength(3)
    expect(column?.kind === 'int32' && values.buffer === column.values.buffer).toBe(true)
  })

  it.each([
    ['timestamptz', 'Timestamp<MICROSECOND, UTC>'],
    ['timestamp', 'Timestamp<MICROSECOND>'],
    ['decimal(18, 8)', 'Decimal[18e+8]'],
    ['fixed[3]', 'FixedSizeBinary[3]'],
    ['uuid', 'FixedSizeBinary[16]'],
    ['string', 'Utf8'],
  ])('is %s as %s', (type, name) => {
    expect(String(arrowTable(batchOf(type, [null]), schemaOf(type)).schema.fields[0]?.type)).toBe(name)
  })

  it('gives a dictionary column as plain text, nulls and runs of one entry included', () => {
    const cells = [
      null,
      'RIO',
      'RIO',
      'RIO',
      null,
      'RIO',
      '',
      'BHP',
      ...Array.from({ length: 37 }, () => 'a topic name'),
    ]
    const table = tableFromIPC(arrowStream(batchOf('string', cells, true), schemaOf('string')))
    expect(String(table.schema.fields[0]?.type)).toBe('Utf8')
    expect(table.getChildAt(0)?.toJSON()).toEqual(cells)
  })

  it('refuses a batch whose null count is not that of its bitmap: Arrow would drop the bitmap', () => {
    const batch = batchOf('int', [1, null, 3])
    const column = batch.columns[0]
    if (column === undefined) throw new Error('one column')
    column.nullCount = 0
    expect(() => arrowTable(batch, schemaOf('int'))).toThrow(/assertion failed: null count of c/)
  })

  it('refuses a batch whose columns have other lengths than its rows', () => {
    const batch = batchOf('int', [1, 2])
    batch.rowCount = 3
    expect(() => arrowTable(batch, schemaOf('int'))).toThrow(/assertion failed: column c has a value per row/)
  })

  it('names a type that it does not know', () => {
    expect(() => arrowTable(batchOf('variant', [null]), schemaOf('variant'))).toThrow(/PARQUET.*column=c type=variant/)
  })
})
