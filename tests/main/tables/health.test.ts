import { expect, test } from 'vitest'
import type { FileTotals } from '../../../src/main/tables/file-survey.ts'
import { checkHealth, type HealthFacts, type Verdict, worst } from '../../../src/main/tables/health.ts'
import { FREED_WAIT_MS, healthRules, STALE_MS, thresholds } from '../../../src/main/tables/health-rules.ts'
import type { TableLook } from '../../../src/main/tables/table-look.ts'
import { IngestError } from '../../../src/shared/errors.ts'
import { metadataOf } from '../../shared/commit/metadata-maker.ts'
import { positionsAt } from './table-world.ts'

const nowMs = 10_000_000_000
const committed = nowMs - 60_000
const head = { 'added-records': '3', 'total-records': '15', 'total-data-files': '2', 'k2.commit-id': 'x' }
const metadata = {
  ...metadataOf({ snapshots: [{ id: 1n, parent: null, atMs: committed, summary: head }], head: 1n, tag: 1n }),
  properties: { 'write.metadata.delete-after-commit.enabled': 'true' },
}
const files: FileTotals = {
  dataFiles: 2,
  rows: 15n,
  bytes: 400n,
  smallestBytes: 100n,
  largestBytes: 300n,
  targetBytes: 1024,
  classes: [],
  partitions: [
    { path: 'timestamp_day=2014-03-10', files: 1, rows: 10n, bytes: 100n, smallFiles: 1, savedFiles: 0 },
    { path: 'timestamp_day=2014-03-11', files: 1, rows: 5n, bytes: 300n, smallFiles: 0, savedFiles: 0 },
  ],
  otherFiles: 0,
  deleteFiles: { position: 0, equality: 0, rows: 0n },
}
const [snapshot] = metadata.snapshots
const look: TableLook = {
  table: 'm.t',
  metadata,
  metadataLocation: 'file:///w/1.metadata.json',
  metadataBytes: 5_000,
  head: snapshot ?? null,
  manifests: { data: 2, deletes: 0, bytes: 12_000, largestBytes: 6_000 },
  files,
}
const healthy: HealthFacts = {
  look,
  kind: { kind: 'main' },
  nowMs,
  progress: { kind: 'trusted', positions: positionsAt(1n) },
  isEvidenceMet: null,
  lag: { kind: 'seen', lag: { offsets: 0n, behind: 0, unseen: 0, problem: null } },
  staleMs: null,
  sides: [{ table: 'm.t_dead_letters', state: 'there', rows: 1n }],
  goneSideFiles: [],
  expiry: { mayExpire: true, snapshots: 0, oldRefs: 0, waiting: 0, waitingSinceMs: null },
  deep: { looked: 6, amiss: 0, examples: [] },
}

const check = (name: string, facts: Partial<HealthFacts>) => {
  const found = checkHealth({ ...healthy, ...facts }).filter((each) => each.check === name)
  expect(found).toHaveLength(1)
  return found[0]
}
const withLook = (more: Partial<TableLook>): Partial<HealthFacts> => ({ look: { ...look, ...more } })
const withFiles = (more: Partial<FileTotals>): Partial<HealthFacts> => withLook({ files: { ...files, ...more } })

test('a table with nothing wrong is good in every check that there is, with nothing to do', () => {
  const checks = checkHealth(healthy)
  expect(checks.map(({ verdict, help }) => [verdict, help])).toEqual(checks.map(() => ['good', '']))
  const names = Object.keys(healthRules).filter((name) => name !== 'readable')
  expect(checks.map((each) => each.check).sort()).toEqual(names.sort())
  expect(checks.map(({ found }) => found)).toMatchInlineSnapshot(`
    [
      "trusted, 2 partitions, last commit 1 m ago",
      "nothing waits",
      "m.t_dead_letters, 1 row",
      "no side files wait",
      "2 data files in 2 partitions",
      "2 manifests, 11.7 KiB",
      "metadata.json of 4.9 KiB, 1 metadata file",
      "1 snapshot, the oldest 1 m old; the next expiry would remove 0 snapshots",
      "no delete files",
      "15 rows in 2 data files, as the snapshot says",
      "6 files looked up, all there",
    ]
  `)
})

test('a table of another writer is judged by its files only, and nothing is deep unless asked for', () => {
  const names = checkHealth({ ...healthy, kind: { kind: 'other' }, deep: null }).map((each) => each.check)
  expect(names).toEqual(['files', 'manifests', 'metadata', 'snapshots', 'deletes', 'totals'])
})

const graded: ReadonlyArray<
  readonly [name: string, limit: keyof typeof thresholds, facts: (amount: number) => Partial<HealthFacts>]
> = [
  ['manifests', 'manifests', (amount) => withLook({ manifests: { ...look.manifests, data: amount } })],
  ['metadata', 'metadataBytes', (amount) => withLook({ metadataBytes: amount })],
  [
    'snapshots',
    'snapshots',
    (amount) =>
      withLook({
        metadata: {
          ...metadata,
          snapshots: Array.from({ length: amount }, () => snapshot).filter((each) => each !== undefined),
        },
      }),
  ],
  [
    'files',
    'savedFiles',
    (amount) =>
      withFiles({
        partitions: [
          ...files.partitions,
          { path: 'p', files: amount + 1, rows: 1n, bytes: 1n, smallFiles: amount + 1, savedFiles: amount },
        ],
      }),
  ],
  ['deletes', 'deleteFiles', (amount) => withFiles({ deleteFiles: { position: amount, equality: 0, rows: 1n } })],
  [
    'unconfirmed',
    'unconfirmed',
    (amount) => ({
      progress: {
        kind: 'trusted',
        positions: positionsAt(1n, {
          unconfirmed: Array.from({ length: amount }, () => ({ commit: 'c', table: 't', files: ['f'] })),
        }),
      },
    }),
  ],
]

test.each(graded)(
  '%s: good below the first limit, a warning from it on, bad from the second on',
  (name, limit, facts) => {
    const { warn, bad } = thresholds[limit]
    const verdicts = [warn - 1, warn, bad - 1, bad].map((amount) => check(name, facts(amount)))
    expect(verdicts.map((each) => each?.verdict)).toEqual(['good', 'warn', 'warn', 'bad'])
    expect(verdicts.map((each) => each?.help === '')).toEqual([true, false, false, false])
  },
)

test('files: the partition that compaction would help most is named', () => {
  const worstPartition = {
    path: 'timestamp_day=2014-03-12',
    files: 700,
    rows: 1n,
    bytes: 1n,
    smallFiles: 650,
    savedFiles: 600,
  }
  const found = check('files', withFiles({ partitions: [...files.partitions, worstPartition] }))?.found
  expect(found).toContain(
    'timestamp_day=2014-03-12 has 650 far below the 1 KiB that are aimed at, 600 more than it needs',
  )
})

test('metadata: old files that are never deleted are a warning of their own', () => {
  const kept = withLook({ metadata: { ...metadata, properties: {} } })
  expect(check('metadata', kept)).toMatchObject({ verdict: 'warn', found: expect.stringContaining('never deleted') })
  expect(check('metadata', withLook({ metadataBytes: null }))?.verdict).toBe('unknown')
})

test('snapshots: what the next expiry would remove is said, and files that nobody deletes are a warning', () => {
  const expiry = { mayExpire: true, snapshots: 7, oldRefs: 1, waiting: 2, waitingSinceMs: nowMs - FREED_WAIT_MS }
  const waits = check('snapshots', { expiry })
  expect(waits?.verdict).toBe('good')
  expect(waits?.found).toContain(
    'would remove 7 snapshots and 1 ref; files of 2 expiries wait to be deleted, since 1 d',
  )
  const long = { ...expiry, waitingSinceMs: nowMs - FREED_WAIT_MS - 1 }
  expect(check('snapshots', { expiry: long })?.verdict).toBe('warn')
  expect(check('snapshots', { expiry: { ...expiry, mayExpire: false } })?.found).toContain('gc.enabled')
  expect(check('snapshots', { expiry: null })?.found).toBe('1 snapshot, the oldest 1 m old')
})

const lag = (offsets: bigint, more: Partial<HealthFacts> = {}): Partial<HealthFacts> => ({
  lag: { kind: 'seen', lag: { offsets, behind: 1, unseen: 0, problem: null } },
  ...more,
})
const at = (ageMs: number): number => committed + ageMs

test.each<readonly [what: string, facts: Partial<HealthFacts>, verdict: Verdict]>([
  ['behind, and committed a moment ago', lag(5n), 'good'],
  ['behind, and not committed to for long', lag(5n, { nowMs: at(STALE_MS + 1) }), 'bad'],
  ['behind for as long as is allowed', lag(5n, { nowMs: at(90_000), staleMs: 100_000 }), 'good'],
  ['behind for longer than is allowed', lag(5n, { nowMs: at(100_001), staleMs: 100_000 }), 'bad'],
  ['quiet for days with nothing waiting', lag(0n, { nowMs: at(9e8) }), 'good'],
  ['old, without a source', { lag: { kind: 'unnamed' }, nowMs: at(9e8) }, 'unknown'],
  [
    'old, without a source, where an age was given',
    { lag: { kind: 'unnamed' }, nowMs: at(9e8), staleMs: 1_000 },
    'bad',
  ],
  ['young, without a source, where an age was given', { lag: { kind: 'unnamed' }, staleMs: 100_000 }, 'good'],
  [
    'of a source that does not answer',
    { lag: { kind: 'failed', error: new IngestError('BROKER_UNREACHABLE', {}) } },
    'bad',
  ],
  [
    'overtaken by retention',
    {
      lag: {
        kind: 'seen',
        lag: { offsets: 5n, behind: 1, unseen: 0, problem: new IngestError('POSITION_OUT_OF_RANGE', {}) },
      },
    },
    'bad',
  ],
  [
    'never committed to, and records wait',
    lag(5n, { progress: { kind: 'trusted', positions: positionsAt(-1n) } }),
    'bad',
  ],
])('lag: a table %s', (_, facts, verdict) => {
  expect(check('lag', facts)?.verdict).toBe(verdict)
})

const evidence = { kind: 'evidence', positions: positionsAt(1n), evidence: { ranges: [], rows: 5n } } as const
test.each<readonly [what: string, facts: Partial<HealthFacts>, verdict: Verdict]>([
  ['cannot be read', { progress: { kind: 'invalid', error: new IngestError('POSITIONS_INVALID', {}) } }, 'bad'],
  ['are not to be trusted', { progress: { kind: 'stop', reason: 'rolled-back' } }, 'bad'],
  ['hang on rows that nobody counted', { progress: evidence }, 'warn'],
  ['hang on rows that are there', { progress: evidence, isEvidenceMet: true }, 'good'],
  ['hang on rows that are gone', { progress: evidence, isEvidenceMet: false }, 'bad'],
  ['are those of a table that is empty', { progress: { kind: 'none' } }, 'good'],
])('positions: they %s', (_, facts, verdict) => {
  expect(check('positions', facts)?.verdict).toBe(verdict)
})

test('side tables, side files, totals and references: what is missing is bad and named', () => {
  const missing = check('side-tables', { sides: [{ table: 'm.t_dead_letters', state: 'missing', rows: null }] })
  expect(missing).toMatchObject({ verdict: 'bad', found: 'm.t_dead_letters is missing' })
  const foreign = check('side-tables', { sides: [{ table: 'm.t_dead_letters', state: 'foreign', rows: null }] })
  expect(foreign?.verdict).toBe('bad')
  expect(check('unconfirmed', { goneSideFiles: ['file:///x'] })).toMatchObject({
    verdict: 'bad',
    found: expect.stringContaining('file:///x'),
  })
  expect(check('totals', withFiles({ rows: 14n }))).toMatchObject({
    verdict: 'warn',
    found: expect.stringContaining('14 rows'),
  })
  expect(check('totals', withLook({ head: null }))?.verdict).toBe('good')
  const examples = [{ location: 'file:///gone', reason: 'missing' }]
  expect(check('references', { deep: { looked: 6, amiss: 2, examples } })).toMatchObject({
    verdict: 'bad',
    found: '2 of 6 files amiss, among them file:///gone (missing)',
  })
})

test('the worst of verdicts is what counts', () => {
  expect(worst([])).toBe('good')
  expect(worst(['good', 'unknown'])).toBe('unknown')
  expect(worst(['warn', 'unknown'])).toBe('warn')
  expect(worst(['warn', 'bad', 'good'])).toBe('bad')
})
