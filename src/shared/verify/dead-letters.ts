// All rows of the dead-letters table, by partition and offset: a few words each, so that the pass over the source can judge a
// dead letter when it meets its record. Invariant: bounded by `lettersMax`; of several letters for one offset the first counts,
// the others are duplicates.
import { IngestError } from '../errors.ts'
import type { IcebergStruct } from '../iceberg/schema.ts'
import type { Store } from '../store/store.ts'
import type { Ledgers, PartitionLedger } from './partition-ledger.ts'
import { laneCount, RowHashes } from './row-hash.ts'
import { RowKeys } from './row-keys.ts'
import { provenanceNames } from './source-rows.ts'
import { openTableFile, type RowSink, readRowGroup, type TableFile } from './table-file.ts'

/** 40 bytes each. */
const lettersMax = 8_000_000

/** Columns of a dead letter that say which record it is; the rest says why it is one. */
export const letterColumns: readonly string[] = [...provenanceNames, 'value']

/** Where a letter stands once the source has been read. */
export type LetterState = 'unseen' | 'seen' | 'extra'
const states: readonly LetterState[] = ['unseen', 'seen', 'extra']

export class DeadLetters {
  readonly #ledgers: Ledgers
  readonly #table: IcebergStruct
  #count = 0
  #partitions = new Int32Array(256)
  #offsets = new Float64Array(256)
  #lanes = new Int32Array(256 * laneCount)
  #codes = new Int32Array(256)
  #states = new Uint8Array(256)
  readonly #codeNames: string[] = ['']
  readonly #sorted = new Map<PartitionLedger, Int32Array>()

  constructor(table: IcebergStruct, ledgers: Ledgers) {
    this.#table = table
    this.#ledgers = ledgers
  }

  get count(): number {
    return this.#count
  }

  /** Takes a file's rows. Errors: VERIFY_UNSUPPORTED beyond the bound; those of the file. */
  async load(store: Store, location: string): Promise<TableFile> {
    const file = await openTableFile(store, location, this.#table)
    const keys = new RowKeys(this.#table, this.#ledgers)
    const hashes = new RowHashes(0)
    const codes = new ErrorCodes(this.#codeNames)
    const ids = (names: readonly string[]): Set<number> =>
      new Set(this.#table.fields.filter((field) => names.includes(field.name)).map((field) => field.id))
    for (const group of file.rowGroups.keys()) {
      await keys.load(store, file, group)
      hashes.reset(keys.rows)
      await readRowGroup(store, file, group, hashes, ids(letterColumns))
      codes.reset(keys.rows)
      await readRowGroup(store, file, group, codes, ids(['error_code']))
      if (this.#count + keys.rows > lettersMax) {
        throw new IngestError('VERIFY_UNSUPPORTED', { reason: `more than ${lettersMax} dead letters` })
      }
      this.#reserve(this.#count + keys.rows)
      for (let row = 0; row < keys.rows; row++) {
        hashes.finish(row)
        const at = this.#count++
        this.#partitions[at] = keys.ledger(row).index
        this.#offsets[at] = keys.offsets[row] as number
        this.#codes[at] = codes.codes[row] as number
        this.#lanes.set(hashes.lanes.subarray(row * laneCount, (row + 1) * laneCount), at * laneCount)
      }
    }
    return file
  }

  /** Once all files are loaded: sorts, and counts letters that stand twice. */
  close(): void {
    const order = Array.from({ length: this.#count }, (_, index) => index)
    const offsets = this.#offsets
    const partitions = this.#partitions
    order.sort(
      (a, b) =>
        (partitions[a] as number) - (partitions[b] as number) || (offsets[a] as number) - (offsets[b] as number),
    )
    for (let first = 0; first < order.length; ) {
      const partition = partitions[order[first] as number] as number
      let next = first
      while (next < order.length && partitions[order[next] as number] === partition) next++
      const ledger = this.#ledgers.all[partition] as PartitionLedger
      this.#sorted.set(ledger, this.#distinct(order.slice(first, next), ledger))
      first = next
    }
  }

  #distinct(order: readonly number[], ledger: PartitionLedger): Int32Array {
    const kept = order.filter(
      (entry, at) => at === 0 || this.#offsets[entry] !== this.#offsets[order[at - 1] as number],
    )
    ledger.duplicate += order.length - kept.length
    return Int32Array.from(kept)
  }

  /** The letter of an offset, or -1. */
  find(ledger: PartitionLedger, offset: number): number {
    const sorted = this.#sorted.get(ledger)
    if (sorted === undefined) return -1
    const at = this.#lowerBound(sorted, offset)
    const entry = sorted[at] ?? -1
    return entry >= 0 && this.#offsets[entry] === offset ? entry : -1
  }

  /** Marks letters of offsets [first, next) that may not be there. */
  refuse(ledger: PartitionLedger, first: number, next: number): void {
    const sorted = this.#sorted.get(ledger)
    if (sorted === undefined) return
    for (let at = this.#lowerBound(sorted, first); at < sorted.length; at++) {
      const entry = sorted[at] as number
      if ((this.#offsets[entry] as number) >= next) return
      this.#states[entry] = 2
    }
  }

  /** Whether the letter is the record whose hash lies at `lanes[0, 4)`; marks it as seen. */
  judge(entry: number, lanes: Int32Array): boolean {
    this.#states[entry] = 1
    for (let lane = 0; lane < laneCount; lane++) {
      if (this.#lanes[entry * laneCount + lane] !== lanes[lane]) return false
    }
    return true
  }

  markExtra(entry: number): void {
    this.#states[entry] = 2
  }

  code(entry: number): string {
    return this.#codeNames[this.#codes[entry] as number] as string
  }

  /** Visits each letter once with its partition, offset and state. */
  *entries(): Generator<{ readonly ledger: PartitionLedger; readonly offset: number; readonly state: LetterState }> {
    for (const [ledger, sorted] of this.#sorted) {
      for (const entry of sorted) {
        const state = states[this.#states[entry] as number] as LetterState
        yield { ledger, offset: this.#offsets[entry] as number, state }
      }
    }
  }

  #lowerBound(sorted: Int32Array, offset: number): number {
    let [low, high] = [0, sorted.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#offsets[sorted[middle] as number] as number) < offset) low = middle + 1
      else high = middle
    }
    return low
  }

  #reserve(count: number): void {
    if (count <= this.#offsets.length) return
    const size = Math.max(count, this.#offsets.length * 2)
    this.#partitions = grown(this.#partitions, new Int32Array(size))
    this.#offsets = grown(this.#offsets, new Float64Array(size))
    this.#lanes = grown(this.#lanes, new Int32Array(size * laneCount))
    this.#codes = grown(this.#codes, new Int32Array(size))
    this.#states = grown(this.#states, new Uint8Array(size))
  }
}

function grown<T extends Int32Array | Float64Array | Uint8Array>(from: T, to: T): T {
  to.set(from)
  return to
}

/** Column `error_code` as indices into a list of names; 0: null. */
class ErrorCodes implements RowSink {
  row = 0
  codes = new Int32Array(0)
  readonly #names: string[]

  constructor(names: string[]) {
    this.#names = names
  }

  reset(rows: number): void {
    if (this.codes.length < rows) this.codes = new Int32Array(rows)
    this.codes.fill(0, 0, rows)
  }

  bytes(_id: number, _place: unknown, buffer: Uint8Array, start: number, end: number): void {
    const name = Buffer.from(buffer.subarray(start, Math.min(end, start + 64))).toString('utf8')
    const known = this.#names.indexOf(name)
    this.codes[this.row] = known >= 0 ? known : this.#names.length < 1000 ? this.#names.push(name) - 1 : 1
  }

  present(): void {}
  item(): void {}
  integer(): void {}
  real(): void {}
  decimal(): void {}
}
