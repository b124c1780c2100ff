// The work of one commit to a main table: what it wants the table to hold and say. Plain data; committer thread.
import type { DataFile } from '../iceberg/data-file.ts'
import type { PartitionRange } from '../offsets.ts'
import { newStarts, type PartitionStart, type Positions, startRange, type TablePolicy } from './positions.ts'
import type { Confirmed } from './side-tables.ts'

interface WorkBase {
  readonly table: string
  readonly tableUuid: string
  /** Constant over all attempts, so that a catalog refuses a late second copy (guard 5). */
  readonly snapshotId: bigint
  readonly writer: string
  readonly group: string
  readonly policy: TablePolicy
  /** Side files known to be in their table: this commit forgets them. */
  readonly confirmed: Confirmed
}

/** A group of encoded chunks. */
export interface GroupWork extends WorkBase {
  readonly kind: 'group'
  readonly ranges: readonly PartitionRange[]
  readonly dataFiles: readonly DataFile[]
  /** Side files written for this group, not yet in their table. */
  readonly side: { readonly table: string; readonly files: readonly string[] } | null
  readonly oldestEncodedAtMs: number
}

/** Starts of partitions that the table does not know: an empty snapshot, before their first read. */
export interface StartsWork extends WorkBase {
  readonly kind: 'starts'
  readonly starts: readonly PartitionStart[]
}

export type Work = GroupWork | StartsWork

/** The ranges of the work on top of these positions; starts that are known meanwhile are left out. */
export const rangesOf = (work: Work, positions: Positions): readonly PartitionRange[] =>
  work.kind === 'group' ? work.ranges : newStarts(positions, work.starts).map(startRange)
