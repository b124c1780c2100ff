// An encoded file as its manifest entry: encoder output, column statistics and partition value joined into a DataFile. Encode
// worker, once per file. Invariant: footer and statistics were counted apart and agree, or there is no data file.

import type { ColumnBatch } from '../columns/column-batch.ts'
import { columnStatistics } from '../columns/statistics.ts'
import { assert, IngestError } from '../errors.ts'
import type { DataFile, PartitionValue } from '../iceberg/data-file.ts'
import type { IcebergSchema, PartitionSpec } from '../iceberg/schema.ts'
import type { EncodedLeaf, EncodedParquet } from './parquet-encoder.ts'

export interface FileDescription {
  /** Absolute location as the table metadata spells it. */
  readonly location: string
  /** The rows of the file, and no others. */
  readonly batch: ColumnBatch
  readonly schema: IcebergSchema
  readonly spec: PartitionSpec
  readonly partition: readonly PartitionValue[]
  readonly encoded: EncodedParquet
  /** Sort order that the rows have; absent: none. */
  readonly sortOrderId?: number
}

/**
 * The data file for a manifest. Errors: PARQUET where a count of the footer is not that of the batch: values were lost between
 * them (a dropped validity bitmap shows here), and the file must not be committed.
 */
export function describeFile(file: FileDescription): DataFile {
  const { batch, encoded } = file
  const known = encoded.leaves.flatMap(({ fieldId, bounds }) =>
    bounds === undefined ? [] : [[fieldId, bounds] as const],
  )
  const statistics = columnStatistics(batch, file.schema, new Map(known))
  if (encoded.rowCount !== batch.rowCount)
    throw new IngestError('PARQUET', { location: file.location, rows: batch.rowCount, rowsWritten: encoded.rowCount })
  assert(file.partition.length === file.spec.fields.length, 'a partition value has a part per field of its spec')
  statistics.valueCounts.forEach(([fieldId, values], index) => {
    const nulls = statistics.nullValueCounts[index]?.[1] ?? -1
    const leaf = encoded.leaves[index]
    const agrees =
      leaf?.fieldId === fieldId && leaf.valueCount === values && (leaf.nullCount === null || leaf.nullCount === nulls)
    if (!agrees) throw mismatch(file.location, { fieldId, values, nulls }, leaf)
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
    ...(file.sortOrderId === undefined ? {} : { sortOrderId: file.sortOrderId }),
  }
}

function mismatch(
  location: string,
  counted: { readonly fieldId: number; readonly values: number; readonly nulls: number },
  leaf: EncodedLeaf | undefined,
): IngestError {
  return new IngestError('PARQUET', {
    location,
    ...counted,
    fieldWritten: leaf?.fieldId ?? 'none',
    valuesWritten: leaf?.valueCount ?? 'none',
    nullsWritten: leaf?.nullCount ?? 'none',
  })
}
