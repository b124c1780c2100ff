// The ancestors of a branch head, as far as the metadata still holds them (Iceberg spec, "Snapshots": parent-snapshot-id).
// Pure. Sequence numbers of a table only rise, so an ancestor missing from the visible line is older than its last snapshot.
import type { Snapshot, TableMetadata } from '../iceberg/metadata.ts'

export const MAIN_BRANCH = 'main'

export interface Ancestry {
  /** Newest first; empty where the branch has no snapshot. */
  readonly line: readonly Snapshot[]
  /** False where an expired snapshot cuts the line: older ancestors existed. */
  readonly complete: boolean
}

/** Head of `main`, or null for an empty table. `current-snapshot-id` is the fallback of metadata without refs; -1 means none. */
export function mainHead(metadata: TableMetadata): bigint | null {
  const head = metadata.refs[MAIN_BRANCH]?.['snapshot-id'] ?? metadata['current-snapshot-id']
  return head === null || head === -1n ? null : head
}

export const findSnapshot = (metadata: Pick<TableMetadata, 'snapshots'>, id: bigint): Snapshot | null =>
  metadata.snapshots.find((snapshot) => snapshot['snapshot-id'] === id) ?? null

/** Walks `main` from its head to the first snapshot, or to the first one that was expired. */
export function ancestry(metadata: TableMetadata): Ancestry {
  const byId = new Map(metadata.snapshots.map((snapshot) => [snapshot['snapshot-id'], snapshot]))
  const line: Snapshot[] = []
  let id = mainHead(metadata)
  while (id !== null) {
    const snapshot = byId.get(id)
    if (snapshot === undefined) return { line, complete: false }
    line.push(snapshot)
    byId.delete(id) // a loop in damaged metadata must end, too
    id = snapshot['parent-snapshot-id']
  }
  return { line, complete: true }
}
