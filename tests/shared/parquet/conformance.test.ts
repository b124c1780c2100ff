// What every ParquetEncoder must do, seen by an independent reader in this process and by the footer held against the rows. Other
// readers: tests/integration/parquet-readers.test.ts.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { describeFile } from '../../../src/shared/parquet/data-file.ts'
import { parquetRows } from '../../support/parquet-rows.ts'
import { encoderCases } from './conformance-encoders.ts'
import { footerFaults } from './conformance-footer.ts'
import { batchOf, type ConformanceTable, conformanceTable, everyTypeTable, nestedTable } from './conformance-table.ts'

const spec = { 'spec-id': 0, fields: [] }

describe.each(encoderCases)('$name', ({ make, knownFaults }) => {
  async function expectTrueFile(table: ConformanceTable): Promise<void> {
    const { schema, rows } = table
    const batch = batchOf(table)
    const encoded = make().encode(batch, schema)
    const faults = footerFaults(encoded.bytes, schema, rows).filter((fault) => knownFaults?.test(fault) !== true)
    expect(faults).toEqual([])
    expect(await parquetRows(encoded.bytes, schema)).toEqual(rows)
    describeFile({ location: 'x', batch, schema, spec, partition: [], encoded })
  }

  test('any table is read back as it was, under a footer that is true of it', async () => {
    await fc.assert(fc.asyncProperty(conformanceTable(3, 120), expectTrueFile), { numRuns: 50 })
  })

  test.each([0, 1, 2, 38, 200])('every type at its edges in %i rows', (count) => expectTrueFile(everyTypeTable(count)))

  test.each([0, 1, 2, 38, 200])('every kind of absence in nested columns of %i rows', (count) =>
    expectTrueFile(nestedTable(count)),
  )
})
