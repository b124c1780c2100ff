import { readFileSync } from 'node:fs'
import zlib from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compressZstd, decompressZstd } from '../../../src/shared/kafka/zstd.ts'
import { decodeZstd, ZstdBound } from '../../../src/shared/kafka/zstd-decoder.ts'
import { ZstdFault } from '../../../src/shared/kafka/zstd-tables.ts'
import { zstdSamples } from './zstd-samples.ts'

/** Written by the zstd command line tool 1.5.4 from the samples. */
const frames: readonly { sample: string; options: string; frame: string }[] = JSON.parse(
  readFileSync(new URL('./zstd-frames.json', import.meta.url), 'utf8'),
)
const isZstdWritable = 'zstdCompressSync' in zlib
const frame = (sample: string, options = '-1'): Buffer =>
  Buffer.from(frames.find((one) => one.sample === sample && one.options === options)?.frame ?? '', 'base64')
const sample = (name: string): Uint8Array => zstdSamples[name]?.() ?? new Uint8Array(0)
const isEqual = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0

test('frames of the reference encoder decode to their samples, within a bound of exactly their size', () => {
  expect(frames).toHaveLength(27)
  for (const { sample: name, options, frame } of frames) {
    const content = sample(name)
    expect(isEqual(decodeZstd(Buffer.from(frame, 'base64'), content.length), content), `${name} ${options}`).toBe(true)
    // And those of Node itself, where it writes any.
    if (isZstdWritable) expect(isEqual(decodeZstd(compressZstd(content), content.length), content)).toBe(true)
  }
})

test('one byte less of a bound refuses each of them, whether the frame states its size or not', () => {
  for (const { sample: name, frame } of frames) {
    const { length } = sample(name)
    if (length > 0) expect(() => decodeZstd(Buffer.from(frame, 'base64'), length - 1), name).toThrow(ZstdBound)
  }
})

test('frames one after another and skippable frames between them are one output', () => {
  const skippable = Buffer.from('5e2a4d1803000000616263', 'hex')
  const one = frame('text, four streams')
  const both = Buffer.concat([skippable, one, skippable, frame('one byte')])
  expect(isEqual(decodeZstd(both, 1 << 20), Buffer.concat([sample('text, four streams'), sample('one byte')]))).toBe(
    true,
  )
})

test('frames one after another are read as a whole on every Node, and junk behind a frame is refused', () => {
  const both = Buffer.concat([frame('text, four streams'), frame('one byte')])
  expect(decompressZstd(both, 1 << 20).length).toBe(sample('text, four streams').length + 1)
  for (const { frame: text } of frames) {
    const bytes = Buffer.concat([Buffer.from(text, 'base64'), Buffer.from('junk')])
    expect(() => decompressZstd(bytes, 1 << 20)).toThrow('SOURCE_CORRUPT')
  }
})

test('a match may not reach back into the frame before', () => {
  // By hand (RFC 8878): single segment of 4 bytes; literals "A"; one sequence with RLE tables: 1 literal, a match of 3.
  const single = (offsetCode: number, offsetBits: number): Buffer =>
    Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x20, 4, 0x45, 0, 0, 0x08, 0x41, 0x01, 0x54, 1, offsetCode, 0, offsetBits])
  const distanceOne = single(2, 0b100)
  const distanceNine = single(3, 0b1100)
  expect(Buffer.from(decodeZstd(distanceOne, 4)).toString()).toBe('AAAA')
  const before = frame('text, four streams')
  expect(decodeZstd(Buffer.concat([before, distanceOne]), 1 << 20).subarray(-4)).toEqual(Uint8Array.of(65, 65, 65, 65))
  expect(() => decodeZstd(Buffer.concat([before, distanceNine]), 1 << 20)).toThrow('match before the frame')
})

test('every frame cut anywhere is refused', () => {
  for (const name of ['text, one stream of literals', 'few symbols, Huffman alone', 'one byte']) {
    const whole = frame(name, '-3 --no-check')
    for (let cut = 1; cut < whole.length; cut++) {
      expect(() => decodeZstd(whole.subarray(0, cut), 1 << 20), `${name} cut at ${cut}`).toThrow(ZstdFault)
    }
  }
})

test('a stated size of an exabyte is refused at once, and one of the bound costs no memory', () => {
  const stated = (size: bigint): Buffer => {
    const head = Buffer.from('28b52ffde0000000000000000000', 'hex')
    head.writeBigUInt64LE(size, 5)
    return Buffer.concat([head.subarray(0, 13), Buffer.from('010000', 'hex')])
  }
  expect(() => decodeZstd(stated(1n << 60n), 1 << 30)).toThrow(ZstdBound)
  expect(decodeZstd(stated(1n << 30n), 1 << 30).buffer.byteLength).toBe(0)
})

test('Huffman weights of one certain symbol, which take no bits, do not decode for ever', () => {
  // Tree of 4 bytes: FSE log 5, symbol 0 with probability 32 of 32; then 10 bits of states and an end mark.
  const tree = [4, 0xf0, 0x03, 0xff, 0x07]
  const literals = 2 | (8 << 4) | ((tree.length + 1) << 14)
  const block = [literals & 255, (literals >> 8) & 255, literals >> 16, ...tree, 1, 0]
  const head = 1 | (2 << 1) | (block.length << 3)
  const hostile = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x20, 8, head, 0, 0, ...block])
  expect(() => decodeZstd(hostile, 1000)).toThrow('too many Huffman weights')
})

test('changed frames and noise end in bytes within the bound or in a fault', () => {
  const originals = frames.map((one) => Buffer.from(one.frame, 'base64')).filter((one) => one.length < 4000)
  const change = fc.record({ at: fc.nat(), byte: fc.nat(255) })
  const check = fc.property(
    fc.nat(originals.length - 1),
    fc.array(change, { minLength: 1, maxLength: 4 }),
    (index, changes) => {
      const bytes = Buffer.from(originals[index] ?? '')
      for (const { at, byte } of changes) bytes[4 + (at % (bytes.length - 4))] = byte
      outcome(bytes)
    },
  )
  fc.assert(check, { numRuns: 1500 })
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (tail) =>
      outcome(Buffer.concat([Buffer.from('28b52ffd', 'hex'), tail])),
    ),
  )

  function outcome(bytes: Uint8Array): void {
    try {
      expect(decodeZstd(bytes, 400_000).length).toBeLessThanOrEqual(400_000)
    } catch (error) {
      if (!(error instanceof ZstdFault) && !(error instanceof ZstdBound)) throw error
    }
  }
})
