import fc from 'fast-check'
import { parquetMetadata } from 'hyparquet'
import { describe, expect, it } from 'vitest'
import { columnStatistics } from '../../../src/shared/columns/statistics.ts'
import type { IcebergField, IcebergSchema } from '../../../src/shared/iceberg/schema.ts'
import { describeFile } from '../../../src/shared/parquet/data-file.ts'
import { isCodecWritable, parquetCodecs } from '../../../src/shared/parquet/page-compression.ts'
import { PageEncoder, type PageEncoderOptions } from '../../../src/shared/parquet/page-encoder.ts'
import { readFooter } from '../../../src/shared/parquet/parquet-footer.ts'
import { ParquetWasmEncoder } from '../../../src/shared/parquet/parquet-wasm-encoder.ts'
import { openTableFile, readRowGroup } from '../../../src/shared/verify/table-file.ts'
import { makeBatch, type Row } from '../../support/column-maker.ts'
import { createMemoryStore } from '../../support/memory-store.ts'
import { parquetRows } from '../../support/parquet-rows.ts'
import { randomTable } from '../../support/random-table.ts'
import { EventLog, tellRow } from '../verify/value-events.ts'

const spec = { 'spec-id': 0, fields: [] }
/** zstd where this Node has it: tests/integration/node-versions.test.ts runs this file on one that does. */
const codecs = parquetCodecs.filter(isCodecWritable)
const codec = codecs[0] ?? 'uncompressed'
/** Limits that cut a small table into many row groups and pages, and let dictionaries be given up. */
const options: fc.Arbitrary<Partial<PageEncoderOptions>> = fc.record({
  codec: fc.constantFrom(...codecs),
  level: fc.constantFrom(null, 5),
  rowGroupRowsMax: fc.constantFrom(1000, 13, 1),
  rowGroupBytes: fc.constantFrom(1 << 20, 500),
  pageRows: fc.constantFrom(1000, 3, 1),
  pageBytes: fc.constantFrom(1 << 20, 64, 1),
  dictionaryBytes: fc.constantFrom(1 << 20, 40, 1),
  encodings: fc.constantFrom('delta' as const, 'basic' as const),
})
const encode = (schema: IcebergSchema, rows: readonly Row[], chosen: Partial<PageEncoderOptions> = {}) =>
  new PageEncoder({ codec, ...chosen }).encode(makeBatch(schema, rows), schema)
const schemaOf = (...fields: readonly IcebergField[]): IcebergSchema => ({ type: 'struct', 'schema-id': 0, fields })
const field = (id: number, name: string, type: IcebergField['type'], required = false): IcebergField => ({
  id,
  name,
  required,
  type,
})

describe('any schema', () => {
  it('is written so that an independent reader finds every value, and counts are those of the columns', async () => {
    await fc.assert(
      fc.asyncProperty(randomTable(), options, async ({ schema, rows, dictionaries }, chosen) => {
        const batch = makeBatch(schema, rows, dictionaries)
        const encoded = new PageEncoder(chosen).encode(batch, schema)
        expect(await parquetRows(encoded.bytes, schema)).toEqual(rows)
        describeFile({ location: 'x', batch, schema, spec, partition: [], encoded })
      }),
      { numRuns: 150 },
    )
  })

  it('is read by verify, value by value', async () => {
    await fc.assert(
      fc.asyncProperty(randomTable(), options, async ({ schema, rows, dictionaries }, chosen) => {
        const { bytes } = new PageEncoder(chosen).encode(makeBatch(schema, rows, dictionaries), schema)
        const store = createMemoryStore()
        store.files.set('file:///memory/x', bytes)
        const file = await openTableFile(store, 'file:///memory/x', schema)
        const [told, expected]: [string[][], EventLog] = [[], new EventLog()]
        for (const group of file.rowGroups.keys()) {
          const log = new EventLog()
          await readRowGroup(store, file, group, log)
          for (let row = 0; row < (file.rowGroups[group] ?? 0); row++) told.push([...(log.rows[row] ?? [])])
        }
        for (const row of rows) {
          tellRow(expected, schema.fields, row)
          expected.row++
        }
        expect(told).toEqual(Array.from(rows, (_, row) => expected.rows[row] ?? []))
      }),
      { numRuns: 80 },
    )
  })

  it('has the bounds that its columns have, and the totals that its footer has', () => {
    fc.assert(
      fc.property(randomTable(), options, ({ schema, rows, dictionaries }, chosen) => {
        const batch = makeBatch(schema, rows, dictionaries)
        const encoded = new PageEncoder(chosen).encode(batch, schema)
        const { metrics } = describeFile({ location: 'x', batch, schema, spec, partition: [], encoded })
        expect(metrics).toMatchObject(columnStatistics(batch, schema))
        const { bytes, leaves, ...told } = encoded
        expect({ ...told, leaves: leaves.map(({ bounds: _, ...leaf }) => leaf) }).toEqual(readFooter(bytes, schema))
      }),
      { numRuns: 100 },
    )
  })

  it('has the schema that parquet-wasm gives it: names, ids, physical types and annotations', () => {
    fc.assert(
      fc.property(randomTable(), ({ schema, rows }) => {
        const batch = makeBatch(schema, rows)
        const [, ...ours] = parquetMetadata(new PageEncoder({ codec }).encode(batch, schema).bytes).schema
        const [, ...theirs] = parquetMetadata(new ParquetWasmEncoder().encode(batch, schema).bytes).schema
        expect(ours).toEqual(theirs)
      }),
      { numRuns: 40 },
    )
  })

  it('is written by one encoder again and again as by a fresh one', () => {
    const encoder = new PageEncoder({ codec })
    fc.assert(
      fc.property(randomTable(), ({ schema, rows, dictionaries }) => {
        const batch = makeBatch(schema, rows, dictionaries)
        expect(encoder.encode(batch, schema).bytes).toEqual(new PageEncoder({ codec }).encode(batch, schema).bytes)
      }),
      { numRuns: 40 },
    )
  })
})

describe('sizes', () => {
  const schema = schemaOf(
    field(1, 'id', 'string', true),
    field(2, 'symbol', 'string', true),
    field(3, 'time', 'long'),
    field(4, 'tags', { type: 'list', 'element-id': 5, element: 'int', 'element-required': false }),
  )
  const rowsOf = (count: number): Row[] =>
    Array.from({ length: count }, (_, index) => ({
      id: `TRADE-${(index * 7919) % 1_000_003}`,
      symbol: ['BHP', 'RIO', 'DVN'][index % 3] ?? '',
      time: index % 5 === 4 ? null : BigInt(index) * 1_000_003n,
      tags: index % 3 === 0 ? null : [index, null],
    }))

  it('of no rows make a file without row groups, of one row one with one', async () => {
    const empty = encode(schema, [])
    expect([empty.rowCount, empty.splitOffsets, parquetMetadata(empty.bytes).row_groups]).toEqual([0, [], []])
    expect(await parquetRows(empty.bytes, schema)).toEqual([])
    expect(empty.leaves.map(({ fieldId, bytes }) => [fieldId, bytes])).toEqual([1, 2, 3, 5].map((id) => [id, 0]))
    expect(await parquetRows(encode(schema, rowsOf(1)).bytes, schema)).toEqual(rowsOf(1))
  })

  it('beyond the limit of rows make pages of that many, with and without lists', async () => {
    const { bytes } = encode(schema, rowsOf(21_000))
    expect(await parquetRows(bytes, schema)).toEqual(rowsOf(21_000))
    const chunks = parquetMetadata(bytes).row_groups[0]?.columns ?? []
    expect(chunks.map((chunk) => chunk.meta_data?.encoding_stats?.at(-1)?.count)).toEqual([2, 2, 2, 2])
  })

  it('beyond the row group size make several, of which each starts where the footer says', async () => {
    const rows = rowsOf(5000)
    const { bytes, splitOffsets } = encode(schema, rows, { rowGroupBytes: 40_000 })
    const groups = parquetMetadata(bytes).row_groups
    expect(groups.length).toBeGreaterThan(3)
    expect(groups.reduce((sum, group) => sum + Number(group.num_rows), 0)).toBe(5000)
    expect(splitOffsets).toEqual(groups.map((group) => Number(group.file_offset)))
    expect(splitOffsets[0]).toBe(4)
    expect(await parquetRows(bytes, schema)).toEqual(rows)
  })

  it('of a dictionary beyond its limit leave the whole column without one', () => {
    const chunksOf = (dictionaryBytes: number) =>
      parquetMetadata(encode(schema, rowsOf(1000), { dictionaryBytes }).bytes).row_groups[0]?.columns[1]?.meta_data
    expect(chunksOf(21)?.encoding_stats?.map((each) => each.encoding)).toEqual(['PLAIN', 'RLE_DICTIONARY'])
    expect(chunksOf(20)?.encodings).not.toContain('RLE_DICTIONARY')
    expect(chunksOf(20)?.dictionary_page_offset).toBeUndefined()
  })

  it('of bytes are those of memory of its own, which can be transferred', () => {
    const { bytes } = encode(schema, rowsOf(10))
    expect([bytes.byteOffset, bytes.buffer.byteLength]).toEqual([0, bytes.byteLength])
  })
})

describe('values', () => {
  it('at their extremes come back: 64 bits, NaN, both zeros, infinities, empty and long texts', async () => {
    const schema = schemaOf(
      field(1, 'long', 'long'),
      field(2, 'double', 'double'),
      field(3, 'text', 'string'),
      field(4, 'wide', 'decimal(38, 0)'),
      field(5, 'ns', 'timestamptz_ns'),
      field(6, 'uuid', 'uuid'),
    )
    const [least, most, wide] = [-(2n ** 63n), 2n ** 63n - 1n, 10n ** 38n - 1n]
    const rows: Row[] = [
      { long: least, double: Number.NaN, text: '', wide, ns: most, uuid: new Uint8Array(16).fill(255) },
      { long: most, double: -0, text: 'x'.repeat(100_000), wide: -wide, ns: least, uuid: new Uint8Array(16) },
      { long: 0n, double: 0, text: '\u{10ffff}'.repeat(20), wide: 0n, ns: 0n, uuid: new Uint8Array(16).fill(1) },
      { long: -1n, double: Number.NEGATIVE_INFINITY, text: null, wide: -1n, ns: -1n, uuid: null },
      { long: null, double: Number.POSITIVE_INFINITY, text: 'é', wide: null, ns: null, uuid: null },
    ]
    for (let repeat = 1; repeat <= 64; repeat *= 8) {
      const all = new Array(repeat).fill(rows).flat()
      const { bytes } = encode(schema, all)
      expect(await parquetRows(bytes, schema)).toEqual(all)
    }
    const uuid = parquetMetadata(encode(schema, rows).bytes).schema[6]
    expect(uuid).toMatchObject({ type: 'FIXED_LEN_BYTE_ARRAY', type_length: 16, logical_type: { type: 'UUID' } })
  })

  it('that are all null, or all under a null struct, come back as such', async () => {
    const inner = { type: 'struct' as const, fields: [field(2, 'a', 'int', true), field(3, 'b', 'string')] }
    const schema = schemaOf(field(1, 's', inner), field(4, 'n', 'double'))
    const rows: Row[] = Array.from({ length: 50 }, () => ({ s: null, n: null }))
    const encoded = encode(schema, rows)
    expect(await parquetRows(encoded.bytes, schema)).toEqual(rows)
    expect(encoded.leaves.map(({ nullCount, bounds }) => [nullCount, bounds])).toEqual([
      [50, null],
      [50, null],
      [50, null],
    ])
  })

  it('under a null struct are placeholders, whatever they are', async () => {
    const inner = { type: 'struct' as const, fields: [field(2, 'a', 'int', true), field(3, 'b', 'string', true)] }
    const schema = schemaOf(field(1, 's', inner))
    const rows: Row[] = Array.from({ length: 60 }, (_, index) => ({
      s: index % 2 === 0 ? null : { a: index, b: `${index}` },
    }))
    const batch = makeBatch(schema, rows)
    const struct = batch.columns[0]
    if (struct?.kind === 'struct' && struct.children[0]?.kind === 'int32') struct.children[0].values[0] = 12_345
    const { bytes, leaves } = new PageEncoder({ codec }).encode(batch, schema)
    expect(await parquetRows(bytes, schema)).toEqual(rows)
    expect(leaves[0]?.bounds).toEqual({ lower: Uint8Array.of(1, 0, 0, 0), upper: Uint8Array.of(59, 0, 0, 0) })
  })
})

describe('a footer', () => {
  const schema = schemaOf(field(1, 'a', 'int', true), field(2, 'b', 'string'))
  const rows: Row[] = Array.from({ length: 10 }, (_, index) => ({ a: index, b: `text ${index} longer than a bound` }))

  it('names the writer as parquet-java parses it, and carries the schema of the table', () => {
    const metadata = parquetMetadata(encode(schema, rows, { createdBy: 'k2 version 1.2.3' }).bytes)
    // org.apache.parquet.VersionParser.
    expect(
      /^(.*?)\s+version\s*([^(]*?)\s*(?:\(\s*build\s*([^)]*?)\s*\))?$/.exec(metadata.created_by ?? '')?.slice(1, 3),
    ).toEqual(['k2', '1.2.3'])
    const kept = metadata.key_value_metadata?.find(({ key }) => key === 'iceberg.schema')?.value
    expect(JSON.parse(kept ?? '')).toEqual(schema)
  })

  it('says how rows are sorted where it was told, and nothing otherwise', () => {
    const sortedBy = [{ leaf: 1, descending: true, nullsFirst: false }]
    const groupOf = (chosen: Partial<PageEncoderOptions>) =>
      parquetMetadata(encode(schema, rows, chosen).bytes).row_groups[0]
    expect(groupOf({ sortedBy })?.sorting_columns).toEqual([{ column_idx: 1, descending: true, nulls_first: false }])
    expect(groupOf({})?.sorting_columns).toBeUndefined()
  })

  it('says of cut bounds that they are no values', () => {
    const statistics = parquetMetadata(encode(schema, rows).bytes).row_groups[0]?.columns.map(
      (c) => c.meta_data?.statistics,
    )
    expect(statistics).toMatchObject([
      { min_value: 0, max_value: 9, is_min_value_exact: true, is_max_value_exact: true },
      {
        min_value: 'text 0 longer th',
        max_value: 'text 9 longer ti',
        is_min_value_exact: false,
        is_max_value_exact: false,
      },
    ])
  })
})
