import { expect, test } from 'vitest'
import { committedMs, lagOf, positionsIn, progressOf } from '../../../src/main/tables/table-progress.ts'
import { REPLAY_TOPIC } from '../../../src/shared/commit/replay-position.ts'
import { metadataOf } from '../../shared/commit/metadata-maker.ts'
import { positionsAt, positionsText } from './table-world.ts'

const partition = (number: number, logStart: bigint, logEnd: bigint, topic = 'cluster/topic') => ({
  topic,
  topicName: 'trades',
  partition: number,
  logStart,
  logEnd,
  start: logStart,
  end: logEnd,
  isAssigned: true,
})
const positions = positionsAt(1n)

test('the lag is what lies between the positions and the ends of the logs, of new partitions the whole log', () => {
  const end = 9_007_199_254_740_993n
  expect(lagOf(positions, [partition(0, 0n, 700n), partition(1, 0n, end), partition(2, 10n, 15n)])).toEqual({
    offsets: 205n,
    behind: 2,
    unseen: 0,
    problem: null,
  })
})

test('partitions that the source does not have are counted, and what a run would stop with is told', () => {
  expect(lagOf(positions, [partition(0, 0n, 500n)])).toMatchObject({ offsets: 0n, behind: 0, unseen: 1 })
  expect(lagOf(positions, [partition(0, 600n, 700n)]).problem?.code).toBe('POSITION_OUT_OF_RANGE')
  expect(lagOf(positions, [partition(0, 0n, 400n)]).problem?.code).toBe('POSITION_OUT_OF_RANGE')
  expect(lagOf(positions, [partition(0, 0n, 500n, 'cluster/other')]).problem?.code).toBe('TOPIC_RECREATED')
})

test('replays of dead letters are no partition of Kafka', () => {
  const mark = { name: 'replay', partitions: new Map([[0, { start: 0n, next: 9n }]]) }
  const replayed = positionsAt(1n, { topics: new Map([...positions.topics, [REPLAY_TOPIC, mark]]) })
  const both = [partition(0, 0n, 500n), partition(1, 0n, 9_007_199_254_740_993n)]
  expect(lagOf(replayed, both)).toEqual({ offsets: 0n, behind: 0, unseen: 0, problem: null })
})

test('positions that cannot be read are a state, not an end', () => {
  const damaged = progressOf(metadataOf({ snapshots: [], head: null, property: '{' }))
  expect(damaged).toMatchObject({ kind: 'invalid', error: { code: 'POSITIONS_INVALID' } })
  expect(positionsIn(damaged)).toBeNull()
  const snapshots = [{ id: 1n, parent: null, atMs: 5_000, summary: { 'k2.commit-id': 'x' } }]
  const good = metadataOf({ snapshots, head: 1n, tag: 1n, property: positionsText(1n) })
  expect(progressOf(good).kind).toBe('trusted')
  expect([committedMs(good, positions), committedMs(good, positionsAt(9n))]).toEqual([5_000, null])
})
