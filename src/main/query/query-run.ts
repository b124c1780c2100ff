// One query from its text to its last row: parse, plan, lease, run, and the lease back. Main thread. Invariants: files of a snapshot are
// opened only under its lease, or after it was said that there is none; process and leases end with the query, however it ends.
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { assertNever, IngestError } from '../../shared/errors.ts'
import type { TableName } from '../../shared/iceberg/catalog.ts'
import { type Catalog, formatTableName } from '../../shared/iceberg/catalog.ts'
import { parseJson } from '../../shared/iceberg/json.ts'
import type { AsOf } from '../../shared/iceberg/scan-snapshot.ts'
import { endLease, type LeaseRequest, takeLease } from '../../shared/query/lease.ts'
import type { Cell, DatabaseLimits, OutputPlan, ResultColumn } from '../../shared/query/query-messages.ts'
import { planQuery, type QueryInput, type QueryPlan, type TablePlan } from '../../shared/query/query-plan.ts'
import { type QueryFacts, readQuery } from '../../shared/query/sql-tree.ts'
import type { Store } from '../../shared/store/store.ts'
import { DatabaseProcess } from './database-process.ts'

export interface QueryRequest {
  readonly sql: string
  readonly where: string | null
  readonly asOf: AsOf
  readonly table: TableName | null
  readonly timezone: string
  readonly limits: DatabaseLimits
  readonly timeoutMs: number
  readonly output: OutputPlan
  /** Descriptor of text output. */
  readonly descriptor: number
  readonly isLeased: boolean
  /** Plan only. */
  readonly isExplained: boolean
}

/** Errors: CATALOG_UNREADABLE, CATALOG_LOCKED. */
export type OpenTables = () => Promise<{ readonly catalog: Catalog; readonly store: Store }>

export interface QueryResult {
  readonly columns: readonly ResultColumn[]
  readonly rows: readonly (readonly Cell[])[]
  readonly isCut: boolean
}

export interface QueryOutcome {
  readonly plan: QueryPlan
  readonly results: readonly QueryResult[]
  /** Rows of text or Parquet output. */
  readonly rows: number
  readonly notices: readonly string[]
}

/** The snapshot that was planned on may be gone before its lease is set: so often is it planned anew. */
const plansMax = 3

/**
 * Errors: QUERY_SQL (its cause is DuckDB's message), QUERY_LIMIT, QUERY_PROCESS, QUERY_OUTPUT, QUERY_AS_OF, QUERY_UNSUPPORTED,
 * TABLE_*, those of catalog and store.
 */
export async function runQuery(request: QueryRequest, open: OpenTables, stop: AbortSignal): Promise<QueryOutcome> {
  const { limits, descriptor, timeoutMs } = request
  const database = new DatabaseProcess(limits, descriptor)
  const timer = setTimeout(
    () => database.kill({ code: 'QUERY_LIMIT', context: { option: '--timeout', timeoutMs } }),
    timeoutMs,
  )
  const onStop = (): void => database.kill({ code: 'QUERY_PROCESS', context: { signal: String(stop.reason) } })
  stop.addEventListener('abort', onStop)
  if (stop.aborted) onStop()
  try {
    // While the process loads DuckDB, catalog and metadata are opened.
    database.send({ kind: 'parse', sql: request.sql, where: request.where })
    const { catalog, store } = await open()
    try {
      return await new QueryRun(request, database, catalog, store).run()
    } finally {
      await catalog.close()
    }
  } finally {
    clearTimeout(timer)
    stop.removeEventListener('abort', onStop)
    await database.close()
  }
}

class QueryRun {
  readonly #request: QueryRequest
  readonly #database: DatabaseProcess
  readonly #catalog: Catalog
  readonly #store: Store
  readonly #leases: Array<{ readonly request: LeaseRequest; readonly tag: string }> = []
  readonly #notices: string[] = []

  constructor(request: QueryRequest, database: DatabaseProcess, catalog: Catalog, store: Store) {
    this.#request = request
    this.#database = database
    this.#catalog = catalog
    this.#store = store
  }

  async run(): Promise<QueryOutcome> {
    const input = await this.#parsed()
    try {
      const plan = await this.#leasedPlan(input)
      this.#notices.push(...plan.notices)
      if (this.#request.isExplained) return { plan, results: [], rows: 0, notices: this.#notices }
      const { paths, session } = plan
      this.#database.send({ kind: 'run', paths, session, sql: this.#request.sql, output: this.#request.output })
      return { plan, ...(await this.#results(plan)), notices: this.#notices }
    } finally {
      await this.#endLeases()
    }
  }

  async #parsed(): Promise<QueryInput> {
    const reply = await this.#database.next()
    if (reply.kind === 'failed') throw failed(reply, [])
    if (reply.kind !== 'parsed') throw new Error(`a parse was answered ${reply.kind}`)
    const { sql, where, asOf, table, timezone } = this.#request
    const predicates = factsOf(reply.where)?.references[0]?.predicates ?? []
    const condition = where === null ? null : { sql: where, predicates }
    return { sql, facts: factsOf(reply.tree), where: condition, asOf, table, timezone }
  }

  async #leasedPlan(input: QueryInput): Promise<QueryPlan> {
    for (let attempt = 1; ; attempt++) {
      const plan = await planQuery({ catalog: this.#catalog, store: this.#store }, input)
      if (!this.#request.isLeased || this.#request.isExplained) return plan
      const leased = await Promise.all(plan.tables.map((table) => this.#lease(table)))
      if (!leased.includes('gone') || attempt === plansMax) return plan
      await this.#endLeases()
    }
  }

  /** A table without files to read needs none. */
  async #lease({ name, loaded, point, plan }: TablePlan): Promise<'held' | 'gone' | 'none'> {
    if (point.snapshot === null || plan.files.length === 0) return 'none'
    const request: LeaseRequest = {
      catalog: this.#catalog,
      table: name,
      loaded,
      snapshotId: point.snapshot['snapshot-id'],
      id: randomUUID(),
      forMs: this.#request.timeoutMs,
      now: Date.now,
      sleep,
    }
    const lease = await takeLease(request)
    if (lease.kind === 'held') this.#leases.push({ request, tag: lease.tag })
    if (lease.kind === 'none') {
      this.#notices.push(`no lease on ${formatTableName(name)}, its files may be removed meanwhile: ${lease.reason}`)
    }
    return lease.kind
  }

  async #endLeases(): Promise<void> {
    for (const { request, tag } of this.#leases.splice(0)) {
      const reason = await endLease(request, tag)
      if (reason !== null)
        this.#notices.push(`tag ${tag} on ${formatTableName(request.table)} stays until it ages out: ${reason}`)
    }
  }

  async #results(plan: QueryPlan): Promise<Pick<QueryOutcome, 'results' | 'rows'>> {
    const results: QueryResult[] = []
    for (;;) {
      const reply = await this.#database.next()
      switch (reply.kind) {
        case 'result':
          results.push(reply)
          break
        case 'done':
          return { results, rows: reply.rows }
        case 'failed':
          throw failed(reply, plan.known)
        case 'parsed':
          throw new Error('a run was answered parsed')
        default:
          assertNever(reply)
      }
    }
  }
}

/** Facts of a tree as DuckDB printed it; one that is nested too deep to read says nothing. */
function factsOf(tree: string | null): QueryFacts | null {
  if (tree === null) return null
  try {
    return readQuery(parseJson(tree))
  } catch {
    return null
  }
}

function failed(
  { reason, text }: { readonly reason: 'sql' | 'memory' | 'output'; readonly text: string },
  known: readonly string[],
): IngestError {
  switch (reason) {
    case 'memory':
      return new IngestError('QUERY_LIMIT', { option: '--memory' }, new Error(text))
    case 'output':
      return new IngestError('QUERY_OUTPUT', {}, new Error(text))
    case 'sql': {
      const isMissing = /^Catalog Error: Table with name .* does not exist/.test(text)
      const tables = isMissing ? `\nTables: ${known.join(', ') || 'none'}` : ''
      return new IngestError('QUERY_SQL', {}, new Error(`${text}${tables}`))
    }
  }
}
