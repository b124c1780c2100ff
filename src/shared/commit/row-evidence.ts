// Guard 3's evidence: how many rows of given offset ranges the main table holds, counted in the data files themselves. One thread.
// Files that cannot hold any are left out by their bounds; the rest is read (three columns). Rare: only where expiry by others cut
// the line to the last snapshot of ours. Invariant: never a guess; what cannot be counted is an error.
import { branchHead } from '../iceberg/append.ts'
import type { DataFile } from '../iceberg/data-file.ts'
import type { TableMetadata } from '../iceberg/metadata.ts'
import { type LiveFile, listFiles } from '../iceberg/read-table.ts'
import { deserializeValue } from '../iceberg/single-value.ts'
import type { PartitionRange } from '../offsets.ts'
import type { Store } from '../store/store.ts'
import { keyRows, type ProvenanceIds, provenanceIds, uncountable } from './key-rows.ts'

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
  const files = dataFiles.filter(({ file }) => ranges.some((range) => mayHold(file, range, ids)))
  if (files.reduce((sum, { file }) => sum + file.recordCount, 0) > rowsMax) return null
  let count = 0n
  for (const file of files) count += await countInFile(store, file, ranges, ids)
  return count
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

async function countInFile(
  store: Store,
  file: LiveFile,
  ranges: readonly PartitionRange[],
  ids: ProvenanceIds,
): Promise<bigint> {
  const offsets = {
    first: ranges.reduce((least, { first }) => (first < least ? first : least), ranges[0]?.first ?? 0n),
    next: ranges.reduce((most, { next }) => (next > most ? next : most), 0n),
  }
  let count = 0n
  for await (const rows of keyRows(store, file, ids, offsets)) {
    for (const { topicId, partition, offset } of rows) {
      if (typeof offset !== 'bigint' && typeof offset !== 'number') continue
      const position = BigInt(offset)
      const inRange = (range: PartitionRange): boolean =>
        range.topic.endsWith(`/${topicId}`) &&
        range.partition === Number(partition) &&
        position >= range.first &&
        position < range.next
      if (ranges.some(inRange)) count++
    }
  }
  return count
}
