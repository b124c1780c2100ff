// Bounds of a commit: sends, tries, waits, and how much may wait for a side table. Pure; handed in, so that tests choose them.
import { type ErrorCode, errorTable } from '../errors.ts'
import type { CommitOutcome } from '../iceberg/catalog.ts'

export interface CommitLimits {
  /** Sends of one commit. */
  readonly attemptsMax: number
  /** Effects that failed but may succeed later (locked catalog, full disk), in a row. */
  readonly troublesMax: number
  /** Files of a metadata that were gone when they were read, in a row: others expired its snapshots meanwhile, or a file is lost. */
  readonly staleMax: number
  readonly backoffMsFirst: number
  readonly backoffMsMax: number
  /** After a lost race: who won has to begin anew, so the best moment is now. */
  readonly conflictMsFirst: number
  readonly conflictMsMax: number
  /** Commits whose side files may be unconfirmed; beyond, main waits (guard 6). */
  readonly unconfirmedMax: number
}

/** Patient for two minutes of lost races, eight of lost answers, ten where the catalog is locked or the disk is full. */
export const commitLimits: CommitLimits = {
  attemptsMax: 120,
  troublesMax: 120,
  staleMax: 8,
  backoffMsFirst: 50,
  backoffMsMax: 5_000,
  conflictMsFirst: 5,
  conflictMsMax: 1_000,
  unconfirmedMax: 50,
}

/**
 * How often trouble with a staged attempt may be met by trying again, 0 = not at all. A file that is gone is looked for in newer
 * metadata: expiry takes the lists and manifests of snapshots that were the head a moment ago, or when this process fell asleep; and side
 * files that nobody names any more are in their table. A file that is missing on fresh metadata is lost.
 */
export function triesAgainMax(code: ErrorCode, limits: CommitLimits): number {
  if (code === 'STORE_MISSING') return limits.staleMax
  if (code === 'UNCONFIRMED_MISSING') return UNCONFIRMED_TRIES_MAX
  return errorTable[code].action === 'retry' ? limits.troublesMax : 0
}

const UNCONFIRMED_TRIES_MAX = 2

/** Exponential and bounded. The shell draws the actual wait from [half, whole], so that pods do not march in step. */
export const backoffMs = (count: number, limits: CommitLimits): number =>
  doubled(count, limits.backoffMsFirst, limits.backoffMsMax)

/** The same after the outcome of a send. */
export const outcomeMs = (outcome: CommitOutcome['kind'], count: number, limits: CommitLimits): number =>
  outcome === 'conflict' ? doubled(count, limits.conflictMsFirst, limits.conflictMsMax) : backoffMs(count, limits)

const doubled = (count: number, first: number, most: number): number =>
  Math.min(most, first * 2 ** Math.min(count - 1, 20))
