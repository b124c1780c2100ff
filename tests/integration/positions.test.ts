// The stops that need no broker, each from the stop to the command that it names to a run that goes on and a proof. One table goes
// through all of them: a test begins with what the one before it has proven.
import { mkdtempSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'libsql'
import { afterAll, expect, test } from 'vitest'
import { stageAppend, writeManifest } from '../../src/shared/iceberg/append.ts'
import type { TableMetadata, TableUpdate } from '../../src/shared/iceberg/metadata.ts'
import { listFiles } from '../../src/shared/iceberg/read-table.ts'
import { openSqlCatalog } from '../../src/shared/iceberg/sql-catalog.ts'
import { openFolderStore } from '../../src/shared/store/folder-store.ts'
import { type K2Ended, k2, type Place, placeIn } from '../support/k2-process.ts'

const TABLE = { namespace: ['market_data'], name: 'trades_v2' }
const name = 'market_data.trades_v2'
const topic = 'market.crypto.trades.binance'
const none = { missing: 0, duplicate: 0, extra: 0, changed: 0, notYetCommitted: 0 }
const TIMEOUT_MS = 120_000
const place: Place = placeIn(mkdtempSync(join(tmpdir(), 'k2-positions-')))
/** Messages in the log so far. */
let fed = 0

afterAll(() => rm(place.folder, { recursive: true, force: true, maxRetries: 5 }))

const ok = (ended: K2Ended): K2Ended => {
  expect(ended.code, ended.err).toBe(0)
  return ended
}

async function feed(messages: number): Promise<void> {
  const counts = ['--messages', String(messages), '--seed', String(fed + 1), '--partitions', '2']
  const more = fed > 0 ? ['--append'] : []
  ok(await k2('feed', 'synthetic', '--to', place.log, '--topic', topic, ...counts, ...more))
  fed += messages
}
const run = (...more: readonly string[]): Promise<K2Ended> =>
  k2('run', ...place.words, '--until-end', '--workers', '1', ...more)
const tableWords = (): readonly string[] => [...place.words.slice(2), '--table', name]
const positions = (command: 'set' | 'adopt', ...more: readonly string[]): Promise<K2Ended> =>
  k2('positions', command, ...tableWords(), ...more)

async function verify() {
  const { out, err } = await k2('verify', ...place.words, '--json')
  expect(out, err).toContain('"verdict"')
  const { verdict, tables } = JSON.parse(out)
  return { verdict, ...tables[0] }
}

/** What another engine does to the table. */
async function change(updatesOf: (metadata: TableMetadata) => readonly TableUpdate[]): Promise<void> {
  await inCatalog(async (catalog) => {
    const loaded = await catalog.loadTable(TABLE)
    if (loaded === null) throw new Error('no table')
    expect(await catalog.updateTable(TABLE, [], updatesOf(loaded.metadata))).toMatchObject({ kind: 'done' })
  })
}

async function inCatalog<T>(use: (catalog: ReturnType<typeof openSqlCatalog>) => Promise<T>): Promise<T> {
  const catalog = openSqlCatalog({ file: place.catalog, store: openFolderStore(place.warehouse) })
  try {
    return await use(catalog)
  } finally {
    await catalog.close()
  }
}

async function stops(code: string, ...more: readonly string[]): Promise<K2Ended> {
  const ended = await run(...more)
  expect([ended.code, ended.err]).toEqual([1, expect.stringContaining(code)])
  return ended
}

const rollBack = (steps: number): Promise<void> =>
  change(({ snapshots }) => {
    const id = snapshots.at(-1 - steps)?.['snapshot-id'] ?? 0n
    return [{ action: 'set-snapshot-ref', 'ref-name': 'main', 'snapshot-id': id, type: 'branch' }]
  })

/** The run goes on, and table and log are equal again. */
async function goesOn(...words: readonly string[]) {
  ok(await run(...words))
  const report = await verify()
  expect(report, JSON.stringify(report.examples)).toMatchObject({ verdict: 'equal', totals: none, problems: [] })
  return report
}

test(
  'a rollback: adopt shows what it would do, takes the table as it is, and the run reads what was rolled back again',
  async () => {
    await feed(1_000)
    ok(await run('--batch-size', '300'))
    await rollBack(2)
    expect((await stops('POSITIONS_UNTRUSTED')).err).toContain('k2 positions adopt')
    const shown = JSON.parse(ok(await positions('adopt', '--dry-run', '--json')).out)
    expect(shown).toMatchObject({ changed: false, history: { before: 0, after: 1 } })
    ok(await positions('adopt', '--yes'))
    expect((await goesOn()).totals.tableRows).toBe(fed)
  },
  TIMEOUT_MS,
)

test.each([
  ['the property was taken away', (): TableUpdate => ({ action: 'remove-properties', removals: ['k2.positions'] })],
  ['the property cannot be read', (): TableUpdate => ({ action: 'set-properties', updates: { 'k2.positions': '{' } })],
  ['the branch was replaced', (): TableUpdate => ({ action: 'remove-snapshot-ref', 'ref-name': 'main' })],
])(
  'where %s, adopt takes the table, and the run goes on',
  async (_, update) => {
    await change(() => [update()])
    await stops('POSITIONS_')
    ok(await positions('adopt', '--source', place.log, '--yes'))
    expect((await goesOn()).totals.tableRows).toBe(fed)
  },
  TIMEOUT_MS,
)

test(
  'a position that is set ahead is a gap that verify names; where it stands already, nothing is set',
  async () => {
    await feed(400)
    ok(await positions('set', '--source', place.log, '--partition', '0', '--offset', 'latest', '--yes'))
    const report = await goesOn()
    expect(report.totals.tableRows).toBeLessThan(fed)
    const gap = report.partitions.reduce((sum: number, { explained }: Explained) => sum + explained.acceptedGap, 0)
    expect(report.totals.tableRows + gap).toBe(fed)
    const again = await positions('set', '--source', place.log, '--partition', '0', '--offset', 'latest', '--yes')
    expect([again.code, again.err]).toEqual([1, expect.stringContaining('POSITIONS_REFUSED')])
  },
  TIMEOUT_MS,
)

test(
  'positions go through a file; what is set back is shown as rows that will be doubled',
  async () => {
    const file = join(place.folder, 'positions.json')
    writeFileSync(file, ok(await k2('positions', 'show', ...tableWords(), '--source', place.log, '--json')).out)
    const [{ partitions }] = JSON.parse(readFileSync(file, 'utf8')).tables
    expect(partitions[0]).toMatchObject({ lag: '0', gaps: [{ why: 'set' }] })
    writeFileSync(file, readFileSync(file, 'utf8').replace(`"next":"${partitions[1].next}"`, '"next":"5"'))
    const { changes } = JSON.parse(ok(await positions('set', '--from-file', file, '--dry-run', '--json')).out)
    expect(changes[1]).toMatchObject({ after: { next: '5' }, rows_above: String(Number(partitions[1].next) - 5) })
  },
  TIMEOUT_MS,
)

test('without a terminal nothing is changed unless --yes says so', async () => {
  const { code, err } = await positions('set', '--source', place.log, '--offset', 'earliest')
  expect([code, err]).toEqual([1, expect.stringContaining('--yes')])
})

test(
  'a log that was cut below the position: the run goes on from there, and verify knows the rows that were cut off',
  async () => {
    const folder = join(place.log, `${topic}-1`)
    const segment =
      readdirSync(folder)
        .filter((file) => file.endsWith('.log'))
        .sort()
        .at(-1) ?? ''
    const { size } = statSync(join(folder, segment))
    truncateSync(join(folder, segment), Math.floor(size / 2))
    expect((await stops('POSITION_OUT_OF_RANGE')).err).toContain('k2 run --accept-gap')
    const elsewhere = await run('--accept-gap', `${topic}/0`)
    expect(elsewhere.err).toContain('POSITION_OUT_OF_RANGE')
    const report = await goesOn('--accept-gap', `${topic}/1`)
    expect(report.totals.goneFromSource).toBeGreaterThan(0)
    expect((await goesOn()).totals.goneFromSource).toBe(report.totals.goneFromSource)
  },
  TIMEOUT_MS,
)

test(
  'a side table that was dropped: adopt makes an empty one',
  async () => {
    forget('trades_v2_dead_letters')
    expect((await stops('SIDE_TABLE_MISSING')).err).toContain('k2 positions adopt')
    const adopted = ok(await positions('adopt', '--yes'))
    expect(adopted.out).toContain('an empty one is made')
    await goesOn()
  },
  TIMEOUT_MS,
)

test(
  'a table that was dropped is made anew by the run',
  async () => {
    forget('trades_v2')
    const report = await goesOn()
    expect(report.totals.tableRows).toBe(report.totals.sourceRecords)
  },
  TIMEOUT_MS,
)

test(
  'a table with rows of another writer: adopt wants to be told where to begin, and verify knows those rows apart',
  async () => {
    const foreign = { namespace: ['market_data'], name: 'foreign_v2' }
    const rows = await copyTable(foreign)
    const there = ['--table', 'market_data.foreign_v2']
    const adopt = (...more: readonly string[]) =>
      k2('positions', 'adopt', ...place.words.slice(2), ...there, '--source', place.log, ...more)
    expect((await stops('TABLE_FOREIGN', ...there)).err).toContain('k2 positions adopt')
    const check = await k2('run', '--check', ...place.words, ...there)
    expect([check.code, check.out]).toEqual([
      1,
      expect.stringMatching(/✗ table market_data\.foreign_v2 .*TABLE_FOREIGN/),
    ])
    expect((await adopt('--yes')).err).toContain('--offset')
    ok(await adopt('--offset', 'latest', '--yes'))
    await feed(200)
    ok(await run(...there))
    const { out } = await k2('verify', ...place.words, ...there, '--json')
    const { verdict, tables } = JSON.parse(out)
    expect(tables[0], out).toMatchObject({ adoptedRows: rows, totals: { ...none, tableRows: rows + 200 } })
    expect(verdict).toBe('equal')
  },
  TIMEOUT_MS,
)

interface Explained {
  readonly explained: { readonly acceptedGap: number }
}

/** As DROP TABLE: the catalog does not know it any more, the files stay. */
function forget(table: string): void {
  const database = new Database(place.catalog)
  try {
    expect(database.prepare('DELETE FROM iceberg_tables WHERE table_name = ?').run(table).changes).toBe(1)
  } finally {
    database.close()
  }
}

/** Another writer's table with the rows of ours; how many. */
async function copyTable(foreign: typeof TABLE): Promise<number> {
  const store = openFolderStore(place.warehouse)
  return inCatalog(async (catalog) => {
    const own = await catalog.loadTable(TABLE)
    const head = own?.metadata.snapshots.at(-1)
    if (own === null || head === undefined) throw new Error('no table')
    const [schema] = own.metadata.schemas
    const [spec] = own.metadata['partition-specs']
    if (schema === undefined || spec === undefined) throw new Error('no layout')
    const location = `${store.root}/market_data/foreign_v2`
    await catalog.createTable(foreign, { schema, spec, location, properties: {} })
    const loaded = await catalog.loadTable(foreign)
    if (loaded === null) throw new Error('no copy')
    const { 'default-spec-id': specId, 'current-schema-id': schemaId } = loaded.metadata
    const files = (await listFiles(store, head)).dataFiles.map(({ file }) => ({ ...file, specId, schemaId }))
    const manifest = await writeManifest(store, loaded.metadata, files, 77n)
    const context = { store, snapshotId: 77n, now: loaded.metadata['last-updated-ms'], attempt: 1, summary: {} }
    const { snapshot } = await stageAppend(loaded.metadata, [manifest], context)
    const updates: TableUpdate[] = [
      { action: 'add-snapshot', snapshot },
      { action: 'set-snapshot-ref', 'ref-name': 'main', 'snapshot-id': 77n, type: 'branch' },
    ]
    expect(await catalog.updateTable(foreign, [], updates)).toMatchObject({ kind: 'done' })
    return files.reduce((sum, file) => sum + file.recordCount, 0)
  })
}
