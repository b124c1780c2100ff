import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Buckets, bucketSize } from '../../../src/shared/verify/buckets.ts'
import { laneCount, RowHashes } from '../../../src/shared/verify/row-hash.ts'
import { Place } from '../../../src/shared/verify/value-sink.ts'

function hashOf(tell: (hashes: RowHashes, place: Place) => void): string {
  const hashes = new RowHashes(1)
  tell(hashes, new Place())
  hashes.finish(0)
  return [...hashes.lanes].join(' ')
}
const bytesHash = (bytes: Uint8Array): string =>
  hashOf((hashes, place) => hashes.bytes(1, place, bytes, 0, bytes.length))

it('differs in all four lanes when one bit of a value, its field, its place or its kind differs', () => {
  const lanes = (hash: string): string[] => hash.split(' ')
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 70 }), fc.nat(), fc.nat(7), (bytes, at, bit) => {
      const changed = bytes.slice()
      changed[at % bytes.length] = (changed[at % bytes.length] ?? 0) ^ (1 << bit)
      const [mine, other] = [lanes(bytesHash(bytes)), lanes(bytesHash(changed))]
      expect(mine.filter((lane, index) => lane === other[index])).toEqual([])
    }),
    { numRuns: 2000 },
  )
  const all = [
    hashOf((hashes, place) => hashes.integer(1, place, 1, 0)),
    hashOf((hashes, place) => hashes.integer(1, place, 0, 1)),
    hashOf((hashes, place) => hashes.integer(2, place, 1, 0)),
    hashOf((hashes, place) => hashes.integer(1, place, 1, 1)),
    hashOf((hashes, place) => hashes.real(1, place, 1)),
    hashOf((hashes, place) => hashes.real(1, place, 0)),
    hashOf((hashes, place) => hashes.real(1, place, -0)),
    hashOf((hashes, place) => hashes.present(1, place)),
    hashOf((hashes, place) => hashes.item(1, place)),
    hashOf((hashes, place) => hashes.decimal(1, place, Int32Array.of(1, 0, 0, 0))),
    hashOf((hashes, place) => hashes.bytes(1, place, Uint8Array.of(1), 0, 1)),
    hashOf((hashes, place) => hashes.bytes(1, place, Uint8Array.of(1, 0), 0, 2)),
    hashOf((hashes, place) => hashes.bytes(1, place, Uint8Array.of(), 0, 0)),
    hashOf(() => {}),
    ...[[0], [1], [0, 0], [0, 1], [1, 0]].map((indices) =>
      hashOf((hashes, place) => {
        for (const index of indices) place.enter(index)
        hashes.integer(1, place, 1, 0)
      }),
    ),
  ]
  expect(new Set(all).size).toBe(all.length)
})

it('differs for any two orders of the same bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 2, maxLength: 40 }), fc.nat(), fc.nat(), (bytes, first, second) => {
      const swapped = bytes.slice()
      const [a, b] = [first % bytes.length, second % bytes.length]
      fc.pre(bytes[a] !== bytes[b])
      swapped[a] = bytes[b] ?? 0
      swapped[b] = bytes[a] ?? 0
      expect(bytesHash(swapped)).not.toBe(bytesHash(bytes))
    }),
    { numRuns: 1000 },
  )
})

it('does not depend on the order of columns, and has no collision among many small integers', () => {
  const both = (order: readonly number[]) =>
    hashOf((hashes, place) => {
      for (const id of order) hashes.integer(id, place, id * 7, 0)
    })
  expect(both([1, 2, 3])).toBe(both([3, 1, 2]))
  const hashes = new RowHashes(1)
  const seen = new Set<number>()
  const count = 300_000
  for (let value = 0; value < count; value++) {
    hashes.reset(1)
    hashes.integer(1, new Place(), value, 0)
    hashes.finish(0)
    const [a = 0, b = 0] = hashes.lanes
    seen.add((a >>> 0) * 2 ** 21 + (b >>> 11))
  }
  expect(seen.size).toBe(count)
})

it('buckets tell equal sets of rows from unequal ones, whatever the order', () => {
  const lanes = Int32Array.from({ length: 3 * laneCount }, (_, at) => at * 0x01000193)
  const fill = (rows: ReadonlyArray<readonly [offset: number, row: number]>): Buckets => {
    const buckets = new Buckets()
    for (const [offset, row] of rows) buckets.add(offset, lanes, row)
    return buckets
  }
  const mine = fill([
    [1, 0],
    [2, 1],
    [bucketSize, 2],
  ])
  expect(
    mine.equals(
      fill([
        [2, 1],
        [1, 0],
      ]),
      0,
    ),
  ).toBe(true)
  expect(mine.equals(fill([[2, 1]]), 0)).toBe(false)
  expect(
    mine.equals(
      fill([
        [2, 1],
        [1, 2],
      ]),
      0,
    ),
  ).toBe(false)
  expect(mine.equals(fill([]), 1)).toBe(false)
  expect(mine.equals(fill([]), 2)).toBe(true)
  expect([...mine.buckets]).toEqual([0, 1])
  const many = fill(Array.from({ length: 100 }, (_, at) => [at * bucketSize, at % 3] as const))
  expect(many.equals(fill([[99 * bucketSize, 0]]), 99)).toBe(true)
})
