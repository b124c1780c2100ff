// Prepare and stage of an append (design.md section 3): a manifest is written once, a manifest list and a snapshot per attempt.
// Commit thread. Nothing here touches the catalog. Invariant: files of an attempt have names of their own, so deleting those of
// one that certainly failed can take nothing from another.
import { randomUUID } from 'node:crypto'
import { assert, IngestError } from '../errors.ts'
import type { Store } from '../store/store.ts'
import type { DataFile } from './data-file.ts'
import { encodeManifest, fileRecord, type ManifestEntry } from './manifest.ts'
import { decodeManifestList, encodeManifestList, type ManifestFile } from './manifest-list.ts'
import { describeManifest, mergeManifests } from './manifest-merge.ts'
import type { Snapshot, TableMetadata } from './metadata.ts'
import { partitionColumns, partitionPath } from './partition-transform.ts'
import { metadataFolder } from './table-location.ts'

/** A manifest of new files, written, not yet part of a snapshot. Stays good for every attempt of its snapshot id. */
export interface PreparedManifest {
  readonly manifest: ManifestFile
  readonly addedFilesBytes: bigint
  /** Readable partitions of its files, for the count of changed ones. */
  readonly partitions: readonly string[]
}

/**
 * Writes one manifest naming these new files; sequence numbers are left to be inherited, so a retry need not write it again.
 * All files must be of the spec and schema that the metadata holds under their ids. Errors: STORE_*.
 */
export async function writeManifest(
  store: Store,
  base: TableMetadata,
  files: readonly DataFile[],
  snapshotId: bigint,
): Promise<PreparedManifest> {
  const [first] = files
  assert(first !== undefined, 'a manifest names at least one file')
  assert(
    files.every((file) => file.specId === first.specId && file.schemaId === first.schemaId),
    'files of one manifest share partition spec and schema',
  )
  const spec = base['partition-specs'].find((candidate) => candidate['spec-id'] === first.specId)
  const schema = base.schemas.find((candidate) => candidate['schema-id'] === first.schemaId)
  assert(spec !== undefined && schema !== undefined, 'the table knows the spec and schema of its files')
  const entries = files.map(
    (file): ManifestEntry => ({
      status: 'added',
      snapshotId,
      sequenceNumber: null,
      fileSequenceNumber: null,
      file: fileRecord(file),
    }),
  )
  const columns = partitionColumns(spec, schema)
  const bytes = encodeManifest({ schema, spec }, entries)
  const location = `${metadataFolder(base)}/${randomUUID()}-m0.avro`
  await store.putIfAbsent(location, bytes)
  return {
    manifest: describeManifest({ location, length: bytes.length, entries, schema, spec, snapshotId }),
    addedFilesBytes: files.reduce((sum, file) => sum + BigInt(file.sizeBytes), 0n),
    partitions: [...new Set(files.map((file) => partitionPath(columns, file.partition)))],
  }
}

export interface StageContext {
  readonly store: Store
  /** The same for every attempt, so that a catalog refuses a late second copy. */
  readonly snapshotId: bigint
  /** Wall-clock ms. */
  readonly now: number
  /** Counts attempts from 1; part of the manifest list's name. */
  readonly attempt: number
  /** Keys of ours; the totals are added here. */
  readonly summary: Readonly<Record<string, string>>
  /** Keeps the last manifest lists in memory, see {@link createManifestListCache}. */
  readonly cache?: ManifestListCache
  /** Branch that is appended to, `main` by default. */
  readonly branch?: string
}

export interface StagedAppend {
  readonly snapshot: Snapshot
  /** Manifest list and merged manifests of this attempt: to be deleted once it has certainly failed, never while unknown. */
  readonly written: readonly string[]
}

/**
 * Makes the snapshot of one attempt on the given metadata: parent's manifests (small ones merged) plus the prepared ones, none
 * of them for an empty append. Sequence number and parent are those of `base`; timestamp = max(now, last-updated-ms).
 * What it wrote is deleted again where it fails. Errors: STORE_*, TABLE_METADATA.
 */
export async function stageAppend(
  base: TableMetadata,
  prepared: readonly PreparedManifest[],
  context: StageContext,
): Promise<StagedAppend> {
  const { store, snapshotId } = context
  const parent = branchHead(base, context.branch ?? 'main')
  const sequenceNumber = base['last-sequence-number'] + 1n
  const written: string[] = []
  const onWrite = (location: string): void => void written.push(location)
  try {
    const inherited = parent === null ? [] : await loadManifestList(store, parent, context.cache)
    const live = inherited.filter((manifest) => manifest.addedFiles + manifest.existingFiles > 0)
    // Who loses race after race must get quicker, not slower: the next commit that wins one merges what this one leaves.
    const isLate = context.attempt > MERGING_ATTEMPTS_MAX
    const merged = isLate ? live : await mergeManifests(live, { store, base, snapshotId, onWrite })
    const manifests = [...prepared.map((each) => each.manifest), ...merged]
    const location = `${metadataFolder(base)}/snap-${snapshotId}-${context.attempt}-${randomUUID()}.avro`
    onWrite(location)
    const header = { snapshotId, parentSnapshotId: parent?.['snapshot-id'] ?? null, sequenceNumber }
    await store.putIfAbsent(location, encodeManifestList(header, manifests))
    context.cache?.set(location, numbered(manifests, sequenceNumber))
    const snapshot: Snapshot = {
      'snapshot-id': snapshotId,
      'parent-snapshot-id': header.parentSnapshotId,
      'sequence-number': sequenceNumber,
      'timestamp-ms': Math.max(context.now, base['last-updated-ms']),
      'manifest-list': location,
      summary: appendSummary(prepared, parent, context.summary),
      'schema-id': base['current-schema-id'],
    }
    return { snapshot, written }
  } catch (error) {
    await deleteAll(store, written)
    throw error
  }
}

const MERGING_ATTEMPTS_MAX = 2

/** Deletes files of an attempt that certainly failed. Best effort: what stays is an orphan and harms nobody. */
export async function deleteAll(store: Store, locations: readonly string[]): Promise<void> {
  await Promise.allSettled(locations.map((location) => store.delete(location)))
}

/** Head snapshot of a branch, or null where the branch does not exist yet. Errors: TABLE_METADATA. */
export function branchHead(metadata: TableMetadata, branch: string): Snapshot | null {
  const id = metadata.refs[branch]?.['snapshot-id']
  if (id === undefined) return null
  const head = metadata.snapshots.find((snapshot) => snapshot['snapshot-id'] === id)
  if (head === undefined)
    throw new IngestError('TABLE_METADATA', { field: `refs.${branch}`, reason: `no snapshot ${id}` })
  return head
}

/** Manifest lists are immutable: those of the last commits stay in memory, at most `listsMax`. */
export interface ManifestListCache {
  get(location: string): readonly ManifestFile[] | undefined
  set(location: string, manifests: readonly ManifestFile[]): void
}

/** A cache that forgets the oldest list beyond `listsMax`. One per table, or shared. */
export function createManifestListCache(listsMax = 8): ManifestListCache {
  const lists = new Map<string, readonly ManifestFile[]>()
  return {
    get: (location) => lists.get(location),
    set: (location, manifests) => {
      lists.set(location, manifests)
      const [oldest] = lists.keys()
      if (lists.size > listsMax && oldest !== undefined) lists.delete(oldest)
    },
  }
}

/** Manifests of a snapshot, from memory or from the store. Errors: STORE_MISSING, STORE_IO, TABLE_METADATA. */
export async function loadManifestList(
  store: Store,
  snapshot: Snapshot,
  cache?: ManifestListCache,
): Promise<readonly ManifestFile[]> {
  const location = snapshot['manifest-list']
  const known = cache?.get(location)
  if (known !== undefined) return known
  const manifests = decodeManifestList(await store.read(location), location)
  cache?.set(location, manifests)
  return manifests
}

/** The list as a reader of the file would get it. */
const numbered = (manifests: readonly ManifestFile[], sequenceNumber: bigint): ManifestFile[] =>
  manifests.map((manifest) => {
    // The same object where nothing is open: what was made of it is kept by it (manifest-list.ts).
    if (manifest.sequenceNumber !== null && manifest.minSequenceNumber !== null) return manifest
    const { sequenceNumber: own, minSequenceNumber: lowest } = manifest
    return { ...manifest, sequenceNumber: own ?? sequenceNumber, minSequenceNumber: lowest ?? sequenceNumber }
  })

/** Totals as Java's SnapshotSummary keeps them: a total that the parent does not have stays unknown. */
function appendSummary(
  prepared: readonly PreparedManifest[],
  parent: Snapshot | null,
  own: Readonly<Record<string, string>>,
): Record<string, string> {
  const files = prepared.reduce((sum, each) => sum + each.manifest.addedFiles, 0)
  const rows = prepared.reduce((sum, each) => sum + each.manifest.addedRows, 0n)
  const bytes = prepared.reduce((sum, each) => sum + each.addedFilesBytes, 0n)
  const partitions = new Set(prepared.flatMap((each) => each.partitions))
  const added =
    files === 0 ? {} : { 'added-data-files': `${files}`, 'added-records': `${rows}`, 'added-files-size': `${bytes}` }
  const totals: ReadonlyArray<readonly [string, bigint]> = [
    ['total-records', rows],
    ['total-files-size', bytes],
    ['total-data-files', BigInt(files)],
    ['total-delete-files', 0n],
    ['total-position-deletes', 0n],
    ['total-equality-deletes', 0n],
  ]
  const known = totals.flatMap(([name, change]): Array<[string, string]> => {
    const before = parent === null ? '0' : parent.summary[name]
    return before !== undefined && /^\d+$/.test(before) ? [[name, `${BigInt(before) + change}`]] : []
  })
  return {
    ...own,
    operation: 'append',
    ...added,
    'changed-partition-count': `${partitions.size}`,
    ...Object.fromEntries(known),
  }
}
