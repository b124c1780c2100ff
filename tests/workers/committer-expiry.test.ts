// Expiry beside commits: what grows and what does not, over thousands of commits; a crash at every call of store and catalog; what
// others do meanwhile. What counts is what a reader finds: every file of every snapshot that the table has.
import { afterEach, describe, expect, test } from 'vitest'
import { decodeManifest } from '../../src/shared/iceberg/manifest.ts'
import { decodeManifestList } from '../../src/shared/iceberg/manifest-list.ts'
import type { Store } from '../../src/shared/store/store.ts'
import type { Committer } from '../../src/workers/committer.ts'
import { createWorld, MAIN, mainName, partition, routeSpec, sideName } from './committer-world.ts'

const minute = 60_000
const spec = routeSpec({ partitions: [partition(0, 100_000n)] })

/** Files that a table's snapshots reach; fails where one of them is missing. */
async function reached(world: World, table: string): Promise<ReadonlySet<string>> {
  const found = new Set<string>()
  for (const { 'manifest-list': list } of world.metadataOf(table).snapshots) {
    found.add(list)
    for (const manifest of decodeManifestList(await world.store.read(list), list)) {
      found.add(manifest.location)
      for (const { status, file } of decodeManifest(await world.store.read(manifest.location), manifest)) {
        if (status === 'deleted') continue
        expect(world.store.files.has(file.file_path), file.file_path).toBe(true)
        found.add(file.file_path)
      }
    }
  }
  return found
}

type World = ReturnType<typeof createWorld>
let world = createWorld()
afterEach(() => {
  world = createWorld()
})

/** Commits of two records each, from the `first` to the one before `next`, `everyMs` apart; `dead` of the two are dead letters. */
async function commitMany(
  pod: Committer,
  { first, next, everyMs, dead = 0 }: { first: number; next: number; everyMs: number; dead?: number },
): Promise<void> {
  for (let offset = first; offset < next; offset++) {
    const reply = await pod.commit('trades', world.group(BigInt(offset) * 2n, BigInt(offset) * 2n + 2n, { dead }))
    expect(reply.kind, `offset ${offset}`).toBe('committed')
    world.advanceMs(everyMs)
  }
}

const metadataFiles = (table: string): readonly string[] =>
  [...world.store.files.keys()].filter((file) => file.includes(`/${table.split('.').at(-1)}/metadata/`))

test('after many commits every snapshot can be read, and once they are over nothing is left that none reaches', async () => {
  const pod = world.pod()
  await pod.open(spec)
  await commitMany(pod, { first: 0, next: 130, everyMs: 500, dead: 1 })
  expect(world.metadataOf(mainName).snapshots.length).toBeLessThan(125)
  expect([...(await reached(world, mainName))].filter((file) => file.endsWith('.parquet'))).toHaveLength(130)
  for (let turn = 0; turn < 3; turn++) {
    world.advanceMs(20 * minute)
    await commitMany(pod, { first: 130 + turn, next: 131 + turn, everyMs: 0, dead: 1 })
    await pod.drain()
  }
  const kept = new Set([...(await reached(world, mainName)), ...(await reached(world, sideName))])
  const left = [...metadataFiles(mainName), ...metadataFiles(sideName)].filter((file) => !kept.has(file))
  // Of the last minutes: their lists, and descriptions of side files.
  expect(left.length).toBeLessThan(20)
  expect(world.metadataOf(mainName).snapshots.length).toBeLessThan(10)
  expect(world.metadataOf(sideName).snapshots.length).toBeLessThan(30)
  await pod.close()
})

class Crash extends Error {}

/** Store and catalog whose n-th changing call is the last of this process; `after`: it was done, and nobody learns of it. */
function crashing(callMax: number, isDone: boolean) {
  let calls = 0
  let crashed = false
  const under = async <T>(run: () => Promise<T>): Promise<T> => {
    if (crashed) throw new Crash('gone')
    if (calls++ === callMax) {
      crashed = true
      if (isDone) await run()
      throw new Crash('crash')
    }
    return run()
  }
  const alive = async <T>(run: () => Promise<T>): Promise<T> => {
    if (crashed) throw new Crash('gone')
    return run()
  }
  const { store, catalog } = world
  const faultyStore: Store = {
    root: store.root,
    putIfAbsent: (location, bytes) => under(() => store.putIfAbsent(location, bytes)),
    read: (location, range) => alive(() => store.read(location, range)),
    size: (location) => alive(() => store.size(location)),
    delete: (location) => under(() => store.delete(location)),
    hint: (location, text) => store.hint(location, text),
  }
  return {
    store: faultyStore,
    catalog: {
      ...catalog,
      loadTable: (name: typeof MAIN) => alive(() => catalog.loadTable(name)),
      updateTable: (...call: Parameters<typeof catalog.updateTable>) => under(() => catalog.updateTable(...call)),
    },
    calls: () => calls,
    hasCrashed: () => crashed,
  }
}

describe('a crash at every call of an expiry', () => {
  /** Two lives' worth of snapshots, old enough to go, the first of them expired and past their grace. */
  async function prepare(): Promise<void> {
    const pod = world.pod()
    const properties = { 'commit.manifest.min-count-to-merge': '4' }
    await pod.open({ ...spec, properties })
    await commitMany(pod, { first: 0, next: 12, everyMs: 1_000, dead: 0 })
    world.advanceMs(16 * minute)
    await commitMany(pod, { first: 12, next: 18, everyMs: 2 * minute, dead: 0 })
    await pod.close()
    world.advanceMs(16 * minute)
  }

  /** The world as `prepare` left it, anew. */
  function again(saved: World): void {
    world = createWorld()
    for (const [key, table] of saved.catalog.tables) world.catalog.tables.set(key, table)
    for (const [key, bytes] of saved.store.files) world.store.files.set(key, bytes)
    world.advanceMs(saved.nowMs() - world.nowMs())
  }

  /** A life that commits, expires and deletes, up to its crash. */
  async function live(callMax: number, isDone: boolean): Promise<number> {
    const ports = crashing(callMax, isDone)
    const pod = world.pod({ store: ports.store, catalog: ports.catalog })
    try {
      await pod.open(spec)
      await pod.commit('trades', world.group(36n, 38n, { dead: 1 }))
      await pod.drain()
    } catch (error) {
      if (!ports.hasCrashed()) throw error
    }
    return ports.calls()
  }

  test.each([false, true])(
    'leaves every file that a snapshot reaches in place; call done: %s',
    async (isDone) => {
      await prepare()
      const saved = world
      again(saved)
      const calls = await live(Number.POSITIVE_INFINITY, isDone)
      expect(calls).toBeGreaterThan(30)
      for (let call = 0; call < calls; call++) {
        again(saved)
        await live(call, isDone)
        await reached(world, mainName)
        await reached(world, sideName)
        // A new process goes on, and finds what the old one left.
        const pod = world.pod()
        const { positions } = await pod.open(spec)
        const first = Number(positions[0]?.next ?? 0n) / 2
        await commitMany(pod, { first, next: 20, everyMs: 21 * minute })
        await commitMany(pod, { first: 20, next: 23, everyMs: 21 * minute })
        await pod.drain()
        const kept = await reached(world, mainName)
        const left = metadataFiles(mainName).filter((file) => !kept.has(file))
        // Orphans of the crash itself: a manifest, its list, what was merged, a list of expired snapshots; and what waits now.
        expect(left.length, `call ${call}`).toBeLessThan(12)
        await pod.close()
      }
    },
    120_000,
  )
})

test('a lost race, a lost answer or a refusal of an expiry fails no commit, and the next one makes up for it', async () => {
  for (const fault of ['conflict', 'lost before', 'lost after', 'rejected', 'throws after', 'locked'] as const) {
    world = createWorld()
    const pod = world.pod()
    await pod.open(spec)
    await commitMany(pod, { first: 0, next: 10, everyMs: 1_000 })
    world.advanceMs(20 * minute)
    await commitMany(pod, { first: 10, next: 11, everyMs: 0 })
    await pod.drain()
    world.advanceMs(20 * minute)
    // The commit itself is one request, the expiry the next.
    world.faultNext(mainName, 2, fault)
    await commitMany(pod, { first: 11, next: 12, everyMs: 2 * minute })
    await commitMany(pod, { first: 12, next: 14, everyMs: 2 * minute })
    await pod.drain()
    expect(world.metadataOf(mainName).snapshots.length, fault).toBeLessThan(5)
    await reached(world, mainName)
    await pod.close()
  }
})

test('nothing is deleted while a commit is in doubt; once a later one landed it is', async () => {
  const pod = world.pod({ limits: { attemptsMax: 1, troublesMax: 0, backoffMsFirst: 1 } })
  await pod.open(spec)
  await commitMany(pod, { first: 0, next: 30, everyMs: 1_000 })
  world.advanceMs(20 * minute)
  await commitMany(pod, { first: 30, next: 31, everyMs: 0 })
  await pod.drain()
  world.advanceMs(20 * minute)
  const before = world.store.files.size
  world.faults.push({ table: mainName, fault: 'lost before' })
  const reply = await pod.commit('trades', world.group(62n, 64n))
  expect(reply.kind).toBe('failed')
  await pod.drain()
  // What the failed commit wrote is there; nothing else changed.
  expect(world.store.files.size).toBeGreaterThan(before)
  await commitMany(pod, { first: 31, next: 32, everyMs: 0 })
  await pod.drain()
  expect(world.store.files.size).toBeLessThan(before)
  await reached(world, mainName)
  await pod.close()
})

test('k2 tables expire: batch after batch, and files whose grace is over; a table whose marks do not count is left alone', async () => {
  const pod = world.pod()
  await pod.open(spec)
  await commitMany(pod, { first: 0, next: 15, everyMs: 1_000 })
  await pod.close()
  world.advanceMs(20 * minute)
  const other = world.pod()
  expect(await other.expire(MAIN)).toMatchObject({ kind: 'expired', snapshots: 15, snapshotsLeft: 1, listsWaiting: 1 })
  world.advanceMs(11 * minute)
  const again = await other.expire(MAIN)
  expect(again).toMatchObject({ kind: 'expired', snapshots: 0, listsWaiting: 0 })
  expect(again.kind === 'expired' ? again.deleted.manifestLists : 0).toBe(15)
  await reached(world, mainName)
  const { metadata } = (await world.catalog.loadTable(MAIN)) ?? {}
  await world.catalog.updateTable(MAIN, [], [{ action: 'remove-properties', removals: ['k2.positions'] }])
  expect(metadata).toBeDefined()
  expect(await other.expire(MAIN)).toMatchObject({ kind: 'failed', failure: { code: 'POSITIONS_UNTRUSTED' } })
})
