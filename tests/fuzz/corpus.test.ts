// What fuzzing has found once, and a sample of what it makes: taken as it should be, within the bounds.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { createRandom } from '../simulation/random.ts'
import { inspect } from './inspect.ts'
import { targets } from './targets.ts'

const corpus = fileURLToPath(new URL('./corpus', import.meta.url))
const SAMPLE = 400

test.each(targets.map((target) => [target.name, target] as const))('%s', async (name, target) => {
  const kept = existsSync(corpus) ? readdirSync(corpus).filter((file) => file.startsWith(name)) : []
  for (const file of kept) expect.soft(await inspect(target, readFileSync(join(corpus, file))), file).toBeNull()
  for (let index = 0; index < SAMPLE; index++) {
    expect(await inspect(target, target.make(createRandom(index))), `input ${index}`).toBeNull()
  }
})

test('a judge that throws, is slow or takes too much memory is a finding', async () => {
  const held: Uint8Array[] = []
  const make = () => new Uint8Array(1)
  const bad = [
    () => Promise.reject(new Error('unforeseen')),
    () => new Promise<void>((resolve) => setTimeout(resolve, 130)),
    async () => void held.push(new Uint8Array(80 * 1024 * 1024)),
  ]
  const found: (string | null)[] = []
  for (const judge of bad) found.push(await inspect({ name: 'bad', make, judge }, make()))
  expect(found).toEqual([
    expect.stringContaining('unforeseen'),
    expect.stringMatching(/^took \d+ ms$/),
    expect.stringMatching(/^took \d+ bytes$/),
  ])
})
