// Manifests (Iceberg spec, "Manifests", format v2): entries ↔ Avro bytes. Pure, any thread.
// Invariant: an entry read here has its snapshot id and sequence numbers resolved (inherited from the manifest list where the
// file leaves them out), and carries its data file as the file had it, so that a merge loses nothing.
import { IngestError } from '../errors.ts'
import { type AvroEncoder, avroEncoder, readAvroFile, writeAvroFile } from './avro-container.ts'
import type { AvroRecord, AvroValue } from './avro-value.ts'
import type { DataFile, PartitionValue } from './data-file.ts'
import { writeJson } from './json.ts'
import type { ManifestFile } from './manifest-list.ts'
import { avroName, decimalSize, manifestEntrySchema, manifestFieldName } from './manifest-schema.ts'
import { type PartitionColumn, partitionColumns } from './partition-transform.ts'
import type { IcebergSchema, PartitionSpec } from './schema.ts'
import { typedValue } from './single-value.ts'

export type EntryStatus = 'existing' | 'added' | 'deleted'

export interface ManifestEntry {
  readonly status: EntryStatus
  readonly snapshotId: bigint
  /** Null while it is to be inherited from the manifest list, which is written per attempt. */
  readonly sequenceNumber: bigint | null
  readonly fileSequenceNumber: bigint | null
  readonly file: FileRecord
}

/** The data_file struct by its wire names; the partition struct as a list in the order of the spec's fields. */
export interface FileRecord {
  /** 0 data, 1 position deletes, 2 equality deletes. */
  readonly content: number
  readonly file_path: string
  readonly file_format: string
  readonly partition: readonly AvroValue[]
  readonly record_count: bigint
  readonly file_size_in_bytes: bigint
  /** column_sizes and the other optional members, as Avro values. */
  readonly rest: AvroRecord
}

/** What a manifest's header and partition struct are made of. */
export interface ManifestLayout {
  readonly schema: IcebergSchema
  readonly spec: PartitionSpec
}

const statusCode: Readonly<Record<EntryStatus, number>> = { existing: 0, added: 1, deleted: 2 }
const statusOfCode: readonly (EntryStatus | undefined)[] = ['existing', 'added', 'deleted']

/** Bytes of a manifest of data files. */
export function encodeManifest(layout: ManifestLayout, entries: readonly ManifestEntry[]): Uint8Array {
  const columns = partitionColumns(layout.spec, layout.schema)
  const schema = manifestEntrySchema(columns)
  const metadata = {
    schema: writeJson(layout.schema),
    'schema-id': String(layout.schema['schema-id']),
    'partition-spec': writeJson(layout.spec.fields),
    'partition-spec-id': String(layout.spec['spec-id']),
    'format-version': '2',
    content: 'data',
  }
  const encode: AvroEncoder = avroEncoder(schema)
  return writeAvroFile(
    schema,
    metadata,
    entries.map((entry) => encode(entryRecord(entry, columns))),
  )
}

function entryRecord(entry: ManifestEntry, columns: readonly PartitionColumn[]): AvroRecord {
  const { partition, rest, ...required } = entry.file
  const values = columns.map((column, index) => [
    avroName(column.name),
    avroPartition(column, partition[index] ?? null),
  ])
  return {
    status: statusCode[entry.status],
    snapshot_id: entry.snapshotId,
    sequence_number: entry.sequenceNumber,
    file_sequence_number: entry.fileSequenceNumber,
    data_file: { ...emptyRest, ...rest, ...required, partition: Object.fromEntries(values) },
  }
}

/** Optional members that a file may leave out. */
const emptyRest: AvroRecord = {
  column_sizes: null,
  value_counts: null,
  null_value_counts: null,
  nan_value_counts: null,
  lower_bounds: null,
  upper_bounds: null,
  key_metadata: null,
  split_offsets: null,
  equality_ids: null,
  sort_order_id: null,
}

/** A partition value in the Avro form of its column. */
function avroPartition(column: PartitionColumn, value: AvroValue): AvroValue {
  const typed = typedValue(column.type, value)
  if (typeof typed === 'bigint' && column.type.startsWith('decimal')) return fixedDecimal(column.type, typed)
  return typed
}

function fixedDecimal(type: string, unscaled: bigint): Uint8Array {
  const precision = Number(/\((\d+)/.exec(type)?.[1] ?? 38)
  const bytes = new Uint8Array(decimalSize(precision))
  for (let at = bytes.length - 1, left = unscaled; at >= 0; at--, left >>= 8n) bytes[at] = Number(left & 0xffn)
  return bytes
}

/** Entries of a manifest, in file order, deleted ones among them. Errors: TABLE_METADATA naming the file. */
export function decodeManifest(bytes: Uint8Array, manifest: ManifestFile): ManifestEntry[] {
  try {
    const { records } = readAvroFile(bytes, manifestFieldName)
    return records.map((record) => readEntry(record, manifest))
  } catch (error) {
    throw new IngestError('TABLE_METADATA', { file: manifest.location, reason: 'manifest cannot be read' }, error)
  }
}

function readEntry(record: AvroRecord, manifest: ManifestFile): ManifestEntry {
  const status = statusOfCode[Number(record['status'])]
  if (status === undefined) throw new Error(`status ${record['status']} is unknown`)
  // Only added files inherit; files of a table that was v1 have sequence number 0 (spec, "Sequence Number Inheritance").
  const inherited = status === 'added' || manifest.sequenceNumber === 0n ? manifest.sequenceNumber : null
  const sequenceNumber = optionalLong(record['sequence_number']) ?? inherited
  if (status === 'existing' && sequenceNumber === null) throw new Error('existing file without a sequence number')
  return {
    status,
    snapshotId: optionalLong(record['snapshot_id']) ?? manifest.addedSnapshotId,
    sequenceNumber,
    fileSequenceNumber: optionalLong(record['file_sequence_number']) ?? inherited,
    file: readFile(record['data_file']),
  }
}

function readFile(value: AvroValue | undefined): FileRecord {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Uint8Array) {
    throw new Error('data_file missing')
  }
  // Array.isArray does not narrow readonly arrays; the check above has excluded them.
  const record = value as AvroRecord
  const { content, file_path, file_format, partition, record_count, file_size_in_bytes, ...rest } = record
  if (typeof file_path !== 'string' || typeof file_format !== 'string') throw new Error('file path or format missing')
  return {
    content: content === undefined ? 0 : Number(content),
    file_path,
    file_format,
    partition: typeof partition === 'object' && partition !== null ? Object.values(partition) : [],
    record_count: requiredLong(record_count, 'record_count'),
    file_size_in_bytes: requiredLong(file_size_in_bytes, 'file_size_in_bytes'),
    rest,
  }
}

const optionalLong = (value: AvroValue | undefined): bigint | null => (typeof value === 'bigint' ? value : null)

function requiredLong(value: AvroValue | undefined, name: string): bigint {
  if (typeof value !== 'bigint') throw new Error(`${name} missing`)
  return value
}

/** The data_file struct of a new Parquet file. */
export function fileRecord(file: DataFile): FileRecord {
  const { metrics } = file
  return {
    content: 0,
    file_path: file.location,
    file_format: 'PARQUET',
    partition: file.partition,
    record_count: BigInt(file.recordCount),
    file_size_in_bytes: BigInt(file.sizeBytes),
    rest: {
      column_sizes: longPairs(metrics.columnSizes),
      value_counts: longPairs(metrics.valueCounts),
      null_value_counts: longPairs(metrics.nullValueCounts),
      nan_value_counts: longPairs(metrics.nanValueCounts),
      lower_bounds: bytePairs(metrics.lowerBounds),
      upper_bounds: bytePairs(metrics.upperBounds),
      split_offsets: file.splitOffsets.length === 0 ? null : file.splitOffsets.map(BigInt),
      sort_order_id: file.sortOrderId ?? 0,
    },
  }
}

const longPairs = (pairs: ReadonlyArray<readonly [number, number]>): AvroValue =>
  pairs.map(([key, value]) => ({ key, value: BigInt(value) }))

const bytePairs = (pairs: ReadonlyArray<readonly [number, Uint8Array]>): AvroValue =>
  pairs.map(([key, value]) => ({ key, value }))

/** A live entry's file in the terms of the seam between threads. `schemaId` is the manifest's business: -1 where unknown. */
export function dataFileOf(file: FileRecord, specId: number, schemaId = -1): DataFile {
  return {
    location: file.file_path,
    recordCount: Number(file.record_count),
    sizeBytes: Number(file.file_size_in_bytes),
    partition: file.partition.map(partitionValue),
    specId,
    schemaId,
    metrics: {
      columnSizes: numberPairs(file.rest['column_sizes']),
      valueCounts: numberPairs(file.rest['value_counts']),
      nullValueCounts: numberPairs(file.rest['null_value_counts']),
      nanValueCounts: numberPairs(file.rest['nan_value_counts']),
      lowerBounds: boundPairs(file.rest['lower_bounds']),
      upperBounds: boundPairs(file.rest['upper_bounds']),
    },
    splitOffsets: listOf(file.rest['split_offsets']).map(Number),
  }
}

/** Numbers and text as they are; longs as numbers where exact, else as digits; bytes as hex. */
export function partitionValue(value: AvroValue): PartitionValue {
  if (value === null || typeof value === 'number' || typeof value === 'string') return value
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : String(value)
}

function listOf(value: AvroValue | undefined): readonly AvroValue[] {
  return Array.isArray(value) ? value : []
}

function* pairsOf(value: AvroValue | undefined): Generator<readonly [number, AvroValue]> {
  for (const pair of listOf(value)) {
    if (typeof pair === 'object' && pair !== null && 'key' in pair && 'value' in pair)
      yield [Number(pair.key), pair.value]
  }
}

const numberPairs = (value: AvroValue | undefined): Array<readonly [number, number]> =>
  Array.from(pairsOf(value), ([key, count]): readonly [number, number] => [key, Number(count)])

function boundPairs(value: AvroValue | undefined): Array<readonly [number, Uint8Array]> {
  const bounds: Array<readonly [number, Uint8Array]> = []
  for (const [key, bytes] of pairsOf(value)) if (bytes instanceof Uint8Array) bounds.push([key, bytes])
  return bounds
}
