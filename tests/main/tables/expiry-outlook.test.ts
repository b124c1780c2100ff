import { expect, test } from 'vitest'
import { expiryOutlook } from '../../../src/main/tables/expiry-outlook.ts'
import { metadataOf } from '../../shared/commit/metadata-maker.ts'
import { positionsText } from './table-world.ts'

const now = Date.parse('2026-01-13T12:00:00Z')
const HOUR = 3_600_000
const summary = { 'k2.commit-id': 'x' }
const metadata = metadataOf({
  // Two of one hour, a day ago: the second is kept as the last of its hour and day, the first is nobody's.
  snapshots: [
    { id: 1n, parent: null, atMs: now - 24 * HOUR - 60_000, summary },
    { id: 2n, parent: 1n, atMs: now - 24 * HOUR - 1, summary },
    { id: 3n, parent: 2n, atMs: now - 1_000, summary },
  ],
  head: 3n,
  tag: 3n,
  property: positionsText(3n),
})

test('the next expiry removes what neither age nor a tag keeps', () => {
  expect(expiryOutlook(metadata, now)).toEqual({
    mayExpire: true,
    snapshots: 1,
    oldRefs: 0,
    waiting: 0,
    waitingSinceMs: null,
  })
  expect(expiryOutlook(metadata, now - 24 * HOUR).snapshots).toBe(0)
})

test('a table whose owner forbids it expires nothing, and lists whose files wait are counted from the oldest on', () => {
  const at = (ms: number): string => `${new Date(ms).toISOString()} appends file:///w/expired.json`
  const properties = {
    ...metadata.properties,
    'gc.enabled': 'false',
    'k2.expired.a': at(now - HOUR),
    'k2.expired.b': at(now - 2 * HOUR),
  }
  expect(expiryOutlook({ ...metadata, properties }, now)).toEqual({
    mayExpire: false,
    snapshots: 0,
    oldRefs: 0,
    waiting: 2,
    waitingSinceMs: now - 2 * HOUR,
  })
})
