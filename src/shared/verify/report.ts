// The result of a verification as plain data: what `k2 verify --json` prints, and what the terminal shows. Pure.
// Invariant: the verdict is `equal` only if no count differs and no problem was found.
import type { PartitionLedger } from './partition-ledger.ts'
import type { ColumnDifference } from './row-text.ts'
import type { DifferenceKind } from './second-pass.ts'

export interface DifferenceCounts {
  readonly missing: number
  readonly duplicate: number
  readonly extra: number
  readonly changed: number
}

/** One partition; offsets are decimal strings. */
export interface PartitionReport extends DifferenceCounts {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  /** Compared range [start, next). */
  readonly start: string
  readonly next: string
  readonly logStart: string
  readonly logEnd: string
  /** Records of the source in the range that a reader may see, tombstones and bad ones included. */
  readonly sourceRecords: number
  /** Rows of the main table that claim this partition. */
  readonly tableRows: number
  readonly deadLetters: number
  /** Offsets of the range whose record and row are equal. */
  readonly equal: number
  /** Offsets of the range that need no row, by reason. */
  readonly explained: Readonly<Record<keyof PartitionLedger['explained'], number>>
  /** Rows and dead letters whose record the source no longer holds. */
  readonly goneFromSource: number
  /** Rows that a replay made of dead letters. */
  readonly replayed: number
  /** Records of the source beyond `next`. */
  readonly notYetCommitted: number
}

export interface DifferenceReport {
  readonly kind: DifferenceKind
  readonly topic: string
  readonly partition: number
  readonly offset: string
  readonly reason: string
  readonly columns: readonly ColumnDifference[]
}

export interface VerifyReport {
  readonly table: string
  /** Null: the table has no snapshot yet. */
  readonly snapshotId: string | null
  readonly verdict: 'equal' | 'different'
  readonly partitions: readonly PartitionReport[]
  readonly totals: DifferenceCounts & {
    readonly sourceRecords: number
    readonly tableRows: number
    readonly deadLetters: number
    readonly equal: number
    readonly goneFromSource: number
    readonly replayed: number
    readonly notYetCommitted: number
  }
  /** What is wrong beside single offsets: files, manifests, columns. */
  readonly problems: readonly string[]
  /** Dead letters, by error code, whose record verify's own reader finds in order. */
  readonly contested: Readonly<Record<string, number>>
  /** Rows of another writer, from before the table was taken over. */
  readonly adoptedRows: number
  /** Rows that another writer added beside K2: they claim no record. */
  readonly foreignRows: number
  /** The first differences of each kind. */
  readonly examples: readonly DifferenceReport[]
  readonly files: number
  readonly durationMs: number
}

export function reportPartition(ledger: PartitionLedger): PartitionReport {
  const { explained, log } = ledger
  const needed = ledger.sourceRecords - explained.tombstones - explained.deadLetters
  return {
    topic: ledger.topic,
    topicId: ledger.topicId,
    partition: ledger.partition,
    start: String(ledger.start),
    next: String(ledger.next),
    logStart: String(ledger.logStart),
    logEnd: String(log === null ? ledger.next : ledger.logEnd),
    sourceRecords: ledger.sourceRecords,
    tableRows: ledger.tableRows,
    deadLetters: ledger.deadLetters,
    equal: needed - ledger.unequal,
    explained: { ...explained },
    goneFromSource: ledger.goneFromSource,
    replayed: ledger.replayed,
    notYetCommitted: ledger.notYetCommitted,
    missing: ledger.missing,
    duplicate: ledger.duplicate,
    extra: ledger.extra,
    changed: ledger.changed,
  }
}

export const countDifferences = (counts: DifferenceCounts): number =>
  counts.missing + counts.duplicate + counts.extra + counts.changed

export type ReportBody = Omit<VerifyReport, 'verdict' | 'totals'>

/** Sums up; the verdict follows. */
export function buildReport(body: ReportBody): VerifyReport {
  const sum = (pick: (partition: PartitionReport) => number): number =>
    body.partitions.reduce((total, partition) => total + pick(partition), 0)
  const totals = {
    sourceRecords: sum((partition) => partition.sourceRecords),
    tableRows: sum((partition) => partition.tableRows),
    deadLetters: sum((partition) => partition.deadLetters),
    equal: sum((partition) => partition.equal),
    goneFromSource: sum((partition) => partition.goneFromSource),
    replayed: sum((partition) => partition.replayed),
    notYetCommitted: sum((partition) => partition.notYetCommitted),
    missing: sum((partition) => partition.missing),
    duplicate: sum((partition) => partition.duplicate),
    extra: sum((partition) => partition.extra),
    changed: sum((partition) => partition.changed),
  }
  const isEqual = countDifferences(totals) === 0 && body.problems.length === 0
  return { ...body, totals, verdict: isEqual ? 'equal' : 'different' }
}
