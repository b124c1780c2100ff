import { expect, test } from 'vitest'
import { listRefs, listSnapshots, oldestSnapshot } from '../../../src/main/tables/snapshot-rows.ts'
import { metadataOf } from '../../shared/commit/metadata-maker.ts'
import { positionsAt } from './table-world.ts'

const ranges = JSON.stringify({
  'cluster/topic': { 1: ['5', '9007199254740993'], 0: ['0', '5'] },
  'cluster/gone': { 0: ['1', '2'] },
})
const snapshots = [
  { id: 1n, parent: null, sequence: 1n, atMs: 1_000, summary: { 'added-records': '3', 'k2.ranges': '101' } },
  {
    id: 2n,
    parent: 1n,
    sequence: 2n,
    atMs: 2_000,
    summary: { 'engine-name': 'spark', operation: 'replace', 'deleted-records': '1' },
  },
  {
    id: 7n,
    parent: 1n,
    sequence: 3n,
    atMs: 3_000,
    summary: { 'k2.ranges': '{"cluster/topic": 5}', 'added-records': 'x' },
  },
  {
    id: 3n,
    parent: 2n,
    sequence: 4n,
    atMs: 4_000,
    summary: { 'k2.commit-id': 'abc', 'k2.writer': 'host/1/u', 'k2.group': 'g', 'k2.ranges': ranges },
  },
]
const metadata = metadataOf({ snapshots, head: 3n, tag: 3n })
const everything = { limit: 100, sinceMs: null }

test('snapshots come newest first, with their refs, and those that are not on main are told', () => {
  const { rows, total } = listSnapshots(metadata, null, everything)
  expect(total).toBe(4)
  expect(rows.map(({ id, isOnMain, refs }) => [id, isOnMain, refs])).toEqual([
    [3n, true, ['main', 'k2']],
    [7n, false, []],
    [2n, true, []],
    [1n, true, []],
  ])
})

test('a limit and a time choose, and what was left out is counted', () => {
  const limited = listSnapshots(metadata, null, { limit: 1, sinceMs: null })
  expect([limited.rows.map(({ id }) => id), limited.total]).toEqual([[3n], 4])
  const young = listSnapshots(metadata, null, { limit: 100, sinceMs: 3_000 })
  expect([young.rows.map(({ id }) => id), young.total]).toEqual([[3n, 7n], 2])
})

test('offset ranges are by topic name where the positions know it, and exact', () => {
  const [newest] = listSnapshots(metadata, positionsAt(3n), everything).rows
  expect(newest).toMatchObject({ commitId: 'abc', writer: 'host/1/u', group: 'g' })
  expect(newest?.ranges).toEqual({
    kind: 'ranges',
    ranges: [
      { topic: 'cluster/gone', partition: 0, first: 1n, next: 2n },
      { topic: 'trades', partition: 0, first: 0n, next: 5n },
      { topic: 'trades', partition: 1, first: 5n, next: 9_007_199_254_740_993n },
    ],
  })
})

test('a snapshot of another engine, and one whose keys are damaged, say what they say and no more', () => {
  const [, damaged, spark, first] = listSnapshots(metadata, null, everything).rows
  expect(damaged).toMatchObject({ ranges: null, counts: { addedRows: null } })
  expect(spark).toMatchObject({ operation: 'replace', writer: 'spark', commitId: null, counts: { removedRows: 1n } })
  expect(first).toMatchObject({ ranges: { kind: 'count', partitions: 101 }, counts: { addedRows: 3n } })
})

test('refs are branches first, the youngest first, also those whose snapshot is gone', () => {
  const refs = {
    ...metadata.refs,
    daily: { 'snapshot-id': 1n, type: 'tag' as const, 'max-ref-age-ms': 86_400_000n },
    lost: { 'snapshot-id': 99n, type: 'tag' as const },
    audit: { 'snapshot-id': 2n, type: 'branch' as const },
  }
  expect(listRefs({ ...metadata, refs }).map(({ name, timeMs, maxRefAgeMs }) => [name, timeMs, maxRefAgeMs])).toEqual([
    ['main', 4_000, null],
    ['audit', 2_000, null],
    ['k2', 4_000, null],
    ['daily', 1_000, 86_400_000n],
    ['lost', null, null],
  ])
  expect(oldestSnapshot(metadata)?.['snapshot-id']).toBe(1n)
  expect(oldestSnapshot({ ...metadata, snapshots: [] })).toBeNull()
})
