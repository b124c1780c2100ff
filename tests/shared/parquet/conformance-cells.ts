// Values for the encoder conformance: of every Iceberg type, with its extremes, and in the patterns that decide encodings, pages and
// statistics (constant, sorted, alternating, few, many). Values of a column are made from a small palette, so that a failure shrinks.
import fc from 'fast-check'
import { childFields, decimalParameters, fixedLength } from '../../../src/shared/columns/nested-fields.ts'
import type { IcebergType } from '../../../src/shared/iceberg/schema.ts'
import type { Cell } from '../../support/column-maker.ts'
import { compareCells } from './conformance-canonical.ts'

export const plainTypes = [
  'boolean',
  'int',
  'long',
  'float',
  'double',
  'date',
  'time',
  'timestamp',
  'timestamptz',
  'timestamp_ns',
  'timestamptz_ns',
  'string',
  'binary',
  'uuid',
] as const

const int32Extremes = [-(2 ** 31), 2 ** 31 - 1, 0, -1, 1]
const int64Extremes = [-(2n ** 63n), 2n ** 63n - 1n, 0n, -1n, 1n, 2n ** 32n, -(2n ** 32n), 2n ** 31n, 2n ** 53n + 1n]
const doubleExtremes = [Number.NaN, 0, -0, Infinity, -Infinity, 5e-324, -5e-324, 1.7976931348623157e308, 0.1, -1]
const floatExtremes = [Number.NaN, 0, -0, Infinity, -Infinity, 2 ** -149, 3.4028234663852886e38, Math.fround(0.1), -1]
export const timeMax = 86_399_999_999n
const texts = [
  '',
  'BHP',
  'same prefix for every one of these 1',
  'same prefix for every one of these 2',
  'größer',
  '🙂🙂🙂 four bytes each 🙂🙂🙂🙂🙂🙂🙂',
  '\u{10ffff}'.repeat(17),
  '\u0000',
  '\ufeffBOM',
  '\ud7ff\ue000',
  'long '.repeat(60),
]
const encoder = new TextEncoder()
const binaries = [...texts.map((text) => encoder.encode(text)), new Uint8Array(20).fill(255), Uint8Array.of(128)]

/** Values at the edges of a primitive type. */
export function extremesOf(type: string): readonly Cell[] {
  const decimal = decimalParameters(type)
  if (decimal !== null) {
    const largest = 10n ** BigInt(decimal.precision) - 1n
    return [largest, -largest, 0n, -1n, 1n, largest / 2n, -(largest >> 1n)]
  }
  const length = type === 'uuid' ? 16 : fixedLength(type)
  if (length !== null) return [0, 127, 128, 255].map((byte) => new Uint8Array(length).fill(byte))
  switch (type) {
    case 'boolean':
      return [false, true]
    case 'int':
    case 'date':
      return int32Extremes
    case 'float':
      return floatExtremes
    case 'double':
      return doubleExtremes
    case 'string':
      return texts
    case 'binary':
      return binaries
    case 'time':
      return [0n, timeMax, 1n]
    default:
      return int64Extremes
  }
}

function randomPrimitive(type: string): fc.Arbitrary<Cell> {
  const decimal = decimalParameters(type)
  if (decimal !== null) {
    const largest = 10n ** BigInt(decimal.precision) - 1n
    const small = largest < 300n ? largest : 300n
    return fc.oneof(fc.bigInt({ min: -largest, max: largest }), fc.bigInt({ min: -small, max: small }))
  }
  const length = type === 'uuid' ? 16 : fixedLength(type)
  if (length !== null) return fc.uint8Array({ minLength: length, maxLength: length })
  switch (type) {
    case 'boolean':
      return fc.boolean()
    case 'int':
    case 'date':
      return fc.oneof(fc.integer(), fc.integer({ min: -300, max: 300 }))
    case 'float':
      return fc.float()
    case 'double':
      return fc.double()
    case 'string':
      return fc.string({ unit: 'binary', maxLength: 24 })
    case 'binary':
      return fc.uint8Array({ maxLength: 24 })
    case 'time':
      return fc.bigInt({ min: 0n, max: timeMax })
    default:
      return fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.bigInt({ min: -300n, max: 300n }))
  }
}

/** A value of a type; nested ones hold null where their schema lets them. */
export function cellOf(type: IcebergType): fc.Arbitrary<Cell> {
  if (typeof type === 'string')
    return fc.oneof({ weight: 2, arbitrary: randomPrimitive(type) }, fc.constantFrom(...extremesOf(type)))
  const children = childFields(type).map((field) =>
    field.required ? cellOf(field.type) : fc.option(cellOf(field.type), { nil: null, freq: 3 }),
  )
  const [first, second] = children
  if (type.type === 'struct')
    return fc.record(Object.fromEntries(type.fields.map(({ name }, at) => [name, children[at] ?? fc.constant(null)])))
  if (first === undefined) throw new Error('a list has an element, a map a key')
  if (second === undefined) return fc.array(first, { maxLength: 4 })
  // hyparquet, which reads some of these, makes objects of maps: this one key is lost to it.
  const key = first.filter((cell) => cell !== '__proto__')
  return fc
    .uniqueArray(fc.tuple(key, second), { maxLength: 4, selector: ([cell]) => cell })
    .map((entries) => new Map<Cell, Cell>(entries))
}

const patterns = ['cycle', 'constant', 'runs', 'random', 'ascending', 'descending', 'distinct'] as const
const absences = ['none', 'none', 'few', 'alternate', 'first half', 'all'] as const

/** How the values of a column follow from few. */
export interface ColumnPlan {
  readonly palette: readonly Cell[]
  readonly pattern: (typeof patterns)[number]
  readonly absence: (typeof absences)[number]
  readonly seed: number
}

export const columnPlan = (type: IcebergType): fc.Arbitrary<ColumnPlan> =>
  fc.record({
    palette: fc.array(cellOf(type), { minLength: 1, maxLength: 10 }),
    pattern: fc.constantFrom(...patterns),
    absence: fc.constantFrom(...absences),
    seed: fc.nat({ max: 1_000_000 }),
  })

/** Spreads row numbers over 32 bits, always the same way. */
const scattered = (row: number, seed: number): number => {
  const mixed = Math.imul((row + seed) ^ ((row + seed) >>> 15), 0x9e3779b1)
  return (mixed ^ (mixed >>> 13)) >>> 0
}

/** The values of a column of `count` rows. */
export function plannedCells(type: IcebergType, required: boolean, plan: ColumnPlan, count: number): Cell[] {
  const sorted = typeof type === 'string' ? [...plan.palette].sort((a, b) => compareCells(type, a, b)) : plan.palette
  const cells = Array.from({ length: count }, (_, row) => valueAt(type, plan, sorted, row, count))
  return required ? cells : cells.map((cell, row) => (isAbsent(plan, row, count) ? null : cell))
}

function valueAt(type: IcebergType, plan: ColumnPlan, sorted: readonly Cell[], row: number, count: number): Cell {
  const { palette, seed } = plan
  const at = (of: readonly Cell[], index: number): Cell => of[index % of.length] ?? null
  switch (plan.pattern) {
    case 'cycle':
      return at(palette, row)
    case 'constant':
      return at(palette, 0)
    case 'runs':
      return at(palette, Math.floor(row / (1 + (seed % 50))))
    case 'random':
      return at(palette, scattered(row, seed))
    case 'ascending':
      return at(sorted, Math.floor((row * sorted.length) / count))
    case 'descending':
      return at(sorted, Math.floor(((count - 1 - row) * sorted.length) / count))
    case 'distinct':
      return typeof type === 'string' ? distinctValue(type, at(palette, 0), row, 1 + (seed % 1000)) : at(palette, row)
  }
}

/** As good as never the same twice, in steps from the first value; arithmetic wraps as that of the type does. */
function distinctValue(type: string, first: Cell, row: number, step: number): Cell {
  const text = `value ${(row * step).toString().padStart(9, '0')}`
  if (typeof first === 'string') return `${first.slice(0, 40)} ${text}`
  if (first instanceof Uint8Array && type === 'binary')
    return Uint8Array.of(...first.subarray(0, 40), ...encoder.encode(text))
  if (first instanceof Uint8Array) return first.map((byte, at) => byte + Math.floor((row * step) / 256 ** at))
  if (typeof first === 'boolean') return row % 2 === 0
  if (type === 'float') return Math.fround(Number(first) + row * step)
  if (type === 'double') return Number(first) + row * step * 0.1
  if (typeof first === 'number') return (first + row * step) | 0
  if (typeof first !== 'bigint') return first
  const moved = first + BigInt(row * step)
  if (type === 'time') return moved % (timeMax + 1n)
  const decimal = decimalParameters(type)
  return decimal === null ? BigInt.asIntN(64, moved) : moved % 10n ** BigInt(decimal.precision)
}

function isAbsent({ absence, seed }: ColumnPlan, row: number, count: number): boolean {
  switch (absence) {
    case 'none':
      return false
    case 'few':
      return scattered(row, seed + 7) % 9 === 0
    case 'alternate':
      return row % 2 === seed % 2
    case 'first half':
      return row < count / 2
    case 'all':
      return true
  }
}
