// Expiry beside a run on real files, with a clock of the test's own, and what pyiceberg reads before and after it: at a tag, at the
// head, and after it has rewritten the table itself.
import { mkdtempSync } from 'node:fs'
import { readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadManifestList } from '../../src/shared/iceberg/append.ts'
import { pendingLists } from '../../src/shared/iceberg/expired-list.ts'
import { decodeManifest } from '../../src/shared/iceberg/manifest.ts'
import type { TableMetadata, TableUpdate } from '../../src/shared/iceberg/metadata.ts'
import { openSqlCatalog } from '../../src/shared/iceberg/sql-catalog.ts'
import { openFolderStore } from '../../src/shared/store/folder-store.ts'
import { mixedLog } from '../support/bad-records.ts'
import { runK2 } from '../support/built-k2.ts'
import { placeIn } from '../support/k2-process.ts'
import { live, prove } from '../support/line.ts'
import { pythonWithReaders, runReader } from '../support/python-venv.ts'

const minute = 60_000
const name = { namespace: ['market_data'], name: 'trades_v2' }
const folder = mkdtempSync(join(tmpdir(), 'k2-expiry-'))
const place = placeIn(folder)
/** Ten hours ago, so that the program itself finds everything old in the end. */
let nowMs = Date.now() - 10 * 60 * minute

beforeAll(() => pythonWithReaders(), 300_000)
afterAll(() => rm(folder, { recursive: true, force: true }))

/** Some more records, and a life that commits them, `minutes` after the last one. */
async function liveOn(minutes: number, seed: number): Promise<void> {
  await mixedLog({ directory: place.log, messages: seed === 1 ? 400 : 150, seed, partitions: 2, append: seed > 1 })
  nowMs += minutes * minute
  const { error } = await live(place, { clock: () => nowMs, commitRecords: 75 })
  expect(error).toBeNull()
}

async function withTable<T>(use: (metadata: TableMetadata, apply: Apply) => Promise<T>): Promise<T> {
  const store = openFolderStore(place.warehouse)
  const catalog = openSqlCatalog({ file: place.catalog, store, now: () => nowMs })
  try {
    const metadata = (await catalog.loadTable(name))?.metadata
    if (metadata === undefined) throw new Error('no table')
    return await use(metadata, async (updates) => {
      expect((await catalog.updateTable(name, [], updates)).kind).toBe('done')
    })
  } finally {
    await catalog.close()
  }
}
type Apply = (updates: readonly TableUpdate[]) => Promise<void>

/** Names of the files that the table's snapshots are made of, by folder. */
async function reachedNames(): Promise<{ readonly data: Set<string>; readonly metadata: Set<string> }> {
  const store = openFolderStore(place.warehouse)
  const base = (location: string): string => location.slice(location.lastIndexOf('/') + 1)
  return await withTable(async ({ snapshots }) => {
    const reached = { data: new Set<string>(), metadata: new Set<string>() }
    for (const snapshot of snapshots) {
      reached.metadata.add(base(snapshot['manifest-list']))
      for (const manifest of await loadManifestList(store, snapshot)) {
        reached.metadata.add(base(manifest.location))
        for (const { status, file } of decodeManifest(await store.read(manifest.location), manifest)) {
          if (status !== 'deleted') reached.data.add(base(file.file_path))
        }
      }
    }
    return reached
  })
}

async function filesOf(part: 'data' | 'metadata'): Promise<readonly string[]> {
  const path = join(place.warehouse, 'market_data', 'trades_v2', part)
  const entries = await readdir(path, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map((entry) => entry.name)
}

const read = async (...command: string[]): Promise<Record<string, unknown>> =>
  Object(await runReader('table_at_refs.py', place.catalog, 'market_data.trades_v2', ...command))

test('what a tag shows is the same before and after expiry, and after a rewrite of the table by another engine', async () => {
  await liveOn(0, 1)
  await withTable(async ({ snapshots }, apply) => {
    const third = snapshots[2]
    if (third === undefined) throw new Error('three commits')
    await apply([
      // No tags but this one, so that what it keeps is what is left.
      { action: 'set-properties', updates: { 'k2.hourly-tags-hours': '0', 'k2.daily-tags-days': '0' } },
      { action: 'set-snapshot-ref', 'ref-name': 'audit', 'snapshot-id': third['snapshot-id'], type: 'tag' },
    ])
  })
  const before = await read()
  await liveOn(20, 2)
  await liveOn(20, 3)
  await liveOn(20, 4)
  const after = await read()
  expect(after['audit']).toEqual(before['audit'])
  expect(Object(after['audit']).length).toBeGreaterThan(10)
  expect((await prove(place)).verdict).toBe('equal')

  const rewritten = await read('overwrite')
  expect(rewritten['main']).toEqual(after['main'])
  const dataBefore = await filesOf('data')
  for (const seed of [5, 6, 7]) await liveOn(20, seed)
  expect((await prove(place)).verdict).toBe('equal')
  expect((await read())['audit']).toEqual(before['audit'])

  // The rewritten files are gone, but for those that the tags show; nothing that is shown is.
  const reached = await reachedNames()
  const [data, metadata] = [await filesOf('data'), await filesOf('metadata')]
  expect([...reached.data].filter((file) => !data.includes(file))).toEqual([])
  expect([...reached.metadata].filter((file) => !metadata.includes(file))).toEqual([])
  const rewrittenFiles = dataBefore.filter((file) => !reached.data.has(file))
  expect(rewrittenFiles.length).toBeGreaterThan(3)
  expect(rewrittenFiles.filter((file) => data.includes(file))).toEqual([])
  // Files of the last expiry wait for their grace.
  const orphans = metadata.filter((file) => file.endsWith('.avro') && !reached.metadata.has(file))
  expect(orphans.length).toBeLessThan(20)
  expect(metadata.filter((file) => file.endsWith('.metadata.json')).length).toBeLessThanOrEqual(21)
  // Each life was a process of its own, and found what the one before it had done.
  const waiting = await withTable(async ({ properties }) => pendingLists(properties).length)
  expect(waiting).toBeLessThanOrEqual(2)

  await withTable((_, apply) =>
    apply([{ action: 'set-properties', updates: { 'history.expire.max-snapshot-age-ms': '0' } }]),
  )
  const words = ['tables', 'expire', '--catalog', `sqlite:${place.catalog}`, '--warehouse', place.warehouse]
  const names = await filesOf('metadata')
  const [would] = await expiryOf([...words, '--dry-run'])
  expect(would).toMatchObject({ table: 'market_data.trades_v2', dry_run: true })
  expect(would?.snapshots_expired).toBeGreaterThan(0)
  expect(await filesOf('metadata')).toEqual(names)
  const [did] = await expiryOf(words)
  const { snapshots_expired, snapshots_left } = would ?? {}
  expect(did).toMatchObject({ dry_run: false, snapshots_expired, snapshots_left, lists_waiting: 1 })
  expect((await read())['audit']).toEqual(before['audit'])
  expect((await prove(place)).verdict).toBe('equal')
  const { out } = await runK2([...words, '--dry-run', '--table', 'market_data.trades_v2'])
  expect(out).toContain('0 would expire')
}, 180_000)

interface Expiry {
  readonly snapshots_expired: number
  readonly snapshots_left: number
}

/** What `k2 tables expire --json` says, main table first. */
async function expiryOf(words: readonly string[]): Promise<readonly Expiry[]> {
  const { code, out, err } = await runK2([...words, '--json'])
  expect([code, err]).toEqual([0, ''])
  return JSON.parse(out).tables
}
