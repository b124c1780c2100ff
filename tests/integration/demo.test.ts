// `k2 demo` from outside: it kills itself on the way, goes on, proves, and touches no folder that is not its own.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import type { VerifyReport } from '../../src/shared/verify/report.ts'
import { asxFacts } from '../support/asx-csv.ts'
import { type Ended, runK2 } from '../support/built-k2.ts'

const folder = mkdtempSync(join(tmpdir(), 'k2-demo-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const demo = (...words: readonly string[]): Promise<Ended> =>
  runK2(['demo', '--dir', 'made', ...words], { cwd: folder })
const numberIn = (text: string, pattern: RegExp): number => Number(pattern.exec(text)?.[1]?.replaceAll(',', ''))

async function tableUuid(): Promise<string> {
  const words = ['--catalog', 'sqlite:made/catalog.db', '--warehouse', 'made/warehouse', '--json']
  const { out } = await runK2(['tables', 'show', '--table', 'market_data.trades_v2', ...words], { cwd: folder })
  return JSON.parse(out).tables[0].table_uuid
}

/** What `k2 demo --json` prints, as far as it is looked at here. */
interface DemoDocument {
  readonly killed?: { readonly signal: string; readonly commits: number; readonly records_committed: number }
  readonly run: { readonly statistics: { readonly messages_written: number } }
  readonly verify: { readonly verdict: string; readonly tables: readonly VerifyReport[] }
  readonly transactions: ReadonlyArray<{ readonly total_records: string }>
  readonly summary: ReadonlyArray<{ readonly symbol: string; readonly trades: number }>
  readonly seconds: number
}

const facts = asxFacts()
const trades = Object.entries(facts.symbols).map(([symbol, { rows }]) => ({ symbol, trades: rows }))
let firstUuid = ''

test('the demo is killed on the way, goes on and ends with the proof and the market per symbol', async () => {
  const { code, out, err } = await demo()
  expect([code, err.split('\n').filter((line) => line.startsWith('k2: '))]).toEqual([0, []])
  const killedAt = numberIn(out, /kill -9 after \d+ commits: ([\d,]+) rows are in the table/)
  expect(killedAt).toBeGreaterThan(0)
  expect(killedAt).toBeLessThan(facts.rows)
  const written = numberIn(out, /Messages written: ([\d,]+)/)
  expect(written).toBeGreaterThan(0)
  // Less where the kill came between a commit and its line in the log.
  expect(killedAt + written).toBeLessThanOrEqual(facts.rows)
  expect(out).toMatch(/PROVEN: table and source are equal: 0 missing, 0 duplicate, 0 extra, 0 changed/)
  for (const { symbol, trades: count } of trades) {
    expect(out).toMatch(new RegExp(`${symbol} +│ +${count.toLocaleString('en-US')} │`))
  }
  firstUuid = await tableUuid()
}, 120_000)

test('a second demo starts afresh', async () => {
  const { code, out } = await demo('--json')
  expect(code).toBe(0)
  const document: DemoDocument = JSON.parse(out)
  expect(document.killed?.signal).toBe('SIGKILL')
  expect(document.killed?.records_committed).toBeLessThan(facts.rows)
  expect(document.verify.verdict).toBe('equal')
  expect(document.verify.tables.map(({ totals }) => totals.equal)).toEqual([facts.rows])
  expect(document.transactions.at(-1)?.total_records).toBe(String(facts.rows))
  expect(document.summary.map(({ symbol, trades: count }) => ({ symbol, trades: count }))).toEqual(
    trades.toSorted((a, b) => (a.symbol < b.symbol ? -1 : 1)),
  )
  expect(await tableUuid()).not.toBe(firstUuid)
  expect(document.seconds).toBeLessThan(30)
}, 120_000)

test('with --keep it goes on in what is there, and adds nothing', async () => {
  const before = await tableUuid()
  const { code, out } = await demo('--keep', '--json')
  expect(code).toBe(0)
  const document: DemoDocument = JSON.parse(out)
  expect([document.run.statistics.messages_written, document.verify.verdict]).toEqual([0, 'equal'])
  expect(await tableUuid()).toBe(before)
}, 60_000)

test('a folder that no demo has made is refused and left as it is', async () => {
  const mine = join(folder, 'mine')
  mkdirSync(mine)
  writeFileSync(join(mine, 'thesis.txt'), 'three years of work')
  for (const words of [[], ['--keep']]) {
    const { code, out, err } = await runK2(['demo', '--dir', mine, ...words])
    expect([code, out]).toEqual([1, ''])
    expect(err).toMatch(/^k2: DEMO_FOLDER: .*mine/)
    expect(readdirSync(mine)).toEqual(['thesis.txt'])
  }
})
