// The built program from outside: how fast it answers, and that what it prints to paste really runs.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { builtCli, type Ended, runK2, runProgram } from '../support/built-k2.ts'
import { pythonWithReaders } from '../support/python-venv.ts'

const folder = mkdtempSync(join(tmpdir(), 'k2-command-line-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const k2 = (words: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> =>
  runK2(words, { cwd: folder, env })

const where = ['--catalog', 'sqlite:catalog.db', '--warehouse', 'warehouse']

test('k2 --help answers within 300 ms', () => {
  const timesMs = Array.from({ length: 5 }, () => {
    const startMs = performance.now()
    expect(spawnSync(process.execPath, [builtCli, '--help']).status).toBe(0)
    return performance.now() - startMs
  })
  expect(Math.min(...timesMs)).toBeLessThan(300)
})

test('wrong usage by flag, variable and config file is refused in one list with exit 2', async () => {
  writeFileSync(join(folder, 'k2.json'), '{"batchsize": 1}')
  const { code, out, err } = await k2(['run', '--sorce', 'log', ...where, '--config', 'k2.json'], { K2_WORKERS: '-1' })
  expect([code, out]).toEqual([2, ''])
  expect(err).toBe(
    [
      'k2 run: 4 problems',
      '  --sorce is no option of this command; did you mean --source?',
      '  k2.json:1:2: batchsize is no option of k2; did you mean batch-size?',
      '  K2_WORKERS must be an integer from 1 to 256, not "-1"',
      '  --source or --brokers is required: a log directory, or the Kafka brokers to read from',
      'see k2 run --help',
      '',
    ].join('\n'),
  )
})

test('a catalog that is not there is named, and none is made', async () => {
  const { code, err } = await k2(['positions', 'show', '--catalog', 'sqlite:none.db', '--warehouse', 'warehouse'])
  expect(code).toBe(1)
  expect(err).toMatch(/^k2: CATALOG_UNREADABLE: .*file=none\.db.*; check --catalog/)
  expect(existsSync(join(folder, 'none.db'))).toBe(false)
})

test('a feed, a run, its positions and the printed line for pyiceberg agree on the rows', async () => {
  const python = await pythonWithReaders()
  expect((await k2(['feed', 'synthetic', '--to', 'log', '--messages', '3000', '--partitions', '3'])).code).toBe(0)
  const run = await k2(['run', '--source', 'log', ...where, '--until-end', '--batch-size', '1000', '--json'])
  expect(run.err.split('\n').filter((line) => line.includes('Iceberg transaction committed'))).toHaveLength(3)
  expect(JSON.parse(run.out).statistics).toMatchObject({ messages_consumed: 3000, messages_written: 3000, commits: 3 })

  const positions = JSON.parse((await k2(['positions', 'show', ...where, '--json'])).out)
  const marks: ReadonlyArray<{ readonly start: string; readonly next: string }> = positions.tables[0].partitions
  expect(positions.tables.map(({ table }: { readonly table: string }) => table)).toEqual(['market_data.trades_v2'])
  expect(marks.reduce((sum, { start, next }) => sum + Number(next) - Number(start), 0)).toBe(3000)

  const name = ['--table', 'market_data.trades_v2']
  const shown = JSON.parse((await k2(['tables', 'show', ...where, ...name, '--json'])).out).tables[0]
  expect([shown.rows, shown.delete_files.rows]).toEqual(['3000', '0'])
  const env = { PATH: `${dirname(python)}:${process.env['PATH']}` }
  const { out } = await runProgram('sh', ['-c', shown.readers.pyiceberg], { env })
  expect(out).toContain('kafka_offset: int64')
  expect(out).toContain('BINANCE')
}, 300_000)

test('what is asked for by --table and is not there is named', async () => {
  const { code, err } = await k2(['tables', 'show', ...where, '--table', 'market_data.nothing'])
  expect(code).toBe(1)
  expect(err).toMatch(/^k2: TABLE_MISSING: .*table=market_data\.nothing/)
})
