// Figure `line-log-directory`: `k2 run` from a log directory to its last commit, as a user starts it, cold. Its reference is one
// thread of parquet-wasm alone encoding the same columns. Invariant: each table is verified; one that is not equal is no figure.
import { type BenchOptions, type Figure, type Gate, median, type Reference, timed } from '../figure.ts'
import { logBytes, syntheticLog } from '../k2-process.ts'
import { type LineRun, type LineSource, lineDetails, linePlots, runLine } from '../line-run.ts'
import { parquetAlone } from '../parquet-alone.ts'
import { sampleColumns } from '../sample.ts'

const RSS_MB_MAX = 700

export async function lineLogDirectory(options: BenchOptions): Promise<readonly Figure[]> {
  const source = await logSource(options, options.messages)
  const columns = await sampleColumns(options)
  const alone = parquetAlone(columns.batch, columns.schema)
  const rowsPerSecond = async (): Promise<number> => (columns.batch.rowCount * 1000) / (await timed(alone))
  for (let warmUp = 0; warmUp < 3; warmUp++) alone()
  const runs: LineRun[] = []
  const references: number[] = []
  for (let run = 0; run < options.runs; run++) {
    for (let count = 0; count < 5; count++) references.push(await rowsPerSecond())
    runs.push(await runLine(options, source))
  }
  for (let count = 0; count < 5; count++) references.push(await rowsPerSecond())
  const reference = {
    name: 'one thread of parquet-wasm alone, best run',
    value: Math.max(...references),
    unit: 'rows/s',
  }
  const rssMb = Math.max(...runs.map((run) => run.rssMb))
  const cpuUsPerMessage = median(runs.map((run) => run.cpuUsPerMessage))
  const whole: Figure = {
    name: 'line-log-directory',
    ...rateOf(
      runs.map((run) => run.perSecond),
      reference,
    ),
    cpuUsPerMessage,
    rssMb,
    gates: gatesOf(median(runs.map((run) => run.perSecond)) / reference.value, rssMb),
    details: lineDetails(runs),
    plots: runs.slice(-1).flatMap((run) => linePlots(run, 'Line from a log directory')),
  }
  const steady = runs.flatMap((run) => run.steadyPerSecond ?? [])
  if (steady.length < runs.length) return [whole]
  const name = 'line-log-directory-steady'
  return [whole, { name, ...rateOf(steady, reference), cpuUsPerMessage, rssMb, gates: [] }]
}

/** A synthetic log of so many messages as the source of a run, written once in a bench. */
export async function logSource(options: BenchOptions, messages: number): Promise<LineSource> {
  const directory = await syntheticLog(options, messages, 'lz4')
  const words = ['--source', directory]
  return { run: words, verify: words, messages, broker: null, bytesPerMessage: logBytes(directory, '') / messages }
}

/** The part of a figure that speed makes. */
export function rateOf(
  runs: readonly number[],
  reference: Reference,
): Pick<Figure, 'value' | 'unit' | 'runs'> & { readonly reference: Reference; readonly ratio: number } {
  const value = median(runs)
  return { value, unit: 'msg/s', reference, ratio: value / reference.value, runs }
}

const gatesOf = (ratio: number, rssMb: number): readonly Gate[] => [
  { name: 'line against parquet-wasm alone', value: ratio, unit: '×', limit: 1, kind: 'min' },
  { name: 'memory of the line from a log directory', value: rssMb, unit: 'MB', limit: RSS_MB_MAX, kind: 'max' },
]
