// Places of dead letters (topic id, partition, offset), and which of them are rows of the main table meanwhile. One thread. Invariant:
// the rows of main are the only judge of what was replayed; memory is a few bytes a place, and the caller bounds the places.
import { mainHead } from '../commit/ancestry.ts'
import { replayMark } from '../commit/replay-position.ts'
import { IngestError } from '../errors.ts'
import { branchHead } from '../iceberg/append.ts'
import type { DataFile } from '../iceberg/data-file.ts'
import type { TableMetadata } from '../iceberg/metadata.ts'
import { listFiles } from '../iceberg/read-table.ts'
import type { IcebergSchema } from '../iceberg/schema.ts'
import { deserializeValue } from '../iceberg/single-value.ts'
import type { Store } from '../store/store.ts'
import { openTableFile, type RowSink, readRowGroup } from '../verify/table-file.ts'
import type { LetterHead } from './dead-letter.ts'
import type { PinnedLetters } from './pinned-letters.ts'
import type { LetterGroup } from './read-letters.ts'

type Place = Pick<LetterHead, 'topicId' | 'partition' | 'offset'>

/** What is known of a place: looked for, or a row of main. */
type Found = 'open' | 'row'

export class LetterPlaces {
  /** By topic id and partition, then by offset. Offsets are doubles: exact up to 2^53. */
  readonly #partitions = new Map<string, Map<number, Found>>()
  #lowest = Number.POSITIVE_INFINITY
  #highest = Number.NEGATIVE_INFINITY
  count = 0

  /** False where the place is known already. */
  add({ topicId, partition, offset }: Place): boolean {
    const key = `${topicId}/${partition}`
    const offsets = this.#partitions.get(key) ?? new Map<number, Found>()
    this.#partitions.set(key, offsets)
    const at = Number(offset)
    if (offsets.has(at)) return false
    offsets.set(at, 'open')
    this.#lowest = Math.min(this.#lowest, at)
    this.#highest = Math.max(this.#highest, at)
    this.count++
    return true
  }

  isRow({ topicId, partition, offset }: Place): boolean {
    return this.#partitions.get(`${topicId}/${partition}`)?.get(Number(offset)) === 'row'
  }

  markRow(topicId: string, partition: number, offset: number): void {
    const offsets = this.#partitions.get(`${topicId}/${partition}`)
    if (offsets?.has(offset) === true) offsets.set(offset, 'row')
  }

  /** Whether a place may lie in [lower, upper]; null: not known. */
  overlaps(lower: bigint | null, upper: bigint | null): boolean {
    return (lower === null || Number(lower) <= this.#highest) && (upper === null || Number(upper) >= this.#lowest)
  }
}

/** Whether rows of dead letters may be in main: not before the first replay, unless offsets were read again by hand. */
export const mayBeReplayed = ({ positions }: PinnedLetters): boolean =>
  positions === null || positions.history > 0 || replayMark(positions) !== null

/** Marks the places that are rows of main. Deletes are not applied: a row that was there is not replayed again. Errors: STORE_*, TABLE_*. */
export async function markRows(store: Store, main: TableMetadata, places: LetterPlaces): Promise<void> {
  if (mainHead(main) === null || places.count === 0) return
  const head = branchHead(main, 'main')
  const schema = main.schemas.find((each) => each['schema-id'] === main['current-schema-id'])
  if (head === null || schema === undefined) throw new IngestError('TABLE_METADATA', { field: 'current-schema-id' })
  const columns = new PlaceColumns(schema)
  for (const { file } of (await listFiles(store, head)).dataFiles) {
    if (!places.overlaps(...offsetBounds(file, columns.offsetId))) continue
    const opened = await openTableFile(store, file.location, schema)
    for (const [group, rows] of opened.rowGroups.entries()) {
      columns.reset(rows)
      await readRowGroup(store, opened, group, columns, columns.ids)
      columns.tell(rows, places)
    }
  }
}

function offsetBounds(file: DataFile, id: number): [bigint | null, bigint | null] {
  const bound = (bounds: DataFile['metrics']['lowerBounds']): bigint | null => {
    const bytes = bounds.find(([fieldId]) => fieldId === id)?.[1]
    const value = bytes === undefined ? null : deserializeValue('long', bytes)
    return typeof value === 'bigint' ? value : null
  }
  return [bound(file.metrics.lowerBounds), bound(file.metrics.upperBounds)]
}

/** The three columns of a row group that say which records its rows are. */
class PlaceColumns implements RowSink {
  row = 0
  readonly offsetId: number
  readonly #topicId: number
  readonly #partitionId: number
  #offsets = new Float64Array(0)
  #partitions = new Int32Array(0)
  #topics: string[] = []

  /** Errors: TABLE_MISFIT where a column is missing. */
  constructor(schema: IcebergSchema) {
    const idOf = (column: string): number => {
      const field = schema.fields.find((each) => each.name === column)
      if (field === undefined) throw new IngestError('TABLE_MISFIT', { column })
      return field.id
    }
    this.offsetId = idOf('kafka_offset')
    this.#topicId = idOf('kafka_topic_id')
    this.#partitionId = idOf('kafka_partition')
  }

  get ids(): ReadonlySet<number> {
    return new Set([this.offsetId, this.#topicId, this.#partitionId])
  }

  reset(rows: number): void {
    this.#offsets = new Float64Array(rows).fill(-1)
    this.#partitions = new Int32Array(rows).fill(-1)
    this.#topics = []
  }

  tell(rows: number, places: LetterPlaces): void {
    for (let row = 0; row < rows; row++) {
      places.markRow(this.#topics[row] ?? '', this.#partitions[row] ?? -1, this.#offsets[row] ?? -1)
    }
  }

  integer(id: number, _place: unknown, low: number, high: number): void {
    if (id === this.offsetId) this.#offsets[this.row] = high * 4294967296 + (low >>> 0)
    else this.#partitions[this.row] = low
  }

  bytes(_id: number, _place: unknown, buffer: Uint8Array, start: number, end: number): void {
    const last = this.#topics[this.row - 1]
    const text = Buffer.from(buffer.buffer, buffer.byteOffset + start, end - start).toString('latin1')
    this.#topics[this.row] = text === last ? last : text
  }

  present(): void {}
  item(): void {}
  real(): void {}
  decimal(): void {}
}

/** Heads that are looked for in main together. */
const HEADS_AT_ONCE = 200_000

/** The heads of many row groups in lists that are worth a look through main. */
export async function* together(groups: AsyncIterable<Pick<LetterGroup, 'heads'>>): AsyncGenerator<LetterHead[], void> {
  let held: LetterHead[] = []
  for await (const { heads } of groups) {
    for (const head of heads) held.push(head)
    if (held.length < HEADS_AT_ONCE) continue
    yield held
    held = []
  }
  if (held.length > 0) yield held
}

/** Each letter with whether its record is a row meanwhile. Errors: those of `markRows`. */
export async function withReplayed<L extends LetterHead>(
  store: Store,
  pinned: PinnedLetters,
  heads: readonly L[],
): Promise<readonly { readonly head: L; readonly isReplayed: boolean }[]> {
  const places = new LetterPlaces()
  if (mayBeReplayed(pinned)) {
    for (const head of heads) places.add(head)
    await markRows(store, pinned.main, places)
  }
  return heads.map((head) => ({ head, isReplayed: places.isRow(head) }))
}
