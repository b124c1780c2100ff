// Data files and snapshots as a pod of the simulation writes and counts them: names and records in place of bytes.
import { mainHead } from '../../src/shared/commit/ancestry.ts'
import type { Failure } from '../../src/shared/errors.ts'
import type { DataFile } from '../../src/shared/iceberg/data-file.ts'
import type { Snapshot, TableMetadata } from '../../src/shared/iceberg/metadata.ts'
import type { World } from './world.ts'
import { liveFiles, recordId } from './world.ts'

const noMetrics = {
  columnSizes: [],
  valueCounts: [],
  nullValueCounts: [],
  nanValueCounts: [],
  lowerBounds: [],
  upperBounds: [],
}
export const dataFile = (location: string, recordCount: number): DataFile => ({
  location,
  recordCount,
  sizeBytes: 1,
  partition: [],
  specId: 0,
  schemaId: 0,
  metrics: noMetrics,
  splitOffsets: [],
})

/** Whether the files of a head are there, so that something can be staged on it. */
export function isThere(world: World, base: TableMetadata): boolean {
  const head = base.snapshots.find((each) => each['snapshot-id'] === mainHead(base))
  return head === undefined || world.lists.has(head['manifest-list'])
}

export const gone: Failure = { code: 'STORE_MISSING', context: {}, cause: '' }

/** A snapshot on the base: its parent's live files plus the own ones. */
export function stage(
  world: World,
  base: TableMetadata,
  id: bigint,
  timestampMs: number,
  own: readonly string[],
  rows: number,
  summary: Readonly<Record<string, string>>,
): Snapshot {
  const head = mainHead(base)
  const parent = base.snapshots.find((each) => each['snapshot-id'] === head)
  const inherited = parent === undefined ? [] : (world.lists.get(parent['manifest-list']) ?? [])
  const list = `l${world.nextId++}-of-${id}`
  world.lists.set(list, [...inherited, ...own])
  return {
    'snapshot-id': id,
    'parent-snapshot-id': head,
    'sequence-number': base['last-sequence-number'] + 1n,
    'timestamp-ms': timestampMs,
    'manifest-list': list,
    summary: { operation: 'append', ...summary, ...(rows === 0 ? {} : { 'added-records': String(rows) }) },
    'schema-id': 0,
  }
}

/** Rows of main inside the ranges, in the snapshot that the metadata names. */
export function countRows(
  world: World,
  { ranges }: { readonly ranges: ReadonlyArray<{ partition: number; first: bigint; next: bigint }> },
  metadata: TableMetadata = world.tables.main,
): bigint {
  const head = metadata.snapshots.find((each) => each['snapshot-id'] === mainHead(metadata))
  const live =
    metadata === world.tables.main ? liveFiles(world, 'main') : world.lists.get(head?.['manifest-list'] ?? '')
  const wanted = new Set<number>()
  for (const { partition, first, next } of ranges) {
    for (let offset = Number(first); offset < Number(next); offset++) wanted.add(recordId(partition, offset))
  }
  const records = (live ?? []).flatMap((file) => world.files.get(file)?.records ?? [])
  return BigInt(records.filter((record) => wanted.has(record)).length)
}
