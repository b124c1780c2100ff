import { expect, test } from 'vitest'
import { PartitionProgress } from '../../../src/main/serve/partition-progress.ts'

const fresh = () => new PartitionProgress('t', 0, { committed: 10n, logEnd: 100n })

test('lag counts from what is committed, and the end of the log is at least where reading is', () => {
  const progress = fresh()
  progress.slice({ first: 10n, next: 120n }, 5, null)
  expect([progress.read, progress.committed, progress.logEnd, progress.lag]).toEqual([120n, 10n, 120n, 110n])
  progress.commit(120n)
  expect(progress.lag).toBe(0n)
  progress.logEnd = 150n
  expect(progress.lag).toBe(30n)
})

test('bytes are in flight until the chunk that holds the end of their slice is encoded, in whatever order', () => {
  const progress = fresh()
  progress.slice({ first: 10n, next: 20n }, 100, 1)
  progress.slice({ first: 20n, next: 30n }, 200, 2)
  progress.encoded({ first: 18n, next: 30n })
  expect(progress.bytes).toBe(0)
  progress.slice({ first: 30n, next: 50n }, 400, 3)
  progress.encoded({ first: 30n, next: 40n })
  expect(progress.bytes).toBe(400)
  progress.encoded({ first: 40n, next: 50n })
  expect(progress.bytes).toBe(0)
})

test('the oldest record is the one that is read and not committed, and a slice is visible with its last record', () => {
  const progress = fresh()
  progress.slice({ first: 10n, next: 20n }, 1, 1_000)
  progress.slice({ first: 20n, next: 30n }, 1, 500)
  progress.slice({ first: 30n, next: 40n }, 1, null)
  expect(progress.oldestMs).toBe(500)
  expect(progress.commit(25n)).toEqual([1_000])
  expect(progress.oldestMs).toBe(500)
  expect(progress.commit(40n)).toEqual([500])
  expect(progress.oldestMs).toBeNull()
})

test('a line that waits for hours keeps few slices, and its oldest record is still known', () => {
  const progress = fresh()
  for (let at = 10n; at < 5_010n; at++) progress.slice({ first: at, next: at + 1n }, 1, 10_000 - Number(at))
  expect(progress.bytes).toBe(5_000)
  expect(progress.oldestMs).toBe(10_000 - 5_009)
  expect(progress.commit(5_010n).length).toBeLessThan(300)
})
