// The steps of a demo: it runs the very commands a user would type, each as a process of its own, and prints them. Main thread.
// Invariant: one process of a step runs at a time, and none outlives a stop.
import { type ChildProcess, spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Config } from '../../shared/config.ts'
import { IngestError } from '../../shared/errors.ts'
import { openSqlCatalog } from '../../shared/iceberg/sql-catalog.ts'
import type { Transaction } from '../../shared/messages.ts'
import { openFolderStore } from '../../shared/store/folder-store.ts'
import { type CommandIo, jsonLine } from '../command.ts'
import { tableByRule } from '../ingest/routes.ts'
import { summarizeMarket } from '../market-summary.ts'
import type { ServiceStatus } from '../services/services.ts'
import { renderMarketSummary } from '../terminal/market-summary.ts'
import { shell } from '../terminal/reader-lines.ts'
import { renderServices, serviceDocument } from '../terminal/services.ts'
import { formatNumber, styleFor } from '../terminal/style.ts'
import { renderTransaction } from '../terminal/transaction.ts'
import type { DemoPlace } from './demo-place.ts'
import { type DemoQuery, demoQueries } from './demo-queries.ts'

export const TOPIC = 'market.equities.trades.asx'
/** The first run is slowed down to be killed on its way: after so many commits, in the middle of the next. */
const THROTTLE = '80000'
const BATCH_SIZE = '20000'
const COMMITS_BEFORE_KILL = 3
const KILL_AFTER_MS = 120
const KILL_WAIT_MS_MAX = 60_000
const LOG_POLL_MS = 20
const TRANSACTIONS_SHOWN = 2

interface StepEnd {
  readonly code: number | null
  readonly out: string
}

export class Demo {
  readonly #config: Config<'demo'>
  readonly #io: CommandIo
  readonly #document: Record<string, unknown> = {}
  readonly #startMs = performance.now()
  #child: ChildProcess | null = null
  #stoppedBy: NodeJS.Signals | null = null

  constructor(config: Config<'demo'>, io: CommandIo) {
    this.#config = config
    this.#io = io
  }

  /** Errors: DEMO_STEP, DEMO_STOPPED. */
  async steps(place: DemoPlace): Promise<void> {
    const run = this.#runWords(place)
    await this.#step('200,545 real ASX trades as Kafka record batches', 'feed', ['feed', 'csv', ...place.feed])
    if (!this.#config.keep) await this.#killedRun(run)
    await this.#step('The rest: on from the positions of the table', 'run', run)
    await this.#transactions()
    const verify = ['verify', ...place.verify, ...this.#tableWords()]
    await this.#step('The proof: source and table read again, compared offset by offset', 'verify', verify)
    await this.#summary()
    for (const query of demoQueries) await this.#query(query)
    this.#readers(place)
    this.#end((performance.now() - this.#startMs) / 1000)
  }

  /** Ends the process of the step under way; the step then fails with DEMO_STOPPED. */
  stop(signal: NodeJS.Signals): void {
    this.#stoppedBy = signal
    this.#child?.kill('SIGKILL')
  }

  /** Errors: DEMO_STOPPED. */
  refuseStopped(): void {
    if (this.#stoppedBy !== null) throw new IngestError('DEMO_STOPPED', { signal: this.#stoppedBy })
  }

  head(title: string, words: readonly string[]): void {
    const style = styleFor(this.#io.out)
    this.#text(`\n${style.bold(title)}\n${style.dim(`$ k2 ${shell(...words)}`)}\n`)
  }

  servers(servers: readonly ServiceStatus[]): void {
    this.#document['services'] = servers.map(serviceDocument)
    this.#text(renderServices(servers, styleFor(this.#io.out)))
  }

  #runWords(place: DemoPlace): string[] {
    return [
      ...['run', ...place.run, ...this.#tableWords(), '--until-end'],
      ...['--batch-size', BATCH_SIZE, '--log-file', this.#path('k2.log')],
    ]
  }

  /** One command of k2, shown and run to its end. */
  async #step(title: string, name: string, words: readonly string[]): Promise<void> {
    this.head(title, words)
    const { code, out } = await this.#start(words).ended
    this.refuseStopped()
    if (code !== 0) throw new IngestError('DEMO_STEP', { command: `k2 ${words.join(' ')}`, exitCode: code ?? -1 })
    if (!this.#config.json) return
    const document = parseDocument(out)
    const { queries } = this.#document
    if (name === 'query') this.#document['queries'] = [...(Array.isArray(queries) ? queries : []), document]
    else this.#document[name] = document
  }

  /** `k2 run`, killed with SIGKILL while it is between two commits. */
  async #killedRun(run: readonly string[]): Promise<void> {
    const words = [...run, '--throttle', THROTTLE]
    this.head('Into Iceberg, slowed down, and killed on the way', words)
    const startMs = performance.now()
    const killed = this.#start(words)
    let commits = 0
    while (commits < COMMITS_BEFORE_KILL && killed.isAlive() && performance.now() - startMs < KILL_WAIT_MS_MAX) {
      await sleep(LOG_POLL_MS)
      commits = (await this.#transactionLog()).length
    }
    await sleep(KILL_AFTER_MS)
    killed.kill()
    const { code } = await killed.ended
    this.refuseStopped()
    if (code !== null) throw new IngestError('DEMO_STEP', { command: `k2 ${words.join(' ')}`, exitCode: code })
    const committed = (await this.#transactionLog()).reduce((sum, line) => sum + line.added_records, 0)
    this.#document['killed'] = { signal: 'SIGKILL', commits, records_committed: committed }
    this.#text(`\nkill -9 after ${commits} commits: ${formatNumber(committed)} rows are in the table.\n`)
  }

  /** The newest lines of the transaction log. */
  async #transactions(): Promise<void> {
    const lines = await this.#transactionLog()
    this.#document['transactions'] = lines
    const style = styleFor(this.#io.out)
    this.#text(`\n${style.bold(`The last of ${lines.length} lines of the transaction log, ${this.#path('k2.log')}`)}\n`)
    for (const line of lines.slice(-TRANSACTIONS_SHOWN)) this.#text(renderTransaction(line, style))
  }

  /** Computed from the rows of the table. */
  async #summary(): Promise<void> {
    const store = openFolderStore(this.#path('warehouse'))
    const catalog = openSqlCatalog({ file: this.#path('catalog.db'), store })
    try {
      const symbols = await summarizeMarket(catalog, store, tableByRule(TOPIC))
      this.#document['summary'] = symbols
      const trades = symbols.reduce((sum, symbol) => sum + symbol.trades, 0)
      const title = `The market in those ${formatNumber(trades)} trades, from the rows of the table`
      this.#text(`\n${styleFor(this.#io.out).bold(title)}\n${renderMarketSummary(symbols)}`)
    } finally {
      await catalog.close()
    }
  }

  async #query({ title, sql, options }: DemoQuery): Promise<void> {
    const words = ['query', sql, ...this.#tableWords(), ...options, ...(this.#config.json ? [] : ['--format', 'table'])]
    await this.#step(title, 'query', words)
  }

  /** What to paste to look at the table with something else. */
  #readers(place: DemoPlace): void {
    const again = place.again === null ? '' : `npx k2 ${place.again.join(' ')} && `
    this.#text(
      `\nLook at it: npx k2 tables show ${this.#tableWords().join(' ')}\n` +
        `Again:      ${again}npx k2 ${this.#runWords(place).join(' ')}   (adds nothing)\n`,
    )
  }

  #end(seconds: number): void {
    this.#document['seconds'] = seconds
    if (this.#config.json) this.#io.out.write(jsonLine(this.#document))
    else this.#text(`Done in ${seconds.toFixed(1)} seconds.\n`)
  }

  #path(name: string): string {
    return join(this.#config.dir, name)
  }

  #tableWords(): string[] {
    return ['--catalog', `sqlite:${this.#path('catalog.db')}`, '--warehouse', this.#path('warehouse')]
  }

  #text(text: string): void {
    if (!this.#config.json) this.#io.out.write(text)
  }

  /** Output passes through, so that the batch table is seen as it grows; with --json it is collected. */
  #start(words: readonly string[]): { ended: Promise<StepEnd>; isAlive: () => boolean; kill: () => void } {
    this.refuseStopped()
    const json = this.#config.json
    const cli = fileURLToPath(new URL(`../cli${extname(import.meta.url)}`, import.meta.url))
    const child = spawn(process.execPath, [cli, ...words, ...(json ? ['--json'] : [])], {
      stdio: ['ignore', json ? 'pipe' : 'inherit', 'inherit'],
    })
    this.#child = child
    let out = ''
    child.stdout?.on('data', (data: Buffer) => {
      out += data.toString('utf8')
    })
    const ended = new Promise<StepEnd>((resolve, reject) => {
      child.on('error', (error) => reject(new IngestError('DEMO_STEP', { command: words.join(' ') }, error)))
      child.on('close', (code) => resolve({ code, out }))
    })
    return {
      ended,
      isAlive: () => child.exitCode === null && child.signalCode === null,
      kill: () => child.kill('SIGKILL'),
    }
  }

  async #transactionLog(): Promise<Transaction[]> {
    const text = await readFile(this.#path('k2.log'), 'utf8').catch(() => '')
    const whole = text.slice(0, text.lastIndexOf('\n') + 1)
    return whole
      .split('\n')
      .filter((line) => line.includes('"commit_id"'))
      .map(parseTransaction)
  }
}

/** The casts of this file: both are documents that k2 itself has just written. */
const parseTransaction = (line: string): Transaction => {
  const { level, time, pid, msg, ...transaction } = JSON.parse(line) as Record<string, unknown>
  return transaction as unknown as Transaction
}
const parseDocument = (text: string): unknown => JSON.parse(text)
