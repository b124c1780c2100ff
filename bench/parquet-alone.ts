// The reference of encoding and of the whole line: parquet-wasm and nothing else, one thread, from a finished Arrow table to the bytes
// of a file, by apache-arrow's own IPC, the only way in that parquet-wasm has. Invariant: the writer properties are those the product
// uses for the same columns.
import { tableToIPC } from 'apache-arrow'
import { Table, writeParquet } from 'parquet-wasm'
import type { ColumnBatch } from '../src/shared/columns/column-batch.ts'
import type { IcebergSchema } from '../src/shared/iceberg/schema.ts'
import { arrowTable } from '../src/shared/parquet/arrow.ts'
import { standardOptions, writerProperties } from '../src/shared/parquet/parquet-wasm-encoder.ts'

/** A call that writes the same Parquet file each time. The Arrow table is made once, outside of what is measured. */
export function parquetAlone(batch: ColumnBatch, schema: IcebergSchema): () => void {
  const table = arrowTable(batch, schema)
  return () => {
    const stream = tableToIPC(table, 'stream')
    const bytes = writeParquet(Table.fromIPCStream(stream), writerProperties(batch, schema, standardOptions))
    if (bytes.length === 0) throw new Error('no Parquet file')
  }
}
