// Whether rows that satisfy a condition may lie in a range of values: the one decision behind all pruning. Pure, any thread.
// Invariant: `false` only where no row can satisfy it. Order of values is that of the query engine: text and bytes by unsigned
// bytes, NaN above every number; bounds leave NaN out (spec, "Manifests"), and those of text may be cut short.
import { assertNever } from '../errors.ts'
import type { ComparableValue, CompareOperator, Condition, Conjunction } from './scan-predicate.ts'
import type { IcebergPrimitive } from './schema.ts'
import { compareValues, deserializeValue } from './single-value.ts'

/** What is known of the values of a column in a file, or of a partition field in a manifest. */
export interface ValueRange {
  /** Not above the least value that is neither null nor NaN; null where unknown. */
  readonly lower: ComparableValue | null
  /** Not below the greatest one. */
  readonly upper: ComparableValue | null
  readonly mayBeNull: boolean
  readonly mayBeNan: boolean
  /** False where all values are null. */
  readonly mayHaveValue: boolean
}

/** Nothing is known. */
export const anyValue: ValueRange = { lower: null, upper: null, mayBeNull: true, mayBeNan: true, mayHaveValue: true }

/** The range of one value. */
export const rangeOfValue = (value: ComparableValue | null): ValueRange => ({
  lower: value,
  upper: value,
  mayBeNull: value === null,
  mayBeNan: Number.isNaN(value),
  mayHaveValue: value !== null,
})

/** True unless one of the conditions rules the range out; `rangeOf` by field id. */
export const mayMatchAll = (conditions: Conjunction, rangeOf: (condition: Condition) => ValueRange): boolean =>
  conditions.every((condition) => mayMatch(condition, rangeOf(condition)))

export function mayMatch(condition: Condition, range: ValueRange): boolean {
  switch (condition.kind) {
    case 'null':
      return condition.isNull ? range.mayBeNull : range.mayHaveValue
    case 'in':
      return range.mayHaveValue && condition.values.some((value) => mayCompare('=', value, range, true))
    case 'compare':
      return (
        range.mayHaveValue && mayCompare(condition.operator, condition.value, range, areBoundsExact(condition.type))
      )
    default:
      return assertNever(condition)
  }
}

function mayCompare(
  operator: CompareOperator,
  value: ComparableValue,
  { lower, upper, mayBeNan }: ValueRange,
  isExact: boolean,
): boolean {
  const low = lower === null ? -1 : compareValues(lower, value)
  const high = upper === null ? 1 : compareValues(upper, value)
  switch (operator) {
    case '=':
      return low <= 0 && high >= 0
    case '<':
      return low < 0
    case '<=':
      return low <= 0
    case '>':
      return mayBeNan || high > 0
    case '>=':
      return mayBeNan || high >= 0
    case '!=':
      return mayBeNan || !isExact || low !== 0 || high !== 0
    default:
      return assertNever(operator)
  }
}

/** Bounds of text and bytes may be prefixes. */
const areBoundsExact = (type: IcebergPrimitive): boolean => type !== 'string' && !/^(?:binary|fixed)/.test(type)

/** A bound out of a manifest or manifest list; null where it is absent or no value of the type. */
export function boundValue(type: IcebergPrimitive, bytes: Uint8Array | null | undefined): ComparableValue | null {
  if (bytes === null || bytes === undefined) return null
  if (type === 'string') return bytes
  try {
    const value = deserializeValue(type, bytes)
    // A writer's NaN bound says nothing.
    return typeof value === 'string' || Number.isNaN(value) ? null : value
  } catch {
    return null
  }
}
