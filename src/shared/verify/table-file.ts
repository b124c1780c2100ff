// Reads one Parquet file of the table, row group by row group, and tells a sink the values of its rows: the table's half of the
// comparison. One thread; memory is one column chunk and the sink's rows. Invariant: values are told as they lie in the file,
// by Iceberg field id; every leaf yields exactly the rows of its row group, or the file is refused.
import { type FileMetaData, parquetMetadata } from 'hyparquet'
import { IngestError } from '../errors.ts'
import type { IcebergStruct } from '../iceberg/schema.ts'
import type { Store } from '../store/store.ts'
import { decimalWords } from './avro-reader.ts'
import { type LeafLayout, layoutFile } from './parquet-layout.ts'
import { type Page, readPages } from './parquet-page.ts'
import { laneCount, RowHashes } from './row-hash.ts'
import { Place, type ValueSink } from './value-sink.ts'

/** A sink that is told of many rows, column by column; `row` counts from 0 in the row group. */
export interface RowSink extends ValueSink {
  row: number
}

export interface TableFile {
  readonly location: string
  readonly sizeBytes: number
  readonly rowCount: number
  readonly rowGroups: readonly number[]
  readonly metadata: FileMetaData
  readonly leaves: readonly LeafLayout[]
}

const footerBytes = 65_536
/** A row group beyond this is refused: its row hashes would not fit. */
const rowsMax = 16_000_000

/** Reads the footer. Errors: STORE_MISSING, STORE_IO, TABLE_FILE_CORRUPT, VERIFY_UNSUPPORTED. */
export async function openTableFile(store: Store, location: string, table: IcebergStruct): Promise<TableFile> {
  const size = await store.size(location)
  if (size === null) throw new IngestError('STORE_MISSING', { file: location })
  const metadata = await readFooter(store, location, size)
  const rowGroups = metadata.row_groups.map((group) => Number(group.num_rows))
  if (rowGroups.some((rows) => rows > rowsMax)) {
    throw new IngestError('VERIFY_UNSUPPORTED', { file: location, reason: `row group of more than ${rowsMax} rows` })
  }
  const rowCount = rowGroups.reduce((sum, rows) => sum + rows, 0)
  if (rowCount !== Number(metadata.num_rows)) {
    throw new IngestError('TABLE_FILE_CORRUPT', { file: location, reason: 'row counts of the footer contradict' })
  }
  return { location, sizeBytes: size, rowCount, rowGroups, metadata, leaves: layoutFile(metadata, table, location) }
}

async function readFooter(store: Store, location: string, size: number): Promise<FileMetaData> {
  let first = Math.max(0, size - footerBytes)
  let tail = await store.read(location, { first, next: size })
  if (tail.length < 8) throw corrupt(location, 'shorter than a footer')
  const view = new DataView(tail.buffer, tail.byteOffset, tail.byteLength)
  const length = view.getUint32(tail.length - 8, true)
  if (length + 8 > size) throw corrupt(location, 'footer longer than the file')
  if (length + 8 > tail.length) {
    first = size - length - 8
    tail = await store.read(location, { first, next: size })
  }
  try {
    return parquetMetadata(tail)
  } catch (error) {
    throw new IngestError('TABLE_FILE_CORRUPT', { file: location }, error)
  }
}

/**
 * Tells the sink every value of a row group. `fields`: top-level field ids to read, or null for all.
 * Errors: TABLE_FILE_CORRUPT, STORE_IO.
 */
export async function readRowGroup(
  store: Store,
  file: TableFile,
  group: number,
  sink: RowSink,
  fields: ReadonlySet<number> | null = null,
): Promise<void> {
  const rowGroup = file.metadata.row_groups[group]
  if (rowGroup === undefined) throw corrupt(file.location, `no row group ${group}`)
  for (const leaf of file.leaves) {
    if (fields !== null && !fields.has(leaf.steps[0]?.id ?? 0)) continue
    const chunk = rowGroup.columns[leaf.column]?.meta_data
    if (chunk === undefined) throw corrupt(file.location, 'column without metadata')
    const first = Number(chunk.dictionary_page_offset ?? chunk.data_page_offset)
    const next = first + Number(chunk.total_compressed_size)
    const bytes = await store.read(file.location, { first, next })
    try {
      tellLeaf(bytes, leaf, chunk.codec, Number(rowGroup.num_rows), sink)
    } catch (error) {
      if (error instanceof IngestError && error.code !== 'SOURCE_CORRUPT') throw error
      throw new IngestError(
        'TABLE_FILE_CORRUPT',
        { file: file.location, column: chunk.path_in_schema.join('.') },
        error,
      )
    }
  }
}

type Codec = Parameters<typeof readPages>[1]['codec']

function tellLeaf(bytes: Uint8Array, leaf: LeafLayout, codec: Codec, rows: number, sink: RowSink): void {
  const { element, levelMax, repetitionMax } = leaf
  const type = element.type
  if (type === undefined) throw new Error('leaf without a type')
  const teller = new LeafTeller(leaf, sink)
  for (const page of readPages(bytes, { type, codec, element, levelMax, repetitionMax })) teller.page(page)
  if (teller.rows !== rows) throw new Error(`${teller.rows} rows in a row group of ${rows}`)
}

/** The events of one leaf column, page by page. */
class LeafTeller {
  rows = 0
  readonly #leaf: LeafLayout
  readonly #sink: RowSink
  readonly #place = new Place()
  readonly #isFlat: boolean
  readonly #decimal = new Int32Array(4)
  /** Hashes of the dictionary's entries, for the dictionary they were taken of. */
  #hashed: { readonly dictionary: unknown; readonly lanes: Int32Array } | null = null

  constructor(leaf: LeafLayout, sink: RowSink) {
    this.#leaf = leaf
    this.#sink = sink
    this.#isFlat = leaf.steps.length === 1
  }

  page(page: Page): void {
    if (!this.#isFlat) this.#nested(page)
    else if (page.dictionary !== null && this.#sink instanceof RowHashes) this.#flatHashed(page, this.#sink)
    else this.#flat(page)
  }

  #flat(page: Page): void {
    const { definitions, count } = page
    const sink = this.#sink
    for (let entry = 0, index = 0; entry < count; entry++) {
      sink.row = this.rows++
      if (definitions === null || definitions[entry] === 1) this.#value(page, index++)
    }
  }

  #flatHashed(page: Page, sink: RowHashes): void {
    const lanes = this.#dictionaryLanes(page)
    const { definitions, count, values } = page
    for (let entry = 0, index = 0; entry < count; entry++) {
      sink.row = this.rows++
      if (definitions === null || definitions[entry] === 1) sink.addLanes(lanes, values[index++] as number)
    }
  }

  #dictionaryLanes(page: Page): Int32Array {
    const { dictionary } = page
    if (this.#hashed?.dictionary === dictionary) return this.#hashed.lanes
    const size = (dictionary?.length ?? 0) / (this.#leaf.kind === 'int64' || this.#isWideDecimal() ? 2 : 1)
    const hashes = new RowHashes(size)
    const teller = new LeafTeller(this.#leaf, hashes)
    const entries = Int32Array.from({ length: size }, (_, index) => index)
    teller.#flat({ count: size, definitions: null, repetitions: null, values: entries, dictionary })
    this.#hashed = { dictionary, lanes: hashes.lanes.subarray(0, size * laneCount) }
    return this.#hashed.lanes
  }

  #isWideDecimal(): boolean {
    return this.#leaf.kind === 'decimal' && this.#leaf.element.type === 'INT64'
  }

  /** Dremel: an entry's repetition level says which list goes on, its definition level how far down it is there. */
  #nested(page: Page): void {
    const { steps, levelMax } = this.#leaf
    const { definitions, repetitions, count } = page
    const place = this.#place
    const sink = this.#sink
    for (let entry = 0, index = 0; entry < count; entry++) {
      const level = definitions === null ? levelMax : (definitions[entry] as number)
      const repetition = repetitions === null ? 0 : (repetitions[entry] as number)
      let at = 0
      if (repetition === 0) {
        place.clear()
        sink.row = this.rows++
      } else {
        at = this.#nextItem(repetition)
      }
      for (; at < steps.length; at++) {
        const step = steps[at] as LeafLayout['steps'][number]
        if (step.repetition !== 'REQUIRED' && level <= step.levelBefore) break
        if (step.role === 'leaf') this.#value(page, index++)
        else if (step.role === 'item') {
          place.enter(0)
          if (step.tells) sink.item(step.id, place)
        } else if (step.tells) sink.present(step.id, place)
      }
    }
  }

  /** Steps to the next item of the list at a repetition level; the step after the item's. */
  #nextItem(repetition: number): number {
    const { steps } = this.#leaf
    const place = this.#place
    if (place.depth < repetition) throw new Error('repetition level without a list to go on with')
    const index = place.indices[repetition - 1] as number
    place.leaveTo(repetition - 1)
    place.enter(index + 1)
    let at = 0
    for (let level = 0; level < repetition; at++) if (steps[at]?.role === 'item') level++
    const step = steps[at - 1] as LeafLayout['steps'][number]
    if (step.tells) this.#sink.item(step.id, place)
    return at
  }

  #value(page: Page, index: number): void {
    const { id, kind } = this.#leaf
    const sink = this.#sink
    const place = this.#place
    const isIndexed = page.dictionary !== null
    const values = page.dictionary ?? page.values
    const at = isIndexed ? (page.values[index] as number) : index
    switch (kind) {
      case 'int32': {
        const value = values[at] as number
        sink.integer(id, place, value, value >> 31)
        return
      }
      case 'int64':
        this.#long(values[at * 2] as number, values[at * 2 + 1] as number)
        return
      case 'boolean':
        sink.integer(id, place, values[at] ? 1 : 0, 0)
        return
      case 'float':
      case 'double':
        sink.real(id, place, values[at] as number)
        return
      case 'bytes': {
        const bytes = values[at] as Uint8Array
        sink.bytes(id, place, bytes, 0, bytes.length)
        return
      }
      case 'decimal':
        this.#unscaled(values, at)
        sink.decimal(id, place, this.#decimal)
    }
  }

  #long(low: number, high: number): void {
    const { id, factor } = this.#leaf
    if (factor === 1) {
      this.#sink.integer(id, this.#place, low, high)
      return
    }
    const product = ((BigInt(high) << 32n) | BigInt(low >>> 0)) * BigInt(factor)
    this.#sink.integer(id, this.#place, Number(BigInt.asIntN(32, product)), Number(BigInt.asIntN(32, product >> 32n)))
  }

  /** Decimals lie as int32, int64 or big-endian bytes (Parquet spec, "DECIMAL"). */
  #unscaled(values: Page['values'], at: number): void {
    const words = this.#decimal
    if (this.#isWideDecimal()) {
      words[0] = values[at * 2] as number
      words[1] = values[at * 2 + 1] as number
      words.fill((words[1] as number) >> 31, 2)
    } else if (this.#leaf.element.type === 'INT32') {
      words[0] = values[at] as number
      words.fill((words[0] as number) >> 31, 1)
    } else {
      const bytes = values[at] as Uint8Array
      if (!decimalWords(bytes, 0, bytes.length, words)) throw new Error('decimal beyond 128 bits')
    }
  }
}

const corrupt = (file: string, reason: string): IngestError => new IngestError('TABLE_FILE_CORRUPT', { file, reason })
