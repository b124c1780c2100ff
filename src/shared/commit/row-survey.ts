// What the rows of a main table say of progress: per topic id and partition how many, from which offset to which. One thread; reads
// the whole table, three columns of it. Asked for only where marks do not count. Invariant: as in row-evidence.ts, never a guess.
import { parquetMetadataAsync, parquetReadObjects } from 'hyparquet'
import { IngestError } from '../errors.ts'
import { branchHead } from '../iceberg/append.ts'
import type { DataFile } from '../iceberg/data-file.ts'
import type { TableMetadata } from '../iceberg/metadata.ts'
import { listFiles } from '../iceberg/read-table.ts'
import type { Store } from '../store/store.ts'
import { asyncBuffer, columnName, compressors, type ProvenanceIds, provenanceIds } from './row-evidence.ts'

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
  if (deleteFiles.length > 0) {
    throw new IngestError('POSITIONS_UNTRUSTED', { reason: 'rows-missing', why: 'the table has delete files' })
  }
  const found = new Map<string, PartitionRows>()
  let [rows, unplaced] = [0n, 0n]
  for (const { file } of dataFiles) {
    rows += BigInt(file.recordCount)
    unplaced += await surveyFile(store, file, ids, found)
  }
  const partitions = [...found.values()].sort((a, b) => a.partition - b.partition)
  return { rows, partitions, unplaced }
}

/** Adds the rows of a file; answers how many name no record. */
async function surveyFile(
  store: Store,
  file: DataFile,
  ids: ProvenanceIds,
  found: Map<string, PartitionRows>,
): Promise<bigint> {
  const buffer = asyncBuffer(store, file)
  const metadata = await parquetMetadataAsync(buffer)
  const columns = [ids.topicId, ids.partition, ids.offset].map((id) => columnName(metadata.schema, id, file))
  const [topicId = '', partition = '', offset = ''] = columns
  let unplaced = 0n
  let first = 0
  for (const group of metadata.row_groups) {
    const next = first + Number(group.num_rows)
    const rows = await parquetReadObjects({
      file: buffer,
      metadata,
      columns,
      compressors,
      rowStart: first,
      rowEnd: next,
    })
    for (const row of rows) if (!addRow(found, row[topicId], row[partition], row[offset])) unplaced++
    first = next
  }
  return unplaced
}

function addRow(found: Map<string, PartitionRows>, topicId: unknown, partition: unknown, offset: unknown): boolean {
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
