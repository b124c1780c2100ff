// Random Iceberg columns over given primitives, nested up to a depth: the schemas of every property test of ColumnBatches and files.
import fc from 'fast-check'
import type { IcebergField, IcebergType } from '../../src/shared/iceberg/schema.ts'

export interface RandomColumn {
  readonly required: boolean
  readonly type: IcebergType
}

/** A column whose ids are all 0 until {@link numberedColumns} gives them. */
export const randomColumn = (primitive: fc.Arbitrary<IcebergType>, depthMax: number): fc.Arbitrary<RandomColumn> =>
  fc.record({ required: fc.boolean(), type: anyType(primitive, depthMax) })

function anyType(primitive: fc.Arbitrary<IcebergType>, depth: number): fc.Arbitrary<IcebergType> {
  if (depth === 0) return primitive
  const inner = anyType(primitive, depth - 1)
  const list = fc.record({
    type: fc.constant('list' as const),
    'element-id': fc.constant(0),
    element: inner,
    'element-required': fc.boolean(),
  })
  // Avro, where K2's schemas come from, has maps of text only.
  const map = fc.record({
    type: fc.constant('map' as const),
    'key-id': fc.constant(0),
    key: fc.constant('string'),
    'value-id': fc.constant(0),
    value: inner,
    'value-required': fc.boolean(),
  })
  const struct = fc.record({
    type: fc.constant('struct' as const),
    fields: fc
      .array(fc.record({ required: fc.boolean(), type: inner }), { minLength: 1, maxLength: 3 })
      .map((fields) => fields.map((field, index) => ({ id: 0, name: `f${index}`, ...field }))),
  })
  return fc.oneof({ weight: 4, arbitrary: primitive }, list, map, struct)
}

export const numberedColumns = (columns: readonly RandomColumn[]): readonly IcebergField[] =>
  numbered(columns.map((column, index) => ({ id: 0, name: `c${index}`, ...column })))

/** Gives every field, element, key and value an id of its own, in leaps, so that an id is no position. */
export function numbered(fields: readonly IcebergField[]): readonly IcebergField[] {
  let last = 0
  const next = (): number => (last += 3)
  const type = (of: IcebergType): IcebergType => {
    if (typeof of === 'string') return of
    switch (of.type) {
      case 'struct':
        return { ...of, fields: of.fields.map(field) }
      case 'list':
        return { ...of, 'element-id': next(), element: type(of.element) }
      case 'map':
        return { ...of, 'key-id': next(), key: type(of.key), 'value-id': next(), value: type(of.value) }
    }
  }
  const field = (of: IcebergField): IcebergField => ({ ...of, id: next(), type: type(of.type) })
  return fields.map(field)
}
