// What the next expiry would remove of a table, by the very plan that `k2 run` and `k2 tables expire` make. Pure.
import { planExpiry } from '../../shared/commit/expiry-plan.ts'
import { guards } from '../../shared/commit/guards.ts'
import { pendingLists } from '../../shared/iceberg/expired-list.ts'
import type { TableMetadata } from '../../shared/iceberg/metadata.ts'
import { mayExpire } from '../../shared/iceberg/retention.ts'

export interface ExpiryOutlook {
  /** False: the table's owner forbids it (gc.enabled). */
  readonly mayExpire: boolean
  readonly snapshots: number
  /** Tags and branches that are too old. */
  readonly oldRefs: number
  /** Expiries whose files still wait to be deleted. */
  readonly waiting: number
  /** Since when the oldest of them waits, ms since 1970. */
  readonly waitingSinceMs: number | null
}

export function expiryOutlook(metadata: TableMetadata, nowMs: number): ExpiryOutlook {
  const plan = planExpiry(metadata, nowMs, guards, Number.POSITIVE_INFINITY)
  const lists = pendingLists(metadata.properties)
  return {
    mayExpire: mayExpire(metadata),
    snapshots: plan.snapshots.length,
    oldRefs: plan.oldRefs.length,
    waiting: lists.length,
    waitingSinceMs: lists[0]?.atMs ?? null,
  }
}
