import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { sortedRows, sortMisfit } from '../../../src/shared/columns/row-order.ts'
import { selectRows } from '../../../src/shared/columns/row-selection.ts'
import type { IcebergSchema } from '../../../src/shared/iceberg/schema.ts'
import type { SortField } from '../../../src/shared/iceberg/sort-order.ts'
import { type Cell, makeBatch } from '../../support/column-maker.ts'
import { valueAt } from '../../support/column-values.ts'

const field = (id: number, direction: 'asc' | 'desc', nulls: 'nulls-first' | 'nulls-last'): SortField => ({
  transform: 'identity',
  'source-id': id,
  direction,
  'null-order': nulls,
})
const schemaOf = (type: string): IcebergSchema => ({
  type: 'struct',
  'schema-id': 0,
  fields: [{ id: 1, name: 'a', required: false, type }],
})

/** The cells as they stand after sorting, of a plain column and of a dictionary alike. */
function sorted(type: string, cells: readonly Cell[], by: SortField): unknown[] {
  const rows = cells.map((a) => ({ a }))
  const [plain, coded] = [new Set<number>(), new Set([1])].map((dictionaries) => {
    const batch = makeBatch(schemaOf(type), rows, dictionaries)
    const order = sortedRows(batch, schemaOf(type), { 'order-id': 1, fields: [by] })
    const [column] = (order === null ? batch : selectRows(batch, order)).columns
    if (column === undefined) throw new Error('no column')
    return cells.map((_, row) => valueAt(column, row))
  })
  expect(coded).toEqual(plain)
  return plain ?? []
}

describe('rows are sorted', () => {
  const up = field(1, 'asc', 'nulls-first')
  test.each([
    ['int', [3, null, -1, 2], [null, -1, 2, 3]],
    ['long', [1n << 40n, -1n, 5n, -(1n << 40n)], [-(1n << 40n), -1n, 5n, 1n << 40n]],
    ['decimal(38, 0)', [10n ** 30n, -(10n ** 30n), 0n, -1n], [-(10n ** 30n), -1n, 0n, 10n ** 30n]],
    ['double', [1.5, Number.NaN, -0, 0, Number.NEGATIVE_INFINITY], [Number.NEGATIVE_INFINITY, -0, 0, 1.5, Number.NaN]],
    ['boolean', [true, false], [false, true]],
    // By code point, as UTF-8 bytes are: U+FFFD comes before U+10000.
    ['string', ['\u{10000}', '\ufffd', 'b', 'ab', 'a', ''], ['', 'a', 'ab', 'b', '\ufffd', '\u{10000}']],
    [
      'binary',
      [Uint8Array.of(255), Uint8Array.of(1, 0), Uint8Array.of(1)],
      [Uint8Array.of(1), Uint8Array.of(1, 0), Uint8Array.of(255)],
    ],
    ['fixed[1]', [Uint8Array.of(200), Uint8Array.of(100)], [Uint8Array.of(100), Uint8Array.of(200)]],
  ])('by %s, with nulls first', (type, cells, expected) => {
    expect(sorted(type, cells, up)).toEqual(expected)
  })

  test('downwards, with nulls where they are wanted', () => {
    expect(sorted('int', [1, null, 3, 2], field(1, 'desc', 'nulls-last'))).toEqual([3, 2, 1, null])
    expect(sorted('int', [1, null, 3, 2], field(1, 'desc', 'nulls-first'))).toEqual([null, 3, 2, 1])
    expect(sorted('int', [1, null, 3, 2], field(1, 'asc', 'nulls-last'))).toEqual([1, 2, 3, null])
  })

  const pair: IcebergSchema = {
    type: 'struct',
    'schema-id': 0,
    fields: [
      { id: 1, name: 'symbol', required: false, type: 'string' },
      { id: 2, name: 'at', required: true, type: 'long' },
      { id: 3, name: 'row', required: true, type: 'int' },
    ],
  }

  test('by several columns, equal rows in the order that they had', () => {
    const cell = fc.record({ symbol: fc.constantFrom('a', 'b', null), at: fc.constantFrom(1n, 2n, 3n) })
    fc.assert(
      fc.property(fc.array(cell, { maxLength: 40 }), (cells) => {
        const rows = cells.map((each, row) => ({ ...each, row }))
        const batch = makeBatch(pair, rows, new Set([1]))
        const fields = [field(1, 'asc', 'nulls-first'), field(2, 'desc', 'nulls-last')]
        const order = [...(sortedRows(batch, pair, { 'order-id': 1, fields }) ?? rows.keys())]
        const expected = rows.toSorted(
          (a, b) => (a.symbol ?? '').localeCompare(b.symbol ?? '') || Number(b.at - a.at) || a.row - b.row,
        )
        expect(order).toEqual(expected.map(({ row }) => row))
      }),
    )
  })

  test('not at all where they stand in order already', () => {
    const batch = makeBatch(schemaOf('int'), [{ a: null }, { a: 1 }, { a: 1 }, { a: 2 }])
    expect(sortedRows(batch, schemaOf('int'), { 'order-id': 1, fields: [up] })).toBeNull()
  })
})

test('a nested column has no order', () => {
  expect(sortMisfit({ type: 'struct', fields: [] })).toBe('a struct has no order')
  expect(sortMisfit('string')).toBeNull()
})
