// Figures `first-snapshot` and `first-row-kafka`: from the start of the process to the first snapshot with rows that another reader of
// the catalog sees, from a log directory and from a broker that runs. The reference is a bare Node that starts and ends: what no
// program on it can be faster than. Invariant: each table is verified.
import { openBroker } from '../broker.ts'
import { addedRows, watchSnapshots } from '../catalog-watch.ts'
import { type BenchOptions, type Figure, median, timed } from '../figure.ts'
import { runNode, startK2 } from '../k2-process.ts'
import { type LineSource, makePlace, removePlace, verifyPlace } from '../line-run.ts'
import { PARTITIONS, topicSource } from './line-kafka.ts'
import { logSource } from './line-log-directory.ts'

const MESSAGES = 400_000
const LOG_MS_MAX = 2000
const KAFKA_MS_MAX = 1500

export const firstSnapshot = async (options: BenchOptions): Promise<readonly Figure[]> => [
  await measure(options, await logSource(options, MESSAGES), {
    figure: 'first-snapshot',
    gate: 'first snapshot',
    msMax: LOG_MS_MAX,
  }),
]

export async function firstRowKafka(options: BenchOptions): Promise<readonly Figure[]> {
  const broker = await openBroker(options)
  const source = await topicSource(options, broker, { name: 'first', messages: MESSAGES, partitions: PARTITIONS })
  const names = { figure: 'first-row-kafka', gate: 'first row from a warm broker', msMax: KAFKA_MS_MAX }
  return [await measure(options, source, names)]
}

interface Names {
  readonly figure: string
  readonly gate: string
  readonly msMax: number
}

async function measure(options: BenchOptions, source: LineSource, { figure, gate, msMax }: Names): Promise<Figure> {
  const runs: number[] = []
  const bare: number[] = []
  for (let run = -1; run < options.runs; run++) {
    const bareMs = await timed(() => runNode(['--eval', '0']))
    const ms = await runOnce(options, source)
    if (run < 0) continue
    runs.push(ms)
    bare.push(bareMs)
  }
  const value = median(runs)
  const reference = { name: 'a bare Node, started and ended', value: median(bare), unit: 'ms' }
  return {
    name: figure,
    value,
    unit: 'ms',
    reference,
    ratio: reference.value / value,
    cpuUsPerMessage: null,
    rssMb: null,
    runs,
    gates: [{ name: gate, value, unit: 'ms', limit: msMax, kind: 'max' }],
  }
}

async function runOnce(options: BenchOptions, source: LineSource): Promise<number> {
  const place = makePlace(options, 'first')
  const startMs = Date.now()
  const child = startK2(options, ['run', ...source.run, ...place.words, '--until-end', '--json'])
  let ended = false
  const isOver = (): boolean => ended
  const end = child.ended.finally(() => {
    ended = true
  })
  const [snapshots] = await Promise.all([watchSnapshots(place, isOver), end])
  const first = snapshots.find(({ snapshot }) => addedRows(snapshot) > 0)
  if (first === undefined) throw new Error('no snapshot with rows was seen')
  await verifyPlace(options, source, place)
  removePlace(place)
  return first.seenMs - startMs
}
