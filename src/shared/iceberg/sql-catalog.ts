// The SQL catalog in a SQLite file, shared with pyiceberg and Java (same tables, same metadata files). Commit thread.
// A commit writes a new metadata file, then swaps the location in one UPDATE that names the old one: one row changed = done,
// none = another commit came first. One attempt per call. Invariant: a metadata file that the catalog might name is never deleted.
import { randomUUID } from 'node:crypto'
import { IngestError } from '../errors.ts'
import type { Store } from '../store/store.ts'
import {
  type Catalog,
  type CommitOutcome,
  formatTableName,
  type LoadedTable,
  type NewTable,
  type TableName,
} from './catalog.ts'
import { type CatalogDatabase, openCatalogDatabase } from './catalog-database.ts'
import type { TableMetadata, TableRequirement, TableUpdate } from './metadata.ts'
import { parseTableMetadata, writeTableMetadata } from './metadata-json.ts'
import { newTableMetadata } from './new-table.ts'
import { comparable, metadataFileLocation, metadataFolder, versionHint } from './table-location.ts'
import { checkRequirements } from './table-requirements.ts'
import { applyUpdates } from './table-updates.ts'

export interface SqlCatalogOptions {
  /** Path of the SQLite file; made where missing, its folder is not. */
  readonly file: string
  /** Where metadata files are read and written. */
  readonly store: Store
  /** `catalog_name` of the rows; other engines must be given the same. */
  readonly name?: string
  /** Wall-clock ms. */
  readonly now?: () => number
  /** How long a statement waits for another process's write. The thread stands still meanwhile. */
  readonly busyMsMax?: number
}

/** Tables whose parsed metadata is kept: metadata files never change, so the location says whether it is still current. */
const tablesCachedMax = 16
/** A file read between two commits of others may be deleted under us: looked up again this often. */
const loadAttemptsMax = 3

/** Opens the catalog. Errors: CATALOG_UNREADABLE, CATALOG_LOCKED, both with the path. */
export function openSqlCatalog(options: SqlCatalogOptions): Catalog {
  const database = openCatalogDatabase(options.file, options.name ?? 'k2', options.busyMsMax ?? 5_000)
  return new SqlCatalog(database, options.store, options.now ?? Date.now)
}

class SqlCatalog implements Catalog {
  readonly #database: CatalogDatabase
  readonly #store: Store
  readonly #now: () => number
  readonly #cache = new Map<string, LoadedTable>()

  constructor(database: CatalogDatabase, store: Store, now: () => number) {
    this.#database = database
    this.#store = store
    this.#now = now
  }

  async loadTable(name: TableName): Promise<LoadedTable | null> {
    for (let attempt = 1; ; attempt++) {
      const location = this.#database.find(namespaceOf(name), name.name)
      if (location === null) return null
      try {
        return await this.#loadMetadata(name, location)
      } catch (error) {
        const isGone = error instanceof IngestError && error.code === 'STORE_MISSING'
        if (!isGone || attempt >= loadAttemptsMax) throw error
      }
    }
  }

  async createTable(name: TableName, table: NewTable): Promise<CommitOutcome> {
    if (this.#database.find(namespaceOf(name), name.name) !== null) return exists(name)
    const metadata = newTableMetadata(table, { uuid: randomUUID(), now: this.#now() })
    const location = metadataFileLocation(metadataFolder(metadata), null, randomUUID())
    return await this.#publish(name, { metadata, metadataLocation: location }, () =>
      this.#database.insert(namespaceOf(name), name.name, location) ? null : exists(name),
    )
  }

  async updateTable(
    name: TableName,
    requirements: readonly TableRequirement[],
    updates: readonly TableUpdate[],
  ): Promise<CommitOutcome> {
    const base = await this.loadTable(name)
    const failed = checkRequirements(base?.metadata ?? null, requirements)
    if (failed !== null) return { kind: 'conflict', reason: failed }
    if (base === null) return { kind: 'rejected', reason: `no table ${formatTableName(name)}` }
    const { metadataLocation: previous } = base
    const applied = applyOrRefuse(base.metadata, updates, { now: this.#now(), previousLocation: previous })
    if ('kind' in applied) return applied
    const location = metadataFileLocation(metadataFolder(applied), previous, randomUUID())
    const outcome = await this.#publish(name, { metadata: applied, metadataLocation: location }, () =>
      this.#database.swap(namespaceOf(name), name.name, previous, location)
        ? null
        : { kind: 'conflict', reason: 'another commit changed the metadata location' },
    )
    if (outcome.kind === 'done') await this.#deleteDropped(base.metadata, outcome.table)
    return outcome
  }

  async listTables(): Promise<readonly TableName[]> {
    return this.#database.list().map((row) => ({ namespace: row.namespace.split('.'), name: row.name }))
  }

  async close(): Promise<void> {
    this.#cache.clear()
    this.#database.close()
  }

  async #loadMetadata(name: TableName, metadataLocation: string): Promise<LoadedTable> {
    const known = this.#cache.get(formatTableName(name))
    if (known?.metadataLocation === metadataLocation) return known
    const metadata = parseTableMetadata(await this.#store.read(metadataLocation), metadataLocation)
    return this.#remember(name, { metadata, metadataLocation })
  }

  /**
   * Writes the metadata file, then makes the catalog name it. `enter` returns null if it did, else the outcome of a refusal.
   * The file goes again only where the catalog certainly does not name it.
   */
  async #publish(name: TableName, table: LoadedTable, enter: () => CommitOutcome | null): Promise<CommitOutcome> {
    const location = table.metadataLocation
    await this.#store.putIfAbsent(location, writeTableMetadata(table.metadata))
    let refusal: CommitOutcome | null
    try {
      refusal = enter()
    } catch (error) {
      if (!(error instanceof IngestError)) return { kind: 'unknown', reason: String(error) }
      await this.#discard(location)
      throw error
    }
    if (refusal !== null) {
      await this.#discard(location)
      return refusal
    }
    await this.#store.hint(`${metadataFolder(table.metadata)}/version-hint.text`, versionHint(location))
    return { kind: 'done', table: this.#remember(name, table) }
  }

  /**
   * Deletes the metadata files that this commit dropped from the metadata log, if the table says so. Only files in the table's
   * own folder: a registered table may share older ones with another.
   */
  async #deleteDropped(before: TableMetadata, after: LoadedTable): Promise<void> {
    const { metadata } = after
    if (metadata.properties['write.metadata.delete-after-commit.enabled'] !== 'true') return
    const needed = new Set(metadata['metadata-log'].map((entry) => comparable(entry['metadata-file'])))
    needed.add(comparable(after.metadataLocation))
    const folder = comparable(`${metadataFolder(metadata)}/`)
    for (const { 'metadata-file': file } of before['metadata-log']) {
      if (!needed.has(comparable(file)) && comparable(file).startsWith(folder)) await this.#discard(file)
    }
  }

  /** A file that stays is an orphan and harms nobody, so a failure is no error. */
  async #discard(location: string): Promise<void> {
    await this.#store.delete(location).catch(() => undefined)
  }

  #remember(name: TableName, table: LoadedTable): LoadedTable {
    const key = formatTableName(name)
    this.#cache.delete(key)
    this.#cache.set(key, table)
    const [oldest] = this.#cache.keys()
    if (this.#cache.size > tablesCachedMax && oldest !== undefined) this.#cache.delete(oldest)
    return table
  }
}

/** The updated metadata, or how the update is refused. Shared with the double of this catalog. */
export function applyOrRefuse(
  base: TableMetadata,
  updates: readonly TableUpdate[],
  context: Parameters<typeof applyUpdates>[2],
): TableMetadata | Extract<CommitOutcome, { kind: 'conflict' | 'rejected' }> {
  try {
    return applyUpdates(base, updates, context)
  } catch (error) {
    if (!(error instanceof IngestError)) throw error
    const reason = String(error.context['reason'] ?? error.message)
    if (error.code === 'COMMIT_CONFLICT') return { kind: 'conflict', reason }
    if (error.code === 'COMMIT_REJECTED') return { kind: 'rejected', reason }
    throw error
  }
}

const namespaceOf = (name: TableName): string => name.namespace.join('.')

const exists = (name: TableName): CommitOutcome => ({
  kind: 'conflict',
  reason: `table ${formatTableName(name)} exists`,
})
