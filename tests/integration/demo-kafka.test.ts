// `k2 demo --kafka` from outside, with the real servers: killed on the way, proven against the broker, and no process of it left, also
// where it is stopped or something is missing.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { VerifyReport } from '../../src/shared/verify/report.ts'
import { asxFacts } from '../support/asx-csv.ts'
import { runK2 } from '../support/built-k2.ts'
import { startK2, temporaryFolder } from '../support/k2-process.ts'

/** Under a minute on a quiet machine. */
const SLOW_MS = 600_000
const facts = asxFacts()

/** Processes with a word of their command line in this folder. */
function processesOf(folder: string): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      const file = `/proc/${pid}/cmdline`
      const words = existsSync(file) ? readQuietly(file) : ''
      return words.includes(folder) ? [words.replaceAll('\0', ' ')] : []
    })
}

/** It may end while it is looked at. */
function readQuietly(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

interface DemoDocument {
  readonly services: ReadonlyArray<{ readonly service: string; readonly state: string; readonly address: string }>
  readonly killed: { readonly signal: string; readonly records_committed: number }
  readonly run: { readonly statistics: { readonly messages_written: number } }
  readonly verify: { readonly verdict: string; readonly tables: readonly VerifyReport[] }
  readonly transactions: ReadonlyArray<{ readonly total_records: string }>
  readonly summary: ReadonlyArray<{ readonly symbol: string; readonly trades: number }>
}

test(
  'the trades go through Kafka, the run is killed and goes on, the brokers prove the table, and no process is left',
  async () => {
    const folder = temporaryFolder()
    const { code, out, err } = await runK2(['demo', '--kafka', '--dir', join(folder, 'demo'), '--json'])
    expect(code, err).toBe(0)
    const { services, killed, run, verify, transactions, summary }: DemoDocument = JSON.parse(out)
    expect(services.map(({ service, state }) => [service, state])).toEqual([
      ['kafka', 'healthy'],
      ['registry', 'healthy'],
    ])
    expect(killed.signal).toBe('SIGKILL')
    expect(killed.records_committed).toBeGreaterThan(0)
    // Less where the kill came between a commit and its line in the log.
    expect(killed.records_committed + run.statistics.messages_written).toBeLessThanOrEqual(facts.rows)
    expect(run.statistics.messages_written).toBeGreaterThan(0)
    expect(verify.verdict).toBe('equal')
    expect(verify.tables.map(({ totals }) => totals.equal)).toEqual([facts.rows])
    expect(transactions.at(-1)?.total_records).toBe(String(facts.rows))
    expect(Object.fromEntries(summary.map(({ symbol, trades }) => [symbol, trades]))).toEqual(
      Object.fromEntries(Object.entries(facts.symbols).map(([symbol, { rows }]) => [symbol, rows])),
    )
    expect(processesOf(folder)).toEqual([])
  },
  SLOW_MS,
)

test(
  'stopped while its servers start, it ends them, says so and fails',
  async () => {
    const folder = temporaryFolder()
    const demo = startK2(['demo', '--kafka', '--dir', join(folder, 'demo')])
    await demo.wrote('kafka: ready')
    expect(processesOf(folder).filter((words) => words.includes('kafka.Kafka'))).toHaveLength(1)
    demo.kill('SIGINT')
    const { code, err } = await demo.ended
    expect([code, err]).toEqual([1, expect.stringMatching(/k2: DEMO_STOPPED: stopped by a signal \(signal=SIGINT\)/)])
    expect(processesOf(folder)).toEqual([])
  },
  SLOW_MS,
)

test('what the machine lacks is named, with how to get it, and nothing is started', async () => {
  const folder = temporaryFolder()
  const words = ['demo', '--kafka', '--dir', join(folder, 'demo'), '--cache', join(folder, 'cache')]
  const { code, err } = await runK2(words, { env: { PATH: folder } })
  expect(code).toBe(1)
  expect(err).toMatch(
    /SERVICE_TOOLS: .*kafka=Java 17 or newer: apt-get install .*; Maven \(mvn\): apt-get install maven/,
  )
  expect(processesOf(folder)).toEqual([])
})

test('--kafka starts afresh: it contradicts --keep', async () => {
  const { code, err } = await runK2(['demo', '--kafka', '--keep'])
  expect([code, err]).toEqual([2, expect.stringContaining('--kafka contradicts --keep')])
})
