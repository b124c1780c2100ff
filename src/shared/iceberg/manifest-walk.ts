// Walks the live entries of manifests, one manifest after the other. Any thread that may use the store.
// Invariant: memory is that of a few manifests, never that of a table: whoever walks keeps of the entries what it needs.
import type { Store } from '../store/store.ts'
import { decodeManifest, type ManifestEntry } from './manifest.ts'
import type { ManifestFile } from './manifest-list.ts'

/** A manifest with the entries that are live in it (not `deleted`), in file order. */
export interface WalkedManifest {
  readonly manifest: ManifestFile
  readonly entries: readonly ManifestEntry[]
}

/** Manifests read at a time, as bytes; one of them is decoded at a time. */
const readsMax = 8

/** In the given order. Errors: STORE_MISSING, STORE_IO, TABLE_METADATA naming the manifest. */
export async function* walkManifests(
  store: Store,
  manifests: readonly ManifestFile[],
): AsyncGenerator<WalkedManifest, void> {
  for (let first = 0; first < manifests.length; first += readsMax) {
    const group = manifests.slice(first, first + readsMax)
    const read = await Promise.all(
      group.map(async (manifest) => ({ manifest, bytes: await store.read(manifest.location) })),
    )
    for (const { manifest, bytes } of read) {
      const entries = decodeManifest(bytes, manifest).filter((entry) => entry.status !== 'deleted')
      yield { manifest, entries }
    }
  }
}
