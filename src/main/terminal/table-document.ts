// The JSON documents of `k2 tables show`, `snapshots` and `files`; their shape is described in docs/tables.md, and is kept. Pure.
// Row counts, bytes, offsets and ids are 64-bit: bigint here, decimal strings in the text. Times are ISO 8601.
import { isObject } from '../../shared/iceberg/json-shape.ts'
import type { ColumnBounds, FileRow } from '../tables/file-rows.ts'
import {
  listRefs,
  oldestSnapshot,
  type RefRow,
  type SnapshotRanges,
  type SnapshotRow,
} from '../tables/snapshot-rows.ts'
import { lagOf, positionsIn, type SourceState } from '../tables/table-progress.ts'
import { positionsDocument } from './positions.ts'
import { currentSchemaOf } from './schema-text.ts'
import type { TableFiles } from './table-files.ts'
import type { TableReport } from './table-report.ts'
import type { TableSnapshots } from './table-snapshots.ts'

const iso = (ms: number): string => new Date(ms).toISOString()

export function tableDocument(report: TableReport): object {
  const { look, kind, sides, readers } = report
  const { metadata, files, manifests } = look
  const oldest = oldestSnapshot(metadata)
  return {
    table: look.table,
    kind: kind.kind,
    main: kind.kind === 'side' ? kind.main : null,
    table_uuid: metadata['table-uuid'],
    format_version: metadata['format-version'],
    location: metadata.location,
    metadata_location: look.metadataLocation,
    metadata_bytes: look.metadataBytes === null ? null : BigInt(look.metadataBytes),
    metadata_files: metadata['metadata-log'].length + 1,
    rows: files.rows,
    data_files: files.dataFiles,
    bytes: files.bytes,
    target_file_bytes: BigInt(files.targetBytes),
    smallest_file_bytes: files.smallestBytes,
    largest_file_bytes: files.largestBytes,
    delete_files: {
      position: files.deleteFiles.position,
      equality: files.deleteFiles.equality,
      rows: files.deleteFiles.rows,
    },
    size_classes: files.classes.map(({ from, to, files: count, rows, bytes }) => ({
      from_bytes: BigInt(from),
      to_bytes: to === null ? null : BigInt(to),
      files: count,
      rows,
      bytes,
    })),
    partitions: files.partitions.map(({ path, rows, files: count, bytes, smallFiles }) => ({
      partition: path,
      rows,
      files: count,
      bytes,
      small_files: smallFiles,
    })),
    manifests: {
      data: manifests.data,
      deletes: manifests.deletes,
      bytes: BigInt(manifests.bytes),
      largest_bytes: BigInt(manifests.largestBytes),
    },
    current_snapshot_id: metadata['current-snapshot-id'],
    snapshots: {
      count: metadata.snapshots.length,
      oldest: oldest === null ? null : { snapshot_id: oldest['snapshot-id'], time: iso(oldest['timestamp-ms']) },
    },
    refs: listRefs(metadata).map(refDocument),
    schema: currentSchemaOf(metadata),
    partition_spec: metadata['partition-specs'].find((spec) => spec['spec-id'] === metadata['default-spec-id']) ?? null,
    sort_order: sortOrderOf(report),
    properties: metadata.properties,
    side_tables: sides,
    progress: progressDocument(report),
    readers: Object.fromEntries(readers.map(({ reader, line }) => [reader.toLowerCase(), line])),
  }
}

function sortOrderOf({ look }: TableReport): unknown {
  const { 'sort-orders': orders, 'default-sort-order-id': id } = look.metadata.rest
  if (!Array.isArray(orders)) return null
  return orders.filter(isObject).find((order) => order['order-id'] === id) ?? null
}

/** Null of a table that is no main table of K2. */
function progressDocument({ look, kind, progress, source }: TableReport): object | null {
  if (kind.kind !== 'main') return null
  if (progress.kind === 'invalid') return { trust: 'invalid', reason: progress.error.message }
  const { table: _, ...shown } = Object(
    positionsDocument({
      table: look.table,
      verdict: progress,
      metadata: look.metadata,
      source: source.kind === 'seen' ? source.partitions : null,
    }),
  )
  return { ...shown, lag: lagDocument(progress, source) }
}

/** `known` false: no source was named, or it did not answer. */
function lagDocument(progress: TableReport['progress'], source: SourceState): object {
  const positions = positionsIn(progress)
  if (source.kind !== 'seen' || positions === null) {
    return { known: false, reason: source.kind === 'failed' ? source.error.message : 'no source was named' }
  }
  const { offsets, behind, unseen, problem } = lagOf(positions, source.partitions)
  return {
    known: true,
    offsets,
    partitions_behind: behind,
    partitions_not_in_source: unseen,
    problem: problem?.code ?? null,
  }
}

export const snapshotsDocument = ({ table, rows, total, refs, oldestMs }: TableSnapshots): object => ({
  table,
  total,
  oldest: oldestMs === null ? null : iso(oldestMs),
  snapshots: rows.map(snapshotDocument),
  refs: refs.map(refDocument),
})

const snapshotDocument = (row: SnapshotRow): object => ({
  snapshot_id: row.id,
  parent_snapshot_id: row.parent,
  sequence_number: row.sequenceNumber,
  time: iso(row.timeMs),
  operation: row.operation,
  added_rows: row.counts.addedRows,
  added_files: row.counts.addedFiles,
  added_bytes: row.counts.addedBytes,
  removed_rows: row.counts.removedRows,
  removed_files: row.counts.removedFiles,
  total_rows: row.counts.totalRows,
  total_files: row.counts.totalFiles,
  total_bytes: row.counts.totalBytes,
  refs: row.refs,
  on_main: row.isOnMain,
  commit_id: row.commitId,
  writer: row.writer,
  group: row.group,
  ranges: rangesDocument(row.ranges),
  side_of: row.sideOf,
  schema_id: row.schemaId,
  summary: row.summary,
})

/** A list, the number of partitions where the summary has no more, or null. */
function rangesDocument(ranges: SnapshotRanges | null): unknown {
  if (ranges === null) return null
  return ranges.kind === 'count' ? ranges.partitions : ranges.ranges
}

const refDocument = ({ name, type, snapshotId, timeMs, maxRefAgeMs }: RefRow): object => ({
  name,
  type,
  snapshot_id: snapshotId,
  time: timeMs === null ? null : iso(timeMs),
  max_ref_age_ms: maxRefAgeMs,
})

export const filesDocument = ({ table, rows, total }: TableFiles): object => ({
  table,
  total,
  files: rows.map(fileDocument),
})

const fileDocument = (row: FileRow): object => ({
  location: row.location,
  partition: row.partition,
  rows: row.rows,
  bytes: row.bytes,
  snapshot_id: row.snapshotId,
  sequence_number: row.sequenceNumber,
  bounds: Object.fromEntries(row.bounds.map(boundsEntry)),
})

const boundsEntry = ({ column, lower, upper, nulls }: ColumnBounds): readonly [string, object] => [
  column,
  { lower, upper, nulls: nulls === null ? null : BigInt(nulls) },
]
