// Random Iceberg schemas with rows that fit them, for property tests of everything that reads a ColumnBatch.
import fc from 'fast-check'
import type { IcebergField, IcebergSchema, IcebergType } from '../../src/shared/iceberg/schema.ts'
import type { Cell, Row } from './column-maker.ts'
import { numberedColumns, randomColumn } from './random-schema.ts'

export interface RandomTable {
  readonly schema: IcebergSchema
  readonly rows: readonly Row[]
  /** Field ids of the text columns to be made as dictionaries. */
  readonly dictionaries: ReadonlySet<number>
}

const primitives = [
  'boolean',
  'int',
  'long',
  'float',
  'double',
  'date',
  'time',
  'timestamp',
  'timestamptz',
  'string',
  'binary',
  'fixed[3]',
  'decimal(7, 2)',
  'decimal(18, 8)',
  'decimal(38, 10)',
] as const

const primitive: fc.Arbitrary<IcebergType> = fc.constantFrom(...primitives)

const int64 = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.bigInt({ min: -3n, max: 3n }),
  fc.constantFrom(-(2n ** 63n), 2n ** 63n - 1n, 2n ** 32n, -(2n ** 32n), 2n ** 31n),
)
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 24 }),
  fc.constantFrom('', 'BHP', 'RIO', 'same prefix for every one of these 1', 'same prefix for every one of these 2'),
)

function cellsFor(type: IcebergType): fc.Arbitrary<Cell> {
  if (typeof type !== 'string') return nestedValue(type)
  const decimal = /^decimal\((\d+)/.exec(type)
  if (decimal !== null) {
    const limit = 10n ** BigInt(Number(decimal[1])) - 1n
    return fc.oneof(fc.bigInt({ min: -limit, max: limit }), fc.bigInt({ min: -300n, max: 300n }))
  }
  switch (type) {
    case 'boolean':
      return fc.boolean()
    case 'int':
    case 'date':
      return fc.integer()
    case 'float':
      return fc.float()
    case 'double':
      return fc.double()
    case 'string':
      return text
    case 'binary':
      return fc.uint8Array({ maxLength: 20 })
    case 'fixed[3]':
      return fc.uint8Array({ minLength: 3, maxLength: 3 })
    case 'time':
      return fc.bigInt({ min: 0n, max: 86_399_999_999n })
    default:
      return int64
  }
}

function nestedValue(type: Exclude<IcebergType, string>): fc.Arbitrary<Cell> {
  switch (type.type) {
    case 'struct':
      return rowOf(type.fields)
    case 'list':
      return fc.array(cellOf(type['element-required'], type.element), { maxLength: 4 })
    case 'map': {
      const value = cellOf(type['value-required'], type.value)
      // hyparquet, which reads these back, makes objects of maps: this one key is lost to it.
      const key = text.filter((cell) => cell !== '__proto__')
      return fc
        .uniqueArray(fc.tuple(key, value), { maxLength: 4, selector: ([key]) => key })
        .map((all) => new Map<Cell, Cell>(all))
    }
  }
}

const cellOf = (required: boolean, type: IcebergType): fc.Arbitrary<Cell> =>
  required ? cellsFor(type) : fc.option(cellsFor(type), { nil: null, freq: 3 })

const rowOf = (fields: readonly IcebergField[]): fc.Arbitrary<Row> =>
  fc.record(Object.fromEntries(fields.map((field) => [field.name, cellOf(field.required, field.type)])))

/** A table of 1 to 5 columns, nested up to `depthMax` levels, and 1 to `rowsMax` rows. */
export const randomTable = (depthMax = 2, rowsMax = 40): fc.Arbitrary<RandomTable> =>
  fc
    .array(randomColumn(primitive, depthMax), { minLength: 1, maxLength: 5 })
    .map(numberedColumns)
    .chain((fields) =>
      fc.record({
        schema: fc.constant<IcebergSchema>({ type: 'struct', 'schema-id': 3, fields }),
        rows: fc.array(rowOf(fields), { minLength: 1, maxLength: rowsMax }),
        dictionaries: fc.constantFrom(new Set<number>(), new Set(Array.from({ length: 99 }, (_, id) => id))),
      }),
    )
