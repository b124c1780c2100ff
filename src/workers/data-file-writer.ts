// From the rows of a chunk to data files in the store: one file per partition value. Encode worker. Encoding and putting are two
// steps, so that the columns are free for the next chunk while the store works. Invariant: a file is named in a reply only after its
// put is durable; a chunk with too many partition values writes nothing.

import type { ColumnBatch } from '../shared/columns/column-batch.ts'
import { partitionRows } from '../shared/columns/partitioning.ts'
import { sortedRows } from '../shared/columns/row-order.ts'
import { selectRows } from '../shared/columns/row-selection.ts'
import type { DataFile, PartitionValue } from '../shared/iceberg/data-file.ts'
import { partitionColumns, partitionPath } from '../shared/iceberg/partition-transform.ts'
import type { IcebergSchema } from '../shared/iceberg/schema.ts'
import type { SortOrder } from '../shared/iceberg/sort-order.ts'
import type { TableLayout } from '../shared/messages.ts'
import { describeFile } from '../shared/parquet/data-file.ts'
import type { ParquetEncoder } from '../shared/parquet/parquet-encoder.ts'
import type { Store } from '../shared/store/store.ts'

/** A chunk with more partition values is halved by the coordinator: each is a file (design section 2). */
const PARTITION_VALUES_MAX = 32

export interface EncodedFile {
  readonly file: DataFile
  readonly bytes: Uint8Array
}

export type FilesEncoded =
  | { readonly kind: 'encoded'; readonly files: readonly EncodedFile[] }
  | { readonly kind: 'too-many-partitions'; readonly count: number }

/** The rows of one table as files in memory, which share nothing with the batch. Errors: PARQUET. */
export function encodeDataFiles(
  batch: ColumnBatch,
  layout: TableLayout,
  fileStem: string,
  encoder: ParquetEncoder,
): FilesEncoded {
  if (batch.rowCount === 0) return { kind: 'encoded', files: [] }
  const { schema, spec, sort } = layout
  const parts = partitionRows(batch, schema, spec, PARTITION_VALUES_MAX)
  if (parts.kind === 'too-many') return { kind: 'too-many-partitions', count: parts.count }
  const groups =
    parts.kind === 'one'
      ? [{ value: parts.value, rows: () => batch }]
      : parts.groups.map((group) => ({ value: group.value, rows: () => selectRows(batch, group.rows) }))
  const files = groups.map((group, index) => {
    const rows = sort === undefined ? group.rows() : inOrder(group.rows(), schema, sort)
    const encoded = encoder.encode(rows, schema)
    const location = locationOf(layout, group.value, `${fileStem}-${index}.parquet`)
    // The footer's counts are checked against the columns: a file that differs is never put.
    const ordered = sort === undefined ? {} : { sortOrderId: sort['order-id'] }
    const file = describeFile({ location, batch: rows, schema, spec, partition: group.value, encoded, ...ordered })
    return { file, bytes: encoded.bytes }
  })
  return { kind: 'encoded', files }
}

function inOrder(batch: ColumnBatch, schema: IcebergSchema, sort: SortOrder): ColumnBatch {
  const rows = sortedRows(batch, schema, sort)
  return rows === null ? batch : selectRows(batch, rows)
}

/** Puts files one after the other. Errors: STORE_*. */
export async function putDataFiles(files: readonly EncodedFile[], store: Store): Promise<readonly DataFile[]> {
  for (const { file, bytes } of files) await store.putIfAbsent(file.location, bytes)
  return files.map(({ file }) => file)
}

function locationOf(layout: TableLayout, value: readonly PartitionValue[], name: string): string {
  const path = partitionPath(partitionColumns(layout.spec, layout.schema), value)
  return [layout.dataLocation, path, name].filter((part) => part !== '').join('/')
}
