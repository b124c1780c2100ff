// The reference of encoding and of the whole line: parquet-wasm and nothing else, one thread, from a finished Arrow IPC stream to the
// bytes of a file. Invariant: the writer properties are those the product uses for the same columns.
import { Table, writeParquet } from 'parquet-wasm'
import type { ColumnBatch } from '../src/shared/columns/column-batch.ts'
import type { IcebergSchema } from '../src/shared/iceberg/schema.ts'
import { arrowStream } from '../src/shared/parquet/arrow.ts'
import { standardOptions, writerProperties } from '../src/shared/parquet/parquet-wasm-encoder.ts'

/** A call that writes the same Parquet file each time. The stream is made once, outside of what is measured. */
export function parquetAlone(batch: ColumnBatch, schema: IcebergSchema): () => void {
  const stream = arrowStream(batch, schema).slice()
  return () => {
    const bytes = writeParquet(Table.fromIPCStream(stream), writerProperties(batch, schema, standardOptions))
    if (bytes.length === 0) throw new Error('no Parquet file')
  }
}
