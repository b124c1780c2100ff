// The document of /status: what an operator asks first, for people and scripts. Pure. Invariant: no secret is in it, and 64-bit numbers
// are decimal strings. Fields may be added; those that are here keep their meaning.
import type { Config } from '../../shared/config.ts'
import type { OptionRow } from '../../shared/option-row.ts'
import { optionsOf } from '../../shared/options.ts'
import type { PartitionProgress } from './partition-progress.ts'
import { unreadyReasons } from './readiness.ts'
import type { RouteProgress } from './route-progress.ts'
import type { RunMonitor } from './run-monitor.ts'
import type { LoopDelay } from './scrape.ts'

export interface StatusParts {
  readonly version: string
  readonly startedAtMs: number
  readonly config: Config<'run'>
  readonly monitor: RunMonitor
  readonly loopDelay: LoopDelay
  readonly memory: { readonly rss: number; readonly heapUsed: number; readonly external: number }
}

export function statusDocument(parts: StatusParts): object {
  const { monitor, loopDelay, memory, startedAtMs, config } = parts
  const nowMs = monitor.clocks.wallMs()
  const health = monitor.health()
  const reasons = unreadyReasons(health)
  const { waiting = 0, running = 0 } = monitor.opened?.pool.load() ?? {}
  const routes = [...monitor.routes.values()]
  return {
    version: parts.version,
    node: process.version,
    pid: process.pid,
    started_at: new Date(startedAtMs).toISOString(),
    uptime_seconds: seconds(nowMs - startedAtMs),
    ready: reasons.length === 0,
    reasons,
    routes: routes.map((route) => routeDocument(route, nowMs)),
    encode_pool: { workers: monitor.opened?.pool.workers ?? 0, waiting, running },
    in_flight: { bytes: routes.reduce((sum, { bytes }) => sum + bytes, 0), bytes_max: config.queueBytes },
    committer: { silent_seconds: seconds(health.committerSilentMs), last_answer_ms: monitor.committerAnswerMs },
    registry: { waiting: monitor.registryWaits },
    event_loop_delay_ms: { p50: loopDelay.p50Ms, p99: loopDelay.p99Ms, max: loopDelay.maxMs },
    memory_bytes: { rss: memory.rss, heap_used: memory.heapUsed, external: memory.external },
    options: shownOptions(config),
  }
}

function routeDocument(route: RouteProgress, nowMs: number): object {
  const { oldestMs, lastCommit } = route
  const source = route.source?.health() ?? null
  return {
    table: route.name,
    topics: route.topics,
    state: route.state,
    epoch: route.assignment?.epoch ?? null,
    restarts: route.restarts,
    error: route.error,
    in_flight_bytes: route.bytes,
    oldest_uncommitted_age_seconds: oldestMs === null ? null : seconds(nowMs - oldestMs),
    is_committing: route.committingSinceMs !== null,
    last_commit:
      lastCommit === null
        ? null
        : {
            at: new Date(lastCommit.atMs).toISOString(),
            snapshot_id: lastCommit.snapshotId,
            records: lastCommit.records,
          },
    source: source === null ? null : { ...source, fetchAgeMs: Math.round(source.fetchAgeMs) },
    partitions: [...route.partitions.values()].map(partitionDocument),
  }
}

const partitionDocument = ({ topicName, partition, read, committed, logEnd, lag }: PartitionProgress): object => ({
  topic: topicName,
  partition,
  position: read.toString(),
  committed: committed.toString(),
  log_end: logEnd.toString(),
  lag: lag.toString(),
})

const seconds = (ms: number): number => Math.round(ms) / 1000

const SECRET: ReadonlySet<OptionRow['kind']> = new Set(['secret', 'registry-auth'])

/** Options by their names in the Config; what may hold a secret only says whether it is set. */
export function shownOptions(config: Config<'run'>): Readonly<Record<string, unknown>> {
  const secret = new Set(
    optionsOf('run')
      .filter((row) => SECRET.has(row.kind))
      .map((row) => row.name),
  )
  return Object.fromEntries(
    Object.entries(config).map(([name, value]) => [name, secret.has(name) && value !== null ? '(set)' : value]),
  )
}
