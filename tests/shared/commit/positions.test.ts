import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalJson } from '../../../src/shared/commit/canonical-json.ts'
import type { Positions } from '../../../src/shared/commit/positions.ts'
import {
  addStarts,
  advance,
  commitId,
  initialPositions,
  newStarts,
  nextOffset,
  summaryRanges,
} from '../../../src/shared/commit/positions.ts'
import { parsePositions, parseRanges, writePositions } from '../../../src/shared/commit/positions-json.ts'

const policy = { tombstone: 'skip', since: '2024-05-01T00:00:00.000Z' } as const
const topic = 'c/t'

const example: Positions = {
  v: 1,
  snapshot: 9_223_372_036_854_775_807n,
  history: 2,
  topics: new Map([
    [
      'c/t',
      {
        name: 'market.crypto.trades.binance',
        partitions: new Map([
          [10, { start: 5n, next: 9_007_199_254_740_993n }],
          [2, { start: 0n, next: 500n, epoch: 3 }],
        ]),
      },
    ],
  ]),
  ranges: [{ topic: 'c/t', partition: 2, first: 0n, next: 500n }],
  unconfirmed: [{ commit: 'ab', table: 'm.t_dead_letters', files: ['file:///x'] }],
  policy,
}

const text =
  '{"history":2,"policy":{"since":"2024-05-01T00:00:00.000Z","tombstone":"skip"},' +
  '"ranges":{"c/t":{"2":["0","500"]}},"snapshot":"9223372036854775807",' +
  '"topics":{"c/t":{"name":"market.crypto.trades.binance","partitions":' +
  '{"10":{"next":"9007199254740993","start":"5"},"2":{"epoch":3,"next":"500","start":"0"}}}},' +
  '"unconfirmed":[{"commit":"ab","files":["file:///x"],"table":"m.t_dead_letters"}],"v":1}'

describe('the text of k2.positions', () => {
  it('is canonical: keys sorted as text (10 before 2), 64-bit numbers as strings, no space', () => {
    expect(writePositions(example)).toBe(text)
  })

  it('is read back to the same bytes, exact beyond 2^53', () => {
    const parsed = parsePositions(text)
    expect(nextOffset(parsed, 'c/t', 10)).toBe(9_007_199_254_740_993n)
    expect(writePositions(parsed)).toBe(text)
  })

  it('survives the round trip whatever the values and keys are', () => {
    const offset = fc.bigInt({ min: 0n, max: (1n << 62n) - 1n })
    const mark = fc.tuple(offset, offset, fc.option(fc.nat(), { nil: undefined })).map(([start, more, epoch]) => ({
      start,
      next: start + more,
      ...(epoch === undefined ? {} : { epoch }),
    }))
    const marks = fc.array(fc.tuple(fc.nat(), mark), { maxLength: 4 }).map((entries) => new Map(entries))
    const topics = fc
      .array(
        fc.tuple(fc.oneof(fc.string(), fc.constant('__proto__')), fc.record({ name: fc.string(), partitions: marks })),
      )
      .map((entries) => new Map(entries))
    fc.assert(
      fc.property(topics, offset, (some, snapshot) => {
        const positions: Positions = { ...initialPositions(policy), topics: some, snapshot }
        const written = writePositions(positions)
        const parsed = parsePositions(written)
        expect(parsed.topics).toEqual(some)
        expect(writePositions(parsed)).toBe(written)
      }),
      { numRuns: 200 },
    )
  })

  const broken: ReadonlyArray<readonly [string, string, string]> = [
    ['no JSON', '{', '$'],
    ['another version', text.replace('"v":1', '"v":2'), '$.v'],
    ['a field that this version does not know', text.replace('"v":1', '"v":1,"w":1'), '$.w'],
    ['an offset as a number', text.replace('"next":"500"', '"next":500'), '$.topics.c/t.partitions.2.next'],
    ['an offset beyond 64 bits', text.replace('"500"', '"9223372036854775808"'), 'beyond 64 bits'],
    ['an offset with a leading zero', text.replace('"next":"500"', '"next":"0500"'), 'next'],
    ['a negative offset', text.replace('"start":"0"', '"start":"-1"'), 'start'],
    ['a position before its start', text.replace('"start":"5"', '"start":"9007199254740994"'), 'partitions.10'],
    ['a range that runs backwards', text.replace('["0","500"]', '["501","500"]'), '$.ranges'],
    ['a partition that is no number', text.replace('"10":', '"ten":'), 'not a partition number'],
    ['an unknown policy', text.replace('"skip"', '"drop"'), '$.policy.tombstone'],
    ['unconfirmed files that are no list', text.replace('["file:///x"]', '"file:///x"'), '$.unconfirmed[0].files'],
  ]
  for (const [name, value, path] of broken) {
    it(`is refused with ${name}`, () => {
      expect(() => parsePositions(value)).toThrow(/POSITIONS_INVALID/)
      expect(() => parsePositions(value)).toThrow(path)
    })
  }
})

describe('the algebra of positions', () => {
  const start = (partition: number, at: bigint) => ({ topic, topicName: 't', partition, start: at })

  it('adds starts, moves by ranges and leaves the rest alone', () => {
    const begun = addStarts(initialPositions(policy), [start(0, 7n), start(1, 0n)])
    const moved = advance(begun, [{ topic, partition: 0, first: 7n, next: 12n }])
    expect(nextOffset(moved, topic, 0)).toBe(12n)
    expect(nextOffset(moved, topic, 1)).toBe(0n)
    expect(moved.topics.get(topic)?.partitions.get(0)?.start).toBe(7n)
    expect(nextOffset(begun, topic, 0)).toBe(7n)
  })

  it('names only the starts that are new', () => {
    const begun = addStarts(initialPositions(policy), [start(0, 7n)])
    expect(newStarts(begun, [start(0, 99n), start(1, 3n)])).toEqual([start(1, 3n)])
  })

  it('moves nothing that has no mark: that is our own bug', () => {
    expect(() => advance(initialPositions(policy), [{ topic, partition: 0, first: 0n, next: 1n }])).toThrow(/assertion/)
  })
})

describe('the commit id', () => {
  const ranges = [
    { topic, partition: 10, first: 0n, next: 5n },
    { topic, partition: 2, first: 1n, next: 2n },
  ]

  it('is the SHA-256 of table uuid, history and ranges, in whatever order the ranges come', () => {
    const expected = createHash('sha256').update('["u",0,{"c/t":{"10":["0","5"],"2":["1","2"]}}]').digest('hex')
    expect(commitId('u', 0, ranges)).toBe(expected)
    expect(commitId('u', 0, ranges.toReversed())).toBe(expected)
  })

  it('differs by table, by history and by each end of each range', () => {
    const [first] = ranges
    if (first === undefined) throw new Error('no range')
    const ids = [
      commitId('u', 0, ranges),
      commitId('v', 0, ranges),
      commitId('u', 1, ranges),
      commitId('u', 0, [first]),
      commitId('u', 0, [{ ...first, next: 6n }]),
      commitId('u', 0, [{ ...first, first: 1n }]),
    ]
    expect(new Set(ids).size).toBe(ids.length)
  })

  it('is never made of nothing: unlike commits would share it', () => {
    expect(() => commitId('u', 0, [])).toThrow(/assertion/)
  })
})

describe('k2.ranges of a summary', () => {
  const many = (count: number) =>
    Array.from({ length: count }, (_, partition) => ({ topic, partition, first: 0n, next: 1n }))

  it('holds up to 100 partitions, and a count above', () => {
    expect(parseRanges(summaryRanges(many(100)))).toHaveLength(100)
    expect(summaryRanges(many(101))).toBe('101')
  })
})

it('canonical JSON refuses what has no exact text', () => {
  expect(() => canonicalJson(1.5)).toThrow()
  expect(() => canonicalJson(2 ** 53)).toThrow()
})
