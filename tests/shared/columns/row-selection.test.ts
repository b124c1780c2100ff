import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ColumnBatch } from '../../../src/shared/columns/column-batch.ts'
import { selectRows } from '../../../src/shared/columns/row-selection.ts'
import { makeBatch } from '../../support/column-maker.ts'
import { type ColumnValue, valueAt } from '../../support/column-values.ts'
import { randomTable } from '../../support/random-table.ts'

/** The rows of a batch, value by value. */
const rowsOf = (batch: ColumnBatch): ColumnValue[][] =>
  Array.from({ length: batch.rowCount }, (_, row) => batch.columns.map((column) => valueAt(column, row)))

describe('row selection', () => {
  it('holds exactly the chosen rows, in the order given, for any schema', () => {
    fc.assert(
      fc.property(randomTable(3), fc.array(fc.nat(), { maxLength: 60 }), ({ schema, rows, dictionaries }, picks) => {
        const chosen = picks.map((pick) => pick % rows.length)
        const selected = selectRows(makeBatch(schema, rows, dictionaries), Int32Array.from(chosen))
        expect(selected.rowCount).toBe(chosen.length)
        const fromScratch = chosen.map((row) => rows[row] ?? {})
        expect(rowsOf(selected)).toEqual(rowsOf(makeBatch(schema, fromScratch)))
      }),
      { numRuns: 300 },
    )
  })

  it('counts nulls anew and leaves the source as it was', () => {
    fc.assert(
      fc.property(randomTable(2), ({ schema, rows, dictionaries }) => {
        const batch = makeBatch(schema, rows, dictionaries)
        const odd = Int32Array.from(rows.map((_, row) => row).filter((row) => row % 2 === 1))
        const selected = selectRows(batch, odd)
        selected.columns.forEach((column, index) => {
          const name = schema.fields[index]?.name ?? ''
          expect(column.length).toBe(odd.length)
          expect(column.nullCount).toBe(rows.filter((row, at) => at % 2 === 1 && row[name] === null).length)
        })
        expect(rowsOf(batch)).toEqual(rowsOf(makeBatch(schema, rows)))
      }),
      { numRuns: 100 },
    )
  })

  it('copies runs of neighbouring texts whole', () => {
    const rows = Array.from({ length: 100 }, (_, index) => ({ text: 'x'.repeat(index % 7) + index }))
    const field = { id: 1, name: 'text', required: true, type: 'string' }
    const batch = makeBatch({ type: 'struct', 'schema-id': 0, fields: [field] }, rows)
    const chosen = [...Array(40).keys(), 60, 61, 62, 99, 3]
    expect(rowsOf(selectRows(batch, Int32Array.from(chosen)))).toEqual(chosen.map((row) => [rows[row]?.text]))
  })
})
