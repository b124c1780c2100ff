import fc from 'fast-check'
import { parquetMetadata } from 'hyparquet'
import { describe, expect, it } from 'vitest'
import { selectRows } from '../../../src/shared/columns/row-selection.ts'
import { fromFailure, toFailure } from '../../../src/shared/errors.ts'
import type { IcebergSchema } from '../../../src/shared/iceberg/schema.ts'
import { describeFile } from '../../../src/shared/parquet/data-file.ts'
import { ParquetWasmEncoder } from '../../../src/shared/parquet/parquet-wasm-encoder.ts'
import { makeBatch, type Row } from '../../support/column-maker.ts'
import { parquetRows } from '../../support/parquet-rows.ts'
import { randomTable } from '../../support/random-table.ts'

const spec = { 'spec-id': 0, fields: [] }

const trades: IcebergSchema = {
  type: 'struct',
  'schema-id': 0,
  fields: [
    { id: 11, name: 'id', required: true, type: 'string' },
    { id: 12, name: 'symbol', required: true, type: 'string' },
    { id: 13, name: 'time', required: false, type: 'timestamptz' },
    { id: 14, name: 'price', required: false, type: 'decimal(18, 8)' },
    {
      id: 15,
      name: 'tags',
      required: false,
      type: {
        type: 'map',
        'key-id': 16,
        key: 'string',
        'value-id': 17,
        value: { type: 'list', 'element-id': 18, element: 'int', 'element-required': false },
        'value-required': true,
      },
    },
  ],
}
const tradeRows = (count: number): Row[] =>
  Array.from({ length: count }, (_, index) => ({
    id: `TRADE-${100_000 + index}`,
    symbol: ['BHP', 'RIO', 'DVN'][index % 3] ?? '',
    time: index % 5 === 4 ? null : 1_394_000_000_000_000n + BigInt(index * 1000),
    price: BigInt(3_612_000_000 + (index % 17) * 1_000_000),
    tags: index % 2 === 0 ? null : new Map([['venue', [1, null, index]]]),
  }))

describe('parquet-wasm encoder', () => {
  it('writes any schema so that an independent reader finds every value, and footer counts equal to the statistics', async () => {
    await fc.assert(
      fc.asyncProperty(randomTable(), async ({ schema, rows, dictionaries }) => {
        const batch = makeBatch(schema, rows, dictionaries)
        const encoded = new ParquetWasmEncoder().encode(batch, schema)
        expect(await parquetRows(encoded.bytes, schema)).toEqual(rows)
        describeFile({ location: 'x', batch, schema, spec, partition: [], encoded })
      }),
      { numRuns: 150 },
    )
  })

  it('writes selected rows as it writes the batch: the files of all groups hold the union', async () => {
    await fc.assert(
      fc.asyncProperty(randomTable(), fc.integer({ min: 1, max: 5 }), async ({ schema, rows, dictionaries }, count) => {
        const batch = makeBatch(schema, rows, dictionaries)
        const numbers = rows.map((_, row) => row)
        for (let group = 0; group < count; group++) {
          const chosen = numbers.filter((row) => row % count === group)
          const { bytes } = new ParquetWasmEncoder().encode(selectRows(batch, Int32Array.from(chosen)), schema)
          expect(await parquetRows(bytes, schema)).toEqual(chosen.map((row) => rows[row]))
        }
      }),
      { numRuns: 60 },
    )
  })

  it('writes the same rows with the basic encodings, and then only plain and dictionary pages', async () => {
    const batch = makeBatch(trades, tradeRows(5000), new Set([12]))
    const { bytes } = new ParquetWasmEncoder({ encodings: 'basic' }).encode(batch, trades)
    expect(await parquetRows(bytes, trades)).toEqual(tradeRows(5000))
    const used = parquetMetadata(bytes).row_groups.flatMap(({ columns }) =>
      columns.flatMap((c) => c.meta_data?.encodings ?? []),
    )
    expect([...new Set(used)].sort()).toEqual(['PLAIN', 'RLE', 'RLE_DICTIONARY'])
    const delta = new ParquetWasmEncoder().encode(batch, trades)
    const { encodings } = parquetMetadata(delta.bytes).row_groups[0]?.columns[0]?.meta_data ?? {}
    expect(encodings).toContain('DELTA_BYTE_ARRAY')
  })

  it('compresses every file with zstd, the second as the first: properties are not reused', () => {
    const encoder = new ParquetWasmEncoder()
    const batch = makeBatch(trades, tradeRows(1000))
    const sizes = [1, 2, 3].map(() => {
      const { bytes } = encoder.encode(batch, trades)
      const codecs = parquetMetadata(bytes).row_groups[0]?.columns.map((column) => column.meta_data?.codec)
      expect(new Set(codecs)).toEqual(new Set(['ZSTD']))
      return bytes.byteLength
    })
    expect(new Set(sizes).size).toBe(1)
  })

  it('gives bytes in memory of their own, which can be transferred', () => {
    const { bytes } = new ParquetWasmEncoder().encode(makeBatch(trades, tradeRows(10)), trades)
    expect(bytes.byteOffset).toBe(0)
    expect(bytes.buffer.byteLength).toBe(bytes.byteLength)
  })

  it('reports sizes per leaf and the start of each row group as the footer has them', async () => {
    const batch = makeBatch(trades, tradeRows(2500))
    const encoded = new ParquetWasmEncoder({ rowGroupRowsMax: 1000 }).encode(batch, trades)
    expect(await parquetRows(encoded.bytes, trades)).toEqual(tradeRows(2500))
    const groups = parquetMetadata(encoded.bytes).row_groups
    expect(groups.map((group) => group.num_rows)).toEqual([1000n, 1000n, 500n])
    expect(encoded.splitOffsets).toHaveLength(3)
    expect(encoded.splitOffsets[0]).toBe(4)
    expect(encoded.splitOffsets).toEqual(groups.map(({ columns }) => Number(columns[0]?.meta_data?.data_page_offset)))
    expect(encoded.leaves.map((leaf) => leaf.fieldId)).toEqual([11, 12, 13, 14, 16, 18])
    const pages = encoded.leaves.reduce((sum, leaf) => sum + leaf.bytes, 0)
    expect(pages).toBe(groups.reduce((sum, group) => sum + Number(group.total_compressed_size), 0))
    describeFile({ location: 'x', batch, schema: trades, spec, partition: [], encoded })
  })

  it('writes field ids at every level and the names that the Parquet spec gives to lists and maps', () => {
    const { bytes } = new ParquetWasmEncoder().encode(makeBatch(trades, tradeRows(10)), trades)
    const tree = parquetMetadata(bytes).schema.map(({ name, field_id }) => [name, field_id ?? null])
    expect(tree.slice(1)).toEqual([
      ['id', 11],
      ['symbol', 12],
      ['time', 13],
      ['price', 14],
      ['tags', 15],
      ['key_value', null],
      ['key', 16],
      ['value', 17],
      ['list', null],
      ['element', 18],
    ])
  })

  it('fails with PARQUET for a text that is not UTF-8 and stays usable', async () => {
    const batch = makeBatch(trades, tradeRows(10))
    const column = batch.columns[0]
    if (column?.kind === 'bytes') column.bytes[3] = 0xff
    const encoder = new ParquetWasmEncoder()
    const failure = catchFailure(() => encoder.encode(batch, trades))
    expect(failure.code).toBe('PARQUET')
    expect(failure.context).toEqual({ panic: false })
    const { bytes } = encoder.encode(makeBatch(trades, tradeRows(3)), trades)
    expect(await parquetRows(bytes, trades)).toEqual(tradeRows(3))
  })
})

function catchFailure(call: () => unknown): { code: string; context: object } {
  try {
    call()
  } catch (error) {
    return fromFailure(toFailure(error))
  }
  throw new Error('nothing was thrown')
}
