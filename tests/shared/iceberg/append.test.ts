import { beforeEach, describe, expect, test } from 'vitest'
import { IngestError } from '../../../src/shared/errors.ts'
import {
  createManifestListCache,
  type PreparedManifest,
  type StageContext,
  stageAppend,
  writeManifest,
} from '../../../src/shared/iceberg/append.ts'
import { encodeManifest, fileRecord, type ManifestEntry } from '../../../src/shared/iceberg/manifest.ts'
import { decodeManifestList, encodeManifestList, type ManifestFile } from '../../../src/shared/iceberg/manifest-list.ts'
import { describeManifest, planMerges } from '../../../src/shared/iceberg/manifest-merge.ts'
import type { Snapshot, TableMetadata } from '../../../src/shared/iceberg/metadata.ts'
import { ancestors, listFiles } from '../../../src/shared/iceberg/read-table.ts'
import type { PartitionSpec } from '../../../src/shared/iceberg/schema.ts'
import { applyUpdates } from '../../../src/shared/iceberg/table-updates.ts'
import { createMemoryStore, type MemoryStore } from '../../support/memory-store.ts'
import { dataFile, day, daySpec, freshMetadata, snapshotOf, tradeSchema } from './table-fixture.ts'

let store: MemoryStore
beforeEach(() => {
  store = createMemoryStore()
})

const firstId = 8744736658442914001n

function land(base: TableMetadata, snapshot: Snapshot): TableMetadata {
  const ref = { 'ref-name': 'main', type: 'branch', 'snapshot-id': snapshot['snapshot-id'] } as const
  const updates = [{ action: 'add-snapshot', snapshot } as const, { action: 'set-snapshot-ref', ...ref } as const]
  return applyUpdates(base, updates, { now: snapshot['timestamp-ms'], previousLocation: null })
}

const context = (snapshotId: bigint, change: Partial<StageContext> = {}): StageContext => ({
  store,
  snapshotId,
  now: 5_000,
  attempt: 1,
  summary: {},
  ...change,
})

/** Appends `count` snapshots of one file each. */
async function appendMany(count: number, properties: Record<string, string>): Promise<TableMetadata> {
  let metadata = freshMetadata(properties)
  const cache = createManifestListCache()
  for (let index = 0; index < count; index++) {
    const id = firstId + BigInt(index)
    const prepared = await writeManifest(store, metadata, [dataFile(`f${index}`, index % 3, 2)], id)
    const { snapshot } = await stageAppend(metadata, [prepared], context(id, { now: 5_000 + index, cache }))
    metadata = land(metadata, snapshot)
  }
  return metadata
}

const head = (metadata: TableMetadata): Snapshot => {
  const [snapshot] = ancestors(metadata, metadata['current-snapshot-id'])
  if (snapshot === undefined) throw new Error('no head')
  return snapshot
}

describe('staging an append', () => {
  test('the first snapshot has sequence number 1, no parent, and totals from zero', async () => {
    const base = freshMetadata()
    const files = [dataFile('a', day('2014-03-10'), 5), dataFile('b', day('2014-03-10'), 6), dataFile('c', null, 7)]
    const prepared = await writeManifest(store, base, files, firstId)
    const { snapshot, written } = await stageAppend(
      base,
      [prepared],
      context(firstId, { summary: { 'k2.commit-id': 'abc' } }),
    )
    expect(snapshot).toMatchObject({
      'snapshot-id': firstId,
      'parent-snapshot-id': null,
      'sequence-number': 1n,
      'timestamp-ms': 5_000,
      'schema-id': 0,
    })
    expect(snapshot.summary).toEqual({
      operation: 'append',
      'k2.commit-id': 'abc',
      'added-data-files': '3',
      'added-records': '18',
      'added-files-size': '180',
      'changed-partition-count': '2',
      'total-records': '18',
      'total-files-size': '180',
      'total-data-files': '3',
      'total-delete-files': '0',
      'total-position-deletes': '0',
      'total-equality-deletes': '0',
    })
    expect(written).toEqual([snapshot['manifest-list']])
    const listed = await listFiles(store, snapshot)
    expect(listed.dataFiles.map(({ file }) => ({ ...file, schemaId: 0 }))).toEqual(files)
    expect(listed.dataFiles.map((each) => [each.snapshotId, each.sequenceNumber])).toEqual(
      files.map(() => [firstId, 1n]),
    )
    expect(listed.deleteFiles).toEqual([])
  })

  test('a second attempt on newer metadata uses the same manifest under a list, number and parent of its own', async () => {
    const base = freshMetadata()
    const prepared = await writeManifest(store, base, [dataFile('a', 1, 5)], firstId + 9n)
    const lost = await stageAppend(base, [prepared], context(firstId + 9n))
    const other = await writeManifest(store, base, [dataFile('other', 1, 3)], firstId)
    const newer = land(base, (await stageAppend(base, [other], context(firstId))).snapshot)
    const again = await stageAppend(newer, [prepared], context(firstId + 9n, { attempt: 2 }))
    expect(again.snapshot).toMatchObject({
      'sequence-number': 2n,
      'parent-snapshot-id': firstId,
      'snapshot-id': firstId + 9n,
    })
    expect(again.snapshot.summary['total-records']).toBe('8')
    expect(again.snapshot['manifest-list']).not.toBe(lost.snapshot['manifest-list'])
    const listed = await listFiles(store, again.snapshot)
    expect(listed.dataFiles.map((each) => [each.file.location, each.sequenceNumber])).toEqual([
      [dataFile('a', 1, 5).location, 2n],
      [dataFile('other', 1, 3).location, 1n],
    ])
  })

  test('an empty append carries the files of its parent and changes no total', async () => {
    const base = await appendMany(2, {})
    const { snapshot } = await stageAppend(base, [], context(firstId + 50n, { summary: { why: 'positions' } }))
    expect(snapshot['sequence-number']).toBe(3n)
    expect(snapshot.summary).toMatchObject({
      operation: 'append',
      'changed-partition-count': '0',
      'total-records': '4',
      why: 'positions',
    })
    expect(snapshot.summary).not.toHaveProperty('added-records')
    expect((await listFiles(store, snapshot)).dataFiles).toHaveLength(2)
  })

  test('an empty append may be the first of a table', async () => {
    const { snapshot } = await stageAppend(freshMetadata(), [], context(firstId))
    expect(await listFiles(store, snapshot)).toEqual({ dataFiles: [], deleteFiles: [] })
    expect(snapshot.summary['total-records']).toBe('0')
  })

  test('the snapshot is never older than the metadata, whatever the clock says', async () => {
    const base = await appendMany(2, {})
    const { snapshot } = await stageAppend(base, [], context(firstId + 50n, { now: 1 }))
    expect(snapshot['timestamp-ms']).toBe(5_001)
  })

  test('a total that the parent lacks stays unknown', async () => {
    const base = land(freshMetadata(), {
      ...snapshotOf(firstId, null, 1n, 2_000),
      'manifest-list': 'file:///memory/list',
    })
    const empty = await stageAppend(freshMetadata(), [], context(firstId))
    await store.putIfAbsent('file:///memory/list', await store.read(empty.snapshot['manifest-list']))
    const { snapshot } = await stageAppend(base, [], context(firstId + 1n))
    expect(snapshot.summary).toEqual({ operation: 'append', 'changed-partition-count': '0' })
  })

  test('what a failing attempt wrote is deleted again', async () => {
    const base = await appendMany(3, { 'commit.manifest.min-count-to-merge': '3' })
    const before = [...store.files.keys()]
    const failing = {
      ...store,
      putIfAbsent: async (location: string, bytes: Uint8Array) => {
        if (location.includes('/snap-')) throw new IngestError('STORE_FULL', { location })
        await store.putIfAbsent(location, bytes)
      },
    }
    await expect(stageAppend(base, [], context(firstId + 50n, { store: failing }))).rejects.toMatchObject({
      code: 'STORE_FULL',
    })
    expect([...store.files.keys()]).toEqual(before)
  })

  test('files of mixed specs in one manifest are our bug', async () => {
    const other = { ...dataFile('b', 1, 1), specId: 1 }
    await expect(writeManifest(store, freshMetadata(), [dataFile('a', 1, 1), other], firstId)).rejects.toThrow(
      'share partition spec',
    )
  })
})

describe('listing files', () => {
  test('delete files are told from data files, by kind, and deleted entries are left out', async () => {
    const base = freshMetadata()
    const entry = (name: string, status: ManifestEntry['status'], content: number): ManifestEntry => ({
      status,
      snapshotId: firstId,
      sequenceNumber: 1n,
      fileSequenceNumber: 1n,
      file: { ...fileRecord(dataFile(name, 1, 3)), content },
    })
    const layout = { schema: tradeSchema, spec: daySpec }
    const put = async (location: string, entries: ManifestEntry[]): Promise<ManifestFile> => {
      const bytes = encodeManifest(layout, entries)
      await store.putIfAbsent(location, bytes)
      return describeManifest({ location, length: bytes.length, entries, ...layout, snapshotId: firstId })
    }
    const data = await put('file:///memory/m1', [entry('live', 'added', 0), entry('gone', 'deleted', 0)])
    const deletes = await put('file:///memory/m2', [
      entry('p', 'added', 1),
      entry('e', 'existing', 2),
      entry('q', 'deleted', 1),
    ])
    const list = encodeManifestList({ snapshotId: firstId, parentSnapshotId: null, sequenceNumber: 1n }, [
      data,
      { ...deletes, content: 'deletes' },
    ])
    await store.putIfAbsent('file:///memory/list', list)
    const snapshot = { ...snapshotOf(firstId, null, 1n, 2_000), 'manifest-list': 'file:///memory/list' }
    const listed = await listFiles(store, snapshot)
    expect(listed.dataFiles.map((each) => each.file.location)).toEqual([dataFile('live', 1, 3).location])
    expect(listed.deleteFiles).toEqual([
      { location: dataFile('p', 1, 3).location, kind: 'position', recordCount: 3 },
      { location: dataFile('e', 1, 3).location, kind: 'equality', recordCount: 3 },
    ])
    const { snapshot: next } = await stageAppend(land(base, snapshot), [], context(firstId + 1n))
    expect(await listFiles(store, next)).toEqual(listed)
  })
})

describe('merging manifests', () => {
  test('the list stays short over many commits, and every file keeps its snapshot and sequence number', async () => {
    const count = 70
    const metadata = await appendMany(count, { 'commit.manifest.min-count-to-merge': '4' })
    const listed = await listFiles(store, head(metadata))
    const found = listed.dataFiles.map((each) => [each.file.location, each.snapshotId, each.sequenceNumber])
    const expected = Array.from({ length: count }, (_, index) => [
      dataFile(`f${index}`, 0, 2).location,
      firstId + BigInt(index),
      BigInt(index + 1),
    ])
    expect(found.toSorted((left, right) => Number(left[2]) - Number(right[2]))).toEqual(expected)
    const list = head(metadata)['manifest-list']
    const manifests = decodeManifestList(await store.read(list), list)
    // Four tiers of at most four, where unmerged there would be seventy.
    expect(manifests.length).toBeLessThanOrEqual(16)
    expect(manifests.reduce((sum, each) => sum + each.addedRows + each.existingRows, 0n)).toBe(BigInt(count * 2))
    const oldest = manifests.at(-1)
    expect(oldest?.minSequenceNumber).toBe(1n)
    expect(oldest?.partitions?.[0]).toMatchObject({
      lowerBound: Uint8Array.of(0, 0, 0, 0),
      upperBound: Uint8Array.of(2, 0, 0, 0),
    })
    expect(head(metadata).summary).toMatchObject({
      'total-data-files': '70',
      'total-records': '140',
      'added-data-files': '1',
    })
  })

  test('is left to others after two lost races: a late attempt writes nothing but its list', async () => {
    const metadata = await appendMany(3, { 'commit.manifest.min-count-to-merge': '3' })
    const early = await stageAppend(metadata, [], context(firstId + 10n, { attempt: 2 }))
    const late = await stageAppend(metadata, [], context(firstId + 10n, { attempt: 3 }))
    expect([early.written.length, late.written.length]).toEqual([2, 1])
  })

  test('keeps partition values of a column that others have dropped since', async () => {
    const spec: PartitionSpec = {
      'spec-id': 0,
      fields: [{ 'field-id': 1000, 'source-id': 9, name: 'lot', transform: 'identity' }],
    }
    const [schema] = freshMetadata({}).schemas
    if (schema === undefined) throw new Error('no schema')
    const lot = { id: 9, name: 'lot', required: false, type: 'int' }
    const base: TableMetadata = {
      ...freshMetadata({ 'commit.manifest.min-count-to-merge': '2' }),
      'partition-specs': [spec],
      schemas: [
        { ...schema, fields: [...schema.fields, lot] },
        { ...schema, 'schema-id': 1 },
      ],
    }
    let metadata = base
    for (const [index, partition] of [[7], [300]].entries()) {
      const id = firstId + BigInt(index)
      const file = { ...dataFile(`f${index}`, 0, 2), partition }
      const prepared = [await writeManifest(store, metadata, [file], id)]
      const { snapshot } = await stageAppend(metadata, prepared, context(id, { attempt: 3 }))
      metadata = land(metadata, snapshot)
    }
    const { snapshot, written } = await stageAppend({ ...metadata, 'current-schema-id': 1 }, [], context(firstId + 9n))
    expect(written).toHaveLength(2)
    const { dataFiles } = await listFiles(store, snapshot)
    expect(dataFiles.map(({ file }) => file.partition[0]).toSorted()).toEqual([300, 7])
  })

  const row = (index: number, change: Partial<ManifestFile> = {}): ManifestFile => ({
    location: `m${index}`,
    length: 1_000,
    specId: 0,
    content: 'data',
    sequenceNumber: 1n,
    minSequenceNumber: 1n,
    addedSnapshotId: 1n,
    addedFiles: 1,
    existingFiles: 0,
    deletedFiles: 0,
    addedRows: 1n,
    existingRows: 0n,
    deletedRows: 0n,
    partitions: null,
    keyMetadata: null,
    ...change,
  })
  const rows = (count: number, change: Partial<ManifestFile> = {}): ManifestFile[] =>
    Array.from({ length: count }, (_, index) => row(index, change))

  test.each<[string, ManifestFile[], Record<string, string>, number[]]>([
    ['below a hundred nothing happens', rows(99), {}, []],
    ['a hundred small ones become one', rows(100), {}, [100]],
    ['specs are not mixed', [...rows(60), ...rows(60, { specId: 1 })], {}, []],
    ['delete manifests are left alone', rows(200, { content: 'deletes' }), {}, []],
    ['encrypted manifests are left alone', rows(200, { keyMetadata: Uint8Array.of(1) }), {}, []],
    ['large ones are left alone', rows(200, { length: 5_000_000 }), {}, []],
    [
      'a merged one waits for a hundred of its kind',
      [...rows(50), ...rows(99, { addedFiles: 0, existingFiles: 100 })],
      {},
      [],
    ],
    ['the target size cuts', rows(100), { 'commit.manifest.target-size-bytes': '40000' }, [40, 40, 20]],
    ['the table may forbid it', rows(300), { 'commit.manifest-merge.enabled': 'false' }, []],
    ['the table may ask for it earlier', rows(5), { 'commit.manifest.min-count-to-merge': '5' }, [5]],
  ])('%s', (_, manifests, properties, sizes) => {
    expect(planMerges(manifests, freshMetadata(properties)).map((bin) => bin.length)).toEqual(sizes)
  })
})

describe('ancestors', () => {
  const ids = (metadata: TableMetadata, id: bigint | null): bigint[] =>
    [...ancestors(metadata, id)].map((each) => each['snapshot-id'])
  const chain = (...snapshots: Snapshot[]): TableMetadata => ({ ...freshMetadata(), snapshots })

  test('go newest first from any snapshot and leave other branches out', () => {
    const metadata = chain(
      snapshotOf(1n, null, 1n, 1),
      snapshotOf(2n, 1n, 2n, 2),
      snapshotOf(9n, 1n, 3n, 3),
      snapshotOf(3n, 2n, 4n, 4),
    )
    expect(ids(metadata, 3n)).toEqual([3n, 2n, 1n])
    expect(ids(metadata, 9n)).toEqual([9n, 1n])
    expect(ids(metadata, null)).toEqual([])
    expect(ids(metadata, 77n)).toEqual([])
  })

  test('end where expiry cut the chain, which the last parent id shows', () => {
    const cut = [...ancestors(chain(snapshotOf(3n, 2n, 3n, 3)), 3n)]
    expect(cut.at(-1)?.['parent-snapshot-id']).toBe(2n)
  })

  test('end on a damaged chain that closes on itself', () => {
    expect(ids(chain(snapshotOf(1n, 2n, 1n, 1), snapshotOf(2n, 1n, 2n, 2)), 2n)).toEqual([2n, 1n])
  })
})

test('a prepared manifest is a row that any attempt can take', async () => {
  const prepared: PreparedManifest = await writeManifest(store, freshMetadata(), [dataFile('a', 1, 5)], firstId)
  expect(prepared.manifest).toMatchObject({
    sequenceNumber: null,
    minSequenceNumber: null,
    addedSnapshotId: firstId,
    addedFiles: 1,
    addedRows: 5n,
  })
  expect(prepared.manifest.length).toBe(store.files.get(prepared.manifest.location)?.length)
})
