import { expect, test } from 'vitest'
import { FileSurvey } from '../../../src/main/tables/file-survey.ts'
import type { TableLook } from '../../../src/main/tables/table-look.ts'
import { styleFor } from '../../../src/main/terminal/style.ts'
import { tableDocument } from '../../../src/main/terminal/table-document.ts'
import { renderTableReport, type TableReport } from '../../../src/main/terminal/table-report.ts'
import type { ManifestEntry } from '../../../src/shared/iceberg/manifest.ts'
import type { Snapshot, TableMetadata } from '../../../src/shared/iceberg/metadata.ts'
import { parseTableMetadata, writeTableMetadata } from '../../../src/shared/iceberg/metadata-json.ts'
import { day, freshMetadata, snapshotOf } from '../../shared/iceberg/table-fixture.ts'
import { positionsAt, positionsText } from '../tables/table-world.ts'

const plain = styleFor({ color: false })
const atMs = Date.parse('2026-01-13T00:00:00Z')
const id = 9_223_372_036_854_775_807n

const snapshot = (each: bigint, parent: bigint | null, sequence: bigint): Snapshot => ({
  ...snapshotOf(each, parent, sequence, atMs),
  summary: {
    operation: 'append',
    'added-records': '545',
    'added-data-files': '1',
    'k2.commit-id': 'abcdef0123456789',
    'k2.writer': 'host/1/u',
    'k2.ranges': '{"cluster/topic":{"0":["0","500"]}}',
  },
})

const metadata: TableMetadata = {
  ...freshMetadata({ 'k2.positions': positionsText(id), 'write.target-file-size-bytes': '134217728' }),
  'current-snapshot-id': id,
  snapshots: [snapshot(1n, null, 1n), snapshot(id, 1n, 2n)],
  refs: {
    main: { 'snapshot-id': id, type: 'branch' },
    k2: { 'snapshot-id': id, type: 'tag', 'max-ref-age-ms': 0x7fffffffffffffffn },
  },
  rest: {
    'sort-orders': [
      { 'order-id': 0, fields: [] },
      {
        'order-id': 1,
        fields: [{ 'source-id': 3, transform: 'identity', direction: 'asc', 'null-order': 'nulls-first' }],
      },
    ],
    'default-sort-order-id': 1,
  },
}

function files(target: TableMetadata): TableLook['files'] {
  const survey = new FileSurvey(target)
  for (const [date, rows, bytes] of [
    ['2014-03-10', 1000, 40_000],
    ['2014-03-11', 545, 2_000_000],
  ] as const) {
    const file = { content: 0, file_path: 'x', file_format: 'PARQUET', partition: [day(date)], rest: {} }
    const entry: ManifestEntry = {
      status: 'added',
      snapshotId: id,
      sequenceNumber: 1n,
      fileSequenceNumber: 1n,
      file: { ...file, record_count: BigInt(rows), file_size_in_bytes: BigInt(bytes) },
    }
    survey.add(entry, 0)
  }
  return survey.totals()
}

const report: TableReport = {
  look: {
    table: 'm.t',
    metadata,
    metadataLocation: 'file:///w/m/t/metadata/1.metadata.json',
    metadataBytes: 2048,
    head: metadata.snapshots[1] ?? null,
    manifests: { data: 2, deletes: 0, bytes: 3072, largestBytes: 2048 },
    files: files(metadata),
  },
  kind: { kind: 'main' },
  progress: { kind: 'trusted', positions: positionsAt(id) },
  source: { kind: 'unnamed' },
  sides: [{ table: 'm.t_dead_letters', state: 'there', rows: 3n }],
  readers: [{ reader: 'DuckDB', line: 'duckdb …' }],
  nowMs: atMs + 90_000,
  byPartition: true,
}

test('a table is shown with its files by size, partitions, progress, schema, properties, refs, snapshots and readers', () => {
  expect(renderTableReport(report, plain).split('\n')).toMatchInlineSnapshot(`
    [
      "m.t  k2, main",
      "  uuid        9c12d441-03fe-4693-9a96-a0705ddf69c1 (format v2)",
      "  location    file:///memory/t",
      "  metadata    file:///w/m/t/metadata/1.metadata.json  2 KiB, 1 metadata file",
      "  rows        1,545 in 2 data files, 1.9 MiB (2,040,000 bytes)",
      "  partitions  timestamp_day = day(timestamp); 2 of them",
      "  sort order  timestamp asc nulls first",
      "  manifests   2, 3 KiB, the largest 2 KiB",
      "  oldest      snapshot of 2026-01-13 00:00:00, 1 m 30 s ago",
      "  side table  m.t_dead_letters, 3 rows",
      "",
      "  Files by size (aimed at: 128 MiB)",
      "  below 64 KiB               1 files           1,000 rows   39.1 KiB  ████████████████████",
      "  1 MiB to 4 MiB             1 files             545 rows    1.9 MiB  ████████████████████",
      "",
      "  Partitions",
      "┌──────────────────────────┬───────┬───────┬──────────┬─────────────┐",
      "│ Partition                │  Rows │ Files │     Size │ Small files │",
      "├──────────────────────────┼───────┼───────┼──────────┼─────────────┤",
      "│ timestamp_day=2014-03-10 │ 1,000 │     1 │ 39.1 KiB │           1 │",
      "│ timestamp_day=2014-03-11 │   545 │     1 │  1.9 MiB │           1 │",
      "└──────────────────────────┴───────┴───────┴──────────┴─────────────┘",
      "",
      "  Progress",
      "  2 partitions of 1 topic, last commit 1 m 30 s ago",
      "  lag unknown: name --source or --brokers",
      "",
      "  Schema 0",
      "     1  symbol        string required",
      "     2  price         decimal(18, 8)",
      "     3  timestamp     timestamptz required",
      "     4  kafka_offset  long",
      "",
      "  Properties",
      "  write.metadata.delete-after-commit.enabled  true",
      "  write.metadata.previous-versions-max        100",
      "  write.parquet.compression-codec             zstd",
      "  write.target-file-size-bytes                134217728",
      "",
      "  Refs",
      "  main  branch  9223372036854775807  1 m 30 s old",
      "  k2    tag     9223372036854775807  1 m 30 s old, kept for ever",
      "",
      "  Snapshots (2)",
      "  9223372036854775807  2026-01-13 00:00:00 (1 m 30 s ago)  append, +545 rows in 1 file (main, k2)",
      "      commit abcdef012345, by host/1/u",
      "      trades/0 [0, 500)",
      "  1  2026-01-13 00:00:00 (1 m 30 s ago)  append, +545 rows in 1 file",
      "      commit abcdef012345, by host/1/u",
      "      trades/0 [0, 500)",
      "",
      "  Read it",
      "  # DuckDB",
      "  duckdb …",
      "",
    ]
  `)
})

test('what is amiss is said: deletes, a side table that is missing, positions that do not count, a lag', () => {
  const { look } = report
  const damaged = renderTableReport(
    {
      ...report,
      look: { ...look, files: { ...look.files, deleteFiles: { position: 2, equality: 1, rows: 9n } } },
      sides: [{ table: 'm.t_dead_letters', state: 'missing', rows: null }],
      progress: { kind: 'stop', reason: 'rolled-back' },
    },
    plain,
  )
  expect(damaged).toContain('3 delete files of other engines')
  expect(damaged).toContain('m.t_dead_letters is missing: k2 run would stop')
  expect(damaged).toContain('positions not to be trusted: rolled-back; see docs/recovery.md')
  const end = { topic: 'cluster/topic', topicName: 'trades', partition: 0, logStart: 0n, logEnd: 1_700n }
  const behind = { ...end, start: 0n, end: 0n, isAssigned: true }
  const late = renderTableReport({ ...report, source: { kind: 'seen', partitions: [behind] } }, plain)
  expect(late).toContain('lag 1,200 offsets in 1 partition; 1 partition not in the source')
})

test('gaps and unconfirmed files are named', () => {
  const gap = { first: 7n, next: 9n, why: 'retention' as const, at: 'then' }
  const positions = positionsAt(id, {
    topics: new Map([
      [
        'c/t',
        {
          name: 'trades',
          partitions: new Map([[4, { start: 0n, next: 9n, gaps: Array.from({ length: 7 }, () => gap) }]]),
        },
      ],
    ]),
    unconfirmed: [{ commit: 'abcdef0123456789', table: 'm.t_dead_letters', files: ['x', 'y'] }],
  })
  const text = renderTableReport({ ...report, progress: { kind: 'trusted', positions } }, plain)
  expect(text.match(/accepted gap: trades\/4 \[7, 9\), retention, since then/g)).toHaveLength(5)
  expect(text).toContain('and 2 more gaps: k2 positions show')
  expect(text).toContain('unconfirmed: 2 files of m.t_dead_letters (commit abcdef012345)')
})

test('the document of a table keeps 64-bit numbers, and says that a lag is unknown', () => {
  const document = JSON.parse(
    JSON.stringify(tableDocument(report), (_key, value: unknown) =>
      typeof value === 'bigint' ? String(value) : value,
    ),
  )
  expect(document).toMatchObject({
    table: 'm.t',
    rows: '1545',
    bytes: '2040000',
    data_files: 2,
    current_snapshot_id: String(id),
    snapshots: { count: 2, oldest: { time: '2026-01-13T00:00:00.000Z' } },
    sort_order: { 'order-id': 1 },
    side_tables: [{ table: 'm.t_dead_letters', state: 'there', rows: '3' }],
    progress: { trust: 'trusted', lag: { known: false, reason: 'no source was named' } },
    readers: { duckdb: 'duckdb …' },
  })
  const roundTrip = parseTableMetadata(writeTableMetadata(metadata), 'x')
  expect(document.properties).toEqual(roundTrip.properties)
})
