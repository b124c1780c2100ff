// Guard 3's evidence: how many rows of given offset ranges the main table holds, counted in the data files themselves. One thread.
// Files that cannot hold any are left out by their bounds; the rest is read (three columns). Rare: only where expiry by others cut
// the line to the last snapshot of ours. Invariant: never a guess; what cannot be counted is an error.
import { gunzipSync } from 'node:zlib'
import type { AsyncBuffer, Compressors, SchemaElement } from 'hyparquet'
import { parquetMetadataAsync, parquetReadObjects } from 'hyparquet'
import { IngestError } from '../errors.ts'
import { branchHead } from '../iceberg/append.ts'
import type { DataFile } from '../iceberg/data-file.ts'
import type { TableMetadata } from '../iceberg/metadata.ts'
import { listFiles } from '../iceberg/read-table.ts'
import { deserializeValue } from '../iceberg/single-value.ts'
import { decompressZstd } from '../kafka/zstd.ts'
import type { PartitionRange } from '../offsets.ts'
import type { Store } from '../store/store.ts'

export interface ProvenanceIds {
  readonly topicId: number
  readonly partition: number
  readonly offset: number
}

/** Rows of `main` whose topic id, partition and offset lie in the ranges. Errors: STORE_*, POSITIONS_UNTRUSTED (rows-missing). */
export async function countRows(
  store: Store,
  metadata: TableMetadata,
  ranges: readonly PartitionRange[],
): Promise<bigint> {
  return (await countRowsUpTo(store, metadata, ranges, Number.POSITIVE_INFINITY)) ?? 0n
}

/** As `countRows`; null where files of more than `rowsMax` rows would have to be read for it. */
export async function countRowsUpTo(
  store: Store,
  metadata: TableMetadata,
  ranges: readonly PartitionRange[],
  rowsMax: number,
): Promise<bigint | null> {
  const head = branchHead(metadata, 'main')
  if (head === null || ranges.length === 0) return 0n
  const ids = provenanceIds(metadata)
  const { dataFiles, deleteFiles } = await listFiles(store, head)
  // A delete may hide any row: counting without applying it would prove nothing.
  if (deleteFiles.length > 0) throw uncountable('the table has delete files')
  const files = dataFiles.map(({ file }) => file).filter((file) => ranges.some((range) => mayHold(file, range, ids)))
  if (files.reduce((sum, file) => sum + file.recordCount, 0) > rowsMax) return null
  let count = 0n
  for (const file of files) count += await countInFile(store, file, ranges, ids)
  return count
}

export function provenanceIds(metadata: TableMetadata): ProvenanceIds {
  const schema = metadata.schemas.find((each) => each['schema-id'] === metadata['current-schema-id'])
  const idOf = (name: string): number => {
    const field = schema?.fields.find((each) => each.name === name)
    if (field === undefined) throw uncountable(`the table has no column ${name}`)
    return field.id
  }
  return { topicId: idOf('kafka_topic_id'), partition: idOf('kafka_partition'), offset: idOf('kafka_offset') }
}

/** False only where the file's bounds exclude the range; a missing bound excludes nothing. */
function mayHold(file: DataFile, range: PartitionRange, ids: ProvenanceIds): boolean {
  return (
    overlaps(file, ids.partition, 'int', BigInt(range.partition), BigInt(range.partition)) &&
    overlaps(file, ids.offset, 'long', range.first, range.next - 1n)
  )
}

function overlaps(file: DataFile, fieldId: number, type: 'int' | 'long', lowest: bigint, highest: bigint): boolean {
  const lower = boundOf(file.metrics.lowerBounds, fieldId, type)
  const upper = boundOf(file.metrics.upperBounds, fieldId, type)
  return (lower === null || lower <= highest) && (upper === null || upper >= lowest)
}

function boundOf(bounds: DataFile['metrics']['lowerBounds'], fieldId: number, type: 'int' | 'long'): bigint | null {
  const bytes = bounds.find(([id]) => id === fieldId)?.[1]
  if (bytes === undefined) return null
  const value = deserializeValue(type, bytes)
  return typeof value === 'bigint' || typeof value === 'number' ? BigInt(value) : null
}

export const compressors: Compressors = {
  ZSTD: (input, length) => decompressZstd(input, length),
  GZIP: (input, length) => gunzipSync(input, { maxOutputLength: Math.max(1, length) }),
}

async function countInFile(
  store: Store,
  file: DataFile,
  ranges: readonly PartitionRange[],
  ids: ProvenanceIds,
): Promise<bigint> {
  const buffer = asyncBuffer(store, file)
  const metadata = await parquetMetadataAsync(buffer)
  const names = [ids.topicId, ids.partition, ids.offset].map((id) => columnName(metadata.schema, id, file))
  const [topicId = '', partition = '', offset = ''] = names
  const rows = await parquetReadObjects({ file: buffer, metadata, columns: names, compressors })
  let count = 0n
  for (const row of rows) {
    const at = row[offset]
    if (typeof at !== 'bigint' && typeof at !== 'number') continue
    const position = BigInt(at)
    const inRange = (range: PartitionRange): boolean =>
      range.topic.endsWith(`/${row[topicId]}`) &&
      range.partition === Number(row[partition]) &&
      position >= range.first &&
      position < range.next
    if (ranges.some(inRange)) count++
  }
  return count
}

export function columnName(schema: readonly SchemaElement[], fieldId: number, file: DataFile): string {
  const element = schema.find((each) => each.field_id === fieldId)
  if (element === undefined) throw uncountable(`${file.location} has no column of field id ${fieldId}`)
  return element.name
}

export function asyncBuffer(store: Store, file: DataFile): AsyncBuffer {
  return {
    byteLength: file.sizeBytes,
    slice: async (first, next = file.sizeBytes) => {
      const from = first < 0 ? file.sizeBytes + first : first
      const bytes = await store.read(file.location, { first: from, next: next < 0 ? file.sizeBytes + next : next })
      return Uint8Array.from(bytes).buffer
    },
  }
}

const uncountable = (why: string): IngestError =>
  new IngestError('POSITIONS_UNTRUSTED', { reason: 'rows-missing', why })
