import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { positionsDocument, renderPositions } from '../../../src/main/terminal/positions.ts'
import { readerLines } from '../../../src/main/terminal/reader-lines.ts'
import { styleFor } from '../../../src/main/terminal/style.ts'
import { initialPositions, type Positions } from '../../../src/shared/commit/positions.ts'

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
