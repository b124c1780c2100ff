// The tables of a catalog for the commands that show them: each is loaded, and one that cannot be read does not hide the others.
// Main thread; reads only.
import { IngestError } from '../../shared/errors.ts'
import { formatTableName, type TableName } from '../../shared/iceberg/catalog.ts'
import type { Output } from '../command.ts'
import { missing, type OpenedTable, type TablesConfig, withCatalog } from '../open-tables.ts'
import { openProgressLine } from '../terminal/progress.ts'
import type { LookPorts } from './table-look.ts'

/** A table that cannot be read, with why. */
export interface UnreadableTable {
  readonly kind: 'unreadable'
  readonly name: TableName
  readonly error: IngestError
}

/** What came of a table. */
export type Seen<T> = { readonly kind: 'seen'; readonly value: T } | UnreadableTable

export interface CatalogView extends LookPorts {
  /** All tables of the catalog, by name. */
  readonly names: readonly TableName[]
}

/**
 * One table by name, or all. An error that the world makes belongs to its table where all are shown, and ends the command where
 * one was asked for. `screen` shows the progress, if it is a terminal.
 * Errors: CATALOG_UNREADABLE, CATALOG_LOCKED, TABLE_MISSING; of one table asked for also those of `use`.
 */
export function seeTables<T>(
  config: TablesConfig,
  screen: Output,
  use: (opened: OpenedTable, view: CatalogView) => Promise<T>,
): Promise<readonly Seen<T>[]> {
  return withCatalog(config, async (catalog, store) => {
    const line = openProgressLine(screen)
    const view = { catalog, store, names: await catalog.listTables(), onProgress: line.showText }
    try {
      const seen: Seen<T>[] = []
      for (const name of config.table === null ? view.names : [config.table]) {
        const found = await seeTable(name, view, use, config.table !== null)
        if (found !== null) seen.push(found)
        else if (config.table !== null) throw missing(name, config)
      }
      return seen
    } finally {
      line.clear()
    }
  })
}

/** Null: dropped since the catalog was listed. */
async function seeTable<T>(
  name: TableName,
  view: CatalogView,
  use: (opened: OpenedTable, view: CatalogView) => Promise<T>,
  isAskedFor: boolean,
): Promise<Seen<T> | null> {
  view.onProgress(`${formatTableName(name)}: metadata`)
  try {
    const loaded = await view.catalog.loadTable(name)
    return loaded === null ? null : { kind: 'seen', value: await use({ ...loaded, name }, view) }
  } catch (error) {
    if (isAskedFor || !(error instanceof IngestError)) throw error
    return { kind: 'unreadable', name, error }
  }
}
