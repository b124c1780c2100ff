// Partition values of the rows of a ColumnBatch (Iceberg spec, "Partition Transforms"): an Iceberg data file holds rows of one
// partition value, so rows are told apart before they are encoded. Runs in an encode worker. Invariant: the groups hold every row
// exactly once, in row order within a group, and no two groups have the same value.
import { assert, IngestError } from '../errors.ts'
import type { PartitionValue } from '../iceberg/data-file.ts'
import type { IcebergSchema, PartitionField, PartitionSpec } from '../iceberg/schema.ts'
import type { Column, ColumnBatch, Int64Column } from './column-batch.ts'
import { transformMisfit, type ValueAt, valueReader } from './partition-values.ts'
import { isPresent } from './validity.ts'

export interface PartitionGroup {
  /** In the order of the spec's fields. */
  readonly value: readonly PartitionValue[]
  /** Row numbers, ascending. */
  readonly rows: Int32Array
}

/** `one`: all rows share the value (the fast path, no row lists). `too-many`: more values than allowed, `count` of them. */
export type Partitioned =
  | { readonly kind: 'one'; readonly value: readonly PartitionValue[] }
  | { readonly kind: 'many'; readonly groups: readonly PartitionGroup[] }
  | { readonly kind: 'too-many'; readonly count: number }

/**
 * Groups the rows of a batch by partition value, as {@link transformMisfit} says what can be written.
 * Errors: TABLE_MISFIT for another transform or a source that is not a top-level column of a fitting type.
 */
export function partitionRows(
  batch: ColumnBatch,
  schema: IcebergSchema,
  spec: PartitionSpec,
  valuesMax: number,
): Partitioned {
  let groups: readonly PartitionGroup[] = []
  let shared: readonly PartitionValue[] = []
  // Field by field, each splitting what the fields before it left together; a field with one value splits nothing.
  for (const field of spec.fields) {
    const reader = readerOf(batch, schema, field)
    const only = reader === null ? { value: null } : reader.only(batch.rowCount)
    if (only !== null) {
      groups = groups.map(({ value, rows }) => ({ value: [...value, only.value], rows }))
      shared = [...shared, only.value]
      continue
    }
    assert(reader !== null, 'a void field has one value')
    groups =
      groups.length === 0
        ? split(reader.at, shared, allRows(batch.rowCount))
        : groups.flatMap(({ value, rows }) => split(reader.at, value, rows))
  }
  if (groups.length === 0) return { kind: 'one', value: shared }
  return groups.length > valuesMax ? { kind: 'too-many', count: groups.length } : { kind: 'many', groups }
}

interface FieldReader {
  readonly at: ValueAt
  /** The value that all rows share, or null where they differ. */
  readonly only: (rowCount: number) => { readonly value: PartitionValue } | null
}

/** How to read the values of a partition field; null for `void`, whose value is always null. */
function readerOf(batch: ColumnBatch, schema: IcebergSchema, partition: PartitionField): FieldReader | null {
  const { transform } = partition
  if (transform === 'void') return null
  const position = schema.fields.findIndex((field) => field.id === partition['source-id'])
  const [column, field] = [batch.columns[position], schema.fields[position]]
  const misfit = field === undefined ? 'the source is no top-level column' : transformMisfit(transform, field.type)
  if (column === undefined || field === undefined || misfit !== null) {
    const source = field?.name ?? partition['source-id']
    throw new IngestError('TABLE_MISFIT', { partition: partition.name, transform, source, reason: misfit ?? '' })
  }
  const type = String(field.type)
  if (transform === 'day') {
    const days = dayReader(column, type)
    return { at: (row) => dayAt(days, row), only: (rowCount) => onlyDay(days, rowCount) }
  }
  const at = valueReader(column, type, transform)
  return { at, only: (rowCount) => onlyValue(at, rowCount) }
}

function onlyValue(at: ValueAt, rowCount: number): { readonly value: PartitionValue } | null {
  const value = rowCount === 0 ? null : at(0)
  for (let row = 1; row < rowCount; row++) if (at(row) !== value) return null
  return { value }
}

/**
 * A day number is floor(value / 2^shift / unitsPerDay). The power of two in the length of a day is shifted out of the 64-bit
 * value first, so that the rest (at most 50 bits) and its quotient are exact in a double, for every 64-bit time.
 */
interface DayReader {
  readonly column: Column
  readonly shift: number
  readonly unitsPerDay: number
}

/** 86,400,000,000 µs = 2^13 × 10,546,875. */
const microseconds = { shift: 13, unitsPerDay: 10_546_875 } as const
/** 86,400,000,000,000 ns = 2^16 × 1,318,359,375. */
const nanoseconds = { shift: 16, unitsPerDay: 1_318_359_375 } as const

/** How to read the days of a time or a date. */
function dayReader(column: Column, type: string): DayReader {
  if (type.endsWith('_ns')) return { column, ...nanoseconds }
  return type === 'date' ? { column, shift: 0, unitsPerDay: 1 } : { column, ...microseconds }
}

/** A 64-bit value shifted right by `shift` bits, as an exact double. */
const shifted = (low: number, high: number, shift: number): number => high * 2 ** (32 - shift) + (low >>> shift)

/** The day of one row; null where the source is null. */
function dayAt(reader: DayReader, row: number): number | null {
  const { column, shift, unitsPerDay } = reader
  if (column.validity !== null && !isPresent(column.validity, row)) return null
  if (column.kind === 'int32') return column.values[row] ?? 0
  assert(column.kind === 'int64', 'a partition source is an int32 or int64 column')
  return Math.floor(shifted(column.words[2 * row] ?? 0, column.words[2 * row + 1] ?? 0, shift) / unitsPerDay)
}

/** The day that all rows share (null: all are null), or null where they differ. */
function onlyDay(reader: DayReader, rowCount: number): { readonly value: number | null } | null {
  const { column } = reader
  if (rowCount === 0) return { value: null }
  const day = dayAt(reader, 0)
  if (column.nullCount === rowCount) return { value: null }
  if (column.nullCount > 0 || day === null) return null
  if (column.kind === 'int64') return allOnDay(column, reader, day, rowCount) ? { value: day } : null
  for (let row = 1; row < rowCount; row++) if (dayAt(reader, row) !== day) return null
  return { value: day }
}

/** Are all times within one day? Compares against the bounds of the day, which needs no division per row. */
function allOnDay(column: Int64Column, reader: DayReader, day: number, rowCount: number): boolean {
  const words = column.words
  const factor = 2 ** (32 - reader.shift)
  const shift = reader.shift
  const first = day * reader.unitsPerDay
  const next = first + reader.unitsPerDay
  for (let at = 0; at < 2 * rowCount; at += 2) {
    const time = (words[at + 1] ?? 0) * factor + ((words[at] ?? 0) >>> shift)
    if (time < first || time >= next) return false
  }
  return true
}

/** Groups of the given rows by value, in order of first appearance. */
function split(at: ValueAt, prefix: readonly PartitionValue[], rows: Int32Array): PartitionGroup[] {
  const groupOfValue = new Map<PartitionValue, number>()
  const groupOfRow = new Int32Array(rows.length)
  const counts: number[] = []
  for (let index = 0; index < rows.length; index++) {
    const value = at(rows[index] ?? 0)
    let group = groupOfValue.get(value)
    if (group === undefined) {
      group = groupOfValue.size
      groupOfValue.set(value, group)
      counts.push(0)
    }
    groupOfRow[index] = group
    counts[group] = (counts[group] ?? 0) + 1
  }
  const members = counts.map((count) => new Int32Array(count))
  const filled = counts.map(() => 0)
  for (let index = 0; index < rows.length; index++) {
    const group = groupOfRow[index] ?? 0
    const next = filled[group] ?? 0
    const list = members[group]
    if (list !== undefined) list[next] = rows[index] ?? 0
    filled[group] = next + 1
  }
  return [...groupOfValue].map(([value, group]) => ({
    value: [...prefix, value],
    rows: members[group] ?? new Int32Array(0),
  }))
}

const allRows = (rowCount: number): Int32Array => Int32Array.from({ length: rowCount }, (_, row) => row)
