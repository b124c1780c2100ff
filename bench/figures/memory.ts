// Figure `memory`: one process that follows a topic at full speed for minutes, while the topic is fed as fast as it drains and cut off
// behind it. Its resident memory in the last quarter of the time against that of the second. Invariant: the table is verified; rows
// that the broker has deleted since count as gone from the source, all others must be equal.
import { statfsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import kafkajs from 'kafkajs'
import { type Broker, openBroker } from '../broker.ts'
import { addedRows, type SeenSnapshot, visibleOf, watchSnapshots } from '../catalog-watch.ts'
import { type BenchOptions, median, type Outcome } from '../figure.ts'
import { startK2 } from '../k2-process.ts'
import { makePlace, removePlace, verifyPlace } from '../line-run.ts'
import { type UsageSample, watchProcess } from '../process-usage.ts'
import { feedRaw } from '../raw-producer.ts'

const PARTITIONS = 8
const AHEAD_MAX = 4_000_000
const GROWTH_MAX = 1.1
/** Of table and topic for a minute, at the fastest that is expected. */
const BYTES_PER_MINUTE = 4e9
const DELETE_MS = 5000

export async function memory(options: BenchOptions): Promise<readonly Outcome[]> {
  const { minutes } = options
  const { bavail, bsize } = statfsSync(options.folder)
  const [wanted, free] = [(minutes + 1) * BYTES_PER_MINUTE, bavail * bsize]
  if (free < wanted) {
    const unmeasured = `${minutes} minutes need ${gb(wanted)} on the disk of ${options.folder}, there are ${gb(free)}`
    return [{ name: 'memory', unmeasured }]
  }
  const broker = await openBroker(options)
  const topic = `market.crypto.trades.bench-memory-${Date.now()}`
  const admin = new kafkajs.Kafka({ brokers: [broker.address], logLevel: kafkajs.logLevel.ERROR }).admin()
  await admin.connect()
  try {
    const configEntries = [
      { name: 'retention.ms', value: '-1' },
      { name: 'segment.bytes', value: String(64 * 1024 * 1024) },
      { name: 'file.delete.delay.ms', value: '1000' },
    ]
    await admin.createTopics({ topics: [{ topic, numPartitions: PARTITIONS, configEntries }], waitForLeaders: true })
    return [await watchFor(options, broker, topic, admin)]
  } finally {
    await admin.disconnect()
  }
}

const gb = (bytes: number): string => `${Math.ceil(bytes / 1e9)} GB`

async function watchFor(options: BenchOptions, broker: Broker, topic: string, admin: kafkajs.Admin): Promise<Outcome> {
  const place = makePlace(options, 'memory')
  const words = ['--brokers', broker.address, '--topic', topic, ...place.words, '--json']
  const child = startK2(options, ['run', ...words])
  const watch = watchProcess(child.pid)
  let ended = false
  const end = child.ended.finally(() => {
    ended = true
  })
  end.catch(() => undefined)
  const drained = new Drained()
  const snapshots = watchSnapshots(
    place,
    () => ended,
    (seen) => drained.add(seen),
  )
  const stop = new AbortController()
  const committed = (): number => drained.rows
  const feeding = feedRaw(broker, { topic, partitions: PARTITIONS, aheadMax: AHEAD_MAX, committed }, stop.signal)
  feeding.catch(() => undefined)
  const cutting = cutBehind(admin, topic, drained, stop.signal)
  const fromMs = Date.now()
  await Promise.race([sleep(options.minutes * 60_000), feeding, end])
  const [toMs, rows] = [Date.now(), drained.rows]
  stop.abort()
  await Promise.all([feeding, cutting]).finally(() => child.kill('SIGTERM'))
  await end
  await snapshots
  await verifyPlace(options, { verify: ['--source', broker.log, '--topic', topic] }, place)
  removePlace(place)
  return figureOf(watch.stop(), { fromMs, toMs, rows })
}

/** Rows committed, and how far each partition is. */
class Drained {
  rows = 0
  readonly next = new Map<number, number>()

  add(seen: SeenSnapshot): void {
    this.rows += addedRows(seen.snapshot)
    for (const { partition, next } of visibleOf([seen])) this.next.set(partition, next)
  }
}

/** Deletes what is committed, so that the topic does not fill the disk. */
async function cutBehind(admin: kafkajs.Admin, topic: string, { next }: Drained, stop: AbortSignal): Promise<void> {
  // kafkajs deletes only of topics that it has asked about before.
  await admin.fetchTopicOffsets(topic)
  for (let waitedMs = 0; !stop.aborted; waitedMs += 100) {
    await sleep(100)
    if (waitedMs % DELETE_MS !== 0 || next.size === 0) continue
    const partitions = [...next].map(([partition, offset]) => ({ partition, offset: String(offset) }))
    await admin.deleteTopicRecords({ topic, partitions })
  }
}

interface Stretch {
  readonly fromMs: number
  readonly toMs: number
  readonly rows: number
}

function figureOf(samples: readonly UsageSample[], { fromMs, toMs, rows }: Stretch): Outcome {
  const quarterMs = (toMs - fromMs) / 4
  const quarter = (index: number): number =>
    median(samples.filter(({ atMs }) => Math.floor((atMs - fromMs) / quarterMs) === index).map(({ rssMb }) => rssMb))
  const [value, before] = [quarter(3), quarter(1)]
  const used = samples.at(-1)
  return {
    name: 'memory',
    value,
    unit: 'MB',
    reference: { name: 'its own in the second quarter of the time', value: before, unit: 'MB' },
    ratio: before / value,
    cpuUsPerMessage: used === undefined ? null : (used.cpuMs * 1000) / rows,
    rssMb: Math.round(Math.max(0, ...samples.map(({ rssMb }) => rssMb))),
    runs: [0, 1, 2, 3].map(quarter),
    gates: [{ name: 'memory at full speed, growth', value: value / before, unit: '×', limit: GROWTH_MAX, kind: 'max' }],
    details: [
      { name: 'rows', value: rows, unit: '' },
      { name: 'rows a second', value: (rows * 1000) / (toMs - fromMs), unit: '' },
      { name: 'minutes', value: (toMs - fromMs) / 60_000, unit: '' },
    ],
    plots: [
      {
        kind: 'lines',
        title: 'Memory at full speed',
        xTitle: 's',
        yTitle: 'MB',
        x: samples.map(({ atMs }) => (atMs - fromMs) / 1000),
        lines: [{ name: 'RSS', y: samples.map(({ rssMb }) => rssMb) }],
      },
    ],
  }
}
