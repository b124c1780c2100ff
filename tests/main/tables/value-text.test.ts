import { expect, test } from 'vitest'
import { boundText } from '../../../src/main/tables/value-text.ts'
import { type SingleValue, serializeValue } from '../../../src/shared/iceberg/single-value.ts'

test.each<readonly [type: string, value: SingleValue, text: string]>([
  ['boolean', true, 'true'],
  ['int', -7, '-7'],
  ['long', 9_007_199_254_740_993n, '9007199254740993'],
  ['float', 0.5, '0.5'],
  ['double', -0, '-0'],
  ['date', 16_139, '2014-03-10'],
  ['timestamp', 1_394_409_600_000_001n, '2014-03-10T00:00:00.000001'],
  ['timestamptz', -1n, '1969-12-31T23:59:59.999999Z'],
  ['time', 3_661_000_002n, '01:01:01.000002'],
  ['decimal(18, 8)', -150_000_000n, '-1.50000000'],
  ['decimal(18, 8)', 1n, '0.00000001'],
  ['decimal(38, 0)', 99_999_999_999_999_999_999_999_999_999_999_999_999n, '99999999999999999999999999999999999999'],
  ['string', 'BHP', 'BHP'],
  ['binary', Uint8Array.of(0, 255), '0x00ff'],
  ['uuid', Uint8Array.from({ length: 16 }, (_, index) => index), '00010203-0405-0607-0809-0a0b0c0d0e0f'],
])('a bound of %s is written as people write it: %s → %s', (type, value, text) => {
  expect(boundText(type, serializeValue(type, value))).toBe(text)
})

test('an int bound of a column that became a long is read, and bytes that are no value are shown as bytes', () => {
  expect(boundText('long', serializeValue('int', 5))).toBe('5')
  expect(boundText('int', Uint8Array.of(1))).toBe('0x01')
  expect(boundText('timestamp', serializeValue('long', 9_000_000_000_000_000_000n))).toBe('9000000000000000000')
})
