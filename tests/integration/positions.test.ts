// The stops that need no broker, each from the stop to the command that it names to a run that goes on and a proof. One table goes
// through all of them: a test begins with what the one before it has proven.
import { mkdtempSync, readdirSync, renameSync, truncateSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { TableMetadata, TableUpdate } from '../../src/shared/iceberg/metadata.ts'
import { openSqlCatalog } from '../../src/shared/iceberg/sql-catalog.ts'
import { openFolderStore } from '../../src/shared/store/folder-store.ts'
import { type K2Ended, k2, type Place, placeIn } from '../support/k2-process.ts'

const TABLE = { namespace: ['market_data'], name: 'trades_v2' }
const name = 'market_data.trades_v2'
const topic = 'market.crypto.trades.binance'
const none = { missing: 0, duplicate: 0, extra: 0, changed: 0, notYetCommitted: 0 }
const TIMEOUT_MS = 120_000
let place: Place
/** Messages in the log so far. */
let fed = 0

beforeAll(async () => {
  place = placeIn(mkdtempSync(join(tmpdir(), 'k2-positions-')))
  await feed(1_000)
  ok(await run('--batch-size', '300'))
}, TIMEOUT_MS)
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

test('a rollback: adopt shows what it would do, takes the table as it is, and the run reads what was rolled back again', async () => {
  await rollBack(2)
  expect((await stops('POSITIONS_UNTRUSTED')).err).toContain('k2 positions adopt')
  const shown = JSON.parse(ok(await positions('adopt', '--dry-run', '--json')).out)
  expect(shown).toMatchObject({ changed: false, history: { before: 0, after: 1 } })
  ok(await positions('adopt', '--yes'))
  expect((await goesOn()).totals.tableRows).toBe(fed)
}, TIMEOUT_MS)

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
