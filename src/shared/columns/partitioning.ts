// Partition values of the rows of a ColumnBatch (Iceberg spec, "Partition Transforms"): an Iceberg data file holds rows of one
// partition value, so rows are told apart before they are encoded. Runs in an encode worker. Invariant: the groups hold every row
// exactly once, in row order within a group, and no two groups have the same value.
import { assert, IngestError } from '../errors.ts'
import type { PartitionValue } from '../iceberg/data-file.ts'
import type { IcebergSchema, PartitionField, PartitionSpec } from '../iceberg/schema.ts'
import type { Column, ColumnBatch, Int64Column } from './column-batch.ts'
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
 * Groups the rows of a batch by partition value. Transforms: `day` of timestamp(tz), timestamp(tz)_ns and date; `void`.
 * Errors: TABLE_MISFIT for another transform or a source that is not a top-level column of those types.
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
    const reader = dayReader(batch, schema, field)
    const only = reader === null ? { day: null } : onlyDay(reader, batch.rowCount)
    if (only !== null) {
      groups = groups.map(({ value, rows }) => ({ value: [...value, only.day], rows }))
      shared = [...shared, only.day]
      continue
    }
    assert(reader !== null, 'a void field has one value')
    groups =
      groups.length === 0
        ? split(reader, shared, allRows(batch.rowCount))
        : groups.flatMap(({ value, rows }) => split(reader, value, rows))
  }
  if (groups.length === 0) return { kind: 'one', value: shared }
  return groups.length > valuesMax ? { kind: 'too-many', count: groups.length } : { kind: 'many', groups }
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

/** How to read the days of a partition field; null for `void`, whose value is always null. */
function dayReader(batch: ColumnBatch, schema: IcebergSchema, partition: PartitionField): DayReader | null {
  if (partition.transform === 'void') return null
  const position = schema.fields.findIndex((field) => field.id === partition['source-id'])
  const column = batch.columns[position]
  const type = schema.fields[position]?.type
  if (partition.transform === 'day' && column !== undefined) {
    if (type === 'timestamp' || type === 'timestamptz') return { column, ...microseconds }
    if (type === 'timestamp_ns' || type === 'timestamptz_ns') return { column, ...nanoseconds }
    if (type === 'date') return { column, shift: 0, unitsPerDay: 1 }
  }
  const source = schema.fields[position]?.name ?? partition['source-id']
  throw new IngestError('TABLE_MISFIT', { partition: partition.name, transform: partition.transform, source })
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
function onlyDay(reader: DayReader, rowCount: number): { readonly day: number | null } | null {
  const { column } = reader
  if (rowCount === 0) return { day: null }
  const day = dayAt(reader, 0)
  if (column.nullCount === rowCount) return { day: null }
  if (column.nullCount > 0 || day === null) return null
  if (column.kind === 'int64') return allOnDay(column, reader, day, rowCount) ? { day } : null
  for (let row = 1; row < rowCount; row++) if (dayAt(reader, row) !== day) return null
  return { day }
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

/** Groups of the given rows by day, in order of first appearance. */
function split(reader: DayReader, prefix: readonly PartitionValue[], rows: Int32Array): PartitionGroup[] {
  const groupOfDay = new Map<number | null, number>()
  const groupOfRow = new Int32Array(rows.length)
  const counts: number[] = []
  for (let index = 0; index < rows.length; index++) {
    const day = dayAt(reader, rows[index] ?? 0)
    let group = groupOfDay.get(day)
    if (group === undefined) {
      group = groupOfDay.size
      groupOfDay.set(day, group)
      counts.push(0)
    }
    groupOfRow[index] = group
    counts[group] = (counts[group] ?? 0) + 1
  }
  const members = counts.map((count) => new Int32Array(count))
  const filled = counts.map(() => 0)
  for (let index = 0; index < rows.length; index++) {
    const group = groupOfRow[index] ?? 0
    const at = filled[group] ?? 0
    const list = members[group]
    if (list !== undefined) list[at] = rows[index] ?? 0
    filled[group] = at + 1
  }
  return [...groupOfDay].map(([day, group]) => ({ value: [...prefix, day], rows: members[group] ?? new Int32Array(0) }))
}

const allRows = (rowCount: number): Int32Array => Int32Array.from({ length: rowCount }, (_, row) => row)
