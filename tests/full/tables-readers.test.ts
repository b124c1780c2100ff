// The SQL of docs/tables.md by the engines whose packages are too large for every test run: Spark, with the settings that
// `k2 tables show` prints, and DuckDB's own Iceberg extension.
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runK2, runProgram } from '../support/built-k2.ts'
import { codeBlocks, shCommands } from '../support/document-commands.ts'
import { pythonOf } from '../support/python-venv.ts'
import { folderOfJars } from '../support/readers/maven-folder.ts'

const folder = mkdtempSync(join(tmpdir(), 'k2-readers-'))
const document = readFileSync(new URL('../../docs/tables.md', import.meta.url), 'utf8')
const support = fileURLToPath(new URL('../support/readers/', import.meta.url))
const statements = codeBlocks(document)
  .filter(({ language }) => language === 'sql')
  .map(({ text }) =>
    text
      .split(';')
      .map((each) => each.trim())
      .filter((each) => each !== ''),
  )
let shown: { readonly readers: Readonly<Record<string, string>>; readonly metadata_location: string }

beforeAll(async () => {
  // The two commands that make the table.
  for (const command of shCommands(document).slice(0, 2)) {
    const { code, err } = await runK2(command.split(' ').slice(2), { cwd: folder })
    expect(code, err).toBe(0)
  }
  const place = ['--catalog', 'sqlite:.k2/tables/catalog.db', '--warehouse', '.k2/tables/warehouse']
  const { out } = await runK2(['tables', 'show', ...place, '--table', 'market_data.trades_v2', '--json'], {
    cwd: folder,
  })
  shown = JSON.parse(out).tables[0]
}, 120_000)
afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))

test('DuckDB reads the table by its metadata file', async () => {
  const python = await pythonOf('duckdb_iceberg')
  const [install = '', load = '', count = ''] = statements[0] ?? []
  expect([install, load]).toEqual(['INSTALL iceberg', 'LOAD iceberg'])
  const path = shown.metadata_location.replace('file://', '')
  const query = count.replace(/iceberg_scan\('.*'\)/, `iceberg_scan('${path}')`)
  expect(query).toContain(path)
  // Its packages hold the extensions as files: what INSTALL would fetch.
  const script = `
import os, sys
import duckdb, duckdb_ext
con = duckdb.connect(config={"extension_directory": os.path.join(list(duckdb_ext.__path__)[0], "extensions")})
con.sql("LOAD avro")
con.sql("LOAD iceberg")
print(con.sql(sys.argv[1]).fetchone()[0])
`
  const { code, out, err } = await runProgram(python, ['-c', script, query], { cwd: folder })
  expect([code, out.trim()], err).toEqual([0, '20000'])
}, 300_000)

test('Spark reads the table, its tag and its snapshots', async () => {
  const python = await pythonOf('spark')
  const jars = join(await folderOfJars('spark', join(support, 'spark', 'pom.xml')), 'lib')
  // The settings as they are printed, out of the words of a shell.
  const line = shown.readers['spark'] ?? ''
  const words = await runProgram('sh', ['-c', `printf '%s\\n' ${line}`])
  const conf = words.out
    .split('\n')
    .flatMap((word, index, all) => (all[index - 1] === '--conf' ? [word.split('=')] : []))
  const asked = {
    conf: Object.fromEntries(conf.map(([key = '', ...value]) => [key, value.join('=')])),
    jars: readdirSync(jars).map((name) => join(jars, name)),
    statements: statements[1] ?? [],
  }
  expect(asked.statements).toHaveLength(3)
  const { code, out, err } = await runProgram(python, [join(support, 'spark', 'spark_sql.py'), JSON.stringify(asked)], {
    cwd: folder,
  })
  expect(code, err).toBe(0)
  const [filtered, tagged, snapshots] = JSON.parse(out.trim().split('\n').at(-1) ?? '')
  expect(Number(filtered[0][0])).toBeGreaterThan(0)
  expect(tagged).toEqual([['20000']])
  expect(snapshots.length).toBeGreaterThan(4)
  expect(snapshots[0][2]).toMatch(/^\{"[^"]+\/[^"]+":\{"\d":\["\d+","\d+"\]/)
}, 600_000)
