// One pass over a partition of the log: every offset is told to a visitor, as a record or as a stretch without one and why.
// One thread. Invariant: the stretches and records of a scan tile [from, end of the log) without gap or overlap.
import { IngestError } from '../errors.ts'
import { isControl, type LogBatch } from './log-batch.ts'
import { decompressRecords, RecordWalk } from './log-records.ts'
import { Transactions } from './transactions.ts'
import type { LogPartition } from './verify-source.ts'

export type AbsenceReason = 'control' | 'aborted' | 'open' | 'compacted'

export interface SourceVisitor {
  /** Offsets [first, next) hold no record to be stored. */
  absent(first: number, next: number, reason: AbsenceReason): void
  /** Whether the records of a batch are to be read; if not, `passed` is told. */
  wants(batch: LogBatch): boolean
  passed(batch: LogBatch): void
  /** Start of a batch's records. */
  block(bytes: Uint8Array): void
  /** One record. A promise where something has to be loaded: the record is told again after it. */
  record(walk: RecordWalk): Promise<void> | null
}

/** Reads the markers of a partition. Errors: SOURCE_CORRUPT, SOURCE_UNREADABLE. */
export async function scanTransactions(log: LogPartition): Promise<Transactions> {
  const transactions = new Transactions()
  for await (const batch of log.batchesWithEnds()) transactions.see(batch)
  return transactions
}

/** Scans from the batch that holds `from`, to the end of the log or the first batch at or beyond `to`; the offset reached. */
export async function scanSource(
  log: LogPartition,
  transactions: Transactions,
  visitor: SourceVisitor,
  limits: { readonly from: number; readonly to: number; readonly decompressedBytesMax: number },
): Promise<number> {
  const walk = new RecordWalk()
  let expected = Math.max(log.logStart, limits.from)
  for await (const batch of log.batches(limits.from)) {
    if (batch.baseOffset >= limits.to) return expected
    if (batch.baseOffset > expected) visitor.absent(expected, batch.baseOffset, 'compacted')
    expected = batch.nextOffset
    const fate = isControl(batch) ? 'control' : transactions.fate(batch)
    // A log may begin inside a batch: no consumer is given what lies before.
    const first = Math.max(batch.baseOffset, log.logStart)
    if (fate !== 'committed') visitor.absent(first, batch.nextOffset, fate)
    else if (!visitor.wants(batch)) visitor.passed(batch)
    else {
      try {
        await visitRecords(batch, first, walk, visitor, limits.decompressedBytesMax)
      } catch (error) {
        throw placed(error, log, batch)
      }
    }
  }
  const end = Math.min(log.logEnd ?? expected, limits.to)
  if (end > expected) visitor.absent(expected, end, 'compacted')
  return Math.max(expected, end)
}

/** Adds to an error where it happened. */
function placed(error: unknown, { topicName: topic, partition }: LogPartition, batch: LogBatch): unknown {
  if (!(error instanceof IngestError)) return error
  return new IngestError(error.code, { topic, partition, offset: batch.baseOffset, ...error.context }, error.cause)
}

/** The records from offset `first` on. */
async function visitRecords(
  batch: LogBatch,
  first: number,
  walk: RecordWalk,
  visitor: SourceVisitor,
  bytesMax: number,
): Promise<void> {
  const bytes = decompressRecords(batch, bytesMax)
  walk.open(batch, bytes)
  visitor.block(bytes)
  let expected = first
  while (walk.next()) {
    if (walk.offset < first) continue
    if (walk.offset > expected) visitor.absent(expected, walk.offset, 'compacted')
    expected = walk.offset + 1
    const loading = visitor.record(walk)
    if (loading === null) continue
    await loading
    visitor.record(walk)
  }
  if (batch.nextOffset > expected) visitor.absent(expected, batch.nextOffset, 'compacted')
}
