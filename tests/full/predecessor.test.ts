// The commands of docs/predecessor.md, as they stand, in an empty folder with real servers: the predecessor's run of 5,000 messages in
// batches of 500. Counts and snapshots are checked; times are printed for who looks at them.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { type Ended, runK2 } from '../support/built-k2.ts'
import { documentPorts, shCommands } from '../support/document-commands.ts'

const folder = mkdtempSync(join(tmpdir(), 'k2-predecessor-'))
afterAll(async () => {
  // Also where a command before the last one has failed.
  await runK2(['services', 'down'], { cwd: folder })
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
}, 60_000)

const document = readFileSync(new URL('../../docs/predecessor.md', import.meta.url), 'utf8')

interface Line {
  readonly snapshot_id_before: string
  readonly snapshot_id_after: string
  readonly added_records: number
  readonly total_records: string
}

test('10 batches of exactly 500, each on the snapshot before it, from 7,070 to 12,070 rows, all proven', async () => {
  const { env, placed } = await documentPorts('others')
  const ended = new Map<string, Ended>()
  for (const command of shCommands(document)) {
    const [npx, k2, ...words] = placed(command).split(' ')
    expect([npx, k2]).toEqual(['npx', 'k2'])
    const end = await runK2(words, { cwd: folder, env })
    expect(end.code, `${command}\n${end.err}\n${end.out}`).toBe(0)
    ended.set(words.join(' '), end)
  }
  const outOf = (...parts: readonly string[]): string =>
    [...ended].find(([command]) => parts.every((part) => command.includes(part)))?.[1].out ?? ''

  const run = outOf('run --brokers', '--group k2-iceberg-writer-crypto-v2', '--batch-size 500')
  console.log(run)
  const batches = [...run.matchAll(/^\| +(\d+) \| +([\d,]+) \|/gm)].map(([, batch, messages]) => [batch, messages])
  expect(batches).toEqual(Array.from({ length: 10 }, (_, index) => [String(index + 1), '500']))
  expect(run).toMatch(/Messages consumed: 5,000\n +Messages written: 5,000\n[\s\S]*Errors: 0\n/)

  const lines = readFileSync(join(folder, '.k2', 'predecessor.log'), 'utf8')
    .split('\n')
    .filter((line) => line.includes('"commit_id"'))
    .map((line): Line => JSON.parse(line))
  expect(lines.map((line) => [line.added_records, line.total_records])).toEqual(
    Array.from({ length: 10 }, (_, index) => [500, String(7_570 + 500 * index)]),
  )
  expect(new Set(lines.map((line) => line.snapshot_id_after)).size).toBe(10)
  expect(lines.slice(1).map((line) => line.snapshot_id_before)).toEqual(
    lines.slice(0, -1).map((line) => line.snapshot_id_after),
  )

  const proof = outOf('verify --brokers')
  expect(proof).toMatch(/│ total +│ +8 │ +12,070 │ +12,070 │ 12,070 │ 12,070 │/)
  expect(proof).toContain(`${(689_108 - 12_070).toLocaleString('en-US')} records beyond the committed positions`)
  expect(proof).toContain('PROVEN: table and source are equal: 0 missing, 0 duplicate, 0 extra, 0 changed')
}, 600_000)
