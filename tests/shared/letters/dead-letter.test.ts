import { expect, test } from 'vitest'
import { deadLettersSchema } from '../../../src/shared/avro/iceberg-mapping.ts'
import { serializeValue } from '../../../src/shared/iceberg/single-value.ts'
import {
  type DeadLetter,
  isoMicros,
  type LetterHead,
  letterDocument,
  newestFirst,
} from '../../../src/shared/letters/dead-letter.ts'
import { everyLetter, fileMatcher, letterMatcher } from '../../../src/shared/letters/letter-filter.ts'
import { LetterSummary, OTHER_GROUP } from '../../../src/shared/letters/letter-summary.ts'
import { NewestLetters } from '../../../src/shared/letters/newest-letters.ts'

const head = (changes: Partial<LetterHead> = {}): LetterHead => ({
  topic: 'trades',
  topicId: 'id',
  partition: 0,
  offset: 5n,
  timestampUs: 1_000_000n,
  schemaId: 1,
  code: 'RECORD_VALUE',
  text: 'text',
  fieldPath: null,
  route: 'r',
  seenAtUs: 9_000_000n,
  ...changes,
})

test('times keep their microseconds, before 1970 and beyond what a date can hold', () => {
  expect(isoMicros(1_768_300_000_000_001n)).toBe('2026-01-13T10:26:40.000001Z')
  expect(isoMicros(-1n)).toBe('1969-12-31T23:59:59.999999Z')
  expect(isoMicros(9_223_372_036_854_775_807n)).toBe('9223372036854775807')
})

test('a letter in JSON loses nothing: offsets beyond 2^53, bytes, null against empty', () => {
  const letter: DeadLetter = {
    ...head({ offset: 9_007_199_254_740_993n, timestampUs: null, schemaId: null }),
    version: '1',
    key: null,
    headers: [
      { key: 'a', value: Uint8Array.of(0, 255) },
      { key: 'a', value: null },
    ],
    value: new Uint8Array(0),
  }
  expect(letterDocument(letter)).toMatchObject({
    offset: '9007199254740993',
    timestamp: null,
    schema_id: null,
    key: null,
    headers: [
      { key: 'a', value: 'AP8=' },
      { key: 'a', value: null },
    ],
    value: '',
    seen_at: '1970-01-01T00:00:09.000000Z',
  })
})

test('newest comes first, by the time it was met where a record has none, and no more are kept than wanted', () => {
  const newest = new NewestLetters(3)
  for (let offset = 0n; offset < 1_000n; offset++) newest.add(head({ offset, timestampUs: offset }))
  newest.add(head({ offset: 7n, timestampUs: null }))
  expect(newest.count).toBe(1001)
  expect(newest.list().map(({ offset }) => offset)).toEqual([7n, 999n, 998n])
  expect([head(), head({ offset: 6n }), head({ partition: 1 }), head({ topic: 'a' })].sort(newestFirst)).toEqual([
    head({ topic: 'a' }),
    head({ offset: 6n }),
    head(),
    head({ partition: 1 }),
  ])
})

test('a filter means the letters that all of its parts mean; a time is [from, to)', () => {
  const isMeant = (changes: object, letter: Partial<LetterHead> = {}): boolean =>
    letterMatcher({ ...everyLetter, ...changes })(head(letter))
  expect(isMeant({})).toBe(true)
  expect(isMeant({ codes: ['RECORD_VALUE'], partitions: [0, 3], schemaId: 1 })).toBe(true)
  expect(isMeant({ codes: ['RECORD_VALUE'], partitions: [3] })).toBe(false)
  expect(isMeant({ schemaId: 2 })).toBe(false)
  expect(isMeant({ schemaId: 2 }, { schemaId: null })).toBe(false)
  expect(isMeant({ topics: { kind: 'pattern', pattern: '^tr' } })).toBe(true)
  expect(isMeant({ topics: { kind: 'names', names: ['trade'] } })).toBe(false)
  expect(isMeant({ fromUs: 1_000_000n })).toBe(true)
  expect(isMeant({ toUs: 1_000_000n })).toBe(false)
  expect(isMeant({ fromUs: 9_000_000n }, { timestampUs: null })).toBe(true)
  expect(isMeant({ fromUs: 9_000_000n }, { timestampUs: null, seenAtUs: null })).toBe(false)
})

test('a file is left out by its bounds only where they prove that nothing in it is meant', () => {
  const schema = deadLettersSchema()
  const id = (name: string): number => schema.fields.find((field) => field.name === name)?.id ?? -1
  const bounds = (lower: number): [number, Uint8Array][] => [
    [id('kafka_partition'), serializeValue('int', lower)],
    [id('kafka_timestamp'), serializeValue('timestamptz', BigInt(lower) * 1_000_000n)],
  ]
  const file = (nulls: [number, number][], isBounded = true) => ({
    location: 'f',
    recordCount: 1,
    sizeBytes: 1,
    partition: [],
    specId: 0,
    schemaId: 0,
    splitOffsets: [],
    metrics: {
      columnSizes: [],
      valueCounts: [],
      nullValueCounts: nulls,
      nanValueCounts: [],
      lowerBounds: isBounded ? bounds(2) : [],
      upperBounds: isBounded ? bounds(4) : [],
    },
  })
  const noNulls: [number, number][] = [[id('kafka_timestamp'), 0]]
  const mayHold = (changes: object, of = file(noNulls)): boolean =>
    fileMatcher({ ...everyLetter, ...changes }, schema)(of)
  expect(mayHold({ partitions: [1, 5] })).toBe(false)
  expect(mayHold({ partitions: [1, 4] })).toBe(true)
  expect(mayHold({ fromUs: 4_000_001n })).toBe(false)
  expect(mayHold({ fromUs: 4_000_000n })).toBe(true)
  expect(mayHold({ toUs: 2_000_000n })).toBe(false)
  expect(mayHold({ toUs: 2_000_001n })).toBe(true)
  // A letter without a time may be of any.
  expect(mayHold({ fromUs: 4_000_001n }, file([[id('kafka_timestamp'), 1]]))).toBe(true)
  expect(mayHold({ fromUs: 4_000_001n, partitions: [9] }, file([], false))).toBe(true)
})

test('a summary counts every letter, also beyond its number of groups', () => {
  const summary = new LetterSummary(2)
  for (let schemaId = 0; schemaId < 5; schemaId++) {
    for (let time = 0n; time < 3n; time++) summary.add(head({ schemaId, timestampUs: time }), time === 0n)
  }
  const groups = summary.list()
  expect(groups.map(({ code, count, replayed }) => [code, count, replayed])).toEqual([
    [OTHER_GROUP, 9, 3],
    ['RECORD_VALUE', 3, 1],
    ['RECORD_VALUE', 3, 1],
  ])
  expect(groups[1]).toMatchObject({ firstUs: 0n, lastUs: 2n, partitions: new Set([0]) })
})
