// Gauges, set when somebody asks: what changes by itself is never pushed. Main thread. Invariant: a partition that this process no
// longer reads has no series any more.

import { routeStates, unreadyReasons as unreadyWords } from './metric-table.ts'
import type { GaugeName, Metrics, Sample } from './metrics.ts'
import type { PartitionProgress } from './partition-progress.ts'
import { SOURCE_SILENT_MS, unreadyReasons } from './readiness.ts'
import type { RunMonitor } from './run-monitor.ts'

export interface LoopDelay {
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

export interface Scraped {
  readonly metrics: Metrics
  readonly monitor: RunMonitor
  readonly queueBytesMax: number
  readonly loopDelay: LoopDelay
}

/** Brings every gauge up to date. */
export function scrape({ metrics, monitor, queueBytesMax, loopDelay }: Scraped): void {
  const routes = [...monitor.routes.values()]
  const health = monitor.health()
  const reasons = new Set(unreadyReasons(health).map(({ reason }) => reason))
  metrics.set('k2_ready', {}, reasons.size === 0 ? 1 : 0)
  for (const reason of unreadyWords) metrics.set('k2_not_ready', { reason }, reasons.has(reason) ? 1 : 0)
  for (const state of routeStates) {
    metrics.set('k2_routes', { state }, routes.filter((route) => route.state === state).length)
  }
  metrics.set('k2_event_loop_delay_seconds', { quantile: '0.5' }, loopDelay.p50Ms / 1000)
  metrics.set('k2_event_loop_delay_seconds', { quantile: '0.99' }, loopDelay.p99Ms / 1000)
  metrics.set('k2_event_loop_delay_seconds', { quantile: '1' }, loopDelay.maxMs / 1000)
  const answerMs = Math.max(monitor.committerAnswerMs, health.committerSilentMs)
  metrics.set('k2_committer_answer_seconds', {}, answerMs / 1000)
  metrics.set('k2_registry_waiting', {}, monitor.registryWaits)
  metrics.set('k2_in_flight_limit_bytes', {}, queueBytesMax)
  metrics.set(
    'k2_in_flight_bytes',
    {},
    routes.reduce((sum, { bytes }) => sum + bytes, 0),
  )
  const { waiting = 0, running = 0 } = monitor.opened?.pool.load() ?? {}
  metrics.set('k2_encode_workers', {}, monitor.opened?.pool.workers ?? 0)
  metrics.set('k2_encode_queue_chunks', {}, waiting)
  metrics.set('k2_encode_running_chunks', {}, running)
  scrapePartitions(metrics, monitor)
  scrapeRoutes(metrics, monitor)
  scrapeSources(metrics, monitor)
}

type PartitionGauge = 'k2_read_offset' | 'k2_committed_offset' | 'k2_log_end_offset' | 'k2_lag_records'

function scrapePartitions(metrics: Metrics, { routes }: RunMonitor): void {
  const all = [...routes.values()].flatMap((route) =>
    [...route.partitions.values()].map((partition) => ({ table: route.name, partition })),
  )
  const replace = <N extends PartitionGauge>(
    name: N,
    value: (partition: PartitionProgress) => bigint,
    beyond: 'sum' | 'drop',
  ): void => {
    const samples = all.map(({ table, partition }): Sample<PartitionGauge> => {
      const { topicName: topic, partition: number } = partition
      return { labels: { table, topic, partition: String(number) }, value: Number(value(partition)) }
    })
    metrics.replace<PartitionGauge>(name, samples, beyond)
  }
  // A sum of offsets means nothing; one of lags is the lag of the rest.
  replace('k2_read_offset', ({ read }) => read, 'drop')
  replace('k2_committed_offset', ({ committed }) => committed, 'drop')
  replace('k2_log_end_offset', ({ logEnd }) => logEnd, 'drop')
  replace('k2_lag_records', ({ lag }) => lag, 'sum')
}

type TableGauge = Extract<
  GaugeName,
  | 'k2_assigned_partitions'
  | 'k2_oldest_uncommitted_age_seconds'
  | 'k2_last_commit_timestamp_seconds'
  | 'k2_source_connected'
  | 'k2_source_fetch_age_seconds'
  | 'k2_source_epoch'
  | 'k2_source_queue_bytes'
  | 'k2_source_queue_limit_bytes'
>

function scrapeRoutes(metrics: Metrics, { routes, clocks }: RunMonitor): void {
  const nowMs = clocks.wallMs()
  const all = [...routes.values()]
  const replace = (name: TableGauge, value: (route: (typeof all)[number]) => number): void =>
    metrics.replace<TableGauge>(
      name,
      all.map((route) => ({ labels: { table: route.name }, value: value(route) })),
    )
  replace('k2_assigned_partitions', ({ partitions }) => partitions.size)
  replace('k2_oldest_uncommitted_age_seconds', ({ oldestMs }) =>
    oldestMs === null ? 0 : Math.max(0, nowMs - oldestMs) / 1000,
  )
  replace('k2_last_commit_timestamp_seconds', ({ lastCommit }) => (lastCommit?.atMs ?? 0) / 1000)
}

function scrapeSources(metrics: Metrics, { routes }: RunMonitor): void {
  const all = [...routes.values()].flatMap(({ name, source }) => {
    const health = source?.health() ?? null
    return health === null ? [] : [{ labels: { table: name }, health }]
  })
  const of = (value: (health: (typeof all)[number]['health']) => number) =>
    all.map(({ labels, health }) => ({ labels, value: value(health) }))
  const isConnected = (each: (typeof all)[number]['health']): boolean =>
    each.isAssigned && each.fetchAgeMs < SOURCE_SILENT_MS
  metrics.replace(
    'k2_source_connected',
    of((each) => (isConnected(each) ? 1 : 0)),
  )
  metrics.replace(
    'k2_source_fetch_age_seconds',
    of(({ fetchAgeMs }) => fetchAgeMs / 1000),
  )
  metrics.replace(
    'k2_source_epoch',
    of(({ epoch }) => epoch),
  )
  metrics.replace(
    'k2_source_queue_bytes',
    of(({ queueBytes }) => queueBytes),
  )
  metrics.replace(
    'k2_source_queue_limit_bytes',
    of(({ queueBytesMax }) => queueBytesMax),
  )
  metrics.replaceCounter(
    'k2_source_assignments_total',
    of(({ assignments }) => assignments),
  )
  metrics.replaceCounter(
    'k2_source_rebalances_total',
    of(({ rebalances }) => rebalances),
  )
  metrics.replaceCounter(
    'k2_source_evictions_total',
    of(({ evictions }) => evictions),
  )
  metrics.replaceCounter(
    'k2_source_member_deaths_total',
    of(({ deaths }) => deaths),
  )
}
