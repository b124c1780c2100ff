// The footers of both encoders as pyarrow sees them: the fields and types that Iceberg wants, page indexes, and the same counts and
// bounds from one encoder as from the other.
import { mkdtempSync, rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { leafFields } from '../../src/shared/columns/nested-fields.ts'
import { PageEncoder } from '../../src/shared/parquet/page-encoder.ts'
import type { ParquetEncoder } from '../../src/shared/parquet/parquet-encoder.ts'
import { ParquetWasmEncoder } from '../../src/shared/parquet/parquet-wasm-encoder.ts'
import {
  batchOf,
  type ConformanceTable,
  conformanceTable,
  everyTypeTable,
  nestedTable,
} from '../shared/parquet/conformance-table.ts'
import { expectedFields, expectedLeaf } from '../support/readers/iceberg-facts.ts'
import {
  type ChunkFacts,
  type FooterFacts,
  type OutsideReaders,
  startOutsideReaders,
} from '../support/readers/outside-readers.ts'

const folder = mkdtempSync(join(tmpdir(), 'k2-parquet-footers-'))
let outside: OutsideReaders
beforeAll(async () => {
  outside = await startOutsideReaders()
}, 300_000)
afterAll(async () => {
  await outside.end()
  rmSync(folder, { recursive: true, force: true })
})

async function factsOf(encoder: ParquetEncoder, table: ConformanceTable): Promise<FooterFacts> {
  const path = join(folder, `${process.hrtime.bigint()}.parquet`)
  await writeFile(path, encoder.encode(batchOf(table), table.schema).bytes)
  return outside.facts(path)
}
const pages = (): ParquetEncoder => new PageEncoder({ codec: 'lz4' })

/** What parquet-wasm does otherwise: Arrow has no uuid, and arrow-rs stores a decimal of one digit in 64 bits. Readers take both. */
const wasmTypes = new Map([
  ['uuid', { ...expectedLeaf('uuid'), logical: { Type: 'None' } }],
  ['decimal(1, 0)', { ...expectedLeaf('decimal(1, 0)'), physical: 'INT64' }],
  ['decimal(1, 1)', { ...expectedLeaf('decimal(1, 1)'), physical: 'INT64' }],
])

const encoders: ReadonlyArray<readonly [string, () => ParquetEncoder, ReadonlyMap<string, object>]> = [
  ['parquet-wasm', () => new ParquetWasmEncoder(), wasmTypes],
  ['the page writer', pages, new Map()],
]

describe.each(encoders)('a footer of %s', (_, make, others) => {
  test.each([
    ['flat', everyTypeTable(20)],
    ['nested', nestedTable(20)],
  ])('gives the fields, ids and types that Iceberg wants: %s', async (_name, table) => {
    const facts = await factsOf(make(), table)
    expect(facts.fields).toEqual(expectedFields(table.schema))
    const wanted = leafFields(table.schema).map(({ type }) => others.get(String(type)) ?? expectedLeaf(String(type)))
    expect(facts.leaves).toMatchObject(wanted)
    expect(facts.createdBy).toMatch(/^k2 /)
    expect(facts.rows).toBe(20)
  })

  test('has both page indexes of every flat column', async () => {
    const { rowGroups } = await factsOf(make(), everyTypeTable(50))
    for (const { chunks } of rowGroups) for (const { indexes } of chunks) expect(indexes).toEqual([true, true])
  })
})

test('a sorted batch is said to be sorted, and no other is', async () => {
  const table = nestedTable(20)
  const sorted = new PageEncoder({ codec: 'lz4', sortedBy: [{ leaf: 0, descending: false, nullsFirst: true }] })
  const said = (facts: FooterFacts) => facts.rowGroups.map(({ sorting }) => sorting)
  expect(said(await factsOf(sorted, table))).toEqual([[[0, false, true]]])
  expect(said(await factsOf(pages(), table))).toEqual([[]])
})

describe('one encoder and the other', () => {
  /** Bounds of text may be cut, at different lengths, and NaN may keep one encoder from giving any: then there is nothing to compare. */
  const comparable = (one: ChunkFacts, other: ChunkFacts, physical: string) =>
    [one, other].map(({ values, nulls, bounds }) => ({
      values,
      nulls,
      bounds: one.bounds === null || other.bounds === null || physical === 'BYTE_ARRAY' ? null : bounds,
    }))

  test('say the same of any table: paths, types, levels, ids, counts and bounds', async () => {
    await fc.assert(
      fc.asyncProperty(conformanceTable(3, 100), async (table) => {
        const [wasm, own] = [await factsOf(new ParquetWasmEncoder(), table), await factsOf(pages(), table)]
        expect(own.fields).toEqual(wasm.fields)
        const types = leafFields(table.schema).map(({ type }) => String(type))
        const alike = (facts: FooterFacts) => facts.leaves.filter((_, at) => !wasmTypes.has(types[at] ?? ''))
        expect(alike(own)).toEqual(alike(wasm))
        expect(own.leaves.map(({ path, levels }) => [path, levels])).toEqual(
          wasm.leaves.map(({ path, levels }) => [path, levels]),
        )
        wasm.rowGroups.forEach(({ rows, chunks }, group) => {
          expect(own.rowGroups[group]?.rows).toBe(rows)
          chunks.forEach((chunk, leaf) => {
            const other = own.rowGroups[group]?.chunks[leaf]
            if (other === undefined) throw new Error(`no leaf ${leaf}`)
            const [left, right] = comparable(chunk, other, wasm.leaves[leaf]?.physical ?? '')
            expect(right).toEqual(left)
          })
        })
      }),
      { numRuns: 60 },
    )
  }, 120_000)
})
