import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  binaryLowerBound,
  binaryUpperBound,
  booleanBound,
  decimalBound,
  float32Bound,
  float64Bound,
  int32Bound,
  int64Bound,
  stringLowerBound,
  stringUpperBound,
} from '../../../src/shared/columns/bounds.ts'

const hex = (bytes: Uint8Array | null): string | null => (bytes === null ? null : Buffer.from(bytes).toString('hex'))
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
const textOf = (bytes: Uint8Array | null): string | null =>
  bytes === null ? null : new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
const words = (value: bigint): [number, number, number, number] => [
  word(value, 0),
  word(value, 1),
  word(value, 2),
  word(value, 3),
]
const word = (value: bigint, index: number): number => Number(BigInt.asIntN(32, value >> BigInt(32 * index)))

describe('bounds', () => {
  it('serializes single values as the spec lists them (Appendix D)', () => {
    expect(hex(booleanBound(false))).toBe('00')
    expect(hex(booleanBound(true))).toBe('01')
    expect(hex(int32Bound(34))).toBe('22000000')
    expect(hex(int32Bound(-1))).toBe('ffffffff')
    expect(hex(int64Bound(34, 0))).toBe('2200000000000000')
    expect(hex(int64Bound(-2, -1))).toBe('feffffffffffffff')
    expect(hex(float32Bound(-4.5))).toBe('000090c0')
    expect(hex(float64Bound(6))).toBe('0000000000001840')
    expect(hex(float64Bound(-0))).toBe('0000000000000080')
    expect(hex(decimalBound(words(1420n)))).toBe('058c')
  })

  it('writes a decimal in the fewest big-endian bytes that keep its sign', () => {
    const cases: [bigint, string][] = [
      [0n, '00'],
      [127n, '7f'],
      [128n, '0080'],
      [-128n, '80'],
      [-129n, 'ff7f'],
      [-1n, 'ff'],
      [10n ** 38n - 1n, '4b3b4ca85a86c47a098a223fffffffff'],
      [-(2n ** 127n), '80000000000000000000000000000000'],
    ]
    for (const [value, expected] of cases) expect(hex(decimalBound(words(value)))).toBe(expected)
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 127n), max: 2n ** 127n - 1n }), (value) => {
        const bytes = decimalBound(words(value))
        expect(BigInt.asIntN(8 * bytes.length, BigInt(`0x${hex(bytes)}`))).toBe(value)
        if (bytes.length > 1) expect(BigInt.asIntN(8 * bytes.length - 8, value)).not.toBe(value)
      }),
    )
  })

  it('keeps short texts whole and cuts longer ones at 16 code points', () => {
    expect(textOf(stringLowerBound(utf8('')))).toBe('')
    expect(textOf(stringUpperBound(utf8('BINANCE')))).toBe('BINANCE')
    expect(textOf(stringUpperBound(utf8('a'.repeat(16))))).toBe('a'.repeat(16))
    expect(textOf(stringLowerBound(utf8('abcdefghijklmnopqrs')))).toBe('abcdefghijklmnop')
    expect(textOf(stringUpperBound(utf8('abcdefghijklmnopqrs')))).toBe('abcdefghijklmnoq')
    expect(textOf(stringLowerBound(utf8('€'.repeat(17))))).toBe('€'.repeat(16))
    expect(textOf(stringLowerBound(utf8('😀'.repeat(17))))).toBe('😀'.repeat(16))
  })

  it('raises the last code point that can be raised, over the surrogates, and has no bound where none can', () => {
    const top = '\u{10ffff}'
    expect(textOf(stringUpperBound(utf8(`${'a'.repeat(14)}b${top}tail`)))).toBe(`${'a'.repeat(14)}c`)
    expect(textOf(stringUpperBound(utf8(`${'a'.repeat(15)}\ud7fftail`)))).toBe(`${'a'.repeat(15)}\ue000`)
    expect(textOf(stringUpperBound(utf8(`${'a'.repeat(15)}\u007ftail`)))).toBe(`${'a'.repeat(15)}\u0080`)
    expect(stringUpperBound(utf8(top.repeat(17)))).toBe(null)
    expect(textOf(stringUpperBound(utf8(top.repeat(16))))).toBe(top.repeat(16))
  })

  it('takes a byte order mark for a character of the text: an upper bound without it excluded what begins with it', () => {
    const bound = stringUpperBound(utf8(`\ufeff${'a'.repeat(16)}`))
    expect(Buffer.from(bound ?? []).toString('hex')).toBe(`efbbbf${'61'.repeat(14)}62`)
  })

  it('cuts binary at 16 bytes and raises the last byte below ff', () => {
    const long = new Uint8Array(20).fill(1)
    expect(hex(binaryLowerBound(long))).toBe('01'.repeat(16))
    expect(hex(binaryUpperBound(long))).toBe(`${'01'.repeat(15)}02`)
    expect(hex(binaryUpperBound(new Uint8Array(20).fill(0xff, 3)))).toBe('000001')
    expect(binaryUpperBound(new Uint8Array(17).fill(0xff))).toBe(null)
    expect(hex(binaryUpperBound(new Uint8Array(16).fill(0xff)))).toBe('ff'.repeat(16))
  })

  it('never excludes the value itself', () => {
    const points = fc.constantFrom('a', '\ufeff', '\u007f', '\u0080', '€', '\ud7ff', '\uffff', '😀', '\u{10ffff}')
    const cuts = [fc.uint8Array({ maxLength: 40 }), fc.constant(new Uint8Array(30).fill(255))]
    fc.assert(
      fc.property(fc.oneof(...cuts), (value) => {
        expect(Buffer.compare(binaryLowerBound(value), value)).toBeLessThanOrEqual(0)
        const upper = binaryUpperBound(value)
        if (upper !== null) expect(Buffer.compare(upper, value)).toBeGreaterThanOrEqual(0)
      }),
    )
    fc.assert(
      fc.property(fc.array(points, { maxLength: 20 }), (text) => {
        const value = utf8(text.join(''))
        expect(Buffer.compare(stringLowerBound(value), value)).toBeLessThanOrEqual(0)
        const upper = stringUpperBound(value)
        if (upper !== null) expect(Buffer.compare(upper, value)).toBeGreaterThanOrEqual(0)
      }),
    )
  })
})
