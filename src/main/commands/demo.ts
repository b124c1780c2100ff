// `k2 demo`: real trades through the whole line, killed in the middle with kill -9, and the proof. Main thread. It runs the very
// commands a user would type, each as a process of its own, and prints them. Invariant: it deletes only inside a folder that holds
// its own marker file.
import { spawn } from 'node:child_process'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
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
import { renderMarketSummary } from '../terminal/market-summary.ts'
import { formatNumber, styleFor } from '../terminal/style.ts'
import { renderTransaction } from '../terminal/transaction.ts'

const MARKER = '.k2-demo'
const TOPIC = 'market.equities.trades.asx'
/** The first run is slowed down to be killed on its way: after so many commits, in the middle of the next. */
const THROTTLE = '80000'
const BATCH_SIZE = '20000'
const COMMITS_BEFORE_KILL = 3
const KILL_AFTER_MS = 120
const KILL_WAIT_MS_MAX = 60_000
const LOG_POLL_MS = 20
const TRANSACTIONS_SHOWN = 2

/** Exit code 0 only where the proof holds. Errors: DEMO_FOLDER, DEMO_STEP. */
export async function demoCommand(config: Config<'demo'>, io: CommandIo): Promise<number> {
  const demo = new Demo(config, io)
  const startMs = performance.now()
  await prepareFolder(config.dir, config.keep)
  await demo.step('200,545 real ASX trades as Kafka record batches', 'feed', [
    ...['feed', 'csv', '--to', demo.path('log')],
  ])
  if (!config.keep) await demo.killedRun()
  await demo.step('The rest: on from the positions of the table', 'run', demo.runWords())
  await demo.transactions()
  await demo.step('The proof: source and table read again, compared offset by offset', 'verify', demo.verifyWords())
  await demo.summary()
  demo.readers()
  demo.end((performance.now() - startMs) / 1000)
  return 0
}

/** Starts afresh, but only in an empty folder or one that an earlier demo made. */
async function prepareFolder(dir: string, keep: boolean): Promise<void> {
  const found = await readdir(dir).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === 'ENOENT') return []
    throw new IngestError('DEMO_FOLDER', { dir }, error)
  })
  if (found.length > 0 && !found.includes(MARKER)) throw new IngestError('DEMO_FOLDER', { dir })
  try {
    if (!keep) await rm(dir, { recursive: true, force: true })
    await mkdir(dir, { recursive: true })
    await writeFile(join(dir, MARKER), 'Made by k2 demo, which deletes this folder when it starts afresh.\n')
  } catch (error) {
    throw new IngestError('DEMO_FOLDER', { dir }, error)
  }
}

interface StepEnd {
  readonly code: number | null
  readonly out: string
}

class Demo {
  readonly #config: Config<'demo'>
  readonly #io: CommandIo
  readonly #document: Record<string, unknown> = {}

  constructor(config: Config<'demo'>, io: CommandIo) {
    this.#config = config
    this.#io = io
  }

  path(name: string): string {
    return join(this.#config.dir, name)
  }

  runWords(): string[] {
    return [
      ...['run', '--source', this.path('log'), ...this.#tableWords(), '--until-end'],
      ...['--batch-size', BATCH_SIZE, '--log-file', this.path('k2.log')],
    ]
  }

  verifyWords(): string[] {
    return ['verify', '--source', this.path('log'), ...this.#tableWords()]
  }

  /** One command of k2, shown and run to its end. Errors: DEMO_STEP where it fails. */
  async step(title: string, name: string, words: readonly string[]): Promise<void> {
    this.#head(title, words)
    const { code, out } = await this.#start(words).ended
    if (code !== 0) throw new IngestError('DEMO_STEP', { command: `k2 ${words.join(' ')}`, exitCode: code ?? -1 })
    if (this.#config.json) this.#document[name] = parseDocument(out)
  }

  /** `k2 run`, killed with SIGKILL while it is between two commits. */
  async killedRun(): Promise<void> {
    const words = [...this.runWords(), '--throttle', THROTTLE]
    this.#head('Into Iceberg, slowed down, and killed on the way', words)
    const startMs = performance.now()
    const run = this.#start(words)
    let commits = 0
    while (commits < COMMITS_BEFORE_KILL && run.isAlive() && performance.now() - startMs < KILL_WAIT_MS_MAX) {
      await sleep(LOG_POLL_MS)
      commits = (await this.#transactionLog()).length
    }
    await sleep(KILL_AFTER_MS)
    run.kill()
    const { code } = await run.ended
    if (code !== null) throw new IngestError('DEMO_STEP', { command: `k2 ${words.join(' ')}`, exitCode: code })
    const committed = (await this.#transactionLog()).reduce((sum, line) => sum + line.added_records, 0)
    this.#document['killed'] = { signal: 'SIGKILL', commits, records_committed: committed }
    this.#text(`\nkill -9 after ${commits} commits: ${formatNumber(committed)} rows are in the table.\n`)
  }

  /** The newest lines of the transaction log. */
  async transactions(): Promise<void> {
    const lines = await this.#transactionLog()
    this.#document['transactions'] = lines
    const style = styleFor(this.#io.out)
    this.#text(`\n${style.bold(`The last of ${lines.length} lines of the transaction log, ${this.path('k2.log')}`)}\n`)
    for (const line of lines.slice(-TRANSACTIONS_SHOWN)) this.#text(renderTransaction(line, style))
  }

  /** Computed from the rows of the table. */
  async summary(): Promise<void> {
    const store = openFolderStore(this.path('warehouse'))
    const catalog = openSqlCatalog({ file: this.path('catalog.db'), store })
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

  /** What to paste to look at the table with something else. */
  readers(): void {
    if (this.#config.json) return
    this.#text(
      `\nLook at it: npx k2 tables show ${this.#tableWords().join(' ')}\n` +
        `Again:      npx k2 ${this.runWords().join(' ')}   (adds nothing)\n`,
    )
  }

  end(seconds: number): void {
    this.#document['seconds'] = seconds
    if (this.#config.json) this.#io.out.write(jsonLine(this.#document))
    else this.#text(`Done in ${seconds.toFixed(1)} seconds.\n`)
  }

  #tableWords(): string[] {
    return ['--catalog', `sqlite:${this.path('catalog.db')}`, '--warehouse', this.path('warehouse')]
  }

  #head(title: string, words: readonly string[]): void {
    const style = styleFor(this.#io.out)
    this.#text(`\n${style.bold(title)}\n${style.dim(`$ k2 ${words.join(' ')}`)}\n`)
  }

  #text(text: string): void {
    if (!this.#config.json) this.#io.out.write(text)
  }

  /** Output passes through, so that the batch table is seen as it grows; with --json it is collected. */
  #start(words: readonly string[]): { ended: Promise<StepEnd>; isAlive: () => boolean; kill: () => void } {
    const json = this.#config.json
    const cli = fileURLToPath(new URL(`../cli${extname(import.meta.url)}`, import.meta.url))
    const child = spawn(process.execPath, [cli, ...words, ...(json ? ['--json'] : [])], {
      stdio: ['ignore', json ? 'pipe' : 'inherit', 'inherit'],
    })
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
    const text = await readFile(this.path('k2.log'), 'utf8').catch(() => '')
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
