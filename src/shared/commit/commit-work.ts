// The work of one commit to a main table: what it wants the table to hold and say. Plain data; committer thread.
import type { DataFile } from '../iceberg/data-file.ts'
import type { PartitionRange } from '../offsets.ts'
import { newStarts, type PartitionStart, type Positions, startRange, type TablePolicy } from './positions.ts'
import type { Evidence } from './read-positions.ts'
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
  /** Absent but for a replay. */
  readonly replay?: ReplayWork
}

/** What a group is that comes from dead letters, not from Kafka (guard 11). */
export interface ReplayWork {
  /** Hash of the records that became rows: the ranges of a replay only count them. */
  readonly records: string
  /** Some of these rows, by which a later reader sees that they are still in the table (guard 3). */
  readonly evidence: Evidence
  /** Further keys of the snapshot summary. */
  readonly summary: Readonly<Record<string, string>>
}

/** Starts of partitions that the table does not know: an empty snapshot, before their first read. */
export interface StartsWork extends WorkBase {
  readonly kind: 'starts'
  readonly starts: readonly PartitionStart[]
}

/**
 * Positions that an operator sets: an empty snapshot, under a new history. It is decided on what somebody saw, so it holds only while
 * the table says exactly that.
 */
export interface ChangeWork extends WorkBase {
  readonly kind: 'change'
  readonly seen: SeenTable
  /** What the table shall say; `snapshot` and `ranges` still those of the value that was seen. */
  readonly positions: Positions
  /** Empty ranges at the positions that are set; at least one. */
  readonly ranges: readonly PartitionRange[]
  /** Further keys of the snapshot summary. */
  readonly summary: Readonly<Record<string, string>>
}

/** What a change was decided on. */
export type SeenTable =
  /** Positions that the table vouches for, by the text of the property: others may commit beside it, K2 may not. */
  | { readonly kind: 'trusted'; readonly property: string }
  /** A table whose marks do not count, or that has none: its rows were looked at, so its head must be the same, too. */
  | {
      readonly kind: 'accepted'
      readonly property: string | null
      readonly head: bigint | null
      /** What the rows that were found prove from now on. */
      readonly evidence: Evidence
    }

export type Work = GroupWork | StartsWork | ChangeWork

/** What names the records of the work beside its ranges. */
export const recordsOf = (work: Work): string | null => (work.kind === 'group' ? (work.replay?.records ?? null) : null)

/** The ranges of the work on top of these positions; starts that are known meanwhile are left out. */
export const rangesOf = (work: Work, positions: Positions): readonly PartitionRange[] =>
  work.kind === 'starts' ? newStarts(positions, work.starts).map(startRange) : work.ranges
