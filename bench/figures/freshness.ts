// Figure `freshness`: at 20,000 messages a second, how old records are when a snapshot shows them, from the broker's append to another
// reader's sight of the catalog; and what of a core that takes. Invariant: the table is verified against the broker's segments.
import { setTimeout as sleep } from 'node:timers/promises'
import { openBroker } from '../broker.ts'
import { addedRows, type SeenSnapshot, visibleOf, watchSnapshots } from '../catalog-watch.ts'
import type { BenchOptions, Figure, Plot } from '../figure.ts'
import { type Aged, agePercentile, agesOf } from '../freshness.ts'
import { startK2 } from '../k2-process.ts'
import { makePlace, removePlace, verifyPlace } from '../line-run.ts'
import { cpuBetween, type UsageSample, watchProcess } from '../process-usage.ts'
import { type Appended, createStampedTopic, feedSteadily } from '../steady-feed.ts'

const PER_SECOND = 20_000
const PARTITIONS = 8
/** What an operator would set who wants fresh tables. */
const COMMIT_INTERVAL = '250ms'
const WARM_MS = 8_000
const SECONDS = 30
/** Share of the rate that a feed must have kept to be measured. */
const KEPT_MIN = 0.95
const P99_MS_MAX = 1000
const CORE_PERCENT_MAX = 10

interface Watched {
  readonly appended: readonly Appended[]
  readonly seen: readonly SeenSnapshot[]
  readonly samples: readonly UsageSample[]
  /** The window that counts: from when everything is warm to the end of the feed. */
  readonly fromMs: number
  readonly toMs: number
}

export async function freshness(options: BenchOptions): Promise<readonly Figure[]> {
  const broker = await openBroker(options)
  const topic = `market.crypto.trades.bench-fresh-${Date.now()}`
  const feed = { topic, partitions: PARTITIONS, perSecond: PER_SECOND }
  await createStampedTopic(broker, feed)
  const place = makePlace(options, 'fresh')
  const words = ['--brokers', broker.address, '--topic', topic, '--commit-interval', COMMIT_INTERVAL]
  const child = startK2(options, ['run', ...words, ...place.words, '--json'])
  const watch = watchProcess(child.pid)
  let ended = false
  void child.ended
    .catch(() => undefined)
    .finally(() => {
      ended = true
    })
  const snapshots = watchSnapshots(place, () => ended)
  const stopFeed = new AbortController()
  const feeding = feedSteadily(broker, feed, stopFeed.signal)
  feeding.catch(() => undefined)
  await Promise.race([sleep(WARM_MS), feeding, child.ended])
  const fromMs = Date.now()
  await Promise.race([sleep(SECONDS * 1000), feeding, child.ended])
  const toMs = Date.now()
  stopFeed.abort()
  const appended = await feeding.finally(() => child.kill('SIGTERM'))
  await child.ended
  const seen = await snapshots
  await verifyPlace(options, { verify: ['--source', broker.log, '--topic', topic] }, place)
  removePlace(place)
  return [figureOf({ appended, seen, samples: watch.stop(), fromMs, toMs })]
}

function figureOf({ appended, seen, samples, fromMs, toMs }: Watched): Figure {
  const aged = agesOf(appended, visibleOf(seen), fromMs, toMs)
  const percentile = (share: number): number => agePercentile(aged, share)
  const used = cpuBetween(samples, fromMs, toMs)
  const corePercent = used === null ? null : (100 * used.cpuMs) / used.wallMs
  const records = aged.reduce((sum, each) => sum + each.records, 0)
  const perSecond = (records * 1000) / (toMs - fromMs)
  if (perSecond < PER_SECOND * KEPT_MIN) {
    throw new Error(`the machine is too busy: ${Math.round(perSecond)} of ${PER_SECOND} messages a second were fed`)
  }
  const snapshots = seen.filter(({ seenMs, snapshot }) => seenMs >= fromMs && seenMs < toMs && addedRows(snapshot) > 0)
  return {
    name: 'freshness',
    value: percentile(0.99),
    unit: 'ms',
    reference: null,
    ratio: null,
    cpuUsPerMessage: used === null ? null : (used.cpuMs * 1000) / records,
    rssMb: Math.round(Math.max(0, ...samples.map(({ rssMb }) => rssMb))),
    runs: [percentile(0.99)],
    gates: [
      { name: 'freshness, p99', value: percentile(0.99), unit: 'ms', limit: P99_MS_MAX, kind: 'max' },
      ...(corePercent === null
        ? []
        : [
            {
              name: 'CPU of fresh tables',
              value: corePercent,
              unit: '% of a core',
              limit: CORE_PERCENT_MAX,
              kind: 'max',
            } as const,
          ]),
    ],
    details: [
      { name: 'p50', value: percentile(0.5), unit: 'ms' },
      { name: 'p90', value: percentile(0.9), unit: 'ms' },
      { name: 'p99.9', value: percentile(0.999), unit: 'ms' },
      { name: 'the oldest', value: percentile(1), unit: 'ms' },
      { name: 'messages a second', value: perSecond, unit: 'msg/s' },
      { name: 'snapshots a second', value: (snapshots.length * 1000) / (toMs - fromMs), unit: '' },
    ],
    plots: plotsOf(aged, fromMs),
  }
}

function plotsOf(aged: readonly Aged[], fromMs: number): readonly Plot[] {
  const bySecond = new Map<number, Aged[]>()
  for (const each of aged) {
    const second = Math.floor((each.appendedMs - fromMs) / 1000)
    const same = bySecond.get(second)
    if (same === undefined) bySecond.set(second, [each])
    else same.push(each)
  }
  const seconds = [...bySecond].sort(([a], [b]) => a - b)
  const line = (name: string, share: number) => ({ name, y: seconds.map(([, ages]) => agePercentile(ages, share)) })
  const shares = Array.from({ length: 101 }, (_, index) => index)
  return [
    {
      kind: 'lines',
      title: 'Freshness over time',
      xTitle: 's',
      yTitle: 'ms',
      x: seconds.map(([second]) => second),
      lines: [line('p50', 0.5), line('p99', 0.99), line('oldest', 1)],
    },
    {
      kind: 'lines',
      title: 'Freshness by percentile',
      xTitle: 'percentile',
      yTitle: 'ms',
      x: shares,
      lines: [{ name: 'age when seen', y: shares.map((share) => agePercentile(aged, share / 100)) }],
    },
  ]
}
