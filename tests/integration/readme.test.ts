// Every command of the README's sh blocks, run in order in a copy of the working tree as a fresh clone has it: no node_modules, no dist.
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runProgram } from '../support/built-k2.ts'
import { type DocumentPorts, documentPorts, shCommands } from '../support/document-commands.ts'

const repository = fileURLToPath(new URL('../../', import.meta.url))
const clone = mkdtempSync(join(tmpdir(), 'k2-readme-'))
let ports: DocumentPorts = { env: {}, placed: (command) => command }
afterAll(async () => {
  // Also where a command before `k2 services down` has failed.
  await runProgram('npx', ['k2', 'services', 'down'], { cwd: clone })
  rmSync(clone, { recursive: true, force: true })
}, 60_000)

const readme = readFileSync(join(repository, 'README.md'), 'utf8')
const commands = shCommands(readme)

/** What each command must say, by how it begins; a command that is not here fails the test of the list. */
const says: ReadonlyArray<readonly [command: string, text: RegExp]> = [
  ['npm ci && npm run demo', /200,545[\s\S]*kill -9 after[\s\S]*PROVEN: table and source are equal/],
  ['npm run build', /\.ci\/build\.mjs/],
  ['npx k2 --help', /k2 run[\s\S]*k2 verify/],
  ['npx k2 services up', /kafka +│ healthy[\s\S]*registry +│ healthy/],
  ['npx k2 feed csv --brokers', /written: 200,545 messages to market\.equities\.trades\.asx/],
  ['npx k2 run --brokers', /Messages written: 200,545/],
  ['npx k2 verify --brokers', /│ 200,545 │[\s\S]*PROVEN: table and source are equal/],
  ['npx k2 services down', /^$/],
  ['npx k2 feed synthetic', /written: 50,000 messages/],
  ['npx k2 run', /Messages written: 50,000/],
  ['npx k2 verify', /PROVEN: table and source are equal/],
  ['npx k2 positions show', /market_data\.trades_v2[\s\S]*market\.crypto\.trades\.binance/],
  ['npx k2 dead-letters summary', /market_data\.trades_v2 {2}no dead letters/],
  ['npx k2 dead-letters list', /no dead letters/],
  ['npx k2 dead-letters replay', /no dead letters/],
  ['npx k2 dead-letters export', /no dead letters/],
  ['npx k2 tables list', /trades_v2 +│ k2, main +│ +50,000/],
  ['npx k2 tables snapshots', /market\.crypto\.trades\.binance\/\d \[\d+, \d+\)[\s\S]*older/],
  ['npx k2 tables files', /timestamp_day=2026-01-13[\s\S]*kafka_offset/],
  ['npx k2 tables health', /✓ lag +nothing waits[\s\S]*nothing bad/],
  ['npx k2 query "SELECT symbol,', /^symbol,trades,volume\nADAUSDT,\d+,[\d.]+\n/],
  ['npx k2 query "SELECT * FROM', /"bucket":"[\s\S]*"vwap":"/],
  ['npx k2 config check', /no problems[\s\S]*effective configuration/],
  ['npx k2 tables show', /50,000[\s\S]*pyiceberg[\s\S]*DuckDB[\s\S]*Spark[\s\S]*Trino/],
]

/**
 * Not run as they stand: `npm test` would run this very test (.ci/run runs it, from a clean checkout), and the bench takes minutes and
 * fails on a busy machine, which is its purpose; that it builds and starts is shown by its help.
 */
const instead: Readonly<Record<string, string>> = {
  'npm ci && npm test': 'npm test --help',
  'npm run bench': 'npm run bench -- --help',
}

/** What a clone of the working tree would hold: tracked, or new and not ignored. */
async function workingFiles(): Promise<readonly string[]> {
  const words = ['ls-files', '-z', '--cached', '--others', '--exclude-standard']
  const { code, out, err } = await runProgram('git', words, { cwd: repository })
  if (code !== 0) throw new Error(`git ls-files: ${err}`)
  return out.split('\0').filter((path) => path !== '')
}

beforeAll(async () => {
  for (const path of await workingFiles()) {
    mkdirSync(dirname(join(clone, path)), { recursive: true })
    // A file listed may have been deleted and not yet committed so.
    await cp(join(repository, path), join(clone, path)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
    })
  }
})

test('the README has the commands that are tested here, and no others', () => {
  const known = (command: string): boolean =>
    command in instead || says.some(([begin]) => command === begin || command.startsWith(`${begin} `))
  expect(commands.filter((command) => !known(command))).toEqual([])
  for (const [begin] of says) expect(commands.some((command) => command.startsWith(begin))).toBe(true)
})

describe('in a fresh clone', () => {
  test.each(commands)(
    '%s',
    async (command) => {
      // Not before: a port may be taken while the first commands run.
      if (command.startsWith('npx k2 services up')) ports = await documentPorts('as written')
      const run = ports.placed(instead[command] ?? command)
      // What npm has in its cache is not asked for again.
      const npm = { npm_config_prefer_offline: 'true', npm_config_audit: 'false', npm_config_fund: 'false' }
      const env = { ...npm, ...ports.env }
      const { code, out, err } = await runProgram('sh', ['-c', run], { cwd: clone, env })
      expect(code, `${err}\n${out}`).toBe(0)
      const text = says.find(([begin]) => command.startsWith(begin))?.[1] ?? /\S/
      expect(out).toMatch(text)
    },
    300_000,
  )

  test('nothing of the README was left outside the folders that git ignores', async () => {
    const git = (...words: readonly string[]) => runProgram('git', words, { cwd: clone })
    expect((await git('init', '--quiet')).code).toBe(0)
    const { out } = await git('ls-files', '-z', '--others', '--exclude-standard')
    const known = new Set(await workingFiles())
    expect(out.split('\0').filter((path) => path !== '' && !known.has(path))).toEqual([])
  })
})
