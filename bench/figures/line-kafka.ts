// Figure `line-kafka`: `k2 run` from a real broker on the same cores to its last commit, cold. Its reference is the line from a log
// directory of as many messages, run in turn with it. Invariant: each table is verified against the broker's own segments.
import { type Broker, openBroker, syntheticTopic, type Topic } from '../broker.ts'
import { type BenchOptions, type Figure, type Gate, median } from '../figure.ts'
import { logBytes } from '../k2-process.ts'
import { type LineRun, type LineSource, lineDetails, linePlots, runLine } from '../line-run.ts'
import { logSource, rateOf } from './line-log-directory.ts'

export const PARTITIONS = 8
const OF_LOG_DIRECTORY_MIN = 0.8
const CPU_US_MAX = 1.6
const MAIN_CPU_US_MAX = 0.4
const RSS_MB_MAX = 600

export async function lineKafka(options: BenchOptions): Promise<readonly Figure[]> {
  const { messages } = options
  const broker = await openBroker(options)
  const source = await topicSource(options, broker, { name: 'line', messages, partitions: PARTITIONS })
  const log = await logSource(options, messages)
  const runs: LineRun[] = []
  const fromLog: LineRun[] = []
  for (let run = 0; run < options.runs; run++) {
    fromLog.push(await runLine(options, log))
    runs.push(await runLine(options, source))
  }
  const reference = (of: (run: LineRun) => number | null, name: string) => ({
    name,
    value: median(fromLog.flatMap((run) => of(run) ?? [])),
    unit: 'msg/s',
  })
  const rate = rateOf(
    runs.map((run) => run.perSecond),
    reference((run) => run.perSecond, 'the line from a log directory, run in turn'),
  )
  const cpuUsPerMessage = median(runs.map((run) => run.cpuUsPerMessage))
  const rssMb = Math.max(...runs.map((run) => run.rssMb))
  const whole: Figure = {
    name: 'line-kafka',
    ...rate,
    cpuUsPerMessage,
    rssMb,
    gates: gatesOf(runs, rate.ratio),
    details: [...lineDetails(runs), { name: 'bytes at the broker', value: source.bytesPerMessage, unit: 'B/msg' }],
    plots: runs.slice(-1).flatMap((run) => linePlots(run, 'Line from Kafka')),
  }
  const steady = runs.flatMap((run) => run.steadyPerSecond ?? [])
  const steadyReference = reference((run) => run.steadyPerSecond, 'the same, steady')
  if (steady.length < runs.length || Number.isNaN(steadyReference.value)) return [whole]
  return [whole, { name: 'line-kafka-steady', ...rateOf(steady, steadyReference), cpuUsPerMessage, rssMb, gates: [] }]
}

/** A topic of synthetic trades as the source of a run, fed once in a bench. */
export async function topicSource(options: BenchOptions, broker: Broker, topic: Topic): Promise<LineSource> {
  const name = await syntheticTopic(options, broker, topic)
  return {
    run: ['--brokers', broker.address, '--topic', name],
    verify: ['--source', broker.log, '--topic', name],
    messages: topic.messages,
    broker: broker.pid,
    bytesPerMessage: logBytes(broker.log, `${name}-`) / topic.messages,
  }
}

function gatesOf(runs: readonly LineRun[], ratio: number): readonly Gate[] {
  const main = runs.flatMap((run) => run.mainCpuUsPerMessage ?? [])
  const most = (name: string, value: number, unit: string, limit: number): Gate => ({
    ...{ name, value, unit, limit },
    kind: 'max',
  })
  return [
    { name: 'Kafka against a log directory', value: ratio, unit: '×', limit: OF_LOG_DIRECTORY_MIN, kind: 'min' },
    most('CPU of the line from Kafka', median(runs.map((run) => run.cpuUsPerMessage)), 'µs/msg', CPU_US_MAX),
    most('memory of the line from Kafka', Math.max(...runs.map((run) => run.rssMb)), 'MB', RSS_MB_MAX),
    ...(main.length < runs.length
      ? []
      : [most('main thread of the line from Kafka', median(main), 'µs/msg', MAIN_CPU_US_MAX)]),
  ]
}
