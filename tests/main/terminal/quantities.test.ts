import { expect, test } from 'vitest'
import { ageText, sizeText, timeText } from '../../../src/main/terminal/quantities.ts'

test('sizes are in the unit that fits', () => {
  const sizes = [0, 17, 1023, 1024, 1536, 102_400, 512 * 2 ** 20, 1.5 * 2 ** 30, 2n ** 41n]
  expect(sizes.map(sizeText)).toEqual([
    '0 B',
    '17 B',
    '1023 B',
    '1 KiB',
    '1.5 KiB',
    '100 KiB',
    '512 MiB',
    '1.5 GiB',
    '2 TiB',
  ])
})

test('ages are their two largest units, one that lies ahead is none', () => {
  const ages = [-5, 999, 5_000, 60_000, 61_000, 3_600_000, 3_661_000, 273_600_000, 86_400_000 + 60_000]
  expect(ages.map(ageText)).toEqual(['0 s', '0 s', '5 s', '1 m', '1 m 1 s', '1 h', '1 h 1 m', '3 d 4 h', '1 d'])
})

test('times are UTC to the second', () => {
  expect(timeText(1_394_409_600_999)).toBe('2014-03-10 00:00:00')
})
