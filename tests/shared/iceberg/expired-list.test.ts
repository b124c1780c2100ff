import { describe, expect, test } from 'vitest'
import {
  parseExpiredList,
  pendingLists,
  pendingProperty,
  writeExpiredList,
} from '../../../src/shared/iceberg/expired-list.ts'

const list = {
  tableUuid: 'u',
  snapshots: [{ snapshotId: 9_007_199_254_740_993n, manifestList: 'file:///w/t/metadata/snap-1.avro' }],
  files: ['file:///w/t/metadata/1.stats'],
}

describe('a list of expired snapshots', () => {
  test('is read as it was written, ids beyond 2^53 too', () => {
    expect(parseExpiredList(writeExpiredList(list), 'f')).toEqual(list)
  })

  test.each([
    ['not JSON', '{'],
    ['no table', '{"snapshots":[],"files":[]}'],
    ['an id that is none', '{"table_uuid":"u","files":[],"snapshots":[{"snapshot_id":"-1","manifest_list":"l"}]}'],
  ])('that is damaged is an error with its file: %s', (_what, text) => {
    const read = () => parseExpiredList(new TextEncoder().encode(text), 'file:///w/expired.json')
    expect(read).toThrow(/TABLE_METADATA.*file:\/\/\/w\/expired\.json/)
  })
})

test('a table names its lists in properties of their own; the oldest comes first, others are passed over', () => {
  const at = Date.parse('2026-11-24T10:00:00Z')
  const a = { location: 'file:///w/a.json', atMs: at, mayFreeFiles: false }
  const b = { location: 'file:///w/with space/b.json', atMs: at + 1, mayFreeFiles: true }
  const properties = {
    ...Object.fromEntries([pendingProperty('b', b), pendingProperty('a', a)]),
    'k2.expired.c': 'nonsense',
    'k2.positions': '{}',
  }
  expect(pendingLists(properties)).toEqual([
    { key: 'k2.expired.a', ...a },
    { key: 'k2.expired.b', ...b },
  ])
})
