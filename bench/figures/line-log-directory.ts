// Figure `line-log-directory`: `k2 run` from a log directory to its last commit, as a user starts it, cold. Its reference is one
// thread of parquet-wasm alone encoding the same columns. Invariant: each table is verified; one that is not equal is no figure.
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type BenchOptions, type Figure, type Gate, median, timed } from '../figure.ts'
import { runK2, syntheticLog } from '../k2-process.ts'
import { parquetAlone } from '../parquet-alone.ts'
import { sampleColumns } from '../sample.ts'

const RSS_MB_MAX = 700

/** What `k2 run --json` tells of itself, as far as it is used here. */
interface RunDocument {
  readonly statistics: {
    readonly messages_written: number
    readonly steady_state: { readonly throughput_per_second: number } | null
  }
  readonly resources: { readonly cpu_us: number; readonly rss_mb_max: number }
}

interface LineRun {
  readonly perSecond: number
  readonly steadyPerSecond: number | null
  readonly cpuUsPerMessage: number
  readonly rssMb: number
}

export async function lineLogDirectory(options: BenchOptions): Promise<readonly Figure[]> {
  const log = await syntheticLog(options, options.messages, 'lz4')
  const columns = await sampleColumns(options)
  const alone = parquetAlone(columns.batch, columns.schema)
  const rowsPerSecond = async (): Promise<number> => (columns.batch.rowCount * 1000) / (await timed(alone))
  for (let warmUp = 0; warmUp < 3; warmUp++) alone()
  const runs: LineRun[] = []
  const references: number[] = []
  for (let run = 0; run < options.runs; run++) {
    for (let count = 0; count < 5; count++) references.push(await rowsPerSecond())
    runs.push(await runOnce(options, log, run))
  }
  for (let count = 0; count < 5; count++) references.push(await rowsPerSecond())
  const reference = {
    name: 'one thread of parquet-wasm alone, best run',
    value: Math.max(...references),
    unit: 'rows/s',
  }
  const rssMb = Math.max(...runs.map((run) => run.rssMb))
  const common = { unit: 'msg/s', reference, cpuUsPerMessage: median(runs.map((run) => run.cpuUsPerMessage)), rssMb }
  const figure = (name: string, values: readonly number[], gates: (ratio: number) => readonly Gate[]): Figure => {
    const value = median(values)
    const ratio = value / reference.value
    return { ...common, name, value, ratio, runs: values, gates: gates(ratio) }
  }
  const steady = runs.flatMap((run) => (run.steadyPerSecond === null ? [] : [run.steadyPerSecond]))
  const whole = figure('line-log-directory', perRun(runs), (ratio) => gatesOf(ratio, rssMb))
  return steady.length < runs.length ? [whole] : [whole, figure('line-log-directory-steady', steady, () => [])]
}

const perRun = (runs: readonly LineRun[]): readonly number[] => runs.map((run) => run.perSecond)

const gatesOf = (ratio: number, rssMb: number): readonly Gate[] => [
  { name: 'line against parquet-wasm alone', value: ratio, unit: '×', limit: 1, kind: 'min' },
  { name: 'memory of the line', value: rssMb, unit: 'MB', limit: RSS_MB_MAX, kind: 'max' },
]

async function runOnce(options: BenchOptions, log: string, run: number): Promise<LineRun> {
  const folder = join(options.folder, `line-${run}`)
  mkdirSync(folder)
  const tables = ['--catalog', `sqlite:${join(folder, 'catalog.db')}`, '--warehouse', join(folder, 'warehouse')]
  const end = await runK2(options, ['run', '--source', log, ...tables, '--until-end', '--json'])
  // The cast: the document is of our own program, built with this bench.
  const { statistics, resources } = JSON.parse(end.out) as RunDocument
  if (statistics.messages_written !== options.messages) {
    throw new Error(`${statistics.messages_written} of ${options.messages} messages written`)
  }
  const proof = await runK2(options, ['verify', '--source', log, ...tables, '--json'])
  const { verdict } = JSON.parse(proof.out) as { readonly verdict?: unknown }
  if (verdict !== 'equal') throw new Error(`k2 verify says ${String(verdict)}`)
  rmSync(folder, { recursive: true, force: true })
  return {
    perSecond: (options.messages * 1000) / end.durationMs,
    steadyPerSecond: statistics.steady_state?.throughput_per_second ?? null,
    cpuUsPerMessage: resources.cpu_us / options.messages,
    rssMb: resources.rss_mb_max,
  }
}
