// One run of the whole line as a user starts it: `k2 run --until-end` as a process, watched, then `k2 verify`. Invariant: a run whose
// table is not equal to its source, or that moved other than the messages asked for, is no run.
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { openSqlCatalog } from '../src/shared/iceberg/sql-catalog.ts'
import { openFolderStore } from '../src/shared/store/folder-store.ts'
import { type BenchOptions, type Detail, median, type Plot } from './figure.ts'
import { runK2, startK2 } from './k2-process.ts'
import { cpuUsOf, type UsageSample, watchProcess } from './process-usage.ts'

export const TABLE = { namespace: ['market_data'], name: 'trades_v2' }

/** What `k2 run --json` tells of itself, as far as it is used here. */
interface RunDocument {
  readonly statistics: {
    readonly messages_written: number
    readonly steady_state: { readonly throughput_per_second: number } | null
  }
  readonly batches: readonly { readonly commitMs: number }[]
  readonly stages_ms: Readonly<Record<string, number>>
  readonly data_files: number
  readonly resources: { readonly cpu_us: number; readonly rss_mb_max: number }
}

export interface LineSource {
  /** Options of `k2 run`. */
  readonly run: readonly string[]
  /** Options of `k2 verify`. */
  readonly verify: readonly string[]
  readonly messages: number
  /** Pid of a broker on the same cores. */
  readonly broker: number | null
  /** What the source keeps for a message, compressed. */
  readonly bytesPerMessage: number
}

/** Rows that a snapshot added, and when. */
export interface SeenCommit {
  readonly atMs: number
  readonly rows: number
  readonly bytes: number
  readonly files: number
}

export interface LineRun {
  /** From the start of the process to its end. */
  readonly perSecond: number
  /** From the first commit to the last. */
  readonly steadyPerSecond: number | null
  readonly cpuUsPerMessage: number
  /** Of the thread that reads and coordinates, start included; null without /proc. */
  readonly mainCpuUsPerMessage: number | null
  readonly brokerCpuUsPerMessage: number | null
  readonly rssMb: number
  /** Since 1970. */
  readonly startMs: number
  readonly commits: readonly SeenCommit[]
  readonly commitMs: readonly number[]
  /** µs a message of each stage, wall time in the workers. */
  readonly stagesUs: Readonly<Record<string, number>>
  readonly samples: readonly UsageSample[]
}

/** Where one run keeps its tables. */
export interface RunPlace {
  readonly folder: string
  readonly catalogFile: string
  readonly warehouse: string
  /** --catalog and --warehouse. */
  readonly words: readonly string[]
}

export function makePlace(options: Pick<BenchOptions, 'folder'>, name: string): RunPlace {
  const folder = join(options.folder, name)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder)
  const [catalogFile, warehouse] = [join(folder, 'catalog.db'), join(folder, 'warehouse')]
  return { folder, catalogFile, warehouse, words: ['--catalog', `sqlite:${catalogFile}`, '--warehouse', warehouse] }
}

export const removePlace = ({ folder }: RunPlace): void => rmSync(folder, { recursive: true, force: true })

/** `keep` is called on the verified table before it is removed. */
export async function runLine(
  options: BenchOptions,
  source: LineSource,
  keep?: (place: RunPlace) => Promise<void>,
): Promise<LineRun> {
  const { messages, broker } = source
  const place = makePlace(options, 'line')
  const brokerBefore = broker === null ? null : cpuUsOf(broker)
  const startMs = Date.now()
  const child = startK2(options, ['run', ...source.run, ...place.words, '--until-end', '--json'])
  const watch = watchProcess(child.pid)
  const end = await child.ended.finally(() => watch.stop())
  const samples = watch.stop()
  const brokerAfter = broker === null ? null : cpuUsOf(broker)
  // The cast: the document is of our own program, built with this bench.
  const { statistics, batches, stages_ms, resources } = JSON.parse(end.out) as RunDocument
  if (statistics.messages_written !== messages) {
    throw new Error(`${statistics.messages_written} of ${messages} messages written`)
  }
  await verifyPlace(options, source, place)
  const commits = await commitsOf(place)
  await keep?.(place)
  removePlace(place)
  const mainCpuMs = samples.at(-1)?.mainCpuMs
  return {
    perSecond: (messages * 1000) / end.durationMs,
    steadyPerSecond: statistics.steady_state?.throughput_per_second ?? null,
    cpuUsPerMessage: resources.cpu_us / messages,
    mainCpuUsPerMessage: mainCpuMs === undefined ? null : (mainCpuMs * 1000) / messages,
    brokerCpuUsPerMessage:
      brokerBefore === null || brokerAfter === null ? null : (brokerAfter - brokerBefore) / messages,
    rssMb: resources.rss_mb_max,
    startMs,
    commits,
    commitMs: batches.map((batch) => batch.commitMs),
    stagesUs: Object.fromEntries(Object.entries(stages_ms).map(([name, ms]) => [name, (ms * 1000) / messages])),
    samples,
  }
}

/** Errors: the verdict, where it is another than `equal`. */
export async function verifyPlace(
  options: BenchOptions,
  { verify }: Pick<LineSource, 'verify'>,
  { words }: RunPlace,
): Promise<void> {
  const proof = await runK2(options, ['verify', ...verify, ...words, '--json'])
  const { verdict } = JSON.parse(proof.out) as { readonly verdict?: unknown }
  if (verdict !== 'equal') throw new Error(`k2 verify says ${String(verdict)}`)
}

/** Snapshots with rows, oldest first: what other readers of the catalog saw, not what the run says of itself. */
export async function commitsOf({ catalogFile, warehouse }: RunPlace): Promise<readonly SeenCommit[]> {
  const catalog = openSqlCatalog({ file: catalogFile, store: openFolderStore(warehouse) })
  try {
    const snapshots = (await catalog.loadTable(TABLE))?.metadata.snapshots ?? []
    return snapshots
      .map((snapshot) => ({
        atMs: snapshot['timestamp-ms'],
        rows: Number(snapshot.summary['added-records'] ?? 0),
        bytes: Number(snapshot.summary['added-files-size'] ?? 0),
        files: Number(snapshot.summary['added-data-files'] ?? 0),
      }))
      .filter(({ rows }) => rows > 0)
      .sort((a, b) => a.atMs - b.atMs)
  } finally {
    await catalog.close()
  }
}

/** What the runs of a line say beside their speed: medians. */
export function lineDetails(runs: readonly LineRun[]): readonly Detail[] {
  const middle = (name: string, unit: string, of: (run: LineRun) => number | null): readonly Detail[] => {
    const values = runs.flatMap((run) => of(run) ?? [])
    return values.length < runs.length ? [] : [{ name, value: median(values), unit }]
  }
  return [
    ...middle('CPU of the main thread', 'µs/msg', (run) => run.mainCpuUsPerMessage),
    ...middle('CPU of the broker', 'µs/msg', (run) => run.brokerCpuUsPerMessage),
    ...middle('commits', '', (run) => run.commits.length),
    ...middle('a commit, median', 'ms', (run) => (run.commitMs.length === 0 ? null : median(run.commitMs))),
    ...middle('bytes in the table', 'B/msg', bytesPerRow),
    ...middle('data files', '', (run) => sum(run.commits.map(({ files }) => files))),
  ]
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)

const bytesPerRow = ({ commits }: LineRun): number | null =>
  commits.length === 0 ? null : sum(commits.map(({ bytes }) => bytes)) / sum(commits.map(({ rows }) => rows))

/** Of the last run: rows over time, memory, latency of commits, CPU by stage. */
export function linePlots(run: LineRun, title: string): readonly Plot[] {
  const seconds = (atMs: number): number => (atMs - run.startMs) / 1000
  const { commits, samples, commitMs } = run
  let rows = 0
  const committed = commits.map((commit) => {
    rows += commit.rows
    return rows / 1e6
  })
  return [
    {
      kind: 'lines',
      title: `${title}: rows in the table`,
      xTitle: 's',
      yTitle: 'million rows',
      x: [0, ...commits.map(({ atMs }) => seconds(atMs))],
      lines: [{ name: 'committed', y: [0, ...committed] }],
    },
    {
      kind: 'lines',
      title: `${title}: throughput`,
      xTitle: 's',
      yTitle: 'million rows/s',
      x: commits.map(({ atMs }) => seconds(atMs)),
      lines: [{ name: 'since the commit before', y: ratesOf(run) }],
    },
    ...cpuPlots(samples, seconds, title),
    {
      kind: 'lines',
      title: `${title}: commit latency`,
      xTitle: 'commit',
      yTitle: 'ms',
      x: commitMs.map((_, index) => index + 1),
      lines: [{ name: 'commit', y: commitMs }],
    },
    { kind: 'bars', title: `${title}: time by stage`, unit: 'µs/msg', bars: stageBars(run) },
  ]
}

/** Million rows a second from one commit to the next; the first counts from the start of the process. */
const ratesOf = ({ commits, startMs }: LineRun): readonly number[] =>
  commits.map(({ atMs, rows }, index) => rows / 1000 / Math.max(1, atMs - (commits[index - 1]?.atMs ?? startMs)))

function cpuPlots(samples: readonly UsageSample[], seconds: (atMs: number) => number, title: string): readonly Plot[] {
  const x = samples.slice(1).map(({ atMs }) => seconds(atMs))
  const coresOf = (of: (sample: UsageSample) => number): readonly number[] =>
    samples.slice(1).map((sample, index) => {
      const before = samples[index] ?? sample
      return (of(sample) - of(before)) / Math.max(1, sample.atMs - before.atMs)
    })
  return [
    {
      kind: 'lines',
      title: `${title}: cores in use`,
      xTitle: 's',
      yTitle: 'cores',
      x,
      lines: [
        { name: 'all threads', y: coresOf(({ cpuMs }) => cpuMs) },
        { name: 'main thread', y: coresOf(({ mainCpuMs }) => mainCpuMs) },
      ],
    },
    {
      kind: 'lines',
      title: `${title}: resident memory`,
      xTitle: 's',
      yTitle: 'MB',
      x,
      lines: [{ name: 'RSS', y: samples.slice(1).map(({ rssMb }) => rssMb) }],
    },
  ]
}

function stageBars(run: LineRun): readonly { readonly name: string; readonly value: number }[] {
  const stages = Object.entries(run.stagesUs).map(([name, value]) => ({ name: name.replace(/Ms$/, ''), value }))
  const main = run.mainCpuUsPerMessage === null ? [] : [{ name: 'main thread (CPU)', value: run.mainCpuUsPerMessage }]
  const broker = run.brokerCpuUsPerMessage === null ? [] : [{ name: 'broker (CPU)', value: run.brokerCpuUsPerMessage }]
  return [...stages, ...main, ...broker]
}
