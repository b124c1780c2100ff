// Test double of the decoder: a ColumnBatch from a schema and JS rows, built plainly and apart from the code under test. Arrays are
// larger than needed and hold garbage beyond `length`, as those of a reused batch do.
import type { Column, ColumnBatch } from '../../src/shared/columns/column-batch.ts'
import type { IcebergField, IcebergSchema, IcebergType } from '../../src/shared/iceberg/schema.ts'

/**
 * One value: boolean; number (int, date, float, double); bigint (long, time, timestamps, unscaled decimal); string; Uint8Array
 * (binary, fixed, uuid); array (list); Map (map); record (struct); null.
 */
export type Cell = null | boolean | number | bigint | string | Uint8Array | readonly Cell[] | Map<Cell, Cell> | Row
export interface Row {
  readonly [name: string]: Cell
}

/** Spare values at the end of every array, filled with garbage. */
const spare = 5

/** A batch of these rows; text columns whose field id is in `dictionaries` become dictionary columns with an unused entry. */
export function makeBatch(
  schema: IcebergSchema,
  rows: readonly Row[],
  dictionaries: ReadonlySet<number> = new Set(),
): ColumnBatch {
  const columns = schema.fields.map((field) =>
    makeColumn(
      field,
      rows.map((row) => row[field.name] ?? null),
      dictionaries,
    ),
  )
  return { rowCount: rows.length, columns }
}

function makeColumn(field: IcebergField, cells: readonly Cell[], dictionaries: ReadonlySet<number>): Column {
  const base = { field, length: cells.length, ...makeValidity(field, cells) }
  const { type } = field
  if (typeof type !== 'string') return makeNested(base, type, cells, dictionaries)
  const wide = cells.map((cell) => (typeof cell === 'bigint' ? cell : 0n))
  const numbers = cells.map((cell) => (typeof cell === 'number' ? cell : 0))
  if (type.startsWith('decimal')) return { ...base, kind: 'decimal', words: words(wide, 4) }
  if (type.startsWith('fixed') || type === 'uuid') return makeFixed(base, type, cells)
  switch (type) {
    case 'boolean':
      return { ...base, kind: 'boolean', values: filled(Uint8Array, cells.map(Number), 1) }
    case 'int':
    case 'date':
      return { ...base, kind: 'int32', values: filled(Int32Array, numbers, -7) }
    case 'float':
      return { ...base, kind: 'float32', values: filled(Float32Array, numbers, Number.NaN) }
    case 'double':
      return { ...base, kind: 'float64', values: filled(Float64Array, numbers, Number.NaN) }
    case 'string':
    case 'binary': {
      const values = cells.map(bytesOf)
      return dictionaries.has(field.id)
        ? { ...base, kind: 'dictionary', ...makeDictionary(values) }
        : { ...base, kind: 'bytes', ...packed(values) }
    }
    default:
      return { ...base, kind: 'int64', words: words(wide, 2) }
  }
}

type Base = Pick<Column, 'field' | 'length' | 'nullCount' | 'validity'>

function makeNested(
  base: Base,
  type: Exclude<IcebergType, string>,
  cells: readonly Cell[],
  dictionaries: ReadonlySet<number>,
): Column {
  if (type.type === 'struct') {
    const children = type.fields.map((child) =>
      makeColumn(
        child,
        cells.map((cell) => (isRow(cell) ? (cell[child.name] ?? null) : null)),
        dictionaries,
      ),
    )
    return { ...base, kind: 'struct', children }
  }
  if (type.type === 'list') {
    const lists = cells.map((cell) => (Array.isArray(cell) ? (cell as readonly Cell[]) : []))
    const field = { id: type['element-id'], name: 'element', required: type['element-required'], type: type.element }
    return { ...base, kind: 'list', offsets: ends(lists), element: makeColumn(field, lists.flat(1), dictionaries) }
  }
  const maps = cells.map((cell) => (cell instanceof Map ? [...cell] : []))
  const key = { id: type['key-id'], name: 'key', required: true, type: type.key }
  const value = { id: type['value-id'], name: 'value', required: type['value-required'], type: type.value }
  return {
    ...base,
    kind: 'map',
    offsets: ends(maps),
    key: makeColumn(
      key,
      maps.flat(1).map(([left]) => left),
      dictionaries,
    ),
    value: makeColumn(
      value,
      maps.flat(1).map(([, right]) => right),
      dictionaries,
    ),
  }
}

const isRow = (cell: Cell): cell is Row =>
  typeof cell === 'object' &&
  cell !== null &&
  !Array.isArray(cell) &&
  !(cell instanceof Map) &&
  !(cell instanceof Uint8Array)

function makeValidity(field: IcebergField, cells: readonly Cell[]): { nullCount: number; validity: Uint8Array | null } {
  if (field.required) return { nullCount: 0, validity: null }
  const validity = new Uint8Array(((cells.length + 7) >> 3) + spare).fill(255)
  let nullCount = 0
  cells.forEach((cell, index) => {
    if (cell !== null) return
    nullCount++
    validity[index >> 3] = (validity[index >> 3] ?? 0) & ~(1 << (index & 7))
  })
  return { nullCount, validity }
}

function filled<T extends Uint8Array | Int32Array | Float32Array | Float64Array>(
  make: { new (length: number): T },
  values: readonly number[],
  garbage: number,
): T {
  const array = new make(values.length + spare)
  array.fill(garbage)
  array.set(values)
  return array
}

/** `count` 32-bit words per value, lowest first; shifted by one value in its buffer, so that views must heed the offset. */
function words(values: readonly bigint[], count: number): Int32Array {
  const array = new Int32Array((values.length + spare + 1) * count).fill(0x5a5a5a5a).subarray(count)
  values.forEach((value, index) => {
    for (let word = 0; word < count; word++)
      array[index * count + word] = Number(BigInt.asIntN(32, value >> BigInt(32 * word)))
  })
  return array
}

function makeFixed(base: Base, type: string, cells: readonly Cell[]): Column {
  const size = type === 'uuid' ? 16 : Number(/\d+/.exec(type)?.[0])
  const bytes = new Uint8Array((cells.length + spare) * size).fill(0xee)
  cells.forEach((cell, index) => {
    bytes.set(cell instanceof Uint8Array ? cell : new Uint8Array(size), index * size)
  })
  return { ...base, kind: 'fixed', size, bytes }
}

const bytesOf = (cell: Cell): Uint8Array =>
  typeof cell === 'string' ? new TextEncoder().encode(cell) : cell instanceof Uint8Array ? cell : new Uint8Array(0)

function ends(values: ReadonlyArray<{ readonly length: number }>): Int32Array {
  const offsets = new Int32Array(values.length + 1 + spare).fill(0x7fffffff)
  let end = 0
  offsets[0] = 0
  values.forEach((value, index) => {
    end += value.length
    offsets[index + 1] = end
  })
  return offsets
}

function packed(values: readonly Uint8Array[]): { offsets: Int32Array; bytes: Uint8Array } {
  const bytes = new Uint8Array(values.reduce((sum, value) => sum + value.length, spare)).fill(0x7e)
  let end = 0
  for (const value of values) {
    bytes.set(value, end)
    end += value.length
  }
  return { offsets: ends(values), bytes }
}

/** The first and the last entry belong to no value; they lie below and above all text, so that a bound taken from them shows. */
function makeDictionary(values: readonly Uint8Array[]): {
  indices: Int32Array
  entryCount: number
  offsets: Int32Array
  bytes: Uint8Array
} {
  const entries: Uint8Array[] = [Uint8Array.of(0)]
  const known = new Map<string, number>()
  const indices = filled(
    Int32Array,
    values.map((value) => {
      const key = Buffer.from(value).toString('hex')
      const index = known.get(key) ?? entries.length
      if (index === entries.length) entries.push(value)
      known.set(key, index)
      return index
    }),
    999_999,
  )
  entries.push(Uint8Array.of(0xf4, 0x8f, 0xbf, 0xbf))
  return { indices, entryCount: entries.length, ...packed(entries) }
}
