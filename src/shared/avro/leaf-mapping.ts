// Which Iceberg type one Avro type becomes, and which Avro types have no exact counterpart (design: "Avro → Iceberg").
// Pure. Invariant: what is answered here loses no value of the Avro type; everything else is SCHEMA_UNSUPPORTED by its path.
import { IngestError } from '../errors.ts'
import type { IcebergPrimitive } from '../iceberg/schema.ts'
import type { AvroType, AvroUnion, LogicalType } from './avro-schema.ts'

/** Digits of the widest decimal of Iceberg (spec, "Primitive Types"). */
export const decimalPrecisionMax = 38

export const unsupported = (path: string, reason: string): IngestError =>
  new IngestError('SCHEMA_UNSUPPORTED', { path, reason })

/** A type with its `union [null, T]` taken off; `nullIndex` is the branch that means null, -1 where null is not allowed. */
export interface Nullable {
  readonly type: Exclude<AvroType, AvroUnion>
  /** Branches of the union as written, 0 where there is no union: then no branch index precedes the value. */
  readonly branchCount: number
  readonly nullIndex: number
}

/** Takes the optional off a type. Errors: SCHEMA_UNSUPPORTED for a union of several types, or of null alone. */
export function withoutNull(type: AvroType, path: string): Nullable {
  if (type.kind !== 'union') return { type, branchCount: 0, nullIndex: -1 }
  const nullIndex = type.branches.findIndex((branch) => branch.kind === 'null')
  const others = type.branches.filter((branch) => branch.kind !== 'null')
  const only = others[0]
  if (others.length > 1) {
    throw unsupported(path, `a union of several types (${others.map((branch) => branch.kind).join(', ')})`)
  }
  if (only === undefined || only.kind === 'union') throw unsupported(path, 'a union of null alone')
  return { type: only, branchCount: type.branches.length, nullIndex }
}

/** The Iceberg primitive of an Avro type that is no record, array, map or union. Errors: SCHEMA_UNSUPPORTED. */
export function leafTypeOf(type: AvroType, path: string): IcebergPrimitive {
  switch (type.kind) {
    case 'boolean':
    case 'float':
    case 'double':
      return type.kind
    case 'string':
    case 'enum':
      return 'string'
    case 'int':
    case 'long':
      return numberTypeOf(type.kind, type.logical, path)
    case 'bytes':
      return type.logical?.kind === 'decimal' ? decimalTypeOf(type.logical, path) : 'binary'
    case 'fixed':
      if (type.logical?.kind === 'decimal') return decimalTypeOf(type.logical, path)
      if (type.logical?.kind === 'uuid') return 'string'
      if (type.size === 0) throw unsupported(path, 'a fixed of no bytes')
      return `fixed[${type.size}]`
    case 'null':
      throw unsupported(path, 'a type that is always null')
    default:
      throw unsupported(path, `${type.kind} is no primitive type`)
  }
}

function numberTypeOf(kind: 'int' | 'long', logical: LogicalType | null, path: string): IcebergPrimitive {
  switch (logical?.kind) {
    case 'date':
      return 'date'
    case 'time':
      return 'long'
    case 'timestamp':
      if (logical.unit === 'nanos') {
        throw unsupported(path, 'nanoseconds need a table of format v3, K2 writes v2; choose timestamp-micros')
      }
      return logical.local ? 'timestamp' : 'timestamptz'
    default:
      return kind
  }
}

function decimalTypeOf(decimal: { readonly precision: number; readonly scale: number }, path: string): string {
  if (decimal.precision > decimalPrecisionMax) {
    throw unsupported(path, `a decimal of ${decimal.precision} digits, ${decimalPrecisionMax} are the most`)
  }
  return `decimal(${decimal.precision}, ${decimal.scale})`
}
