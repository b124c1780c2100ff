// Conditions of a query by which files are left out: as SQL spells them, and bound to the columns of a schema. Pure, any thread.
// Invariant: a condition that cannot be bound exactly (unknown column, a literal that the engine would convert its own way) is
// dropped. Then more files are read than needed, never fewer.
import { hasOffset, instantMicros, isDateText } from './scan-time.ts'
import type { IcebergPrimitive, IcebergSchema } from './schema.ts'
import type { SingleValue } from './single-value.ts'

/** A constant as SQL spells it. `temporal`: text that the query itself calls a date or a timestamp. */
export type Literal =
  | { readonly kind: 'text' | 'temporal'; readonly text: string }
  /** An exact number: unscaled × 10^-scale. */
  | { readonly kind: 'number'; readonly unscaled: bigint; readonly scale: number }
  | { readonly kind: 'boolean'; readonly value: boolean }

export type CompareOperator = '=' | '!=' | '<' | '<=' | '>' | '>='

/** What one conjunct of a WHERE says of one column. `between` is two of them. */
export type Predicate =
  | { readonly kind: 'compare'; readonly column: string; readonly operator: CompareOperator; readonly literal: Literal }
  | { readonly kind: 'in'; readonly column: string; readonly literals: readonly Literal[] }
  | { readonly kind: 'null'; readonly column: string; readonly isNull: boolean }

/** A predicate on a field; values as {@link ComparableValue}s of its type. */
export type Condition =
  | {
      readonly kind: 'compare'
      readonly fieldId: number
      readonly type: IcebergPrimitive
      readonly operator: CompareOperator
      readonly value: ComparableValue
    }
  | {
      readonly kind: 'in'
      readonly fieldId: number
      readonly type: IcebergPrimitive
      readonly values: readonly ComparableValue[]
    }
  | { readonly kind: 'null'; readonly fieldId: number; readonly isNull: boolean }

/** int, date, float, double: number. long, timestamps, decimals (unscaled): bigint. Text and bytes: bytes. */
export type ComparableValue = Exclude<SingleValue, string>

/** Conditions that all hold; no condition at all leaves nothing out. */
export type Conjunction = readonly Condition[]

/** Binds what can be bound to top-level columns of the schema; SQL names are not case-sensitive. */
export function bindPredicates(predicates: readonly Predicate[], schema: IcebergSchema): Conjunction {
  return predicates.flatMap((predicate) => bindPredicate(predicate, schema) ?? [])
}

function bindPredicate(predicate: Predicate, schema: IcebergSchema): Condition | null {
  const name = predicate.column.toLowerCase()
  const field = schema.fields.find((candidate) => candidate.name.toLowerCase() === name)
  if (field === undefined) return null
  const { id: fieldId, type } = field
  if (predicate.kind === 'null') return { kind: 'null', fieldId, isNull: predicate.isNull }
  if (typeof type !== 'string') return null
  if (predicate.kind === 'compare') {
    const value = literalValue(type, predicate.literal)
    return value === null ? null : { kind: 'compare', fieldId, type, operator: predicate.operator, value }
  }
  const values = predicate.literals.map((literal) => literalValue(type, literal))
  return values.some((value) => value === null)
    ? null
    : { kind: 'in', fieldId, type, values: values.filter((value) => value !== null) }
}

/** Digits up to which the engine's way from decimal to double and ours give the same double. */
const DOUBLE_DIGITS_MAX = 15

/** The literal as a value of the column's type, where the comparison is exact in the engine and here alike; else null. */
function literalValue(type: IcebergPrimitive, literal: Literal): ComparableValue | null {
  switch (literal.kind) {
    case 'boolean':
      return type === 'boolean' ? literal.value : null
    case 'text':
      return type === 'string' ? new TextEncoder().encode(literal.text) : temporalValue(type, literal.text)
    case 'temporal':
      return temporalValue(type, literal.text)
    case 'number':
      return numberValue(type, literal.unscaled, literal.scale)
  }
}

function temporalValue(type: IcebergPrimitive, text: string): ComparableValue | null {
  if (type === 'timestamptz') return instantMicros(text)
  // What an engine makes of an offset where the column has none is its own affair.
  if (type === 'timestamp') return hasOffset(text) ? null : instantMicros(text)
  if (type !== 'date' || !isDateText(text)) return null
  const micros = instantMicros(text)
  return micros === null ? null : Number(micros / 86_400_000_000n)
}

function numberValue(type: IcebergPrimitive, unscaled: bigint, scale: number): ComparableValue | null {
  if (type === 'double') {
    const digits = String(unscaled).replace('-', '').length
    return digits > DOUBLE_DIGITS_MAX ? null : Number(`${unscaled}e${-scale}`)
  }
  const columnScale = type === 'int' || type === 'long' ? 0 : decimalScale(type)
  if (columnScale === null) return null
  const exact = rescale(unscaled, scale, columnScale)
  if (exact === null) return null
  if (type !== 'int') return exact
  return BigInt.asIntN(32, exact) === exact ? Number(exact) : null
}

function decimalScale(type: IcebergPrimitive): number | null {
  const scale = /^decimal\(\d+,\s*(\d+)\)$/.exec(type)?.[1]
  return scale === undefined ? null : Number(scale)
}

/** Null where digits would be lost. */
function rescale(unscaled: bigint, from: number, to: number): bigint | null {
  if (to >= from) return unscaled * 10n ** BigInt(to - from)
  const factor = 10n ** BigInt(from - to)
  return unscaled % factor === 0n ? unscaled / factor : null
}
