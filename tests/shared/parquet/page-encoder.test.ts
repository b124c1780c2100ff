import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { describeFile } from '../../../src/shared/parquet/data-file.ts'
import { isCodecWritable, parquetCodecs } from '../../../src/shared/parquet/page-compression.ts'
import { PageEncoder } from '../../../src/shared/parquet/page-encoder.ts'
import { makeBatch } from '../../support/column-maker.ts'
import { parquetRows } from '../../support/parquet-rows.ts'
import { randomTable } from '../../support/random-table.ts'

const spec = { 'spec-id': 0, fields: [] }
const codecs = parquetCodecs.filter(isCodecWritable)
/** Limits that cut a small table into many row groups, pages, and given-up dictionaries. */
const options = fc.record({
  codec: fc.constantFrom(...codecs),
  rowGroupRowsMax: fc.constantFrom(1000, 13, 1),
  pageRows: fc.constantFrom(1000, 3, 1),
  pageBytes: fc.constantFrom(1 << 20, 64, 1),
  dictionaryBytes: fc.constantFrom(1 << 20, 40, 0),
  encodings: fc.constantFrom('delta' as const, 'basic' as const),
})

describe('page encoder', () => {
  it('writes any schema so that an independent reader finds every value, and counts equal to the statistics', async () => {
    await fc.assert(
      fc.asyncProperty(randomTable(), options, async ({ schema, rows, dictionaries }, chosen) => {
        const batch = makeBatch(schema, rows, dictionaries)
        const encoded = new PageEncoder(chosen).encode(batch, schema)
        expect(await parquetRows(encoded.bytes, schema)).toEqual(rows)
        describeFile({ location: 'x', batch, schema, spec, partition: [], encoded })
      }),
      { numRuns: 300 },
    )
  })
})
