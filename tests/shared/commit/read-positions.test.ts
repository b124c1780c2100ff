import { describe, expect, it } from 'vitest'
import { addStarts, advance, initialPositions } from '../../../src/shared/commit/positions.ts'
import { writePositions } from '../../../src/shared/commit/positions-json.ts'
import { evidenceOf, findCommit, readPositions } from '../../../src/shared/commit/read-positions.ts'
import type { SnapshotSketch } from './metadata-maker.ts'
import { metadataOf } from './metadata-maker.ts'

const policy = { tombstone: 'skip', since: '2024-05-01T00:00:00.000Z' } as const
const range = { topic: 'c/t', partition: 0, first: 0n, next: 5n }
const started = addStarts(initialPositions(policy), [{ topic: 'c/t', topicName: 't', partition: 0, start: 0n }])
const at = (snapshot: bigint): string => writePositions({ ...advance(started, [range]), snapshot, ranges: [range] })

const own = (id: bigint, parent: bigint | null, rows = 5): SnapshotSketch => ({
  id,
  parent,
  summary: { 'k2.commit-id': `commit-${id}`, ...(rows === 0 ? {} : { 'added-records': String(rows) }) },
})
const foreign = (id: bigint, parent: bigint | null): SnapshotSketch => ({ id, parent })

const verdict = (sketch: Parameters<typeof metadataOf>[0]): string => {
  const read = readPositions(metadataOf(sketch))
  return read.kind === 'stop' ? read.reason : read.kind
}

describe('the read rule (guard 3)', () => {
  it('trusts positions whose snapshot is the head or an ancestor under foreign commits', () => {
    expect(verdict({ snapshots: [own(1n, null)], head: 1n, tag: 1n, property: at(1n) })).toBe('trusted')
    const snapshots = [own(1n, null), foreign(2n, 1n), foreign(3n, 2n)]
    expect(verdict({ snapshots, head: 3n, tag: 1n, property: at(1n) })).toBe('trusted')
    expect(verdict({ snapshots, head: 3n, property: at(1n) })).toBe('trusted')
  })

  it('trusts the value that a table is created with, while nothing of ours is there', () => {
    const property = writePositions(initialPositions(policy))
    expect(verdict({ snapshots: [], head: null, property })).toBe('trusted')
    expect(verdict({ snapshots: [own(1n, null)], head: 1n, tag: 1n, property })).toBe('marks-overwritten')
  })

  it('finds nothing in a table that K2 never wrote', () => {
    expect(verdict({ snapshots: [foreign(1n, null)], head: 1n })).toBe('none')
    expect(verdict({ snapshots: [], head: null })).toBe('none')
  })

  it('never takes a removed property for a first start', () => {
    expect(verdict({ snapshots: [own(1n, null)], head: 1n })).toBe('marks-gone')
    expect(verdict({ snapshots: [foreign(2n, 1n)], head: 2n, tag: 1n })).toBe('marks-gone')
  })

  it('stops after a rollback, also where a foreign commit lies on top of it', () => {
    const snapshots = [own(1n, null), own(2n, 1n)]
    expect(verdict({ snapshots, head: 1n, tag: 2n, property: at(2n) })).toBe('rolled-back')
    expect(verdict({ snapshots: [...snapshots, foreign(3n, 1n)], head: 3n, tag: 2n, property: at(2n) })).toBe(
      'not-an-ancestor',
    )
  })

  it('stops where the table was replaced: the branch is gone, the property is not', () => {
    expect(verdict({ snapshots: [own(1n, null)], head: null, tag: 1n, property: at(1n) })).toBe('replaced')
  })

  it('stops where an older value was put back', () => {
    const snapshots = [own(1n, null), own(2n, 1n)]
    expect(verdict({ snapshots, head: 2n, tag: 2n, property: at(1n) })).toBe('marks-overwritten')
    expect(verdict({ snapshots, head: 2n, property: at(1n) })).toBe('marks-overwritten')
    // Rolled back as well, so that the old value would fit the branch: only the tag tells.
    expect(verdict({ snapshots, head: 1n, tag: 2n, property: at(1n) })).toBe('marks-overwritten')
  })

  it('asks for evidence where expiry cut the line before the snapshot is met', () => {
    const read = readPositions(
      metadataOf({ snapshots: [own(1n, null), foreign(3n, 2n)], head: 3n, tag: 1n, property: at(1n) }),
    )
    expect(read).toMatchObject({ kind: 'evidence', evidence: { ranges: [range], rows: 5n } })
  })

  it('stops in a cut line where evidence cannot be had', () => {
    expect(verdict({ snapshots: [foreign(3n, 2n)], head: 3n, property: at(1n) })).toBe('mark-expired')
    const empty = [own(1n, null, 0), foreign(3n, 2n)]
    expect(verdict({ snapshots: empty, head: 3n, tag: 1n, property: at(1n) })).toBe('no-evidence')
  })

  it('stops in a cut line where the snapshot is younger than what is visible, so on another line', () => {
    const snapshots = [foreign(3n, 2n), own(4n, 3n), foreign(5n, 3n)]
    expect(verdict({ snapshots, head: 5n, tag: 4n, property: at(4n) })).toBe('not-an-ancestor')
  })
})

describe('evidence', () => {
  const text = (rows: number) => ({ 'k2.evidence-ranges': '{"c/t":{"0":["0","5"]}}', 'k2.evidence-rows': String(rows) })
  const empty = (rows: number): SnapshotSketch => ({
    id: 2n,
    parent: 1n,
    summary: { 'k2.commit-id': 'commit-2', ...text(rows) },
  })

  it('of a snapshot without rows is that of the one before it that had some', () => {
    // Else a rollback beyond snapshot 1, hidden by a foreign commit and an expiry, would pass as "0 of 0 rows".
    const sketch = { snapshots: [empty(5), foreign(4n, 3n)], head: 4n, tag: 2n, property: at(2n) }
    expect(readPositions(metadataOf(sketch))).toMatchObject({
      kind: 'evidence',
      evidence: { ranges: [range], rows: 5n },
    })
  })

  it('needs no counting where the table never got a row from us', () => {
    const sketch = { snapshots: [empty(0), foreign(4n, 3n)], head: 4n, tag: 2n, property: at(2n) }
    expect(verdict(sketch)).toBe('trusted')
  })

  it('is null where the snapshot is gone', () => {
    const metadata = metadataOf({ snapshots: [foreign(3n, 2n)], head: 3n, property: at(1n) })
    expect(evidenceOf(metadata, { ...started, snapshot: 1n })).toBeNull()
  })
})

describe('looking for the own commit (guard 4)', () => {
  const metadata = metadataOf({ snapshots: [own(1n, null), own(2n, 1n), own(3n, 1n)], head: 2n, tag: 2n })

  it('finds it among the ancestors by commit id or by snapshot id, and nowhere else', () => {
    expect(findCommit(metadata, 'commit-1', 99n)?.['snapshot-id']).toBe(1n)
    expect(findCommit(metadata, 'other', 1n)?.['snapshot-id']).toBe(1n)
    expect(findCommit(metadata, 'commit-3', 3n)).toBeNull()
  })
})
