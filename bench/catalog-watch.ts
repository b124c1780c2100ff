// Watches a table from another connection to its catalog, as a reader would, and notes when each snapshot came into sight. The poll
// reads one row of SQLite; metadata is read only where its location changed.
import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Snapshot } from '../src/shared/iceberg/metadata.ts'
import { openSqlCatalog } from '../src/shared/iceberg/sql-catalog.ts'
import { openFolderStore } from '../src/shared/store/folder-store.ts'
import type { Visible } from './freshness.ts'
import { type RunPlace, TABLE } from './line-run.ts'

const POLL_MS = 5

export interface SeenSnapshot {
  /** Since 1970. */
  readonly seenMs: number
  readonly snapshot: Snapshot
}

/** Snapshots in the order in which they were seen, until `isOver`; then once more. `onSeen` is told of each at once. */
export async function watchSnapshots(
  { catalogFile, warehouse }: RunPlace,
  isOver: () => boolean,
  onSeen: (seen: SeenSnapshot) => void = () => undefined,
): Promise<readonly SeenSnapshot[]> {
  while (!existsSync(catalogFile) && !isOver()) await sleep(POLL_MS)
  const catalog = openSqlCatalog({ file: catalogFile, store: openFolderStore(warehouse) })
  const seen = new Map<bigint, SeenSnapshot>()
  try {
    for (let location = ''; ; await sleep(POLL_MS)) {
      const isLast = isOver()
      // Until the catalog is made, it has no tables to ask for.
      const table = await catalog.loadTable(TABLE).catch(() => null)
      const seenMs = Date.now()
      if (table !== null && table.metadataLocation !== location) {
        location = table.metadataLocation
        for (const snapshot of table.metadata.snapshots) {
          if (seen.has(snapshot['snapshot-id'])) continue
          const each = { seenMs, snapshot }
          seen.set(snapshot['snapshot-id'], each)
          onSeen(each)
        }
      }
      if (isLast) return [...seen.values()]
    }
  } finally {
    await catalog.close()
  }
}

/** What each snapshot added of the only topic of a table: `k2.ranges` of its summary. */
export function visibleOf(seen: readonly SeenSnapshot[]): readonly Visible[] {
  return seen.flatMap(({ seenMs, snapshot }) => {
    // The cast: the summary is of our own program, built with this bench.
    const topics = JSON.parse(snapshot.summary['k2.ranges'] ?? '{}') as Record<string, Record<string, [string, string]>>
    return Object.values(topics).flatMap((partitions) =>
      Object.entries(partitions).map(([partition, [first, next]]) => ({
        partition: Number(partition),
        first: Number(first),
        next: Number(next),
        seenMs,
      })),
    )
  })
}

export const addedRows = ({ summary }: Snapshot): number => Number(summary['added-records'] ?? 0)
