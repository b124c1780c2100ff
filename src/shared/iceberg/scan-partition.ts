// Conditions on a column, carried over to the partition fields made from it (Iceberg spec, "Partition Transforms"): a file whose
// partition value rules the condition out holds no row of it. Pure, any thread. Identity and the time transforms are carried
// over; bucket, truncate, void and what the future brings leave nothing out.
import type { AvroValue } from './avro-value.ts'
import type { FieldSummary } from './manifest-list.ts'
import type { ComparableValue, CompareOperator, Condition, Conjunction } from './scan-predicate.ts'
import { anyValue, boundValue, mayMatch, rangeOfValue, type ValueRange } from './scan-range.ts'
import { timeTransform } from './scan-time.ts'
import type { IcebergPrimitive, IcebergSchema, PartitionSpec } from './schema.ts'
import { typeOfField } from './schema-json.ts'
import { typedValue } from './single-value.ts'

/** A condition on the partition field at `index` of a spec. */
export interface PartitionCondition {
  readonly index: number
  /** Of the partition values. */
  readonly type: IcebergPrimitive
  readonly condition: Condition
}

/** What a conjunction says of the partition values of a spec. */
export function projectConditions(
  conditions: Conjunction,
  spec: PartitionSpec,
  schema: IcebergSchema,
): readonly PartitionCondition[] {
  return spec.fields.flatMap((field, index) => {
    const source = typeOfField(schema, field['source-id'])
    if (typeof source !== 'string') return []
    return conditions
      .filter(({ fieldId }) => fieldId === field['source-id'])
      .flatMap((condition) => project(condition, field.transform, source, index) ?? [])
  })
}

function project(
  condition: Condition,
  transform: string,
  source: IcebergPrimitive,
  index: number,
): PartitionCondition | null {
  // Floats as partition values have a NaN and two zeros, which writers treat each in their own way.
  if (transform === 'identity') return /^(?:float|double)$/.test(source) ? null : { index, type: source, condition }
  if (transform !== 'year' && transform !== 'month' && transform !== 'day' && transform !== 'hour') return null
  const type = transform === 'day' ? 'date' : 'int'
  if (condition.kind === 'null') return { index, type, condition }
  const { fieldId } = condition
  const transformed = (value: ComparableValue, steps: bigint): number | null => {
    const micros = microsOf(source, value, steps)
    return micros === null ? null : timeTransform(transform, micros)
  }
  if (condition.kind === 'in') {
    const values = condition.values.map((value) => transformed(value, 0n)).filter((value) => value !== null)
    if (values.length < condition.values.length) return null
    return { index, type, condition: { kind: 'in', fieldId, type, values } }
  }
  const [operator, steps] = inclusive[condition.operator] ?? [null, 0n]
  const value = operator === null ? null : transformed(condition.value, steps)
  if (operator === null || value === null) return null
  return { index, type, condition: { kind: 'compare', fieldId, type, operator, value } }
}

/** Transforms never fall, so `t < v` leaves partitions up to that of the value just below v. Nothing follows from `!=`. */
const inclusive: Readonly<Record<CompareOperator, readonly [CompareOperator, bigint] | null>> = {
  '=': ['=', 0n],
  '<': ['<=', -1n],
  '<=': ['<=', 0n],
  '>': ['>=', 1n],
  '>=': ['>=', 0n],
  '!=': null,
}

/** µs of a time, `steps` of its own unit later. */
function microsOf(source: IcebergPrimitive, value: ComparableValue, steps: bigint): bigint | null {
  if (source === 'date') return typeof value === 'number' ? (BigInt(value) + steps) * 86_400_000_000n : null
  if (source !== 'timestamp' && source !== 'timestamptz') return null
  return typeof value === 'bigint' ? value + steps : null
}

/** Whether files of these partition values may hold rows; values in the order of the spec's fields. */
export const mayMatchPartition = (conditions: readonly PartitionCondition[], values: readonly AvroValue[]): boolean =>
  conditions.every(({ condition, index, type }) => mayMatch(condition, partitionRange(type, values[index])))

/** Whether a manifest with these summaries may hold such files; null where its writer gave none. */
export const mayMatchSummaries = (
  conditions: readonly PartitionCondition[],
  summaries: readonly FieldSummary[] | null,
): boolean =>
  summaries === null ||
  conditions.every(({ condition, index, type }) => mayMatch(condition, summaryRange(type, summaries[index])))

function partitionRange(type: IcebergPrimitive, value: AvroValue | undefined): ValueRange {
  if (value === undefined) return anyValue
  if (value === null) return rangeOfValue(null)
  const typed = typedValue(type, value)
  if (typed === null) return anyValue
  return rangeOfValue(typeof typed === 'string' ? new TextEncoder().encode(typed) : typed)
}

function summaryRange(type: IcebergPrimitive, summary: FieldSummary | undefined): ValueRange {
  if (summary === undefined) return anyValue
  const { containsNull, lowerBound, upperBound } = summary
  return {
    lower: boundValue(type, lowerBound),
    upper: boundValue(type, upperBound),
    mayBeNull: containsNull,
    // Conditions on floats are not carried over.
    mayBeNan: false,
    // "null if all values are null or NaN" (spec, field_summary).
    mayHaveValue: lowerBound !== null || !containsNull,
  }
}
