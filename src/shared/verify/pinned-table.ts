// What is compared: one snapshot of the main table, its positions, and the dead letters that belong to it. One thread.
// Invariant: everything follows from one metadata of main, read before the side table: what main has confirmed is then in there.

import { type ColumnChoices, readColumnChoices } from '../columns/column-choices.ts'
import { MAIN_BRANCH } from '../commit/ancestry.ts'
import type { Positions } from '../commit/positions.ts'
import { COMMIT_ID_KEY, readPositions } from '../commit/read-positions.ts'
import { IngestError } from '../errors.ts'
import { type Catalog, formatTableName, type TableName } from '../iceberg/catalog.ts'
import type { Snapshot, TableMetadata } from '../iceberg/metadata.ts'
import { listFiles } from '../iceberg/read-table.ts'
import type { IcebergSchema } from '../iceberg/schema.ts'
import type { Store } from '../store/store.ts'

/** A file to read; `recordCount` null where no manifest names it yet. */
export interface PinnedFile {
  readonly location: string
  readonly recordCount: number | null
  readonly sizeBytes: number | null
  /** `ours`: added by a snapshot that K2 committed. Of others: by another writer, rewritten by one, or of a snapshot that has expired. */
  readonly addedBy: 'ours' | 'others'
  readonly format: string
}

export interface PinnedTable {
  readonly name: string
  readonly schema: IcebergSchema
  /** Which fields of a record have a column of another name, or none, as the table's own property says. */
  readonly columns: ColumnChoices
  readonly snapshot: Snapshot | null
  readonly positions: Positions
  readonly files: readonly PinnedFile[]
  readonly letters: {
    readonly name: string
    readonly schema: IcebergSchema
    readonly snapshot: Snapshot | null
    readonly files: readonly PinnedFile[]
  }
  /** What is wrong with the manifests, in words. */
  readonly problems: readonly string[]
}

export interface TablePorts {
  readonly catalog: Catalog
  readonly store: Store
}

/**
 * Errors: TABLE_MISSING, TABLE_FOREIGN, POSITIONS_UNTRUSTED, SIDE_TABLE_MISSING, VERIFY_UNSUPPORTED (delete files); those of
 * catalog and store.
 */
export async function pinTable(ports: TablePorts, table: TableName): Promise<PinnedTable> {
  const name = formatTableName(table)
  const loaded = await ports.catalog.loadTable(table)
  if (loaded === null) throw new IngestError('TABLE_MISSING', { table: name })
  const { metadata } = loaded
  const positions = trustedPositions(metadata, name)
  const snapshot = headSnapshot(metadata)
  const main = await filesOf(ports.store, metadata, name)
  const letters = await pinLetters(ports, table, positions)
  return {
    name,
    schema: currentSchema(metadata, name),
    columns: readColumnChoices(metadata.properties, name),
    snapshot,
    positions,
    files: main.files,
    letters,
    problems: [...main.problems, ...letters.problems],
  }
}

/** Positions by the read rule of the commit protocol. `evidence`: rows decide, and rows are what is counted here. */
export function trustedPositions(metadata: TableMetadata, table: string): Positions {
  const verdict = readPositions(metadata)
  switch (verdict.kind) {
    case 'none':
      throw new IngestError('TABLE_FOREIGN', { table })
    case 'stop':
      throw new IngestError('POSITIONS_UNTRUSTED', { table, reason: verdict.reason })
    default:
      return verdict.positions
  }
}

function headSnapshot(metadata: TableMetadata): Snapshot | null {
  const id = metadata.refs[MAIN_BRANCH]?.['snapshot-id'] ?? metadata['current-snapshot-id']
  return metadata.snapshots.find((snapshot) => snapshot['snapshot-id'] === id) ?? null
}

function currentSchema(metadata: TableMetadata, table: string): IcebergSchema {
  const schema = metadata.schemas.find((candidate) => candidate['schema-id'] === metadata['current-schema-id'])
  if (schema === undefined) throw new IngestError('TABLE_METADATA', { table, reason: 'current schema is not there' })
  return schema
}

async function pinLetters(
  ports: TablePorts,
  main: TableName,
  positions: Positions,
): Promise<PinnedTable['letters'] & { readonly problems: readonly string[] }> {
  const table = { ...main, name: `${main.name}_dead_letters` }
  const name = formatTableName(table)
  const loaded = await ports.catalog.loadTable(table)
  if (loaded === null) throw new IngestError('SIDE_TABLE_MISSING', { table: name })
  const { files, problems } = await filesOf(ports.store, loaded.metadata, name)
  const known = new Set(files.map((file) => file.location))
  const waiting = positions.unconfirmed.filter((entry) => entry.table === name).flatMap((entry) => entry.files)
  const added = [...new Set(waiting)].filter((location) => !known.has(location))
  const unknown = { recordCount: null, sizeBytes: null, addedBy: 'ours', format: 'PARQUET' } as const
  const unconfirmed = added.map((location) => ({ location, ...unknown }))
  const snapshot = headSnapshot(loaded.metadata)
  return { name, schema: currentSchema(loaded.metadata, name), snapshot, files: [...files, ...unconfirmed], problems }
}

/** Whether a snapshot that was pinned is in its table no more: its files may be gone by right. */
export async function hasExpired({ catalog }: TablePorts, main: TableName, pinned: PinnedTable): Promise<boolean> {
  const side = { ...main, name: `${main.name}_dead_letters` }
  for (const [name, snapshot] of [[main, pinned.snapshot] as const, [side, pinned.letters.snapshot] as const]) {
    const id = snapshot?.['snapshot-id']
    const loaded = id === undefined ? null : await catalog.loadTable(name)
    if (loaded !== null && !loaded.metadata.snapshots.some((each) => each['snapshot-id'] === id)) return true
  }
  return false
}

/** Live files of a snapshot, with what its manifests contradict each other in. */
async function filesOf(
  store: Store,
  metadata: TableMetadata,
  table: string,
): Promise<{ readonly files: PinnedFile[]; readonly problems: string[] }> {
  const snapshot = headSnapshot(metadata)
  if (snapshot === null) return { files: [], problems: [] }
  const { dataFiles, deleteFiles } = await listFiles(store, snapshot)
  const [deletes] = deleteFiles
  if (deletes !== undefined) {
    throw new IngestError('VERIFY_UNSUPPORTED', {
      table,
      reason: `${deleteFiles.length} ${deletes.kind} delete files of another writer`,
      file: deletes.location,
    })
  }
  const own = new Set(metadata.snapshots.filter(isOwn).map((each) => each['snapshot-id']))
  const files = dataFiles.map(({ file, snapshotId, format }) => ({
    location: file.location,
    recordCount: file.recordCount,
    sizeBytes: file.sizeBytes,
    addedBy: own.has(snapshotId) ? ('ours' as const) : ('others' as const),
    format,
  }))
  return { files, problems: contradictions(files, snapshot, table) }
}

const isOwn = (snapshot: Snapshot): boolean => snapshot.summary[COMMIT_ID_KEY] !== undefined

function contradictions(files: readonly PinnedFile[], snapshot: Snapshot, table: string): string[] {
  const problems: string[] = []
  const seen = new Map<string, number>()
  for (const { location } of files) seen.set(location, (seen.get(location) ?? 0) + 1)
  for (const [location, count] of seen) {
    if (count > 1) problems.push(`${table}: manifests name ${location} ${count} times`)
  }
  const totals: ReadonlyArray<readonly [string, number]> = [
    ['total-records', files.reduce((sum, file) => sum + (file.recordCount ?? 0), 0)],
    ['total-data-files', files.length],
  ]
  for (const [key, found] of totals) {
    const said = snapshot.summary[key]
    if (said !== undefined && said !== String(found)) {
      problems.push(`${table}: snapshot ${snapshot['snapshot-id']} says ${key} ${said}, its manifests say ${found}`)
    }
  }
  return problems
}
