// The SQLite file of an Iceberg SQL catalog: its tables as pyiceberg and Java make them, and the statements on them. Commit thread
// (libsql is synchronous). Several processes may have the file open: WAL and a busy timeout, and every write is one statement or
// one transaction. Synchronous = FULL: a commit that was reported must survive a power cut.
import { existsSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import Database from 'libsql'
import { type ErrorContext, IngestError } from '../errors.ts'

export interface CatalogRow {
  readonly namespace: string
  readonly name: string
  readonly metadataLocation: string
}

export interface CatalogDatabase {
  /** Location of the current metadata file, or null where there is no such table. */
  find(namespace: string, name: string): string | null
  list(): readonly CatalogRow[]
  /** Adds the table, and the namespace with its parents where missing, or neither. False where the table exists. */
  insert(namespace: string, name: string, metadataLocation: string): boolean
  /** Compare and set of the metadata location. False where it was not `previous`. */
  swap(namespace: string, name: string, previous: string, next: string): boolean
  close(): void
}

/**
 * Opens the file, makes the catalog's tables where missing, and switches to WAL.
 * Errors, also of later calls: CATALOG_UNREADABLE (no folder, no database, not an Iceberg catalog, not writable; removed or replaced
 * while it was open), CATALOG_LOCKED after `busyMsMax`.
 */
export function openCatalogDatabase(path: string, catalogName: string, busyMsMax: number): CatalogDatabase {
  const file = resolve(path)
  // Not made here: where a disk is not mounted, a new catalog in its place would begin every table anew.
  if (!existsSync(dirname(file)))
    throw new IngestError('CATALOG_UNREADABLE', { catalog: file, reason: 'its folder does not exist' })
  return guarded({ catalog: file }, () => {
    const database = new Database(file, { timeout: busyMsMax })
    try {
      database.pragma(`busy_timeout = ${busyMsMax}`)
      database.pragma('journal_mode = WAL')
      database.pragma('synchronous = FULL')
      makeTables(database)
      return databaseOf(database, catalogName, { catalog: file, check: sameFile(file) })
    } catch (error) {
      database.close()
      throw error
    }
  })
}

function makeTables(database: Database.Database): void {
  // Read first, so that a catalog that is there already can be opened while another process writes to it.
  const present = database
    .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'iceberg_%'")
    .all()
  if (present.length >= 2) return
  database.exec(`
    CREATE TABLE IF NOT EXISTS iceberg_tables (
      catalog_name VARCHAR(255) NOT NULL,
      table_namespace VARCHAR(255) NOT NULL,
      table_name VARCHAR(255) NOT NULL,
      metadata_location VARCHAR(1000),
      previous_metadata_location VARCHAR(1000),
      iceberg_type VARCHAR(5),
      PRIMARY KEY (catalog_name, table_namespace, table_name)
    );
    CREATE TABLE IF NOT EXISTS iceberg_namespace_properties (
      catalog_name VARCHAR(255) NOT NULL,
      namespace VARCHAR(255) NOT NULL,
      property_key VARCHAR(255) NOT NULL,
      property_value VARCHAR(1000) NOT NULL,
      PRIMARY KEY (catalog_name, namespace, property_key)
    );`)
}

/**
 * Throws CATALOG_UNREADABLE once the path no longer leads to the file that is open now. SQLite goes on in a file that was removed, and
 * what is committed there is gone with the process; its own check for that (SQLITE_READONLY_DBMOVED) does not hold in WAL mode.
 */
function sameFile(file: string): () => void {
  const identity = identityOf(file)
  return () => {
    if (identityOf(file) === identity) return
    const reason = 'the file was removed or replaced while it was open'
    throw new IngestError('CATALOG_UNREADABLE', { catalog: file, reason })
  }
}

function identityOf(file: string): string {
  const found = statSync(file, { bigint: true, throwIfNoEntry: false })
  return found === undefined ? '' : `${found.dev}/${found.ino}`
}

function databaseOf(
  database: Database.Database,
  catalogName: string,
  { catalog, check }: { readonly catalog: string; readonly check: () => void },
): CatalogDatabase {
  const context = { catalog }
  // Catalogs made before views existed have no iceberg_type column; they are used as they are.
  const columns = database.prepare('SELECT name FROM pragma_table_info(?)').all('iceberg_tables')
  const hasType = columns.some((column) => textOf(column, 'name') === 'iceberg_type')
  const isTable = hasType ? "AND (iceberg_type = 'TABLE' OR iceberg_type IS NULL)" : ''
  const where = `WHERE catalog_name = ? AND table_namespace = ? AND table_name = ?`
  const find = database.prepare(`SELECT metadata_location FROM iceberg_tables ${where} ${isTable}`)
  const list = database.prepare(
    `SELECT table_namespace, table_name, metadata_location FROM iceberg_tables WHERE catalog_name = ? ${isTable}
     ORDER BY table_namespace, table_name`,
  )
  const insert = database.prepare(
    `INSERT INTO iceberg_tables (catalog_name, table_namespace, table_name, metadata_location, previous_metadata_location
     ${hasType ? ', iceberg_type' : ''}) VALUES (?, ?, ?, ?, NULL ${hasType ? ", 'TABLE'" : ''})`,
  )
  const insertNamespace = database.prepare(
    `INSERT OR IGNORE INTO iceberg_namespace_properties (catalog_name, namespace, property_key, property_value)
     VALUES (?, ?, 'exists', 'true')`,
  )
  const swap = database.prepare(
    `UPDATE iceberg_tables SET metadata_location = ?, previous_metadata_location = ? ${where} AND metadata_location = ?`,
  )
  const insertAll = database.transaction((namespace: string, name: string, metadataLocation: string) => {
    const levels = namespace.split('.')
    for (const depth of levels.keys()) insertNamespace.run(catalogName, levels.slice(0, depth + 1).join('.'))
    insert.run(catalogName, namespace, name, metadataLocation)
  })
  return {
    find: (namespace, name) => {
      check()
      return guarded(context, () => textOf(find.get(catalogName, namespace, name), 'metadata_location'))
    },
    list: () => guarded(context, () => list.all(catalogName).flatMap(catalogRow)),
    insert: (namespace, name, metadataLocation) => {
      check()
      try {
        insertAll.immediate(namespace, name, metadataLocation)
        return true
      } catch (error) {
        if (sqliteCode(error).startsWith('SQLITE_CONSTRAINT')) return false
        throw writeError(error, context)
      }
    },
    swap: (namespace, name, previous, next) => {
      check()
      try {
        return swap.run(next, previous, catalogName, namespace, name, previous).changes === 1
      } catch (error) {
        throw writeError(error, context)
      }
    },
    close: () => {
      database.close()
    },
  }
}

function catalogRow(row: unknown): CatalogRow[] {
  const namespace = textOf(row, 'table_namespace')
  const name = textOf(row, 'table_name')
  const metadataLocation = textOf(row, 'metadata_location')
  return namespace === null || name === null || metadataLocation === null ? [] : [{ namespace, name, metadataLocation }]
}

function textOf(row: unknown, column: string): string | null {
  if (typeof row !== 'object' || row === null) return null
  const value: unknown = Object.entries(row).find(([name]) => name === column)?.[1]
  return typeof value === 'string' ? value : null
}

function guarded<T>(context: ErrorContext, run: () => T): T {
  try {
    return run()
  } catch (error) {
    throw catalogError(error, context)
  }
}

/** What an error of a reading statement means: busy and locked can pass, the rest a person has to look at. */
function catalogError(error: unknown, context: ErrorContext): unknown {
  const code = sqliteCode(error)
  if (isBusy(code)) return new IngestError('CATALOG_LOCKED', context, error)
  const isUnreadable = unreadableCodes.some((unreadable) => code.startsWith(unreadable))
  // libsql gives an open that failed no code, only this text.
  const isUnopened = error instanceof Error && error.message.startsWith('ConnectionFailed')
  return isUnreadable || isUnopened ? new IngestError('CATALOG_UNREADABLE', context, error) : error
}

/**
 * What an error of a writing statement means. Only where SQLite certainly did not apply it is it one of ours: busy, locked, read
 * only. Anything else passes through as it is, since its outcome is unknown.
 */
function writeError(error: unknown, context: ErrorContext): unknown {
  const code = sqliteCode(error)
  if (isBusy(code)) return new IngestError('CATALOG_LOCKED', context, error)
  return code.startsWith('SQLITE_READONLY') ? new IngestError('CATALOG_UNREADABLE', context, error) : error
}

const isBusy = (code: string): boolean => code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')

const unreadableCodes = [
  'SQLITE_NOTADB',
  'SQLITE_CANTOPEN',
  'SQLITE_READONLY',
  'SQLITE_PERM',
  'SQLITE_AUTH',
  'SQLITE_ERROR',
]

function sqliteCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}
