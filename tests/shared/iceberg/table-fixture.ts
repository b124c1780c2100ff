// A small table for tests of the Iceberg library: two columns and a day partition, and data files that exist only by name.
import type { NewTable } from '../../../src/shared/iceberg/catalog.ts'
import type { DataFile } from '../../../src/shared/iceberg/data-file.ts'
import type { Snapshot, TableMetadata } from '../../../src/shared/iceberg/metadata.ts'
import { newTableMetadata } from '../../../src/shared/iceberg/new-table.ts'
import type { IcebergSchema, PartitionSpec } from '../../../src/shared/iceberg/schema.ts'
import { serializeValue } from '../../../src/shared/iceberg/single-value.ts'

export const tradeSchema: IcebergSchema = {
  type: 'struct',
  'schema-id': 0,
  fields: [
    { id: 1, name: 'symbol', required: true, type: 'string' },
    { id: 2, name: 'price', required: false, type: 'decimal(18, 8)' },
    { id: 3, name: 'timestamp', required: true, type: 'timestamptz' },
    { id: 4, name: 'kafka_offset', required: false, type: 'long' },
  ],
}

export const daySpec: PartitionSpec = {
  'spec-id': 0,
  fields: [{ 'source-id': 3, 'field-id': 1000, name: 'timestamp_day', transform: 'day' }],
}

export const newTable = (location: string, properties: Record<string, string> = {}): NewTable => ({
  schema: tradeSchema,
  spec: daySpec,
  location,
  properties,
})

export const freshMetadata = (properties: Record<string, string> = {}, location = 'file:///memory/t'): TableMetadata =>
  newTableMetadata(newTable(location, properties), { uuid: '9c12d441-03fe-4693-9a96-a0705ddf69c1', now: 1_000 })

/** A snapshot that only metadata knows; ids above 2^53 on purpose. */
export const snapshotOf = (
  id: bigint,
  parent: bigint | null,
  sequenceNumber: bigint,
  timestampMs: number,
): Snapshot => ({
  'snapshot-id': id,
  'parent-snapshot-id': parent,
  'sequence-number': sequenceNumber,
  'timestamp-ms': timestampMs,
  'manifest-list': `file:///memory/t/metadata/snap-${id}.avro`,
  summary: { operation: 'append' },
  'schema-id': 0,
})

export const day = (text: string): number => Date.parse(`${text}T00:00:00Z`) / 86_400_000

export function dataFile(name: string, partitionDay: number | null, recordCount: number): DataFile {
  return {
    location: `file:///memory/t/data/${name}.parquet`,
    recordCount,
    sizeBytes: recordCount * 10,
    partition: [partitionDay],
    specId: 0,
    schemaId: 0,
    metrics: {
      columnSizes: [[1, 100]],
      valueCounts: [
        [1, recordCount],
        [4, recordCount],
      ],
      nullValueCounts: [
        [1, 0],
        [4, 0],
      ],
      nanValueCounts: [],
      lowerBounds: [[4, serializeValue('long', 9_007_199_254_740_993n)]],
      upperBounds: [[4, serializeValue('long', 9_007_199_254_740_999n)]],
    },
    splitOffsets: [4],
  }
}
