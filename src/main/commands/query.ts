// k2 query: SQL on the tables of a catalog, by DuckDB in a process of its own. Main thread; writes nothing but a tag in the catalog, and
// the output that is asked for. The text comes from the command line, a file, stdin, or a person at a prompt.
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { Config } from '../../shared/config.ts'
import { IngestError } from '../../shared/errors.ts'
import { openSqlCatalog } from '../../shared/iceberg/sql-catalog.ts'
import { openFolderStore } from '../../shared/store/folder-store.ts'
import { type CommandIo, jsonLine } from '../command.ts'
import { promptLoop } from '../query/prompt.ts'
import { openOutput, type QueryFormat, type QueryOutput } from '../query/query-output.ts'
import { type QueryOutcome, runQuery } from '../query/query-run.ts'
import { queryDocument, renderPlan, renderResult } from '../terminal/query-result.ts'
import { styleFor } from '../terminal/style.ts'

/** Errors: those of {@link runQuery}, QUERY_INPUT, QUERY_OUTPUT. */
export async function queryCommand(config: Config<'query'>, io: CommandIo): Promise<number> {
  const sql = await queryText(config, io)
  if (sql !== null) return await answer(sql, config, io)
  return await promptLoop(io, async (text) => {
    await answer(text, config, io)
  })
}

/** Null where a person is to be asked. */
async function queryText(config: Config<'query'>, { input }: CommandIo): Promise<string | null> {
  if (config.sql !== null) return config.sql
  if (config.file !== null) {
    const { file } = config
    return await readFile(file, 'utf8').catch((error: unknown) => {
      throw new IngestError('QUERY_INPUT', { file }, error)
    })
  }
  if (input === undefined || input.isTerminal) return null
  return await input.text()
}

async function answer(sql: string, config: Config<'query'>, io: CommandIo): Promise<number> {
  const startMs = performance.now()
  const output = await openOutput(formatOf(config, io), config.output, config.maxRows)
  try {
    const outcome = await untilStopped((stop) =>
      runQuery(requestOf(sql, config, output), () => openTables(config), stop),
    )
    const file = await output.finish()
    show(outcome, config, io, { startMs, file })
    return 0
  } catch (error) {
    await output.discard()
    if (error instanceof IngestError && error.code === 'QUERY_SQL' && error.cause instanceof Error && !config.json) {
      // Of several lines, the last of which points at the place.
      io.err.write(`${error.cause.message}\n`)
      throw new IngestError('QUERY_SQL')
    }
    throw error
  }
}

/** Ctrl-C and SIGTERM end what runs, and at a prompt only that. */
async function untilStopped<T>(run: (stop: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController()
  const onSignal = (signal: NodeJS.Signals): void => stop.abort(signal)
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal)
  try {
    return await run(stop.signal)
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal)
  }
}

const requestOf = (sql: string, config: Config<'query'>, output: QueryOutput): Parameters<typeof runQuery>[0] => ({
  sql,
  where: config.where,
  asOf: config.asOf ?? { kind: 'head' },
  table: config.table,
  timezone: config.timezone,
  limits: { memoryBytes: config.memory, threads: config.threads },
  timeoutMs: config.timeoutMs,
  output: output.plan,
  descriptor: output.descriptor,
  isLeased: config.lease,
  isExplained: config.explain,
})

async function openTables({
  catalog: { file },
  warehouse,
}: Config<'query'>): ReturnType<Parameters<typeof runQuery>[1]> {
  if (!existsSync(file)) throw new IngestError('CATALOG_UNREADABLE', { file, reason: 'no such file' })
  const store = openFolderStore(warehouse)
  return { catalog: openSqlCatalog({ file, store }), store }
}

/** As asked for, or by the end of the output's name, or a table for a person and CSV for a program. */
function formatOf({ format, output, json, explain }: Config<'query'>, io: CommandIo): QueryFormat {
  if (json || explain) return 'table'
  const ending = /\.(csv|jsonl|parquet)$/.exec(output ?? '')?.[1]
  const byName = ending === 'csv' || ending === 'jsonl' || ending === 'parquet' ? ending : null
  return format ?? byName ?? (output === null && io.out.isTerminal ? 'table' : 'csv')
}

function show(
  outcome: QueryOutcome,
  config: Config<'query'>,
  io: CommandIo,
  { startMs, file }: { readonly startMs: number; readonly file: string | null },
): void {
  const seconds = (performance.now() - startMs) / 1000
  if (config.json) {
    io.out.write(jsonLine(queryDocument(outcome, seconds)))
    return
  }
  for (const notice of outcome.notices) io.err.write(`k2 query: ${notice}\n`)
  for (const result of outcome.results) io.out.write(renderResult(result))
  const plan = renderPlan(outcome.plan.tables)
  if (config.explain) io.out.write(plan === '' ? 'no rows of tables are read\n' : plan)
  else if (outcome.results.length > 0) io.out.write(styleFor(io.out).dim(plan))
  if (file !== null) io.err.write(`${outcome.rows} rows written to ${file}\n`)
}
