// DuckDB in memory for one query: parses it, shuts everything but the planned files, makes the views, runs it. Process of the query.
// Invariants: before any SQL of the user runs, no file but the planned ones can be opened, no setting changed, no extension loaded; and
// only statements that read, or that make something in this memory, are run: nothing can write to a file of a table.
import { type DuckDBConnection, DuckDBInstance, type DuckDBPreparedStatement, StatementType } from '@duckdb/node-api'
import { sqlText } from '../shared/query/duckdb-type.ts'
import type { DatabaseLimits, QueryReply, QueryRequest } from '../shared/query/query-messages.ts'
import { readRows, writeText } from './query-rows.ts'

type Failed = Extract<QueryReply, { kind: 'failed' }>
type RequestOf<K extends QueryRequest['kind']> = Extract<QueryRequest, { kind: K }>

export interface QueryDatabase {
  /** Trees of query and condition; `failed` where they are no SQL. */
  parse(request: RequestOf<'parse'>): Promise<QueryReply>
  /** Sends results as they come, then `done` or `failed`. */
  run(request: RequestOf<'run'>, send: (reply: QueryReply) => Promise<void>): Promise<void>
}

export async function openDatabase({ memoryBytes, threads }: DatabaseLimits): Promise<QueryDatabase> {
  const instance = await DuckDBInstance.create(':memory:', {
    memory_limit: `${Math.floor(memoryBytes / 1024)}KiB`,
    threads: String(threads),
    // Nothing is put on disk: a query must not fill what a run needs.
    temp_directory: '',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    allow_community_extensions: 'false',
  })
  const connection = await instance.connect()
  return {
    parse: (request) => answered(() => parse(connection, request)),
    run: async (request, send) => {
      await send(await answered(() => run(connection, request, send)))
    },
  }
}

/** What DuckDB refuses, as a reply. */
async function answered(work: () => Promise<QueryReply>): Promise<QueryReply> {
  try {
    return await work()
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    return failed(text.replace(/^Failed to extract statements: /, ''))
  }
}

function failed(text: string): Failed {
  const reason = text.startsWith('Out of Memory Error')
    ? 'memory'
    : text.startsWith('IO Error: Cannot write')
      ? 'output'
      : 'sql'
  return { kind: 'failed', reason, text }
}

async function parse(connection: DuckDBConnection, { sql, where }: RequestOf<'parse'>): Promise<QueryReply> {
  // Also what json_serialize_sql has no tree for must be SQL.
  const { count } = await connection.extractStatements(sql)
  if (count === 0) return failed('there is no statement in it')
  const condition = where === null ? null : `SELECT 1 FROM k2_where WHERE (${where}\n)`
  const tree = await serialized(connection, sql)
  const whereTree = condition === null ? null : await serialized(connection, condition)
  if (condition !== null && whereTree === null) {
    await connection.extractStatements(condition)
    return failed(`--where must be one condition, not "${where}"`)
  }
  return { kind: 'parsed', tree: count === 1 ? tree : null, where: whereTree }
}

/** The tree of one SELECT, or null for what DuckDB does not serialize. */
async function serialized(connection: DuckDBConnection, sql: string): Promise<string | null> {
  const reader = await connection.runAndReadAll(`SELECT CAST(json_serialize_sql(${sqlText(sql)}) AS VARCHAR)`)
  const [[tree] = []] = reader.getRows()
  return typeof tree === 'string' && !/^\{"error":true/.test(tree) ? tree : null
}

async function run(
  connection: DuckDBConnection,
  { paths, session, sql, output }: RequestOf<'run'>,
  send: (reply: QueryReply) => Promise<void>,
): Promise<QueryReply> {
  const allowed = output.kind === 'parquet' ? [...paths, output.path] : paths
  await connection.run("SET TimeZone = 'UTC'")
  await connection.run(`SET allowed_paths = [${allowed.map(sqlText).join(', ')}]`)
  await connection.run('SET enable_external_access = false')
  for (const statement of session) await connection.run(statement)
  await connection.run('SET lock_configuration = true')
  const statements = await connection.extractStatements(sql)
  let rows = 0
  let results = 0
  for (let index = 0; index < statements.count; index++) {
    const statement = await statements.prepare(index)
    const refusal = await refusalOf(connection, statement, sql, statements.count)
    if (refusal !== null) return failed(refusal)
    if (!isShown(statement)) {
      await statement.run()
      continue
    }
    if (output.kind !== 'rows' && ++results > 1)
      return failed('several results do not fit into one file: ask one at a time')
    if (output.kind === 'rows') await send(await readRows(await statement.stream(), output.rowsMax))
    else if (output.kind === 'text') rows += await writeText(await statement.stream(), output.format)
    else rows += await copy(connection, sql, statements.count, output.path)
  }
  return { kind: 'done', rows }
}

const isShown = ({ statementType }: DuckDBPreparedStatement): boolean =>
  statementType === StatementType.SELECT || statementType === StatementType.EXPLAIN

/** Why a statement is not run, or null. COPY, ATTACH, EXPORT and the like could write where only reading is meant. */
async function refusalOf(
  connection: DuckDBConnection,
  { statementType }: DuckDBPreparedStatement,
  sql: string,
  count: number,
): Promise<string | null> {
  const only = 'k2 query runs SELECT, and CREATE, INSERT or DROP of tables, views and macros of its own'
  switch (statementType) {
    case StatementType.SELECT:
    case StatementType.INSERT:
    case StatementType.UPDATE:
    case StatementType.DELETE:
    case StatementType.DROP:
      return null
    case StatementType.CREATE:
      return /\bsecret\b/i.test(sql) ? only : null
    case StatementType.EXPLAIN: {
      // EXPLAIN ANALYZE runs what it explains.
      const explained = withoutComments(sql).replace(/^\s*explain\s+(?:analyze\s+|\([^)]*\)\s*)?/i, '')
      const isSelect = count === 1 && (await serialized(connection, explained)) !== null
      return isSelect ? null : 'EXPLAIN is run for one SELECT only'
    }
    default:
      return `${only}, not ${StatementType[statementType]}`
  }
}

const withoutComments = (sql: string): string => sql.replace(/^(?:\s+|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)+/, '')

async function copy(connection: DuckDBConnection, sql: string, count: number, path: string): Promise<number> {
  if (count > 1) throw new Error('Parquet output is of one SELECT')
  const query = sql.replace(/;\s*$/, '')
  const result = await connection.runAndReadAll(
    `COPY (${query}\n) TO ${sqlText(path)} (FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false)`,
  )
  return Number(result.getRows()[0]?.[0] ?? 0)
}
