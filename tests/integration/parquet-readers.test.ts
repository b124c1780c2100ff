// Files of every encoder in the hands of readers that are not ours: pyarrow, DuckDB and parquet-java see the rows that were encoded,
// find every row by predicates at its values, and the footer says of fields, types and indexes what Iceberg wants it to say.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { encoderCases } from '../shared/parquet/conformance-encoders.ts'
import { conformanceTable, everyTypeTable, manyPagesTable, nestedTable } from '../shared/parquet/conformance-table.ts'
import { type OutsideReaders, startOutsideReaders } from '../support/readers/outside-readers.ts'
import { type Expectation, expectationOf, expectReadAlike, type ReadCounts } from '../support/readers/read-table.ts'

const folder = mkdtempSync(join(tmpdir(), 'k2-parquet-readers-'))
const counts = new Map<string, ReadCounts>()
let outside: OutsideReaders
beforeAll(async () => {
  outside = await startOutsideReaders()
}, 300_000)
afterAll(async () => {
  await outside.end()
  rmSync(folder, { recursive: true, force: true })
  process.stderr.write(`read by others: ${JSON.stringify(Object.fromEntries(counts))}\n`)
})

/** More rows than a page holds in the standard settings, or in the small ones; made once, as that takes longer than to read it. */
const manyRows = (encoder: string): number => (/^(?:wasm|pages)$/.test(encoder) ? 21_000 : 1_500)
const manyPages = new Map<number, Expectation>()

describe.each(encoderCases)('files of $name', (encoder) => {
  const expectAlike = (expectation: Expectation): Promise<void> =>
    expectReadAlike(outside.readers, expectation, encoder, { folder, counts })

  test('any table is the same to all readers, whole and filtered', async () => {
    await fc.assert(
      fc.asyncProperty(conformanceTable(3, 200), (table) => expectAlike(expectationOf(table, 1, 16))),
      { numRuns: 8, interruptAfterTimeLimit: 90_000, markInterruptAsFailure: true },
    )
  }, 120_000)

  test.each([0, 1, 60])(
    'every type at its edges in %i rows',
    (rows) => expectAlike(expectationOf(everyTypeTable(rows), 0, 24)),
    120_000,
  )

  test.each([0, 1, 200])('every kind of absence in nested columns of %i rows', (rows) =>
    expectAlike(expectationOf(nestedTable(rows), 0, 5)),
  )

  test('many pages and row groups lose no row to any predicate', () => {
    const rows = manyRows(encoder.name)
    const expectation = manyPages.get(rows) ?? expectationOf(manyPagesTable(rows), 5, 150)
    manyPages.set(rows, expectation)
    return expectAlike(expectation)
  }, 240_000)
})
