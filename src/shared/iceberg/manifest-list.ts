// Manifest lists (Iceberg spec, "Manifest Lists", format v2): ManifestFile rows ↔ Avro bytes, and the partition summaries by
// which readers skip whole manifests. Pure, any thread.
import { IngestError } from '../errors.ts'
import { avroEncoder, readAvroFile, writeAvroFile } from './avro-container.ts'
import type { AvroRecord, AvroValue } from './avro-value.ts'
import { manifestFieldName, manifestFileSchema } from './manifest-schema.ts'
import type { PartitionColumn } from './partition-transform.ts'
import { compareValues, type SingleValue, serializeValue, typedValue } from './single-value.ts'

export interface ManifestFile {
  readonly location: string
  readonly length: number
  readonly specId: number
  readonly content: 'data' | 'deletes'
  /** Null for a manifest of the snapshot being made: its number is known only when an attempt is staged. */
  readonly sequenceNumber: bigint | null
  /** Lowest data sequence number of its live files; null as above. */
  readonly minSequenceNumber: bigint | null
  readonly addedSnapshotId: bigint
  readonly addedFiles: number
  readonly existingFiles: number
  readonly deletedFiles: number
  readonly addedRows: bigint
  readonly existingRows: bigint
  readonly deletedRows: bigint
  /** One per field of the spec, or null where the writer gave none. */
  readonly partitions: readonly FieldSummary[] | null
  readonly keyMetadata: Uint8Array | null
}

/** What values a partition field takes in a manifest. */
export interface FieldSummary {
  readonly containsNull: boolean
  readonly containsNan: boolean | null
  readonly lowerBound: Uint8Array | null
  readonly upperBound: Uint8Array | null
}

/** Header of a manifest list. */
export interface ManifestListHeader {
  readonly snapshotId: bigint
  readonly parentSnapshotId: bigint | null
  readonly sequenceNumber: bigint
}

/** Bytes of a manifest list. Manifests of this snapshot get its sequence number here. */
export function encodeManifestList(header: ManifestListHeader, manifests: readonly ManifestFile[]): Uint8Array {
  const metadata = {
    'snapshot-id': String(header.snapshotId),
    'parent-snapshot-id': header.parentSnapshotId === null ? 'null' : String(header.parentSnapshotId),
    'sequence-number': String(header.sequenceNumber),
    'format-version': '2',
  }
  const records = manifests.map((manifest) => encodeRow(manifest, header.sequenceNumber))
  return writeAvroFile(manifestFileSchema, metadata, records)
}

const encode = avroEncoder(manifestFileSchema)
/** A list repeats the rows of the one before it; a row that has its numbers never changes. */
const encodedRows = new WeakMap<ManifestFile, Uint8Array>()

function encodeRow(manifest: ManifestFile, sequenceNumber: bigint): Uint8Array {
  const known = encodedRows.get(manifest)
  if (known !== undefined) return known
  const row = encode(manifestRecord(manifest, sequenceNumber))
  if (manifest.sequenceNumber !== null && manifest.minSequenceNumber !== null) encodedRows.set(manifest, row)
  return row
}

function manifestRecord(manifest: ManifestFile, sequenceNumber: bigint): AvroRecord {
  const partitions = manifest.partitions?.map((summary) => ({
    contains_null: summary.containsNull,
    contains_nan: summary.containsNan,
    lower_bound: summary.lowerBound,
    upper_bound: summary.upperBound,
  }))
  return {
    manifest_path: manifest.location,
    manifest_length: BigInt(manifest.length),
    partition_spec_id: manifest.specId,
    content: manifest.content === 'data' ? 0 : 1,
    sequence_number: manifest.sequenceNumber ?? sequenceNumber,
    min_sequence_number: manifest.minSequenceNumber ?? sequenceNumber,
    added_snapshot_id: manifest.addedSnapshotId,
    added_files_count: manifest.addedFiles,
    existing_files_count: manifest.existingFiles,
    deleted_files_count: manifest.deletedFiles,
    added_rows_count: manifest.addedRows,
    existing_rows_count: manifest.existingRows,
    deleted_rows_count: manifest.deletedRows,
    partitions: partitions ?? null,
    key_metadata: manifest.keyMetadata,
  }
}

/** Rows of a manifest list, in file order. Errors: TABLE_METADATA naming the file. */
export function decodeManifestList(bytes: Uint8Array, file: string): ManifestFile[] {
  try {
    return readAvroFile(bytes, manifestFieldName).records.map(readManifestFile)
  } catch (error) {
    throw new IngestError('TABLE_METADATA', { file, reason: 'manifest list cannot be read' }, error)
  }
}

function readManifestFile(record: AvroRecord): ManifestFile {
  const location = record['manifest_path']
  if (typeof location !== 'string') throw new Error('manifest_path missing')
  return {
    location,
    length: Number(long(record['manifest_length'])),
    specId: Number(record['partition_spec_id'] ?? 0),
    content: Number(record['content'] ?? 0) === 0 ? 'data' : 'deletes',
    sequenceNumber: long(record['sequence_number']),
    minSequenceNumber: long(record['min_sequence_number']),
    addedSnapshotId: long(record['added_snapshot_id']),
    // Counts are optional in lists that were written as v1: unknown counts as "may have live files".
    addedFiles: Number(record['added_files_count'] ?? 1),
    existingFiles: Number(record['existing_files_count'] ?? 1),
    deletedFiles: Number(record['deleted_files_count'] ?? 0),
    addedRows: long(record['added_rows_count']),
    existingRows: long(record['existing_rows_count']),
    deletedRows: long(record['deleted_rows_count']),
    partitions: readSummaries(record['partitions']),
    keyMetadata: bytesOrNull(record['key_metadata']),
  }
}

function readSummaries(value: AvroValue | undefined): FieldSummary[] | null {
  if (!Array.isArray(value)) return null
  return value.map((summary: AvroRecord) => ({
    containsNull: summary['contains_null'] === true,
    containsNan: typeof summary['contains_nan'] === 'boolean' ? summary['contains_nan'] : null,
    lowerBound: bytesOrNull(summary['lower_bound']),
    upperBound: bytesOrNull(summary['upper_bound']),
  }))
}

const long = (value: AvroValue | undefined): bigint => (typeof value === 'bigint' ? value : 0n)
const bytesOrNull = (value: AvroValue | undefined): Uint8Array | null => (value instanceof Uint8Array ? value : null)

/** Summaries of the partition structs of a manifest's live files, one per column of the spec. */
export function summarizePartitions(
  columns: readonly PartitionColumn[],
  partitions: ReadonlyArray<readonly AvroValue[]>,
): FieldSummary[] {
  return columns.map((column, index) => {
    let containsNull = false
    let containsNan = false
    let lowest: SingleValue | null = null
    let highest: SingleValue | null = null
    for (const partition of partitions) {
      const value = typedValue(column.type, partition[index] ?? null)
      if (value === null) containsNull = true
      else if (Number.isNaN(value)) containsNan = true
      else {
        if (lowest === null || compareValues(value, lowest) < 0) lowest = value
        if (highest === null || compareValues(value, highest) > 0) highest = value
      }
    }
    return {
      containsNull,
      containsNan,
      lowerBound: lowest === null ? null : serializeValue(column.type, lowest),
      upperBound: highest === null ? null : serializeValue(column.type, highest),
    }
  })
}
