// What is taken for true of a table whose marks do not count, and what is refused.
import { describe, expect, test } from 'vitest'
import { type AdoptInput, planAdopt, planMoves } from '../../../src/shared/commit/change-plan.ts'
import { initialPositions, type Positions } from '../../../src/shared/commit/positions.ts'
import { writePositions } from '../../../src/shared/commit/positions-json.ts'
import type { Snapshot, TableMetadata } from '../../../src/shared/iceberg/metadata.ts'
import { newTableMetadata } from '../../../src/shared/iceberg/new-table.ts'

const layout = { schema: { type: 'struct', 'schema-id': 0, fields: [] }, spec: { 'spec-id': 0, fields: [] } } as const
const at = '2026-01-01T00:00:00.000Z'
const source = { topic: 'c/t', topicName: 'trades', partition: 0, start: 0n, logStart: 0n, logEnd: 900n }
const rows = { topicId: 't', partition: 0, rows: 100n, lowest: 0n, highest: 99n, atHighest: 1n }
const survey = { rows: 100n, partitions: [rows], unplaced: 0n }

const positionsAt = (next: bigint, snapshot: bigint): Positions => ({
  ...initialPositions({ tombstone: 'skip', since: at }),
  snapshot,
  topics: new Map([['c/t', { name: 'trades', partitions: new Map([[0, { start: 0n, next }]]) }]]),
})

const snapshot = (id: bigint, parent: bigint | null, ranges: string): Snapshot => ({
  'snapshot-id': id,
  'parent-snapshot-id': parent,
  'sequence-number': id,
  'timestamp-ms': Number(id),
  'manifest-list': `list-${id}`,
  summary: { operation: 'append', 'k2.commit-id': `commit-${id}`, 'k2.ranges': ranges },
  'schema-id': 0,
})

/** Two snapshots of ours, [0, 120) and [120, 500); `head` is where main stands, the tag stays on the second. */
function table(head: bigint | null, property: string | null): TableMetadata {
  const empty = newTableMetadata({ ...layout, location: 'mem://t', properties: {} }, { uuid: 'u', now: 1 })
  const branch = head === null ? {} : { main: { 'snapshot-id': head, type: 'branch' as const } }
  return {
    ...empty,
    snapshots: [snapshot(1n, null, '{"c/t":{"0":["0","120"]}}'), snapshot(2n, 1n, '{"c/t":{"0":["120","500"]}}')],
    refs: { ...branch, k2: { 'snapshot-id': 2n, type: 'tag' as const } },
    'current-snapshot-id': head,
    properties: property === null ? {} : { 'k2.positions': property },
  }
}

const adopt = (metadata: TableMetadata, more: Partial<AdoptInput> = {}) =>
  planAdopt({
    metadata,
    survey,
    given: [],
    source: [source],
    isSideTableMissing: false,
    goneCommits: new Set(),
    atMs: 1_767_225_600_000,
    ...more,
  })
const rolledBack = (positions = positionsAt(500n, 2n)) => table(1n, writePositions(positions))

describe('after a rollback', () => {
  test('positions are those of the newest snapshot that is still there, dead letters and holes included', () => {
    const { changes, positions, seen } = adopt(rolledBack())
    expect(changes).toMatchObject([{ before: { next: 500n }, after: { start: 0n, next: 120n } }])
    expect(positions.history).toBe(1)
    expect(seen).toMatchObject({
      kind: 'accepted',
      head: 1n,
      evidence: { rows: 1n, ranges: [{ first: 99n, next: 100n }] },
    })
  })

  test('rows beyond it are not read again; what is given overrules, and leaves a gap', () => {
    const more = { ...survey, partitions: [{ ...rows, highest: 199n }] }
    expect(adopt(rolledBack(), { survey: more }).changes[0]?.after.next).toBe(200n)
    const given = [{ topic: 'c/t', topicName: 'trades', partition: 0, next: 300n, why: 'set' as const }]
    const plan = adopt(rolledBack(), { given })
    expect(plan.changes[0]?.after).toMatchObject({ next: 300n, gaps: [{ first: 120n, next: 300n }] })
    expect(plan.summary['k2.accepted-gaps']).toContain('"first":"120"')
  })

  test('main goes on naming the side files of what is there, and of nothing else', () => {
    const entry = (commit: string) => ({ commit, table: 's', files: ['f'] })
    const unconfirmed = [entry('commit-1'), entry('commit-2')]
    const { positions } = adopt(rolledBack({ ...positionsAt(500n, 2n), unconfirmed }))
    expect(positions.unconfirmed).toEqual([entry('commit-1')])
  })
})

test('without marks, topics come from the snapshots and their names from the source, under a history above all before', () => {
  const { positions } = adopt(table(2n, null))
  expect([...positions.topics]).toMatchObject([['c/t', { name: 'trades' }]])
  expect(positions.topics.get('c/t')?.partitions.get(0)).toEqual({ start: 0n, next: 500n })
  expect(positions.history).toBeGreaterThan(1_000_000)
  expect(() => adopt(table(2n, null), { source: [] })).toThrow('name a source')
})

test('a table without a branch begins where it first began', () => {
  const nothing = { rows: 0n, partitions: [], unplaced: 0n }
  const { changes } = adopt(table(null, writePositions(positionsAt(500n, 2n))), { survey: nothing })
  expect(changes).toMatchObject([{ after: { start: 0n, next: 0n } }])
})

describe('where marks count', () => {
  const good = table(2n, writePositions(positionsAt(500n, 2n)))

  test('a topic made again comes beside the old one', () => {
    const remade = { ...source, topic: 'c/t2', logStart: 7n }
    const { positions, changes } = adopt(good, { survey: null, source: [remade] })
    expect([...positions.topics.keys()]).toEqual(['c/t', 'c/t2'])
    expect(changes).toMatchObject([{ topic: 'c/t2', before: null, after: { start: 7n, next: 7n } }])
  })

  test('side files that are gone are let go; nothing to do is said', () => {
    const entry = { commit: 'commit-2', table: 's', files: ['f'] }
    const waiting = table(2n, writePositions({ ...positionsAt(500n, 2n), unconfirmed: [entry] }))
    const { positions } = adopt(waiting, { survey: null, goneCommits: new Set(['commit-2']) })
    expect(positions.unconfirmed).toEqual([])
    expect(() => adopt(good, { survey: null })).toThrow('nothing to adopt')
  })

  test('they are not moved by adopt, and not to where they stand', () => {
    const given = [{ topic: 'c/t', topicName: 'trades', partition: 0, next: 300n, why: 'set' as const }]
    expect(() => adopt(good, { survey: null, given })).toThrow('k2 positions set')
    const same = given.map((move) => ({ ...move, next: 500n }))
    expect(() => planMoves(good, positionsAt(500n, 2n), same, 'set', at)).toThrow('stands there already')
  })
})

test('a table of another writer needs a position for every partition, an empty one is none of this', () => {
  const own = table(2n, null)
  const foreign = { ...own, refs: { main: { 'snapshot-id': 2n, type: 'branch' as const } } }
  const snapshots = own.snapshots.map((each) => ({ ...each, summary: { operation: 'append' as const } }))
  const two = [source, { ...source, partition: 1 }]
  const move = { topic: 'c/t', topicName: 'trades', partition: 0, next: 900n, why: 'set' as const }
  expect(() => adopt({ ...foreign, snapshots }, { source: two, given: [move] })).toThrow('partition 1 of trades')
  const { positions } = adopt({ ...foreign, snapshots }, { given: [move] })
  expect(positions).toMatchObject({ adopted: 100n, history: 1 })
  const empty = { ...foreign, snapshots: [], refs: {}, 'current-snapshot-id': null }
  expect(() => adopt(empty)).toThrow('k2 run takes it')
})
