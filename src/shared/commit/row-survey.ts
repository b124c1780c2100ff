// What the rows of a main table say of progress: per topic id and partition how many, from which offset to which. One thread; reads
// the whole table, three columns of it. Asked for only where marks do not count. Invariant: as in row-evidence.ts, never a guess.
import { branchHead } from '../iceberg/append.ts'
import type { TableMetadata } from '../iceberg/metadata.ts'
import { type LiveFile, listFiles } from '../iceberg/read-table.ts'
import type { Store } from '../store/store.ts'
import { type KeyRow, keyRows, type ProvenanceIds, provenanceIds, uncountable } from './key-rows.ts'

/** Rows of one partition of one topic id. */
export interface PartitionRows {
  readonly topicId: string
  readonly partition: number
  rows: bigint
  lowest: bigint
  highest: bigint
  /** Rows at the highest offset: more than one where it was written twice. */
  atHighest: bigint
}

export interface RowSurvey {
  readonly rows: bigint
  readonly partitions: readonly PartitionRows[]
  /** Rows that name no record. */
  readonly unplaced: bigint
}

/** Errors: STORE_*, POSITIONS_UNTRUSTED (rows that cannot be counted: delete files, a missing column). */
export async function surveyRows(store: Store, metadata: TableMetadata): Promise<RowSurvey> {
  const head = branchHead(metadata, 'main')
  if (head === null) return { rows: 0n, partitions: [], unplaced: 0n }
  const ids = provenanceIds(metadata)
  const { dataFiles, deleteFiles } = await listFiles(store, head)
  if (deleteFiles.length > 0) throw uncountable('the table has delete files')
  const found = new Map<string, PartitionRows>()
  let [rows, unplaced] = [0n, 0n]
  for (const file of dataFiles) {
    rows += BigInt(file.file.recordCount)
    unplaced += await surveyFile(store, file, ids, found)
  }
  const partitions = [...found.values()].sort((a, b) => a.partition - b.partition)
  return { rows, partitions, unplaced }
}

/** Adds the rows of a file; answers how many name no record. */
async function surveyFile(
  store: Store,
  file: LiveFile,
  ids: ProvenanceIds,
  found: Map<string, PartitionRows>,
): Promise<bigint> {
  let placed = 0n
  for await (const rows of keyRows(store, file, ids)) for (const row of rows) if (addRow(found, row)) placed++
  return BigInt(file.file.recordCount) - placed
}

function addRow(found: Map<string, PartitionRows>, { topicId, partition, offset }: KeyRow): boolean {
  if (typeof topicId !== 'string' || typeof partition !== 'number') return false
  if (typeof offset !== 'bigint' && typeof offset !== 'number') return false
  const at = BigInt(offset)
  const key = `${topicId}/${partition}`
  const held = found.get(key)
  if (held === undefined) {
    found.set(key, { topicId, partition, rows: 1n, lowest: at, highest: at, atHighest: 1n })
    return true
  }
  held.rows++
  if (at < held.lowest) held.lowest = at
  if (at === held.highest) held.atHighest++
  if (at > held.highest) {
    held.highest = at
    held.atHighest = 1n
  }
  return true
}
