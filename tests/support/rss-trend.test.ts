import { expect, test } from 'vitest'
import { createRandom } from '../simulation/random.ts'
import { rssTrend } from './rss-trend.ts'

const random = createRandom(7)
const samples = (count: number, at: (part: number) => number): number[] =>
  Array.from({ length: count }, (_, index) => at(index / count) + random.int(16))

test('a leak is steady growth, whatever the noise', () => {
  const { isGrowing, quarters } = rssTrend(samples(600, (part) => 300 + 120 * part))
  expect(isGrowing).toBe(true)
  expect(quarters).toHaveLength(4)
})

test.each([
  ['noise', () => 300],
  ['a start that fills caches', (part: number) => 300 - 200 * Math.exp(-20 * part)],
  ['one step up', (part: number) => (part < 0.6 ? 300 : 420)],
  ['a saw', (part: number) => 300 + 60 * ((part * 10) % 1)],
  ['memory given back', (part: number) => 400 - 100 * part],
])('%s is none', (_, at) => {
  expect(rssTrend(samples(600, at)).isGrowing).toBe(false)
})

test('too few samples tell nothing', () => {
  expect(() => rssTrend([1, 2, 3])).toThrow('3 samples')
})
