// The first pass: source and table come down to counts and hash sums per bucket of offsets, dead letters are judged where their
// records are met. One thread. Invariant: afterwards every offset that needs a second look lies in a suspect bucket, or in one
// whose sums differ.
import type { Store } from '../store/store.ts'
import { bucketOf } from './buckets.ts'
import type { DeadLetters } from './dead-letters.ts'
import type { LogBatch } from './log-batch.ts'
import type { RecordWalk } from './log-records.ts'
import { gapAt, isCompared, overlap, type PartitionLedger } from './partition-ledger.ts'
import type { PinnedFile } from './pinned-table.ts'
import type { Plans, RecordJudge } from './record-judge.ts'
import type { RowHashes } from './row-hash.ts'
import type { RowKeys } from './row-keys.ts'
import type { SourceRows } from './source-rows.ts'
import type { AbsenceReason, SourceVisitor } from './source-scan.ts'
import { readRowGroup, type TableFile } from './table-file.ts'

/** A letter whose record is not what the table says, or whose record should have been a row. */
export interface LetterNote {
  readonly ledger: PartitionLedger
  readonly offset: number
  readonly code: string
}

export interface LetterNotes {
  /** Letters that are not their record. */
  readonly changed: LetterNote[]
  /** By error code: letters whose record verify's own reader finds in order (a window rule, a stricter reader). */
  readonly contested: Map<string, number>
  /** Letters without an error code. */
  withoutCode: number
}

export const notesMax = 100

/** Counts a partition's records into its ledger. */
export class FirstPass implements SourceVisitor {
  readonly #ledger: PartitionLedger
  readonly #judge: RecordJudge<RowHashes>
  readonly #hashes: RowHashes
  readonly #letterRows: SourceRows<RowHashes>
  readonly #letterHashes: RowHashes
  readonly #letters: DeadLetters
  readonly #plans: Plans
  readonly #notes: LetterNotes

  constructor(
    ledger: PartitionLedger,
    sides: {
      readonly judge: RecordJudge<RowHashes>
      readonly hashes: RowHashes
      readonly letterRows: SourceRows<RowHashes>
      readonly letterHashes: RowHashes
      readonly letters: DeadLetters
      readonly plans: Plans
      readonly notes: LetterNotes
    },
  ) {
    this.#ledger = ledger
    this.#judge = sides.judge
    this.#hashes = sides.hashes
    this.#letterRows = sides.letterRows
    this.#letterHashes = sides.letterHashes
    this.#letters = sides.letters
    this.#plans = sides.plans
    this.#notes = sides.notes
  }

  absent(first: number, next: number, reason: AbsenceReason): void {
    this.#ledger.explained[reason] += overlap(this.#ledger, first, next)
    // A record that was never visible is no dead letter; one that was compacted away may have been.
    if (reason !== 'compacted') this.#letters.refuse(this.#ledger, first, next)
  }

  wants(batch: LogBatch): boolean {
    return overlap(this.#ledger, batch.baseOffset, batch.nextOffset) > 0
  }

  passed(batch: LogBatch): void {
    if (batch.baseOffset >= this.#ledger.next) this.#ledger.notYetCommitted += batch.recordCount
  }

  block(bytes: Uint8Array): void {
    this.#judge.rows.openBlock(bytes)
  }

  record(walk: RecordWalk): Promise<void> | null {
    const ledger = this.#ledger
    const { offset } = walk
    if (!isCompared(ledger, offset)) {
      if (offset >= ledger.next) ledger.notYetCommitted++
      return null
    }
    if (gapAt(ledger, offset, 'skipped')) {
      ledger.explained.acceptedGap++
      return null
    }
    this.#hashes.reset(1)
    const judgement = this.#judge.judge(walk)
    if (judgement === 'unread') return this.#plans.load(this.#judge.schemaId)
    ledger.sourceRecords++
    const letter = this.#letters.find(ledger, offset)
    if (judgement === 'tombstone') {
      ledger.explained.tombstones++
      if (letter >= 0) this.#letters.markExtra(letter)
    } else if (letter >= 0) this.#judgeLetter(walk, letter, judgement === 'row')
    else if (judgement === 'row') {
      this.#hashes.finish(0)
      ledger.source.add(offset, this.#hashes.lanes, 0)
    } else ledger.suspect.add(bucketOf(offset))
    return null
  }

  #judgeLetter(walk: RecordWalk, letter: number, isValid: boolean): void {
    const hashes = this.#letterHashes
    hashes.reset(1)
    this.#letterRows.provenance(walk)
    this.#letterRows.rawValue(walk)
    hashes.finish(0)
    const code = this.#letters.code(letter)
    const isSame = this.#letters.judge(letter, hashes.lanes)
    this.#ledger.deadLetters++
    this.#ledger.explained.deadLetters++
    if (code === '') this.#notes.withoutCode++
    if (isValid) this.#notes.contested.set(code, (this.#notes.contested.get(code) ?? 0) + 1)
    if (isSame) return
    this.#ledger.changed++
    const { changed } = this.#notes
    if (changed.length < notesMax) changed.push({ ledger: this.#ledger, offset: walk.offset, code })
  }
}

export interface SummedFile {
  /** The buckets that the file's rows lie in, by partition. */
  readonly touched: Map<PartitionLedger, Set<number>>
  /** Rows that claim no record: another writer's. */
  readonly foreignRows: number
}

/** Adds a file's rows to the table side; those of another writer are only counted. Errors: those of the file. */
export async function sumTableFile(
  store: Store,
  file: TableFile,
  keys: RowKeys,
  hashes: RowHashes,
  addedBy: PinnedFile['addedBy'],
): Promise<SummedFile> {
  const touched = new Map<PartitionLedger, Set<number>>()
  let foreignRows = 0
  for (const group of file.rowGroups.keys()) {
    await keys.load(store, file, group)
    hashes.reset(keys.rows)
    await readRowGroup(store, file, group, hashes)
    let last: PartitionLedger | null = null
    let buckets = new Set<number>()
    let lastBucket = Number.NaN
    for (let row = 0; row < keys.rows; row++) {
      const offset = keys.offsets[row] as number
      // K2 names the record of every row: one that claims none in a file of K2 is no other writer's.
      if (offset < 0 && addedBy === 'others' && keys.isForeign(row)) {
        foreignRows++
        continue
      }
      const ledger = keys.ledger(row)
      hashes.finish(row)
      ledger.table.add(offset, hashes.lanes, row)
      ledger.tableRows++
      const bucket = bucketOf(offset)
      if (ledger === last && bucket === lastBucket) continue
      if (ledger !== last) {
        last = ledger
        buckets = touched.get(ledger) ?? new Set()
        touched.set(ledger, buckets)
      }
      lastBucket = bucket
      buckets.add(bucket)
    }
  }
  return { touched, foreignRows }
}
