// From the rows of a chunk to data files in the store: one file per partition value. Encode worker. Invariant: a file is named in a
// reply only after its put is durable; a chunk with too many partition values writes nothing.

import type { ColumnBatch } from '../shared/columns/column-batch.ts'
import { partitionRows } from '../shared/columns/partitioning.ts'
import { selectRows } from '../shared/columns/row-selection.ts'
import type { DataFile, PartitionValue } from '../shared/iceberg/data-file.ts'
import { partitionColumns, partitionPath } from '../shared/iceberg/partition-transform.ts'
import type { TableLayout } from '../shared/messages.ts'
import { describeFile } from '../shared/parquet/data-file.ts'
import type { ParquetEncoder } from '../shared/parquet/parquet-encoder.ts'
import type { Store } from '../shared/store/store.ts'

/** A chunk with more partition values is halved by the coordinator: each is a file (design section 2). */
const PARTITION_VALUES_MAX = 32

export type FilesWritten =
  | { readonly kind: 'written'; readonly files: readonly DataFile[]; readonly encodeMs: number; readonly putMs: number }
  | { readonly kind: 'too-many-partitions'; readonly count: number }

/** Encodes and puts the rows of one table. Errors: PARQUET, STORE_*. */
export async function writeDataFiles(
  batch: ColumnBatch,
  layout: TableLayout,
  fileStem: string,
  encoder: ParquetEncoder,
  store: Store,
): Promise<FilesWritten> {
  if (batch.rowCount === 0) return { kind: 'written', files: [], encodeMs: 0, putMs: 0 }
  const startMs = performance.now()
  const parts = partitionRows(batch, layout.schema, layout.spec, PARTITION_VALUES_MAX)
  if (parts.kind === 'too-many') return { kind: 'too-many-partitions', count: parts.count }
  const groups =
    parts.kind === 'one'
      ? [{ value: parts.value, rows: () => batch }]
      : parts.groups.map((group) => ({ value: group.value, rows: () => selectRows(batch, group.rows) }))
  const files: DataFile[] = []
  let putMs = 0
  for (const [index, group] of groups.entries()) {
    const rows = group.rows()
    const encoded = encoder.encode(rows, layout.schema)
    const location = locationOf(layout, group.value, `${fileStem}-${index}.parquet`)
    // Described first: the footer's counts are checked against the columns, and a file that differs is never put.
    const { schema, spec } = layout
    files.push(describeFile({ location, batch: rows, schema, spec, partition: group.value, encoded }))
    const putStartMs = performance.now()
    await store.putIfAbsent(location, encoded.bytes)
    putMs += performance.now() - putStartMs
  }
  return { kind: 'written', files, encodeMs: performance.now() - startMs - putMs, putMs }
}

function locationOf(layout: TableLayout, value: readonly PartitionValue[], name: string): string {
  const path = partitionPath(partitionColumns(layout.spec, layout.schema), value)
  return [layout.dataLocation, path, name].filter((part) => part !== '').join('/')
}
