// How an Iceberg type lies in a Parquet file: physical type, length, annotations (Iceberg spec, Appendix A, "Parquet";
// LogicalTypes.md). Pure, any thread. Invariant: the same physical types as parquet-wasm writes, so that files of both encoders
// read alike.
import { decimalParameters, fixedLength } from '../columns/nested-fields.ts'
import { IngestError } from '../errors.ts'
import type { IcebergField } from '../iceberg/schema.ts'

/** Numbers of parquet.thrift, enum Type. */
export const physicalType = { boolean: 0, int32: 1, int64: 2, float: 4, double: 5, bytes: 6, fixed: 7 } as const

export type LogicalType =
  | { readonly kind: 'string' | 'date' | 'uuid' }
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }
  | { readonly kind: 'time' | 'timestamp'; readonly utc: boolean; readonly unit: 'micros' | 'nanos' }

export interface LeafType {
  readonly physical: keyof typeof physicalType
  /** Bytes of a value of `fixed`, else 0. */
  readonly length: number
  /** Null: the physical type says it all (int, long, float, double, boolean, binary, fixed). */
  readonly logical: LogicalType | null
}

/** Bytes of two's complement that hold every number of so many digits. */
export function decimalLength(precision: number): number {
  const bits = (10n ** BigInt(precision) - 1n).toString(2).length + 1
  return Math.ceil(bits / 8)
}

/** Errors: PARQUET for a type of a later Iceberg format. */
export function leafType(field: IcebergField): LeafType {
  const { type } = field
  const decimal = decimalParameters(type)
  if (decimal !== null) return decimalType(decimal)
  const length = fixedLength(type)
  if (length !== null) return { physical: 'fixed', length, logical: null }
  const known = typeof type === 'string' ? leafTypes.get(type) : undefined
  if (known === undefined) throw new IngestError('PARQUET', { column: field.name, type: JSON.stringify(type) })
  return known
}

function decimalType(decimal: { readonly precision: number; readonly scale: number }): LeafType {
  const logical = { kind: 'decimal' as const, ...decimal }
  if (decimal.precision <= 9) return { physical: 'int32', length: 0, logical }
  if (decimal.precision <= 18) return { physical: 'int64', length: 0, logical }
  return { physical: 'fixed', length: decimalLength(decimal.precision), logical }
}

const time = (kind: 'time' | 'timestamp', utc: boolean, unit: 'micros' | 'nanos'): LeafType => ({
  physical: 'int64',
  length: 0,
  logical: { kind, utc, unit },
})

const leafTypes: ReadonlyMap<string, LeafType> = new Map<string, LeafType>([
  ['boolean', { physical: 'boolean', length: 0, logical: null }],
  ['int', { physical: 'int32', length: 0, logical: null }],
  ['date', { physical: 'int32', length: 0, logical: { kind: 'date' } }],
  ['long', { physical: 'int64', length: 0, logical: null }],
  ['float', { physical: 'float', length: 0, logical: null }],
  ['double', { physical: 'double', length: 0, logical: null }],
  ['time', time('time', false, 'micros')],
  ['timestamp', time('timestamp', false, 'micros')],
  ['timestamptz', time('timestamp', true, 'micros')],
  ['timestamp_ns', time('timestamp', false, 'nanos')],
  ['timestamptz_ns', time('timestamp', true, 'nanos')],
  ['string', { physical: 'bytes', length: 0, logical: { kind: 'string' } }],
  ['binary', { physical: 'bytes', length: 0, logical: null }],
  ['uuid', { physical: 'fixed', length: 16, logical: { kind: 'uuid' } }],
])
