// Opens the tables that a command only looks at. Main thread: the commit thread owns the catalog of a run, but a command that
// shows something is a reader like any other engine. Nothing is made: a missing catalog stays missing.
import { existsSync } from 'node:fs'
import { IngestError } from '../shared/errors.ts'
import { type Catalog, formatTableName, type LoadedTable, type TableName } from '../shared/iceberg/catalog.ts'
import { openSqlCatalog } from '../shared/iceberg/sql-catalog.ts'
import type { CatalogAddress } from '../shared/option-values.ts'
import { openFolderStore } from '../shared/store/folder-store.ts'
import type { Store } from '../shared/store/store.ts'

export interface OpenedTable extends LoadedTable {
  readonly name: TableName
}

export interface TablesConfig {
  readonly catalog: CatalogAddress
  readonly warehouse: string
  /** One table, or null for all of the catalog. */
  readonly table: TableName | null
}

/** Opens the catalog for `use`, and closes it behind it. Errors: CATALOG_UNREADABLE, CATALOG_LOCKED, those of `use`. */
export async function withCatalog<T>(
  config: Pick<TablesConfig, 'catalog' | 'warehouse'>,
  use: (catalog: Catalog, store: Store) => Promise<T>,
): Promise<T> {
  const { file } = config.catalog
  if (!existsSync(file)) throw new IngestError('CATALOG_UNREADABLE', { file, reason: 'no such file' })
  const store = openFolderStore(config.warehouse)
  const catalog = openSqlCatalog({ file, store })
  try {
    return await use(catalog, store)
  } finally {
    await catalog.close()
  }
}

/**
 * Loads the tables and hands them, one after the other by name, to `use`.
 * Errors: CATALOG_UNREADABLE, CATALOG_LOCKED, TABLE_MISSING, TABLE_METADATA, STORE_*.
 */
export function mapTables<T>(
  config: TablesConfig,
  use: (table: OpenedTable, store: Store, catalog: Catalog) => Promise<T>,
): Promise<readonly T[]> {
  return withCatalog(config, async (catalog, store) => {
    const results: T[] = []
    for (const name of config.table === null ? await catalog.listTables() : [config.table]) {
      const loaded = await catalog.loadTable(name)
      if (loaded !== null) results.push(await use({ ...loaded, name }, store, catalog))
      else if (config.table !== null) throw missing(name, config)
    }
    return results
  })
}

/** A table that was asked for is there, or this. */
export const missing = (name: TableName, { catalog }: Pick<TablesConfig, 'catalog'>): IngestError =>
  new IngestError('TABLE_MISSING', { table: formatTableName(name), file: catalog.file })
