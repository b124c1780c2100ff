import { expect, test } from 'vitest'
import { BadStarts } from '../../../src/main/ingest/bad-starts.ts'
import { IngestError } from '../../../src/shared/errors.ts'
import type { RangeOutcome } from '../../../src/shared/messages.ts'

const range = (topic: string, first: number, count: number, more: Partial<RangeOutcome> = {}): RangeOutcome => ({
  topic,
  partition: 0,
  first: BigInt(first),
  next: BigInt(first + count),
  records: count,
  rows: 0,
  deadLetters: count,
  tombstonesSkipped: 0,
  ...more,
})
const nameOf = (topic: string): string => `name of ${topic}`

test('a topic is held at so many dead letters without one row, with its commonest code and what to do', () => {
  const starts = new BadStarts(1000)
  const deadLetterCodes = { RECORD_SCHEMA_UNKNOWN: 400, RECORD_NOT_FRAMED: 99 }
  expect(starts.see({ ranges: [range('a', 0, 499)], deadLetterCodes }, nameOf)).toBeNull()
  expect(starts.see({ ranges: [range('a', 499, 500)], deadLetterCodes }, nameOf)).toBeNull()
  const error = starts.see({ ranges: [range('a', 999, 1)], deadLetterCodes: { RECORD_NOT_FRAMED: 1 } }, nameOf)
  expect(error).toMatchObject({
    code: 'TOPIC_ALL_BAD',
    context: { topic: 'name of a', records: 1000, code: 'RECORD_SCHEMA_UNKNOWN', of_code: 800 },
  })
  expect(error?.message).toContain('todo=register the schema, then replay')
  expect([...starts.held.keys()]).toEqual(['a'])
})

test('one row at any time frees a topic for the run, and tombstones say nothing', () => {
  const starts = new BadStarts(10)
  const tombstones = range('a', 0, 50, { deadLetters: 0, tombstonesSkipped: 50 })
  expect(starts.see({ ranges: [tombstones, range('a', 50, 9)] }, nameOf)).toBeNull()
  expect(starts.see({ ranges: [range('a', 59, 100, { rows: 1, deadLetters: 99 })] }, nameOf)).toBeNull()
  expect(starts.see({ ranges: [range('a', 159, 10_000)] }, nameOf)).toBeNull()
  expect(starts.held.size).toBe(0)
})

test('topics count each for themselves, over their partitions, and what is read again after a fence counts once', () => {
  const starts = new BadStarts(10)
  const both = [range('a', 0, 3), range('a', 0, 3, { partition: 1 }), range('b', 0, 6)]
  expect(starts.see({ ranges: both }, nameOf)).toBeNull()
  expect(starts.see({ ranges: both }, nameOf)).toBeNull()
  const good = range('b', 6, 6, { rows: 6, deadLetters: 0 })
  expect(starts.see({ ranges: [range('a', 3, 4), good] }, nameOf)).toMatchObject({ context: { topic: 'name of a' } })
  expect([...starts.held.keys()]).toEqual(['a'])
})

test('at 0 nothing is ever held', () => {
  expect(new BadStarts(0).see({ ranges: [range('a', 0, 1_000_000)] }, nameOf)).toBeNull()
})

test('a topic is held by name for an error of its own, and what is left of a list of topics is told', () => {
  const starts = new BadStarts(10)
  const partition = { topicName: 'n', partition: 0, start: 0n, logStart: 0n, logEnd: 1n, end: 1n, isAssigned: true }
  const partitions = [
    { ...partition, topic: 'a' },
    { ...partition, topic: 'b', topicName: 'm' },
  ]
  starts.hold(['n'], partitions, new IngestError('SCHEMA_INCOMPATIBLE', { path: 'x' }))
  expect([...starts.held.keys()]).toEqual(['a'])
  expect(starts.held.get('a')?.context).toEqual({ path: 'x', topic: 'n' })
  expect(starts.without(['m', 'n', 'o'])).toEqual(['m', 'o'])
})
