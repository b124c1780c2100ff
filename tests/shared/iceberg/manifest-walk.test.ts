import { expect, test } from 'vitest'
import { stageAppend, writeManifest } from '../../../src/shared/iceberg/append.ts'
import type { ManifestFile } from '../../../src/shared/iceberg/manifest-list.ts'
import { decodeManifestList } from '../../../src/shared/iceberg/manifest-list.ts'
import { walkManifests } from '../../../src/shared/iceberg/manifest-walk.ts'
import { createMemoryStore } from '../../support/memory-store.ts'
import { dataFile, freshMetadata } from './table-fixture.ts'

/** One manifest a file, twenty of them: more than are read at a time. */
async function manifestsIn(store: ReturnType<typeof createMemoryStore>): Promise<readonly ManifestFile[]> {
  const metadata = freshMetadata()
  const prepared = await Promise.all(
    Array.from({ length: 20 }, (_, index) => writeManifest(store, metadata, [dataFile(`f${index}`, index, 1)], 1n)),
  )
  const { snapshot } = await stageAppend(metadata, prepared, { store, snapshotId: 1n, now: 1, attempt: 1, summary: {} })
  return decodeManifestList(await store.read(snapshot['manifest-list']), '')
}

test('manifests are walked in order, each with its live entries', async () => {
  const store = createMemoryStore()
  const manifests = await manifestsIn(store)
  const walked: string[] = []
  for await (const { manifest, entries } of walkManifests(store, manifests)) {
    expect(manifest).toBe(manifests[walked.length])
    walked.push(...entries.map(({ file }) => file.file_path))
  }
  expect(walked).toEqual(Array.from({ length: 20 }, (_, index) => `file:///memory/t/data/f${index}.parquet`))
})

test('no more manifests are read than the walk has come to, but for a few ahead', async () => {
  const store = createMemoryStore()
  const manifests = await manifestsIn(store)
  let reads = 0
  const counting = { ...store, read: (location: string) => store.read(location).finally(() => void reads++) }
  for await (const _ of walkManifests(counting, manifests)) break
  expect(reads).toBeLessThan(manifests.length / 2)
})

test('a manifest that is gone ends the walk with its name', async () => {
  const store = createMemoryStore()
  const manifests = await manifestsIn(store)
  const last = manifests.at(-1)?.location ?? ''
  await store.delete(last)
  const walk = async (): Promise<void> => {
    for await (const _ of walkManifests(store, manifests));
  }
  await expect(walk()).rejects.toMatchObject({ code: 'STORE_MISSING', context: { location: last } })
})
