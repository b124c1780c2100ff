// Range predicates over a table at values that are in it, and how many rows each must find. A statistic of a row group or page that is
// too narrow makes a reader that trusts it find fewer.
import type { Cell } from '../../support/column-maker.ts'
import { canonicalCell, compareCells } from './conformance-canonical.ts'
import type { ConformanceTable } from './conformance-table.ts'

const operators = ['=', '<', '<=', '>', '>='] as const

export interface Predicate {
  readonly column: string
  readonly type: string
  readonly operator: (typeof operators)[number]
  readonly value: Cell
  /** The value in the text of conformance-canonical.ts. */
  readonly text: string
  readonly expected: number
  /** Whether there is a NaN in the column: bounds leave it out. */
  readonly hasNaN: boolean
}

/** For every flat column: each operator at the lowest, the highest, and up to `between` values in between. */
export const predicatesOf = (table: ConformanceTable, between: number): readonly Predicate[] =>
  table.schema.fields.flatMap(({ name, type }) => {
    if (typeof type !== 'string') return []
    const cells = table.rows.map((row) => row[name] ?? null).filter((cell) => cell !== null)
    return columnPredicates(name, type, cells, between)
  })

function columnPredicates(column: string, type: string, cells: readonly Cell[], between: number): Predicate[] {
  // Readers differ on whether -0 is below +0, and on where NaN lies when statistics, which leave it out, are asked.
  const isOrderedAlike = (cell: Cell): boolean => !(cell === 0 && isFloat(type)) && !Number.isNaN(cell)
  const hasNaN = cells.some((cell) => Number.isNaN(cell))
  const sorted = [...cells].sort((left, right) => compareCells(type, left, right))
  const distinct = sorted.filter(
    (cell, at) => isOrderedAlike(cell) && (at === 0 || compareCells(type, sorted[at - 1] ?? null, cell) !== 0),
  )
  const count = Math.min(distinct.length, between + 2)
  const chosen = Array.from({ length: count }, (_, at) =>
    Math.round((at * (distinct.length - 1)) / Math.max(1, count - 1)),
  )
  const allowed = operators.filter(
    (operator) => operator === '=' || (type !== 'boolean' && !(hasNaN && operator.startsWith('>'))),
  )
  return chosen.flatMap((at) =>
    allowed.map((operator) => {
      const value = distinct[at] ?? null
      const expected = sorted.filter((cell) => holds(operator, compareCells(type, cell, value))).length
      return { column, type, operator, value, text: canonicalCell(type, value), expected, hasNaN }
    }),
  )
}

export const isFloat = (type: string): boolean => type === 'float' || type === 'double'

function holds(operator: Predicate['operator'], order: number): boolean {
  switch (operator) {
    case '=':
      return order === 0
    case '<':
      return order < 0
    case '<=':
      return order <= 0
    case '>':
      return order > 0
    case '>=':
      return order >= 0
  }
}
