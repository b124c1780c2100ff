// What a table is made of, as tables to query: <table>_snapshots, <table>_refs, <table>_files, as SQL that fills them. Pure, any thread.
import type { Snapshot, TableMetadata } from '../iceberg/metadata.ts'
import type { LiveFile } from '../iceberg/read-table.ts'
import { LEASE_PREFIX } from '../iceberg/scan-snapshot.ts'
import { sqlText } from './duckdb-type.ts'

export const metadataKinds = ['snapshots', 'refs', 'files'] as const
export type MetadataKind = (typeof metadataKinds)[number]

/** Columns with their types, in order. */
const columns: Readonly<Record<MetadataKind, readonly string[]>> = {
  snapshots: [
    'snapshot_id BIGINT',
    'parent_id BIGINT',
    'sequence_number BIGINT',
    'committed_at TIMESTAMPTZ',
    'operation VARCHAR',
    'schema_id INTEGER',
    'is_on_main BOOLEAN',
    'summary MAP(VARCHAR, VARCHAR)',
    'manifest_list VARCHAR',
  ],
  refs: [
    'name VARCHAR',
    'type VARCHAR',
    'snapshot_id BIGINT',
    'max_ref_age_ms BIGINT',
    'min_snapshots_to_keep INTEGER',
    'max_snapshot_age_ms BIGINT',
  ],
  files: [
    'file_path VARCHAR',
    'record_count BIGINT',
    'file_size_in_bytes BIGINT',
    'partition VARCHAR',
    'spec_id INTEGER',
    'added_snapshot_id BIGINT',
    'sequence_number BIGINT',
  ],
}

/** Rows of an INSERT: the parser of DuckDB slows down on longer ones. */
const rowsPerInsert = 500

/** Makes the table of this quoted name and fills it; rows are SQL value lists. */
export function metadataTable(name: string, kind: MetadataKind, rows: readonly string[]): readonly string[] {
  const statements = [`CREATE TABLE ${name} (${columns[kind].join(', ')})`]
  for (let first = 0; first < rows.length; first += rowsPerInsert) {
    statements.push(`INSERT INTO ${name} VALUES ${rows.slice(first, first + rowsPerInsert).join(', ')}`)
  }
  return statements
}

type Cell = string | number | bigint | boolean | null

const row = (...cells: readonly Cell[]): string => `(${cells.map(cellText).join(', ')})`
const cellText = (cell: Cell): string => (cell === null ? 'NULL' : typeof cell === 'string' ? sqlText(cell) : `${cell}`)

export function snapshotRows(metadata: TableMetadata, onMain: ReadonlySet<bigint>): readonly string[] {
  return metadata.snapshots.map((snapshot) => {
    const before = [
      snapshot['snapshot-id'],
      snapshot['parent-snapshot-id'],
      snapshot['sequence-number'],
      new Date(snapshot['timestamp-ms']).toISOString(),
      snapshot.summary['operation'] ?? null,
      snapshot['schema-id'],
      onMain.has(snapshot['snapshot-id']),
    ]
    return `(${before.map(cellText).join(', ')}, ${summaryMap(snapshot)}, ${cellText(snapshot['manifest-list'])})`
  })
}

function summaryMap({ summary }: Snapshot): string {
  const entries = Object.entries(summary)
  if (entries.length === 0) return 'NULL'
  return `MAP {${entries.map(([key, value]) => `${sqlText(key)}: ${sqlText(value)}`).join(', ')}}`
}

/** Without the tags of running queries, which are none of the table's own. */
export const refRows = (metadata: TableMetadata): readonly string[] =>
  Object.entries(metadata.refs)
    .filter(([name]) => !name.startsWith(LEASE_PREFIX))
    .map(([name, ref]) =>
      row(
        name,
        ref.type,
        ref['snapshot-id'],
        ref['max-ref-age-ms'] ?? null,
        ref['min-snapshots-to-keep'] ?? null,
        ref['max-snapshot-age-ms'] ?? null,
      ),
    )

/** Data files of a snapshot; `partitionText` as paths have it. */
export const fileRows = (files: readonly LiveFile[], partitionText: (file: LiveFile) => string): readonly string[] =>
  files.map((live) =>
    row(
      live.file.location,
      live.file.recordCount,
      live.file.sizeBytes,
      partitionText(live),
      live.file.specId,
      live.snapshotId,
      live.sequenceNumber,
    ),
  )
