// Figure `peer-python`: the whole line from Kafka against the same drain by Python, whose best is librdkafka, polars' Avro reader and
// pyiceberg. Run in turn over one topic. Invariant: a reader that wrote neither table finds the same rows and sums in both.
import { join } from 'node:path'
import { openBroker } from '../broker.ts'
import { type BenchOptions, type Figure, median, type Outcome, timed } from '../figure.ts'
import { type LineRun, makePlace, removePlace, runLine } from '../line-run.ts'
import { openPython, runPeer } from '../python.ts'
import { PARTITIONS, topicSource } from './line-kafka.ts'
import { rateOf } from './line-log-directory.ts'

const RATIO_MIN = 4

/** What peers/python-drain.py prints. */
interface Drain {
  readonly messages: number
  readonly commits: number
  readonly cpu_us: number
  readonly rss_mb_max: number
  /** Of the whole process, Python's start included. */
  readonly durationMs: number
  readonly sums: unknown
}

export async function peerPython(options: BenchOptions): Promise<readonly Outcome[]> {
  const python = await openPython(options.root)
  if (python.kind === 'missing') return [{ name: 'peer-python', unmeasured: python.reason }]
  const { messages, root } = options
  const broker = await openBroker(options)
  const source = await topicSource(options, broker, { name: 'line', messages, partitions: PARTITIONS })
  const sumsOf = (catalogFile: string): Promise<unknown> => runPeer(python, root, 'table-sums.py', [catalogFile])
  const runs: LineRun[] = []
  const drains: Drain[] = []
  const drain = async (): Promise<Drain> => {
    const place = makePlace(options, 'peer')
    const where = ['--catalog', place.catalogFile, '--warehouse', place.warehouse]
    const what = ['--messages', String(messages), '--schema', join(root, 'schemas/trade_v2.avsc')]
    let result: unknown
    const durationMs = await timed(async () => {
      result = await runPeer(python, root, 'python-drain.py', [...source.run, ...what, ...where])
    })
    const sums = await sumsOf(place.catalogFile)
    removePlace(place)
    // The cast: the script belongs to this bench.
    return { ...(result as Omit<Drain, 'durationMs' | 'sums'>), durationMs, sums }
  }
  let sums: unknown = null
  for (let run = 0; run < options.runs; run++) {
    drains.push(await drain())
    const line = await runLine(options, source, async ({ catalogFile }) => {
      sums = await sumsOf(catalogFile)
    })
    runs.push(line)
    refuseUnequal(drains.at(-1)?.sums, sums)
  }
  return [figureOf(runs, drains, messages)]
}

function figureOf(runs: readonly LineRun[], drains: readonly Drain[], messages: number): Figure {
  const peer = median(drains.map(({ durationMs }) => (messages * 1000) / durationMs))
  const reference = { name: 'confluent-kafka, polars and pyiceberg per 100,000', value: peer, unit: 'msg/s' }
  const rate = rateOf(
    runs.map((run) => run.perSecond),
    reference,
  )
  return {
    name: 'peer-python',
    ...rate,
    cpuUsPerMessage: median(runs.map((run) => run.cpuUsPerMessage)),
    rssMb: Math.max(...runs.map((run) => run.rssMb)),
    gates: [{ name: 'K2 against Python with polars', value: rate.ratio, unit: '×', limit: RATIO_MIN, kind: 'min' }],
    details: [
      { name: 'CPU of the peer', value: median(drains.map((each) => each.cpu_us / messages)), unit: 'µs/msg' },
      { name: 'memory of the peer', value: Math.max(...drains.map((each) => each.rss_mb_max)), unit: 'MB' },
      { name: 'commits of the peer', value: median(drains.map((each) => each.commits)), unit: '' },
    ],
  }
}

function refuseUnequal(peer: unknown, own: unknown): void {
  const [left, right] = [JSON.stringify(peer), JSON.stringify(own)]
  if (left !== right) throw new Error(`the tables differ: the peer's holds ${left}, that of K2 ${right}`)
}
