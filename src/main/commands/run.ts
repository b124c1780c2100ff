// `k2 run`: moves the records of a log directory or of Kafka topics into Iceberg tables and shows it. Main thread.
// Invariant: the first SIGTERM or SIGINT stops reading and lets the line drain, within a bound; a second one ends the process at once.
// Both are safe: what is not committed is read again by the next run.
import { availableParallelism } from 'node:os'
import type { Config } from '../../shared/config.ts'
import { IngestError, toFailure } from '../../shared/errors.ts'
import { type PartitionPosition, partitionKey } from '../../shared/offsets.ts'
import { type CommandIo, describeError, errorLine, jsonLine } from '../command.ts'
import { type IngestEvents, ingest } from '../ingest/ingest.ts'
import type { IngestOptions, SourceAddress } from '../ingest/ingest-options.ts'
import type { CommittedBatch, RouteEnd } from '../ingest/pipeline.ts'
import { RecordBudget } from '../ingest/record-slices.ts'
import type { SourcePartition } from '../ingest/record-source.ts'
import { addBatch, batchRow, noTotals, type RunTotals, statisticsOf } from '../ingest/run-totals.ts'
import { type Log, logTarget, logTransaction, openLog } from '../log.ts'
import { openRunService } from '../serve/run-service.ts'
import { type BatchRow, keepRows, renderBatchRow } from '../terminal/batch-table.ts'
import { openProgressLine, type ProgressLine } from '../terminal/progress.ts'
import { renderStatistics, statisticsDocument } from '../terminal/statistics.ts'
import { styleFor } from '../terminal/style.ts'
import { runCheckCommand } from './run-check.ts'

/** Rows of the batch table in the JSON document. */
const ROWS_KEPT_MAX = 1000
/** A draining line is looked at this often on a terminal. */
const PROGRESS_MS = 200

/** Exit 0 when everything read is committed, 1 when a route failed or a stop did not drain in time. */
export async function runCommand(config: Config<'run'>, io: CommandIo): Promise<number> {
  if (config.check) return runCheckCommand(config, io)
  const log = openLog(logTarget(config.logFile, io.err))
  // First of all: a run that cannot start yet is what a probe wants to know of.
  const service = config.http === null ? null : await openRunService(config, config.http, io.version)
  const view = new RunView(config, io, log)
  if (service !== null) view.listens(service.url)
  const stop = new AbortController()
  stop.signal.addEventListener('abort', () => service?.stopping(), { once: true })
  const unhook = stopOnSignal(stop, config.stopTimeoutMs, view)
  try {
    await ingest(ingestOptions(config), view, stop.signal, service?.tell)
    view.end(null)
    return 0
  } catch (error) {
    view.end(error)
    if (!config.json || !(error instanceof IngestError)) throw error
    // The document on stdout holds the error already: one call prints one document.
    io.err.write(errorLine(error))
    return 1
  } finally {
    unhook()
    await service?.close()
  }
}

function ingestOptions(config: Config<'run'>): IngestOptions {
  return {
    ...config,
    source: sourceOf(config),
    topics: config.topic,
    catalogFile: config.catalog.file,
    budget: config.maxMessages === null ? null : new RecordBudget(config.maxMessages),
  }
}

function sourceOf(config: Config<'run'>): SourceAddress {
  const { source, brokers, sessionTimeoutMs, instanceId } = config
  if (source !== null) return { kind: 'directory', path: source }
  if (brokers === null) throw new Error('the options let through a run without a source')
  return { kind: 'brokers', connection: { ...config, brokers }, sessionTimeoutMs, instanceId }
}

/** First signal: drain, bounded; second: exit at once. */
function stopOnSignal(stop: AbortController, timeoutMs: number, view: RunView): () => void {
  const onSignal = (signal: NodeJS.Signals): void => {
    if (stop.signal.aborted) process.exit(130)
    view.stopping(signal)
    stop.abort()
    setTimeout(() => {
      view.notice({ event: 'stop did not drain in time; the rest is read again by the next run', timeoutMs })
      process.exit(1)
    }, timeoutMs).unref()
  }
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)
  return () => {
    process.off('SIGTERM', onSignal)
    process.off('SIGINT', onSignal)
  }
}

/** What a run shows: batch table, progress line, transaction log, statistics. */
class RunView implements IngestEvents {
  readonly #config: Config<'run'>
  readonly #io: CommandIo
  readonly #log: Log
  readonly #progress: ProgressLine
  readonly #timer: NodeJS.Timeout
  readonly #startMs = performance.now()
  readonly #logEnds = new Map<string, bigint>()
  readonly #positions = new Map<string, bigint>()
  #totals: RunTotals = noTotals
  #rows: readonly BatchRow[] = []
  #errors = 0
  #state = 'starting'

  constructor(config: Config<'run'>, io: CommandIo, log: Log) {
    this.#config = config
    this.#io = io
    this.#log = log
    this.#progress = openProgressLine(config.quiet ? { ...io.err, isTerminal: false } : io.err)
    this.#timer = setInterval(() => this.#showProgress(), PROGRESS_MS)
    this.#timer.unref()
  }

  opened(
    route: { readonly name: string },
    tables: { readonly positions: readonly PartitionPosition[] },
    source: readonly SourcePartition[],
  ): void {
    this.#state = ''
    for (const partition of source) {
      this.#logEnds.set(partitionKey(partition.topic, partition.partition), partition.logEnd)
    }
    this.#moveTo(tables.positions)
    this.#log.info({ table: route.name, partitions: source.length }, 'route opened')
  }

  committed(_route: { readonly name: string }, batch: CommittedBatch): void {
    this.#totals = addBatch(this.#totals, batch, performance.now() - this.#startMs)
    this.#moveTo(batch.group.ranges)
    logTransaction(this.#log, batch.transaction)
    const row = batchRow(this.#totals, batch)
    this.#rows = keepRows(this.#rows, row, ROWS_KEPT_MAX)
    if (this.#printsText) {
      this.#progress.clear()
      this.#io.out.write(renderBatchRow(row))
    }
  }

  restarted(route: { readonly name: string }, why: Exclude<RouteEnd, { kind: 'drained' }>): void {
    const reason = restartReason(why)
    this.#log.warn({ table: route.name, reason }, 'going on from the positions of the table')
  }

  failed(route: { readonly name: string }, error: unknown): void {
    this.#errors++
    this.#log.error({ table: route.name, ...toFailure(error).context, code: toFailure(error).code }, 'route failed')
  }

  /** Bound to its view: it is handed on by itself. */
  readonly notice = (fields: Readonly<Record<string, string | number>>): void => {
    const { event, ...rest } = fields
    if (event === 'committed') return
    this.#log.warn(rest, String(event))
  }

  listens(url: string): void {
    this.#log.info({ url }, 'http listens')
    if (this.#printsText && this.#io.err.isTerminal) this.#io.err.write(`${url}/status\n`)
  }

  stopping(signal: string): void {
    this.#state = 'stopping'
    this.#log.info({ signal }, 'stopping: what was read is committed, then the run ends')
  }

  /** Statistics on stdout, whatever the end; with --json the error, too. */
  end(error: unknown): void {
    clearInterval(this.#timer)
    this.#progress.clear()
    if (error !== null && !(error instanceof IngestError)) return
    const statistics = statisticsOf(this.#totals, performance.now() - this.#startMs, this.#errors)
    if (this.#config.json) this.#io.out.write(jsonLine(this.#document(statistics, error)))
    else if (this.#printsText) this.#io.out.write(`\n${renderStatistics(statistics, styleFor(this.#io.out))}`)
  }

  get #printsText(): boolean {
    return !this.#config.json && !this.#config.quiet
  }

  #document(statistics: ReturnType<typeof statisticsOf>, error: IngestError | null): object {
    const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage()
    return {
      ...(error === null ? {} : { error: describeError(error) }),
      statistics: statisticsDocument(statistics),
      batches: this.#rows,
      stages_ms: this.#totals.times,
      data_files: this.#totals.dataFiles,
      resources: {
        cpu_us: userCPUTime + systemCPUTime,
        rss_mb_max: Math.round(maxRSS / 1024),
        workers: this.#config.workers,
        cores: availableParallelism(),
      },
    }
  }

  #moveTo(positions: Iterable<PartitionPosition>): void {
    for (const { topic, partition, next } of positions) this.#positions.set(partitionKey(topic, partition), next)
  }

  #showProgress(): void {
    let lag = 0n
    for (const [key, end] of this.#logEnds) lag += end - (this.#positions.get(key) ?? 0n)
    const seconds = (performance.now() - this.#startMs) / 1000
    this.#progress.show({
      consumed: this.#totals.consumed,
      ratePerSecond: this.#totals.consumed / seconds,
      lag: Number(lag),
      commits: this.#totals.commits,
      state: this.#state,
    })
  }
}

function restartReason(why: Exclude<RouteEnd, { kind: 'drained' }>): string {
  switch (why.kind) {
    case 'fenced':
      return 'another process wrote these offsets'
    case 'revoked':
      return 'the group shares its partitions out anew'
    case 'held':
    case 'reopen':
      return why.reason.message
  }
}
