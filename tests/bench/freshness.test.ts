// How old records are when a snapshot shows them.
import { expect, test } from 'vitest'
import { agePercentile, agesOf } from '../../bench/freshness.ts'

const appended = [
  { partition: 0, first: 0, next: 10, appendedMs: 1000 },
  { partition: 0, first: 10, next: 20, appendedMs: 1100 },
  { partition: 1, first: 0, next: 5, appendedMs: 1200 },
]
const visible = [
  { partition: 0, first: 0, next: 14, seenMs: 1500 },
  { partition: 1, first: 0, next: 5, seenMs: 1500 },
  { partition: 0, first: 14, next: 20, seenMs: 2000 },
]

test('each record has the age at which its snapshot was seen, also where one append went into two', () => {
  expect(agesOf(appended, visible, 0, 9999)).toEqual([
    { appendedMs: 1000, ageMs: 500, records: 10 },
    { appendedMs: 1100, ageMs: 400, records: 4 },
    { appendedMs: 1100, ageMs: 900, records: 6 },
    { appendedMs: 1200, ageMs: 300, records: 5 },
  ])
})

test('only what was appended within the window counts', () => {
  expect(agesOf(appended, visible, 1100, 1200).map(({ records }) => records)).toEqual([4, 6])
})

test('a record that no snapshot shows is an error', () => {
  expect(() => agesOf(appended, visible.slice(0, 2), 0, 9999)).toThrow('partition 0 from 10: 4 of 10 seen')
})

test('percentiles weigh by records', () => {
  const aged = agesOf(appended, visible, 0, 9999)
  expect([0, 0.2, 0.36, 0.5, 0.76, 0.77, 1].map((share) => agePercentile(aged, share))).toEqual([
    300, 300, 400, 500, 500, 900, 900,
  ])
  expect(agePercentile([], 0.5)).toBeNaN()
})
