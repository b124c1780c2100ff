// Another engine (Apache Iceberg in Java) on the table of a run that goes on: what it may do to it, and what stops K2, each stop by its
// name and resolved by the command that docs/recovery.md names. One table goes through all of it; docs/foreign-writers.md lists the same.
import { existsSync, mkdtempSync, utimesSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import Database from 'libsql'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readPositions } from '../../src/shared/commit/read-positions.ts'
import type { TableMetadata } from '../../src/shared/iceberg/metadata.ts'
import { openSqlCatalog } from '../../src/shared/iceberg/sql-catalog.ts'
import { openFolderStore } from '../../src/shared/store/folder-store.ts'
import { runK2 } from '../support/built-k2.ts'
import { ForeignWriter } from '../support/foreign-writer.ts'
import { type K2Ended, type K2Process, k2, type Place, placeIn, startK2 } from '../support/k2-process.ts'
import { LogFeeder } from '../support/log-feeder.ts'

const TABLE = { namespace: ['market_data'], name: 'trades_v2' }
const name = 'market_data.trades_v2'
const none = { missing: 0, duplicate: 0, extra: 0, changed: 0, notYetCommitted: 0 }
const TIMEOUT_MS = 120_000
const COMMITTED = 'Iceberg transaction committed'
const place: Place = placeIn(mkdtempSync(join(tmpdir(), 'k2-foreign-')))
const feeder = new LogFeeder(place.log)
let foreign: ForeignWriter
/** Rows that the other engine has added and not deleted. */
let foreignRows = 0

beforeAll(async () => {
  await feeder.feed(1_000)
  const first = await runK2([...words, '--until-end', '--batch-size', '250'])
  expect(first.code, first.err).toBe(0)
  foreign = await ForeignWriter.start(place, name)
}, 300_000)
afterAll(async () => {
  await foreign?.close()
  await rm(place.folder, { recursive: true, force: true, maxRetries: 5 })
})

const ok = (ended: K2Ended): K2Ended => {
  expect(ended.code, ended.err).toBe(0)
  return ended
}
const words = ['run', ...place.words, '--workers', '1', '--commit-interval', '200ms']
const runToEnd = (...more: readonly string[]): Promise<K2Ended> => k2(...words, '--until-end', ...more)
const positions = (command: string, ...more: readonly string[]): Promise<K2Ended> =>
  k2('positions', command, ...place.words.slice(2), '--table', name, ...more)

async function metadata(): Promise<TableMetadata> {
  const catalog = openSqlCatalog({ file: place.catalog, store: openFolderStore(place.warehouse) })
  try {
    const loaded = await catalog.loadTable(TABLE)
    if (loaded === null) throw new Error('no table')
    return loaded.metadata
  } finally {
    await catalog.close()
  }
}

/** The run goes on from where the table stands, and table and log are equal. */
async function goesOn() {
  ok(await runToEnd())
  const { out, err } = await k2('verify', ...place.words, '--json')
  expect(out, err).toContain('"verdict"')
  const { verdict, tables } = JSON.parse(out)
  expect(tables[0], out).toMatchObject({ totals: none, problems: [], foreignRows })
  expect(verdict).toBe('equal')
  return tables[0]
}

/** A run that follows the log and has committed, with nothing left to read. */
async function liveRun(): Promise<K2Process> {
  await feeder.feed(200)
  const run = startK2(words)
  await run.wrote(COMMITTED)
  await sleep(600)
  expect(run.hasEnded(), 'the run goes on').toBe(false)
  return run
}

/**
 * What the other engine does while K2 has nothing to do shows with the next records; a change of schema or spec, which moves no head, once
 * what was encoded before it is committed.
 */
async function stopsAt(harm: () => Promise<void>, ...texts: readonly string[]): Promise<void> {
  const run = await liveRun()
  await harm()
  for (let rounds = 0; !run.hasEnded() && rounds < 20; rounds++) {
    await feeder.feed(20)
    await Promise.race([run.ended, sleep(1_000)])
  }
  expect(run.hasEnded(), `${texts[0]} did not come`).toBe(true)
  const { code, err } = await run.ended
  expect(code, err).toBe(1)
  for (const text of texts) expect(err).toContain(text)
}

async function append(rows: number, more: Readonly<Record<string, string>> = {}): Promise<void> {
  await foreign.run('append', { rows, ...more })
  if (more['branch'] === undefined) foreignRows += rows
}

/** A file that no table names, as a crashed writer leaves it, written long ago. */
function plantOrphan(): string {
  const file = join(place.warehouse, 'market_data', 'trades_v2', 'data', 'left-behind.parquet')
  writeFileSync(file, 'orphan')
  utimesSync(file, 1, 1)
  return file
}

test(
  'appends, rewrites, expiry, orphan removal, refs, properties, statistics, schema and layout: K2 goes on, and the proof holds',
  async () => {
    const orphan = plantOrphan()
    const run = startK2(words)
    feeder.start(100, 200)
    /** One action, then commits of K2 on top of it: one under way when it happened, and one after. */
    const beside = async (verb: string, options: Readonly<Record<string, string | number>> = {}) => {
      const answer = await foreign.run(verb, options)
      await run.wrote(COMMITTED, run.commits() + 2)
      expect(run.hasEnded(), `after ${verb}`).toBe(false)
      return answer
    }
    await run.wrote(COMMITTED, 3)
    await append(30)
    expect(Number((await beside('rewrite-data', { files: 8 }))['files'])).toBeGreaterThan(1)
    await beside('rewrite-manifests')
    expect(await beside('statistics')).toMatchObject({ statistics: '2' })
    await beside('refs', { tag: 'month-end', branch: 'audit' })
    await append(9, { branch: 'audit' })
    await beside('properties', { 'commit.retry.num-retries': 8, owner: 'desk' })
    await beside('sort', { by: 'symbol' })
    await beside('schema', { add: 'note' })
    await append(12)
    const deleted = Number((await beside('delete', { foreign: 'true' }))['rows'])
    expect(deleted).toBe(foreignRows)
    foreignRows -= deleted
    await append(5)
    expect(Number((await beside('expire', { keep: 1 }))['expired'])).toBeGreaterThan(5)
    expect(Number((await beside('orphans', { 'older-ms': 3_600_000 }))['removed'])).toBeGreaterThan(0)
    await beside('spec', { remove: 'timestamp_day' })
    await beside('rewrite-data', { files: 4 })
    await beside('spec', { day: 'timestamp' })
    await beside('refs', { tag: 'month-end', 'drop-branch': 'audit' })
    await beside('refs', { 'drop-tag': 'k2' })
    await feeder.stop()
    run.kill('SIGTERM')
    ok(await run.ended)
    expect(existsSync(orphan)).toBe(false)
    const { properties, refs } = await metadata()
    expect(properties).toMatchObject({ owner: 'desk' })
    expect(refs).toHaveProperty('month-end')
    expect((await goesOn()).totals.tableRows).toBe(feeder.fed)
  },
  TIMEOUT_MS,
)

test(
  'an engine that commits without a pause does not keep K2 from committing',
  async () => {
    const run = startK2(words)
    await feeder.feed(100)
    await run.wrote(COMMITTED)
    feeder.start(100, 200)
    const wanted = run.commits() + 3
    let [commits, ms] = [0, 0]
    for (; run.commits() < wanted || commits < 10; ms += 1_000) {
      commits += Number((await foreign.run('hammer', { ms: 1_000 }))['commits'])
      expect(ms, 'K2 makes progress').toBeLessThan(40_000)
    }
    await feeder.stop()
    run.kill('SIGTERM')
    const races = ok(await run.ended).err.split('"why":"conflict"').length - 1
    console.log(
      `in ${ms} ms ${commits} foreign commits, ${run.commits() - wanted + 3} of K2, which lost ${races} races`,
    )
    expect(races).toBeGreaterThan(0)
    await foreign.run('expire', { keep: 1 })
    await goesOn()
  },
  TIMEOUT_MS,
)

/** Expiry hides our last snapshot: two foreign ones on top of it, and only the newest is kept. */
async function cutChain(): Promise<void> {
  await append(3)
  await append(4)
  await foreign.run('expire', { keep: 1 })
  expect(readPositions(await metadata())).toMatchObject({ kind: 'evidence' })
}

test(
  'expiry cut the line to our last snapshot: its rows are there, compacted by then, and K2 goes on',
  async () => {
    const run = await liveRun()
    await foreign.run('rewrite-data', { files: 50 })
    await cutChain()
    const before = run.commits()
    await feeder.feed(50)
    await run.wrote(COMMITTED, before + 1)
    run.kill('SIGTERM')
    ok(await run.ended)
    await cutChain()
    await goesOn()
  },
  TIMEOUT_MS,
)

test(
  'expiry cut the line and rows of our last snapshot are gone: K2 stops, and adopt reads them again',
  async () => {
    await stopsAt(
      async () => {
        const [range] = readTrusted(await metadata()).ranges.filter(({ first, next }) => next > first)
        if (range === undefined) throw new Error('no range')
        const { partition, next } = range
        expect(await foreign.run('delete', { partition, from: String(next - 1n) })).toMatchObject({ rows: '1' })
        await cutChain()
      },
      'POSITIONS_UNTRUSTED',
      'rows-missing',
    )
    ok(await positions('adopt', '--yes'))
    await goesOn()
  },
  TIMEOUT_MS,
)

function readTrusted(table: TableMetadata) {
  const verdict = readPositions(table)
  if (verdict.kind !== 'trusted') throw new Error(verdict.kind)
  return verdict.positions
}

test(
  'rows deleted while our last snapshot is in sight: K2 goes on, and verify names what is missing',
  async () => {
    const run = await liveRun()
    const deleted = Number((await foreign.run('delete', { partition: 0, from: 400 }))['rows'])
    await feeder.feed(50)
    await run.wrote(COMMITTED, run.commits() + 1)
    run.kill('SIGTERM')
    ok(await run.ended)
    const { code, out } = await k2('verify', ...place.words, '--json')
    expect([code, JSON.parse(out).tables[0].totals]).toMatchObject([1, { ...none, missing: deleted }])
    // What was deleted on purpose is not for K2 to bring back; here the table is filled anew.
    expect(await foreign.run('replace', { rows: 0 })).toMatchObject({ head: 'none' })
    foreignRows = 0
    ok(await positions('adopt', '--yes'))
    await goesOn()
  },
  TIMEOUT_MS,
)

test(
  'a rollback, and CREATE OR REPLACE … AS SELECT: K2 stops, and goes on once the snapshot of its tag is current again',
  async () => {
    const resume = async (): Promise<void> => {
      const snapshot = (await metadata()).refs['k2']?.['snapshot-id']
      await foreign.run('set-current', { snapshot: String(snapshot) })
      await goesOn()
    }
    await stopsAt(async () => void (await foreign.run('rollback', { own: 2 })), 'POSITIONS_UNTRUSTED', 'rolled-back')
    await resume()
    await stopsAt(
      async () => void (await foreign.run('replace', { rows: 7 })),
      'POSITIONS_UNTRUSTED',
      'not-an-ancestor',
    )
    await resume()
  },
  TIMEOUT_MS,
)

test(
  'CREATE OR REPLACE: K2 stops, and adopt fills the table anew',
  async () => {
    await stopsAt(
      async () => void (await foreign.run('replace', { rows: 0 })),
      'POSITIONS_UNTRUSTED',
      'reason=replaced',
    )
    foreignRows = 0
    ok(await positions('adopt', '--yes'))
    expect((await goesOn()).totals.tableRows).toBe(feeder.fed)
  },
  TIMEOUT_MS,
)

test(
  'a column of ours renamed, a partition field K2 cannot write: K2 stops by name, and goes on once it is undone',
  async () => {
    await stopsAt(
      async () => void (await foreign.run('schema', { rename: 'currency', to: 'ccy' })),
      'TABLE_MISFIT',
      'currency: renamed to ccy by another writer',
    )
    await foreign.run('schema', { rename: 'ccy', to: 'currency' })
    await goesOn()
    await stopsAt(
      async () => void (await foreign.run('spec', { identity: 'price' })),
      'TABLE_MISFIT',
      'identity of decimal',
    )
    await foreign.run('spec', { remove: 'price' })
    await goesOn()
  },
  TIMEOUT_MS,
)

test(
  'delete files: K2 goes on, verify refuses by name until they are applied',
  async () => {
    await append(6)
    const run = await liveRun()
    const deleted = Number((await foreign.run('position-delete', { foreign: 'true' }))['rows'])
    expect(deleted).toBe(foreignRows)
    await feeder.feed(50)
    await run.wrote(COMMITTED, run.commits() + 1)
    run.kill('SIGTERM')
    ok(await run.ended)
    const { code, err } = await k2('verify', ...place.words)
    expect([code, err]).toEqual([1, expect.stringContaining('VERIFY_UNSUPPORTED')])
    await foreign.run('apply-deletes', { foreign: 'true' })
    foreignRows = 0
    await goesOn()
  },
  TIMEOUT_MS,
)

test(
  'files of another format beside ours: K2 goes on, verify refuses by name',
  async () => {
    const run = await liveRun()
    await foreign.run('append', { rows: 2, format: 'avro' })
    await feeder.feed(50)
    await run.wrote(COMMITTED, run.commits() + 1)
    run.kill('SIGTERM')
    ok(await run.ended)
    const { code, err } = await k2('verify', ...place.words)
    expect([code, err]).toEqual([1, expect.stringMatching(/VERIFY_UNSUPPORTED.*AVRO/)])
  },
  TIMEOUT_MS,
)

test(
  'format version 3: K2 stops by name, and goes on from the metadata before it',
  async () => {
    await stopsAt(
      async () => void (await foreign.run('properties', { 'format-version': 3 })),
      'TABLE_FORMAT',
      'version=3',
    )
    inCatalog('UPDATE iceberg_tables SET metadata_location = previous_metadata_location WHERE table_name = ?')
    ok(await runToEnd())
  },
  TIMEOUT_MS,
)

test(
  'the table is dropped: K2 stops, and the next run makes it anew',
  async () => {
    await stopsAt(async () => void (await foreign.run('drop')), 'TABLE_MISSING')
    foreignRows = 0
    expect((await goesOn()).totals.tableRows).toBe(feeder.fed)
  },
  TIMEOUT_MS,
)

test(
  'the table is dropped and made again: K2 stops, and the next run takes the new one',
  async () => {
    await stopsAt(async () => {
      await foreign.run('drop')
      await foreign.run('create')
    }, 'TABLE_REPLACED')
    expect((await goesOn()).totals.tableRows).toBe(feeder.fed)
  },
  TIMEOUT_MS,
)

function inCatalog(statement: string): void {
  const database = new Database(place.catalog)
  try {
    expect(database.prepare(statement).run(TABLE.name).changes).toBe(1)
  } finally {
    database.close()
  }
}
