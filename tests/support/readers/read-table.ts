// One table, encoded, put into a folder and read back by every outside reader: rows, and counts of predicates.
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import { canonicalRow } from '../../shared/parquet/conformance-canonical.ts'
import type { EncoderCase } from '../../shared/parquet/conformance-encoders.ts'
import { type Predicate, predicatesOf } from '../../shared/parquet/conformance-predicates.ts'
import { batchOf, type ConformanceTable } from '../../shared/parquet/conformance-table.ts'
import type { OutsideReader } from './outside-readers.ts'

export interface ReadCounts {
  files: number
  rows: number
  predicates: number
}

/** What every reader must see of a table. */
export interface Expectation {
  readonly table: ConformanceTable
  readonly rows: readonly string[]
  readonly predicates: readonly Predicate[]
}

/** `between`: values between the lowest and the highest of a column that predicates are made at. */
export const expectationOf = (table: ConformanceTable, between: number, predicatesMax: number): Expectation => ({
  table,
  rows: table.rows.map((row) => canonicalRow(table.schema, row)),
  predicates: evenly(predicatesOf(table, between), predicatesMax),
})

/** Adds to `counts`, reader by reader. Throws where a reader sees another row, or another number of rows. */
export async function expectReadAlike(
  readers: readonly OutsideReader[],
  { table, rows: expected, predicates }: Expectation,
  { name, make }: EncoderCase,
  place: { readonly folder: string; readonly counts: Map<string, ReadCounts> },
): Promise<void> {
  const path = join(place.folder, `${name}-${process.hrtime.bigint()}.parquet`)
  await writeFile(path, make().encode(batchOf(table), table.schema).bytes)
  await Promise.all(
    readers.map(async (reader) => {
      expect(firstDifference(expected, await reader.rows(path)), reader.name).toBeNull()
      const found = await Promise.all(predicates.map((predicate) => reader.count(path, predicate)))
      expect(missed(reader.name, predicates, found)).toEqual([])
      const counts = place.counts.get(reader.name) ?? { files: 0, rows: 0, predicates: 0 }
      place.counts.set(reader.name, counts)
      counts.files += 1
      counts.rows += expected.length
      counts.predicates += found.filter((count) => count !== null).length
    }),
  )
  await rm(path)
}

function missed(reader: string, predicates: readonly Predicate[], found: ReadonlyArray<number | null>): string[] {
  return predicates.flatMap(({ column, type, operator, text, expected }, at) => {
    const count = found[at] ?? null
    return count === null || count === expected
      ? []
      : [`${reader} finds ${count} rows, not ${expected}, where ${column} (${type}) ${operator} ${text}`]
  })
}

/** At most `max` of them, spread over all. */
const evenly = <T>(all: readonly T[], max: number): readonly T[] =>
  all.length <= max
    ? all
    : all.filter((_, at) => Math.floor((at * max) / all.length) !== Math.floor(((at - 1) * max) / all.length))

/** The first row that is another, cut to where it becomes one: a comparison of all would be shown at length, and take minutes. */
function firstDifference(expected: readonly string[], found: readonly string[]): string | null {
  if (expected.length !== found.length) return `${found.length} rows, not ${expected.length}`
  const row = expected.findIndex((text, at) => text !== found[at])
  if (row < 0) return null
  const [left = '', right = ''] = [expected[row], found[row]]
  let at = 0
  while (left[at] === right[at]) at++
  const column = left.slice(0, at).split(',').length
  const part = (text: string): string => text.slice(Math.max(0, at - 40), at + 40)
  return `row ${row}, about part ${column}: ${part(right)} instead of ${part(left)}`
}
