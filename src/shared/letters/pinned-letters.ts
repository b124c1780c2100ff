// The dead letters of one main table at one moment: the files of one snapshot of `<main>_dead_letters`, and those that main names and
// that table does not hold yet (guard 6). One thread. Invariant: main is read first, the side table second, so that what main has
// forgotten by then is in there.
import { positionsSaid } from '../commit/change-plan.ts'
import type { Positions } from '../commit/positions.ts'
import { readPositions } from '../commit/read-positions.ts'
import { IngestError } from '../errors.ts'
import { branchHead } from '../iceberg/append.ts'
import { type Catalog, formatTableName, type TableName } from '../iceberg/catalog.ts'
import type { DataFile } from '../iceberg/data-file.ts'
import type { TableMetadata } from '../iceberg/metadata.ts'
import { listFiles } from '../iceberg/read-table.ts'
import type { IcebergSchema } from '../iceberg/schema.ts'
import type { Store } from '../store/store.ts'

export interface PinnedLetters {
  /** The main table. */
  readonly table: string
  readonly main: TableMetadata
  /** What main says of its progress; null where it cannot be read. */
  readonly positions: Positions | null
  /** Of the side table; null while it is empty. */
  readonly snapshotId: bigint | null
  readonly schema: IcebergSchema
  readonly files: readonly LetterFile[]
  /** What keeps the answer from being whole, in words. */
  readonly remarks: readonly string[]
}

export interface LetterFile {
  readonly location: string
  /** Null: main names it, and no manifest describes it yet. */
  readonly described: DataFile | null
}

export const lettersTable = (main: TableName): TableName => ({ ...main, name: `${main.name}_dead_letters` })

/** Errors: TABLE_MISSING, SIDE_TABLE_MISSING, VERIFY_UNSUPPORTED (delete files), TABLE_METADATA; those of catalog and store. */
export async function pinLetters(
  ports: { readonly catalog: Catalog; readonly store: Store },
  main: TableName,
): Promise<PinnedLetters> {
  const table = formatTableName(main)
  const mainLoaded = await ports.catalog.loadTable(main)
  if (mainLoaded === null) throw new IngestError('TABLE_MISSING', { table })
  const name = formatTableName(lettersTable(main))
  const side = (await ports.catalog.loadTable(lettersTable(main)))?.metadata
  if (side === undefined) throw new IngestError('SIDE_TABLE_MISSING', { table: name, main: table })
  const head = branchHead(side, 'main')
  const { dataFiles, deleteFiles } =
    head === null ? { dataFiles: [], deleteFiles: [] } : await listFiles(ports.store, head)
  const [deletes] = deleteFiles
  if (deletes !== undefined) {
    throw new IngestError('VERIFY_UNSUPPORTED', { table: name, reason: `${deletes.kind} deletes of another writer` })
  }
  const { positions, remarks } = progressOf(mainLoaded.metadata, table)
  const files = dataFiles.map(({ file }): LetterFile => ({ location: file.location, described: file }))
  const known = new Set(files.map(({ location }) => location))
  const waiting = new Set(
    (positions?.unconfirmed ?? []).filter((entry) => entry.table === name).flatMap((entry) => entry.files),
  )
  for (const location of waiting) if (!known.has(location)) files.push({ location, described: null })
  return {
    table,
    main: mainLoaded.metadata,
    positions,
    snapshotId: head?.['snapshot-id'] ?? null,
    schema: currentSchema(side, name),
    files,
    remarks,
  }
}

/** Side files that main names count only where its marks do; the table of dead letters can be read whatever they are worth. */
function progressOf(metadata: TableMetadata, table: string): Pick<PinnedLetters, 'positions' | 'remarks'> {
  const said = positionsSaid(metadata)
  if (said === null) return { positions: null, remarks: [`the positions of ${table} cannot be read`] }
  const verdict = readPositions(metadata)
  if (verdict.kind !== 'stop') return { positions: said, remarks: [] }
  const why = `the positions of ${table} are not to be trusted (${verdict.reason}): only its table of dead letters was read`
  return { positions: null, remarks: [why] }
}

function currentSchema(metadata: TableMetadata, table: string): IcebergSchema {
  const schema = metadata.schemas.find((each) => each['schema-id'] === metadata['current-schema-id'])
  if (schema === undefined) throw new IngestError('TABLE_METADATA', { table, field: 'current-schema-id' })
  return schema
}
