// How many rows of a batch make a row group of the size that the table asks for. Pure, once a file. Invariant: at least one row.
import type { Column, ColumnBatch } from '../columns/column-batch.ts'

export interface RowGroupLimits {
  /** Uncompressed, as plain values or indices. */
  readonly rowGroupBytes: number
  readonly rowGroupRowsMax: number
}

export function rowsPerGroup({ rowCount, columns }: ColumnBatch, limits: RowGroupLimits): number {
  const bytes = columns.reduce((sum, column) => sum + columnBytes(column), 0)
  const rows = bytes <= limits.rowGroupBytes ? rowCount : Math.floor((rowCount * limits.rowGroupBytes) / bytes)
  return Math.max(1, Math.min(rows, limits.rowGroupRowsMax))
}

/** Bytes of an index in a page, about: few dictionaries need more than 16 bits. */
const indexBytes = 2

function columnBytes(column: Column): number {
  const { length } = column
  switch (column.kind) {
    case 'boolean':
      return length / 8
    case 'int32':
    case 'float32':
      return 4 * length
    case 'int64':
    case 'float64':
      return 8 * length
    case 'decimal':
      return 16 * length
    case 'fixed':
      return column.size * length
    case 'dictionary':
      return indexBytes * length
    case 'bytes':
      return 4 * length + (column.offsets[length] ?? 0)
    case 'struct':
      return column.children.reduce((sum, child) => sum + columnBytes(child), 0)
    case 'list':
      return length + columnBytes(column.element)
    case 'map':
      return length + columnBytes(column.key) + columnBytes(column.value)
  }
}
