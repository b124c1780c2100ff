import { crc32c } from '@node-rs/crc32'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { IngestError } from '../../../src/shared/errors.ts'
import { isBatchIntact, parseBatchHeader, readBatchHeader } from '../../../src/shared/kafka/record-batch.ts'
import { batch } from '../../support/record-maker.ts'

/** One record (key null, value "a") at offset 5, laid out by hand from the protocol guide; the CRC by a table of our own. */
const byHand = Buffer.from(
  '0000000000000005' + // base offset
    '00000039' + // length 57
    '00000001' + // leader epoch
    '02' +
    '00000000' + // CRC, filled in below
    '0000' + // attributes
    '00000000' + // last offset delta
    '0000018bcfe56800' + // base timestamp 1700000000000
    '0000018bcfe56800' +
    'ffffffffffffffff' + // no producer
    'ffff' +
    'ffffffff' +
    '00000001' +
    '0e0000000102' + // length 7, attributes, time delta 0, offset delta 0, key null, value length 1
    '6100', // "a", no headers
  'hex',
)
byHand.writeUInt32BE(castagnoli(byHand.subarray(21)), 17)

/** CRC-32C bit by bit (RFC 3720, appendix B.4: reflected polynomial 0x82f63b78). */
function castagnoli(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let i = 0; i < 8; i++) crc = (crc >>> 1) ^ (0x82f63b78 & -(crc & 1))
  }
  return ~crc >>> 0
}

test('the CRC is CRC-32C: known vectors of RFC 3720', () => {
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa)
  expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43)
  expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e)
})

test('a batch laid out by hand is read, anywhere in a buffer', () => {
  const bytes = Buffer.concat([Buffer.from('xyz'), byHand, Buffer.from('more')])
  const header = readBatchHeader(bytes, 3)
  expect(header).toMatchObject({
    baseOffset: 5n,
    nextOffset: 6n,
    length: byHand.length,
    leaderEpoch: 1,
    codec: 'none',
    baseTimestamp: 1_700_000_000_000n,
    producerId: -1n,
    producerEpoch: -1,
    baseSequence: -1,
    recordCount: 1,
  })
  expect(header !== null && isBatchIntact(bytes, 3, header)).toBe(true)
})

test('every bit after the CRC is covered by it, and the CRC itself', () => {
  const header = readBatchHeader(byHand, 0)
  if (header === null) throw new Error('not whole')
  for (let at = 21; at < byHand.length; at++) {
    for (let bit = 0; bit < 8; bit++) {
      const changed = Buffer.from(byHand)
      changed[at] = (changed[at] ?? 0) ^ (1 << bit)
      expect(isBatchIntact(changed, 0, header)).toBe(false)
    }
  }
  expect(isBatchIntact(byHand, 0, { ...header, crc: header.crc ^ 1 })).toBe(false)
})

test('a batch that is not all there is null, its header alone is enough for the parse', () => {
  for (let cut = 0; cut < byHand.length; cut++) {
    expect(readBatchHeader(byHand.subarray(0, cut), 0)).toBeNull()
    if (cut >= 61) expect(parseBatchHeader(byHand.subarray(0, cut), 0)).toMatchObject({ baseOffset: 5n })
    else expect(parseBatchHeader(byHand.subarray(0, cut), 0)).toBeNull()
  }
})

test.each([
  ['magic 0', 16, [0]],
  ['magic 1', 16, [1]],
  ['magic 3', 16, [3]],
  ['a length below a header', 8, [0, 0, 0, 48]],
  ['a negative length', 8, [0xff, 0xff, 0xff, 0xf0]],
  ['a negative base offset', 0, [0x80]],
  ['a negative last offset delta', 23, [0x80]],
  ['a negative record count', 57, [0x80]],
  ['more records than offsets', 57, [0, 0, 0, 2]],
])('%s is SOURCE_CORRUPT with a reason', (_name, at, bytes) => {
  const changed = Buffer.from(byHand)
  changed.set(bytes, at)
  try {
    readBatchHeader(changed, 0)
  } catch (error) {
    if (!(error instanceof IngestError)) throw error
    expect(error.code).toBe('SOURCE_CORRUPT')
    expect(String(error.context['reason'])).not.toBe('')
    return
  }
  throw new Error('accepted')
})

test('codecs by attribute; ids 5 to 7 are unsupported', () => {
  const codecOf = (id: number) => {
    const changed = Buffer.from(byHand)
    changed[22] = id
    return readBatchHeader(changed, 0)?.codec
  }
  expect([0, 1, 2, 3, 4, 5, 6, 7].map(codecOf)).toEqual([
    'none',
    'gzip',
    'snappy',
    'lz4',
    'zstd',
    'unsupported',
    'unsupported',
    'unsupported',
  ])
})

test('any bytes give a header within them, null, or an error with a code', () => {
  const base = batch(3, 5)
  const changes = fc.array(fc.record({ at: fc.nat(base.length - 1), byte: fc.nat(255) }), { maxLength: 4 })
  const check = fc.property(changes, fc.nat(base.length), (list, cut) => {
    const bytes = base.slice(0, cut)
    for (const { at, byte } of list) if (at < bytes.length) bytes[at] = byte
    try {
      const header = readBatchHeader(bytes, 0)
      if (header !== null) expect(header.length).toBeLessThanOrEqual(bytes.length)
    } catch (error) {
      if (!(error instanceof IngestError)) throw error
    }
  })
  fc.assert(check, { numRuns: 500 })
})
