// The second pass: buckets whose sums differ, offset by offset. One thread. Invariant: memory is a fixed number of buckets at a
// time; every row and every record of those buckets is judged, so the counts are exact.
import type { RecordFault } from './avro-reader.ts'
import { bucketOf, bucketSize } from './buckets.ts'
import type { DeadLetters } from './dead-letters.ts'
import type { LogBatch } from './log-batch.ts'
import type { RecordWalk } from './log-records.ts'
import { gapAt, isCompared, type PartitionLedger } from './partition-ledger.ts'
import type { PinnedFile } from './pinned-table.ts'
import type { Plans, RecordJudge } from './record-judge.ts'
import { laneCount, type RowHashes } from './row-hash.ts'
import type { RowKeys } from './row-keys.ts'
import type { AbsenceReason, SourceVisitor } from './source-scan.ts'

/** What the source says of one offset. */
const expected = {
  compacted: 0,
  row: 1,
  letter: 2,
  lostLetter: 3,
  control: 4,
  aborted: 5,
  open: 6,
  tombstone: 7,
  before: 8,
  beyond: 9,
  skipped: 10,
  /** A letter whose record can be read: a replay may have made a row of it. */
  replayable: 11,
} as const

const whyExtra: Readonly<Record<number, string>> = {
  [expected.control]: 'a row where the log has a control record',
  [expected.aborted]: 'a row of an aborted transaction',
  [expected.open]: 'a row of a transaction that is still open',
  [expected.tombstone]: 'a row for a tombstone, which the policy of the table skips',
  [expected.before]: 'a row before the first offset of the positions',
  [expected.beyond]: 'a row at or beyond the next offset of the positions',
  [expected.skipped]: 'a row in a gap that was accepted as never read',
}

/** How many rows from before a take-over are still to be met. */
export interface AdoptedRows {
  left: number
}

export type DifferenceKind = 'missing' | 'duplicate' | 'extra' | 'changed'

export interface Difference {
  readonly kind: DifferenceKind
  readonly ledger: PartitionLedger
  readonly offset: number
  readonly reason: string
}

/** Keeps the first few of each kind. */
export class Differences {
  readonly kept: Difference[] = []
  readonly #counts = new Map<DifferenceKind, number>()
  readonly #max: number

  constructor(perKindMax: number) {
    this.#max = perKindMax
  }

  note(kind: DifferenceKind, ledger: PartitionLedger, offset: number, reason: string): void {
    const count = this.#counts.get(kind) ?? 0
    if (count >= this.#max) return
    this.#counts.set(kind, count + 1)
    this.kept.push({ kind, ledger, offset, reason })
  }
}

const faultsMax = 64

/** One bucket of one partition, an entry per offset: 25 bytes each. */
export class BucketDetail implements SourceVisitor {
  readonly ledger: PartitionLedger
  /** The bucket's offsets: [first, end). */
  readonly first: number
  readonly end: number
  readonly #kinds = new Uint8Array(bucketSize)
  readonly #lanes = new Int32Array(bucketSize * laneCount)
  readonly #rows = new Uint32Array(bucketSize)
  readonly #equal = new Uint32Array(bucketSize)
  readonly #faults = new Map<number, RecordFault>()
  readonly #judge: RecordJudge<RowHashes>
  readonly #hashes: RowHashes
  readonly #letters: DeadLetters
  readonly #plans: Plans
  readonly #adopted: AdoptedRows
  readonly #hasReplays: boolean

  constructor(
    ledger: PartitionLedger,
    bucket: number,
    sides: {
      readonly judge: RecordJudge<RowHashes>
      readonly hashes: RowHashes
      readonly letters: DeadLetters
      readonly plans: Plans
      readonly adopted: AdoptedRows
      /** Whether the table says that dead letters were replayed. */
      readonly hasReplays: boolean
    },
  ) {
    this.ledger = ledger
    this.#adopted = sides.adopted
    this.#hasReplays = sides.hasReplays
    this.first = bucket * bucketSize
    this.end = this.first + bucketSize
    this.#judge = sides.judge
    this.#hashes = sides.hashes
    this.#letters = sides.letters
    this.#plans = sides.plans
  }

  absent(first: number, next: number, reason: AbsenceReason): void {
    const kind = expected[reason]
    const end = Math.min(next, this.end)
    for (let offset = Math.max(first, this.first); offset < end; offset++) this.#kinds[offset - this.first] = kind
  }

  wants(batch: LogBatch): boolean {
    return batch.nextOffset > this.first && batch.baseOffset < this.end
  }

  passed(): void {}

  block(bytes: Uint8Array): void {
    this.#judge.rows.openBlock(bytes)
  }

  record(walk: RecordWalk): Promise<void> | null {
    const at = walk.offset - this.first
    if (at < 0 || at >= bucketSize || !isCompared(this.ledger, walk.offset)) return null
    this.#hashes.reset(1)
    const judgement = this.#judge.judge(walk)
    if (judgement === 'unread') return this.#plans.load(this.#judge.schemaId)
    if (judgement === 'tombstone') this.#kinds[at] = expected.tombstone
    else if (this.#letters.find(this.ledger, walk.offset) >= 0) {
      const isReplayable = this.#hasReplays && judgement === 'row'
      this.#kinds[at] = isReplayable ? expected.replayable : expected.letter
      if (isReplayable) this.#keepHash(at)
    } else if (judgement === 'invalid') {
      this.#kinds[at] = expected.lostLetter
      if (this.#faults.size < faultsMax) this.#faults.set(at, this.#judge.fault)
    } else {
      this.#kinds[at] = expected.row
      this.#keepHash(at)
    }
    return null
  }

  #keepHash(at: number): void {
    this.#hashes.finish(0)
    this.#lanes.set(this.#hashes.lanes.subarray(0, laneCount), at * laneCount)
  }

  /** Takes a row of the main table that lies in this bucket; its hash is finished. */
  row(offset: number, lanes: Int32Array, row: number): void {
    const at = offset - this.first
    this.#rows[at] = (this.#rows[at] as number) + 1
    for (let lane = 0; lane < laneCount; lane++) {
      if (this.#lanes[at * laneCount + lane] !== lanes[row * laneCount + lane]) return
    }
    this.#equal[at] = (this.#equal[at] as number) + 1
  }

  /** Counts the bucket into its ledger. */
  close(differences: Differences): void {
    const { ledger } = this
    for (let at = 0; at < bucketSize; at++) {
      const offset = this.first + at
      const kind = this.#kindOf(at, offset)
      const rows = (this.#rows[at] as number) - this.#formerRows(at, offset, kind)
      if (rows === 0 && kind !== expected.row && kind !== expected.lostLetter) continue
      switch (kind) {
        case expected.row:
          this.#closeRow(at, offset, rows, differences)
          break
        case expected.lostLetter:
          this.#closeLostLetter(at, offset, rows, differences)
          break
        case expected.replayable:
          this.#closeReplayed(at, offset, rows, differences)
          break
        case expected.letter:
          ledger.duplicate += rows
          differences.note('duplicate', ledger, offset, 'a row in the main table and a dead letter')
          break
        case expected.compacted:
          this.#closeGone(offset, rows, differences)
          break
        default:
          ledger.extra += rows
          differences.note('extra', ledger, offset, whyExtra[kind] ?? '')
      }
    }
  }

  /** Rows that need no record: of a log that was cut, one an offset; from before the take-over of a table, as many as there were. */
  #formerRows(at: number, offset: number, kind: number): number {
    const rows = this.#rows[at] as number
    const equal = this.#equal[at] as number
    if (kind === expected.before) {
      const taken = Math.min(rows, this.#adopted.left)
      this.#adopted.left -= taken
      return taken
    }
    if (!gapAt(this.ledger, offset, 'truncated')) return 0
    const spare = kind === expected.row && equal === rows ? rows - 1 : rows
    const former = Math.min(1, Math.max(0, spare))
    this.ledger.goneFromSource += former
    return former
  }

  #kindOf(at: number, offset: number): number {
    if (offset < this.ledger.start) return expected.before
    if (gapAt(this.ledger, offset, 'skipped')) return expected.skipped
    return offset >= this.ledger.next ? expected.beyond : (this.#kinds[at] as number)
  }

  #closeRow(at: number, offset: number, rows: number, differences: Differences): void {
    const { ledger } = this
    if (rows === 0 || this.#equal[at] === 0) ledger.unequal++
    if (rows === 0) {
      ledger.missing++
      differences.note('missing', ledger, offset, 'no row for this record')
      return
    }
    if (rows > 1) {
      ledger.duplicate += rows - 1
      differences.note('duplicate', ledger, offset, `${rows} rows for one record`)
    }
    if (this.#equal[at] === 0) {
      ledger.changed++
      differences.note('changed', ledger, offset, 'the row is not the record')
    }
  }

  #closeLostLetter(at: number, offset: number, rows: number, differences: Differences): void {
    const { ledger } = this
    const fault = this.#faults.get(at) ?? 'RECORD_*'
    ledger.unequal++
    if (rows === 0) {
      ledger.missing++
      differences.note('missing', ledger, offset, `no dead letter for a record that cannot be read (${fault})`)
    } else {
      ledger.extra += rows
      differences.note('extra', ledger, offset, `a row for a record that cannot be read (${fault})`)
    }
  }

  /** A dead letter, and rows: a replay made one of them. */
  #closeReplayed(at: number, offset: number, rows: number, differences: Differences): void {
    const { ledger } = this
    ledger.replayed++
    if (rows > 1) {
      ledger.duplicate += rows - 1
      differences.note('duplicate', ledger, offset, `${rows} rows for one dead letter`)
    }
    if (this.#equal[at] !== 0) return
    ledger.changed++
    differences.note('changed', ledger, offset, 'the replayed row is not the record')
  }

  /** The record is not in the log any more: the row cannot be compared, but one record never had two. */
  #closeGone(offset: number, rows: number, differences: Differences): void {
    const { ledger } = this
    const letters = this.#letters.find(ledger, offset) >= 0 ? 1 : 0
    if (letters === 0) ledger.goneFromSource++
    const replayed = letters > 0 && rows > 0 && this.#hasReplays ? 1 : 0
    ledger.replayed += replayed
    const count = rows + letters - replayed
    if (count < 2) return
    ledger.duplicate += count - 1
    differences.note('duplicate', ledger, offset, `${count} rows for one record`)
  }
}

/** The details of one partition as one visitor, so that the log is read once for all of them. */
export class PartitionDetails implements SourceVisitor {
  readonly byBucket: ReadonlyMap<number, BucketDetail>
  readonly first: number
  readonly end: number

  constructor(details: readonly BucketDetail[]) {
    this.byBucket = new Map(details.map((detail) => [bucketOf(detail.first), detail]))
    this.first = Math.min(...details.map((detail) => detail.first))
    this.end = Math.max(...details.map((detail) => detail.end))
  }

  absent(first: number, next: number, reason: AbsenceReason): void {
    for (const detail of this.byBucket.values()) detail.absent(first, next, reason)
  }

  wants(batch: LogBatch): boolean {
    for (const detail of this.byBucket.values()) if (detail.wants(batch)) return true
    return false
  }

  passed(): void {}

  block(bytes: Uint8Array): void {
    for (const detail of this.byBucket.values()) detail.block(bytes)
  }

  record(walk: RecordWalk): Promise<void> | null {
    return this.byBucket.get(bucketOf(walk.offset))?.record(walk) ?? null
  }
}

/** Buckets that need a second look, in order. */
export function differingBuckets(ledger: PartitionLedger): number[] {
  const buckets = new Set<number>([...ledger.source.buckets, ...ledger.table.buckets])
  const differing = [...buckets].filter((bucket) => !ledger.source.equals(ledger.table, bucket))
  return [...new Set([...differing, ...ledger.suspect])].sort((a, b) => a - b)
}

/** The rows of a row group that lie in one of the details. `keys` and `hashes` hold the row group. */
export function placeRows(
  keys: RowKeys,
  hashes: RowHashes,
  details: ReadonlyMap<PartitionLedger, PartitionDetails>,
  addedBy: PinnedFile['addedBy'],
): void {
  for (let row = 0; row < keys.rows; row++) {
    const offset = keys.offsets[row] as number
    if (offset < 0 && addedBy === 'others' && keys.isForeign(row)) continue
    const detail = details.get(keys.ledger(row))?.byBucket.get(bucketOf(offset))
    if (detail === undefined) continue
    hashes.finish(row)
    detail.row(offset, hashes.lanes, row)
  }
}
