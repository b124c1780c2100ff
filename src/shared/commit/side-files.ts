// Side files between their writing and their table (guard 6). Main names the data files; what a manifest entry needs besides lies in
// a manifest of their own, written before main commits, at a place that follows from the names. Over the store port; commit
// thread, and main thread to look.
// Invariant: whoever reads main's `unconfirmed` can append the files without knowing who wrote them, or learns that they are gone.
import { createHash } from 'node:crypto'
import { assert, IngestError } from '../errors.ts'
import type { DataFile } from '../iceberg/data-file.ts'
import { dataFileOf, decodeManifest, encodeManifest, fileRecord } from '../iceberg/manifest.ts'
import type { ManifestFile } from '../iceberg/manifest-list.ts'
import type { TableMetadata } from '../iceberg/metadata.ts'
import { metadataFolder } from '../iceberg/table-location.ts'
import type { Store } from '../store/store.ts'
import type { Unconfirmed } from './positions.ts'

/** Where the manifest of these files lies: file names are unique, so their hash is. */
function sideManifest(side: TableMetadata, files: readonly string[], specId: number, schemaId: number): string {
  const name = createHash('sha256').update(files.join('\n')).digest('hex').slice(0, 32)
  return `${metadataFolder(side)}/unconfirmed-${name}-s${specId}-c${schemaId}.avro`
}

/** Every place where the manifest of these files may lie. */
export const sideManifests = (side: TableMetadata, files: readonly string[]): readonly string[] =>
  side['partition-specs'].flatMap((spec) =>
    side.schemas.map((schema) => sideManifest(side, files, spec['spec-id'], schema['schema-id'])),
  )

/** Writes the manifest of side files before main names them. Writing it again is harmless: equal names, equal files. */
export async function writeSideManifest(store: Store, side: TableMetadata, files: readonly DataFile[]): Promise<void> {
  const [first] = files
  assert(first !== undefined, 'side files')
  const { schema, spec } = layoutOf(side, first.specId, first.schemaId)
  assert(
    files.every((file) => file.specId === first.specId && file.schemaId === first.schemaId),
    'side files of one commit share spec and schema',
  )
  const entries = files.map((file) => ({
    status: 'added' as const,
    snapshotId: 0n,
    sequenceNumber: null,
    fileSequenceNumber: null,
    file: fileRecord(file),
  }))
  const names = files.map((file) => file.location)
  const location = sideManifest(side, names, first.specId, first.schemaId)
  try {
    await store.putIfAbsent(location, encodeManifest({ schema, spec }, entries))
  } catch (error) {
    if (!(error instanceof IngestError) || error.code !== 'STORE_EXISTS') throw error
  }
}

function layoutOf(side: TableMetadata, specId: number, schemaId: number) {
  const spec = side['partition-specs'].find((candidate) => candidate['spec-id'] === specId)
  const schema = side.schemas.find((candidate) => candidate['schema-id'] === schemaId)
  assert(spec !== undefined && schema !== undefined, 'the side table knows the spec and schema of its files')
  return { spec, schema }
}

/**
 * The data files of unconfirmed entries, each proven to be there. Errors: UNCONFIRMED_MISSING with the first file that is gone
 * (or the manifest that describes it), STORE_IO.
 */
export async function readSideFiles(
  store: Store,
  side: TableMetadata,
  entries: readonly Unconfirmed[],
): Promise<DataFile[]> {
  const found: DataFile[] = []
  for (const entry of entries) {
    const files = await readEntry(store, side, entry)
    for (const file of files) {
      const size = await store.size(file.location)
      if (size !== file.sizeBytes) throw missing(entry, file.location)
    }
    found.push(...files)
  }
  return found
}

async function readEntry(store: Store, side: TableMetadata, entry: Unconfirmed): Promise<DataFile[]> {
  // Newest layout first: the files were written for the layout that was current then.
  for (const spec of side['partition-specs'].toReversed()) {
    for (const schema of side.schemas.toReversed()) {
      const location = sideManifest(side, entry.files, spec['spec-id'], schema['schema-id'])
      if ((await store.size(location)) === null) continue
      const records = decodeManifest(await store.read(location), unlisted(location, spec['spec-id']))
      const files = records.map((record) => dataFileOf(record.file, spec['spec-id'], schema['schema-id']))
      const absent = entry.files.find((name) => !files.some((file) => file.location === name))
      if (absent !== undefined) throw missing(entry, absent)
      return files
    }
  }
  throw missing(entry, entry.files[0] ?? '')
}

const missing = (entry: Unconfirmed, file: string): IngestError =>
  new IngestError('UNCONFIRMED_MISSING', { table: entry.table, commit: entry.commit, file })

/** A manifest that no list names yet. */
const unlisted = (location: string, specId: number): ManifestFile => ({
  location,
  length: 0,
  specId,
  content: 'data',
  sequenceNumber: null,
  minSequenceNumber: null,
  addedSnapshotId: 0n,
  addedFiles: 0,
  existingFiles: 0,
  deletedFiles: 0,
  addedRows: 0n,
  existingRows: 0n,
  deletedRows: 0n,
  partitions: null,
  keyMetadata: null,
})
