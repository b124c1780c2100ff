// Somebody else changes the table at the worst moment: replaces or drops it while a run reads on, wins every race, comes between a look
// and a change, takes side files away before their table has them. Each ends by name, and once the cause is gone everything is there.
import { readdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { feedSynthetic, syntheticTopic } from '../../src/main/feed/synthetic.ts'
import { openFileRegistry } from '../../src/shared/avro/schema-registry.ts'
import { IngestError } from '../../src/shared/errors.ts'
import { pathOfLocation } from '../../src/shared/store/file-location.ts'
import { appendBatch, goodRecord, type MixedLog, mixedLog, schemas } from '../support/bad-records.ts'
import type { FaultPlan } from '../support/faulty.ts'
import { inDatabase, locationOf, lostRaces, pointTo } from '../support/foreign-hands.ts'
import {
  type K2Ended,
  k2,
  type Place,
  placeIn,
  saidIn,
  startK2,
  temporaryFolder,
  verifyPlace,
} from '../support/k2-process.ts'
import { live, prove } from '../support/line.ts'

const TIMEOUT_MS = 120_000
const side = 'trades_v2_dead_letters'

const run = (place: Place, ...more: readonly string[]): Promise<K2Ended> =>
  k2('run', ...place.words, '--until-end', '--workers', '1', ...more)

const ok = ({ code, err }: K2Ended): void => expect(code, err).toBe(0)

function lineOf({ code, err }: K2Ended): string {
  expect(code, err).toBe(1)
  expect(saidIn(err), err).toHaveLength(1)
  return saidIn(err)[0] ?? ''
}

async function filled(seed: number): Promise<{ readonly place: Place; readonly log: MixedLog }> {
  const place = placeIn(temporaryFolder())
  const log = await mixedLog({ directory: place.log, messages: 300, seed, partitions: 2, roundMessages: 150 })
  return { place, log }
}

async function expectEqual(place: Place, { messages, deadLetters }: Pick<MixedLog, 'messages' | 'deadLetters'>) {
  const { verdict, tables } = await verifyPlace(place)
  expect(tables[0]?.problems).toEqual([])
  expect([verdict, tables[0]?.totals]).toMatchObject([
    'equal',
    { tableRows: messages, deadLetters, notYetCommitted: 0 },
  ])
}

describe('while a run reads on', () => {
  /** A run that has caught up; `meanwhile`, then more records. */
  async function interrupted(place: Place, meanwhile: () => Promise<void>): Promise<string> {
    const running = startK2(['run', ...place.words, '--workers', '1', '--commit-interval', '100ms'])
    await running.wrote('"total_records":"300"')
    await meanwhile()
    await appendBatch(place.log, syntheticTopic, 0, [goodRecord(1), goodRecord(2)])
    return lineOf(await running.ended)
  }

  test(
    'a table that is dropped and made again stops it; the next run takes the new one',
    async () => {
      const { place, log } = await filled(21)
      // In the same warehouse, by another catalog.
      const catalog = join(place.folder, 'another.db')
      const words = ['--source', place.log, '--catalog', `sqlite:${catalog}`, '--warehouse', place.warehouse]
      const elsewhere: Place = { ...place, catalog, words }
      ok(await run(elsewhere, '--max-messages', '100'))
      const line = await interrupted(place, async () => {
        for (const table of ['trades_v2', side]) pointTo(place, locationOf(elsewhere, table), table)
      })
      expect(line).toMatch(/^k2: TABLE_REPLACED: .*table=market_data\.trades_v2 .*start k2 run again/)
      ok(await run(place))
      await expectEqual(place, { ...log, messages: log.messages + 2 })
    },
    TIMEOUT_MS,
  )

  test(
    'a table that is dropped stops it; the next run makes it anew',
    async () => {
      const place = placeIn(temporaryFolder())
      // Without dead letters: their table is not dropped with main's, so that they would be there twice.
      await feedSynthetic({
        directory: place.log,
        schemas: await openFileRegistry(schemas),
        messages: 300,
        partitions: 2,
      })
      const drop = async (): Promise<void> =>
        inDatabase(place, (database) => void database.exec(`DELETE FROM iceberg_tables WHERE table_name = 'trades_v2'`))
      expect(await interrupted(place, drop)).toMatch(/^k2: TABLE_MISSING: .*table=market_data\.trades_v2/)
      ok(await run(place))
      await expectEqual(place, { messages: 302, deadLetters: 0 })
    },
    TIMEOUT_MS,
  )
})

describe('side files that their table has not yet', () => {
  /** Dies between main's commit, which names them, and the one of their table; resolves to where they lie. */
  async function unconfirmed(seed: number) {
    const { place, log } = await filled(seed)
    const plan: FaultPlan = (point) => (point === 'update side' ? { kind: 'crash before' } : null)
    expect((await live(place, { plan })).ports.hasCrashed()).toBe(true)
    const metadata = dirname(pathOfLocation(locationOf(place, side)) ?? '')
    return { place, log, metadata, data: join(dirname(metadata), 'data') }
  }
  const filesIn = async (folder: string, pattern: RegExp): Promise<string[]> =>
    (await readdir(folder, { recursive: true })).filter((name) => pattern.test(name)).map((name) => join(folder, name))

  test(
    'are missed by name when they are gone, and taken when they are back',
    async () => {
      const { place, log, data } = await unconfirmed(23)
      const files = await filesIn(data, /\.parquet$/)
      expect(files.length).toBeGreaterThan(0)
      for (const file of files) await rename(file, `${file}.away`)
      expect(lineOf(await run(place))).toMatch(
        /^k2: UNCONFIRMED_MISSING: .*table=market_data\.trades_v2_dead_letters commit=\w+ file=\S*\.parquet.*k2 positions adopt/,
      )
      for (const file of files) await rename(`${file}.away`, file)
      ok(await run(place))
      await expectEqual(place, log)
    },
    TIMEOUT_MS,
  )

  test(
    'are let go by adopt, and verify names what is missing by that',
    async () => {
      const { place, log, metadata } = await unconfirmed(24)
      const manifests = await filesIn(metadata, /unconfirmed-.*\.avro$/)
      expect(manifests.length).toBeGreaterThan(0)
      for (const file of manifests) await rm(file)
      expect(lineOf(await run(place))).toMatch(/^k2: UNCONFIRMED_MISSING: .*commit=\w+/)
      ok(await k2('positions', 'adopt', ...place.words.slice(2), '--table', 'market_data.trades_v2', '--yes'))
      ok(await run(place))
      const { verdict, tables } = await verifyPlace(place)
      const { deadLetters = 0, missing = 0 } = tables[0]?.totals ?? {}
      expect([verdict, deadLetters + missing, tables[0]?.totals.tableRows]).toEqual([
        'different',
        log.deadLetters,
        log.messages,
      ])
      expect(missing).toBeGreaterThan(0)
    },
    TIMEOUT_MS,
  )
})

describe('every race lost', () => {
  // In this process, where the bound is six sends instead of sixty: minutes of waiting are no part of what is shown.
  test.each([
    ['main', 'trades_v2'],
    ['side', side],
  ])(
    'on the %s table ends after a bounded number of sends; then the next life finds all of it',
    async (_, table) => {
      const { place, log } = await filled(25)
      expect((await live(place, { commitRecords: 75, plan: crashAfterFirst })).ports.hasCrashed()).toBe(true)
      const letGo = lostRaces(place, table)
      const { error, ports } = await live(place, { commitRecords: 75, limits: { unconfirmedMax: 2 } })
      letGo()
      if (!(error instanceof IngestError)) throw new Error(`ended with ${error}`)
      expect(error.message).toMatch(new RegExp(`^COMMIT_GAVE_UP: .*table=market_data\\.${table} .*other writers`))
      expect(ports.passed.filter((point) => point.startsWith('update')).length).toBeGreaterThan(5)
      const next = await live(place)
      expect(next.error).toBeNull()
      const { verdict, totals, problems } = await prove(place)
      expect([verdict, problems]).toEqual(['equal', []])
      expect(totals).toMatchObject({ tableRows: log.messages, deadLetters: log.deadLetters, notYetCommitted: 0 })
    },
    TIMEOUT_MS,
  )

  const crashAfterFirst: FaultPlan = (point, count) =>
    point === 'update main' && count === 2 ? { kind: 'crash before' } : null
})

test(
  'positions that another run has moved between the look and the change are left alone',
  async () => {
    const { place, log } = await filled(26)
    ok(await run(place, '--max-messages', '100'))
    const earlier = locationOf(place)
    ok(await run(place))
    const winner = locationOf(place)
    pointTo(place, earlier)
    const letGo = lostRaces(place, 'trades_v2', winner)
    const words = [...place.words.slice(2), '--table', 'market_data.trades_v2', '--source', place.log]
    const moved = await k2('positions', 'set', ...words, '--partition', '0', '--offset', 'earliest', '--yes')
    letGo()
    expect(moved.code).toBe(1)
    expect(moved.err).toMatch(/k2: POSITIONS_MOVED: .*table=market_data\.trades_v2.*nothing was changed/)
    expect(locationOf(place)).toBe(winner)
    ok(await run(place))
    await expectEqual(place, log)
  },
  TIMEOUT_MS,
)
