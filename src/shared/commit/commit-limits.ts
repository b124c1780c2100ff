// Bounds of a commit: sends, tries, waits, and how much may wait for a side table. Pure; handed in, so that tests choose them.

export interface CommitLimits {
  /** Sends of one commit. */
  readonly attemptsMax: number
  /** Effects that failed but may succeed later (locked catalog, full disk), in a row. */
  readonly troublesMax: number
  readonly backoffMsFirst: number
  readonly backoffMsMax: number
  /** Commits whose side files may be unconfirmed; beyond, main waits (guard 6). */
  readonly unconfirmedMax: number
}

/** Patient for about five minutes under contention, ten where the catalog is locked or the disk is full. */
export const commitLimits: CommitLimits = {
  attemptsMax: 60,
  troublesMax: 120,
  backoffMsFirst: 50,
  backoffMsMax: 5_000,
  unconfirmedMax: 50,
}

/** Exponential and bounded. The shell draws the actual wait from [half, whole], so that pods do not march in step. */
export const backoffMs = (count: number, limits: CommitLimits): number =>
  Math.min(limits.backoffMsMax, limits.backoffMsFirst * 2 ** Math.min(count - 1, 20))
