// What the world does to a run that it cannot be blamed for: each ends with one clear line and exit 1, or waits where waiting can
// help; nothing is lost, nothing half-visible, and once the cause is gone the next run goes on.
import { mkdir, open, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import Database from 'libsql'
import { expect, test } from 'vitest'
import { syntheticTopic } from '../../src/main/feed/synthetic.ts'
import { stageAppend } from '../../src/shared/iceberg/append.ts'
import { openSqlCatalog } from '../../src/shared/iceberg/sql-catalog.ts'
import { openFolderStore } from '../../src/shared/store/folder-store.ts'
import {
  appendBatch,
  badRecords,
  goodRecord,
  mixedLog,
  tombstone,
  unknownSchemaRecord,
} from '../support/bad-records.ts'
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
import { tableRows } from '../support/table-rows.ts'

const limits = ['--chunk-rows', '1000', '--batch-size', '2000', '--workers', '1', '--until-end']
const run = (place: Place, ...more: readonly string[]): Promise<K2Ended> =>
  k2('run', ...place.words, ...limits, ...more)

/** The one line that a run ended with. */
function lineOf({ code, err }: K2Ended): string {
  expect(saidIn(err), err).toHaveLength(1)
  expect(code).toBe(1)
  return saidIn(err)[0] ?? ''
}

async function expectProven(place: Place, rows: number, deadLetters = 0): Promise<void> {
  const { verdict, tables } = await verifyPlace(place)
  expect(tables[0]?.totals).toMatchObject({
    tableRows: rows,
    deadLetters,
    missing: 0,
    duplicate: 0,
    notYetCommitted: 0,
  })
  expect([verdict, tables[0]?.problems]).toEqual(['equal', []])
}

const segment = (place: Place, partition: number): string =>
  join(place.log, `${syntheticTopic}-${partition}`, '00000000000000000000.log')

async function flipByte(path: string, at: number): Promise<void> {
  const file = await open(path, 'r+')
  try {
    const bytes = new Uint8Array(1)
    await file.read(bytes, 0, 1, at)
    bytes[0] = (bytes[0] ?? 0) ^ 0x10
    await file.write(bytes, 0, 1, at)
  } finally {
    await file.close()
  }
}

test('a source that is not there is named, and no catalog is made', async () => {
  const place = placeIn(temporaryFolder())
  expect(lineOf(await run(place))).toMatch(/^k2: SOURCE_MISSING: .*\(directory=\S*\/log .*; check --source/)
  expect(await readdir(place.folder)).toEqual([])
})

test('a flipped byte stops the run after what precedes it, is named with its file, and once repaired the run goes on', async () => {
  const place = placeIn(temporaryFolder())
  const { messages, deadLetters } = await mixedLog({ directory: place.log, messages: 6_000, seed: 5, partitions: 2 })
  const at = 20_000
  await flipByte(segment(place, 1), at)
  const line = lineOf(await run(place))
  expect(line).toMatch(/^k2: SOURCE_CORRUPT: .*topic=market\.crypto\.trades\.binance partition=1 batch=\d+ /)
  expect(line).toContain(`file=${segment(place, 1)}`)

  // Exactly what precedes the batch of that partition is there, and all of the other partition that was read with it.
  const batch = /batch=(\d+)/.exec(line)?.[1] ?? ''
  const positions = await k2('positions', 'show', ...place.words.slice(2), '--json')
  expect(positions.out).toContain(`"next":"${batch}"`)

  // Again, from the command line of a program: the same error in one document, nothing moved.
  const again = await run(place, '--json')
  expect(JSON.parse(again.out)).toMatchObject({ error: { code: 'SOURCE_CORRUPT' }, statistics: { errors: 1 } })
  expect(await k2('positions', 'show', ...place.words.slice(2), '--json')).toMatchObject({ code: 0 })

  await flipByte(segment(place, 1), at)
  expect(await run(place)).toMatchObject({ code: 0 })
  await expectProven(place, messages, deadLetters)
}, 60_000)

test('an unknown schema id stops the run and names its record; as dead letters the run goes on', async () => {
  const place = placeIn(temporaryFolder())
  const { messages, deadLetters } = await mixedLog({ directory: place.log, messages: 3_000, seed: 6, partitions: 2 })
  const records = [goodRecord(1), unknownSchemaRecord, goodRecord(2)]
  // In the partition that is read last, so that everything else precedes it.
  const offset = (await appendBatch(place.log, syntheticTopic, 1, records)) + 1n
  const line = lineOf(await run(place))
  expect(line).toMatch(
    new RegExp(`^k2: SCHEMA_UNKNOWN: .*schemaId=77 topic=${syntheticTopic} partition=1 offset=${offset}`),
  )
  expect(line).toContain('--unknown-schema dead-letter')
  const { tables } = await verifyPlace(place)
  // Everything before it, and nothing behind it.
  expect(tables[0]?.totals).toMatchObject({ missing: 0, duplicate: 0, extra: 0, changed: 0, tableRows: messages + 1 })
  expect(tables[0]?.totals.notYetCommitted).toBe(2)

  expect(await run(place, '--unknown-schema', 'dead-letter')).toMatchObject({ code: 0 })
  await expectProven(place, messages + 2, deadLetters + 1)
}, 60_000)

test('each kind of bad record becomes a dead letter with its code, and its neighbours are rows', async () => {
  const place = placeIn(temporaryFolder())
  const { messages, deadLetters } = await mixedLog({ directory: place.log, messages: 500, seed: 8, partitions: 1 })
  const records = badRecords.flatMap(([, bad], index) => [goodRecord(2 * index), bad, goodRecord(2 * index + 1)])
  const first = await appendBatch(place.log, syntheticTopic, 0, [...records, tombstone])
  const ended = await run(place, '--json')
  expect(ended.code, ended.err).toBe(0)
  expect(JSON.parse(ended.out).statistics).toMatchObject({
    messages_written: messages + 2 * badRecords.length,
    dead_letters: deadLetters + badRecords.length,
    tombstones_skipped: 2,
  })
  await expectProven(place, messages + 2 * badRecords.length, deadLetters + badRecords.length)

  const letters = await tableRows(place, 'trades_v2_dead_letters')
  const mine = letters.filter((letter) => BigInt(String(letter['kafka_offset'])) >= first)
  expect(mine.map((letter) => letter['error_code'])).toEqual(badRecords.map(([code]) => code))
}, 60_000)

test('a warehouse that cannot be written stops the run, and nothing is visible', async () => {
  const place = placeIn(temporaryFolder())
  await mixedLog({ directory: place.log, messages: 500, seed: 9 })
  await writeFile(place.warehouse, 'a file where the folder should be')
  expect(lineOf(await run(place))).toMatch(/^k2: STORE_NOT_WRITABLE: .*warehouse.*; check --warehouse/)
  await rm(place.warehouse)
  expect(await run(place)).toMatchObject({ code: 0 })
  await expectProven(place, 500, badRecords.length)
}, 60_000)

test('a full disk is waited for and said; stopped meanwhile, the next run goes on', async () => {
  const place = placeIn(temporaryFolder())
  const { messages, deadLetters } = await mixedLog({ directory: place.log, messages: 20_000, seed: 10 })
  // No file may grow beyond 400 KB: metadata fits and the small first data file, no other. Works for any user, root as well.
  const full = startK2(['run', ...place.words, '--workers', '1', '--until-end'], 'ulimit -f 800')
  await full.wrote('chunk is tried again', 2)
  full.kill('SIGTERM')
  const ended = await full.ended
  expect(lineOf(ended)).toMatch(
    /^k2: STORE_FULL: no space left for the warehouse \(operation=put location=file:.*; free space/,
  )
  const { tables } = await verifyPlace(place)
  expect(tables[0]?.totals).toMatchObject({ extra: 0, missing: 0, duplicate: 0, changed: 0 })
  expect(tables[0]?.totals.tableRows).toBeLessThan(messages)

  expect(await run(place)).toMatchObject({ code: 0 })
  await expectProven(place, messages, deadLetters)
}, 60_000)

test('a catalog that another process writes to, or holds from the start, is waited for', async () => {
  const place = placeIn(temporaryFolder())
  const { messages, deadLetters } = await mixedLog({ directory: place.log, messages: 4_000, seed: 11 })
  // A rollback journal: who holds the lock keeps others from reading, too.
  const other = new Database(place.catalog)
  other.exec('PRAGMA journal_mode = DELETE; CREATE TABLE unrelated (n INTEGER); BEGIN EXCLUSIVE')
  const running = startK2(['run', ...place.words, ...limits, '--throttle', '2000'])
  await running.wrote('CATALOG_LOCKED')
  expect(running.hasEnded()).toBe(false)
  other.exec('COMMIT')
  other.close()

  await running.wrote('Iceberg transaction committed')
  const writer = new Database(place.catalog)
  writer.exec('BEGIN IMMEDIATE; INSERT INTO unrelated VALUES (1)')
  await sleep(2_000)
  expect(running.hasEnded()).toBe(false)
  writer.exec('ROLLBACK')
  writer.close()
  const ended = await running.ended
  expect(ended.code, ended.err).toBe(0)
  await expectProven(place, messages, deadLetters)
}, 60_000)

test('a table of somebody else under our name is left alone', async () => {
  const place = placeIn(temporaryFolder())
  await mixedLog({ directory: place.log, messages: 500, seed: 12 })
  const store = openFolderStore(place.warehouse)
  const catalog = openSqlCatalog({ file: place.catalog, store })
  const name = { namespace: ['market_data'], name: 'trades_v2' }
  const schema = {
    type: 'struct',
    'schema-id': 0,
    fields: [{ id: 1, name: 'a', required: false, type: 'long' }],
  } as const
  const spec = { 'spec-id': 0, fields: [] }
  await catalog.createTable(name, { schema, spec, location: `${store.root}/market_data/trades_v2`, properties: {} })
  const base = await catalog.loadTable(name)
  if (base === null) throw new Error('not created')
  const context = { store, snapshotId: 7n, now: Date.now(), attempt: 1, summary: {} }
  const { snapshot } = await stageAppend(base.metadata, [], context)
  await catalog.updateTable(
    name,
    [],
    [
      { action: 'add-snapshot', snapshot },
      { action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': 7n },
    ],
  )
  expect(lineOf(await run(place))).toMatch(
    /^k2: TABLE_FOREIGN: .*\(table=market_data\.trades_v2\); choose another --table/,
  )
  expect((await catalog.loadTable(name))?.metadata['current-snapshot-id']).toBe(7n)
  expect(await catalog.listTables()).toEqual([name])
  await catalog.close()
}, 60_000)

test('a catalog that is no database, or has no folder, is named', async () => {
  const place = placeIn(temporaryFolder())
  await mixedLog({ directory: place.log, messages: 100, seed: 13 })
  await writeFile(
    place.catalog,
    'this is a text file, and a long one, so that it cannot be taken for an empty database',
  )
  expect(lineOf(await run(place))).toMatch(/^k2: CATALOG_UNREADABLE: .*catalog\.db.*; check --catalog/)
  await rm(place.catalog)
  await mkdir(place.catalog)
  expect(lineOf(await run(place))).toMatch(/^k2: CATALOG_UNREADABLE: .*catalog\.db.*; check --catalog/)
}, 60_000)

test('options that contradict each other are refused with exit 2 before anything is touched', async () => {
  const place = placeIn(temporaryFolder())
  const { code, err, out } = await k2('run', ...place.words, '--quiet', '--json')
  expect([code, err]).toEqual([2, expect.stringMatching(/--quiet.*--json|--json.*--quiet/)])
  expect(JSON.parse(out)).toMatchObject({ error: { code: 'USAGE' } })
  expect(await readdir(place.folder)).toEqual([])
})
