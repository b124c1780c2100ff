// Which files of expired snapshots no snapshot of the table reaches any more. One thread; reads only.
// Every commit asserts the head it was built on, so a file that no snapshot reaches now is reached by none later: what is found stays
// true. Invariant: what cannot be read is an error and frees nothing; only an expired manifest list that is gone already is passed.
import { IngestError } from '../errors.ts'
import type { Store } from '../store/store.ts'
import type { ExpiredEntry } from './expired-list.ts'
import { decodeManifest } from './manifest.ts'
import { decodeManifestList, type ManifestFile } from './manifest-list.ts'
import type { TableMetadata } from './metadata.ts'
import { comparable } from './table-location.ts'

/** To be deleted in this order: as long as a manifest list is there, what it names can be found again after a crash. */
export interface FreedFiles {
  readonly dataFiles: readonly string[]
  readonly manifests: readonly string[]
  readonly manifestLists: readonly string[]
}

/** Files at a time. */
const readsMax = 8

/** Keeps of `named` what `reached` does not have; both spelled by `comparable`. */
export type Unreached = (named: readonly string[], reached: { has(location: string): boolean }) => readonly string[]

/** Manifests that the snapshots of one table reach, each manifest list read once in its life. */
export class ReachableManifests {
  readonly #lists = new Map<string, readonly ManifestFile[]>()
  readonly #manifests = new Map<string, { readonly manifest: ManifestFile; lists: number }>()

  /**
   * Brings the knowledge up to this metadata, reading at most `listsMax` lists. False: more are left, call again. Where lists are
   * many (a start on a table with a long history), other work comes in between. Errors: STORE_*, TABLE_METADATA.
   */
  async follow(store: Store, metadata: TableMetadata, listsMax: number): Promise<boolean> {
    const wanted = new Set(metadata.snapshots.map((snapshot) => snapshot['manifest-list']))
    for (const location of [...this.#lists.keys()]) if (!wanted.has(location)) this.#forget(location)
    const unread = [...wanted].filter((location) => !this.#lists.has(location))
    await inTurn(unread.slice(0, listsMax), async (location) => {
      this.#add(location, decodeManifestList(await store.read(location), location))
    })
    return unread.length <= listsMax
  }

  /** By `comparable` location. */
  has(location: string): boolean {
    return this.#manifests.has(location)
  }

  all(): readonly ManifestFile[] {
    return Array.from(this.#manifests.values(), ({ manifest }) => manifest)
  }

  #add(location: string, manifests: readonly ManifestFile[]): void {
    const shared = manifests.map((manifest) => {
      const key = comparable(manifest.location)
      const known = this.#manifests.get(key)
      if (known !== undefined) known.lists++
      else this.#manifests.set(key, { manifest, lists: 1 })
      return known?.manifest ?? manifest
    })
    this.#lists.set(location, shared)
  }

  #forget(location: string): void {
    for (const manifest of this.#lists.get(location) ?? []) {
      const key = comparable(manifest.location)
      const known = this.#manifests.get(key)
      if (known === undefined) continue
      known.lists--
      if (known.lists === 0) this.#manifests.delete(key)
    }
    this.#lists.delete(location)
  }
}

/**
 * Files of expired snapshots that nothing reaches; data files are looked for only where `mayFreeFiles`. Entries whose snapshot is in the table (again) are left alone. `reachable` must
 * have followed this metadata. Errors: STORE_*, TABLE_METADATA.
 */
export async function findFreed(
  store: Store,
  { snapshots, mayFreeFiles }: { readonly snapshots: readonly ExpiredEntry[]; readonly mayFreeFiles: boolean },
  metadata: TableMetadata,
  reachable: ReachableManifests,
  unreached: Unreached,
): Promise<FreedFiles> {
  const ids = new Set(metadata.snapshots.map((snapshot) => snapshot['snapshot-id']))
  const lists = new Set(metadata.snapshots.map((snapshot) => comparable(snapshot['manifest-list'])))
  const gone = snapshots.filter(({ snapshotId }) => !ids.has(snapshotId))
  const manifestLists = unreached(
    gone.map((entry) => entry.manifestList),
    lists,
  )
  const named = new Map<string, ManifestFile>()
  await inTurn(gone, async ({ manifestList }) => {
    for (const manifest of await readExpired(store, manifestList)) named.set(manifest.location, manifest)
  })
  const manifests = unreached([...named.keys()], reachable)
  const candidates = new Map<string, string>()
  let newest = 0n
  await inTurn(
    (mayFreeFiles ? manifests : []).flatMap((location) => named.get(location) ?? []),
    async (manifest) => {
      for (const { file, sequenceNumber } of await readManifest(store, manifest)) {
        candidates.set(comparable(file.file_path), file.file_path)
        if (sequenceNumber !== null && sequenceNumber > newest) newest = sequenceNumber
      }
    },
  )
  await dropReached(store, candidates, likelyFirst(reachable.all(), newest))
  return { dataFiles: [...candidates.values()], manifests, manifestLists }
}

/** A manifest list that an earlier attempt deleted names nothing any more: its files went before it. */
async function readExpired(store: Store, location: string): Promise<readonly ManifestFile[]> {
  const bytes = await presentBytes(store, location)
  return bytes === null ? [] : decodeManifestList(bytes, location)
}

async function readManifest(store: Store, manifest: ManifestFile) {
  const bytes = await presentBytes(store, manifest.location)
  return bytes === null ? [] : decodeManifest(bytes, manifest)
}

async function presentBytes(store: Store, location: string): Promise<Uint8Array | null> {
  try {
    return await store.read(location)
  } catch (error) {
    if (error instanceof IngestError && error.code === 'STORE_MISSING') return null
    throw error
  }
}

/**
 * Order of the search only: manifests that hold files as old as those looked for, small ones before large ones. After appends and
 * merges the first few have them all.
 */
const likelyFirst = (manifests: readonly ManifestFile[], newest: bigint): readonly ManifestFile[] => {
  const rank = ({ minSequenceNumber }: ManifestFile): number => ((minSequenceNumber ?? 0n) <= newest ? 0 : 1)
  return [...manifests].sort((a, b) => rank(a) - rank(b) || a.length - b.length)
}

/** Takes files out of `candidates` that a reachable manifest shows; ends as soon as none is left. */
async function dropReached(
  store: Store,
  candidates: Map<string, string>,
  manifests: readonly ManifestFile[],
): Promise<void> {
  for (const manifest of manifests) {
    if (candidates.size === 0) return
    for (const { status, file } of decodeManifest(await store.read(manifest.location), manifest)) {
      if (status !== 'deleted') candidates.delete(comparable(file.file_path))
    }
  }
}

/** Runs `each` over the items, a few at a time. */
export async function inTurn<T>(items: readonly T[], each: (item: T) => Promise<void>): Promise<void> {
  for (let first = 0; first < items.length; first += readsMax) {
    await Promise.all(items.slice(first, first + readsMax).map(each))
  }
}
