import { describe, expect, test } from 'vitest'
import {
  COLUMNS_PROPERTY,
  columnsChange,
  everyColumn,
  readColumnChoices,
  targetOf,
  writeColumnChoices,
} from '../../../src/shared/columns/column-choices.ts'

const choices = { renamed: { price: 'px', note: 'price' }, leftOut: ['vendor'] }
const columns = ['px', 'price', 'symbol']
const target = (...names: readonly string[]) => targetOf(names, choices, (name) => columns.includes(name))

describe('a field of a record', () => {
  test('goes where it was chosen to go, else to the column of its name', () => {
    expect(target('price')).toEqual({ kind: 'column', name: 'px' })
    expect(target('note')).toEqual({ kind: 'column', name: 'price' })
    expect(target('symbol')).toEqual({ kind: 'column', name: 'symbol' })
    expect(target('vendor')).toEqual({ kind: 'left-out' })
  })

  test('goes by an alias where its own name says nothing', () => {
    expect(target('cost', 'price')).toEqual({ kind: 'column', name: 'px' })
    expect(target('extra', 'vendor')).toEqual({ kind: 'left-out' })
    expect(target('other')).toBeNull()
  })

  test('does not fall into a column that is another field by its name', () => {
    expect(target('px')).toBeNull()
  })
})

test('choices are kept as a property, and read again', () => {
  const text = writeColumnChoices(choices)
  expect(text).toBe('{"left_out":["vendor"],"renamed":{"note":"price","price":"px"}}')
  expect(readColumnChoices({ [COLUMNS_PROPERTY]: text }, 't')).toEqual(choices)
  expect(readColumnChoices({}, 't')).toEqual(everyColumn)
  for (const bad of ['', '[]', '{}', '{"left_out":[1],"renamed":{}}', '{"left_out":[],"renamed":{},"more":1}']) {
    expect(() => readColumnChoices({ [COLUMNS_PROPERTY]: bad }, 't')).toThrow(/TABLE_PROPERTY/)
  }
})

describe('a living table', () => {
  const change = (wanted: typeof choices) => columnsChange(choices, wanted, (name) => columns.includes(name))

  test('keeps what was chosen', () => {
    expect(change(choices)).toBeNull()
    expect(change({ ...choices, renamed: { ...choices.renamed, price: 'other' } })).toBe(
      'price is column px of the table, not so in the route',
    )
    expect(change({ ...choices, leftOut: [] })).toBe('vendor is left out of the table, not so in the route')
  })

  test('takes more for fields that never had a column, and none for those that have one', () => {
    expect(change({ ...choices, leftOut: ['vendor', 'new'] })).toBeNull()
    expect(change({ ...choices, leftOut: ['vendor', 'symbol'] })).toBe(
      'symbol is a column of the table, left out or renamed in the route',
    )
  })
})
