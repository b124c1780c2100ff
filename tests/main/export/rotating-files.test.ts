import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { RotatingFiles } from '../../../src/main/export/rotating-files.ts'

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'k2-rotating-'))
  onTestFinished(() => rm(path, { recursive: true, force: true }))
  return path
}
const open = (directory: string, now: () => number, bytesMax = 1_000) =>
  new RotatingFiles({ directory, prefix: 'letters', bytesMax, ageMsMax: 60_000, now })
const read = (directory: string): string[] =>
  readdirSync(directory)
    .sort()
    .map((name) => readFileSync(join(directory, name), 'utf8'))

test('a file is finished before a line would bring it beyond its size; a longer line has a file of its own', async () => {
  const directory = folder()
  const files = open(directory, () => 0, 20)
  for (const line of ['123456789', '123456789', 'x'.repeat(50), 'y']) await files.write(line)
  await files.finish()
  expect(read(directory)).toEqual(['123456789\n123456789\n', `${'x'.repeat(50)}\n`, 'y\n'])
  expect(files.finished.map(({ lines, bytes }) => [lines, bytes])).toEqual([
    [2, 20],
    [1, 51],
    [1, 2],
  ])
  expect(readdirSync(directory).sort()[0]).toBe('letters-19700101T000000.000Z-000001.jsonl')
})

test('a file is finished once it is old, and named by when it was begun', async () => {
  const directory = folder()
  let now = 0
  const files = open(directory, () => now)
  await files.write('a')
  now = 59_999
  await files.write('b')
  now = 60_000
  await files.write('c')
  expect(readdirSync(directory).sort()).toEqual([
    'letters-19700101T000000.000Z-000001.jsonl',
    'letters-19700101T000100.000Z-000002.jsonl.part',
  ])
  await files.finish()
  await files.finish()
  expect(read(directory)).toEqual(['a\nb\n', 'c\n'])
})

test('a file that is there is never replaced, and an unwritable folder is named', async () => {
  const directory = folder()
  writeFileSync(join(directory, 'letters-19700101T000000.000Z-000001.jsonl'), 'theirs')
  const files = open(directory, () => 0)
  await files.write('a')
  await expect(files.finish()).rejects.toMatchObject({ code: 'EXPORT_NOT_WRITABLE' })
  expect(read(directory)[0]).toBe('theirs')
  const blocked = open(join(directory, 'letters-19700101T000000.000Z-000001.jsonl', 'x'), () => 0)
  await expect(blocked.write('a')).rejects.toMatchObject({ code: 'EXPORT_NOT_WRITABLE' })
})
