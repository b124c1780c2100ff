import { expect, test } from 'vitest'
import type { Output } from '../../../src/main/command.ts'
import { type BatchRow, keepRows, renderBatchRow } from '../../../src/main/terminal/batch-table.ts'
import { renderMarketSummary } from '../../../src/main/terminal/market-summary.ts'
import { openProgressLine, renderProgress } from '../../../src/main/terminal/progress.ts'
import { renderStatistics, statisticsDocument } from '../../../src/main/terminal/statistics.ts'
import { formatNumber, styleFor, wrap } from '../../../src/main/terminal/style.ts'
import { renderTransaction } from '../../../src/main/terminal/transaction.ts'

const plain = styleFor({ color: false })
const colored = styleFor({ color: true })

const batch = (row: Partial<BatchRow>): BatchRow => ({
  batch: 1,
  messages: 500,
  durationMs: 32_690,
  commitMs: 1503.47,
  ...row,
})

test('a batch row is a Markdown row under a head that comes again every fifty rows', () => {
  expect(renderBatchRow(batch({}))).toBe(
    [
      '| Batch |   Messages | Duration (s) | Throughput (msg/s) | Iceberg TX (ms) |',
      '|------:|-----------:|-------------:|-------------------:|----------------:|',
      '|     1 |        500 |        32.69 |              15.30 |        1,503.47 |',
      '',
    ].join('\n'),
  )
  const second = batch({ batch: 2, messages: 1_000_000, durationMs: 0, commitMs: 9 })
  expect(renderBatchRow(second)).toBe('|     2 |  1,000,000 |         0.00 |               0.00 |            9.00 |\n')
  expect(renderBatchRow(batch({ batch: 51 })).split('\n')).toHaveLength(4)
})

test('the rows kept for the JSON document are the newest, and never more than asked', () => {
  const all = Array.from({ length: 7 }, (_, index) => batch({ batch: index + 1 }))
  const kept = all.reduce<readonly BatchRow[]>((rows, row) => keepRows(rows, row, 3), [])
  expect(kept.map((row) => row.batch)).toEqual([5, 6, 7])
})

const statistics = {
  consumed: 5000,
  written: 4996,
  deadLetters: 3,
  tombstonesSkipped: 1,
  errors: 0,
  commits: 10,
  durationMs: 35_160,
  coldStart: { messages: 500, durationMs: 32_690 },
  steadyState: { messages: 4500, durationMs: 2470 },
}

test('the statistics block keeps the cold start apart from the steady state', () => {
  expect(renderStatistics(statistics, plain)).toBe(
    [
      'Statistics:',
      '  Messages consumed: 5,000',
      '  Messages written: 4,996',
      '  Dead letters: 3',
      '  Tombstones skipped: 1',
      '  Errors: 0',
      '  Commits: 10',
      '  Duration: 35.16 seconds',
      '  Throughput: 142.21 msg/sec',
      '    cold start: 15.30 msg/sec, 500 messages in 32.69 seconds to the first commit',
      '    steady state: 1,821.86 msg/sec, 4,500 messages in 2.47 seconds after it',
      '',
    ].join('\n'),
  )
})

test('the statistics of a run without a commit say nothing of phases it had not', () => {
  const none = { ...statistics, consumed: 0, durationMs: 0, errors: 1, coldStart: null, steadyState: null }
  const text = renderStatistics(none, colored)
  expect(text).toContain('\u001b[31m  Errors: 1\u001b[39m\n')
  expect(text).toContain('  Throughput: 0.00 msg/sec\n')
  expect(text).not.toMatch(/cold|steady/)
  expect(statisticsDocument(none)).toMatchObject({ cold_start: null, steady_state: null, throughput_per_second: 0 })
})

test('the statistics document has the throughput of each phase', () => {
  expect(statisticsDocument({ ...statistics, consumed: 3516 })).toMatchObject({
    messages_consumed: 3516,
    dead_letters: 3,
    throughput_per_second: 100,
    steady_state: { messages: 4500, duration_ms: 2470 },
  })
})

test('a transaction is shown with the keys of the log line', () => {
  expect(
    renderTransaction(
      {
        table: 'market_data.trades_v2',
        snapshot_id_before: null,
        snapshot_id_after: '9223372036854775807',
        sequence_number_before: '0',
        sequence_number_after: '1',
        added_records: 500,
        added_data_files: 1,
        added_files_size_bytes: 22_300,
        total_records: '7570',
        transaction_duration_ms: 1503.469,
        attempts: 1,
        commit_id: 'ab12',
      },
      plain,
    ),
  ).toBe(
    [
      'Iceberg transaction committed',
      '  table=market_data.trades_v2',
      '  snapshot_id_before=none',
      '  snapshot_id_after=9223372036854775807',
      '  sequence_number_before=0',
      '  sequence_number_after=1',
      '  added_records=500',
      '  added_data_files=1',
      '  added_files_size_bytes=22300',
      '  total_records=7570',
      '  attempts=1',
      '  commit_id=ab12',
      '  transaction_duration_ms=1,503.47',
      '',
    ].join('\n'),
  )
})

const progress = { consumed: 1_234_567, ratePerSecond: 1_000_000.4, lag: 42, commits: 3, state: '' }

test('the progress text fits the width it is given', () => {
  expect(renderProgress(progress, 80)).toBe('1,234,567 messages · 1,000,000 msg/s · lag 42 · 3 commits')
  expect(renderProgress({ ...progress, state: 'draining' }, 80)).toMatch(/^draining · 1,234,567 messages/)
  expect(renderProgress(progress, 12)).toBe('1,234,567 m…')
})

const outputOf = (isTerminal: boolean): { readonly output: Output; readonly text: () => string } => {
  let text = ''
  return {
    output: {
      write: (more) => {
        text += more
      },
      isTerminal,
      columns: 13,
      color: false,
    },
    text: () => text,
  }
}

test('the progress line is redrawn in place, once per change, and erased at the end', () => {
  const { output, text } = outputOf(true)
  const line = openProgressLine(output)
  line.clear()
  line.show(progress)
  line.show(progress)
  line.clear()
  line.clear()
  expect(text()).toBe('\r\u001b[K1,234,567 m…\r\u001b[K')
})

test('the progress line writes nothing where there is no terminal', () => {
  const { output, text } = outputOf(false)
  const line = openProgressLine(output)
  line.show(progress)
  line.clear()
  expect(text()).toBe('')
})

test('the market summary shows exact decimals, at least two places of a price', () => {
  const summary = {
    symbol: 'BHP',
    trades: 91_630,
    quantity: '48123456.50000000',
    open: '38.41000000',
    high: '39',
    low: '0.12345678',
    close: '38.5',
    vwap: '38.49120000',
  }
  expect(renderMarketSummary([summary])).toBe(
    [
      '┌────────┬────────┬──────────────┬───────┬───────┬────────────┬───────┬─────────┐',
      '│ Symbol │ Trades │       Volume │  Open │  High │        Low │ Close │    VWAP │',
      '├────────┼────────┼──────────────┼───────┼───────┼────────────┼───────┼─────────┤',
      '│ BHP    │ 91,630 │ 48,123,456.5 │ 38.41 │ 39.00 │ 0.12345678 │ 38.50 │ 38.4912 │',
      '└────────┴────────┴──────────────┴───────┴───────┴────────────┴───────┴─────────┘',
      '',
    ].join('\n'),
  )
})

test('text wraps at spaces and a word longer than the width stands alone', () => {
  expect(wrap('a bb ccc dddddddd e', 5)).toEqual(['a bb', 'ccc', 'dddddddd', 'e'])
})

test('numbers are grouped by thousands, whole, negative, with decimals and beyond 53 bits', () => {
  expect([0, 999, 1000, -1_234_567].map((value) => formatNumber(value))).toEqual(['0', '999', '1,000', '-1,234,567'])
  expect([formatNumber(1234.5678, 2), formatNumber(2n ** 63n)]).toEqual(['1,234.57', '9,223,372,036,854,775,808'])
})
