// Sinks that take the rows of one row group of a dead-letters table: the heads of all of them as columns, and the rest of those that
// are wanted. One thread. Invariant: memory follows the row group; a text that repeats is kept once.
import type { IcebergSchema } from '../iceberg/schema.ts'
import type { RowSink } from '../verify/table-file.ts'
import type { Place } from '../verify/value-sink.ts'
import type { DeadLetter, LetterHead, LetterHeader } from './dead-letter.ts'

/** Columns that `HeadColumns` takes. */
const headColumns = [
  'kafka_topic',
  'kafka_topic_id',
  'kafka_partition',
  'kafka_offset',
  'kafka_timestamp',
  'schema_id',
  'error_code',
  'error_text',
  'field_path',
  'route',
  'seen_at',
] as const
/** Columns that `BodyColumns` takes. */
const bodyColumns = ['kafka_key', 'kafka_headers', 'value', 'k2_version'] as const

type HeadColumn = (typeof headColumns)[number]
type BodyColumn = (typeof bodyColumns)[number]

/** Of no time that a column holds. */
const NO_TIME = -0x8000000000000000n

const namesById = <N extends string>(schema: IcebergSchema, names: readonly N[]): ReadonlyMap<number, N> =>
  new Map(
    names.flatMap((name) => {
      const field = schema.fields.find((each) => each.name === name)
      return field === undefined ? [] : [[field.id, name] as const]
    }),
  )

const textOf = (buffer: Uint8Array, start: number, end: number): string =>
  Buffer.from(buffer.buffer, buffer.byteOffset + start, end - start).toString('utf8')

export class HeadColumns implements RowSink {
  row = 0
  readonly ids: ReadonlySet<number>
  readonly #names: ReadonlyMap<number, HeadColumn>
  #texts: string[] = ['']
  #known = new Map<string, number>([['', 0]])
  #ints = { kafka_partition: new Int32Array(0), schema_id: new Float64Array(0) }
  #longs = words(0)
  #symbols = symbols(0)

  constructor(schema: IcebergSchema) {
    this.#names = namesById(schema, headColumns)
    this.ids = new Set(this.#names.keys())
  }

  /** For the rows of the next row group. */
  reset(rows: number): void {
    this.#ints = { kafka_partition: new Int32Array(rows).fill(-1), schema_id: new Float64Array(rows).fill(Number.NaN) }
    this.#longs = words(rows)
    this.#symbols = symbols(rows)
    this.#texts = ['']
    this.#known = new Map([['', 0]])
  }

  head(row: number): LetterHead {
    const schemaId = this.#ints.schema_id[row] ?? Number.NaN
    return {
      topic: this.#text('kafka_topic', row),
      topicId: this.#text('kafka_topic_id', row),
      partition: this.#ints.kafka_partition[row] ?? -1,
      offset: this.#longs.kafka_offset[row] ?? -1n,
      timestampUs: this.#time('kafka_timestamp', row),
      schemaId: Number.isNaN(schemaId) ? null : schemaId,
      code: this.#text('error_code', row),
      text: this.#text('error_text', row),
      fieldPath: this.#text('field_path', row) || null,
      route: this.#text('route', row),
      seenAtUs: this.#time('seen_at', row),
    }
  }

  integer(id: number, _place: unknown, low: number, high: number): void {
    const name = this.#names.get(id)
    switch (name) {
      case 'kafka_partition':
      case 'schema_id':
        this.#ints[name][this.row] = low
        return
      case 'kafka_offset':
      case 'kafka_timestamp':
      case 'seen_at':
        this.#longs[name][this.row] = (BigInt(high) << 32n) | BigInt(low >>> 0)
    }
  }

  bytes(id: number, _place: unknown, buffer: Uint8Array, start: number, end: number): void {
    const name = this.#names.get(id)
    if (name === undefined || !isText(name)) return
    const text = textOf(buffer, start, end)
    let symbol = this.#known.get(text)
    if (symbol === undefined) {
      symbol = this.#texts.push(text) - 1
      this.#known.set(text, symbol)
    }
    this.#symbols[name][this.row] = symbol
  }

  present(): void {}
  item(): void {}
  real(): void {}
  decimal(): void {}

  #text(name: TextColumn, row: number): string {
    return this.#texts[this.#symbols[name][row] ?? 0] ?? ''
  }

  #time(name: 'kafka_timestamp' | 'seen_at', row: number): bigint | null {
    const us = this.#longs[name][row] ?? NO_TIME
    return us === NO_TIME ? null : us
  }
}

const words = (rows: number) => ({
  kafka_offset: new BigInt64Array(rows).fill(-1n),
  kafka_timestamp: new BigInt64Array(rows).fill(NO_TIME),
  seen_at: new BigInt64Array(rows).fill(NO_TIME),
})

const textColumns = ['kafka_topic', 'kafka_topic_id', 'error_code', 'error_text', 'field_path', 'route'] as const
type TextColumn = (typeof textColumns)[number]
const isText = (name: string): name is TextColumn => textColumns.some((each) => each === name)

const symbols = (rows: number): Record<TextColumn, Int32Array> => ({
  kafka_topic: new Int32Array(rows),
  kafka_topic_id: new Int32Array(rows),
  error_code: new Int32Array(rows),
  error_text: new Int32Array(rows),
  field_path: new Int32Array(rows),
  route: new Int32Array(rows),
})

/** What a wanted row holds beside its head. */
interface Body {
  version: string
  key: Uint8Array | null
  value: Uint8Array | null
  readonly headers: { key: string; value: Uint8Array | null }[]
}

export class BodyColumns implements RowSink {
  row = 0
  readonly ids: ReadonlySet<number>
  readonly #names: ReadonlyMap<number, BodyColumn>
  readonly #list: number
  readonly #headerKey: number
  readonly #bodies = new Map<number, Body>()

  constructor(schema: IcebergSchema) {
    this.#names = namesById(schema, bodyColumns)
    this.ids = new Set(this.#names.keys())
    const headers = schema.fields.find((field) => field.name === 'kafka_headers')
    this.#list = headers?.id ?? -1
    this.#headerKey = headerKeyId(headers?.type)
  }

  /** For the next row group: rows that are wanted. */
  want(rows: Iterable<number>): void {
    this.#bodies.clear()
    for (const row of rows) {
      this.#bodies.set(row, { version: '', key: null, value: null, headers: [] })
    }
  }

  letter(head: LetterHead, row: number): DeadLetter {
    const body = this.#bodies.get(row)
    if (body === undefined) throw new Error(`row ${row} was not wanted`)
    const headers: readonly LetterHeader[] = body.headers
    return { ...head, ...body, headers }
  }

  item(id: number): void {
    if (id === this.#list) this.#bodies.get(this.row)?.headers.push({ key: '', value: null })
  }

  bytes(id: number, place: Place, buffer: Uint8Array, start: number, end: number): void {
    const body = this.#bodies.get(this.row)
    if (body === undefined) return
    switch (this.#names.get(id)) {
      case 'kafka_key':
        body.key = buffer.slice(start, end)
        return
      case 'value':
        body.value = buffer.slice(start, end)
        return
      case 'k2_version':
        body.version = textOf(buffer, start, end)
        return
      default:
        this.#header(body, id, place, buffer, start, end)
    }
  }

  present(): void {}
  integer(): void {}
  real(): void {}
  decimal(): void {}

  #header(body: Body, id: number, place: Place, buffer: Uint8Array, start: number, end: number): void {
    const header = body.headers[place.indices[0] ?? 0]
    if (header === undefined) return
    if (id === this.#headerKey) header.key = textOf(buffer, start, end)
    else header.value = buffer.slice(start, end)
  }
}

function headerKeyId(type: IcebergSchema['fields'][number]['type'] | undefined): number {
  if (type === undefined || typeof type === 'string' || type.type !== 'list') return -1
  const { element } = type
  if (typeof element === 'string' || element.type !== 'struct') return -1
  return element.fields.find((field) => field.name === 'key')?.id ?? -1
}
