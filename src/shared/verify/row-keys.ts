// Which record each row of a row group claims to be: its topic id, partition and offset columns. Pure, hot.
// Invariant: a row that lacks one of the three is attributed to no partition (offset -1), never to a wrong one; one that lacks all three
// claims no record at all, which no row of K2 does.
import { IngestError } from '../errors.ts'
import type { IcebergStruct } from '../iceberg/schema.ts'
import type { Store } from '../store/store.ts'
import type { Ledgers, PartitionLedger } from './partition-ledger.ts'
import { type RowSink, readRowGroup, type TableFile } from './table-file.ts'

const unknownTopic = ''

export class RowKeys implements RowSink {
  row = 0
  rows = 0
  offsets = new Float64Array(0)
  readonly #ids: { readonly topicId: number; readonly partition: number; readonly offset: number }
  readonly #fields: ReadonlySet<number>
  readonly #ledgers: Ledgers
  #partitions = new Int32Array(0)
  #topics = new Int32Array(0)
  readonly #topicNames: string[] = [unknownTopic]
  readonly #topicIndex = new Map<string, number>([[unknownTopic, 0]])
  #lastBytes: Uint8Array | null = null
  #lastTopic = 0
  #ledger: PartitionLedger | null = null
  #ledgerTopic = -1
  #ledgerPartition = 0

  /** Errors: TABLE_MISFIT where a column is missing. */
  constructor(table: IcebergStruct, ledgers: Ledgers) {
    const id = (name: string): number => {
      const found = table.fields.find((field) => field.name === name)
      if (found === undefined) throw new IngestError('TABLE_MISFIT', { column: name })
      return found.id
    }
    this.#ids = { topicId: id('kafka_topic_id'), partition: id('kafka_partition'), offset: id('kafka_offset') }
    this.#fields = new Set(Object.values(this.#ids))
    this.#ledgers = ledgers
  }

  /** Reads the keys of a row group. */
  async load(store: Store, file: TableFile, group: number): Promise<void> {
    this.rows = file.rowGroups[group] ?? 0
    if (this.offsets.length < this.rows) {
      this.offsets = new Float64Array(this.rows)
      this.#partitions = new Int32Array(this.rows)
      this.#topics = new Int32Array(this.rows)
    }
    this.offsets.fill(-1, 0, this.rows)
    this.#partitions.fill(-1, 0, this.rows)
    this.#topics.fill(0, 0, this.rows)
    await readRowGroup(store, file, group, this, this.#fields)
  }

  ledger(row: number): PartitionLedger {
    const topic = this.#topics[row] as number
    const partition = this.#partitions[row] as number
    if (this.#ledger === null || topic !== this.#ledgerTopic || partition !== this.#ledgerPartition) {
      this.#ledger = this.#ledgers.of(this.#topicNames[topic] as string, partition)
      this.#ledgerTopic = topic
      this.#ledgerPartition = partition
    }
    return this.#ledger
  }

  /** A row of another writer: it has none of the three columns. */
  isForeign(row: number): boolean {
    return this.offsets[row] === -1 && this.#partitions[row] === -1 && this.#topics[row] === 0
  }

  integer(id: number, _place: unknown, low: number, high: number): void {
    if (id === this.#ids.offset) this.offsets[this.row] = high * 4294967296 + (low >>> 0)
    else this.#partitions[this.row] = low
  }

  bytes(_id: number, _place: unknown, buffer: Uint8Array, start: number, end: number): void {
    // Entries of a dictionary come as the same object again and again.
    if (buffer !== this.#lastBytes) {
      this.#lastBytes = buffer
      const name = Buffer.from(buffer.buffer, buffer.byteOffset + start, end - start).toString('utf8')
      const known = this.#topicIndex.get(name)
      this.#lastTopic = known ?? this.#topicNames.push(name) - 1
      if (known === undefined) this.#topicIndex.set(name, this.#lastTopic)
    }
    this.#topics[this.row] = this.#lastTopic
  }

  present(): void {}
  item(): void {}
  real(): void {}
  decimal(): void {}
}
