// The tables of a catalog on the terminal, one row each, side tables beneath their main table. Pure.
import { formatTableName, type TableName } from '../../shared/iceberg/catalog.ts'
import type { TableMetadata } from '../../shared/iceberg/metadata.ts'
import type { UnreadableTable } from '../tables/each-table.ts'
import { countsOf } from '../tables/snapshot-rows.ts'
import type { TableKind } from '../tables/table-kind.ts'
import { ageText, sizeText } from './quantities.ts'
import { formatNumber, type Style } from './style.ts'
import { type Column, renderTable } from './table.ts'

export interface ListedTable {
  readonly kind: 'seen'
  readonly name: TableName
  readonly tableKind: TableKind
  readonly metadata: TableMetadata
}

const COLUMNS: readonly Column[] = [
  { title: 'Table', align: 'left' },
  { title: 'Kind', align: 'left' },
  ...['Rows', 'Files', 'Size', 'Snapshots', 'Last change'].map((title): Column => ({ title, align: 'right' })),
]

/** Counts are those of the current snapshot's summary; `?` where it does not say. */
export function renderList(tables: ReadonlyArray<ListedTable | UnreadableTable>, nowMs: number, style: Style): string {
  if (tables.length === 0) return 'no tables in this catalog\n'
  const rows = tables.map((table) => {
    const name = formatTableName(table.name)
    if (table.kind === 'unreadable') return [name, `unreadable: ${table.error.code}`, '', '', '', '', '']
    const { metadata, tableKind } = table
    const { totalRows, totalFiles, totalBytes } = headCounts(metadata)
    return [
      name,
      kindText(tableKind),
      totalRows === null ? '?' : formatNumber(totalRows),
      totalFiles === null ? '?' : formatNumber(totalFiles),
      totalBytes === null ? '?' : sizeText(totalBytes),
      formatNumber(metadata.snapshots.length),
      `${ageText(nowMs - metadata['last-updated-ms'])} ago`,
    ]
  })
  const problems = tables.flatMap((table) =>
    table.kind === 'unreadable' ? [style.red(`${formatTableName(table.name)}: ${table.error.message}`)] : [],
  )
  return [renderTable(COLUMNS, rows).trimEnd(), ...problems, ''].join('\n')
}

export function kindText(kind: TableKind): string {
  switch (kind.kind) {
    case 'main':
      return 'k2, main'
    case 'side':
      return kind.main === null ? 'k2, side without its main table' : `k2, side of ${kind.main}`
    case 'other':
      return 'not of k2'
  }
}

/** A table without a snapshot has nothing, for certain. */
export function headCounts(metadata: TableMetadata): ReturnType<typeof countsOf> {
  const id = metadata['current-snapshot-id']
  if (id === null) return { ...countsOf({}), totalRows: 0n, totalFiles: 0n, totalBytes: 0n }
  return countsOf(metadata.snapshots.find((snapshot) => snapshot['snapshot-id'] === id)?.summary ?? {})
}

/** For --json; 64-bit numbers as decimal strings. */
export function listDocument(table: ListedTable | UnreadableTable): object {
  const name = formatTableName(table.name)
  if (table.kind === 'unreadable')
    return { table: name, error: { code: table.error.code, message: table.error.message } }
  const { metadata, tableKind } = table
  const { totalRows, totalFiles, totalBytes } = headCounts(metadata)
  return {
    table: name,
    kind: tableKind.kind,
    main: tableKind.kind === 'side' ? tableKind.main : null,
    table_uuid: metadata['table-uuid'],
    location: metadata.location,
    rows: totalRows,
    data_files: totalFiles,
    bytes: totalBytes,
    snapshots: metadata.snapshots.length,
    last_updated: new Date(metadata['last-updated-ms']).toISOString(),
  }
}
