// 200,545 real trades through the built program, and read back by readers that are not ours: pyiceberg by the same SQLite catalog,
// DuckDB by the Parquet files alone. What they find is compared with the CSV files themselves, row by row through a digest.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Transaction } from '../../src/shared/messages.ts'
import type { VerifyReport } from '../../src/shared/verify/report.ts'
import { asxFacts, asxLines, type SymbolFacts } from '../support/asx-csv.ts'
import { type Ended, runK2 } from '../support/built-k2.ts'
import { runReader } from '../support/python-venv.ts'

const trades = 'market_data.trades_v2'
const folder = mkdtempSync(join(tmpdir(), 'k2-real-trades-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const k2 = (...words: readonly string[]): Promise<Ended> => runK2(words, { cwd: folder })

/** A catalog and a warehouse of their own, over the one log. */
const tablesIn = (name: string): string[] => [
  '--catalog',
  `sqlite:${join(folder, `${name}.db`)}`,
  '--warehouse',
  join(folder, name),
]
const source = ['--source', join(folder, 'log')]

/** What asx_pyiceberg.py prints. */
interface FoundByPyiceberg {
  readonly types: Readonly<Record<string, string>>
  readonly symbols: Readonly<Record<string, SymbolFacts>>
  readonly nulls: Readonly<Record<string, number>>
  readonly nulls_of_manifests: Readonly<Record<string, number>>
  readonly times_equal: boolean
  readonly topics: readonly string[]
  readonly offsets: Readonly<Record<string, readonly number[]>>
  readonly days: Readonly<Record<string, { readonly partitions: readonly string[]; readonly rows: number }>>
  readonly files: readonly string[]
  readonly rows_of_snapshots: readonly number[]
}

/** What asx_duckdb.py prints. */
interface FoundByDuckdb extends Pick<FoundByPyiceberg, 'types' | 'symbols' | 'nulls'> {
  readonly sums: Readonly<Record<string, string>>
  readonly vendor_ids: readonly unknown[]
}

// The casts: documents of the reader scripts beside this repository's tests.
const readByPyiceberg = async (name: string): Promise<FoundByPyiceberg> =>
  (await runReader('asx_pyiceberg.py', join(folder, `${name}.db`), trades)) as FoundByPyiceberg
const readByDuckdb = async (files: readonly string[]): Promise<FoundByDuckdb> =>
  (await runReader('asx_duckdb.py', ...files)) as FoundByDuckdb

async function jsonOf(...words: readonly string[]): Promise<Record<string, unknown>> {
  const { code, out, err } = await k2(...words, '--json')
  expect([code, err.split('\n').filter((line) => line.startsWith('k2: '))]).toEqual([0, []])
  return JSON.parse(out)
}

/** Verified, and each table with the rows that were compared as equal. */
async function provenRows(where: readonly string[], ...more: readonly string[]): Promise<Record<string, number>> {
  const { verdict, tables } = await jsonOf('verify', ...source, ...where, ...more)
  expect(verdict).toBe('equal')
  const reports = tables as readonly VerifyReport[]
  return Object.fromEntries(reports.map(({ table, totals }) => [table, totals.equal]))
}

const facts = asxFacts()
const columnTypes = {
  message_id: ['string', 'VARCHAR'],
  trade_id: ['string', 'VARCHAR'],
  symbol: ['string', 'VARCHAR'],
  exchange: ['string', 'VARCHAR'],
  asset_class: ['string', 'VARCHAR'],
  timestamp: ['timestamp[us, tz=UTC]', 'TIMESTAMP WITH TIME ZONE'],
  price: ['decimal128(18, 8)', 'DECIMAL(18,8)'],
  quantity: ['decimal128(18, 8)', 'DECIMAL(18,8)'],
  currency: ['string', 'VARCHAR'],
  side: ['string', 'VARCHAR'],
  trade_conditions: ['list<element: string not null>', 'VARCHAR[]'],
  source_sequence: ['int64', 'BIGINT'],
  ingestion_timestamp: ['timestamp[us, tz=UTC]', 'TIMESTAMP WITH TIME ZONE'],
  platform_sequence: ['int64', 'BIGINT'],
  vendor_data: ['map<string, string>', 'MAP(VARCHAR, VARCHAR)'],
  kafka_topic: ['string', 'VARCHAR'],
  kafka_topic_id: ['string', 'VARCHAR'],
  kafka_partition: ['int32', 'INTEGER'],
  kafka_offset: ['int64', 'BIGINT'],
  kafka_timestamp: ['timestamp[us, tz=UTC]', 'TIMESTAMP WITH TIME ZONE'],
}
const typesOf = (which: 0 | 1): Record<string, string | undefined> =>
  Object.fromEntries(Object.entries(columnTypes).map(([name, types]) => [name, types[which]]))
const nullsOfTrades = Object.fromEntries(
  Object.keys(columnTypes).map((name) => [name, /^(?:source|platform)_sequence$/.test(name) ? facts.rows : 0]),
)

beforeAll(async () => {
  const { code, out } = await k2('feed', 'csv', '--to', 'log')
  expect([code, out.startsWith('written: 200,545 messages')]).toEqual([0, true])
}, 60_000)

describe('all trades', () => {
  const where = tablesIn('all')

  test('go from the log to the table and are proven there', async () => {
    expect(facts.rows).toBe(200_545)
    const { statistics } = await jsonOf('run', ...source, ...where, '--until-end')
    expect(statistics).toMatchObject({
      messages_consumed: 200_545,
      messages_written: 200_545,
      dead_letters: 0,
      tombstones_skipped: 0,
      errors: 0,
    })
    expect(await provenRows(where)).toEqual({ [trades]: 200_545 })
  }, 120_000)

  test('read by pyiceberg from the same catalog are those of the CSV files, value by value', async () => {
    const found = await readByPyiceberg('all')
    expect(found.symbols).toEqual(facts.symbols)
    expect(found.types).toEqual(typesOf(0))
    expect(found.nulls).toEqual(nullsOfTrades)
    expect(found.nulls_of_manifests).toEqual(nullsOfTrades)
    expect(found.times_equal).toBe(true)
    expect(found.topics).toEqual(['market.equities.trades.asx'])
    // Kafka's own partitioner puts RIO alone into one partition; every offset is there once.
    const rio = facts.symbols['RIO']?.rows ?? 0
    expect(found.offsets).toEqual({
      0: [0, rio, rio],
      2: [0, facts.rows - rio, facts.rows - rio],
    })
    expect(found.rows_of_snapshots.at(-1)).toBe(facts.rows)
  }, 300_000)

  test('of one day are found in files of its partition alone', async () => {
    const { days } = await readByPyiceberg('all')
    expect(Object.fromEntries(Object.entries(days).map(([day, { rows }]) => [day, rows]))).toEqual(facts.days)
    for (const [day, { partitions }] of Object.entries(days)) {
      expect(partitions).toEqual([String(Date.parse(`${day}T00:00:00Z`) / 86_400_000)])
    }
  }, 120_000)

  test('read by DuckDB from the live files alone are the same', async () => {
    const { files } = await readByPyiceberg('all')
    const found = await readByDuckdb(files)
    expect(found.symbols).toEqual(facts.symbols)
    expect(found.sums).toEqual(
      Object.fromEntries(Object.entries(facts.symbols).map(([name, { notional }]) => [name, notional])),
    )
    expect(found.types).toEqual(typesOf(1))
    expect(found.nulls).toEqual(nullsOfTrades)
    const ids = { BHP: '7078', DVN: '7181', MWR: '3153', RIO: '7458' }
    expect(found.vendor_ids).toEqual(Object.entries(ids).map(([name, id]) => [name, id, facts.symbols[name]?.rows]))
  }, 120_000)

  test('are not written again by a second run: no new snapshot, the same positions', async () => {
    const before = [await jsonOf('tables', 'show', ...where), await jsonOf('positions', 'show', ...where)]
    const { statistics } = await jsonOf('run', ...source, ...where, '--until-end')
    expect(statistics).toMatchObject({ messages_consumed: 0, messages_written: 0, commits: 0 })
    expect([await jsonOf('tables', 'show', ...where), await jsonOf('positions', 'show', ...where)]).toEqual(before)
  }, 60_000)
})

function transactionsOf(text: string): readonly Transaction[] {
  const lines = text.trim().split('\n')
  return lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'Iceberg transaction committed')
}

describe('a run of ten batches of 500', () => {
  const where = tablesIn('batches')
  const log = join(folder, 'batches.log')

  test('is ten commits of exactly 500 in the batch table, each with its line in the transaction log', async () => {
    const limits = ['--batch-size', '500', '--max-messages', '5000']
    const { batches, statistics } = await jsonOf('run', ...source, ...where, ...limits, '--log-file', log)
    expect(statistics).toMatchObject({ messages_consumed: 5000, messages_written: 5000, commits: 10 })
    expect(batches).toHaveLength(10)
    const rows = batches as ReadonlyArray<Record<string, number>>
    rows.forEach((row, i) => {
      expect([row['batch'], row['messages']]).toEqual([i + 1, 500])
      expect(row['durationMs']).toBeGreaterThan(0)
      expect(row['commitMs']).toBeGreaterThan(0)
    })
    const lines = transactionsOf(readFileSync(log, 'utf8'))
    expect(lines).toHaveLength(10)
    lines.forEach((line, i) => {
      expect([line.table, line.added_records, line.total_records]).toEqual([trades, 500, String(500 * (i + 1))])
      expect(Number(line.sequence_number_after) - Number(line.sequence_number_before)).toBe(1)
      expect(line.snapshot_id_after).toMatch(/^[1-9]\d*$/)
      if (i > 0) expect(line.snapshot_id_before).toBe(lines[i - 1]?.snapshot_id_after)
      expect(line.added_data_files).toBeGreaterThan(0)
      expect(line.added_files_size_bytes).toBeGreaterThan(0)
      expect(line.transaction_duration_ms).toBeGreaterThan(0)
    })
  }, 60_000)

  test('is there to travel in: pyiceberg reads each earlier snapshot with the rows it had', async () => {
    const { rows_of_snapshots } = await readByPyiceberg('batches')
    // The first snapshot carries where reading begins, and no row.
    expect(rows_of_snapshots).toEqual(Array.from({ length: 11 }, (_, i) => i * 500))
    expect(await provenRows(where)).toEqual({ [trades]: 5000 })
  }, 120_000)

  test('is gone on from by a run to the end, and the whole is the trades of the CSV files', async () => {
    const { statistics } = await jsonOf('run', ...source, ...where, '--until-end')
    expect(statistics).toMatchObject({ messages_written: facts.rows - 5000 })
    expect(await provenRows(where)).toEqual({ [trades]: facts.rows })
    expect((await readByPyiceberg('batches')).symbols).toEqual(facts.symbols)
  }, 120_000)
})

describe('quotes and reference data', () => {
  const where = tablesIn('others')

  test('run through to tables of their own and are proven there', async () => {
    const topics = ['--topic', '/^market\\.equities\\.(?:quotes|reference_data)\\./']
    for (const type of ['quotes', 'reference_data']) {
      expect((await k2('feed', 'csv', '--to', 'log', '--type', type)).code).toBe(0)
    }
    const quotes = ['quotes_3153.csv.gz', 'quotes_7181.csv.gz'].flatMap(asxLines).length
    const companies = asxLines('company_info.csv').length - 1
    const { statistics } = await jsonOf('run', ...source, ...where, ...topics, '--until-end')
    expect(statistics).toMatchObject({ messages_written: quotes + companies, dead_letters: 0 })
    expect(await provenRows(where, ...topics)).toEqual({
      'market_data.quotes_v2': quotes,
      'market_data.reference_data_v2': companies,
    })
  }, 60_000)
})
