// The HTTP of one run: its metrics, its monitor and its pages, from before the first connection is made until after the last commit.
// Main thread. Invariant: without --http nothing of this exists, and what a run does never depends on it.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Config } from '../../shared/config.ts'
import type { Tell } from '../ingest/ingest-facts.ts'
import { type HttpServer, jsonPage, listen, type Page } from './http-server.ts'
import { Metrics } from './metrics.ts'
import { isAlive, unreadyReasons } from './readiness.ts'
import { RunMonitor } from './run-monitor.ts'
import { type LoopDelay, scrape } from './scrape.ts'
import { statusDocument } from './status.ts'

export interface RunService {
  readonly url: string
  readonly tell: Tell
  /** /readyz says so from here on. */
  stopping(): void
  close(): Promise<void>
}

const PING_MS = 2_000
const LOG_ENDS_MS = 5_000
const LOOP_WINDOW_MS = 10_000
const LOOP_RESOLUTION_MS = 20

/** Errors: HTTP_NOT_LISTENING. */
export async function openRunService(
  config: Config<'run'>,
  http: NonNullable<Config<'run'>['http']>,
  version: string,
): Promise<RunService> {
  const metrics = new Metrics(config.metricSeriesMax)
  const clocks = { wallMs: () => Date.now(), monotonicMs: () => performance.now() }
  const monitor = new RunMonitor(metrics, clocks)
  const startedAtMs = clocks.wallMs()
  metrics.set('k2_build_info', { version, node: process.version }, 1)
  metrics.set('k2_start_time_seconds', {}, startedAtMs / 1000)
  const loop = watchLoop()
  const timers = [every(PING_MS, () => ping(monitor)), every(LOG_ENDS_MS, () => lookAtEnds(monitor))]
  const stop = (): void => {
    loop.close()
    timers.forEach(clearInterval)
  }
  const memory = () => process.memoryUsage()
  const pages = {
    '/healthz': () => health(monitor),
    '/readyz': () => readiness(monitor),
    '/status': () =>
      jsonPage(
        200,
        statusDocument({ version, startedAtMs, config, monitor, loopDelay: loop.delay(), memory: memory() }),
      ),
    '/metrics': async () => {
      scrape({ metrics, monitor, queueBytesMax: config.queueBytes, loopDelay: loop.delay() })
      return { status: 200, type: metrics.contentType, body: await metrics.text() }
    },
  }
  let server: HttpServer
  try {
    server = await listen(http, pages)
  } catch (error) {
    stop()
    throw error
  }
  return {
    url: server.url,
    tell: monitor.tell,
    stopping: () => {
      monitor.isStopping = true
    },
    close: async () => {
      stop()
      await server.close()
    },
  }
}

function health(monitor: RunMonitor): Page {
  const run = monitor.health()
  return jsonPage(isAlive(run) ? 200 : 503, {
    alive: isAlive(run),
    committer_silent_ms: Math.round(run.committerSilentMs),
  })
}

function readiness(monitor: RunMonitor): Page {
  const reasons = unreadyReasons(monitor.health())
  return jsonPage(reasons.length === 0 ? 200 : 503, { ready: reasons.length === 0, reasons })
}

function every(ms: number, run: () => void | Promise<void>): NodeJS.Timeout {
  return setInterval(() => void run(), ms).unref()
}

/** One question at a time: how long it goes unanswered is what counts. */
async function ping(monitor: RunMonitor): Promise<void> {
  const { opened, clocks } = monitor
  if (opened === null || monitor.committerAskedMs !== null) return
  const askedMs = clocks.monotonicMs()
  monitor.committerAskedMs = askedMs
  // A thread that died or was closed ends the run, or is its end.
  await opened.committer.ping().catch(() => undefined)
  monitor.committerAskedMs = null
  monitor.committerAnswerMs = clocks.monotonicMs() - askedMs
}

const looking = new WeakSet<object>()

/** While a line waits nothing is fetched, and the lag would seem to stand still. */
async function lookAtEnds(monitor: RunMonitor): Promise<void> {
  for (const route of monitor.routes.values()) {
    const { assignment } = route
    if (assignment === null || looking.has(assignment)) continue
    looking.add(assignment)
    assignment
      .logEnds()
      .then((ends) => {
        if (route.assignment === assignment) route.ends(ends)
      })
      // That brokers are away is told by those who read from them.
      .catch(() => undefined)
      .finally(() => looking.delete(assignment))
  }
}

/** Delay of this thread's event loop, in windows, so that it does not matter who asks how often. */
function watchLoop(): { delay(): LoopDelay; close(): void } {
  const histogram = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS })
  histogram.enable()
  let last: LoopDelay = { p50Ms: 0, p99Ms: 0, maxMs: 0 }
  const timer = every(LOOP_WINDOW_MS, () => {
    // What is measured is the length of a timer's sleep: its own resolution is not delay.
    const delay = (ns: number): number => Math.max(0, Math.round(ns / 1e4) / 100 - LOOP_RESOLUTION_MS)
    last = {
      p50Ms: delay(histogram.percentile(50)),
      p99Ms: delay(histogram.percentile(99)),
      maxMs: delay(histogram.max),
    }
    histogram.reset()
  })
  return {
    delay: () => last,
    close: () => {
      clearInterval(timer)
      histogram.disable()
    },
  }
}
