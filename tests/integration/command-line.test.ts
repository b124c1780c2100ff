// The built program from outside: how fast it answers, and that what it prints to paste really runs.
import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, expect, test } from 'vitest'
import { pythonWithReaders } from '../support/python-venv.ts'

const cli = fileURLToPath(new URL('../../dist/main/cli.js', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'k2-command-line-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

function k2(words: readonly string[], environment: Readonly<Record<string, string>> = {}): Ended {
  const options = { cwd: folder, encoding: 'utf8', env: { ...process.env, ...environment } } as const
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...words], options)
  return { code: status, out: stdout, err: stderr }
}

const where = ['--catalog', 'sqlite:catalog.db', '--warehouse', 'warehouse']

test('k2 --help answers within 300 ms', () => {
  const timesMs = Array.from({ length: 5 }, () => {
    const startMs = performance.now()
    expect(k2(['--help']).code).toBe(0)
    return performance.now() - startMs
  })
  expect(Math.min(...timesMs)).toBeLessThan(300)
})

test('wrong usage by flag, variable and config file is refused in one list with exit 2', () => {
  writeFileSync(join(folder, 'k2.json'), '{"batchsize": 1}')
  const { code, out, err } = k2(['run', '--sorce', 'log', ...where, '--config', 'k2.json'], { K2_WORKERS: '-1' })
  expect([code, out]).toEqual([2, ''])
  expect(err).toBe(
    [
      'k2 run: 4 problems',
      '  --sorce is no option of this command; did you mean --source?',
      '  batchsize in k2.json is no option of k2; did you mean batch-size?',
      '  --source is required: log directory: Kafka segments in <topic>-<partition> folders',
      '  K2_WORKERS must be an integer from 1 to 256, not "-1"',
      'see k2 run --help',
      '',
    ].join('\n'),
  )
})

test('a catalog that is not there is named, and none is made', () => {
  const { code, err } = k2(['positions', 'show', '--catalog', 'sqlite:none.db', '--warehouse', 'warehouse'])
  expect(code).toBe(1)
  expect(err).toMatch(/^k2: CATALOG_UNREADABLE: .*file=none\.db.*; check --catalog/)
  expect(k2(['positions', 'show', '--catalog', 'sqlite:none.db', '--warehouse', 'warehouse']).code).toBe(1)
})

test('a feed, a run, its positions and the printed line for pyiceberg agree on the rows', async () => {
  const python = await pythonWithReaders()
  expect(k2(['feed', 'synthetic', '--to', 'log', '--messages', '3000', '--partitions', '3']).code).toBe(0)
  const run = k2(['run', '--source', 'log', ...where, '--until-end', '--batch-size', '1000', '--json'])
  expect(run.err.split('\n').filter((line) => line.includes('Iceberg transaction committed'))).toHaveLength(3)
  expect(JSON.parse(run.out).statistics).toMatchObject({ messages_consumed: 3000, messages_written: 3000, commits: 3 })

  const positions = JSON.parse(k2(['positions', 'show', ...where, '--json']).out)
  const marks: ReadonlyArray<{ readonly start: string; readonly next: string }> = positions.tables[0].partitions
  expect(positions.tables.map(({ table }: { readonly table: string }) => table)).toEqual(['market_data.trades_v2'])
  expect(marks.reduce((sum, { start, next }) => sum + Number(next) - Number(start), 0)).toBe(3000)

  const name = ['--table', 'market_data.trades_v2']
  const shown = JSON.parse(k2(['tables', 'show', ...where, ...name, '--json']).out).tables[0]
  expect([shown.rows, shown.delete_files]).toEqual([3000, 0])
  const environment = { ...process.env, PATH: `${dirname(python)}:${process.env['PATH']}` }
  const { stdout } = await promisify(execFile)('sh', ['-c', shown.readers.pyiceberg], { env: environment })
  expect(stdout).toContain('kafka_offset: int64')
  expect(stdout).toContain('BINANCE')
}, 300_000)

test('what is asked for by --table and is not there is named', () => {
  const { code, err } = k2(['tables', 'show', ...where, '--table', 'market_data.nothing'])
  expect(code).toBe(1)
  expect(err).toMatch(/^k2: TABLE_MISSING: .*table=market_data\.nothing/)
})
