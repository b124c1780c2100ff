// `k2 query` from outside, on the real trades: its answers are those of pyiceberg and DuckDB in Python on the same tables, as K2 wrote
// them, after a change of the schema, and after another engine wrote all files anew. Then formats, points in time, limits, leases.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Ended, runK2 } from '../support/built-k2.ts'
import { pythonWithReaders, runReader } from '../support/python-venv.ts'

const folder = mkdtempSync(join(tmpdir(), 'k2-query-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const where = ['--catalog', 'sqlite:catalog.db', '--warehouse', 'warehouse']
const catalogFile = join(folder, 'catalog.db')
const trades = 'market_data.trades_v2'
const k2 = (...words: readonly string[]): Promise<Ended> => runK2(words, { cwd: folder })
const query = (sql: string, ...words: readonly string[]): Promise<Ended> => k2('query', sql, ...where, ...words)

interface Document {
  readonly results: ReadonlyArray<{
    readonly columns: ReadonlyArray<{ readonly name: string; readonly type: string }>
    readonly rows: ReadonlyArray<readonly unknown[]>
    readonly cut: boolean
  }>
  readonly tables: ReadonlyArray<{
    readonly table: string
    readonly snapshot_id: string
    readonly manifests: number
    readonly manifests_read: number
    readonly data_files: number
    readonly data_files_read: number
    readonly chosen_by: readonly string[]
  }>
  readonly notices: readonly string[]
}

async function ask(sql: string, ...words: readonly string[]): Promise<Document> {
  const { code, out, err } = await query(sql, '--json', ...words)
  expect([code, err], `${sql}\n${err}`).toEqual([0, ''])
  return JSON.parse(out)
}

const rowsOf = async (sql: string, ...words: readonly string[]): Promise<ReadonlyArray<readonly unknown[]>> =>
  (await ask(sql, ...words)).results[0]?.rows ?? []

/** Id of the first snapshot with rows. */
async function firstSnapshot(): Promise<string> {
  const { out } = await k2('tables', 'snapshots', ...where, '--table', trades, '--limit', '1000', '--json')
  const { snapshots } = JSON.parse(out).tables[0]
  const found = snapshots.findLast((each: { readonly added_rows: string | null }) => Number(each.added_rows) > 0)
  return found.snapshot_id
}

beforeAll(async () => {
  await pythonWithReaders()
  expect((await k2('feed', 'csv', '--to', 'log')).code).toBe(0)
  const run = ['run', '--source', 'log', ...where, '--until-end', '--batch-size', '25000', '--json']
  expect((await k2(...run)).code).toBe(0)
}, 300_000)

/** `ccy` is what the column currency is called at the time. */
const questions = (ccy: string): readonly string[] => [
  'SELECT count(*) FROM trades_v2',
  'SELECT symbol, count(*), sum(CAST(price AS DECIMAL(28,8)) * quantity), min(timestamp), max(timestamp) FROM trades_v2 GROUP BY symbol ORDER BY symbol',
  "SELECT count(*), sum(quantity) FROM trades_v2 WHERE symbol = 'BHP'",
  "SELECT * EXCLUDE (vendor_data) FROM trades_v2 WHERE symbol = 'MWR' ORDER BY timestamp, kafka_offset",
  "SELECT trade_id, price, quantity, timestamp FROM trades_v2 WHERE symbol = 'RIO' AND timestamp >= '2014-03-12 23:00' AND timestamp < '2014-03-12 23:10' ORDER BY trade_id",
  "SELECT count(*) FROM trades_v2 WHERE timestamp BETWEEN '2014-03-11' AND '2014-03-11 23:59:59.999999'",
  "SELECT min(price), max(price) FROM trades_v2 WHERE symbol IN ('DVN', 'MWR')",
  "SELECT count(*) FROM trades_v2 WHERE symbol > 'M' AND symbol < 'N'",
  "SELECT count(*) FROM trades_v2 WHERE symbol <> 'RIO' AND price < 1",
  'SELECT count(*) FROM trades_v2 WHERE price = 38.41',
  'SELECT symbol, count(*) FROM trades_v2 WHERE price >= 38.405 AND price <= 38.415 GROUP BY ALL ORDER BY ALL',
  'SELECT kafka_partition, count(*), min(kafka_offset), max(kafka_offset) FROM trades_v2 GROUP BY ALL ORDER BY ALL',
  'SELECT count(*) FROM trades_v2 WHERE kafka_partition = 2 AND kafka_offset >= 1000 AND kafka_offset < 1100',
  'SELECT message_id FROM trades_v2 WHERE kafka_partition = 0 AND kafka_offset = 17',
  'SELECT count(*) FROM trades_v2 WHERE source_sequence IS NULL',
  'SELECT count(*) FROM trades_v2 WHERE source_sequence IS NOT NULL',
  'SELECT count(*) FROM trades_v2 WHERE quantity > 10000 OR price > 60',
  'SELECT count(*) FROM trades_v2 WHERE NOT (quantity > 100)',
  `SELECT ${ccy}, side, exchange, asset_class, count(*) FROM trades_v2 GROUP BY ALL ORDER BY ALL`,
  `SELECT count(*) FROM trades_v2 WHERE ${ccy} = 'AUD' AND timestamp < TIMESTAMPTZ '2014-03-10 12:00:00+11:00'`,
  "SELECT date_trunc('hour', timestamp) AS hour, symbol, avg(price) FROM trades_v2 WHERE symbol = 'BHP' GROUP BY ALL ORDER BY ALL",
  "SELECT vendor_data['company_id'], count(*) FROM trades_v2 GROUP BY ALL ORDER BY ALL",
  'SELECT len(trade_conditions), count(*) FROM trades_v2 GROUP BY ALL ORDER BY ALL',
  "SELECT condition, count(*) FROM (SELECT unnest(trade_conditions) AS condition FROM trades_v2 WHERE symbol = 'BHP') GROUP BY ALL ORDER BY ALL",
  'WITH large AS (SELECT * FROM trades_v2 WHERE quantity >= 20000) SELECT symbol, count(*), sum(quantity) FROM large GROUP BY ALL ORDER BY ALL',
  "SELECT a.symbol, count(*) FROM trades_v2 a JOIN (SELECT symbol, max(price) AS top FROM trades_v2 GROUP BY symbol) b ON a.symbol = b.symbol AND a.price = b.top WHERE a.symbol <> 'x' GROUP BY ALL ORDER BY ALL",
  "SELECT count(*) FROM trades_v2 a LEFT JOIN trades_v2 b ON a.kafka_offset = b.kafka_offset AND b.symbol = 'MWR' WHERE a.symbol = 'MWR' AND b.symbol IS NULL",
  "SELECT trade_id, price - lag(price) OVER (ORDER BY timestamp, kafka_offset) FROM trades_v2 WHERE symbol = 'DVN' ORDER BY ALL",
  "SELECT count(*) FROM trades_v2 WHERE symbol = 'BHP' AND EXISTS (SELECT 1 FROM trades_v2 r WHERE r.symbol = 'MWR' AND r.price < trades_v2.price)",
  'SELECT count(DISTINCT message_id), count(DISTINCT kafka_offset), min(message_id), max(message_id) FROM trades_v2',
  "SELECT count(*) FROM trades_v2 WHERE 1 = 0 AND symbol = 'BHP'",
]

/** Both sides print every cell as DuckDB casts it to text. */
const asText = (sql: string): string => `SELECT CAST(COLUMNS(*) AS VARCHAR) FROM (${sql})`

async function compare(sqls: readonly string[], table = trades, ...words: readonly string[]): Promise<void> {
  const file = join(folder, 'queries.json')
  writeFileSync(file, JSON.stringify(sqls.map(asText)))
  // The cast: a document of the script beside these tests.
  const theirs = (await runReader('query_tables.py', catalogFile, file, table)) as ReadonlyArray<readonly unknown[]>
  expect(theirs).toHaveLength(sqls.length)
  for (const [index, sql] of sqls.entries()) {
    expect(await rowsOf(asText(sql), '--max-rows', '100000', '--no-lease', ...words), sql).toEqual(theirs[index])
  }
}

describe('answers are those of pyiceberg and DuckDB in Python', () => {
  test('on the tables as K2 wrote them', async () => {
    expect(questions('currency').length).toBeGreaterThanOrEqual(30)
    await compare(questions('currency'))
  }, 180_000)

  test('at the first snapshot', async () => {
    const first = await firstSnapshot()
    await compare(questions('currency').slice(0, 3), `${trades}@${first}`, '--as-of', first)
  }, 60_000)

  test('after a column was renamed, one added and one widened, with rows of before and after', async () => {
    await runReader('change_table.py', catalogFile, trades, 'evolve')
    await compare([
      ...questions('ccy'),
      'SELECT note, count(*) FROM trades_v2 GROUP BY ALL ORDER BY ALL',
      "SELECT count(*) FROM trades_v2 WHERE note = 'a'",
      'SELECT count(*) FROM trades_v2 WHERE note IS NULL',
      'SELECT count(*) FROM trades_v2 WHERE kafka_partition > 1099511627775',
    ])
  }, 180_000)

  test('after another engine wrote all data files anew', async () => {
    await runReader('change_table.py', catalogFile, trades, 'rewrite')
    await compare([...questions('ccy'), 'SELECT note, count(*) FROM trades_v2 GROUP BY ALL ORDER BY ALL'])
  }, 180_000)
})
