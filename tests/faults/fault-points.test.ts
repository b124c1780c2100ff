// For each place where an answer can be lost or a file left half-written: the fault, then the proof. The line runs in this process
// over real files (tests/support/line.ts). What counts is the table: each offset once, positions where they belong, and another
// life that finds nothing to do.
import { mkdtempSync } from 'node:fs'
import { appendFile, readFile, rm, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'libsql'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { syntheticTopic } from '../../src/main/feed/synthetic.ts'
import { commitLimits } from '../../src/shared/commit/commit-limits.ts'
import { IngestError } from '../../src/shared/errors.ts'
import { stageAppend } from '../../src/shared/iceberg/append.ts'
import { openSqlCatalog } from '../../src/shared/iceberg/sql-catalog.ts'
import { openFolderStore } from '../../src/shared/store/folder-store.ts'
import { openPatiently } from '../../src/workers/open-catalog.ts'
import { type MixedLog, mixedLog } from '../support/bad-records.ts'
import type { Fault, FaultPlan, Point } from '../support/faulty.ts'
import { type Place, placeIn, temporaryFolder } from '../support/k2-process.ts'
import { type Life, live, prove } from '../support/line.ts'

const folder = mkdtempSync(join(tmpdir(), 'k2-fault-points-'))
afterAll(() => rm(folder, { recursive: true, force: true }))
let log: MixedLog
/** Every place that a life without faults passes, in order. */
let places: readonly Point[] = []

beforeAll(async () => {
  log = await mixedLog({ directory: folder, messages: 300, seed: 4, partitions: 2, roundMessages: 150 })
})

const freshPlace = (): Place => ({ ...placeIn(temporaryFolder()), log: folder })

/** Nothing missing, double, extra or changed, and a life that follows writes nothing. */
async function expectWhole(place: Place, what: string, expected: MixedLog = log): Promise<void> {
  const { verdict, totals, problems, examples } = await prove(place)
  expect({ verdict, problems, examples }, what).toEqual({ verdict: 'equal', problems: [], examples: [] })
  expect(totals, what).toMatchObject({
    tableRows: expected.messages,
    deadLetters: expected.deadLetters,
    notYetCommitted: 0,
  })
  const next = await live(place)
  expect([next.error, next.records], what).toEqual([null, 0])
  expect(
    next.ports.passed.filter((point) => point.startsWith('put data') || point === 'update main'),
    what,
  ).toEqual([])
}

/** The fault at the n-th passing of a place, `times` times in a row. */
const at =
  (point: Point, n: number, fault: Fault, times = 1): FaultPlan =>
  (passed, count) =>
    passed === point && count >= n && count < n + times ? fault : null

test('a life without faults passes every place, and leaves nothing to do', async () => {
  const place = freshPlace()
  const { error, ports, records } = await live(place)
  expect([error, records]).toEqual([null, log.messages + log.deadLetters + log.tombstones])
  places = ports.passed
  await expectWhole(place, 'no fault')
  expect([...new Set(places)].toSorted()).toEqual([...everyPoint].toSorted())
})

const everyPoint: readonly Point[] = [
  'create main',
  'create side',
  'update main',
  'update side',
  'put data of main',
  'put data of side',
  'put manifest of main',
  'put manifest of side',
  'put side manifest of side',
  'put manifest list of main',
  'put manifest list of side',
  'put metadata of main',
  'put metadata of side',
]

describe('a crash at every single call, then a new process', () => {
  const crashes: readonly Fault[] = [{ kind: 'crash before' }, { kind: 'crash half-way' }, { kind: 'crash after' }]
  test.each(crashes)(
    '$kind',
    async (fault) => {
      expect(places.length).toBeGreaterThan(30)
      for (const [call, point] of places.entries()) {
        // It leaves a temporary file more than a crash before the put, and nothing else: once for each place will do.
        const isNew = point.startsWith('put') && places.indexOf(point) === call
        if (fault.kind === 'crash half-way' && !isNew) continue
        const what = `${fault.kind} at call ${call}, ${point}`
        const place = freshPlace()
        const dead = await live(place, { plan: (_point, _count, now) => (now === call ? fault : null) })
        expect([dead.ports.hasCrashed(), dead.error === null], what).toEqual([true, false])
        const { error } = await live(place)
        expect(error, what).toBeNull()
        await expectWhole(place, what)
      }
    },
    300_000,
  )
})

describe('a call that fails, or whose answer is lost, in a life that goes on', () => {
  const storeFaults: readonly Fault[] = [
    { kind: 'fails', code: 'STORE_IO' },
    { kind: 'fails', code: 'STORE_FULL' },
    { kind: 'answer lost' },
  ]
  const catalogFaults: readonly Fault[] = [
    { kind: 'answer lost' },
    { kind: 'request lost' },
    { kind: 'fails', code: 'CATALOG_LOCKED' },
  ]
  test.each(everyPoint)(
    '%s',
    async (point) => {
      for (const fault of point.startsWith('put') ? storeFaults : catalogFaults) {
        for (const [n, times] of [
          [0, 1],
          [1, 3],
        ] as const) {
          if (point.startsWith('create') && n > 0) continue
          const what = `${JSON.stringify(fault)} at ${point}, passing ${n}, ${times} times`
          const place = freshPlace()
          const life = await live(place, { plan: at(point, n, fault, times) })
          expect(life.error, what).toBeNull()
          await expectWhole(place, what)
        }
      }
    },
    60_000,
  )
})

describe('the catalog', () => {
  test('a foreign commit that comes first is a conflict; ours follows it', async () => {
    const place = freshPlace()
    let foreign = 0
    const act = async (): Promise<void> => {
      foreign++
      await foreignCommit(place)
    }
    const life = await live(place, {
      plan: (point) => (point === 'update main' && foreign < 3 ? { kind: 'meanwhile', act } : null),
    })
    expect([life.error, foreign]).toEqual([null, 3])
    await expectWhole(place, 'foreign commits')
  })

  test.each([
    ['cut otherwise, they fence the first, which goes on behind them', 75, 1],
    ['cut alike, they are the same work, and the first finds it done', 150, 0],
  ])('commits of another life on the same offsets: %s', async (_what, commitRecords, fenced) => {
    const place = freshPlace()
    let others = 0
    const act = async (): Promise<void> => {
      others++
      expect((await live(place, { commitRecords })).error).toBeNull()
    }
    const plan: FaultPlan = (point, count) =>
      point === 'update main' && count === 2 && others === 0 ? { kind: 'meanwhile', act } : null
    const life = await live(place, { plan })
    expect([life.error, life.fenced, others]).toEqual([null, fenced, 1])
    await expectWhole(place, 'another life')
  })

  test('locked for ever, a commit ends with a named error; unlocked, the next life goes on', async () => {
    const place = freshPlace()
    let other: Database.Database | null = null
    const act = async (): Promise<void> => {
      other ??= new Database(place.catalog)
      if (!other.inTransaction) other.exec('BEGIN IMMEDIATE')
    }
    const plan: FaultPlan = (point, count) =>
      point === 'update main' && count === 2 ? { kind: 'meanwhile', act } : null
    const life = await live(place, { plan, busyMsMax: 10 })
    expect(errorOf(life)).toMatch(/^COMMIT_GAVE_UP: .*CATALOG_LOCKED|^CATALOG_LOCKED/)
    release(other)
    expect((await live(place)).error).toBeNull()
    await expectWhole(place, 'locked for ever')
  })

  test('locked for ever from the start, opening it ends with a named error after its tries', async () => {
    const place = freshPlace()
    const other = new Database(place.catalog)
    other.exec('PRAGMA journal_mode = DELETE; CREATE TABLE unrelated (n INTEGER); BEGIN EXCLUSIVE')
    const waits: number[] = []
    const io = {
      limits: commitLimits,
      sleep: async (ms: number) => void waits.push(ms),
      log: () => undefined,
      tell: () => undefined,
    }
    const store = openFolderStore(place.warehouse)
    const open = () => openSqlCatalog({ file: place.catalog, store, busyMsMax: 10 })
    await expect(openPatiently(open, io, 4)).rejects.toMatchObject({ code: 'CATALOG_LOCKED' })
    expect(waits).toEqual([50, 100, 200])
    release(other)
    await (await openPatiently(open, io, 1)).close()
  })
})

test('a disk that stays full ends the run with its name; with space again the next life goes on', async () => {
  for (const point of ['put data of main', 'put manifest list of main', 'put metadata of main'] as const) {
    const place = freshPlace()
    const life = await live(place, { plan: at(point, 2, { kind: 'fails', code: 'STORE_FULL' }, 1_000) })
    expect(errorOf(life), point).toMatch(/STORE_FULL/)
    expect((await live(place)).error, point).toBeNull()
    await expectWhole(place, point)
  }
})

test('a torn batch at the end of the log is its end for now; once whole it is read', async () => {
  for (const missing of [1, 30, 61]) {
    const place = { ...freshPlace(), log: join(temporaryFolder(), 'log') }
    const whole = await mixedLog({ directory: place.log, messages: 300, seed: 4, partitions: 2 })
    // The tombstone of the round lies there, alone in its batch.
    const segment = join(place.log, `${syntheticTopic}-1`, '00000000000000000000.log')
    const bytes = await readFile(segment)
    await truncate(segment, bytes.length - missing)
    const life = await live(place)
    const records = whole.messages + whole.deadLetters + whole.tombstones
    expect([life.error, life.records], `${missing} bytes`).toEqual([null, records - 1])
    await appendFile(segment, bytes.subarray(bytes.length - missing))
    const next = await live(place)
    expect([next.error, next.records], `${missing} bytes`).toEqual([null, 1])
    await expectWhole(place, `${missing} bytes torn off`, whole)
  }
})

const errorOf = ({ error }: Life): string => (error instanceof IngestError ? error.message : String(error))

function release(database: Database.Database | null): void {
  database?.exec('ROLLBACK')
  database?.close()
}

/** Another engine's commit: an empty snapshot on the head of main. */
async function foreignCommit(place: Place): Promise<void> {
  const store = openFolderStore(place.warehouse)
  const catalog = openSqlCatalog({ file: place.catalog, store })
  const name = { namespace: ['market_data'], name: 'trades_v2' }
  const base = (await catalog.loadTable(name))?.metadata
  if (base === undefined) throw new Error('no table yet')
  const snapshotId = BigInt(Date.now()) * 1000n + BigInt(base.snapshots.length)
  const { snapshot } = await stageAppend(base, [], { store, snapshotId, now: Date.now(), attempt: 1, summary: {} })
  const outcome = await catalog.updateTable(
    name,
    [],
    [
      { action: 'add-snapshot', snapshot },
      { action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': snapshotId },
    ],
  )
  expect(outcome.kind).toBe('done')
  await catalog.close()
}
