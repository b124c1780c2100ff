import fc from 'fast-check'
import { expect, it } from 'vitest'
import { ByteSink } from '../../../src/shared/parquet/byte-sink.ts'
import { writeDeltaBytes, writeDeltaLength } from '../../../src/shared/parquet/delta-byte-array.ts'
import { BitReader, decodeDeltaBytes, decodeDeltaLength } from '../../support/parquet-decoders.ts'

/** Values behind one that is not asked for, in one piece. */
function laid(values: readonly Uint8Array[]): { bytes: Uint8Array; offsets: Int32Array } {
  const all = [Uint8Array.of(1, 2, 3), ...values, Uint8Array.of(4)]
  const offsets = new Int32Array(all.length + 1)
  all.forEach((value, index) => {
    offsets[index + 1] = (offsets[index] ?? 0) + value.length
  })
  return { bytes: Uint8Array.from(all.flatMap((value) => [...value])), offsets }
}

const values = fc.array(
  fc.oneof(
    fc.uint8Array({ maxLength: 12 }),
    fc.uint8Array({ minLength: 40, maxLength: 120 }),
    fc
      .tuple(fc.constantFrom('', 'trade-', 'a prefix of some length, the same for many: '), fc.nat(2000))
      .map(([prefix, number]) => new TextEncoder().encode(`${prefix}${number}`)),
  ),
  { maxLength: 200 },
)

it('brings back byte arrays by length', () => {
  fc.assert(
    fc.property(values, (list) => {
      const [sink, { bytes, offsets }] = [new ByteSink(), laid(list)]
      writeDeltaLength(sink, bytes, offsets, 1, list.length + 1)
      const reader = new BitReader(sink.copy())
      expect(decodeDeltaLength(reader)).toEqual(list)
      expect(reader.offset).toBe(sink.length)
    }),
  )
})

it('brings back byte arrays by what they share with the one before, the first of them whole', () => {
  fc.assert(
    fc.property(values, (list) => {
      const [sink, { bytes, offsets }] = [new ByteSink(), laid(list)]
      writeDeltaBytes(sink, bytes, offsets, 1, list.length + 1)
      const reader = new BitReader(sink.copy())
      expect(decodeDeltaBytes(reader)).toEqual(list)
      expect(reader.offset).toBe(sink.length)
    }),
  )
})

it('stores a shared prefix once', () => {
  const list = Array.from({ length: 1000 }, (_, index) =>
    new TextEncoder().encode(`a prefix of 29 bytes for all: ${index}`),
  )
  const [sink, { bytes, offsets }] = [new ByteSink(), laid(list)]
  writeDeltaBytes(sink, bytes, offsets, 1, list.length + 1)
  expect(sink.length).toBeLessThan(4000)
})
