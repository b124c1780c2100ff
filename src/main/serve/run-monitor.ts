// What is known of a run, from the facts it tells: counters as they come, routes with their partitions. Main thread.
// Invariant: it only listens: nothing here throws into the ingest, and nothing is done per record.
import { assertNever } from '../../shared/errors.ts'
import type { CommitFact, EncodeReply } from '../../shared/messages.ts'
import type { IngestFact } from '../ingest/ingest-facts.ts'
import type { CommittedBatch } from '../ingest/pipeline.ts'
import { deadLetterCodes, isDeadLetterCode, type MetricTable } from './metric-table.ts'
import type { Metrics } from './metrics.ts'
import type { RunHealth } from './readiness.ts'
import { RouteProgress, type Trouble } from './route-progress.ts'
import { beginUpkeep, countUpkeep } from './upkeep-metrics.ts'

type Opened = Extract<IngestFact, { kind: 'opened' }>

/** Clocks: wall ms since 1970, and monotonic ms. */
export interface Clocks {
  readonly wallMs: () => number
  readonly monotonicMs: () => number
}

const registryOutcomes: MetricTable['k2_registry_requests_total']['labels']['outcome'] = [
  'found',
  'unknown',
  'rejected',
  'down',
  'wrong',
]

export class RunMonitor {
  readonly routes = new Map<string, RouteProgress>()
  opened: Opened | null = null
  isStopping = false
  registryWaits = 0
  /** When the question to the commit thread that is not answered was put, and how long it took to answer the last one. */
  committerAskedMs: number | null = null
  committerAnswerMs = 0
  readonly clocks: Clocks
  readonly #metrics: Metrics
  #registryTrouble: Trouble | null = null
  /** Where the catalog itself is waited for: it belongs to no table. */
  #catalogTrouble: Trouble | null = null

  constructor(metrics: Metrics, clocks: Clocks) {
    this.#metrics = metrics
    this.clocks = clocks
    // From the begin on, so that rates and alerts see the first of them.
    for (const outcome of registryOutcomes) metrics.add('k2_registry_requests_total', { outcome }, 0)
    for (const outcome of ['encoded', 'unknown-schemas', 'too-many-partitions', 'failed'] as const) {
      metrics.add('k2_encode_requests_total', { outcome }, 0)
    }
  }

  /** Bound to its monitor: it is handed on by itself. */
  readonly tell = (fact: IngestFact): void => {
    switch (fact.kind) {
      case 'opened':
        this.opened = fact
        return
      case 'registry asked':
        this.#metrics.add('k2_registry_requests_total', { outcome: fact.outcome })
        return
      case 'registry waits':
        this.registryWaits += fact.change
        if (this.registryWaits === 0) this.#registryTrouble = null
        else this.#registryTrouble ??= this.#trouble(fact.why)
        return
      case 'encode answered':
        this.#encodeAnswered(fact.reply, fact.ms)
        return
      case 'chunk waits':
        for (const route of this.#of(fact.table)) {
          route.storeTrouble = fact.why === null ? null : (route.storeTrouble ?? this.#trouble(fact.why))
        }
        return
      case 'commit fact':
        this.#commitFact(fact.fact)
        return
      case 'route began':
        this.#began(new RouteProgress(fact.route, fact.topics))
        return
      default: {
        const route = this.routes.get(fact.route)
        if (route !== undefined) this.#ofRoute(route, fact)
      }
    }
  }

  #ofRoute(route: RouteProgress, fact: Extract<IngestFact, { readonly route: string }>): void {
    const table = route.name
    switch (fact.kind) {
      case 'source opened':
        route.source = fact.source
        route.state = fact.source.health() === null ? 'starting' : 'unassigned'
        return
      case 'route reads':
        this.#catalogTrouble = null
        route.reads(fact.assignment, fact.partitions, fact.positions)
        return
      case 'slice read': {
        const { topicName: topic, recordCount, bytes } = fact.slice
        route.slice(fact.slice)
        this.#metrics.add('k2_records_read_total', { table, topic }, recordCount)
        this.#metrics.add('k2_read_bytes_total', { table, topic }, bytes.length)
        return
      }
      case 'chunk encoded':
        route.encoded(fact.encoded.ranges)
        return
      case 'commit begun':
        route.committingSinceMs = this.clocks.monotonicMs()
        return
      case 'commit ended':
        route.committingSinceMs = null
        route.commitTrouble = null
        this.#catalogTrouble = null
        this.#metrics.add('k2_commits_total', { table, outcome: fact.outcome })
        return
      case 'committed':
        this.#committed(route, fact.batch)
        return
      case 'route restarts':
        route.restarts++
        route.leaves(fact.why === 'revoked' ? 'unassigned' : 'starting')
        this.#metrics.add('k2_route_restarts_total', { table, reason: fact.why })
        return
      case 'topic held':
        route.held.set(fact.topic, fact.error)
        return
      case 'route ended':
        route.error = fact.error
        route.leaves(fact.error === null ? 'ended' : 'failed')
        return
      case 'route began':
        return
      default:
        assertNever(fact)
    }
  }

  /** A series that is there from the begin on shows its first event as a rise. */
  #began(route: RouteProgress): void {
    const table = route.name
    this.routes.set(table, route)
    for (const code of deadLetterCodes) this.#metrics.add('k2_dead_letters_total', { table, code }, 0)
    for (const outcome of ['committed', 'fenced', 'failed'] as const) {
      this.#metrics.add('k2_commits_total', { table, outcome }, 0)
    }
    for (const outcome of ['committed', 'conflict', 'unknown', 'rejected'] as const) {
      this.#metrics.add('k2_commit_attempts_total', { table, outcome }, 0)
    }
    beginUpkeep(this.#metrics, table)
    for (const reason of ['fenced', 'revoked', 'reopen', 'held'] as const) {
      this.#metrics.add('k2_route_restarts_total', { table, reason }, 0)
    }
    for (const topic of route.topics) {
      this.#metrics.add('k2_records_consumed_total', { table, topic }, 0)
      this.#metrics.add('k2_rows_written_total', { table, topic }, 0)
      this.#metrics.add('k2_tombstones_skipped_total', { table, topic }, 0)
    }
  }

  #encodeAnswered(reply: EncodeReply, ms: number): void {
    this.#metrics.add('k2_encode_requests_total', { outcome: reply.kind })
    if (reply.kind !== 'encoded') return
    const { decompressMs, decodeMs, encodeMs, putMs } = reply.times
    const runMs = decompressMs + decodeMs + encodeMs + putMs
    this.#metrics.observe('k2_encode_run_seconds', {}, runMs / 1000)
    this.#metrics.observe('k2_encode_wait_seconds', {}, Math.max(0, ms - runMs) / 1000)
    this.#metrics.observe('k2_chunk_stage_seconds', { stage: 'decompress' }, decompressMs / 1000)
    this.#metrics.observe('k2_chunk_stage_seconds', { stage: 'decode' }, decodeMs / 1000)
    this.#metrics.observe('k2_chunk_stage_seconds', { stage: 'encode' }, encodeMs / 1000)
    this.#metrics.observe('k2_chunk_stage_seconds', { stage: 'put' }, putMs / 1000)
  }

  #commitFact(fact: CommitFact): void {
    const { table } = fact
    switch (fact.kind) {
      case 'answered':
        this.#metrics.add('k2_commit_attempts_total', { table, outcome: fact.outcome })
        return
      case 'expired':
      case 'swept':
        countUpkeep(this.#metrics, fact)
        return
      case 'waiting':
        this.#waits(fact)
        return
      default:
        assertNever(fact)
    }
  }

  #waits(fact: Extract<CommitFact, { kind: 'waiting' }>): void {
    const { table } = fact
    // A lost race is not trouble: it is looked up and sent again.
    if (fact.why === 'conflict') return
    if (table === '') this.#catalogTrouble ??= this.#trouble(fact.why)
    else for (const route of this.#of(table)) route.commitTrouble ??= this.#trouble(fact.why)
  }

  #committed(route: RouteProgress, { group, transaction, encoded }: CommittedBatch): void {
    const table = route.name
    const metrics = this.#metrics
    const nowMs = this.clocks.wallMs()
    for (const ms of route.commit(group.ranges)) {
      metrics.observe('k2_freshness_seconds', { table }, Math.max(0, nowMs - ms) / 1000)
    }
    let records = 0
    for (const range of group.ranges) {
      const topic = route.topicOf(range)
      records += range.records
      metrics.add('k2_records_consumed_total', { table, topic }, range.records)
      metrics.add('k2_rows_written_total', { table, topic }, range.rows)
      metrics.add('k2_tombstones_skipped_total', { table, topic }, range.tombstonesSkipped)
    }
    for (const { deadLetterCodes: counts = {} } of encoded) {
      for (const [code, count] of Object.entries(counts)) {
        if (isDeadLetterCode(code)) metrics.add('k2_dead_letters_total', { table, code }, count)
      }
    }
    for (const [kind, files] of [
      ['rows', group.dataFiles],
      ['dead-letters', group.deadLetterFiles],
    ] as const) {
      metrics.add('k2_data_files_total', { table, kind }, files.length)
      for (const file of files) metrics.observe('k2_data_file_size_bytes', { table, kind }, file.sizeBytes)
    }
    metrics.observe('k2_commit_duration_seconds', { table }, transaction.transaction_duration_ms / 1000)
    route.lastCommit = { atMs: nowMs, snapshotId: transaction.snapshot_id_after, records }
  }

  health(): RunHealth {
    const nowMs = this.clocks.monotonicMs()
    return {
      nowMs,
      isStopping: this.isStopping,
      isBegun: this.routes.size > 0,
      committerSilentMs: this.committerAskedMs === null ? 0 : nowMs - this.committerAskedMs,
      registryTrouble: this.#registryTrouble,
      routes: [...this.routes.values()].map((route) => {
        const { name, state, committingSinceMs, storeTrouble, error, held } = route
        const commitTrouble = route.commitTrouble ?? this.#catalogTrouble
        const source = route.source?.health() ?? null
        return { name, state, source, commitTrouble, committingSinceMs, storeTrouble, error, held: [...held.values()] }
      }),
    }
  }

  /** The route of a table or of its side tables, whose names begin with its own. */
  #of(table: string): RouteProgress[] {
    const route = this.routes.get(table) ?? this.routes.get(table.replace(/_dead_letters$/, ''))
    return route === undefined ? [] : [route]
  }

  #trouble(why: string): Trouble {
    return { why, sinceMs: this.clocks.monotonicMs() }
  }
}
