import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decimal18x8, FieldProblem, timestampUs } from '../../../src/main/feed/csv-values.ts'

test.each([
  ['36.667', 3_666_700_000n],
  ['0', 0n],
  ['20000', 2_000_000_000_000n],
  ['0.00000001', 1n],
  ['9999999999.99999999', 999_999_999_999_999_999n],
  ['00012.500000000000', 1_250_000_000n],
])('%s is exact at scale 8', (text, unscaled) => {
  expect(decimal18x8(text, 'price')).toBe(unscaled)
})

test.each(['', '-1', '+1', '1e3', '1.', '.5', '1,5', ' 1', 'NaN', '1.234567891', '10000000000', '1.2.3'])(
  '%j is refused, not rounded',
  (text) => {
    expect(() => decimal18x8(text, 'price')).toThrow(FieldProblem)
  },
)

test('every value of decimal(18, 8) comes back from its text', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 10n ** 18n - 1n }), (unscaled) => {
      const digits = unscaled.toString().padStart(9, '0')
      expect(decimal18x8(`${digits.slice(0, -8)}.${digits.slice(-8)}`, 'x')).toBe(unscaled)
    }),
  )
})

test('07:57 in Sydney lies on the UTC day before', () => {
  const us = timestampUs('03/10/2014', '07:57:14.754', 660)
  expect(us).toBe(Date.parse('2014-03-09T20:57:14.754Z') * 1000)
})

test('11:00 in Sydney is midnight UTC', () => {
  expect(timestampUs('03/10/2014', '11:00:00.000', 660)).toBe(Date.parse('2014-03-10T00:00:00Z') * 1000)
})

test('microseconds are kept, missing decimals are zeros', () => {
  expect(timestampUs('01/01/1970', '00:00:01.000002', 0)).toBe(1_000_002)
  expect(timestampUs('01/01/1970', '00:00:01.5', 0)).toBe(1_500_000)
  expect(timestampUs('01/01/1970', '00:00:01', 0)).toBe(1_000_000)
})

test.each([
  ['2014-03-10', '07:57:14.754'],
  ['02/30/2014', '07:57:14.754'],
  ['13/01/2014', '07:57:14.754'],
  ['03/10/2014', '24:00:00.000'],
  ['03/10/2014', '07:60:00.000'],
  ['03/10/2014', '7:57:14.754'],
  ['03/10/2014', '07:57:14.'],
  ['03/10/2014', ''],
])('%s %s is refused', (date, time) => {
  expect(() => timestampUs(date, time, 660)).toThrow(FieldProblem)
})
