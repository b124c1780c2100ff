// Tables for the encoder conformance: random schemas of every Iceberg type, up to three levels deep, with planned values; and a table
// made by hand that has every type at its edges.
import fc from 'fast-check'
import type { ColumnBatch } from '../../../src/shared/columns/column-batch.ts'
import type { IcebergField, IcebergSchema, IcebergType } from '../../../src/shared/iceberg/schema.ts'
import { type Cell, makeBatch, type Row } from '../../support/column-maker.ts'
import { numbered, numberedColumns, randomColumn } from '../../support/random-schema.ts'
import { type ColumnPlan, columnPlan, extremesOf, plainTypes, plannedCells } from './conformance-cells.ts'

export interface ConformanceTable {
  readonly schema: IcebergSchema
  readonly rows: readonly Row[]
  /** Field ids of the text columns to be made as dictionaries. */
  readonly dictionaries: ReadonlySet<number>
}

export const batchOf = ({ schema, rows, dictionaries }: ConformanceTable): ColumnBatch =>
  makeBatch(schema, rows, dictionaries)

const decimal = fc
  .integer({ min: 1, max: 38 })
  .chain((precision) => fc.integer({ min: 0, max: precision }).map((scale) => `decimal(${precision}, ${scale})`))
const primitive: fc.Arbitrary<string> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...plainTypes) },
  { weight: 2, arbitrary: decimal },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 20 }).map((length) => `fixed[${length}]`) },
)

const schemaOf = (fields: readonly IcebergField[]): IcebergSchema => ({ type: 'struct', 'schema-id': 3, fields })
const noDictionary: ReadonlySet<number> = new Set()
const everyId: ReadonlySet<number> = new Set(Array.from({ length: 999 }, (_, id) => id))

function rowsOf(fields: readonly IcebergField[], columns: ReadonlyArray<readonly Cell[]>, count: number): Row[] {
  return Array.from({ length: count }, (_, row) =>
    Object.fromEntries(fields.map(({ name }, column) => [name, columns[column]?.[row] ?? null])),
  )
}

/** Of 1 to 6 columns and 0 to `rowsMax` rows; few rows are as likely as many. */
export const conformanceTable = (depthMax: number, rowsMax: number): fc.Arbitrary<ConformanceTable> =>
  fc
    .array(randomColumn(primitive, depthMax), { minLength: 1, maxLength: 6 })
    .map(numberedColumns)
    .chain((fields) =>
      fc
        .record({
          count: fc.oneof(fc.integer({ min: 0, max: Math.min(9, rowsMax) }), fc.integer({ min: 0, max: rowsMax })),
          plans: fc.tuple(...fields.map(({ type }) => columnPlan(type))),
          dictionaries: fc.constantFrom(noDictionary, everyId),
        })
        .map(({ count, plans, dictionaries }) => {
          const columns = fields.map(({ type, required }, at) => {
            const plan = plans[at]
            return plan === undefined ? [] : plannedCells(type, required, plan, count)
          })
          return { schema: schemaOf(fields), rows: rowsOf(fields, columns, count), dictionaries }
        }),
    )

const everyPrimitive: readonly string[] = [
  ...plainTypes,
  ...Array.from({ length: 38 }, (_, at) => `decimal(${at + 1}, ${(at * 7) % (at + 2)})`),
  'fixed[1]',
  'fixed[16]',
  'fixed[33]',
]

/** `count` rows of every primitive type, once required and once optional, its edges by turns. */
export function everyTypeTable(count: number): ConformanceTable {
  const fields = numbered(
    everyPrimitive.flatMap((type, at) => [
      { id: 0, name: `required_${at}`, required: true, type },
      { id: 0, name: `optional_${at}`, required: false, type },
    ]),
  )
  const columns = fields.map(({ type, required }, column) => {
    const edges = extremesOf(String(type))
    return Array.from({ length: count }, (_, row) =>
      !required && (row + column) % 5 === 0 ? null : (edges[(row + (column >> 1)) % edges.length] ?? null),
    )
  })
  return { schema: schemaOf(fields), rows: rowsOf(fields, columns, count), dictionaries: noDictionary }
}

const listOf = (element: IcebergType, elementRequired: boolean): IcebergType => ({
  type: 'list',
  'element-id': 0,
  element,
  'element-required': elementRequired,
})
const mapOf = (value: IcebergType): IcebergType => ({
  type: 'map',
  'key-id': 0,
  key: 'string',
  'value-id': 0,
  value,
  'value-required': false,
})

/** Absent, empty and full levels in every order: null list, empty list, list of null, list of empty lists. */
export function nestedTable(count: number): ConformanceTable {
  const struct: IcebergType = {
    type: 'struct',
    fields: [
      { id: 0, name: 'a', required: false, type: 'long' },
      { id: 0, name: 'b', required: true, type: listOf('string', false) },
    ],
  }
  const fields = numbered([
    { id: 0, name: 'id', required: true, type: 'long' },
    { id: 0, name: 'lists', required: false, type: listOf(listOf('int', false), false) },
    { id: 0, name: 'maps', required: false, type: mapOf(mapOf('double')) },
    { id: 0, name: 'structs', required: false, type: listOf(struct, false) },
    { id: 0, name: 'inside', required: false, type: struct },
  ])
  const lists: readonly Cell[] = [null, [], [null], [[]], [[null]], [[1], null, [], [2, null, 3]], [[4, 5, 6]]]
  const inner = new Map<Cell, Cell>([
    ['x', 0.5],
    ['y', null],
  ])
  const maps: readonly Cell[] = [
    null,
    new Map(),
    new Map<Cell, Cell>([['', null]]),
    new Map<Cell, Cell>([
      ['a', new Map()],
      ['b', inner],
      ['c', null],
    ]),
  ]
  const values: readonly Cell[] = [null, { a: null, b: [] }, { a: 7n, b: [null] }, { a: -7n, b: ['x', null, '🙂'] }]
  const structs: readonly Cell[] = [null, [], [null], [...values], [values[3] ?? null, values[1] ?? null]]
  const turn = (of: readonly Cell[], row: number): Cell => of[row % of.length] ?? null
  const columns = [
    Array.from({ length: count }, (_, row) => BigInt(row)),
    Array.from({ length: count }, (_, row) => turn(lists, row)),
    Array.from({ length: count }, (_, row) => turn(maps, row)),
    Array.from({ length: count }, (_, row) => turn(structs, row)),
    Array.from({ length: count }, (_, row) => turn(values, row)),
  ]
  return { schema: schemaOf(fields), rows: rowsOf(fields, columns, count), dictionaries: noDictionary }
}

/** More rows than a page holds: sorted, scattered, few and distinct values, long runs of nulls. */
export function manyPagesTable(count: number): ConformanceTable {
  const of = (type: string, pattern: ColumnPlan['pattern'], absence: ColumnPlan['absence'], ...palette: Cell[]) => ({
    type,
    plan: { palette, pattern, absence, seed: 12_345 },
  })
  const columns = [
    of('long', 'distinct', 'none', 1n << 53n),
    of('timestamptz', 'distinct', 'few', 1_394_000_000_000_000n),
    of('int', 'ascending', 'none', ...Array.from({ length: 900 }, (_, at) => at * 1001 - 450_000)),
    of('double', 'descending', 'alternate', ...Array.from({ length: 700 }, (_, at) => (at - 350) / 8)),
    of('decimal(18, 8)', 'random', 'few', ...Array.from({ length: 5000 }, (_, at) => BigInt(at * at) - 9_000_000n)),
    of('decimal(30, 2)', 'distinct', 'first half', -(10n ** 29n)),
    of('string', 'distinct', 'none', 'TRADE-'),
    of('string', 'random', 'few', 'BHP', 'RIO', 'DVN', 'größer', '🙂', ''),
    of('binary', 'runs', 'few', Uint8Array.of(255, 255), Uint8Array.of(), Uint8Array.of(0, 1)),
    of('boolean', 'runs', 'none', false, true),
  ]
  const fields = numbered(
    columns.map(({ type, plan }, at) => ({ id: 0, name: `c${at}`, required: plan.absence === 'none', type })),
  )
  const cells = columns.map(({ type, plan }) => plannedCells(type, plan.absence === 'none', plan, count))
  return { schema: schemaOf(fields), rows: rowsOf(fields, cells, count), dictionaries: noDictionary }
}
