// What Iceberg wants a Parquet file to say of its columns (spec, Appendix A, "Parquet"), in the words in which pyarrow says it.
import { childFields, decimalParameters, fixedLength } from '../../../src/shared/columns/nested-fields.ts'
import type { IcebergField, IcebergSchema } from '../../../src/shared/iceberg/schema.ts'

/** Path, field id, nullable: of every field at every level. */
export const expectedFields = (schema: IcebergSchema): readonly [string, number, boolean][] => {
  const visit = (field: IcebergField, above: readonly string[]): [string, number, boolean][] => {
    const path = [...above, field.name]
    return [
      [path.join('.'), field.id, !field.required],
      ...childFields(field.type).flatMap((child) => visit(child, path)),
    ]
  }
  return schema.fields.flatMap((field) => visit(field, []))
}

export interface ExpectedLeaf {
  readonly physical: string
  readonly length: number
  /** Properties that the logical type must have. */
  readonly logical: { readonly [name: string]: unknown }
}

const plain = (physical: string): ExpectedLeaf => ({ physical, length: 0, logical: { Type: 'None' } })
const timestamp = (timeUnit: string, isAdjustedToUTC: boolean): ExpectedLeaf => ({
  physical: 'INT64',
  length: 0,
  logical: { Type: 'Timestamp', timeUnit, isAdjustedToUTC },
})

const leaves: ReadonlyMap<string, ExpectedLeaf> = new Map([
  ['boolean', plain('BOOLEAN')],
  ['int', plain('INT32')],
  ['long', plain('INT64')],
  ['float', plain('FLOAT')],
  ['double', plain('DOUBLE')],
  ['binary', plain('BYTE_ARRAY')],
  ['date', { physical: 'INT32', length: 0, logical: { Type: 'Date' } }],
  [
    'time',
    { physical: 'INT64', length: 0, logical: { Type: 'Time', timeUnit: 'microseconds', isAdjustedToUTC: false } },
  ],
  ['timestamp', timestamp('microseconds', false)],
  ['timestamptz', timestamp('microseconds', true)],
  ['timestamp_ns', timestamp('nanoseconds', false)],
  ['timestamptz_ns', timestamp('nanoseconds', true)],
  ['string', { physical: 'BYTE_ARRAY', length: 0, logical: { Type: 'String' } }],
  ['uuid', { physical: 'FIXED_LEN_BYTE_ARRAY', length: 16, logical: { Type: 'UUID' } }],
])

export function expectedLeaf(type: string): ExpectedLeaf {
  const decimal = decimalParameters(type)
  if (decimal !== null) {
    const { precision, scale } = decimal
    const logical = { Type: 'Decimal', precision, scale }
    if (precision <= 18) return { physical: precision <= 9 ? 'INT32' : 'INT64', length: 0, logical }
    let length = 1
    while (2n ** BigInt(8 * length - 1) < 10n ** BigInt(precision)) length++
    return { physical: 'FIXED_LEN_BYTE_ARRAY', length, logical }
  }
  const length = fixedLength(type)
  if (length !== null) return { physical: 'FIXED_LEN_BYTE_ARRAY', length, logical: { Type: 'None' } }
  const leaf = leaves.get(type)
  if (leaf === undefined) throw new Error(`no Parquet type of ${type}`)
  return leaf
}
