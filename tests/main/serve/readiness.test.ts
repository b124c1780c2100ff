import { describe, expect, test } from 'vitest'
import { unreadyReasons as words } from '../../../src/main/serve/metric-table.ts'
import { isAlive, type RouteHealth, type RunHealth, unreadyReasons } from '../../../src/main/serve/readiness.ts'

const source = {
  isAssigned: true,
  fetchAgeMs: 100,
  trouble: 'Connection error: refused',
  assignments: 1,
  rebalances: 0,
  evictions: 0,
  deaths: 0,
  epoch: 1,
  queueBytes: 0,
  queueBytesMax: 1,
}
const route: RouteHealth = {
  name: 'a.b',
  state: 'reading',
  source,
  commitTrouble: null,
  committingSinceMs: null,
  storeTrouble: null,
  error: null,
  held: [],
}
const well: RunHealth = {
  nowMs: 1_000_000,
  isStopping: false,
  isBegun: true,
  committerSilentMs: 0,
  registryTrouble: null,
  routes: [route],
}
const trouble = { why: 'CATALOG_LOCKED', sinceMs: 940_000 }
const withRoute = (change: Partial<RouteHealth>): RunHealth => ({ ...well, routes: [{ ...route, ...change }] })

const cases: ReadonlyArray<readonly [reason: (typeof words)[number], run: RunHealth, detail: string]> = [
  ['starting', { ...well, isBegun: false, routes: [] }, 'topics'],
  ['starting', withRoute({ state: 'starting', source: null }), 'tables'],
  ['stopping', { ...well, isStopping: true }, 'committed'],
  ['source-unassigned', withRoute({ state: 'unassigned', source: { ...source, isAssigned: false } }), 'refused'],
  ['source-unassigned', withRoute({ source: { ...source, isAssigned: false, trouble: '' } }), 'shares'],
  ['starting', withRoute({ state: 'unassigned' }), 'tables'],
  ['source-silent', withRoute({ source: { ...source, fetchAgeMs: 20_000 } }), '20 s'],
  ['registry-down', { ...well, registryTrouble: trouble }, '60 s'],
  ['commit-failing', withRoute({ commitTrouble: trouble }), 'CATALOG_LOCKED'],
  ['commit-failing', withRoute({ committingSinceMs: 900_000 }), '100 s'],
  ['committer-silent', { ...well, committerSilentMs: 20_000 }, '20 s'],
  ['store-failing', withRoute({ storeTrouble: { ...trouble, why: 'STORE_FULL' } }), 'STORE_FULL'],
  ['topic-held', withRoute({ held: ['TOPIC_ALL_BAD: …'] }), 'TOPIC_ALL_BAD'],
  ['route-failed', withRoute({ state: 'failed', error: 'TABLE_REPLACED: …' }), 'TABLE_REPLACED'],
]

describe('a run', () => {
  test('that reads and commits is ready; so is one whose route has ended, and one that keeps no connection', () => {
    expect(unreadyReasons(well)).toEqual([])
    expect(unreadyReasons(withRoute({ state: 'ended' }))).toEqual([])
    expect(unreadyReasons(withRoute({ source: null, committingSinceMs: 999_000 }))).toEqual([])
  })

  test.each(cases)('is unready: %s', (reason, run, detail) => {
    const found = unreadyReasons(run)
    expect(found.map((each) => each.reason)).toEqual([reason])
    expect(found[0]?.detail).toContain(detail)
  })

  test('has a case here for every reason', () => {
    expect(words.filter((word) => !cases.some(([reason]) => reason === word))).toEqual([])
  })

  test('is dead only when its commit thread hangs', () => {
    expect(isAlive({ committerSilentMs: 20_000 })).toBe(true)
    expect(isAlive({ committerSilentMs: 200_000 })).toBe(false)
  })
})
