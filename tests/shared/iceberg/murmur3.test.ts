import { expect, test } from 'vitest'
import { hashBytes, hashLong } from '../../../src/shared/iceberg/murmur3.ts'

const long = (value: bigint): number =>
  hashLong(Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)))
const bytes = (of: Uint8Array): number => hashBytes(of, 0, of.length)
const micros = (time: string): bigint => BigInt(Date.parse(time)) * 1000n

/** Iceberg spec, "Appendix B: 32-bit Hash Requirements". */
test.each([
  ['int 34', long(34n), 2_017_239_379],
  ['date 2017-11-16', long(17_486n), -653_330_422],
  ['time 22:31:08', long(81_068_000_000n), -662_762_989],
  ['timestamp 2017-11-16T22:31:08', long(micros('2017-11-16T22:31:08Z')), -2_047_944_441],
  ['timestamp 2017-11-16T22:31:08.000001', long(micros('2017-11-16T22:31:08Z') + 1n), -1_207_196_810],
  ['decimal 14.20', bytes(Uint8Array.of(0x05, 0x8c)), -500_754_589],
  ['string iceberg', bytes(Buffer.from('iceberg')), 1_210_000_089],
  ['uuid', bytes(Buffer.from('f79c3e09677c4bbda4793f349cb785e7', 'hex')), 1_488_055_340],
  ['bytes 00 01 02 03', bytes(Uint8Array.of(0, 1, 2, 3)), -188_683_207],
])('%s has the hash of the spec', (_, found, expected) => {
  expect(found).toBe(expected)
})

test('every length of the tail counts, and bytes outside do not', () => {
  const around = Buffer.from('xxicebergxx')
  expect(hashBytes(around, 2, 9)).toBe(1_210_000_089)
  const hashes = [0, 1, 2, 3, 4, 5].map((length) => hashBytes(new Uint8Array(8), 0, length))
  expect(new Set(hashes).size).toBe(hashes.length)
})
