// `k2 query` from outside, where it must refuse, stop, or leave no trace: formats, points in time, limits, leases, deletes of others.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TableName } from '../../src/shared/iceberg/catalog.ts'
import type { SnapshotRef } from '../../src/shared/iceberg/metadata.ts'
import { openSqlCatalog } from '../../src/shared/iceberg/sql-catalog.ts'
import { openFolderStore } from '../../src/shared/store/folder-store.ts'
import { builtCli, type Ended, runK2, runProgram } from '../support/built-k2.ts'
import { commitDeletes } from '../support/foreign-deletes.ts'
import { type K2Process, startK2 } from '../support/k2-process.ts'
import { pythonWithReaders, runReader } from '../support/python-venv.ts'

const folder = mkdtempSync(join(tmpdir(), 'k2-query-safety-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const ROWS = 20_000
const name: TableName = { namespace: ['market_data'], name: 'trades_v2' }
const [catalogFile, warehouse] = [join(folder, 'catalog.db'), join(folder, 'warehouse')]
const where = ['--catalog', `sqlite:${catalogFile}`, '--warehouse', warehouse]
const k2 = (...words: readonly string[]): Promise<Ended> => runK2(words, { cwd: folder })
const query = (sql: string, ...words: readonly string[]): Promise<Ended> => k2('query', sql, ...where, ...words)
const start = (sql: string, ...words: readonly string[]): K2Process => startK2(['query', sql, ...where, ...words])

async function rowsOf(sql: string, ...words: readonly string[]): Promise<ReadonlyArray<readonly unknown[]>> {
  const { code, out, err } = await query(sql, '--json', ...words)
  expect([code, err], sql).toEqual([0, ''])
  return JSON.parse(out).results.at(-1).rows
}

/** Runs for minutes, in little memory. */
const endless = 'SELECT count(*) FROM trades_v2 a, trades_v2 b, trades_v2 c WHERE a.price + b.price < c.price'

const openPorts = () => {
  const store = openFolderStore(warehouse)
  return { store, catalog: openSqlCatalog({ file: catalogFile, store }) }
}

async function refs(): Promise<Readonly<Record<string, SnapshotRef>>> {
  const { catalog } = openPorts()
  try {
    return (await catalog.loadTable(name))?.metadata.refs ?? {}
  } finally {
    await catalog.close()
  }
}

const leases = async (): Promise<ReadonlyArray<readonly [string, SnapshotRef]>> =>
  Object.entries(await refs()).filter(([ref]) => ref.startsWith('k2_lease_'))

async function until<T>(look: () => Promise<T>, is: (value: T) => boolean): Promise<T> {
  for (let tries = 0; tries < 400; tries++) {
    const value = await look()
    if (is(value)) return value
    await sleep(25)
  }
  throw new Error('it did not come to that')
}

beforeAll(async () => {
  const feed = ['feed', 'synthetic', '--to', 'log', '--messages', String(ROWS), '--symbols', '5', '--partitions', '2']
  expect((await k2(...feed)).code).toBe(0)
  const run = ['run', '--source', 'log', ...where, '--until-end', '--batch-size', '5000', '--json']
  expect((await k2(...run)).code).toBe(0)
}, 120_000)

describe('output', () => {
  const exact =
    'SELECT 9223372036854775807::BIGINT AS i, 170141183460469231731687303715884105727::HUGEINT AS h, 12345678901234567890.123456789012345678::DECIMAL(38,18) AS d, ' +
    "TIMESTAMPTZ '2014-03-10 01:02:03.123456+00' AS t, NULL AS n, '' AS e, 'a,\"b\"' AS q, [9007199254740993::BIGINT] AS l, 1.5::DOUBLE AS x, 7 AS s"

  test('as CSV, to a program by default, is exact', async () => {
    const { code, out } = await query(exact)
    expect(code).toBe(0)
    expect(out).toBe(
      'i,h,d,t,n,e,q,l,x,s\n' +
        '9223372036854775807,170141183460469231731687303715884105727,12345678901234567890.123456789012345678,2014-03-10 01:02:03.123456+00,,"","a,""b""","[""9007199254740993""]",1.5,7\n',
    )
  })

  test('as JSON lines is exact: what a number of JavaScript cannot hold is text', async () => {
    const { out } = await query(exact, '--format', 'jsonl')
    expect(JSON.parse(out)).toEqual({
      i: '9223372036854775807',
      h: '170141183460469231731687303715884105727',
      d: '12345678901234567890.123456789012345678',
      t: '2014-03-10 01:02:03.123456+00',
      n: null,
      e: '',
      q: 'a,"b"',
      l: ['9007199254740993'],
      x: 1.5,
      s: 7,
    })
  })

  test('as a table says how many rows are left out', async () => {
    const { out } = await query('SELECT kafka_offset FROM trades_v2', '--format', 'table', '--max-rows', '3')
    expect(out.split('\n').filter((line) => /^│ +\d+ │$/.test(line))).toHaveLength(3)
    expect(out).toMatch(/the first 3 rows; --max-rows shows more/)
    expect(out).toMatch(/market_data\.trades_v2: snapshot \d+, \d+ of \d+ manifests, \d+ of \d+ data files/)
  })

  test.each(['csv', 'jsonl', 'parquet'])(
    'goes whole into a %s file of its name, and another query reads it right',
    async (ending) => {
      const file = `rows.${ending}`
      writeFileSync(join(folder, file), 'what was there before')
      const { code, err } = await query('SELECT * FROM trades_v2', '--output', file)
      expect([code, err]).toEqual([0, `${ROWS} rows written to ${file}\n`])
      const bytes = readFileSync(join(folder, file))
      if (ending === 'parquet') expect(bytes.subarray(0, 4).toString()).toBe('PAR1')
      else expect(bytes.toString().trimEnd().split('\n')).toHaveLength(ROWS + (ending === 'csv' ? 1 : 0))
    },
  )

  test('of a query that fails leaves the file as it was, and nothing beside it', async () => {
    const file = join(folder, 'kept.csv')
    writeFileSync(file, 'kept')
    expect((await query("SELECT error('no') FROM trades_v2", '--output', file)).code).toBe(1)
    expect(readFileSync(file, 'utf8')).toBe('kept')
    expect(readdirSync(folder).filter((each) => each.endsWith('.tmp'))).toEqual([])
    const nowhere = await query('SELECT 1', '--output', join(folder, 'none', 'x.csv'))
    expect([nowhere.code, nowhere.err]).toEqual([1, expect.stringMatching(/^k2: QUERY_OUTPUT: /)])
  })
})

describe('the query', () => {
  test('comes from the command line, a file, or stdin', async () => {
    writeFileSync(join(folder, 'q.sql'), '-- how many\nSELECT count(*) AS n FROM trades_v2;\n')
    expect((await k2('query', ...where, '--file', 'q.sql')).out).toBe(`n\n${ROWS}\n`)
    expect((await k2('query', ...where, '--sql', 'SELECT count(*) AS n FROM market_data.trades_v2')).out).toBe(
      `n\n${ROWS}\n`,
    )
    const words = [
      '-c',
      `printf 'SELECT count(*) AS n FROM trades_v2' | "$0" "$@"`,
      process.execPath,
      builtCli,
      'query',
    ]
    expect((await runProgram('sh', [...words, ...where])).out).toBe(`n\n${ROWS}\n`)
  })

  test('is of several statements where a table is shown, and one result where a file is written', async () => {
    const sql = "CREATE TEMP TABLE few AS SELECT * FROM trades_v2 LIMIT 7; SELECT count(*) FROM few; SELECT 'b'"
    const { out } = await query(sql, '--json')
    expect(JSON.parse(out).results.map(({ rows }: { rows: unknown }) => rows)).toEqual([[['7']], [['b']]])
    expect((await query(sql)).err).toMatch(/several results do not fit/)
  })

  test('that is no SQL is shown with the place; of an unknown table, with those that there are', async () => {
    const wrong = await query('SELECT count(*) FRM trades_v2')
    expect([wrong.code, wrong.out]).toEqual([1, ''])
    expect(wrong.err).toMatch(
      /Parser Error: syntax error at or near[\s\S]*LINE 1: SELECT count\(\*\) FRM trades_v2\n +\^[\s\S]*k2: QUERY_SQL: /,
    )
    const unknown = await query('SELECT * FROM trades')
    expect(unknown.err).toMatch(
      /Table with name trades does not exist[\s\S]*Tables: market_data\.trades_v2, market_data\.trades_v2_dead_letters/,
    )
    const json = await query('SELECT * FROM trades', '--json')
    expect([json.code, JSON.parse(json.out).error.code]).toEqual([1, 'QUERY_SQL'])
    expect((await query('SELECT 1', '--fromat', 'csv')).code).toBe(2)
  })

  test('sees tables, side tables and what they are made of', async () => {
    expect(await rowsOf('SELECT count(*) FROM trades_v2_dead_letters')).toEqual([['0']])
    expect((await rowsOf('DESCRIBE trades_v2_dead_letters')).length).toBeGreaterThan(5)
    expect(await rowsOf('SELECT sum(record_count), count(*) > 1 FROM trades_v2_files')).toEqual([[String(ROWS), true]])
    expect(
      await rowsOf("SELECT bool_and(is_on_main), sum(summary['added-records']::INT) FROM trades_v2_snapshots"),
    ).toEqual([[true, String(ROWS)]])
    expect(await rowsOf('SELECT name, type FROM trades_v2_refs ORDER BY name')).toEqual([
      ['k2', 'tag'],
      ['main', 'branch'],
    ])
    const listed = await rowsOf('SHOW ALL TABLES')
    expect(listed.map((row) => row[2])).toEqual(expect.arrayContaining(['trades_v2', 'trades_v2_dead_letters']))
  })
})

describe('points in time', () => {
  test('are a snapshot id, a tag, a time; what there is not is an error', async () => {
    const snapshots = await rowsOf(
      'SELECT snapshot_id, epoch_ms(committed_at) FROM trades_v2_snapshots ORDER BY sequence_number',
    )
    // The very first holds the starts, and no rows.
    const first = snapshots[1]
    const count = 'SELECT count(*) FROM trades_v2'
    const [[atFirst] = []] = await rowsOf(count, '--as-of', String(first?.[0]))
    expect(Number(atFirst)).toBeGreaterThan(0)
    expect(Number(atFirst)).toBeLessThan(ROWS)
    const time = new Date(Number(first?.[1])).toISOString()
    expect(await rowsOf(count, '--as-of', time)).toEqual([[atFirst]])
    expect(await rowsOf(count, '--as-of', 'k2')).toEqual([[String(ROWS)]])
    for (const [asOf, text] of [
      ['1999-01-01', /QUERY_AS_OF: .*its history begins at/],
      ['yesterday', /QUERY_AS_OF: .*no tag or branch yesterday; there are k2, main|main, k2/],
      ['77', /QUERY_AS_OF: .*no snapshot 77/],
    ] as const) {
      const { code, err } = await query(count, '--as-of', asOf)
      expect([code, err]).toEqual([1, expect.stringMatching(text)])
    }
  })
})

describe('limits', () => {
  test('of time end the query with a clear error, and its lease with it', async () => {
    const { code, err } = await query(endless, '--timeout', '1500ms')
    expect([code, err]).toEqual([1, expect.stringMatching(/^k2: QUERY_LIMIT: .*--timeout.*1500/)])
    expect(await leases()).toEqual([])
  })

  test('of memory do the same', async () => {
    const sql =
      'SELECT a.message_id FROM trades_v2 a, range(200) ORDER BY a.message_id || range LIMIT 1000000 OFFSET 2000000'
    const { code, err } = await query(sql, '--memory', '64MiB')
    expect([code, err]).toEqual([1, expect.stringMatching(/^k2: QUERY_LIMIT: .*--memory/)])
    expect(await leases()).toEqual([])
  })

  test.each([
    ["SELECT * FROM read_text('/etc/hostname')", /Permission Error|disabled/],
    ["COPY (SELECT 1) TO 'x.csv'", /Permission Error|not COPY/],
    ["EXPLAIN ANALYZE COPY (SELECT 1) TO 'x.csv'", /Permission Error|EXPLAIN is run for one SELECT only/],
    ["ATTACH 'x.db'", /not ATTACH/],
    ['SET enable_external_access = true', /not SET/],
    ['INSTALL httpfs', /not LOAD/],
    ["CREATE PERSISTENT SECRET s (TYPE s3, KEY_ID 'a')", /QUERY_SQL/],
    ["SELECT * FROM query('COPY (SELECT 1) TO ''x.csv''')", /QUERY_SQL/],
  ])('%s is refused', async (sql, text) => {
    const before = readdirSync(folder).toSorted()
    const { code, err } = await query(sql)
    expect([code, err]).toEqual([1, expect.stringMatching(text)])
    expect(readdirSync(folder).toSorted()).toEqual(before)
  })
})

describe('the lease', () => {
  test('is a tag on the snapshot while the query runs, that ages out by itself, and goes with Ctrl-C', async () => {
    const running = start(endless)
    const [[, lease] = []] = await until(leases, (found) => found.length > 0)
    const [[id, atMs] = []] = await rowsOf(
      'SELECT snapshot_id, epoch_ms(committed_at) FROM trades_v2_snapshots ORDER BY sequence_number DESC LIMIT 1',
      '--no-lease',
    )
    expect(lease).toMatchObject({ type: 'tag', 'snapshot-id': BigInt(String(id)) })
    // The age of a tag counts from its snapshot: five minutes from now, and a little.
    const expiresInMs = Number(atMs) + Number(lease?.['max-ref-age-ms']) - Date.now()
    expect(expiresInMs).toBeGreaterThan(300_000)
    expect(expiresInMs).toBeLessThan(400_000)
    running.kill('SIGINT')
    const { code, err } = await running.ended
    expect([code, err]).toEqual([1, expect.stringMatching(/^k2: QUERY_PROCESS: .*signal=SIGINT/)])
    expect(await leases()).toEqual([])
  })

  test('is not taken with --no-lease', async () => {
    const running = start(endless, '--no-lease', '--timeout', '2s')
    await running.ended
    expect(await leases()).toEqual([])
  })

  test('outlives a kill -9, and the process of the database does not', async () => {
    const running = start(endless)
    await until(leases, (found) => found.length > 0)
    const children = readFileSync(`/proc/${running.pid}/task/${running.pid}/children`, 'utf8').trim()
    expect(children).toMatch(/^\d+$/)
    running.kill('SIGKILL')
    await running.ended
    expect(await leases()).toHaveLength(1)
    await until(
      async () => readdirSync('/proc').includes(children),
      (isThere) => !isThere,
    )
  })
})

describe('deletes of other engines', () => {
  test('by position are applied, as pyiceberg applies them; by equality they are refused by name', async () => {
    await pythonWithReaders()
    const ports = openPorts()
    try {
      await commitDeletes(ports, name, folder, { kind: 'position', values: [0, 1, 2, 17] })
      const sql = 'SELECT count(*)::VARCHAR, min(trade_id), sum(price)::VARCHAR FROM trades_v2'
      const file = join(folder, 'queries.json')
      writeFileSync(file, JSON.stringify([sql]))
      const theirs = await runReader('query_tables.py', catalogFile, file, 'market_data.trades_v2')
      const ours = await rowsOf(sql)
      expect(ours[0]?.[0]).toBe(String(ROWS - 4))
      expect([ours]).toEqual(theirs)
      const target = await commitDeletes(ports, name, folder, { kind: 'equality', values: [1] })
      const { code, err } = await query(sql)
      expect([code, err]).toEqual([1, expect.stringMatching(/^k2: QUERY_UNSUPPORTED: .*equality deletes/)])
      expect(target).toContain('.parquet')
      expect(await rowsOf("SELECT count(*) FROM trades_v2 WHERE timestamp < '2000-01-01'")).toEqual([['0']])
    } finally {
      await ports.catalog.close()
    }
  }, 120_000)
})
