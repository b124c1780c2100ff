// The built program on the oldest Node that it supports and on the newer lines, from the npm package `node`. This fails where they cannot be had.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parquetMetadata } from 'hyparquet'
import { afterAll, describe, expect, test } from 'vitest'
import { runK2, runProgram } from '../support/built-k2.ts'

const folder = mkdtempSync(join(tmpdir(), 'k2-node-versions-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** npx keeps what it once installed. */
async function pathOfNode(version: string): Promise<string> {
  const asked = ['-y', '-p', `node@${version}`, 'node', '-p', 'process.execPath']
  const { code, out, err } = await runProgram('npx', asked, { cwd: folder })
  if (code !== 0) throw new Error(`tests need node@${version} from npm: ${err}`)
  return out.trim()
}

/** Who wrote the data files, by their footers, each once. */
async function writersOf(warehouse: string): Promise<readonly (string | undefined)[]> {
  const names = (await readdir(warehouse, { recursive: true })).filter((name) => name.endsWith('.parquet'))
  const footers = names.map((name) => parquetMetadata(Uint8Array.from(readFileSync(join(warehouse, name))).buffer))
  return [...new Set(footers.map((footer) => footer.created_by))]
}

// zstd is Node's own from 22.15 on; before, a decoder of ours reads it and nothing writes it.
describe.each([
  ['20.19', 'lz4', 'k2 (parquet-wasm)'],
  ['22', 'zstd', expect.stringMatching(/^k2 version \d/)],
  ['24', 'zstd', expect.stringMatching(/^k2 version \d/)],
])('on Node %s', (version, codec, writer) => {
  test('a feed, a run and the proof', async () => {
    const node = await pathOfNode(version)
    const at = join(folder, version)
    const [log, tables] = [join(at, 'log'), ['--catalog', `sqlite:${at}/catalog.db`, '--warehouse', `${at}/warehouse`]]
    const k2 = (...words: readonly string[]) => runK2(words, { node: [node] })
    expect((await runProgram(node, ['-p', 'process.versions.node'])).out).toMatch(
      new RegExp(`^${version.replace('.', '\\.')}\\.`),
    )
    const feed = await k2('feed', 'synthetic', '--to', log, '--messages', '20000', '--codec', codec)
    expect([feed.code, feed.err]).toEqual([0, ''])
    const run = await k2('run', '--source', log, ...tables, '--until-end', '--batch-size', '6000', '--json')
    expect([run.code, JSON.parse(run.out).statistics.messages_written]).toEqual([0, 20_000])
    expect(run.err).not.toMatch(/warning/i)
    expect(await writersOf(join(at, 'warehouse'))).toEqual([writer])
    const verify = await k2('verify', '--source', log, ...tables, '--json')
    expect([verify.code, JSON.parse(verify.out).tables[0].totals.equal]).toEqual([0, 20_000])
  }, 60_000)
})

test('the Parquet encoder does on a Node with zstd, which it then uses, what its tests ask of it', async () => {
  const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs')
  const tests = ['tests/shared/parquet/page-encoder.test.ts', 'tests/shared/parquet/page-index.test.ts']
  const { code, out } = await runProgram(await pathOfNode('24'), [vitest, 'run', '--reporter=json', ...tests], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
  })
  const { numPassedTests, numTotalTests } = JSON.parse(out)
  expect([code, numPassedTests]).toEqual([0, numTotalTests])
  expect(numTotalTests).toBeGreaterThan(10)
}, 120_000)

test('what the newest Node began, zstd and all, the oldest goes on with', async () => {
  const [newest, oldest] = [await pathOfNode('24'), await pathOfNode('20.19')]
  const tables = ['--catalog', `sqlite:${folder}/catalog.db`, '--warehouse', join(folder, 'warehouse')]
  const log = join(folder, 'log')
  const feed = ['feed', 'synthetic', '--to', log, '--messages', '10000', '--codec', 'zstd']
  expect((await runK2(feed, { node: [newest] })).code).toBe(0)
  const run = ['run', '--source', log, ...tables, '--json']
  expect((await runK2([...run, '--max-messages', '4000'], { node: [newest] })).code).toBe(0)
  const rest = await runK2([...run, '--until-end'], { node: [oldest] })
  expect([rest.code, JSON.parse(rest.out).statistics.messages_written]).toEqual([0, 6000])
  const verify = await runK2(['verify', '--source', log, ...tables, '--json'], { node: [oldest] })
  expect([verify.code, JSON.parse(verify.out).tables[0].totals.equal]).toEqual([0, 10_000])
}, 60_000)
