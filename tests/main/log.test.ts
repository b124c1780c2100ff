import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { logTarget, logTransaction, openLog } from '../../src/main/log.ts'

const folder = mkdtempSync(join(tmpdir(), 'k2-log-'))
afterAll(() => rmSync(folder, { recursive: true }))

const transaction = {
  table: 'market_data.trades_v2',
  snapshot_id_before: '9007199254740993',
  snapshot_id_after: '9223372036854775807',
  sequence_number_before: '28',
  sequence_number_after: '29',
  added_records: 500,
  added_data_files: 1,
  added_files_size_bytes: 22_300,
  total_records: '7570',
  transaction_duration_ms: 143.01,
  attempts: 1,
  commit_id: 'ab12',
}

test('a transaction is one JSON line with its fields, in the file at once, appended to what is there', () => {
  const path = join(folder, 'k2.log')
  logTransaction(openLog(logTarget(path, { isTerminal: true })), transaction)
  logTransaction(openLog(logTarget(path, { isTerminal: true })), transaction)
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
  expect(lines).toHaveLength(2)
  expect(JSON.parse(lines[1] ?? '')).toEqual({
    ...transaction,
    level: 'info',
    msg: 'Iceberg transaction committed',
    pid: process.pid,
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
  })
})

test('a log file that cannot be written is refused by name', () => {
  const path = join(folder, 'missing', 'k2.log')
  expect(() => openLog({ kind: 'file', path })).toThrow(
    expect.objectContaining({ code: 'LOG_NOT_WRITABLE', context: { file: path } }),
  )
})

test('without a file the log is stderr, and on a terminal only warnings and errors', () => {
  expect([logTarget(null, { isTerminal: false }), logTarget(null, { isTerminal: true })]).toEqual([
    { kind: 'stderr' },
    { kind: 'terminal' },
  ])
  expect([openLog({ kind: 'stderr' }).level, openLog({ kind: 'terminal' }).level]).toEqual(['info', 'warn'])
})
