// What the committer needs of the world, and the two ways it waits for it. Commit thread.
// Invariant: clock, randomness and sleep come from outside, so that a test decides them.

import type { CommitLimits } from '../shared/commit/commit-limits.ts'
import { backoffMs } from '../shared/commit/commit-limits.ts'
import type { Guards } from '../shared/commit/guards.ts'
import { type Failure, fromFailure, IngestError } from '../shared/errors.ts'
import type { ManifestListCache } from '../shared/iceberg/append.ts'
import type { Catalog } from '../shared/iceberg/catalog.ts'
import type { CommitFact } from '../shared/messages.ts'
import type { Store } from '../shared/store/store.ts'

/** One line of the committer's log: `event` and plain values. */
export type CommitterLog = (line: { readonly event: string } & Readonly<Record<string, string | number>>) => void

export interface CommitterIo {
  readonly catalog: Catalog
  readonly store: Store
  /** Wall clock, ms since 1970. */
  readonly clock: () => number
  readonly randomBytes: (count: number) => Uint8Array
  readonly sleep: (ms: number) => Promise<void>
  readonly guards: Guards
  readonly limits: CommitLimits
  readonly log: CommitterLog
  readonly tell: (fact: CommitFact) => void
  readonly lists: ManifestListCache
}

/** A snapshot id: 63 random bits, never 0. */
export function newSnapshotId(io: CommitterIo): bigint {
  const view = new DataView(Uint8Array.from(io.randomBytes(8)).buffer)
  const id = view.getBigUint64(0) & 0x7fffffffffffffffn
  return id === 0n ? 1n : id
}

/** Waits between half of `msMax` and all of it, so that pods do not march in step. Says so once it is long enough to be asked about. */
export async function pause(io: CommitterIo, table: string, msMax: number, why: string): Promise<void> {
  const fraction = (io.randomBytes(1)[0] ?? 0) / 255
  const ms = Math.round(msMax * (0.5 + fraction / 2))
  io.log({ event: 'waiting', table, why, wait_ms: ms })
  io.tell({ kind: 'waiting', table, why })
  await io.sleep(ms)
}

/** Runs something that may be tried again as it is, while its error says that waiting can help. Bounded. */
export async function patiently<T>(io: CommitterIo, table: string, run: () => Promise<T>): Promise<T> {
  for (let count = 1; ; count++) {
    try {
      return await run()
    } catch (error) {
      if (!(error instanceof IngestError) || error.action !== 'retry' || count > io.limits.troublesMax) throw error
      await pause(io, table, backoffMs(count, io.limits), error.code)
    }
  }
}

export const raise = (failure: Failure): never => {
  throw fromFailure(failure)
}
