// A config file with two routes through the built program: two topics of one log into two tables that differ in all a route can
// choose, proven, and read back by pyiceberg and pyarrow.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { VerifyReport } from '../../src/shared/verify/report.ts'
import { type MixedLog, mixedLog } from '../support/bad-records.ts'
import { type Ended, runK2 } from '../support/built-k2.ts'
import { pythonWithReaders, runReader } from '../support/python-venv.ts'

const folder = mkdtempSync(join(tmpdir(), 'k2-routes-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const k2 = (...words: readonly string[]): Promise<Ended> => runK2(words, { cwd: folder, env: { GROUP: 'by variable' } })
const config = join(folder, 'k2.yaml')

const text = `
source: log
catalog: sqlite:catalog.db
warehouse: warehouse
group: \${GROUP}
until-end: true
routes:
  - topics: market.crypto.trades.binance
    table: market_data.crypto_trades
    partition: [hour(timestamp), "bucket(4, symbol)"]
    sort: [symbol, trade_price desc]
    compression: gzip(4)
    rename: {price: trade_price, note: quantity_note}
    leave-out: [vendor_data, trade_conditions]
    tombstone: store
    kafka-headers: true
    batch-size: 1000
  - topics: market.{class}.quotes.{exchange}
    table: market_data.{class}_quotes
    partition: [symbol, month(timestamp)]
    compression: snappy
    leave-out: [message_id]
    rename: {bid_price: bid}
`.replace(', note: quantity_note', '')

let mixed: MixedLog = { messages: 0, deadLetters: 0, tombstones: 0 }

beforeAll(async () => {
  await pythonWithReaders()
  writeFileSync(config, text)
  mixed = await mixedLog({ directory: join(folder, 'log'), messages: 3000, seed: 5, roundMessages: 1500 })
  const fed = await k2('feed', 'csv', '--to', 'log', '--type', 'quotes')
  expect([fed.code, fed.err]).toEqual([0, ''])
}, 300_000)

async function proof(...words: readonly string[]): Promise<readonly VerifyReport[]> {
  const { code, out, err } = await k2('verify', ...words, '--json')
  const { verdict, tables } = JSON.parse(out)
  expect([code, verdict, err.split('\n').filter((line) => line.startsWith('k2: '))]).toEqual([0, 'equal', []])
  return tables
}
const differences = ({ totals }: VerifyReport) => [totals.missing, totals.duplicate, totals.extra, totals.changed]

describe('two routes of one run', () => {
  test('are checked before, fill their tables, and the proof holds for both', async () => {
    const check = await k2('run', '--config', config, '--check', '--json')
    const checks: ReadonlyArray<{ readonly name: string; readonly found: string }> = JSON.parse(check.out).checks
    expect(check.code).toBe(0)
    expect(checks.filter(({ name }) => name.startsWith('routes')).map(({ found }) => found)).toEqual([
      'market.crypto.trades.binance → market_data.crypto_trades',
      'market.equities.quotes.asx → market_data.equities_quotes',
    ])
    const run = await k2('run', '--config', config, '--json')
    expect(run.code).toBe(0)
    const { statistics } = JSON.parse(run.out)
    expect(statistics.commits).toBeGreaterThanOrEqual(5)
    const reports = await proof('--config', config)
    expect(reports.map(({ table, ...rest }) => [table, ...differences({ table, ...rest })])).toEqual([
      ['market_data.crypto_trades', 0, 0, 0, 0],
      ['market_data.equities_quotes', 0, 0, 0, 0],
    ])
    const [trades, quotes] = reports
    expect(trades?.totals.equal).toBe(mixed.messages + mixed.tombstones)
    expect(quotes?.totals.equal).toBe(609)
  }, 120_000)

  test('are proven by what the tables say of themselves, without the config file', async () => {
    const where = ['--source', 'log', '--catalog', 'sqlite:catalog.db', '--warehouse', 'warehouse']
    const [report] = await proof(
      ...where,
      '--topic',
      'market.crypto.trades.binance',
      '--table',
      'market_data.crypto_trades',
    )
    expect(report === undefined ? null : differences(report)).toEqual([0, 0, 0, 0])
  }, 60_000)

  test('read by others are what was chosen: columns, spec, order of rows, codec', async () => {
    const trades = await runReader('route_facts.py', join(folder, 'catalog.db'), 'market_data.crypto_trades', 'symbol')
    expect(trades).toMatchObject({
      rows: mixed.messages + mixed.tombstones,
      spec: [
        ['timestamp', 'timestamp_hour', 'hour'],
        ['symbol', 'symbol_bucket', 'bucket[4]'],
      ],
      sort: [
        ['symbol', 'ASC', 'NULLS_FIRST'],
        ['trade_price', 'DESC', 'NULLS_LAST'],
      ],
      codecs: ['GZIP'],
      nulls: { symbol: mixed.tombstones, trade_price: mixed.tombstones },
      properties: { 'write.parquet.compression-codec': 'gzip', 'write.parquet.compression-level': '4' },
    })
    const {
      columns,
      files,
      sorted_files: sortedFiles,
    } = trades as { columns: string[]; files: number; sorted_files: number }
    expect(columns).toEqual(expect.arrayContaining(['trade_price', 'kafka_key', 'kafka_headers']))
    for (const gone of ['price', 'vendor_data', 'trade_conditions']) expect(columns).not.toContain(gone)
    expect([sortedFiles > 4, sortedFiles]).toEqual([true, files])

    const quotes = await runReader('route_facts.py', join(folder, 'catalog.db'), 'market_data.equities_quotes', '-')
    expect(quotes).toMatchObject({
      rows: 609,
      spec: [
        ['symbol', 'symbol', 'identity'],
        ['timestamp', 'timestamp_month', 'month'],
      ],
      sort: [],
      codecs: ['SNAPPY'],
    })
    expect((quotes as { columns: string[] }).columns).not.toContain('message_id')
    expect((quotes as { partitions: string[] }).partitions).toContain('["MWR", "530"]')
  }, 60_000)

  test('go on with another compression, and stop by name where rows would come to mean something else', async () => {
    const again = async (from: string, to: string): Promise<string> => {
      const changed = readFileSync(config, 'utf8').replace(from, to)
      expect(changed).not.toBe(text)
      writeFileSync(join(folder, 'changed.yaml'), changed)
      const { err } = await k2('run', '--config', 'changed.yaml', '--quiet')
      return err
        .split('\n')
        .filter((line) => line.startsWith('k2: '))
        .join('\n')
    }
    expect(await again('gzip(4)', 'zstd')).toBe('')
    expect(await again('compression: snappy', 'compression: snappy\n    sort: symbol')).toMatch(
      /^k2: TABLE_MISFIT: .*sorted by none, in the route by symbol asc nulls first/m,
    )
    expect(await again('hour(timestamp)', 'day(timestamp)')).toMatch(/^k2: TABLE_MISFIT: .*partitioned by hour/m)
    expect(await again('price: trade_price}', 'price: trade_price, side: way}')).toMatch(
      /^k2: TABLE_MISFIT: .*side is a column of the table/m,
    )
    expect(await again('[vendor_data, ', '[')).toMatch(/^k2: TABLE_MISFIT: /m)
    expect(await again('tombstone: store', 'tombstone: skip')).toMatch(/^k2: TABLE_MISFIT: .*tombstones are stored/m)
  }, 120_000)
})
