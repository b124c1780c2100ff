import fc from 'fast-check'
import { expect, it } from 'vitest'
import { ByteSink } from '../../../src/shared/parquet/byte-sink.ts'
import { writeDeltaInt32, writeDeltaInt64 } from '../../../src/shared/parquet/delta-binary-packed.ts'
import { deltaWords } from '../../../src/shared/verify/parquet-page.ts'
import { BitReader, decodeDelta } from '../../support/parquet-decoders.ts'

const wordsOf = (values: readonly bigint[]): Int32Array =>
  Int32Array.from(
    values.flatMap((value) => [Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n))]),
  )

function written64(values: readonly bigint[]): Uint8Array {
  const sink = new ByteSink()
  writeDeltaInt64(sink, wordsOf([7n, ...values, 9n]), 1, values.length + 1)
  return sink.copy()
}

function expectBack64(values: readonly bigint[]): void {
  const bytes = written64(values)
  const reader = new BitReader(bytes)
  expect(decodeDelta(reader, 64)).toEqual(values)
  expect(reader.offset).toBe(bytes.length)
  if (values.length === 0) return
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  expect(deltaWords({ view, offset: 0 }, values.length)).toEqual(wordsOf(values))
}

const [least, most] = [-(2n ** 63n), 2n ** 63n - 1n]
const any64 = fc.oneof(
  fc.bigInt({ min: least, max: most }),
  fc.bigInt({ min: -5n, max: 5n }),
  fc.constantFrom(least, most, 0n, 2n ** 52n, -(2n ** 52n), 2n ** 53n, 2n ** 32n, 2n ** 31n, -(2n ** 32n)),
)

it('brings back any 64-bit values, as our own reader and the spec read them', () => {
  fc.assert(fc.property(fc.array(any64, { maxLength: 300 }), expectBack64), { numRuns: 200 })
})

it('packs steps of every width from 0 to 64 bits, and wraps where a step is wider', () => {
  for (let width = 0n; width <= 64n; width++) {
    const step = width === 0n ? 0n : 2n ** (width - 1n)
    const values = [0n]
    for (let index = 1; index < 200; index++) {
      const sign = index % 3 === 0 ? -1n : 1n
      values.push(BigInt.asIntN(64, (values[index - 1] ?? 0n) + sign * (step - BigInt(index % 2))))
    }
    expectBack64(values)
  }
})

it('packs rests of exactly every width', () => {
  for (let width = 1n; width <= 64n; width++) {
    // Steps 0 and 2^width - 1 by turns: the widest rest has all of its bits set.
    const values = [5n]
    for (let index = 1; index < 140; index++) {
      const step = index % 2 === 0 ? 0n : 2n ** width - 1n
      values.push(BigInt.asIntN(64, (values[index - 1] ?? 0n) + step))
    }
    expectBack64(values)
  }
})

it('brings back blocks around their limits, one value, and none', () => {
  for (const count of [0, 1, 2, 32, 33, 34, 128, 129, 130, 161, 257, 1000]) {
    expectBack64(Array.from({ length: count }, (_, index) => BigInt(index * index * 1_000_003)))
  }
})

it('keeps ascending values of one step in no bits', () => {
  expect(written64(Array.from({ length: 1281 }, (_, index) => 10n ** 15n + BigInt(index))).length).toBeLessThan(80)
})

it('brings back any 32-bit values, and wraps at 32 bits', () => {
  const any32 = fc.oneof(fc.integer(), fc.integer({ min: -3, max: 3 }), fc.constantFrom(2147483647, -2147483648))
  fc.assert(
    fc.property(fc.array(any32, { maxLength: 300 }), (values) => {
      const sink = new ByteSink()
      writeDeltaInt32(sink, Int32Array.from([7, ...values, 9]), 1, values.length + 1)
      const reader = new BitReader(sink.copy())
      expect(decodeDelta(reader, 32).map(Number)).toEqual(values)
      expect(reader.offset).toBe(sink.length)
    }),
    { numRuns: 300 },
  )
})
