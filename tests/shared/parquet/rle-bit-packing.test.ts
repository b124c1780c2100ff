import fc from 'fast-check'
import { expect, it } from 'vitest'
import { ByteSink } from '../../../src/shared/parquet/byte-sink.ts'
import { bitWidth, writeHybrid } from '../../../src/shared/parquet/rle-bit-packing.ts'
import { BitReader, decodeHybrid } from '../../support/parquet-decoders.ts'

function written(values: readonly number[], width: number): Uint8Array {
  const sink = new ByteSink()
  const framed = Int32Array.from([77, ...values, 99])
  writeHybrid(sink, framed, 1, values.length + 1, width)
  return sink.copy()
}

/** Runs of every length around the group of eight, of values of up to so many bits. */
const runs = (width: number): fc.Arbitrary<number[]> =>
  fc
    .array(
      fc.tuple(fc.integer({ min: 0, max: 2 ** width - 1 }), fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 70 }))),
      {
        maxLength: 40,
      },
    )
    .map((parts) => parts.flatMap(([value, count]) => new Array<number>(count).fill(value)))

it('brings back values of every width, repeated or not, and ends exactly where its last run does', () => {
  for (let width = 1; width <= 31; width++) {
    fc.assert(
      fc.property(runs(width), (values) => {
        const bytes = written(values, width)
        const reader = new BitReader(bytes)
        expect(decodeHybrid(reader, values.length, width)).toEqual(values)
        expect(reader.offset).toBe(bytes.length)
      }),
      { numRuns: 20 },
    )
  }
})

it('keeps one value repeated in a few bytes, and distinct ones at their width', () => {
  expect(written(new Array<number>(100_000).fill(5), 3)).toHaveLength(4)
  expect(written([], 3)).toHaveLength(0)
  const distinct = Array.from({ length: 80 }, (_, index) => index % 7)
  expect(written(distinct, 3)).toHaveLength(1 + 30)
})

it('knows how many bits a number needs', () => {
  expect([0, 1, 2, 3, 4, 255, 256].map(bitWidth)).toEqual([0, 1, 2, 2, 3, 8, 9])
})
