// Opens the catalog of the commit thread, waiting where another process holds its lock. Commit thread.
// Invariant: opened once, however many routes ask at the same time; after a failure the next call tries again.
import { backoffMs, type CommitLimits } from '../shared/commit/commit-limits.ts'
import { IngestError } from '../shared/errors.ts'
import type { Catalog } from '../shared/iceberg/catalog.ts'
import type { CommitterIo, CommitterLog } from './committer-io.ts'

/** An attempt itself waits for the lock for seconds: some of them are about two minutes. */
export const openAttemptsMax = 15

export interface OpenCatalogIo {
  readonly limits: CommitLimits
  readonly sleep: (ms: number) => Promise<void>
  readonly log: CommitterLog
  readonly tell: CommitterIo['tell']
}

/** Errors: those of `open`; CATALOG_LOCKED only after `attemptsMax` attempts. */
export async function openPatiently(open: () => Catalog, io: OpenCatalogIo, attemptsMax: number): Promise<Catalog> {
  for (let attempt = 1; ; attempt++) {
    try {
      return open()
    } catch (error) {
      if (!(error instanceof IngestError) || error.action !== 'retry' || attempt >= attemptsMax) throw error
      const waitMs = backoffMs(attempt, io.limits)
      io.log({ event: 'waiting', table: '', why: error.code, wait_ms: waitMs })
      io.tell({ kind: 'waiting', table: '', why: error.code })
      await io.sleep(waitMs)
    }
  }
}
