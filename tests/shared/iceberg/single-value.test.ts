import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  compareValues,
  deserializeValue,
  type SingleValue,
  serializeValue,
  typedValue,
} from '../../../src/shared/iceberg/single-value.ts'

const hex = (type: string, value: SingleValue): string => Buffer.from(serializeValue(type, value)).toString('hex')

describe('single values in binary form', () => {
  test.each<[string, SingleValue, string]>([
    ['boolean', true, '01'],
    ['boolean', false, '00'],
    ['int', 34, '22000000'],
    ['date', 16139, '0b3f0000'],
    ['long', 34n, '2200000000000000'],
    ['long', -1n, 'ffffffffffffffff'],
    ['timestamptz', 1_394_409_600_000_000n, '0020e14835f40400'],
    ['float', 1, '0000803f'],
    ['double', 1, '000000000000f03f'],
    ['string', 'Zürich', '5ac3bc72696368'],
    ['string', '\ufeffBOM', 'efbbbf424f4d'],
    ['decimal(9, 2)', 1420n, '058c'],
    ['decimal(9, 2)', 128n, '0080'],
    ['decimal(9, 2)', -128n, '80'],
    ['decimal(38, 0)', 0n, '00'],
    ['binary', Uint8Array.of(0, 255), '00ff'],
  ])('%s %s is %s', (type, value, bytes) => {
    expect(hex(type, value)).toBe(bytes)
    expect(deserializeValue(type, Buffer.from(bytes, 'hex'))).toEqual(
      value instanceof Uint8Array ? Buffer.from(value) : value,
    )
  })

  test('any long and any decimal is read back as itself', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
        expect(deserializeValue('long', serializeValue('long', value))).toBe(value)
        expect(deserializeValue('decimal(38, 4)', serializeValue('decimal(38, 4)', value))).toBe(value)
      }),
    )
  })

  test('bounds of a column that was widened since are read', () => {
    expect(deserializeValue('long', serializeValue('int', -5))).toBe(-5n)
    expect(deserializeValue('double', serializeValue('float', 1.5))).toBe(1.5)
  })

  test('text is ordered by its UTF-8 bytes, not by UTF-16 units', () => {
    expect(compareValues('\u{ffff}', '\u{10000}')).toBeLessThan(0)
    expect(compareValues(2n, 10n)).toBeLessThan(0)
  })

  test('a partition value takes the form of its type whichever way it came', () => {
    expect(typedValue('long', '9007199254740993')).toBe(9007199254740993n)
    expect(typedValue('long', 5)).toBe(5n)
    expect(typedValue('decimal(9, 2)', Uint8Array.of(0xff, 0x80))).toBe(-128n)
    expect(typedValue('date', 16139)).toBe(16139)
    expect(typedValue('date', null)).toBeNull()
  })
})
