// Whether a run is ready, and alive, from what is known of it. Pure. Invariant: not ready always has a reason that names what a person
// looks at; waiting for others (brokers, registry, catalog) makes a run unready, never dead, since a restart would not help.
import type { SourceHealth } from '../ingest/record-source.ts'
import type { RouteState, UnreadyReason } from './metric-table.ts'
import type { Trouble } from './route-progress.ts'

export interface RouteHealth {
  readonly name: string
  readonly state: RouteState
  readonly source: SourceHealth | null
  readonly commitTrouble: Trouble | null
  readonly committingSinceMs: number | null
  readonly storeTrouble: Trouble | null
  readonly error: string | null
  /** Why topics of it are held. */
  readonly held: readonly string[]
}

export interface RunHealth {
  /** Monotonic ms. */
  readonly nowMs: number
  readonly isStopping: boolean
  /** Whether the lines have begun. */
  readonly isBegun: boolean
  /** Ms that the commit thread has not answered; 0: it has. */
  readonly committerSilentMs: number
  readonly registryTrouble: Trouble | null
  readonly routes: readonly RouteHealth[]
}

export interface Unready {
  readonly reason: UnreadyReason
  readonly table?: string
  readonly detail: string
}

/** Kafka answers a fetch within 100 ms, also with nothing; a rolling restart of brokers takes seconds. */
export const SOURCE_SILENT_MS = 15_000
/** A commit takes milliseconds; one that takes this long hangs, whatever it says. */
export const COMMIT_MS_MAX = 60_000
/** The commit thread waits for a lock of the catalog without answering: 5 s at a time. */
export const COMMITTER_SILENT_MS = 15_000
/** Then it hangs, and only another process helps. */
export const COMMITTER_DEAD_MS = 120_000

/** Empty: ready. */
export function unreadyReasons(run: RunHealth): readonly Unready[] {
  const reasons: Unready[] = []
  if (run.isStopping) reasons.push({ reason: 'stopping', detail: 'what was read is committed, then the run ends' })
  if (run.registryTrouble !== null) {
    const { why, sinceMs } = run.registryTrouble
    reasons.push({ reason: 'registry-down', detail: `for ${seconds(run.nowMs - sinceMs)}: ${why}` })
  }
  if (run.committerSilentMs > COMMITTER_SILENT_MS) {
    reasons.push({ reason: 'committer-silent', detail: `the commit thread: ${seconds(run.committerSilentMs)}` })
  }
  if (!run.isBegun) reasons.push({ reason: 'starting', detail: 'topics are looked for' })
  return [...reasons, ...run.routes.flatMap((route) => routeReasons(route, run.nowMs))]
}

function routeReasons(route: RouteHealth, nowMs: number): Unready[] {
  const reasons: Unready[] = []
  const because = (reason: UnreadyReason, detail: string): void =>
    void reasons.push({ reason, table: route.name, detail })
  const { state, source, commitTrouble, committingSinceMs, storeTrouble } = route
  switch (state) {
    case 'starting':
      because('starting', 'its source and tables are opened')
      break
    case 'unassigned':
      if (source?.isAssigned === true) because('starting', 'its tables are opened')
      else because('source-unassigned', source?.trouble || UNASSIGNED)
      break
    case 'failed':
      because('route-failed', route.error ?? '')
      break
    case 'reading':
      if (source !== null && !source.isAssigned) because('source-unassigned', source.trouble || UNASSIGNED)
      else if (source !== null && source.fetchAgeMs > SOURCE_SILENT_MS) {
        because('source-silent', `no fetch answered for ${seconds(source.fetchAgeMs)}: ${source.trouble}`)
      }
      break
    case 'ended':
      break
  }
  for (const why of route.held) because('topic-held', why)
  if (commitTrouble !== null) {
    because('commit-failing', `for ${seconds(nowMs - commitTrouble.sinceMs)}: ${commitTrouble.why}`)
  } else if (committingSinceMs !== null && nowMs - committingSinceMs > COMMIT_MS_MAX) {
    because('commit-failing', `a commit takes ${seconds(nowMs - committingSinceMs)}`)
  }
  if (storeTrouble !== null) {
    because('store-failing', `for ${seconds(nowMs - storeTrouble.sinceMs)}: ${storeTrouble.why}`)
  }
  return reasons
}

const UNASSIGNED = 'the group shares its partitions out'
const seconds = (ms: number): string => `${Math.round(ms / 1000)} s`

/** Dead: a thread of this process hangs. */
export const isAlive = (run: Pick<RunHealth, 'committerSilentMs'>): boolean => run.committerSilentMs < COMMITTER_DEAD_MS
