// Figure `many-partitions`: the whole line from a topic of 1,000 partitions in one process, against as many messages in 8 partitions,
// run in turn. Invariant: each table is verified.
import { openBroker } from '../broker.ts'
import { type BenchOptions, type Figure, median } from '../figure.ts'
import { type LineRun, lineDetails, linePlots, runLine } from '../line-run.ts'
import { PARTITIONS, topicSource } from './line-kafka.ts'
import { rateOf } from './line-log-directory.ts'

const MANY = 1000
const RSS_MB_MAX = 600

export async function manyPartitions(options: BenchOptions): Promise<readonly Figure[]> {
  const broker = await openBroker(options)
  const { messages } = options
  const few = await topicSource(options, broker, { name: 'line', messages, partitions: PARTITIONS })
  const many = await topicSource(options, broker, { name: 'many', messages, partitions: MANY })
  const runs: LineRun[] = []
  const references: LineRun[] = []
  for (let run = 0; run < options.runs; run++) {
    references.push(await runLine(options, few))
    runs.push(await runLine(options, many))
  }
  const value = median(references.map((run) => run.perSecond))
  const rssMb = Math.max(...runs.map((run) => run.rssMb))
  return [
    {
      name: 'many-partitions',
      ...rateOf(
        runs.map((run) => run.perSecond),
        { name: `as many messages in ${PARTITIONS} partitions`, value, unit: 'msg/s' },
      ),
      cpuUsPerMessage: median(runs.map((run) => run.cpuUsPerMessage)),
      rssMb,
      gates: [{ name: 'memory with 1,000 partitions', value: rssMb, unit: 'MB', limit: RSS_MB_MAX, kind: 'max' }],
      details: lineDetails(runs),
      plots: runs.slice(-1).flatMap((run) => linePlots(run, 'Line from 1,000 partitions')),
    },
  ]
}
