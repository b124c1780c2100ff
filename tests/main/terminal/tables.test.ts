import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { positionsDocument, renderPositions } from '../../../src/main/terminal/positions.ts'
import { readerLines } from '../../../src/main/terminal/reader-lines.ts'
import { styleFor } from '../../../src/main/terminal/style.ts'
import { renderTableReport, tableDocument } from '../../../src/main/terminal/table-report.ts'
import { initialPositions, type Positions } from '../../../src/shared/commit/positions.ts'
import type { TableMetadata } from '../../../src/shared/iceberg/metadata.ts'

const plain = styleFor({ color: false })

const positions: Positions = {
  ...initialPositions({ tombstone: 'skip', since: '2026-01-13T00:00:00Z' }),
  snapshot: 42n,
  topics: new Map([
    [
      'cluster/b',
      {
        name: 'b',
        partitions: new Map([
          [10, { start: 0n, next: 5n }],
          [9, { start: 3n, next: 500n, epoch: 4, gaps: [{ first: 7n, next: 9n, why: 'retention', at: 'then' }] }],
        ]),
      },
    ],
    ['cluster/a', { name: 'a', partitions: new Map([[0, { start: 0n, next: 9_007_199_254_740_993n }]]) }],
  ]),
  ranges: [{ topic: 'cluster/b', partition: 9, first: 400n, next: 500n }],
  unconfirmed: [{ commit: 'abcdef0123456789', table: 'm.t_dead_letters', files: ['x', 'y'] }],
}

const nothing = { table: 'm.t', metadata: { snapshots: [] }, source: null }

test('positions are listed by topic and partition, with the ranges of their snapshot and what is unconfirmed', () => {
  const source = [{ topic: 'cluster/b', partition: 9, logStart: 0n, logEnd: 1_700n }]
  expect(renderPositions({ ...nothing, verdict: { kind: 'trusted', positions }, source }, plain)).toBe(
    [
      'm.t  snapshot 42, history 0, tombstones: skip',
      '┌───────┬───────────┬───────┬──────────────────┬───────┬─────────────┬─────────┬───────┐',
      '│ Topic │ Partition │ Start │             Next │ Epoch │ In snapshot │ Log end │   Lag │',
      '├───────┼───────────┼───────┼──────────────────┼───────┼─────────────┼─────────┼───────┤',
      '│ a     │         0 │     0 │ 9007199254740993 │       │             │         │       │',
      '│ b     │         9 │     3 │              500 │     4 │  [400, 500) │    1700 │ 1,200 │',
      '│ b     │        10 │     0 │                5 │       │             │         │       │',
      '└───────┴───────────┴───────┴──────────────────┴───────┴─────────────┴─────────┴───────┘',
      '  accepted gap: b 9 [7, 9), retention, since then',
      '  unconfirmed: 2 files of m.t_dead_letters (commit abcdef012345)',
      '',
    ].join('\n'),
  )
})

test('positions that are not to be trusted are not listed', () => {
  const stop = { ...nothing, verdict: { kind: 'stop', reason: 'rolled-back' } } as const
  expect(renderPositions(stop, plain)).toBe('m.t  positions not to be trusted: rolled-back; see docs/recovery.md\n')
  expect(positionsDocument(stop)).toEqual({ table: 'm.t', trust: 'stop', reason: 'rolled-back' })
})

test('positions that rows must confirm say so', () => {
  const evidence = { ranges: [], rows: 500n }
  expect(renderPositions({ ...nothing, verdict: { kind: 'evidence', positions, evidence } }, plain)).toContain(
    '  trusted only if the table still holds 500 rows of the last marked commit: others expired its snapshot\n',
  )
})

test('a table that k2 never wrote has no positions', () => {
  expect(renderPositions({ ...nothing, verdict: { kind: 'none' } }, plain)).toContain('no positions')
})

const snapshot = (id: bigint, added: string) => ({
  'snapshot-id': id,
  'parent-snapshot-id': null,
  'sequence-number': id,
  'timestamp-ms': Date.UTC(2026, 0, 13),
  'manifest-list': 'l',
  summary: { operation: 'append', 'added-records': added },
  'schema-id': 0,
})
const metadata: TableMetadata = {
  'format-version': 2,
  'table-uuid': 'u',
  location: 'file:///w/m/t',
  'last-sequence-number': 2n,
  'last-updated-ms': 0,
  'last-column-id': 9,
  schemas: [
    {
      type: 'struct',
      'schema-id': 0,
      fields: [
        { id: 1, name: 'timestamp', required: true, type: 'timestamptz' },
        {
          id: 2,
          name: 'tags',
          required: false,
          type: {
            type: 'map',
            'key-id': 3,
            key: 'string',
            'value-id': 4,
            'value-required': false,
            value: { type: 'list', 'element-id': 5, 'element-required': true, element: 'decimal(18, 8)' },
          },
        },
        {
          id: 6,
          name: 'venue',
          required: false,
          type: { type: 'struct', fields: [{ id: 7, name: 'code', required: true, type: 'int' }] },
        },
      ],
    },
  ],
  'current-schema-id': 0,
  'partition-specs': [
    { 'spec-id': 0, fields: [{ 'source-id': 1, 'field-id': 1000, name: 'timestamp_day', transform: 'day' }] },
  ],
  'default-spec-id': 0,
  'last-partition-id': 1000,
  properties: {},
  'current-snapshot-id': 9_223_372_036_854_775_807n,
  snapshots: [snapshot(1n, '1000'), snapshot(9_223_372_036_854_775_807n, '545')],
  refs: { main: { 'snapshot-id': 9_223_372_036_854_775_807n, type: 'branch' } },
  'snapshot-log': [],
  'metadata-log': [],
  rest: {},
}
const tableReport = {
  table: 'm.t',
  metadata,
  metadataLocation: 'file:///w/m/t/metadata/1.metadata.json',
  totals: { dataFiles: 2, rows: 1545, bytes: 40_000, deleteFiles: 0 },
  readers: [{ reader: 'DuckDB', line: 'duckdb …' }],
}

test('a table is shown with its totals, schema, partitioning, snapshots and readers', () => {
  expect(renderTableReport(tableReport, plain)).toBe(
    [
      'm.t',
      '  uuid        u (format v2)',
      '  location    file:///w/m/t',
      '  metadata    file:///w/m/t/metadata/1.metadata.json',
      '  rows        1,545 in 2 data files, 40,000 bytes',
      '  partitions  timestamp_day = day(timestamp)',
      '',
      '  Schema 0',
      '     1  timestamp  timestamptz required',
      '     2  tags       map<string, list<decimal(18, 8)>>',
      '     6  venue      struct<code: int>',
      '',
      '  Snapshots (2)',
      '    9223372036854775807  2026-01-13T00:00:00.000Z  append, +545 rows (main)',
      '    1  2026-01-13T00:00:00.000Z  append, +1,000 rows',
      '',
      '  Read it',
      '  # DuckDB',
      '  duckdb …',
      '',
    ].join('\n'),
  )
})

test('snapshots beyond the newest ten are counted, and delete files of others are named', () => {
  const many = { ...metadata, snapshots: Array.from({ length: 12 }, (_, index) => snapshot(BigInt(index), '1')) }
  const totals = { ...tableReport.totals, deleteFiles: 3 }
  const text = renderTableReport({ ...tableReport, metadata: many, totals }, plain)
  expect(text).toContain('\n    and 2 older\n')
  expect(text).toContain('\n  deletes     3 delete files of other engines\n')
})

test('the document of a table keeps 64-bit ids', () => {
  expect(tableDocument(tableReport)).toMatchObject({
    rows: 1545,
    current_snapshot_id: 9_223_372_036_854_775_807n,
    readers: { duckdb: 'duckdb …' },
  })
})

test('a line to paste survives the shell, whatever the paths are called', () => {
  const address = {
    table: 'm.t',
    catalogFile: '/a b/it\'s "x".db',
    warehouse: 'file:///a b/w$HOME',
    metadataFile: "/a b/it's.metadata.json",
  }
  const lines = new Map(readerLines(address).map(({ reader, line }) => [reader, line]))
  const words = (reader: string): readonly string[] =>
    execFileSync('sh', ['-c', `show() { printf '%s\\n' "$@"; }; show ${lines.get(reader)}`], { encoding: 'utf8' })
      .trimEnd()
      .split('\n')
  expect(words('pyiceberg')).toEqual([
    'python3',
    '-c',
    'from pyiceberg.catalog import load_catalog; print(load_catalog("k2", type="sql", uri="sqlite:////a b/it\'s \\"x\\".db", warehouse="file:///a b/w$HOME").load_table("m.t").scan(limit=10).to_arrow())',
  ])
  expect(words('DuckDB').at(-1)).toBe(
    "INSTALL iceberg; LOAD iceberg; SELECT count(*) FROM iceberg_scan('/a b/it''s.metadata.json')",
  )
  expect(words('Spark')).toContain('spark.sql.catalog.k2.uri=jdbc:sqlite:/a b/it\'s "x".db')
  expect(lines.get('Trino')).toContain(`"iceberg.jdbc-catalog.connection-url" = 'jdbc:sqlite:/a b/it''s "x".db'`)
})
