import { describe, expect, test } from 'vitest'
import {
  compressionText,
  parseCompression,
  parsePartition,
  parseSort,
  partitionText,
  sortText,
} from '../../../src/shared/routes/column-terms.ts'

/** What a text becomes, and how that is written again. */
const told = <T>(
  parsed: { kind: 'term'; term: T } | { kind: 'problem'; problem: string },
  print: (term: T) => string,
) => (parsed.kind === 'term' ? [parsed.term, print(parsed.term)] : parsed.problem)

describe('a partition field', () => {
  test.each([
    ['symbol', 'identity', 'symbol', 'symbol'],
    ['identity(symbol)', 'identity', 'symbol', 'symbol'],
    ['day(timestamp)', 'day', 'timestamp', 'day(timestamp)'],
    ['HOUR( at )', 'hour', 'at', 'hour(at)'],
    ['bucket(16, symbol)', 'bucket[16]', 'symbol', 'bucket(16, symbol)'],
    ['bucket(symbol, 16)', 'bucket[16]', 'symbol', 'bucket(16, symbol)'],
    ['truncate(4,symbol)', 'truncate[4]', 'symbol', 'truncate(4, symbol)'],
  ])('%s is read and written again', (text, transform, column, again) => {
    expect(told(parsePartition(text), partitionText)).toEqual([{ transform, column }, again])
  })

  test.each([
    ['week(timestamp)', /^must be a column, or one of year/],
    ['bucket(symbol)', /^must be a column/],
    ['day(3, timestamp)', /^must be a column/],
    ['bucket(0, symbol)', /^must have a whole number, 1 or more/],
    ['bucket(64, symbol)', /^has more than 32 buckets/],
    ['day(a.b)', /^must be a column/],
    ['', /^must be a column/],
  ])('%j is refused', (text, expected) => {
    expect(told(parsePartition(text), partitionText)).toMatch(expected)
  })
})

describe('a sort field', () => {
  test.each([
    ['symbol', 'symbol', false, true, 'symbol'],
    ['symbol ASC', 'symbol', false, true, 'symbol'],
    ['at desc', 'at', true, false, 'at desc'],
    ['at desc nulls first', 'at', true, true, 'at desc nulls first'],
    ['at nulls last', 'at', false, false, 'at nulls last'],
  ])('%s is read and written again', (text, column, descending, nullsFirst, again) => {
    expect(told(parseSort(text), sortText)).toEqual([{ column, descending, nullsFirst }, again])
  })

  test('that is none is refused', () => {
    expect(told(parseSort('at downwards'), sortText)).toBe(
      'must be a column, then asc or desc, then nulls first or nulls last',
    )
  })
})

describe('a compression', () => {
  test.each([
    ['zstd', 'zstd', null, 'zstd'],
    ['ZSTD(9)', 'zstd', 9, 'zstd(9)'],
    ['gzip( 0 )', 'gzip', 0, 'gzip(0)'],
    ['lz4_raw', 'lz4', null, 'lz4'],
  ])('%s is read and written again', (text, codec, level, again) => {
    expect(told(parseCompression(text), compressionText)).toEqual([{ codec, level }, again])
  })

  test.each([
    ['brotli', /^must be one of zstd, snappy/],
    ['snappy(3)', 'has a level, which snappy has not'],
    ['zstd(23)', 'has a level for zstd beyond 1 to 22'],
  ])('%s is refused', (text, expected) => {
    expect(told(parseCompression(text), compressionText)).toMatch(expected)
  })
})
