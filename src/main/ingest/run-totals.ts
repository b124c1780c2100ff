// What a run has done so far, added up commit by commit. Main thread, pure. Invariant: only what is committed counts, so that the
// figures of a run that was killed and started again add up.
import type { StageTimes } from '../../shared/messages.ts'
import type { BatchRow } from '../terminal/batch-table.ts'
import type { RunStatistics } from '../terminal/statistics.ts'
import { addTimes } from './chunk-request.ts'
import type { CommittedBatch } from './pipeline.ts'

export interface RunTotals {
  readonly consumed: number
  readonly written: number
  readonly deadLetters: number
  readonly tombstonesSkipped: number
  readonly commits: number
  readonly dataFiles: number
  readonly times: StageTimes
  /** When the first commit was done, ms since the start, and the records it covered; null before it. */
  readonly first: { readonly atMs: number; readonly messages: number } | null
  readonly lastAtMs: number
}

export const noTotals: RunTotals = {
  consumed: 0,
  written: 0,
  deadLetters: 0,
  tombstonesSkipped: 0,
  commits: 0,
  dataFiles: 0,
  times: { decompressMs: 0, decodeMs: 0, encodeMs: 0, putMs: 0 },
  first: null,
  lastAtMs: 0,
}

/** `atMs`: ms since the start of the run. */
export function addBatch(totals: RunTotals, batch: CommittedBatch, atMs: number): RunTotals {
  const { ranges, dataFiles } = batch.group
  const sum = (of: (range: (typeof ranges)[number]) => number): number =>
    ranges.reduce((total, range) => total + of(range), 0)
  const messages = sum((range) => range.records)
  return {
    ...totals,
    consumed: totals.consumed + messages,
    written: totals.written + sum((range) => range.rows),
    deadLetters: totals.deadLetters + sum((range) => range.deadLetters),
    tombstonesSkipped: totals.tombstonesSkipped + sum((range) => range.tombstonesSkipped),
    commits: totals.commits + 1,
    dataFiles: totals.dataFiles + dataFiles.length,
    times: batch.encoded.reduce((times, encoded) => addTimes(times, encoded.times), totals.times),
    first: totals.first ?? { atMs, messages },
    lastAtMs: atMs,
  }
}

export const batchRow = (totals: RunTotals, batch: CommittedBatch): BatchRow => ({
  batch: totals.commits,
  messages: batch.group.ranges.reduce((sum, range) => sum + range.records, 0),
  durationMs: batch.durationMs,
  commitMs: batch.transaction.transaction_duration_ms,
})

/** The statistics block of a run that ends after `durationMs`. */
export function statisticsOf(totals: RunTotals, durationMs: number, errors: number): RunStatistics {
  const { first, lastAtMs, consumed } = totals
  return {
    consumed,
    written: totals.written,
    deadLetters: totals.deadLetters,
    tombstonesSkipped: totals.tombstonesSkipped,
    errors,
    commits: totals.commits,
    durationMs,
    coldStart: first === null ? null : { messages: first.messages, durationMs: first.atMs },
    steadyState:
      first === null || totals.commits < 2
        ? null
        : { messages: consumed - first.messages, durationMs: lastAtMs - first.atMs },
  }
}
