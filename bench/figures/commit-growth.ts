// Figure `commit-growth`: what a commit costs in a young table and after thousands of snapshots, by the real committer: manifests
// merged, snapshots expired, their files listed for deletion on the way. Beside each stretch the disk is timed by files of a fixed
// size, so that a busy disk is not taken for growth. Invariant: a stretch ends drained: nothing of its upkeep is left for the next.
import { mkdirSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { DataFile } from '../../src/shared/iceberg/data-file.ts'
import { openSqlCatalog } from '../../src/shared/iceberg/sql-catalog.ts'
import { pathOfLocation } from '../../src/shared/store/file-location.ts'
import { openFolderStore } from '../../src/shared/store/folder-store.ts'
import { type Committer, createCommitter } from '../../src/workers/committer.ts'
import { type BenchOptions, median, type Outcome, rssMbMax, timed } from '../figure.ts'
import { commitOne, routeSpec, sampleFile, writeSynced } from './commit.ts'

/** Snapshots before each stretch; the last one with `--long`. */
const MARKS = [10, 100, 1_000]
const LONG_MARK = 10_000
const LONG_MESSAGES = 10_000_000
/** Commits of a stretch: a merge of manifests falls into each. */
const STRETCH = 100
/** As large as the files of a commit to a young table. */
const PROBE_BYTES = 8_000
const PROBES = 60
const GROWTH_MAX = 1.3
const METADATA_BYTES_MAX = 1_000_000

interface Stretch {
  readonly snapshots: number
  readonly commitMs: number
  readonly cpuMs: number
  readonly probeMs: number
  readonly metadataBytes: number
  readonly metadataFiles: number
}

export async function commitGrowth(options: BenchOptions): Promise<readonly Outcome[]> {
  const folder = join(options.folder, 'commit-growth')
  mkdirSync(folder, { recursive: true })
  const store = openFolderStore(join(folder, 'warehouse'))
  const committer = createCommitter({ catalog: openSqlCatalog({ file: join(folder, 'catalog.db'), store }), store })
  const tables = await committer.open(routeSpec(options, folder))
  const file = await sampleFile(options, tables)
  const metadataFolder = (pathOfLocation(tables.main.dataLocation) ?? '').replace(/data$/, 'metadata')
  const marks = options.messages >= LONG_MESSAGES ? [...MARKS, LONG_MARK] : MARKS
  const stretches: Stretch[] = []
  let count = 0
  const commits = async (until: number): Promise<void> => {
    for (; count < until; count++) await commitOne(committer, named(file, tables.main.dataLocation, count), count)
    await committer.drain()
  }
  for (const snapshots of marks) {
    await commits(snapshots)
    stretches.push(await measure(committer, { snapshots, folder, metadataFolder, run: () => commits(count + STRETCH) }))
  }
  await committer.close()
  return [figureOf(stretches)]
}

const named = (file: DataFile, location: string, index: number): DataFile => ({
  ...file,
  location: `${location}/${index}.parquet`,
})

async function measure(
  committer: Committer,
  stretch: { snapshots: number; folder: string; metadataFolder: string; run: () => Promise<void> },
): Promise<Stretch> {
  const { snapshots, folder, metadataFolder } = stretch
  const probes: number[] = []
  const probe = async (): Promise<void> => {
    for (let index = 0; index < PROBES; index++) {
      probes.push(await timed(() => writeSynced(join(folder, `probe-${snapshots}-${probes.length}`), PROBE_BYTES)))
    }
  }
  await probe()
  const before = process.cpuUsage()
  const totalMs = await timed(stretch.run)
  const { user, system } = process.cpuUsage(before)
  await committer.drain()
  await probe()
  const names = readdirSync(metadataFolder)
  const newest =
    names
      .filter((name) => name.endsWith('.metadata.json'))
      .toSorted()
      .at(-1) ?? ''
  return {
    snapshots,
    commitMs: totalMs / STRETCH,
    cpuMs: (user + system) / 1000 / STRETCH,
    probeMs: median(probes),
    metadataBytes: statSync(join(metadataFolder, newest)).size,
    metadataFiles: names.length,
  }
}

function figureOf(stretches: readonly Stretch[]): Outcome {
  const [first, last] = [stretches[0], stretches.at(-1)]
  if (first === undefined || last === undefined) throw new Error('no stretch was measured')
  // A disk that is slower by now makes a commit slower by as much.
  const growth = last.commitMs / last.probeMs / (first.commitMs / first.probeMs)
  const metadataBytes = Math.max(...stretches.map((each) => each.metadataBytes))
  return {
    name: 'commit-growth',
    value: last.commitMs,
    unit: 'ms',
    reference: { name: `the same at snapshot ${first.snapshots}`, value: first.commitMs, unit: 'ms' },
    ratio: 1 / growth,
    cpuUsPerMessage: null,
    rssMb: rssMbMax(),
    runs: stretches.map((each) => each.commitMs),
    gates: [
      {
        name: `a commit at snapshot ${last.snapshots} against one at ${first.snapshots}`,
        value: growth,
        unit: '×',
        limit: GROWTH_MAX,
        kind: 'max',
      },
      { name: 'metadata.json', value: metadataBytes / 1e6, unit: 'MB', limit: METADATA_BYTES_MAX / 1e6, kind: 'max' },
    ],
    details: stretches.flatMap(({ snapshots, commitMs, cpuMs, probeMs, metadataFiles, metadataBytes: bytes }) => [
      { name: `commit at snapshot ${snapshots}`, value: commitMs, unit: 'ms' },
      { name: `its CPU at snapshot ${snapshots}`, value: cpuMs, unit: 'ms' },
      { name: `a file fsynced, at snapshot ${snapshots}`, value: probeMs, unit: 'ms' },
      { name: `metadata.json at snapshot ${snapshots}`, value: bytes / 1e6, unit: 'MB' },
      { name: `files beside it at snapshot ${snapshots}`, value: metadataFiles, unit: '' },
    ]),
  }
}
