// The page writer with Node's own zstd, which Node 20 has not: the same conformance once more under Node 24, from the npm package
// `node`, by hyparquet and by every outside reader.
import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { runProgram } from '../support/built-k2.ts'
import { newestNode } from '../support/newest-node.ts'

const repository = fileURLToPath(new URL('../../', import.meta.url))
const vitest = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url))

/** Names as the conformance gives them to its tests, of the encoder in its standard settings: zstd wherever Node writes it. */
const files = ['tests/shared/parquet/conformance.test.ts', 'tests/integration/parquet-readers.test.ts']
const ofPages = "'pages' "

test('pages compressed by zstd of Node 24 are the same to all readers', async () => {
  const node = await newestNode()
  const report = `${tmpdir()}/k2-newest-node-${process.pid}.json`
  const words = [vitest, 'run', ...files, '-t', ofPages, '--reporter=json', `--outputFile=${report}`]
  // Stated after K2_* of the machine are taken away: where zstd cannot be written, this fails.
  const { code, out, err } = await runProgram(node, words, { cwd: repository, env: { K2_TEST_CODEC: 'zstd' } })
  expect([code, code === 0 ? '' : `${out.slice(-2000)} ${err.slice(-2000)}`]).toEqual([0, ''])
  const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(report, 'utf8'))
  expect(numFailedTests).toBe(0)
  expect(numPassedTests).toBeGreaterThanOrEqual(19)
}, 300_000)
