import zlib from 'node:zlib'
import fc from 'fast-check'
import { compressFrameSync } from 'lz4-napi'
import snappy from 'snappy'
import { describe, expect, test } from 'vitest'
import { IngestError } from '../../../src/shared/errors.ts'
import { compressBody, decompressBody, type WriterCodec } from '../../../src/shared/kafka/compression.ts'
import type { Codec } from '../../../src/shared/kafka/record-batch.ts'
import { everyCodec } from '../../support/record-maker.ts'

const isZstdWritable = 'zstdCompressSync' in zlib
const writers: readonly WriterCodec[] = isZstdWritable ? [...everyCodec, 'zstd'] : everyCodec
const readerOf = (codec: WriterCodec): Codec => (codec === 'snappy-xerial' ? 'snappy' : codec)
const text = Buffer.from('price=33.40 qty=100 BHP '.repeat(5000))

function codeOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (error instanceof IngestError) return error.code
    throw error
  }
  return 'nothing thrown'
}

describe.each(writers)('%s', (codec) => {
  const reader = readerOf(codec)

  test('bodies come back as they were', () => {
    const check = fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 3000 }),
      fc.integer({ min: 1, max: 60 }),
      (part, times) => {
        const body = Buffer.concat(Array.from({ length: times }, () => part))
        const back = decompressBody(reader, compressBody(codec, body), body.length)
        expect(Buffer.compare(back, body)).toBe(0)
      },
    )
    fc.assert(check, { numRuns: 40 })
  })

  test('the bound is exact: its size passes, one byte less is DECOMPRESSION_BOUND', () => {
    const compressed = compressBody(codec, text)
    expect(decompressBody(reader, compressed, text.length).length).toBe(text.length)
    for (const bound of [text.length - 1, 1000, 1, 0]) {
      expect(codeOf(() => decompressBody(reader, compressed, bound))).toBe('DECOMPRESSION_BOUND')
    }
  })

  test('a body of no bytes is no records', () => {
    expect(decompressBody(reader, new Uint8Array(0), 0).length).toBe(0)
  })

  test('cut or changed bodies give bytes within the bound, SOURCE_CORRUPT or DECOMPRESSION_BOUND', () => {
    const compressed = compressBody(codec, text.subarray(0, 4000))
    const check = fc.property(
      fc.nat(compressed.length - 1),
      fc.nat(255),
      fc.nat(compressed.length),
      (at, byte, cut) => {
        for (const bytes of [Uint8Array.from(compressed), Uint8Array.from(compressed).subarray(0, cut)]) {
          if (at < bytes.length) bytes[at] = byte
          try {
            expect(decompressBody(reader, bytes, 5000).length).toBeLessThanOrEqual(5000)
          } catch (error) {
            if (!(error instanceof IngestError)) throw error
            expect(['SOURCE_CORRUPT', 'DECOMPRESSION_BOUND']).toContain(error.code)
          }
        }
      },
    )
    fc.assert(check, { numRuns: 300 })
  })
})

test.each<Codec>(['gzip', 'snappy', 'lz4', 'zstd'])('noise is no %s', (codec) => {
  const check = fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), (bytes) => {
    try {
      expect(decompressBody(codec, bytes, 10_000).length).toBeLessThanOrEqual(10_000)
    } catch (error) {
      if (!(error instanceof IngestError)) throw error
    }
  })
  fc.assert(check, { numRuns: 300 })
  expect(codeOf(() => decompressBody(codec, Buffer.from('nonsense, not compressed'), 10_000))).toBe('SOURCE_CORRUPT')
})

test('an unknown codec is CODEC_UNSUPPORTED, and so is writing zstd where Node has none', () => {
  expect(codeOf(() => decompressBody('unsupported', text, 1 << 20))).toBe('CODEC_UNSUPPORTED')
  if (!isZstdWritable) expect(codeOf(() => compressBody('zstd', text))).toBe('CODEC_UNSUPPORTED')
})

describe('bombs', () => {
  const zeros = Buffer.alloc(64 << 20)

  test.each<[Codec, () => Uint8Array]>([
    ['gzip', () => zlib.gzipSync(zeros)],
    ['snappy', () => snappy.compressSync(zeros)],
    ['lz4', () => compressFrameSync(zeros)],
    // 500 blocks of 128 KB, each of one repeated byte.
    [
      'zstd',
      () =>
        Buffer.concat([
          Buffer.from('28b52ffd0058', 'hex'),
          ...Array<Buffer>(500).fill(Buffer.from('02001000', 'hex')),
          Buffer.from('0300100000', 'hex'),
        ]),
    ],
  ])('%s stops at its bound', (codec, make) => {
    const bomb = make()
    const before = process.memoryUsage().arrayBuffers
    expect(codeOf(() => decompressBody(codec, bomb, 1 << 20))).toBe('DECOMPRESSION_BOUND')
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 << 20)
  })

  test('a snappy block that only states 4 GB is refused before memory is taken', () => {
    const raw = Buffer.from('ffffffff0f00', 'hex')
    expect(codeOf(() => decompressBody('snappy', raw, 1 << 20))).toBe('DECOMPRESSION_BOUND')
    const head = compressBody('snappy-xerial', Buffer.from('x')).subarray(0, 16)
    const framed = Buffer.concat([head, Buffer.from([0, 0, 0, raw.length]), raw])
    expect(codeOf(() => decompressBody('snappy', framed, 1 << 20))).toBe('DECOMPRESSION_BOUND')
  })

  test('xerial blocks count together', () => {
    const framed = compressBody('snappy-xerial', Buffer.alloc(100_000))
    expect(decompressBody('snappy', framed, 100_000).length).toBe(100_000)
    expect(codeOf(() => decompressBody('snappy', framed, 99_999))).toBe('DECOMPRESSION_BOUND')
  })
})

describe('xerial framing', () => {
  const framed = compressBody('snappy-xerial', text)

  test('is what Java writes: magic, versions, blocks of 32 KB', () => {
    expect(Buffer.from(framed.subarray(0, 16)).toString('latin1')).toBe('\x82SNAPPY\0\0\0\0\x01\0\0\0\x01')
    let blocks = 0
    for (let at = 16; at < framed.length; at += 4 + Buffer.from(framed).readInt32BE(at)) blocks++
    expect(blocks).toBe(Math.ceil(text.length / 32768))
  })

  test('streams one after another are one body', () => {
    const both = Buffer.concat([framed, compressBody('snappy-xerial', Buffer.from('end'))])
    expect(
      Buffer.from(decompressBody('snappy', both, 1 << 20))
        .subarray(-7)
        .toString(),
    ).toBe('BHP end')
  })

  test.each([-5, 0, 1 << 20])('a block length of %d is SOURCE_CORRUPT', (length) => {
    const changed = Buffer.from(framed)
    changed.writeInt32BE(length, 16)
    expect(codeOf(() => decompressBody('snappy', changed, 1 << 20))).toBe('SOURCE_CORRUPT')
  })
})

describe('lz4 frames', () => {
  const frame = (options?: Parameters<typeof compressFrameSync>[1]) => compressFrameSync(text, options)

  test('with checksums of blocks and content', () => {
    for (const options of [
      { contentChecksum: true },
      { blockChecksums: true },
      { contentChecksum: true, blockChecksums: true },
    ]) {
      expect(decompressBody('lz4', frame(options), text.length).length).toBe(text.length)
      expect(codeOf(() => decompressBody('lz4', frame(options), text.length - 1))).toBe('DECOMPRESSION_BOUND')
    }
  })

  test('one after another are one body, where the decoder alone would drop all but the first', () => {
    const both = Buffer.concat([frame(), compressFrameSync(Buffer.from('end'))])
    expect(
      Buffer.from(decompressBody('lz4', both, text.length + 3))
        .subarray(-7)
        .toString(),
    ).toBe('BHP end')
    expect(codeOf(() => decompressBody('lz4', both, text.length + 2))).toBe('DECOMPRESSION_BOUND')
    expect(codeOf(() => decompressBody('lz4', Buffer.concat([frame(), Buffer.from('rest')]), 1 << 20))).toBe(
      'SOURCE_CORRUPT',
    )
  })

  test('that need a dictionary, have another version or another magic are SOURCE_CORRUPT', () => {
    for (const [at, byte] of [
      [4, 0x61],
      [4, 0x20],
      [4, 0x62],
      [0, 0x02],
      [5, 0x30],
    ] as const) {
      const changed = frame()
      changed[at] = byte
      expect(codeOf(() => decompressBody('lz4', changed, 1 << 20))).toBe('SOURCE_CORRUPT')
    }
  })
})
