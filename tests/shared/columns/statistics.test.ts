import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { leafFields } from '../../../src/shared/columns/nested-fields.ts'
import { type ColumnStatistics, columnStatistics } from '../../../src/shared/columns/statistics.ts'
import type { IcebergField, IcebergSchema, IcebergType } from '../../../src/shared/iceberg/schema.ts'
import { type Cell, makeBatch, type Row } from '../../support/column-maker.ts'
import { randomTable } from '../../support/random-table.ts'

const schemaOf = (type: IcebergType, required = false): IcebergSchema => ({
  type: 'struct',
  'schema-id': 0,
  fields: [{ id: 1, name: 'c', required, type }],
})
const statisticsOf = (
  type: IcebergType,
  cells: readonly Cell[],
  dictionaries?: ReadonlySet<number>,
): ColumnStatistics => {
  const schema = schemaOf(type)
  const rows = cells.map((c) => ({ c }))
  return columnStatistics(makeBatch(schema, rows, dictionaries), schema)
}
const hex = (bytes: Uint8Array | undefined): string | undefined => bytes && Buffer.from(bytes).toString('hex')
const boundsOf = (type: IcebergType, cells: readonly Cell[]): (string | undefined)[] => {
  const { lowerBounds, upperBounds } = statisticsOf(type, cells)
  return [hex(lowerBounds[0]?.[1]), hex(upperBounds[0]?.[1])]
}

describe('column statistics', () => {
  it('are those of a plain walk over the rows, for any schema', () => {
    fc.assert(
      fc.property(randomTable(2, 60), ({ schema, rows, dictionaries }) => {
        const found = columnStatistics(makeBatch(schema, rows, dictionaries), schema)
        expect(found.valueCounts.map(([id]) => id)).toEqual(leafFields(schema).map((field) => field.id))
        const leaves = schema.fields.flatMap((field) => leavesOf(field, rows))
        for (const { field, entries, repeated } of leaves) checkLeaf(found, field, entries, repeated)
      }),
      { numRuns: 300 },
    )
  })

  it('have no bounds for a column without values', () => {
    const { valueCounts, nullValueCounts, lowerBounds, upperBounds } = statisticsOf('long', [null, null])
    expect([valueCounts, nullValueCounts, lowerBounds, upperBounds]).toEqual([[[1, 2]], [[1, 2]], [], []])
  })

  it('count NaN, and never make it a bound', () => {
    expect(boundsOf('double', [Number.NaN, 1, -2, null])).toEqual(['00000000000000c0', '000000000000f03f'])
    expect(statisticsOf('float', [Number.NaN, null, Number.NaN])).toMatchObject({
      nanValueCounts: [[1, 2]],
      nullValueCounts: [[1, 1]],
      lowerBounds: [],
      upperBounds: [],
    })
  })

  it('widen a zero bound to -0.0 below and +0.0 above', () => {
    for (const zeros of [[0], [-0], [0, -0]])
      expect(boundsOf('double', zeros)).toEqual(['0000000000000080', '0000000000000000'])
    expect(boundsOf('float', [-0, 1])).toEqual(['00000080', '0000803f'])
  })

  it('order 64-bit and 128-bit numbers by all of their bits', () => {
    expect(boundsOf('long', [2n ** 31n, 2n ** 32n - 1n, 5n])).toEqual(['0500000000000000', 'ffffffff00000000'])
    expect(boundsOf('long', [-1n, -(2n ** 32n)])).toEqual(['00000000ffffffff', 'ffffffffffffffff'])
    expect(boundsOf('decimal(38, 0)', [2n ** 96n, -(2n ** 96n), 2n ** 95n])).toEqual([
      'ff000000000000000000000000',
      '01000000000000000000000000',
    ])
  })

  it('take the bounds of a dictionary from the entries in use only', () => {
    const { lowerBounds, upperBounds } = statisticsOf('string', ['RIO', 'BHP', null, 'BHP'], new Set([1]))
    expect(Buffer.from(lowerBounds[0]?.[1] ?? []).toString()).toBe('BHP')
    expect(Buffer.from(upperBounds[0]?.[1] ?? []).toString()).toBe('RIO')
  })

  it('order text by bytes, a prefix first, and leave out an upper bound that cannot be short', () => {
    expect(boundsOf('string', ['b', 'ab', 'a', 'é'])).toEqual(['61', 'c3a9'])
    expect(boundsOf('binary', [new Uint8Array(20).fill(255), Uint8Array.of(7)])).toEqual(['07', undefined])
  })

  it('count an empty or null list as one null of its leaves, and give no bounds below it', () => {
    const list: IcebergType = { type: 'list', 'element-id': 2, element: 'int', 'element-required': false }
    expect(statisticsOf(list, [null, [], [1, null, 3]])).toEqual({
      valueCounts: [[2, 5]],
      nullValueCounts: [[2, 3]],
      nanValueCounts: [],
      lowerBounds: [],
      upperBounds: [],
    })
  })

  it('count a null struct as a null of each of its leaves, required ones too', () => {
    const struct: IcebergType = { type: 'struct', fields: [{ id: 2, name: 'a', required: true, type: 'int' }] }
    expect(statisticsOf(struct, [{ a: 5 }, null, { a: 3 }])).toEqual({
      valueCounts: [[2, 3]],
      nullValueCounts: [[2, 1]],
      nanValueCounts: [],
      lowerBounds: [[2, Uint8Array.of(3, 0, 0, 0)]],
      upperBounds: [[2, Uint8Array.of(5, 0, 0, 0)]],
    })
  })
})

/** Entries of one leaf as a Parquet file has them, by a walk over the rows: null stands for every absent level. */
interface Leaf {
  readonly field: IcebergField
  readonly entries: readonly Cell[]
  readonly repeated: boolean
}

function leavesOf(field: IcebergField, rows: readonly Row[]): Leaf[] {
  return below(
    field,
    rows.map((row) => row[field.name] ?? null),
    false,
  )
}

function below(field: IcebergField, cells: readonly Cell[], repeated: boolean): Leaf[] {
  const { type } = field
  if (typeof type === 'string') return [{ field, entries: cells, repeated }]
  if (type.type === 'struct') {
    return type.fields.flatMap((child) =>
      below(
        child,
        cells.map((cell) => (cell === null ? null : (Reflect.get(Object(cell), child.name) ?? null))),
        repeated,
      ),
    )
  }
  const spread = (pick: (item: unknown) => Cell): Cell[] =>
    cells.flatMap((cell) => {
      const items: unknown[] = cell instanceof Map ? [...cell] : Array.isArray(cell) ? cell : []
      return items.length === 0 ? [null] : items.map(pick)
    })
  if (type.type === 'list') {
    const element = { id: type['element-id'], name: 'element', required: type['element-required'], type: type.element }
    return below(
      element,
      spread((item) => item as Cell),
      true,
    )
  }
  const key = { id: type['key-id'], name: 'key', required: true, type: type.key }
  const value = { id: type['value-id'], name: 'value', required: type['value-required'], type: type.value }
  return [
    ...below(
      key,
      spread((item) => (item as Cell[])[0] ?? null),
      true,
    ),
    ...below(
      value,
      spread((item) => (item as Cell[])[1] ?? null),
      true,
    ),
  ]
}

function checkLeaf(
  found: ColumnStatistics,
  { id, type }: IcebergField,
  entries: readonly Cell[],
  repeated: boolean,
): void {
  const of = <T>(pairs: ReadonlyArray<readonly [number, T]>): T | undefined => pairs.find(([key]) => key === id)?.[1]
  const present = entries.filter((cell) => cell !== null)
  expect(of(found.valueCounts)).toBe(entries.length)
  expect(of(found.nullValueCounts)).toBe(entries.length - present.length)
  const isFloat = type === 'float' || type === 'double'
  expect(of(found.nanValueCounts)).toBe(isFloat ? present.filter(Number.isNaN).length : undefined)
  const ordered = present.filter((cell) => !Number.isNaN(cell)).sort(compare)
  const lowest = ordered[0]
  const highest = ordered.at(-1)
  const lower = of(found.lowerBounds)
  const upper = of(found.upperBounds)
  if (repeated || lowest === undefined || highest === undefined) {
    expect([lower, upper]).toEqual([undefined, undefined])
    return
  }
  expect(lower).toEqual(serialized(type, lowest, 'lower'))
  expect(upper).toEqual(serialized(type, highest, 'upper'))
}

function compare(left: Cell, right: Cell): number {
  if (typeof left === 'string' && typeof right === 'string')
    return Buffer.compare(Buffer.from(left), Buffer.from(right))
  if (left instanceof Uint8Array && right instanceof Uint8Array) return Buffer.compare(left, right)
  return left === right
    ? 0
    : Number(left ?? 0) === Number(right ?? 0)
      ? order(left, right)
      : Number(left) - Number(right)
}
/** Values that differ only beyond the precision of a double. */
const order = (left: Cell, right: Cell): number =>
  typeof left === 'bigint' && typeof right === 'bigint' ? (left < right ? -1 : 1) : 0

/** The bound by the words of the spec, written another way than the code under test. */
function serialized(type: IcebergType, cell: Cell, end: 'lower' | 'upper'): Uint8Array | undefined {
  const name = String(type)
  if (typeof cell === 'boolean') return Uint8Array.of(Number(cell))
  if (typeof cell === 'string') return shortText(cell, end)
  if (cell instanceof Uint8Array) return name === 'binary' ? shortBinary(cell, end) : new Uint8Array(cell)
  if (name.startsWith('decimal')) return shortestDecimal(BigInt(String(cell)))
  const buffer = Buffer.alloc(name === 'int' || name === 'date' || name === 'float' ? 4 : 8)
  if (typeof cell === 'bigint') buffer.writeBigInt64LE(cell)
  else if (name === 'float') buffer.writeFloatLE(zero(Number(cell), end))
  else if (name === 'double') buffer.writeDoubleLE(zero(Number(cell), end))
  else buffer.writeInt32LE(Number(cell))
  return new Uint8Array(buffer)
}

const zero = (value: number, end: 'lower' | 'upper'): number => (value !== 0 ? value : end === 'lower' ? -0 : 0)

function shortText(text: string, end: 'lower' | 'upper'): Uint8Array | undefined {
  const points = [...text]
  if (points.length <= 16) return new Uint8Array(Buffer.from(text))
  const kept = points.slice(0, 16)
  if (end === 'lower') return new Uint8Array(Buffer.from(kept.join('')))
  while (kept.length > 0 && kept.at(-1) === '\u{10ffff}') kept.pop()
  const last = kept.pop()?.codePointAt(0)
  if (last === undefined) return undefined
  return new Uint8Array(Buffer.from(kept.join('') + String.fromCodePoint(last === 0xd7ff ? 0xe000 : last + 1)))
}

function shortBinary(bytes: Uint8Array, end: 'lower' | 'upper'): Uint8Array | undefined {
  if (bytes.length <= 16) return new Uint8Array(bytes)
  const kept = [...bytes.subarray(0, 16)]
  if (end === 'lower') return Uint8Array.from(kept)
  while (kept.length > 0 && kept.at(-1) === 255) kept.pop()
  const last = kept.pop()
  return last === undefined ? undefined : Uint8Array.from([...kept, last + 1])
}

function shortestDecimal(value: bigint): Uint8Array {
  let length = 1
  while (BigInt.asIntN(8 * length, value) !== value) length++
  const digits = BigInt.asUintN(8 * length, value).toString(16)
  return new Uint8Array(Buffer.from(digits.padStart(2 * length, '0'), 'hex'))
}
