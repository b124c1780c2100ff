import { expect, test } from 'vitest'
import { type ExpiryReport, expiryDocument, renderExpiry } from '../../../src/main/terminal/expiry-report.ts'

const files = { dataFiles: 1, manifests: 1_200, manifestLists: 40 }
const would: ExpiryReport = {
  kind: 'would expire',
  table: 'a.b',
  mayExpire: true,
  snapshots: 40,
  oldRefs: ['k2_hour_20261117_09'],
  newTags: ['k2_hour_20261124_09', 'k2_hour_20261124_10', 'k2_day_20261123', 'd', 'e', 'f', 'g'],
  snapshotsLeft: 100,
  oldestKeptMs: Date.parse('2026-11-24T10:00:00Z'),
  files,
}

test('a dry run says what would go, what stays and since when, and how many files that frees', () => {
  const text = renderExpiry(would)
  expect(text).toContain('a.b (dry run: nothing was changed)')
  expect(text).toContain('40 would expire, 100 stay, the oldest of 2026-11-24T10:00:00.000Z')
  expect(text).toContain('k2_hour_20261117_09')
  expect(text).toContain('e and 2 more')
  expect(text).toContain('1 data file, 1,200 manifests, 40 manifest lists')
})

test('a table that forbids it says so', () => {
  expect(renderExpiry({ ...would, mayExpire: false })).toBe('a.b: nothing expires, the table says gc.enabled = false\n')
})

test('what was done, and that files wait; as a document with the same counts', () => {
  const done = { kind: 'expired', table: 'a.b', snapshots: 1, oldRefs: 1, newTags: 0, snapshotsLeft: 100 } as const
  const report: ExpiryReport = { ...done, files, listsWaiting: 1 }
  const text = renderExpiry(report)
  expect(text).toContain('1 expired, 100 stay')
  expect(text).toContain('1 tag or branch dropped')
  expect(text).toContain('less than ten minutes ago wait')
  expect(renderExpiry({ ...report, listsWaiting: 0 })).not.toContain('wait')
  expect(expiryDocument(report)).toMatchObject({ table: 'a.b', dry_run: false, snapshots_expired: 1, lists_waiting: 1 })
  expect(expiryDocument(would)).toMatchObject({ dry_run: true, data_files: 1, oldest_kept_ms: would.oldestKeptMs })
})
