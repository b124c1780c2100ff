// One text per row that every reader of the conformance can make byte by byte, in any language: null; true and false; integers,
// dates, times and unscaled decimals in decimal; floats as the hex of their bits, big-endian, or nan; text and bytes as x and hex;
// (a,b) a struct or a row; [a,b] a list; {k:v,k:v} a map. And the order of values that Parquet's statistics are in.
import { childFields } from '../../../src/shared/columns/nested-fields.ts'
import type { IcebergField, IcebergSchema, IcebergType } from '../../../src/shared/iceberg/schema.ts'
import type { Cell, Row } from '../../support/column-maker.ts'

export const canonicalRow = (schema: IcebergSchema, row: Row): string => canonicalStruct(schema.fields, row)

const canonicalStruct = (fields: readonly IcebergField[], row: Row): string =>
  `(${fields.map((field) => canonicalCell(field.type, row[field.name] ?? null)).join()})`

export function canonicalCell(type: IcebergType, cell: Cell): string {
  if (cell === null) return 'null'
  if (typeof type === 'string') return canonicalPrimitive(type, cell)
  const [first, second] = childFields(type)
  if (type.type === 'struct') return canonicalStruct(type.fields, rowOf(cell))
  if (first === undefined) throw new Error('a list has an element, a map a key')
  if (Array.isArray(cell)) return `[${cell.map((item) => canonicalCell(first.type, item)).join()}]`
  if (!(cell instanceof Map) || second === undefined) throw new Error(`no value of a ${type.type}: ${String(cell)}`)
  return `{${[...cell].map(([key, value]) => `${canonicalCell(first.type, key)}:${canonicalCell(second.type, value)}`).join()}}`
}

function rowOf(cell: Cell): Row {
  const isPlain = typeof cell === 'object' && cell !== null && !Array.isArray(cell) && !(cell instanceof Map)
  if (!isPlain || cell instanceof Uint8Array) throw new Error(`no struct: ${String(cell)}`)
  // The cast: what is left of the union.
  return cell as Row
}

function canonicalPrimitive(type: string, cell: Cell): string {
  if (typeof cell === 'string' || cell instanceof Uint8Array) return `x${Buffer.from(cell).toString('hex')}`
  if (type === 'float' || type === 'double') {
    if (Number.isNaN(cell)) return 'nan'
    const bits = Buffer.alloc(type === 'float' ? 4 : 8)
    if (type === 'float') bits.writeFloatBE(Number(cell))
    else bits.writeDoubleBE(Number(cell))
    return bits.toString('hex')
  }
  return String(cell)
}

/**
 * Order of two values of a primitive type: numbers by value, -0 before +0, NaN last; text and bytes byte by byte (which for UTF-8
 * is by code point).
 */
export function compareCells(type: string, left: Cell, right: Cell): number {
  if (typeof left === 'string' && typeof right === 'string')
    return Buffer.compare(Buffer.from(left), Buffer.from(right))
  if (left instanceof Uint8Array && right instanceof Uint8Array) return Buffer.compare(left, right)
  if (typeof left === 'number' && typeof right === 'number') return compareNumbers(left, right)
  if (typeof left === typeof right && left !== null && right !== null) return left < right ? -1 : left > right ? 1 : 0
  throw new Error(`values of ${type} that cannot be compared: ${String(left)}, ${String(right)}`)
}

function compareNumbers(left: number, right: number): number {
  if (Number.isNaN(left) || Number.isNaN(right)) return Number(Number.isNaN(left)) - Number(Number.isNaN(right))
  if (left === 0 && right === 0) return Number(Object.is(right, -0)) - Number(Object.is(left, -0))
  return left < right ? -1 : left > right ? 1 : 0
}

/** One leaf of a schema with its entries as a Parquet file counts them: a null, empty or absent level above is one null. */
export interface LeafEntries {
  readonly field: IcebergField
  /** Names from the top, as in the file: `c0.list.element`, `c1.key_value.key`. */
  readonly path: readonly string[]
  /** Below no list and no map. */
  readonly isFlat: boolean
  /** Of each row. */
  readonly entries: ReadonlyArray<readonly Cell[]>
}

/** The leaves in file order. */
export const leafEntries = (schema: IcebergSchema, rows: readonly Row[]): readonly LeafEntries[] =>
  schema.fields.flatMap((field) =>
    below(
      field,
      [field.name],
      true,
      rows.map((row) => [row[field.name] ?? null]),
    ),
  )

function below(
  field: IcebergField,
  path: readonly string[],
  isFlat: boolean,
  entries: ReadonlyArray<readonly Cell[]>,
): readonly LeafEntries[] {
  const { type } = field
  if (typeof type === 'string') return [{ field, path, isFlat, entries }]
  const childEntries = (child: IcebergField, of: Cell): readonly Cell[] => {
    if (of === null) return [null]
    if (type.type === 'struct') return [rowOf(of)[child.name] ?? null]
    const items = of instanceof Map ? [...(child.name === 'key' ? of.keys() : of.values())] : (of as readonly Cell[])
    return items.length === 0 ? [null] : items
  }
  const between = type.type === 'struct' ? [] : [type.type === 'list' ? 'list' : 'key_value']
  return childFields(type).flatMap((child) =>
    below(
      child,
      [...path, ...between, child.name],
      isFlat && type.type === 'struct',
      entries.map((all) => all.flatMap((of) => childEntries(child, of))),
    ),
  )
}
