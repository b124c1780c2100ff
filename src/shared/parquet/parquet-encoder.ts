// Port: ColumnBatch → the bytes of one Parquet file. Two implementations stand behind it, equal by test: parquet-wasm for every
// schema and Node version, and a direct page writer. Runs in an encode worker, one file at a time.

import type { LeafBounds } from '../columns/bounds.ts'
import type { ColumnBatch } from '../columns/column-batch.ts'
import type { IcebergSchema } from '../iceberg/schema.ts'

/** What the footer of the file says of one leaf; the counts are checked against the column statistics. */
export interface EncodedLeaf {
  readonly fieldId: number
  /** Compressed bytes of its pages, headers included, over all row groups. */
  readonly bytes: number
  /** Values and nulls, as a Parquet writer counts them: an empty or null list is one null of its leaves. */
  readonly valueCount: number
  /** Null where the file keeps no statistics of the leaf. */
  readonly nullCount: number | null
  /**
   * Iceberg's bounds, where the encoder found them on its way: null where the leaf has none (no value but NaN). Not set where it
   * did not look; they are then found in the columns.
   */
  readonly bounds?: LeafBounds | null
}

export interface EncodedParquet {
  /** The whole file, in memory of its own: it can be transferred. */
  readonly bytes: Uint8Array
  readonly rowCount: number
  /** In file order. */
  readonly leaves: readonly EncodedLeaf[]
  /** Where each row group starts in the file, ascending. */
  readonly splitOffsets: readonly number[]
}

export interface ParquetEncoder {
  /**
   * Encodes all rows of a batch; the batch is only read. Field ids and types are those of the schema, whose fields are the columns
   * of the batch in order. Errors: PARQUET; after it the worker that holds the encoder should end.
   */
  encode(batch: ColumnBatch, schema: IcebergSchema): EncodedParquet
}
