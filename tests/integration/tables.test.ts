// docs/tables.md as a reader would follow it: its commands and its Python, on a table that a real `k2 run` writes. Then what
// `k2 tables` says of that table against what pyiceberg's inspect tables say, and its verdicts on tables that were damaged.
import { mkdtempSync, readFileSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'libsql'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { builtCli, type Ended, runK2, runProgram } from '../support/built-k2.ts'
import { codeBlocks, linesOf } from '../support/document-commands.ts'
import { pythonWithReaders, runReader } from '../support/python-venv.ts'

const folder = mkdtempSync(join(tmpdir(), 'k2-tables-'))
const catalog = join(folder, '.k2/tables/catalog.db')
const place = ['--catalog', 'sqlite:.k2/tables/catalog.db', '--warehouse', '.k2/tables/warehouse']
const source = ['--source', '.k2/tables/log']
const main = 'market_data.trades_v2'
const ROWS = 20_000
let python = ''

beforeAll(async () => {
  python = await pythonWithReaders()
}, 300_000)
afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))

const tables = (command: string, ...words: readonly string[]): Promise<Ended> =>
  runK2(['tables', command, ...place, ...words], { cwd: folder })

async function json(command: string, ...words: readonly string[]) {
  const { code, out, err } = await tables(command, ...words, '--json')
  expect(code, err).toBe(0)
  return JSON.parse(out)
}
const ofMain = async (command: string, ...words: readonly string[]) =>
  (await json(command, '--table', main, ...words)).tables[0]

describe('docs/tables.md, from its first block to its last', () => {
  const document = readFileSync(new URL('../../docs/tables.md', import.meta.url), 'utf8')
  const steps = codeBlocks(document).flatMap((block) => {
    if (block.language === 'sh') return linesOf(block).map((text) => ({ language: 'sh', text }))
    return block.language === 'python' ? [block] : []
  })

  /** What each step must say, in the order of the document; the list is as long as the steps. */
  const says: readonly RegExp[] = [
    /written: 20,000 messages/,
    /Messages written: 20,000/,
    /^[1-9]\d* decimal128\(18, 8\) timestamp\[us, tz=UTC\]\n$/,
    /^\{"[\w-]+\/[\w-]+":\{"\d":\["0","\d+"\].*\}\}\n5000 of 20000\nTrue\n$/,
    /^True \d+ file\n$/,
    /decimal\(38,16\)[\s\S]*LINKUSDT │ +2034 │ 10372\.9719002765619042 │/,
    /^$/,
    /20000 │ +10 │ 2026-01-13/,
    /market_data\.trades_v2 +│ k2, main +│ +20,000 │[\s\S]*market_data\.trades_v2_dead_letters +│ k2, side of market_data\.trades_v2 │ +0 │/,
    /20,000 in 4 data files[\s\S]*timestamp_day=2026-01-13[\s\S]*lag 0 offsets[\s\S]*pyiceberg[\s\S]*Trino/,
    /market_data\.trades_v2 {2}5 snapshots[\s\S]*market\.crypto\.trades\.binance\/0 \[\d+, \d+\)[\s\S]*and 2 older[\s\S]*k2 +tag/,
    /market_data\.trades_v2 {2}4 data files[\s\S]*kafka_offset 0 … \d+/,
    /✓ lag +nothing waits[\s\S]*✓ references[\s\S]*2 tables, nothing bad/,
  ]

  test('every step has a line here on what it must say', () => {
    expect(says).toHaveLength(steps.length)
  })

  test.each(steps.map((step, index) => ({ ...step, index })))('$text', async ({ language, text, index }) => {
    const command = text.replace(/^npx k2 /, `'${process.execPath}' '${builtCli}' `)
    const run =
      language === 'sh'
        ? runProgram('sh', ['-c', command], { cwd: folder })
        : runProgram(python, ['-c', text], { cwd: folder })
    const { code, out, err } = await run
    expect(code, `${err}\n${out}`).toBe(0)
    expect(out).toMatch(says[index] ?? /^\b$/)
  })
})

describe('what pyiceberg says of the same table', () => {
  let inspected: Record<string, never> = {}
  beforeAll(async () => {
    inspected = Object(await runReader('inspect_table.py', catalog, main))
  }, 60_000)
  const said = (name: string): readonly Record<string, never>[] => inspected[name] ?? []

  test('is what show says: files, rows, bytes, manifests, partitions, refs', async () => {
    const shown = await ofMain('show')
    const files = said('files')
    const sum = (key: string): string => String(files.reduce((total, file) => total + BigInt(String(file[key])), 0n))
    expect(shown).toMatchObject({ kind: 'main', rows: sum('rows'), bytes: sum('bytes'), data_files: files.length })
    expect(shown.rows).toBe(String(ROWS))
    const manifests = said('manifests').map((manifest) => Number(manifest['length']))
    expect(shown.manifests).toEqual({
      data: manifests.length,
      deletes: 0,
      bytes: String(manifests.reduce((total, bytes) => total + bytes, 0)),
      largest_bytes: String(Math.max(...manifests)),
    })
    const partitions = shown.partitions.map((each: Record<string, string>) => ({
      day: each['partition']?.replace('timestamp_day=', ''),
      rows: each['rows'],
      files: each['files'],
      bytes: each['bytes'],
    }))
    expect(partitions).toEqual(said('partitions'))
    expect(
      shown.refs.map(({ name, type, snapshot_id }: Record<string, string>) => ({ name, type, snapshot_id })),
    ).toEqual(expect.arrayContaining([...said('refs')]))
    expect(shown.refs).toHaveLength(said('refs').length)
    expect(shown.snapshots.count).toBe(said('snapshots').length)
    expect(shown.metadata_files).toBe(inspected['metadata_files'])
    const inClasses = (key: string): bigint =>
      shown.size_classes.reduce((total: bigint, each: Record<string, string>) => total + BigInt(each[key] ?? 0), 0n)
    expect([inClasses('rows'), inClasses('bytes'), inClasses('files')]).toEqual(
      [shown.rows, shown.bytes, shown.data_files].map(BigInt),
    )
  })

  test('is what snapshots says: ids, parents, times, operations, counts', async () => {
    const shown = await ofMain('snapshots', '--limit', '1000')
    expect(shown.total).toBe(said('snapshots').length)
    const rows = shown.snapshots.toReversed().map((row: Record<string, string>) => ({
      snapshot_id: row['snapshot_id'],
      parent_snapshot_id: row['parent_snapshot_id'],
      time_ms: Date.parse(row['time'] ?? ''),
      operation: row['operation'],
      added: row['added_rows'],
      total: row['total_rows'],
      commit: row['commit_id'],
    }))
    expect(rows).toEqual(
      said('snapshots').map(({ summary, ...row }) => ({
        ...row,
        added: Object(summary)['added-records'] ?? null,
        total: Object(summary)['total-records'] ?? null,
        commit: Object(summary)['k2.commit-id'],
      })),
    )
  })

  test('is what files says: each file, its rows, its size, the bounds of every column', async () => {
    const shown = await ofMain('files', '--limit', '1000')
    const byLocation = (left: Record<string, string>, right: Record<string, string>): number =>
      (left['location'] ?? '') < (right['location'] ?? '') ? -1 : 1
    const rows = shown.files.map((file: Record<string, unknown>) => ({
      location: file['location'],
      rows: file['rows'],
      bytes: file['bytes'],
      bounds: Object.fromEntries(
        Object.entries(Object(file['bounds'])).filter(([, bounds]) => Object(bounds).lower !== null),
      ),
    }))
    expect(rows.toSorted(byLocation)).toEqual([...said('files')].sort(byLocation))
    expect(shown.total).toBe(rows.length)
    expect(Object.keys(rows[0].bounds)).toEqual(
      expect.arrayContaining(['price', 'timestamp', 'symbol', 'kafka_offset']),
    )
  })

  test('partitions and limits choose: none of another day, and the smallest first', async () => {
    const other = await ofMain('files', '--partition', 'timestamp_day=2026-01-14')
    expect([other.total, other.files]).toEqual([0, []])
    const { files, total } = await ofMain('files', '--sort', 'smallest', '--limit', '2')
    const sizes = said('files').map((file) => Number(file['bytes']))
    expect(files.map(({ bytes }: { bytes: string }) => Number(bytes))).toEqual(sizes.sort((a, b) => a - b).slice(0, 2))
    expect(total).toBe(sizes.length)
  })
})

describe('health', () => {
  interface Check {
    readonly check: string
    readonly verdict: string
    readonly found: string
  }
  async function judged(...words: readonly string[]) {
    const { code, out, err } = await tables('health', ...words, '--json')
    const document = JSON.parse(out)
    expect([code, document.ok], err).toEqual(document.ok === true ? [0, true] : [1, false])
    const checks: readonly Check[] =
      document.tables.find((each: { table: string }) => each.table === main)?.checks ?? []
    const of = (name: string): Check | undefined => checks.find(({ check }) => check === name)
    return { code, of, tables: document.tables }
  }

  test('says that the lag is unknown without a source, and bad where records wait for too long', async () => {
    expect((await judged()).of('lag')).toMatchObject({ verdict: 'unknown', found: expect.stringContaining('--source') })
    const feed = ['feed', 'synthetic', '--to', '.k2/tables/log', '--topic', 'market.crypto.trades.binance', '--append']
    const more = await runK2([...feed, '--messages', '100', '--partitions', '2', '--seed', '8'], { cwd: folder })
    expect(more.code, more.err).toBe(0)
    const behind = await judged(...source, '--stale-after', '1s')
    expect([behind.code, behind.of('lag')]).toMatchObject([
      1,
      { verdict: 'bad', found: expect.stringContaining('100 offsets behind') },
    ])
    const patient = await judged(...source, '--stale-after', '1d')
    expect([patient.code, patient.of('lag')?.verdict]).toEqual([0, 'good'])
    const shown = await ofMain('show', ...source)
    expect(shown.progress.lag).toMatchObject({ known: true, offsets: '100', problem: null })
    expect((await ofMain('show')).progress.lag).toMatchObject({ known: false })
  })

  test('names a data file that is gone with --deep only, and a source that is not there at once', async () => {
    const location = (await ofMain('files', '--limit', '1')).files[0].location.replace('file://', '')
    await rename(location, `${location}.away`)
    expect((await judged()).code).toBe(0)
    const deep = await judged('--deep')
    expect([deep.code, deep.of('references')]).toMatchObject([
      1,
      { verdict: 'bad', found: expect.stringContaining(location) },
    ])
    await rename(`${location}.away`, location)
    expect((await judged('--deep')).of('references')?.verdict).toBe('good')
    const gone = await judged('--source', '.k2/nothing')
    expect([gone.code, gone.of('lag')]).toMatchObject([
      1,
      { verdict: 'bad', found: expect.stringContaining('SOURCE_MISSING') },
    ])
    expect((await tables('show', '--table', main, '--source', '.k2/nothing')).code).toBe(1)
  })

  test('names a side table that was dropped, and a table whose metadata file is gone; list and show show the others', async () => {
    const database = new Database(catalog)
    const side = `${main}_dead_letters`.split('.').at(-1)
    const row = Object(database.prepare('SELECT * FROM iceberg_tables WHERE table_name = ?').get(side))
    const setLocation = (location: string): void =>
      void database.prepare('UPDATE iceberg_tables SET metadata_location = ? WHERE table_name = ?').run(location, side)
    setLocation(`${row.metadata_location}.gone`)
    const broken = await judged()
    expect(broken.tables.map((each: { verdict: string }) => each.verdict)).toContain('bad')
    expect((await tables('show')).code).toBe(1)
    const list = await tables('list')
    expect([list.code, list.out]).toMatchObject([
      1,
      expect.stringMatching(/trades_v2 [\s\S]*20,000[\s\S]*unreadable: STORE_MISSING/),
    ])
    database.prepare('DELETE FROM iceberg_tables WHERE table_name = ?').run(side)
    const dropped = await judged()
    expect([dropped.code, dropped.of('side-tables')]).toMatchObject([
      1,
      { verdict: 'bad', found: `${main}_dead_letters is missing` },
    ])
    database.close()
  })

  test('of a catalog without a table of K2 is bad, and of one that is not there an error', async () => {
    const database = new Database(catalog)
    database.exec('DELETE FROM iceberg_tables')
    database.close()
    const { code, out } = await tables('health')
    expect([code, out]).toMatchObject([1, expect.stringContaining('no table of k2')])
    const none = await runK2(['tables', 'health', '--catalog', 'sqlite:none.db', '--warehouse', 'w'], { cwd: folder })
    expect([none.code, none.err]).toMatchObject([1, expect.stringContaining('CATALOG_UNREADABLE')])
  })
})
