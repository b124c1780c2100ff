// 2,000 random schemas through both encoders, read by hyparquet in this process and by pyarrow, under footers held against the rows;
// every twentieth by DuckDB and parquet-java, too. A failing seed is printed and shrinks.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { encoderCases } from '../shared/parquet/conformance-encoders.ts'
import { footerFaults } from '../shared/parquet/conformance-footer.ts'
import { batchOf, conformanceTable } from '../shared/parquet/conformance-table.ts'
import { parquetRows } from '../support/parquet-rows.ts'
import { type OutsideReaders, startOutsideReaders } from '../support/readers/outside-readers.ts'
import { expectationOf, expectReadAlike, type ReadCounts } from '../support/readers/read-table.ts'

const folder = mkdtempSync(join(tmpdir(), 'k2-parquet-fuzz-'))
const counts = new Map<string, ReadCounts>()
let outside: OutsideReaders
beforeAll(async () => {
  outside = await startOutsideReaders()
}, 300_000)
afterAll(async () => {
  await outside.end()
  rmSync(folder, { recursive: true, force: true })
})

const schemas = 2000

test(`${schemas} random schemas are the same to all who read them`, async () => {
  const seed = Number(process.env['K2_TEST_SEED'] ?? Date.now() % 2 ** 31)
  process.stderr.write(`K2_TEST_SEED=${seed}\n`)
  const [wasm, ...own] = encoderCases.filter(({ name }) => /^(?:wasm|pages|pages-small)$/.test(name))
  let tables = 0
  await fc.assert(
    fc.asyncProperty(conformanceTable(3, 150), async (table) => {
      tables += 1
      // Settings by turns: a table is never passed over by both encoders.
      for (const encoder of [wasm, own[tables % own.length]]) {
        if (encoder === undefined) throw new Error('two encoders')
        const { bytes } = encoder.make().encode(batchOf(table), table.schema)
        const faults = footerFaults(bytes, table.schema, table.rows)
        expect(faults.filter((fault) => encoder.knownFaults?.test(fault) !== true)).toEqual([])
        expect(await parquetRows(bytes, table.schema)).toEqual(table.rows)
        const readers = outside.readers.filter(({ name }) => name === 'pyarrow' || tables % 20 === 0)
        await expectReadAlike(readers, expectationOf(table, 1, 4), encoder, { folder, counts })
      }
    }),
    { numRuns: schemas, seed },
  )
  process.stderr.write(`read by others: ${JSON.stringify(Object.fromEntries(counts))}\n`)
  expect(counts.get('pyarrow')?.files).toBeGreaterThanOrEqual(2 * schemas)
}, 900_000)
