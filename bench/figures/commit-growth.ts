// Figure `commit-growth`: what a commit costs after thousands of snapshots, by the real committer: manifests merged, snapshots expired,
// their files listed for deletion on the way. Beside each stretch of the old table a young one is committed to, in turn, so that
// whatever else the machine does meets both. Invariant: a block ends drained: nothing of its upkeep falls into the next.
import { mkdirSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { DataFile } from '../../src/shared/iceberg/data-file.ts'
import { openSqlCatalog } from '../../src/shared/iceberg/sql-catalog.ts'
import { pathOfLocation } from '../../src/shared/store/file-location.ts'
import { openFolderStore } from '../../src/shared/store/folder-store.ts'
import { type Committer, createCommitter } from '../../src/workers/committer.ts'
import { type BenchOptions, type Outcome, rssMbMax, timed } from '../figure.ts'
import { commitOne, routeSpec, sampleFile } from './commit.ts'

/** Snapshots before each stretch; the last one with `--long`. */
const MARKS = [100, 1_000]
const LONG_MARK = 10_000
const LONG_MESSAGES = 10_000_000
/** Snapshots of the young table. */
const YOUNG = 10
/**
 * Commits after a mark that are told apart: the merge of a whole tier, of 10,000 files at snapshot 10,000, comes once in as many
 * commits, and would otherwise count as if it came in each stretch.
 */
const TIER_COMMITS = 20
/** A stretch of both tables, cut into blocks in turn: a merge of manifests falls into it. */
const BLOCKS = 10
const BLOCK_COMMITS = 10
const GROWTH_MAX = 1.3
const METADATA_BYTES_MAX = 1_000_000

interface Cost {
  ms: number
  cpuMs: number
}

interface Stretch {
  readonly snapshots: number
  readonly old: Cost
  readonly young: Cost
  /** Of the commits among which the merge of a tier is, all together. */
  readonly tierMs: number
  readonly metadataBytes: number
  readonly metadataFiles: number
}

/** A table that is committed to. */
interface Table {
  readonly committer: Committer
  readonly metadataFolder: string
  /** Commits until there are so many, and drains. */
  readonly commits: (until: number) => Promise<void>
  readonly count: () => number
}

export async function commitGrowth(options: BenchOptions): Promise<readonly Outcome[]> {
  const old = await openTable(options, 'commit-growth')
  const marks = options.messages >= LONG_MESSAGES ? [...MARKS, LONG_MARK] : MARKS
  const stretches: Stretch[] = []
  for (const snapshots of marks) {
    await old.commits(snapshots)
    const tierMs = await timed(() => old.commits(snapshots + TIER_COMMITS))
    const young = await openTable(options, `commit-growth-${snapshots}`)
    await young.commits(YOUNG)
    stretches.push({ ...(await measure(old, young)), snapshots, tierMs })
    await young.committer.close()
  }
  await old.committer.close()
  return [figureOf(stretches)]
}

async function openTable(options: BenchOptions, name: string): Promise<Table> {
  const folder = join(options.folder, name)
  mkdirSync(folder, { recursive: true })
  const store = openFolderStore(join(folder, 'warehouse'))
  const committer = createCommitter({ catalog: openSqlCatalog({ file: join(folder, 'catalog.db'), store }), store })
  const tables = await committer.open(routeSpec(options, folder))
  const file = await sampleFile(options, tables)
  const location = tables.main.dataLocation
  let count = 0
  return {
    committer,
    metadataFolder: (pathOfLocation(location) ?? '').replace(/data$/, 'metadata'),
    commits: async (until) => {
      for (; count < until; count++) await commitOne(committer, named(file, location, count), count)
      await committer.drain()
    },
    count: () => count,
  }
}

const named = (file: DataFile, location: string, index: number): DataFile => ({
  ...file,
  location: `${location}/${index}.parquet`,
})

async function measure(old: Table, young: Table): Promise<Omit<Stretch, 'snapshots' | 'tierMs'>> {
  const costs = { old: { ms: 0, cpuMs: 0 }, young: { ms: 0, cpuMs: 0 } }
  for (let block = 0; block < BLOCKS; block++) {
    await addBlock(costs.old, old)
    await addBlock(costs.young, young)
  }
  const names = readdirSync(old.metadataFolder)
  const newest =
    names
      .filter((name) => name.endsWith('.metadata.json'))
      .toSorted()
      .at(-1) ?? ''
  return {
    ...costs,
    metadataBytes: statSync(join(old.metadataFolder, newest)).size,
    metadataFiles: names.length,
  }
}

async function addBlock(cost: Cost, table: Table): Promise<void> {
  const before = process.cpuUsage()
  cost.ms += (await timed(() => table.commits(table.count() + BLOCK_COMMITS))) / BLOCKS / BLOCK_COMMITS
  const { user, system } = process.cpuUsage(before)
  cost.cpuMs += (user + system) / 1000 / BLOCKS / BLOCK_COMMITS
}

function figureOf(stretches: readonly Stretch[]): Outcome {
  const last = stretches.at(-1)
  if (last === undefined) throw new Error('no stretch was measured')
  const growth = last.old.ms / last.young.ms
  const metadataBytes = Math.max(...stretches.map((each) => each.metadataBytes))
  return {
    name: 'commit-growth',
    value: last.old.ms,
    unit: 'ms',
    reference: { name: `a table of ${YOUNG} snapshots, in turn`, value: last.young.ms, unit: 'ms' },
    ratio: 1 / growth,
    cpuUsPerMessage: null,
    rssMb: rssMbMax(),
    runs: stretches.map(({ old }) => old.ms),
    gates: [
      {
        name: `a commit at snapshot ${last.snapshots} against one at ${YOUNG}`,
        value: growth,
        unit: '×',
        limit: GROWTH_MAX,
        kind: 'max',
      },
      { name: 'metadata.json', value: metadataBytes / 1e6, unit: 'MB', limit: METADATA_BYTES_MAX / 1e6, kind: 'max' },
    ],
    details: stretches.flatMap(({ snapshots, old, young, tierMs, metadataFiles, metadataBytes: bytes }) => [
      { name: `commit at snapshot ${snapshots}`, value: old.ms, unit: 'ms' },
      { name: `beside it at snapshot ${YOUNG}`, value: young.ms, unit: 'ms' },
      { name: `its CPU against that at ${YOUNG}`, value: old.cpuMs / young.cpuMs, unit: '×' },
      {
        name: `the ${TIER_COMMITS} commits from snapshot ${snapshots} on, merge of a tier included`,
        value: tierMs,
        unit: 'ms',
      },
      { name: `metadata.json at snapshot ${snapshots}`, value: bytes / 1e6, unit: 'MB' },
      { name: `files of metadata at snapshot ${snapshots}`, value: metadataFiles, unit: '' },
    ]),
  }
}
