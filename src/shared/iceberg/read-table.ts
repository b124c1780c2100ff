// Reads what a snapshot holds: its ancestors and its live files. Any thread that may use the store.
// Delete files are listed and not applied: a caller that cannot apply them refuses by name.
import type { Store } from '../store/store.ts'
import { loadManifestList, type ManifestListCache } from './append.ts'
import type { DataFile } from './data-file.ts'
import { dataFileOf, type ManifestEntry } from './manifest.ts'
import { walkManifests } from './manifest-walk.ts'
import type { Snapshot, TableMetadata } from './metadata.ts'

/**
 * A snapshot and its ancestors by parent-snapshot-id, newest first; nothing where the snapshot is not there. The chain is
 * complete if the last one yielded has no parent, and cut by expiry otherwise.
 */
export function* ancestors(metadata: TableMetadata, snapshotId: bigint | null): Generator<Snapshot, void> {
  const byId = new Map(metadata.snapshots.map((snapshot) => [snapshot['snapshot-id'], snapshot]))
  let id = snapshotId
  // Deleting what was seen ends the loop on a damaged chain that closes on itself.
  while (id !== null) {
    const snapshot = byId.get(id)
    if (snapshot === undefined) return
    byId.delete(id)
    yield snapshot
    id = snapshot['parent-snapshot-id']
  }
}

export interface LiveFile {
  readonly file: DataFile
  readonly snapshotId: bigint
  /** `PARQUET`, `AVRO`, `ORC`. */
  readonly format: string
  /** Data sequence number: a delete file applies to data files of lower (equality) or not higher (position) numbers. */
  readonly sequenceNumber: bigint
}

export interface LiveDelete {
  readonly location: string
  readonly kind: 'position' | 'equality'
  readonly recordCount: number
}

export interface SnapshotFiles {
  readonly dataFiles: readonly LiveFile[]
  readonly deleteFiles: readonly LiveDelete[]
}

/** Live files of a snapshot, data and deletes, in manifest order. Errors: STORE_MISSING, STORE_IO, TABLE_METADATA. */
export async function listFiles(store: Store, snapshot: Snapshot, cache?: ManifestListCache): Promise<SnapshotFiles> {
  const manifests = await loadManifestList(store, snapshot, cache)
  const dataFiles: LiveFile[] = []
  const deleteFiles: LiveDelete[] = []
  for await (const { manifest, entries } of walkManifests(store, manifests)) {
    for (const entry of entries) {
      if (entry.file.content === 0) dataFiles.push(liveFile(entry, manifest.specId))
      else deleteFiles.push(liveDelete(entry))
    }
  }
  return { dataFiles, deleteFiles }
}

const liveFile = (entry: ManifestEntry, specId: number): LiveFile => ({
  file: dataFileOf(entry.file, specId),
  snapshotId: entry.snapshotId,
  format: entry.file.file_format.toUpperCase(),
  sequenceNumber: entry.sequenceNumber ?? 0n,
})

const liveDelete = (entry: ManifestEntry): LiveDelete => ({
  location: entry.file.file_path,
  kind: entry.file.content === 1 ? 'position' : 'equality',
  recordCount: Number(entry.file.record_count),
})
