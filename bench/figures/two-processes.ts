// Figure `two-processes`: two `k2 run` of one group drain a topic into one table, on the same cores, against one process that does it
// alone, run in turn. Invariant: each table is verified, so that no record was written by both.
import { openBroker } from '../broker.ts'
import { type BenchOptions, type Figure, median, timed } from '../figure.ts'
import { type K2End, startK2 } from '../k2-process.ts'
import { type LineRun, type LineSource, makePlace, removePlace, runLine, verifyPlace } from '../line-run.ts'
import { PARTITIONS, topicSource } from './line-kafka.ts'
import { rateOf } from './line-log-directory.ts'

const RATIO_MIN = 0.8
const PROCESSES = 2

/** What `k2 run --json` tells of itself, as far as it is used here. */
interface RunDocument {
  readonly statistics: { readonly messages_written: number }
  readonly resources: { readonly cpu_us: number; readonly rss_mb_max: number }
}

interface SharedRun {
  readonly perSecond: number
  readonly cpuUsPerMessage: number
  readonly rssMb: number
  /** Share of the messages that the less busy process wrote, 0 to 0.5. */
  readonly shareLeast: number
}

export async function twoProcesses(options: BenchOptions): Promise<readonly Figure[]> {
  const broker = await openBroker(options)
  const { messages } = options
  const source = await topicSource(options, broker, { name: 'line', messages, partitions: PARTITIONS })
  const alone: LineRun[] = []
  const shared: SharedRun[] = []
  for (let run = 0; run < options.runs; run++) {
    alone.push(await runLine(options, source))
    shared.push(await runShared(options, source))
  }
  const one = median(alone.map((run) => run.perSecond))
  const rate = rateOf(
    shared.map((run) => run.perSecond),
    { name: 'one process, run in turn', value: one, unit: 'msg/s' },
  )
  return [
    {
      name: 'two-processes',
      ...rate,
      cpuUsPerMessage: median(shared.map((run) => run.cpuUsPerMessage)),
      rssMb: Math.max(...shared.map((run) => run.rssMb)),
      gates: [{ name: 'two processes against one', value: rate.ratio, unit: '×', limit: RATIO_MIN, kind: 'min' }],
      details: [
        { name: 'written by the less busy one', value: 100 * median(shared.map((run) => run.shareLeast)), unit: '%' },
      ],
    },
  ]
}

async function runShared(options: BenchOptions, source: LineSource): Promise<SharedRun> {
  const { messages } = source
  const place = makePlace(options, 'shared')
  const words = ['run', ...source.run, ...place.words, '--until-end', '--json']
  let ends: readonly K2End[] = []
  const durationMs = await timed(async () => {
    const children = Array.from({ length: PROCESSES }, () => startK2(options, words))
    ends = await Promise.all(children.map((child) => child.ended))
  })
  // The cast: the documents are of our own program, built with this bench.
  const documents = ends.map(({ out }) => JSON.parse(out) as RunDocument)
  const written = documents.map(({ statistics }) => statistics.messages_written)
  await verifyPlace(options, source, place)
  removePlace(place)
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
  if (sum(written) !== messages) throw new Error(`${written.join(' and ')} of ${messages} messages written`)
  return {
    perSecond: (messages * 1000) / durationMs,
    cpuUsPerMessage: sum(documents.map(({ resources }) => resources.cpu_us)) / messages,
    rssMb: sum(documents.map(({ resources }) => resources.rss_mb_max)),
    shareLeast: Math.min(...written) / messages,
  }
}
