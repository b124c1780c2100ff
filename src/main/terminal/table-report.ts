// What `k2 tables show` says of a table: identity, totals, schema, partitioning, snapshots, and how others read it. Pure.
import type { TableMetadata } from '../../shared/iceberg/metadata.ts'
import type { IcebergStruct, IcebergType } from '../../shared/iceberg/schema.ts'
import type { ReaderLine } from './reader-lines.ts'
import { formatNumber, type Style } from './style.ts'

export interface FileTotals {
  readonly dataFiles: number
  readonly rows: number
  readonly bytes: number
  /** Files with deletes written by other engines. */
  readonly deleteFiles: number
}

export interface TableReport {
  readonly table: string
  readonly metadata: TableMetadata
  readonly metadataLocation: string
  /** Of the current snapshot, counted in its manifests. */
  readonly totals: FileTotals
  readonly readers: readonly ReaderLine[]
}

/** Newest snapshots listed. */
const SNAPSHOTS_MAX = 10

export function renderTableReport(report: TableReport, style: Style): string {
  const { metadata, totals } = report
  const lines = [
    style.bold(report.table),
    `  uuid        ${metadata['table-uuid']} (format v${metadata['format-version']})`,
    `  location    ${metadata.location}`,
    `  metadata    ${report.metadataLocation}`,
    `  rows        ${formatNumber(totals.rows)} in ${formatNumber(totals.dataFiles)} data files, ${formatNumber(totals.bytes)} bytes`,
    ...(totals.deleteFiles === 0
      ? []
      : [`  deletes     ${formatNumber(totals.deleteFiles)} delete files of other engines`]),
    `  partitions  ${partitionText(metadata)}`,
    '',
    `  ${style.bold(`Schema ${metadata['current-schema-id']}`)}`,
    ...schemaLines(metadata),
    '',
    `  ${style.bold('Snapshots')} (${formatNumber(metadata.snapshots.length)})`,
    ...snapshotLines(metadata),
    '',
    `  ${style.bold('Read it')}`,
    ...report.readers.flatMap(({ reader, line }) => [`  ${style.dim(`# ${reader}`)}`, `  ${line}`]),
  ]
  return `${lines.join('\n')}\n`
}

const currentSchema = (metadata: TableMetadata): IcebergStruct =>
  metadata.schemas.find((schema) => schema['schema-id'] === metadata['current-schema-id']) ?? {
    type: 'struct',
    fields: [],
  }

function partitionText(metadata: TableMetadata): string {
  const spec = metadata['partition-specs'].find((candidate) => candidate['spec-id'] === metadata['default-spec-id'])
  const fields = spec?.fields ?? []
  if (fields.length === 0) return 'none'
  const { fields: columns } = currentSchema(metadata)
  return fields
    .map((field) => {
      const column = columns.find((candidate) => candidate.id === field['source-id'])
      return `${field.name} = ${field.transform}(${column?.name ?? `field ${field['source-id']}`})`
    })
    .join(', ')
}

function schemaLines(metadata: TableMetadata): readonly string[] {
  const { fields } = currentSchema(metadata)
  const width = Math.max(0, ...fields.map((field) => field.name.length))
  return fields.map(({ id, name, type, required }) => {
    const text = `  ${String(id).padStart(4)}  ${name.padEnd(width)}  ${typeText(type)}`
    return required ? `${text} required` : text
  })
}

function typeText(type: IcebergType): string {
  if (typeof type === 'string') return type
  switch (type.type) {
    case 'struct':
      return `struct<${type.fields.map((field) => `${field.name}: ${typeText(field.type)}`).join(', ')}>`
    case 'list':
      return `list<${typeText(type.element)}>`
    case 'map':
      return `map<${typeText(type.key)}, ${typeText(type.value)}>`
  }
}

/** Newest first. */
function snapshotLines(metadata: TableMetadata): readonly string[] {
  const newest = [...metadata.snapshots].reverse().slice(0, SNAPSHOTS_MAX)
  if (newest.length === 0) return ['    none']
  const rest = metadata.snapshots.length - newest.length
  const lines = newest.map((snapshot) => {
    const id = snapshot['snapshot-id']
    const refs = Object.entries(metadata.refs)
      .filter(([, ref]) => ref['snapshot-id'] === id)
      .map(([name]) => name)
    const time = new Date(snapshot['timestamp-ms']).toISOString()
    const added = snapshot.summary['added-records'] ?? '0'
    const text = `    ${id}  ${time}  ${snapshot.summary['operation'] ?? 'unknown'}, +${formatNumber(Number(added))} rows`
    return refs.length === 0 ? text : `${text} (${refs.join(', ')})`
  })
  return rest === 0 ? lines : [...lines, `    and ${formatNumber(rest)} older`]
}

/** For --json; 64-bit ids as decimal strings. */
export function tableDocument({ table, metadata, metadataLocation, totals, readers }: TableReport): object {
  return {
    table,
    table_uuid: metadata['table-uuid'],
    format_version: metadata['format-version'],
    location: metadata.location,
    metadata_location: metadataLocation,
    rows: totals.rows,
    data_files: totals.dataFiles,
    bytes: totals.bytes,
    delete_files: totals.deleteFiles,
    current_snapshot_id: metadata['current-snapshot-id'],
    schema: currentSchema(metadata),
    partition_spec: metadata['partition-specs'].find((spec) => spec['spec-id'] === metadata['default-spec-id']) ?? null,
    snapshots: metadata.snapshots.map((snapshot) => ({
      snapshot_id: snapshot['snapshot-id'],
      parent_snapshot_id: snapshot['parent-snapshot-id'],
      sequence_number: snapshot['sequence-number'],
      timestamp_ms: snapshot['timestamp-ms'],
      summary: snapshot.summary,
    })),
    refs: metadata.refs,
    readers: Object.fromEntries(readers.map(({ reader, line }) => [reader.toLowerCase(), line])),
  }
}
