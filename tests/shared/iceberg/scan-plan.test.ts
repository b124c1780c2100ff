// Pruning against the rows themselves, and what planning reads.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { planScan, type ScanPlan } from '../../../src/shared/iceberg/scan-plan.ts'
import { bindPredicates, type Predicate } from '../../../src/shared/iceberg/scan-predicate.ts'
import { createMemoryStore } from '../../support/memory-store.ts'
import {
  type ScanFile,
  type ScanRow,
  satisfies,
  scanFiles,
  scanPredicate,
  scanSchema,
  writeScanTable,
} from './scan-world.ts'

interface Planned {
  readonly plan: ScanPlan
  readonly reads: readonly string[]
}

async function planOf(files: readonly ScanFile[], wanted: readonly (readonly Predicate[])[]): Promise<Planned> {
  const store = createMemoryStore()
  const { metadata, snapshot } = await writeScanTable(store, files)
  const reads: string[] = []
  const counted = {
    ...store,
    read: (location: string) => {
      reads.push(location)
      return store.read(location)
    },
  }
  const plan = await planScan({
    store: counted,
    metadata,
    point: { snapshot, schema: scanSchema },
    wanted: wanted.map((predicates) => bindPredicates(predicates, scanSchema)),
  })
  return { plan, reads: reads.filter((location) => location.includes('/m-')) }
}

const isWanted = (rows: readonly ScanRow[], wanted: readonly (readonly Predicate[])[]): boolean =>
  wanted.some((predicates) => rows.some((row) => predicates.every((predicate) => satisfies(row, predicate))))

describe('pruning', () => {
  test('keeps every file with a row that is wanted, whatever the table and the conditions', async () => {
    let [kept, left, wantedFiles] = [0, 0, 0]
    await fc.assert(
      fc.asyncProperty(
        scanFiles,
        fc.array(fc.array(scanPredicate, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 2 }),
        async (files, wanted) => {
          const { plan } = await planOf(files, wanted)
          const found = new Set(plan.files.map(({ location }) => location))
          const needed = files.flatMap(({ rows }, index) => (isWanted(rows, wanted) ? [String(index)] : []))
          expect(needed.filter((location) => !found.has(location))).toEqual([])
          kept += found.size
          left += files.length - found.size
          wantedFiles += needed.length
        },
      ),
      { numRuns: 150 },
    )
    // It leaves out most of what could be left out: a plan that keeps everything would pass the check above.
    expect(left).toBeGreaterThan((kept + left - wantedFiles) * 0.6)
  })

  test('of a file of one row per condition is exact but for text that was cut', async () => {
    await fc.assert(
      fc.asyncProperty(scanFiles, scanPredicate, async (files, predicate) => {
        const single = files.map((file) => ({ ...file, silent: [], textMax: 16, rows: file.rows.slice(0, 1) }))
        const { plan } = await planOf(single, [[predicate]])
        fc.pre(bindPredicates([predicate], scanSchema).length === 1)
        // A lone NaN has no bounds; text never takes a bound for its value.
        fc.pre(predicate.column !== 'x' && (predicate.kind !== 'compare' || predicate.operator !== '!='))
        const needed = single.flatMap(({ rows }, index) => (isWanted(rows, [[predicate]]) ? [String(index)] : []))
        expect(plan.files.map(({ location }) => location).toSorted()).toEqual(needed.toSorted())
      }),
      { numRuns: 60 },
    )
  })
})

const at = (text: string): bigint => BigInt(Date.parse(text)) * 1000n
const dayFile = (text: string, manifest: number, n: bigint): ScanFile => ({
  specId: 1,
  manifest,
  rows: [[n, 'BHP', null, null, at(text), null, null, null]],
  silent: [],
  textMax: 16,
})

describe('planning', () => {
  const files = [
    dayFile('2014-03-10T10:00:00Z', 0, 1n),
    dayFile('2014-03-11T10:00:00Z', 1, 2n),
    dayFile('2014-03-12T10:00:00Z', 2, 3n),
    dayFile('2014-03-12T20:00:00Z', 2, 4n),
  ]
  const time = (operator: '>=' | '<', text: string): Predicate => ({
    kind: 'compare',
    column: 'T',
    operator,
    literal: { kind: 'text', text },
  })

  test('reads only the manifests whose partitions may hold rows, and counts them', async () => {
    const { plan, reads } = await planOf(files, [[time('>=', '2014-03-12'), time('<', '2014-03-12 12:00')]])
    expect(plan.files.map(({ location }) => location)).toEqual(['2'])
    expect(plan.counts).toEqual({ manifests: 3, manifestsRead: 1, files: 4, filesKept: 1 })
    expect(reads).toHaveLength(1)
  })

  test('does not read the day that a range ends at', async () => {
    const { plan } = await planOf(files, [[time('>=', '2014-03-10'), time('<', '2014-03-11')]])
    expect(plan.counts).toMatchObject({ manifestsRead: 1, filesKept: 1 })
  })

  test('reads what any place in the query wants, everything without a condition, and nothing where nothing is wanted', async () => {
    const first: Predicate = { kind: 'in', column: 'n', literals: [{ kind: 'number', unscaled: 1n, scale: 0 }] }
    const either = await planOf(files, [[first], [time('>=', '2014-03-12 18:00:00')]])
    expect(either.plan.files.map(({ location }) => location)).toEqual(['0', '3'])
    expect((await planOf(files, [[first], []])).plan.counts.filesKept).toBe(4)
    expect((await planOf(files, [])).plan.counts).toMatchObject({ manifestsRead: 0, filesKept: 0 })
  })

  test('of a table without a snapshot reads nothing', async () => {
    const store = createMemoryStore()
    const { metadata } = await writeScanTable(store, files)
    const plan = await planScan({ store, metadata, point: { snapshot: null, schema: scanSchema }, wanted: [[]] })
    expect(plan.files).toEqual([])
  })
})
