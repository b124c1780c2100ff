// An encoded file as its manifest entry: encoder output, column statistics and partition value joined into a DataFile. Encode
// worker, once per file. Invariant: footer and statistics were counted apart and agree, or there is no data file.

import type { ColumnBatch } from '../columns/column-batch.ts'
import { columnStatistics } from '../columns/statistics.ts'
import { IngestError } from '../errors.ts'
import type { DataFile, PartitionValue } from '../iceberg/data-file.ts'
import type { IcebergSchema, PartitionSpec } from '../iceberg/schema.ts'
import type { EncodedParquet } from './parquet-encoder.ts'

export interface FileDescription {
  /** Absolute location as the table metadata spells it. */
  readonly location: string
  /** The rows of the file, and no others. */
  readonly batch: ColumnBatch
  readonly schema: IcebergSchema
  readonly spec: PartitionSpec
  readonly partition: readonly PartitionValue[]
  readonly encoded: EncodedParquet
}

/**
 * The data file for a manifest. Errors: PARQUET where a count of the footer is not that of the batch: values were lost between
 * them (a dropped validity bitmap shows here), and the file must not be committed.
 */
export function describeFile(file: FileDescription): DataFile {
  const { batch, encoded } = file
  const statistics = columnStatistics(batch, file.schema)
  if (encoded.rowCount !== batch.rowCount)
    throw new IngestError('PARQUET', { location: file.location, rows: batch.rowCount, rowsWritten: encoded.rowCount })
  encoded.leaves.forEach((leaf, index) => {
    const values = statistics.valueCounts[index]
    const nulls = statistics.nullValueCounts[index]
    const agrees =
      values?.[0] === leaf.fieldId &&
      values[1] === leaf.valueCount &&
      (leaf.nullCount === null || nulls?.[1] === leaf.nullCount)
    if (!agrees) throw mismatch(file, leaf, { values: values?.[1] ?? -1, nulls: nulls?.[1] ?? -1 })
  })
  return {
    location: file.location,
    recordCount: batch.rowCount,
    sizeBytes: encoded.bytes.byteLength,
    partition: file.partition,
    specId: file.spec['spec-id'],
    schemaId: file.schema['schema-id'],
    metrics: { columnSizes: encoded.leaves.map((leaf) => [leaf.fieldId, leaf.bytes]), ...statistics },
    splitOffsets: encoded.splitOffsets,
  }
}

function mismatch(
  { location }: FileDescription,
  leaf: EncodedParquet['leaves'][number],
  counted: { readonly values: number; readonly nulls: number },
): IngestError {
  return new IngestError('PARQUET', {
    location,
    fieldId: leaf.fieldId,
    values: counted.values,
    valuesWritten: leaf.valueCount,
    nulls: counted.nulls,
    nullsWritten: leaf.nullCount ?? -1,
  })
}
