import fc from 'fast-check'
import { parquetMetadata } from 'hyparquet'
import { deserializeTCompactProtocol } from 'hyparquet/src/thrift.js'
import { expect, it } from 'vitest'
import type { IcebergSchema } from '../../../src/shared/iceberg/schema.ts'
import { isCodecWritable, parquetCodecs } from '../../../src/shared/parquet/page-compression.ts'
import { PageEncoder } from '../../../src/shared/parquet/page-encoder.ts'
import { makeBatch, type Row } from '../../support/column-maker.ts'

const codec = parquetCodecs.filter(isCodecWritable)[0] ?? 'uncompressed'

interface Page {
  readonly firstRow: number
  readonly isNull: boolean
  readonly min: Buffer
  readonly max: Buffer
  readonly nullCount: number
  readonly valueCount: number
}
interface Chunk {
  readonly order: number
  readonly pages: readonly Page[]
}

/** The page index of each column of the only row group, by its raw Thrift; null without a column index. */
function pageIndex(bytes: Uint8Array): (Chunk | null)[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const message = (offset: number): Record<string, unknown> => deserializeTCompactProtocol({ view, offset })
  return (parquetMetadata(bytes).row_groups[0]?.columns ?? []).map((column) => {
    const locations = message(Number(column.offset_index_offset))['field_1'] as Record<string, bigint>[]
    const counts = locations.map((location, at) => {
      const header = message(Number(location['field_1']))
      const data = header['field_5'] as Record<string, number>
      const next = locations[at + 1]?.['field_1']
      // Pages follow each other without a gap.
      if (next !== undefined) expect(Number(location['field_1']) + Number(location['field_2'])).toBe(Number(next))
      return data['field_1'] ?? -1
    })
    if (column.column_index_offset === undefined) return null
    const index = message(Number(column.column_index_offset))
    const list = <T>(field: string): T[] => index[field] as T[]
    const pages = locations.map((location, at) => ({
      firstRow: Number(location['field_3']),
      isNull: list<boolean>('field_1')[at] ?? false,
      min: Buffer.from(list<Uint8Array>('field_2')[at] ?? []),
      max: Buffer.from(list<Uint8Array>('field_3')[at] ?? []),
      nullCount: Number(list<bigint>('field_5')[at]),
      valueCount: counts[at] ?? -1,
    }))
    return { order: index['field_4'] as number, pages }
  })
}

const schema: IcebergSchema = {
  type: 'struct',
  'schema-id': 0,
  fields: [
    { id: 1, name: 'number', required: false, type: 'long' },
    { id: 2, name: 'text', required: false, type: 'string' },
    {
      id: 3,
      name: 'list',
      required: false,
      type: { type: 'list', 'element-id': 4, element: 'int', 'element-required': false },
    },
  ],
}
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null, freq: 2 })
const row = fc.record({
  number: optional(fc.bigInt({ min: -300n, max: 300n })),
  text: optional(fc.string({ unit: 'grapheme', maxLength: 40 })),
  list: optional(fc.array(optional(fc.integer({ min: -9, max: 9 })), { maxLength: 3 })),
})

it('has a page for each stretch of rows, whose bounds hold every value and whose nulls are counted', () => {
  fc.assert(
    fc.property(
      fc.array(row, { minLength: 1, maxLength: 60 }),
      fc.integer({ min: 1, max: 20 }),
      fc.boolean(),
      (rows: readonly Row[], pageRows, isDictionary) => {
        const batch = makeBatch(schema, rows, new Set(isDictionary ? [2] : []))
        const [numbers, texts, lists] = pageIndex(new PageEncoder({ codec, pageRows }).encode(batch, schema).bytes)
        const starts = Array.from({ length: Math.ceil(rows.length / pageRows) }, (_, page) => page * pageRows)
        for (const chunk of [numbers, texts, lists]) expect(chunk?.pages.map((page) => page.firstRow)).toEqual(starts)
        const rowsOf = (page: Page) => rows.slice(page.firstRow, page.firstRow + pageRows)
        for (const page of numbers?.pages ?? []) {
          const values = rowsOf(page).flatMap((each) => (typeof each['number'] === 'bigint' ? [each['number']] : []))
          expect([page.nullCount, page.isNull]).toEqual([page.valueCount - values.length, values.length === 0])
          if (values.length === 0) continue
          const sorted = values.toSorted((a, b) => (a < b ? -1 : 1))
          expect([page.min.readBigInt64LE(), page.max.readBigInt64LE()]).toEqual([sorted[0], sorted.at(-1)])
        }
        for (const page of texts?.pages ?? []) {
          const values = rowsOf(page).flatMap((each) =>
            typeof each['text'] === 'string' ? [Buffer.from(each['text'])] : [],
          )
          for (const value of values) {
            expect(Buffer.compare(page.min, value)).toBeLessThanOrEqual(0)
            expect(Buffer.compare(page.max, value)).toBeGreaterThanOrEqual(0)
          }
          expect(page.isNull).toBe(values.length === 0)
        }
        for (const page of lists?.pages ?? []) {
          const entries = rowsOf(page).flatMap((each) => {
            const list = Array.isArray(each['list']) ? each['list'] : []
            return list.length === 0 ? [null] : list
          })
          expect(page.valueCount).toBe(entries.length)
          expect(page.nullCount).toBe(entries.filter((entry) => entry === null).length)
        }
      },
    ),
    { numRuns: 150 },
  )
})

it('says whether pages ascend, descend, or neither', () => {
  const orderOf = (numbers: readonly (bigint | null)[]) => {
    const rows = numbers.map((number) => ({ number, text: null, list: null }))
    return pageIndex(new PageEncoder({ codec, pageRows: 2 }).encode(makeBatch(schema, rows), schema).bytes)[0]?.order
  }
  expect(orderOf([1n, 2n, null, null, 2n, 3n])).toBe(1)
  expect(orderOf([9n, 8n, null, null, 5n, 8n])).toBe(2)
  expect(orderOf([1n, 9n, 2n, 3n])).toBe(0)
})

it('is left out for a column with a page of nothing but NaN, which has no bounds', () => {
  const doubles: IcebergSchema = { ...schema, fields: [{ id: 1, name: 'd', required: true, type: 'double' }] }
  const indexed = (values: readonly number[]) => {
    const batch = makeBatch(
      doubles,
      values.map((d) => ({ d })),
    )
    return pageIndex(new PageEncoder({ codec, pageRows: 2 }).encode(batch, doubles).bytes)[0] ?? null
  }
  expect(indexed([1, Number.NaN, Number.NaN, Number.NaN])).toBeNull()
  const mixed = indexed([0, Number.NaN, 5, -1])
  expect(mixed?.pages.map(({ min, max }) => [min.readDoubleLE(), max.readDoubleLE()])).toEqual([
    [-0, 0],
    [-1, 5],
  ])
})
