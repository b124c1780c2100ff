// What is known and counted of one partition while verifying. Pure data and the arithmetic of its compared range.
import { Buckets } from './buckets.ts'
import type { LogPartition } from './verify-source.ts'

/** Why an offset of the compared range needs no row in the main table. */
export interface Explained {
  control: number
  aborted: number
  /** Of a transaction that is still open at the end of the log. */
  open: number
  /** No record has this offset: compacted away, or left out by the producer. */
  compacted: number
  tombstones: number
  deadLetters: number
  /** Below the start of the log: the source no longer says what was there. */
  belowLogStart: number
  /** Given up by an operator: retention overran the position, or it was set ahead. */
  acceptedGap: number
}

/** Offsets that an operator gave up. `skipped`: never read; otherwise their rows are of records that the log lost. */
export interface LedgerGap {
  readonly first: number
  readonly next: number
  readonly kind: 'skipped' | 'truncated'
}

export interface PartitionLedger {
  readonly index: number
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  /** Compared range [start, next); both 0 for a partition that the positions do not name. */
  readonly start: number
  readonly next: number
  readonly gaps: readonly LedgerGap[]
  readonly log: LogPartition | null
  /** Below this the log holds nothing; the end of the range where there is no log at all. */
  readonly logStart: number
  readonly source: Buckets
  readonly table: Buckets
  /** Buckets to be looked at offset by offset whatever their sums say. */
  readonly suspect: Set<number>
  readonly explained: Explained
  logEnd: number
  sourceRecords: number
  tableRows: number
  /** Rows of the dead-letters table whose record is the source's. */
  deadLetters: number
  /** Records of the source that should be a row or a dead letter and are not. */
  unequal: number
  goneFromSource: number
  /** Rows of records that are dead letters, too: a replay made them. */
  replayed: number
  notYetCommitted: number
  missing: number
  duplicate: number
  extra: number
  changed: number
}

type LedgerIdentity = Pick<PartitionLedger, 'topic' | 'topicId' | 'partition' | 'start' | 'next'> &
  Partial<Pick<PartitionLedger, 'gaps'>>

export function openLedger(index: number, identity: LedgerIdentity, log: LogPartition | null): PartitionLedger {
  return {
    gaps: [],
    ...identity,
    index,
    log,
    logStart: log === null ? identity.next : log.logStart,
    logEnd: log === null ? identity.next : log.logStart,
    source: new Buckets(),
    table: new Buckets(),
    suspect: new Set(),
    explained: {
      control: 0,
      aborted: 0,
      open: 0,
      compacted: 0,
      tombstones: 0,
      deadLetters: 0,
      belowLogStart: 0,
      acceptedGap: 0,
    },
    sourceRecords: 0,
    tableRows: 0,
    deadLetters: 0,
    unequal: 0,
    goneFromSource: 0,
    replayed: 0,
    notYetCommitted: 0,
    missing: 0,
    duplicate: 0,
    extra: 0,
    changed: 0,
  }
}

/** Offsets of [first, next) that lie in the compared range. */
export function overlap(ledger: PartitionLedger, first: number, next: number): number {
  return Math.max(0, Math.min(next, ledger.next) - Math.max(first, ledger.start))
}

/** Offsets of the compared range in [first, next) that were never read. */
export const skippedIn = (ledger: PartitionLedger, first: number, next: number): number =>
  ledger.gaps
    .filter((gap) => gap.kind === 'skipped')
    .reduce((sum, gap) => sum + overlap(ledger, Math.max(first, gap.first), Math.min(next, gap.next)), 0)

/** The gap that an offset lies in. */
export const gapAt = (ledger: PartitionLedger, offset: number, kind: LedgerGap['kind']): boolean =>
  ledger.gaps.length > 0 && ledger.gaps.some((gap) => gap.kind === kind && offset >= gap.first && offset < gap.next)

export const isCompared = (ledger: PartitionLedger, offset: number): boolean =>
  offset >= ledger.start && offset < ledger.next

/** Partitions beyond this that neither the positions nor the source name are counted together. */
const strangersMax = 100_000

/** All partitions, by topic id and number; rows of partitions nobody knows get a ledger too, in which all is extra. */
export class Ledgers {
  readonly all: PartitionLedger[] = []
  readonly #byTopic = new Map<string, Map<number, PartitionLedger>>()

  add(identity: LedgerIdentity, log: LogPartition | null): PartitionLedger {
    const ledger = openLedger(this.all.length, identity, log)
    this.all.push(ledger)
    const partitions = this.#byTopic.get(identity.topicId) ?? new Map<number, PartitionLedger>()
    partitions.set(identity.partition, ledger)
    this.#byTopic.set(identity.topicId, partitions)
    return ledger
  }

  find(topicId: string, partition: number): PartitionLedger | undefined {
    return this.#byTopic.get(topicId)?.get(partition)
  }

  /** The ledger that a row belongs to by its own columns. */
  of(topicId: string, partition: number): PartitionLedger {
    const known = this.find(topicId, partition)
    if (known !== undefined) return known
    // A table of rubbish must not fill the memory with partitions: the rest of them share one.
    if (this.all.length > strangersMax && topicId !== '?') return this.of('?', -1)
    return this.add({ topic: '?', topicId, partition, start: 0, next: 0 }, null)
  }
}
