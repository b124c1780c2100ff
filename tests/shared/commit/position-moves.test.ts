import { describe, expect, test } from 'vitest'
import { movePartitions, newGaps } from '../../../src/shared/commit/position-moves.ts'
import { initialPositions, type PartitionMark, type Positions } from '../../../src/shared/commit/positions.ts'
import { parsePositions, writePositions } from '../../../src/shared/commit/positions-json.ts'

const at = '2026-01-02T03:04:05.000Z'
const place = { topic: 'c/t', topicName: 'trades', partition: 0 }
const withMark = (mark: PartitionMark): Positions => ({
  ...initialPositions({ tombstone: 'skip', since: at }),
  topics: new Map([['c/t', { name: 'trades', partitions: new Map([[0, mark]]) }]]),
})
const moved = (mark: PartitionMark, next: bigint, why: 'retention' | 'truncated' | 'set') =>
  movePartitions(withMark(mark), [{ ...place, next, why }], at)
const markAfter = (...of: Parameters<typeof moved>) => moved(...of).changes[0]?.after

describe('a move of a partition', () => {
  test('ahead leaves a gap of what is never read, under a new history and without the leader epoch', () => {
    const { positions, changes } = moved({ start: 0n, next: 500n, epoch: 3 }, 800n, 'retention')
    expect(positions.history).toBe(1)
    expect(changes[0]?.after).toEqual({
      start: 0n,
      next: 800n,
      gaps: [{ first: 500n, next: 800n, why: 'retention', at }],
    })
    expect(newGaps(changes).map(({ gap }) => gap.first)).toEqual([500n])
  })

  test('back into a gap keeps what is still not read of it, and a gap that is read again is gone', () => {
    const gaps = [{ first: 500n, next: 800n, why: 'set', at } as const]
    expect(markAfter({ start: 0n, next: 900n, gaps }, 600n, 'set')?.gaps).toEqual([{ ...gaps[0], next: 600n }])
    expect(markAfter({ start: 0n, next: 900n, gaps }, 400n, 'set')).toEqual({ start: 0n, next: 400n })
  })

  test('back to where a log was cut keeps whose rows were cut off, whatever is read later', () => {
    const after = markAfter({ start: 0n, next: 500n }, 300n, 'truncated')
    expect(after?.gaps).toEqual([{ first: 300n, next: 500n, why: 'truncated', at }])
    expect(markAfter(after ?? { start: 0n, next: 0n }, 100n, 'set')?.gaps).toEqual(after?.gaps)
  })

  test('below the first offset ever read moves that, too; of an unknown partition it is the start', () => {
    expect(markAfter({ start: 50n, next: 60n }, 10n, 'set')).toEqual({ start: 10n, next: 10n })
    const empty = initialPositions({ tombstone: 'skip', since: at })
    const { changes } = movePartitions(empty, [{ ...place, next: 7n, why: 'set' }], at)
    expect(changes).toMatchObject([{ before: null, after: { start: 7n, next: 7n } }])
  })

  test('is written and read again; gaps and adopted rows are absent where there are none', () => {
    const { positions } = moved({ start: 0n, next: 500n }, 800n, 'set')
    const text = writePositions({ ...positions, adopted: 12n })
    expect(parsePositions(text)).toEqual({ ...positions, adopted: 12n })
    expect(writePositions(withMark({ start: 0n, next: 1n }))).not.toMatch(/gaps|adopted/)
    expect(() => parsePositions(text.replace('"why":"set"', '"why":"because"'))).toThrow('POSITIONS_INVALID')
    expect(() => parsePositions(text.replace('"next":"800","why"', '"next":"500","why"'))).toThrow('gap of no offset')
  })
})
