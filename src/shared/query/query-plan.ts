// Plans a query over the tables of a catalog: which snapshot of each, which of its files, and the SQL that makes views of them and
// macros in an empty DuckDB. Any thread that may use catalog and store. Invariant: each table is planned on one metadata, loaded once.
import { ancestry } from '../commit/ancestry.ts'
import { IngestError } from '../errors.ts'
import { type Catalog, formatTableName, type LoadedTable, type TableName } from '../iceberg/catalog.ts'
import { partitionColumns, partitionPath } from '../iceberg/partition-transform.ts'
import { listFiles } from '../iceberg/read-table.ts'
import { planScan, type ScanPlan } from '../iceberg/scan-plan.ts'
import { bindPredicates, type Conjunction, type Predicate } from '../iceberg/scan-predicate.ts'
import { type AsOf, type ReadPoint, readPoint } from '../iceberg/scan-snapshot.ts'
import type { Store } from '../store/store.ts'
import { quoted } from './duckdb-type.ts'
import { fileRows, metadataTable, refRows, snapshotRows } from './metadata-views.ts'
import { macrosInText, type TableUse, tablesInText, wantedOf } from './query-tables.ts'
import type { QueryFacts } from './sql-tree.ts'
import { viewPaths, viewSelect } from './table-view.ts'
import { tradeMacros } from './trade-macros.ts'

export interface QueryInput {
  readonly sql: string
  /** Null where the query is not one SELECT: nothing is known of it, everything is read. */
  readonly facts: QueryFacts | null
  /** A condition on the rows of one table. */
  readonly where: { readonly sql: string; readonly predicates: readonly Predicate[] } | null
  readonly asOf: AsOf
  /** Table that the macros and `where` are about; null: the one that fits. */
  readonly table: TableName | null
  readonly timezone: string
}

export interface TablePlan {
  readonly name: TableName
  readonly loaded: LoadedTable
  readonly point: ReadPoint
  readonly plan: ScanPlan
  /** Columns by whose conditions files could be left out. */
  readonly prunedBy: readonly string[]
}

export interface QueryPlan {
  /** Tables whose rows are read. */
  readonly tables: readonly TablePlan[]
  readonly paths: readonly string[]
  readonly session: readonly string[]
  /** What a person should know, in words. */
  readonly notices: readonly string[]
  /** Names to choose from. */
  readonly known: readonly string[]
}

/** Tables that are made without rows when the query names none, so that SHOW TABLES and DESCRIBE find them. */
const emptyTablesMax = 200

export interface QueryPorts {
  readonly catalog: Catalog
  readonly store: Store
}

/** Errors: QUERY_AS_OF, QUERY_UNSUPPORTED, TABLE_MISSING, TABLE_METADATA, those of catalog and store. */
export async function planQuery(ports: QueryPorts, input: QueryInput): Promise<QueryPlan> {
  const names = await ports.catalog.listTables()
  const opened = new OpenedTables(ports, input.asOf)
  const trades = macrosInText(input.sql) ? await findTrades(opened, names, input) : null
  const uses = usesOf(input, names, trades?.name ?? null)
  const whereTable = input.where === null ? null : tableOfWhere(input, uses)
  const session: string[] = []
  const paths: string[] = []
  const tables: TablePlan[] = []
  for (const use of uses) {
    const { loaded, point } = await opened.of(use.name)
    const isTrades = trades !== null && isSame(trades.name, use.name)
    const where = whereTable !== null && isSame(whereTable, use.name) ? input.where : null
    const wanted = wantedOf(input.facts, use.name, isTrades).map(
      (predicates): Conjunction => bindPredicates([...predicates, ...(where?.predicates ?? [])], point.schema),
    )
    const plan = use.isRead ? await planScan({ ...ports, metadata: loaded.metadata, point, wanted }) : null
    const table = formatTableName(use.name)
    const source = { table, metadata: loaded.metadata, schema: point.schema, plan, where: where?.sql ?? null }
    const { data, deletes } = viewPaths(source)
    paths.push(...data, ...deletes)
    session.push(`CREATE VIEW ${viewName(use.name)} AS ${viewSelect(source)}`)
    for (const kind of use.metadata)
      session.push(...(await metadataStatements(ports.store, use.name, kind, loaded, point)))
    if (plan !== null) tables.push({ name: use.name, loaded, point, plan, prunedBy: columnsOf(wanted, point) })
  }
  const macros = trades === null ? null : tradeMacros(viewName(trades.name), trades.point.schema, input.timezone)
  if (macros?.kind === 'macros') session.push(...macros.statements)
  const notices =
    macros?.kind === 'absent' ? [`no macros on ${formatTableName(trades?.name ?? noName)}: ${macros.reason}`] : []
  return {
    tables,
    paths,
    session: [...schemaStatements(uses), ...session],
    notices:
      trades === null && macrosInText(input.sql)
        ? [...notices, 'no table of trades for the macros: name one with --table']
        : notices,
    known: names.map(formatTableName),
  }
}

const noName: TableName = { namespace: [], name: '' }
const isSame = (a: TableName, b: TableName): boolean => formatTableName(a) === formatTableName(b)
const schemaName = ({ namespace }: TableName): string => quoted(namespace.join('.'))
const viewName = (name: TableName): string => `${schemaName(name)}.${quoted(name.name)}`

function schemaStatements(uses: readonly TableUse[]): readonly string[] {
  const schemas = [...new Set(uses.map(({ name }) => schemaName(name)))]
  const path = ['main', ...schemas].join(',').replaceAll("'", "''")
  return [...schemas.map((schema) => `CREATE SCHEMA IF NOT EXISTS ${schema}`), `SET search_path = '${path}'`]
}

/** Each table is loaded once: a query sees one state of it. */
class OpenedTables {
  readonly #ports: QueryPorts
  readonly #asOf: AsOf
  readonly #opened = new Map<string, { readonly loaded: LoadedTable; readonly point: ReadPoint }>()

  constructor(ports: QueryPorts, asOf: AsOf) {
    this.#ports = ports
    this.#asOf = asOf
  }

  async of(name: TableName): Promise<{ readonly loaded: LoadedTable; readonly point: ReadPoint }> {
    const table = formatTableName(name)
    const known = this.#opened.get(table)
    if (known !== undefined) return known
    const loaded = await this.#ports.catalog.loadTable(name)
    if (loaded === null) throw new IngestError('TABLE_MISSING', { table })
    const opened = { loaded, point: readPoint(loaded.metadata, this.#asOf, table) }
    this.#opened.set(table, opened)
    return opened
  }
}

interface Trades {
  readonly name: TableName
  readonly point: ReadPoint
}

/** The table that macros read: the one named by --table, or trades_v2, or the only one with such columns. */
async function findTrades(
  opened: OpenedTables,
  names: readonly TableName[],
  { table, sql }: QueryInput,
): Promise<Trades | null> {
  if (table !== null) return { name: table, point: (await opened.of(table)).point }
  const inText = tablesInText(sql, names).filter(({ isRead }) => isRead)
  const candidates =
    inText.length > 0 ? inText.map(({ name }) => name) : names.filter(isMainName).slice(0, emptyTablesMax)
  const fitting: Trades[] = []
  for (const name of candidates) {
    const { point } = await opened.of(name)
    if (tradeMacros('', point.schema, 'UTC').kind === 'macros') fitting.push({ name, point })
  }
  return fitting.find(({ name }) => name.name === 'trades_v2') ?? (fitting.length === 1 ? (fitting[0] ?? null) : null)
}

const isMainName = ({ name }: TableName): boolean => !/_(?:dead_letters|gaps|sequence_state)$/.test(name)

function usesOf(
  { sql, table }: QueryInput,
  names: readonly TableName[],
  trades: TableName | null,
): readonly TableUse[] {
  const inText = tablesInText(sql, names)
  const more = [trades, table].filter((name) => name !== null)
  if (inText.length === 0 && more.length === 0) {
    return names.slice(0, emptyTablesMax).map((name) => ({ name, isRead: false, metadata: [] }))
  }
  const missing = more.filter(
    (name, index) =>
      !inText.some((use) => isSame(use.name, name)) && more.findIndex((other) => isSame(other, name)) === index,
  )
  const added = missing.map(
    (name): TableUse => ({ name, isRead: trades !== null && isSame(name, trades), metadata: [] }),
  )
  const isTradesRead = (use: TableUse): boolean => use.isRead || (trades !== null && isSame(use.name, trades))
  return [...inText.map((use) => ({ ...use, isRead: isTradesRead(use) })), ...added]
}

/** Errors: QUERY_UNSUPPORTED where it is not clear which table is meant. */
function tableOfWhere({ table }: QueryInput, uses: readonly TableUse[]): TableName {
  if (table !== null) return table
  const read = uses.filter(({ isRead }) => isRead)
  const [only] = read
  if (only !== undefined && read.length === 1) return only.name
  const reason = `--where is about one table, the query reads ${read.length}: name it with --table`
  throw new IngestError('QUERY_UNSUPPORTED', { reason })
}

const columnsOf = (wanted: readonly Conjunction[], { schema }: ReadPoint): readonly string[] =>
  wanted.some((conditions) => conditions.length === 0)
    ? []
    : schema.fields
        .filter(({ id }) => wanted.some((conditions) => conditions.some(({ fieldId }) => fieldId === id)))
        .map(({ name }) => name)

async function metadataStatements(
  store: Store,
  name: TableName,
  kind: TableUse['metadata'][number],
  { metadata }: LoadedTable,
  { snapshot, schema }: ReadPoint,
): Promise<readonly string[]> {
  const view = `${schemaName(name)}.${quoted(`${name.name}_${kind}`)}`
  switch (kind) {
    case 'snapshots': {
      const onMain = new Set(ancestry(metadata).line.map((each) => each['snapshot-id']))
      return metadataTable(view, kind, snapshotRows(metadata, onMain))
    }
    case 'refs':
      return metadataTable(view, kind, refRows(metadata))
    case 'files': {
      const files = snapshot === null ? [] : (await listFiles(store, snapshot)).dataFiles
      const bySpec = new Map(
        metadata['partition-specs'].map((spec) => [spec['spec-id'], partitionColumns(spec, schema)]),
      )
      return metadataTable(
        view,
        kind,
        fileRows(files, ({ file }) => partitionPath(bySpec.get(file.specId) ?? [], file.partition)),
      )
    }
  }
}
