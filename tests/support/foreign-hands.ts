// What others do to a table of a SQL catalog and a folder: files taken away or overwritten, rows of the catalog changed, properties
// set. Each says how it is undone, so that a test can show that a run goes on.
import { randomUUID } from 'node:crypto'
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import Database from 'libsql'
import { branchHead } from '../../src/shared/iceberg/append.ts'
import type { TableMetadata, TableUpdate } from '../../src/shared/iceberg/metadata.ts'
import { listFiles } from '../../src/shared/iceberg/read-table.ts'
import { openSqlCatalog } from '../../src/shared/iceberg/sql-catalog.ts'
import { pathOfLocation } from '../../src/shared/store/file-location.ts'
import { openFolderStore } from '../../src/shared/store/folder-store.ts'
import type { Place } from './k2-process.ts'

export type Undo = () => Promise<void>

const NAMESPACE = ['market_data']

/** Puts a file's content in another's place; null: the file is gone. */
export async function replaced(place: Place, path: string, content: string | Uint8Array | null): Promise<Undo> {
  const kept = join(place.folder, randomUUID())
  await rename(path, kept)
  if (content !== null) await writeFile(path, content)
  return () => rename(kept, path)
}

/** A connection of its own to the catalog's file. */
export function inDatabase<T>(place: Place, use: (database: Database.Database) => T): T {
  const database = new Database(place.catalog)
  try {
    return use(database)
  } finally {
    database.close()
  }
}

interface CatalogRow {
  readonly table_name: string
  readonly metadata_location: string
}

/** Metadata locations by table, as the catalog has them. */
export const locations = (place: Place): ReadonlyMap<string, string> =>
  inDatabase(place, (database) => {
    // SQLite's rows are untyped; the columns are those of the SQL catalog.
    const rows = database.prepare('SELECT table_name, metadata_location FROM iceberg_tables').all() as CatalogRow[]
    return new Map(rows.map((row) => [row.table_name, row.metadata_location]))
  })

export function locationOf(place: Place, table = 'trades_v2'): string {
  const location = locations(place).get(table)
  if (location === undefined) throw new Error(`no table ${table}`)
  return location
}

/** The catalog names other metadata of a table from now on, as after DROP and register. */
export function pointTo(place: Place, location: string, table = 'trades_v2'): void {
  inDatabase(place, (database) => {
    const update = database.prepare('UPDATE iceberg_tables SET metadata_location = ? WHERE table_name = ?')
    if (update.run(location, table).changes !== 1) throw new Error(`no table ${table}`)
  })
}

/** A name for the trigger that stands in the way of commits. */
const TRIGGER = 'somebody_else'

/** Every commit to the table loses its race: an update of its row changes none. `winner`: metadata that is there instead. */
export function lostRaces(place: Place, table: string, winner: string | null = null): () => void {
  const wins =
    winner === null ? '' : `UPDATE iceberg_tables SET metadata_location = '${winner}' WHERE table_name = '${table}';`
  const when = `BEFORE UPDATE ON iceberg_tables WHEN NEW.table_name = '${table}'`
  inDatabase(place, (database) =>
    database.exec(`CREATE TRIGGER ${TRIGGER} ${when} BEGIN ${wins} SELECT RAISE(IGNORE); END`),
  )
  return () => inDatabase(place, (database) => database.exec(`DROP TRIGGER ${TRIGGER}`))
}

/** What another engine commits without looking at anything. */
export async function change(
  place: Place,
  updatesOf: (metadata: TableMetadata) => readonly TableUpdate[],
  table = 'trades_v2',
): Promise<void> {
  const catalog = openSqlCatalog({ file: place.catalog, store: openFolderStore(place.warehouse) })
  try {
    const name = { namespace: NAMESPACE, name: table }
    const loaded = await catalog.loadTable(name)
    if (loaded === null) throw new Error(`no table ${table}`)
    const outcome = await catalog.updateTable(name, [], updatesOf(loaded.metadata))
    if (outcome.kind !== 'done') throw new Error(outcome.reason)
  } finally {
    await catalog.close()
  }
}

/** Sets a property; undone, it has its former value again. */
export async function withProperty(place: Place, name: string, value: string): Promise<Undo> {
  let before: string | undefined
  await change(place, ({ properties }) => {
    before = properties[name]
    return [{ action: 'set-properties', updates: { [name]: value } }]
  })
  return () =>
    change(place, () => [
      before === undefined
        ? { action: 'remove-properties', removals: [name] }
        : { action: 'set-properties', updates: { [name]: before } },
    ])
}

export interface TableFiles {
  readonly metadata: string
  readonly manifestList: string
  readonly data: readonly string[]
}

/** Paths of the files of a table's head. */
export async function filesOf(place: Place, table = 'trades_v2'): Promise<TableFiles> {
  const store = openFolderStore(place.warehouse)
  const catalog = openSqlCatalog({ file: place.catalog, store })
  try {
    const loaded = await catalog.loadTable({ namespace: NAMESPACE, name: table })
    const head = loaded === null ? null : branchHead(loaded.metadata, 'main')
    if (loaded === null || head === null) throw new Error(`${table} has no snapshot`)
    const { dataFiles } = await listFiles(store, head)
    return {
      metadata: path(loaded.metadataLocation),
      manifestList: path(head['manifest-list']),
      data: dataFiles.map(({ file }) => path(file.location)),
    }
  } finally {
    await catalog.close()
  }
}

function path(location: string): string {
  const found = pathOfLocation(location)
  if (found === null) throw new Error(`${location} is no file`)
  return found
}
