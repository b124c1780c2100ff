// The proof that a table holds what its source holds, offset by offset (docs/verify.md). One thread; reads source and table by
// readers of its own. Order: pin the table, load its dead letters, sum up both sides per bucket of offsets, look at the buckets
// that differ offset by offset, show the first differences column by column.
import { kafkaTopicsOf, replayMark } from '../commit/replay-position.ts'
import { IngestError } from '../errors.ts'
import type { TableName } from '../iceberg/catalog.ts'
import type { TombstonePolicy } from '../messages.ts'
import { DeadLetters } from './dead-letters.ts'
import { explainChanges, type TouchedFile } from './examples.ts'
import { FirstPass, type LetterNotes, sumTableFile } from './first-pass.ts'
import { openLedgers } from './open-ledgers.ts'
import { gapAt, isCompared, type Ledgers, overlap, type PartitionLedger, skippedIn } from './partition-ledger.ts'
import {
  hasExpired,
  type PinnedFile,
  type PinnedTable,
  pinTable,
  type TablePorts,
  trustedPositions,
} from './pinned-table.ts'
import { Plans, RecordJudge, type SchemaLookup } from './record-judge.ts'
import { buildReport, type ReportBody, reportPartition, type VerifyReport } from './report.ts'
import { RowHashes } from './row-hash.ts'
import { RowKeys } from './row-keys.ts'
import type { ColumnDifference } from './row-text.ts'
import {
  type AdoptedRows,
  BucketDetail,
  type Difference,
  Differences,
  differingBuckets,
  PartitionDetails,
  placeRows,
} from './second-pass.ts'
import { SourceRows } from './source-rows.ts'
import { scanSource, scanTransactions } from './source-scan.ts'
import { openTableFile, readRowGroup } from './table-file.ts'
import type { Transactions } from './transactions.ts'
import type { VerifySource } from './verify-source.ts'

export interface VerifyRequest extends TablePorts {
  /** Left open. */
  readonly source: VerifySource
  /** Topics to look at beside those that the table's positions name. */
  readonly topics: (name: string) => boolean
  readonly table: TableName
  readonly schemas: SchemaLookup
  /** What the table does with tombstones; by default what its positions say. */
  readonly tombstone?: TombstonePolicy
  /** Bound of one record batch. */
  readonly decompressedBytesMax: number
  /** Wall-clock ms. */
  readonly now: () => number
}

export interface VerifyProgress {
  readonly stage: 'source' | 'dead letters' | 'table' | 'second look'
  /** Partitions, files or buckets done, of how many. */
  readonly done: number
  readonly total: number
}

/** Buckets looked at together in the second pass: 1.6 MB each. */
const bucketsAtOnce = 64
const examplesPerKind = 10

/**
 * Compares a table with its source. The report says what differs; errors are thrown for what keeps from comparing:
 * SOURCE_*, TABLE_*, POSITIONS_*, POSITION_OUT_OF_RANGE, SIDE_TABLE_MISSING, SCHEMA_*, VERIFY_UNSUPPORTED, those of the ports.
 * Where others expired the snapshot while it was read, so that files of it are gone, the one that is current then is compared.
 */
export async function verifyTable(
  request: VerifyRequest,
  progress: (progress: VerifyProgress) => void = () => {},
): Promise<VerifyReport> {
  const startedMs = request.now()
  for (let looks = 1; ; looks++) {
    const isLast = looks === looksMax
    try {
      const pinned = await pinTable(request, request.table)
      const { report, isShort } = await verifyPinned(request, pinned, progress)
      if (isShort && !isLast && (await hasExpired(request, request.table, pinned))) continue
      return buildReport({ ...report, durationMs: request.now() - startedMs })
    } catch (error) {
      if (isLast || !(error instanceof IngestError) || error.code !== 'STORE_MISSING') throw error
    }
  }
}
const looksMax = 3

async function verifyPinned(
  request: VerifyRequest,
  pinned: PinnedTable,
  progress: (progress: VerifyProgress) => void,
): Promise<{ readonly report: Omit<ReportBody, 'durationMs'>; readonly isShort: boolean }> {
  const names = new Set(kafkaTopicsOf(pinned.positions).map(([, marks]) => marks.name))
  const logs = await request.source.partitions((name) => names.has(name) || request.topics(name))
  const problems = [...pinned.problems]
  const ledgers = openLedgers(pinned.positions, logs, request.source.name, problems)
  const run = new Verification(request, pinned, ledgers, problems, progress)
  await run.loadLetters()
  await run.readSource()
  await run.readTable()
  await run.closeLetters()
  await run.lookAgain()
  problems.push(...replayProblems(pinned, ledgers))
  const examples = await run.examples()
  const foreignRows = takeAdopted(run)
  const report = {
    table: pinned.name,
    snapshotId: pinned.snapshot === null ? null : String(pinned.snapshot['snapshot-id']),
    partitions: ledgers.all.map(reportPartition),
    problems,
    adoptedRows: Number(pinned.positions.adopted ?? 0n) - run.adopted.left,
    foreignRows,
    contested: Object.fromEntries(run.notes.contested),
    examples,
    files: pinned.files.length + pinned.letters.files.length,
  }
  return { report, isShort: run.filesGone > 0 }
}

/** The rows that claim no record, without those that were in the table when it was taken over. */
function takeAdopted({ foreignRows, adopted }: Verification): number {
  const taken = Math.min(foreignRows, adopted.left)
  adopted.left -= taken
  return foreignRows - taken
}

class Verification {
  /** Rows of files of others that claim no record. */
  foreignRows = 0
  filesGone = 0
  /** Rows of another writer, from before the table was taken over, that have not been met yet. */
  readonly adopted: AdoptedRows
  readonly notes: LetterNotes = { changed: [], contested: new Map(), withoutCode: 0 }
  readonly #request: VerifyRequest
  readonly #pinned: PinnedTable
  readonly #ledgers: Ledgers
  readonly #problems: string[]
  readonly #progress: (progress: VerifyProgress) => void
  readonly #plans: Plans
  readonly #tombstone: TombstonePolicy
  readonly #letters: DeadLetters
  readonly #transactions = new Map<PartitionLedger, Transactions>()
  readonly #files: TouchedFile[] = []
  readonly #differences = new Differences(examplesPerKind)
  readonly #keys: RowKeys

  constructor(
    request: VerifyRequest,
    pinned: PinnedTable,
    ledgers: Ledgers,
    problems: string[],
    progress: (progress: VerifyProgress) => void,
  ) {
    this.#request = request
    this.#pinned = pinned
    this.adopted = { left: Number(pinned.positions.adopted ?? 0n) }
    this.#ledgers = ledgers
    this.#problems = problems
    this.#progress = progress
    this.#plans = new Plans(request.schemas, pinned.schema, pinned.columns)
    this.#tombstone = request.tombstone ?? pinned.positions.policy.tombstone
    this.#letters = new DeadLetters(pinned.letters.schema, ledgers)
    this.#keys = new RowKeys(pinned.schema, ledgers)
  }

  async loadLetters(): Promise<void> {
    const { files, name } = this.#pinned.letters
    for (const [done, file] of files.entries()) {
      this.#progress({ stage: 'dead letters', done, total: files.length })
      await this.#withFile(name, file, (location) => this.#letters.load(this.#request.store, location))
    }
    this.#letters.close()
  }

  /** First pass over the log: every record of every compared range. Errors: POSITION_OUT_OF_RANGE. */
  async readSource(): Promise<void> {
    const withLog = this.#ledgers.all.filter((ledger) => ledger.log !== null)
    for (const [done, ledger] of withLog.entries()) {
      this.#progress({ stage: 'source', done, total: withLog.length })
      await this.#readPartition(ledger)
    }
    for (const path of this.#plans.unmapped) this.#problems.push(`${this.#pinned.name}: no column for field ${path}`)
    for (const ledger of this.#ledgers.all) {
      if (ledger.log === null) explainBelow(ledger, ledger.next)
    }
  }

  async #readPartition(ledger: PartitionLedger): Promise<void> {
    const { log } = ledger
    if (log === null) return
    const transactions = await scanTransactions(log)
    this.#transactions.set(ledger, transactions)
    const { judge, hashes } = this.#judge(ledger)
    const letterHashes = new RowHashes(1)
    const letterRows = new SourceRows(letterHashes, this.#pinned.letters.schema)
    letterRows.enter(log)
    const { notes } = this
    const sides = { judge, hashes, letterRows, letterHashes, letters: this.#letters, plans: this.#plans, notes }
    explainBelow(ledger, log.logStart)
    const limits = { from: ledger.start, to: Number.POSITIVE_INFINITY, ...this.#bound() }
    ledger.logEnd = await scanSource(log, transactions, new FirstPass(ledger, sides), limits)
    if (ledger.next > ledger.logEnd) {
      const { topic, partition, next, logEnd } = ledger
      throw new IngestError('POSITION_OUT_OF_RANGE', { topic, partition, next, logEnd })
    }
  }

  #judge(ledger: PartitionLedger): { readonly judge: RecordJudge<RowHashes>; readonly hashes: RowHashes } {
    const hashes = new RowHashes(1)
    const rows = new SourceRows(hashes, this.#pinned.schema)
    if (ledger.log !== null) rows.enter(ledger.log)
    return { judge: new RecordJudge(rows, this.#plans, this.#tombstone), hashes }
  }

  #bound(): { readonly decompressedBytesMax: number } {
    return { decompressedBytesMax: this.#request.decompressedBytesMax }
  }

  /** First pass over the main table. */
  async readTable(): Promise<void> {
    const { files, name, schema } = this.#pinned
    const hashes = new RowHashes(0)
    for (const [done, file] of files.entries()) {
      this.#progress({ stage: 'table', done, total: files.length })
      await this.#withFile(name, file, async (location) => {
        const opened = await openTableFile(this.#request.store, location, schema)
        const summed = await sumTableFile(this.#request.store, opened, this.#keys, hashes, file.addedBy)
        this.#files.push({ location, touched: summed.touched, addedBy: file.addedBy })
        this.foreignRows += summed.foreignRows
        return opened
      })
    }
  }

  /** A file that is gone is a problem, and its rows will be missing; a count that contradicts its manifest is one too. */
  async #withFile(
    table: string,
    file: PinnedFile,
    read: (location: string) => Promise<{ readonly rowCount: number; readonly sizeBytes: number }>,
  ): Promise<void> {
    const { location, recordCount, sizeBytes, format } = file
    if (format !== 'PARQUET') {
      throw new IngestError('VERIFY_UNSUPPORTED', { table, reason: `a data file of format ${format}`, file: location })
    }
    try {
      const found = await read(location)
      if (recordCount !== null && recordCount !== found.rowCount) {
        this.#problems.push(`${table}: ${location} holds ${found.rowCount} rows, its manifest says ${recordCount}`)
      }
      if (sizeBytes !== null && sizeBytes !== found.sizeBytes) {
        this.#problems.push(`${table}: ${location} has ${found.sizeBytes} bytes, its manifest says ${sizeBytes}`)
      }
    } catch (error) {
      if (!(error instanceof IngestError) || error.code !== 'STORE_MISSING') throw error
      this.filesGone++
      this.#problems.push(`${table}: ${location} is gone (${recordCount ?? 'unknown'} rows)`)
    }
  }

  /** Letters whose record the pass over the source did not meet. */
  async closeLetters(): Promise<void> {
    let later: ((ledger: PartitionLedger) => number) | null = null
    for (const { ledger, offset, state } of this.#letters.entries()) {
      if (state === 'seen') continue
      // Its record was cut off the log, and none has taken its place.
      if (state === 'unseen' && gapAt(ledger, offset, 'truncated')) {
        ledger.goneFromSource++
        continue
      }
      if (state === 'unseen' && isCompared(ledger, offset) && !gapAt(ledger, offset, 'skipped')) {
        ledger.goneFromSource++
        continue
      }
      // The side table was read after main: a run going on may have added letters of its newer commits.
      later ??= await this.#newerPositions()
      if (offset >= ledger.next && offset < later(ledger)) continue
      ledger.extra++
      this.#differences.note('extra', ledger, offset, 'a dead letter for an offset that has none')
    }
    if (this.notes.withoutCode > 0) {
      this.#problems.push(`${this.#pinned.letters.name}: ${this.notes.withoutCode} rows without an error_code`)
    }
    for (const { ledger, offset, code } of this.notes.changed) {
      this.#differences.note('changed', ledger, offset, `the dead letter (${code}) is not its record`)
    }
  }

  async #newerPositions(): Promise<(ledger: PartitionLedger) => number> {
    const loaded = await this.#request.catalog.loadTable(this.#request.table)
    if (loaded === null) return () => 0
    const positions = trustedPositions(loaded.metadata, this.#pinned.name)
    return (ledger) => {
      for (const [key, marks] of positions.topics) {
        if (key.endsWith(`/${ledger.topicId}`)) return Number(marks.partitions.get(ledger.partition)?.next ?? 0n)
      }
      return 0
    }
  }

  /** Second pass: the buckets that differ, a bounded number at a time. */
  async lookAgain(): Promise<void> {
    const all = this.#ledgers.all.flatMap((ledger) => differingBuckets(ledger).map((bucket) => ({ ledger, bucket })))
    for (let first = 0; first < all.length; first += bucketsAtOnce) {
      this.#progress({ stage: 'second look', done: first, total: all.length })
      await this.#lookAt(all.slice(first, first + bucketsAtOnce))
    }
  }

  async #lookAt(buckets: ReadonlyArray<{ readonly ledger: PartitionLedger; readonly bucket: number }>): Promise<void> {
    const details = new Map<PartitionLedger, PartitionDetails>()
    for (const ledger of new Set(buckets.map((bucket) => bucket.ledger))) {
      const { adopted } = this
      const hasReplays = replayMark(this.#pinned.positions) !== null
      const sides = { ...this.#judge(ledger), letters: this.#letters, plans: this.#plans, adopted, hasReplays }
      const mine = buckets.filter((entry) => entry.ledger === ledger)
      const visitor = new PartitionDetails(mine.map(({ bucket }) => new BucketDetail(ledger, bucket, sides)))
      details.set(ledger, visitor)
      const transactions = this.#transactions.get(ledger)
      if (ledger.log === null || transactions === undefined) continue
      await scanSource(ledger.log, transactions, visitor, { from: visitor.first, to: visitor.end, ...this.#bound() })
    }
    const hashes = new RowHashes(0)
    const { store } = this.#request
    for (const { location, touched, addedBy } of this.#files) {
      const isTouched = buckets.some(({ ledger, bucket }) => touched.get(ledger)?.has(bucket) === true)
      if (!isTouched) continue
      const file = await openTableFile(store, location, this.#pinned.schema)
      for (const group of file.rowGroups.keys()) {
        await this.#keys.load(store, file, group)
        hashes.reset(this.#keys.rows)
        await readRowGroup(store, file, group, hashes)
        placeRows(this.#keys, hashes, details, addedBy)
      }
    }
    for (const { byBucket } of details.values()) for (const detail of byBucket.values()) detail.close(this.#differences)
  }

  /** The kept differences, with the columns of changed rows. */
  async examples(): Promise<VerifyReport['examples']> {
    const { kept } = this.#differences
    const changes = kept.filter((difference) => difference.kind === 'changed')
    const columns = await explainChanges(changes, {
      store: this.#request.store,
      schema: this.#pinned.schema,
      files: this.#files,
      keys: this.#keys,
      plans: this.#plans,
      tombstone: this.#tombstone,
      transactions: this.#transactions,
      ...this.#bound(),
    })
    return kept.map((difference) => exampleOf(difference, columns.get(difference) ?? []))
  }
}

/** A replayed row that is lost leaves its dead letter behind: only their number tells. Not known once positions were set by hand. */
function replayProblems({ name, positions }: PinnedTable, ledgers: Ledgers): readonly string[] {
  const claimed = Number(replayMark(positions)?.next ?? 0n)
  const found = ledgers.all.reduce((sum, ledger) => sum + ledger.replayed, 0)
  if (positions.history > 0 || claimed === found) return []
  return [`${name}: ${claimed} dead letters were replayed by its positions, ${found} of them are rows`]
}

/** Offsets below the start of the log, as far as nobody gave them up. */
function explainBelow(ledger: PartitionLedger, logStart: number): void {
  const skipped = skippedIn(ledger, 0, logStart)
  ledger.explained.acceptedGap += skipped
  ledger.explained.belowLogStart += overlap(ledger, 0, logStart) - skipped
}

const exampleOf = (difference: Difference, columns: readonly ColumnDifference[]): VerifyReport['examples'][number] => ({
  kind: difference.kind,
  topic: difference.ledger.topic,
  partition: difference.ledger.partition,
  offset: String(difference.offset),
  reason: difference.reason,
  columns,
})
