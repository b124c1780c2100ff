import { expect, test } from 'vitest'
import { batchAt } from '../../../src/main/feed/kafka-feed.ts'

test.each([
  ['absent', 40n],
  ['there', 45n],
  ['unknown', 41n],
  ['unknown', 46n],
  ['unknown', 39n],
] as const)('a batch of 5 sent at offset 40 is %s when the log ends at %s', (at, found) => {
  expect(batchAt(40n, 5, found)).toBe(at)
})
