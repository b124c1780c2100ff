// The lines of a run, one a route, and those of topics that appear while it goes on. Main thread.
// Invariant: a route has one line at a time; a line that gets another topic is drained before it begins anew.
import { setTimeout as sleep } from 'node:timers/promises'
import { IngestError, toFailure } from '../../shared/errors.ts'
import type { Route } from './routes.ts'

export interface RouteLines {
  readonly topics: readonly string[]
  /** Errors: ROUTE_MISSING. */
  readonly plan: (topics: readonly string[]) => readonly Route[]
  /** Runs a line until it ends or the signal aborts. */
  readonly run: (route: Route, begun: Begun) => Promise<void>
  /** The topics there are now; null: they stay what they are. */
  readonly look: (() => Promise<readonly string[]>) | null
  readonly lookMs?: number
  readonly notice: (fields: Readonly<Record<string, string | number>>) => void
  readonly stop: AbortSignal
}

export interface Begun {
  readonly stop: AbortSignal
  /** Lines that run, this one included. */
  readonly count: number
  /** For a topic that appeared while others were read: it is read from its beginning. */
  readonly isLater: boolean
}

interface Line {
  readonly route: Route
  readonly stop: AbortController
  readonly ended: Promise<void>
}

const LOOK_MS = 10_000

/** Runs until every line has ended. Errors: the first one of a line, after the other lines have ended; those of the first plan. */
export async function runLines(lines: RouteLines): Promise<void> {
  const running = new Map<string, Line>()
  const errors: unknown[] = []
  const begin = (route: Route, isLater: boolean, count: number): void => {
    const stop = new AbortController()
    const ended = lines
      .run(route, { stop: AbortSignal.any([lines.stop, stop.signal]), count, isLater })
      .catch((error: unknown) => void errors.push(error))
      .finally(() => running.delete(route.name))
    running.set(route.name, { route, stop, ended })
  }
  const routes = lines.plan(lines.topics)
  for (const route of routes) begin(route, false, routes.length)
  if (lines.look !== null) await follow(lines, lines.look, running, (route) => begin(route, true, running.size + 1))
  while (running.size > 0) await Promise.all([...running.values()].map((line) => line.ended))
  if (errors.length > 0) throw errors[0]
}

async function follow(
  lines: RouteLines,
  look: () => Promise<readonly string[]>,
  running: ReadonlyMap<string, Line>,
  begin: (route: Route) => void,
): Promise<void> {
  const known = new Set(lines.topics)
  const refused = new Set<string>()
  while (running.size > 0 && !lines.stop.aborted) {
    const over = Promise.all([...running.values()].map((line) => line.ended))
    await Promise.race([over, sleep(lines.lookMs ?? LOOK_MS, undefined, { signal: lines.stop }).catch(() => undefined)])
    if (running.size === 0 || lines.stop.aborted) return
    // That brokers are away is told by those who read from them.
    const found = await look().catch(() => [])
    for (const topic of found.filter((each) => !known.has(each) && !refused.has(each)).sort()) {
      const route = routeWith(lines, [...known, topic], topic)
      if (route === null) {
        refused.add(topic)
        continue
      }
      known.add(topic)
      lines.notice({ event: 'a topic has appeared', topic, table: route.name })
      const line = running.get(route.name)
      line?.stop.abort()
      await line?.ended
      begin(route)
    }
  }
}

/** The route that a new topic belongs to; null where it has none, which is told and ends nothing. */
function routeWith(lines: RouteLines, topics: readonly string[], topic: string): Route | null {
  try {
    return lines.plan(topics).find((route) => route.topics.includes(topic)) ?? null
  } catch (error) {
    if (!(error instanceof IngestError)) throw error
    lines.notice({ event: 'a topic has appeared and is left alone', topic, reason: toFailure(error).code })
    return null
  }
}
