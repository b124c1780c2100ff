import { describe, expect, test } from 'vitest'
import { type TargetOptions, targetsInFile, targetsOf } from '../../src/main/position-targets.ts'
import { initialPositions, type Positions } from '../../src/shared/commit/positions.ts'

const positionsOf = (...topics: readonly [string, string][]): Positions => ({
  ...initialPositions({ tombstone: 'skip', since: '' }),
  topics: new Map(
    topics.map(([key, name]) => [
      key,
      {
        name,
        partitions: new Map([
          [0, { start: 0n, next: 5n }],
          [1, { start: 0n, next: 6n }],
        ]),
      },
    ]),
  ),
})
const known = positionsOf(['c/t', 'trades'])
const partition = {
  topic: 'c/t',
  topicName: 'trades',
  partition: 0,
  logStart: 2n,
  logEnd: 9n,
  end: 9n,
  isAssigned: false,
}
const options = (more: Partial<TargetOptions>): TargetOptions => ({
  topic: null,
  partition: null,
  offset: null,
  ...more,
})
const five = { kind: 'offset', offset: '5' } as const

describe('partitions that are set', () => {
  test('are those named, at the number given', () => {
    expect(targetsOf(options({ offset: five, partition: [1] }), known, null)).toMatchObject([
      { partition: 1, next: 5n },
    ])
    const offset = { kind: 'offsets', offsets: [{ topic: 'trades', partition: 0, offset: '7' }] } as const
    expect(targetsOf(options({ offset }), known, null)).toMatchObject([{ topic: 'c/t', partition: 0, next: 7n }])
    expect(targetsOf(options({}), known, null)).toEqual([])
  })

  test('are all of the source, where it says', () => {
    const source = [{ ...partition, start: 2n }]
    expect(targetsOf(options({ offset: { kind: 'earliest' } }), known, source)).toMatchObject([
      { partition: 0, next: 2n },
    ])
  })

  test('of a name with several topics are those that the source holds, and refused without one', () => {
    const both = positionsOf(['c/t', 'trades'], ['c/old', 'trades'])
    expect(() => targetsOf(options({ offset: five, partition: [0] }), both, null)).toThrow(
      'several topics named trades',
    )
    const found = targetsOf(options({ offset: five, partition: [0] }), both, [{ ...partition, start: 0n }])
    expect(found.map(({ topic }) => topic)).toEqual(['c/t'])
  })

  test('must be there', () => {
    expect(() => targetsOf(options({ offset: five, partition: [1, 9] }), known, null)).toThrow(
      'no topic has a partition 9',
    )
    const other = { kind: 'names', names: ['quotes'] } as const
    expect(() => targetsOf(options({ offset: five, partition: [0], topic: other }), known, null)).toThrow('fits')
  })
})

test('a file of positions is read for one table, and what is no position in it is named', () => {
  const file = (partitions: unknown) => JSON.stringify({ tables: [{ table: 'm.t', partitions }] })
  const row = { topic_key: 'c/t', topic: 'trades', partition: 3, start: '0', next: '42' }
  expect(targetsInFile(file([row]), 'm.t')).toEqual([
    { topic: 'c/t', topicName: 'trades', partition: 3, next: 42n, why: 'set' },
  ])
  expect(() => targetsInFile(file([{ ...row, next: 42 }]), 'm.t')).toThrow('not a partition')
  expect(() => targetsInFile(file([row]), 'm.other')).toThrow('no partitions of m.other')
  expect(() => targetsInFile('{', 'm.t')).toThrow('no JSON')
})
