// From the record batches of a chunk to columns: CRC, decompression, record walk, Avro decoding, provenance. Encode worker; the
// hot loop of the product, so nothing is allocated per record. Invariant: every record in [first, next) of a part is counted once,
// as a row, a dead letter or a skipped tombstone.
import { parseAvroSchema } from '../shared/avro/avro-schema.ts'
import { compileDecoder, type RecordDecoder } from '../shared/avro/decoder.ts'
import { frameBytes, readSchemaId } from '../shared/avro/framing.ts'
import { appendNullRow, createProvenance, noTimestampHigh, type Provenance } from '../shared/columns/provenance.ts'
import { isProvenanceColumn } from '../shared/columns/provenance-columns.ts'
import { createColumnBatch, resetBatch, type StoredBatch, truncateBatch } from '../shared/columns/storage.ts'
import { isPresent } from '../shared/columns/validity.ts'
import { assert, errorTable, IngestError } from '../shared/errors.ts'
import { decompressBody } from '../shared/kafka/compression.ts'
import { createBodyMemory } from '../shared/kafka/lz4-frame.ts'
import { type BatchHeader, batchBody, isBatchIntact, readBatchHeader } from '../shared/kafka/record-batch.ts'
import { RecordCursor } from '../shared/kafka/record-cursor.ts'
import {
  type ChunkPart,
  type EncodeRequest,
  type MissingSchema,
  type RangeOutcome,
  type RoutePolicy,
  SCHEMAS_UNKNOWN_MAX,
  type TableLayout,
} from '../shared/messages.ts'
import { topicIdOf } from '../shared/offsets.ts'
import { type DeadLetterReason, DeadLetterRows, type RecordPlace } from './dead-letter-rows.ts'

/** Decoders of one table kept by schema id; a topic with more writer schemas compiles some again. */
const DECODERS_MAX = 64
const TWO_32 = 2 ** 32
/** A body is read to its end before the next one is decompressed. */
const bodyMemory = createBodyMemory()
/** Kafka's "no timestamp". */
const NO_TIMESTAMP = -1

export interface ChunkOutcome {
  readonly ranges: readonly RangeOutcome[]
  /** Not empty: the chunk must be decoded again once these are known, or known to be missing. */
  readonly unknownSchemas: readonly MissingSchema[]
  readonly decompressMs: number
  readonly decodeMs: number
}

/** The partition column's window (design section 2), µs as doubles: a bound far beyond 2^53 need not be exact. */
interface Window {
  readonly column: number
  readonly firstUs: number
  readonly aheadUs: number
}

export class ChunkRows {
  readonly main: StoredBatch
  readonly deadLetters: DeadLetterRows
  readonly #layout: TableLayout
  readonly #provenance: Provenance
  readonly #decoders = new Map<number, RecordDecoder>()
  readonly #cursor = new RecordCursor()
  readonly #place: RecordPlace = { offsetLow: 0, offsetHigh: 0, timestampLow: 0, timestampHigh: 0 }
  #schemas: ReadonlyMap<number, string> = new Map()
  #missing: ReadonlySet<number> = new Set()
  #unknown = new Map<number, MissingSchema>()
  #policy: RoutePolicy | null = null
  #window: Window | null = null
  /** Offset after the last batch of the part. */
  #batchNext = -1n
  #decompressMs = 0

  constructor(layout: TableLayout, deadLetters: TableLayout, version: string) {
    this.#layout = layout
    this.main = createColumnBatch(layout.schema, 1024)
    this.#provenance = createProvenance(this.main, layout.schema)
    this.deadLetters = new DeadLetterRows(deadLetters.schema, version)
  }

  /** Decodes a chunk into `main` and `deadLetters`. Errors: SOURCE_CORRUPT, CODEC_UNSUPPORTED, DECOMPRESSION_BOUND, SCHEMA_*. */
  decode(request: EncodeRequest): ChunkOutcome {
    const startMs = performance.now()
    resetBatch(this.main)
    this.deadLetters.begin(request.policy.route, BigInt(request.seenAtUs))
    this.#schemas = new Map(request.schemas.map((schema) => [schema.id, schema.json]))
    this.#missing = new Set(request.missingSchemaIds)
    this.#unknown = new Map()
    this.#policy = request.policy
    this.#window = windowOf(this.#layout, request.policy)
    this.#decompressMs = 0
    const ranges = request.parts.map((part) => this.#decodePart(part, request))
    const decompressMs = this.#decompressMs
    return {
      ranges,
      unknownSchemas: [...this.#unknown.values()],
      decompressMs,
      decodeMs: performance.now() - startMs - decompressMs,
    }
  }

  #decodePart(part: ChunkPart, request: EncodeRequest): RangeOutcome {
    const topicId = topicIdOf(part.topic)
    this.#provenance.beginPart(part.topicName, topicId, part.partition)
    this.deadLetters.beginPart(part.topicName, topicId, part.partition)
    const badOffsets = request.puts === 'rows and dead letters' ? {} : { badOffsets: [] }
    const counts: Counts = { records: 0, rows: 0, deadLetters: 0, tombstonesSkipped: 0, ...badOffsets }
    this.#batchNext = -1n
    let at = 0
    while (at < part.bytes.length) {
      const batchAt = at
      try {
        at += this.#decodeBatch(part, at, request.decompressedBytesMax, counts)
      } catch (error) {
        throw placed(error, part, batchAt)
      }
    }
    return { topic: part.topic, partition: part.partition, first: part.first, next: part.next, ...counts }
  }

  /** Returns the bytes of the batch. */
  #decodeBatch(part: ChunkPart, at: number, decompressedBytesMax: number, counts: Counts): number {
    const header = readBatchHeader(part.bytes, at)
    if (header === null) throw new IngestError('SOURCE_CORRUPT', { reason: 'incomplete record batch' })
    // The half of a chunk, or what lies before a bad place, comes with the bytes of the whole.
    if (header.baseOffset >= part.next || header.nextOffset <= part.first) return header.length
    // Our bug, and it would double rows: the log source lets no batch of a log out of order.
    assert(header.baseOffset >= this.#batchNext, `batch ${header.baseOffset} comes after offset ${this.#batchNext}`)
    this.#batchNext = header.nextOffset
    if (!isBatchIntact(part.bytes, at, header)) throw new IngestError('SOURCE_CORRUPT', { reason: 'CRC mismatch' })
    const beforeMs = performance.now()
    const body = decompressBody(header.codec, batchBody(part.bytes, at, header), decompressedBytesMax, bodyMemory)
    this.#decompressMs += performance.now() - beforeMs
    this.#cursor.reset(body, header.recordCount, header.lastOffsetDelta)
    this.#walk(part, header, body, counts)
    return header.length
  }

  #walk(part: ChunkPart, header: BatchHeader, body: Uint8Array, counts: Counts): void {
    const cursor = this.#cursor
    const base = exactNumber(header.baseOffset, 'base offset')
    const first = exactNumber(part.first, 'first offset')
    const next = exactNumber(part.next, 'next offset')
    const appendTime = header.timestampType === 'log-append'
    const baseMs = exactNumber(appendTime ? header.maxTimestamp : header.baseTimestamp, 'timestamp')
    while (cursor.next()) {
      const offset = base + cursor.offsetDelta
      if (offset < first || offset >= next) continue
      const ms = appendTime ? baseMs : baseMs + cursor.timestampDelta
      this.#setPlace(offset, ms)
      counts.records++
      if (cursor.valueStart < 0) this.#tombstone(body, counts)
      else this.#record(part, offset, ms, body, counts)
    }
  }

  #record(part: ChunkPart, offset: number, ms: number, body: Uint8Array, counts: Counts): void {
    const cursor = this.#cursor
    const schemaId = readSchemaId(body, cursor.valueStart, cursor.valueEnd)
    if (schemaId < 0) {
      this.#deadLetter(body, counts, plainReason('RECORD_NOT_FRAMED', schemaId))
      return
    }
    const decoder = this.#decoders.get(schemaId) ?? this.#decoderFor(schemaId, part, offset)
    if (decoder === null) {
      if (this.#missing.has(schemaId)) this.#deadLetter(body, counts, plainReason('RECORD_SCHEMA_UNKNOWN', schemaId))
      return
    }
    const failure = decoder.decode(body, cursor.valueStart + frameBytes, cursor.valueEnd)
    if (failure !== null) {
      this.#deadLetter(body, counts, {
        code: failure.code,
        text: `${errorTable[failure.code].text}: ${failure.detail}`,
        fieldPath: failure.fieldPath,
        schemaId,
      })
      return
    }
    if (this.#window !== null && !this.#inWindow(this.#window, ms)) {
      truncateBatch(this.main, this.main.rowCount)
      this.#deadLetter(body, counts, {
        ...plainReason('RECORD_PARTITION_WINDOW', schemaId),
        fieldPath: this.#layout.schema.fields[this.#window.column]?.name ?? '',
      })
      return
    }
    this.#finishRow(body)
    counts.rows++
  }

  /** Appends provenance; the own columns have their values. */
  #finishRow(body: Uint8Array): void {
    const place = this.#place
    const provenance = this.#provenance
    const cursor = this.#cursor
    provenance.append(place.offsetLow, place.offsetHigh, place.timestampLow, place.timestampHigh)
    if (provenance.hasKey) provenance.appendKey(body, cursor.keyStart, cursor.keyEnd)
    if (provenance.hasHeaders) {
      provenance.appendHeaders(body, cursor.headersStart, cursor.headersEnd, cursor.headerCount)
    }
    this.main.rowCount++
  }

  #tombstone(body: Uint8Array, counts: Counts): void {
    if (this.#policy?.tombstone !== 'store') {
      counts.tombstonesSkipped++
      return
    }
    appendNullRow(this.main)
    this.#finishRow(body)
    counts.rows++
  }

  #deadLetter(body: Uint8Array, counts: Counts, reason: DeadLetterReason): void {
    this.deadLetters.append(this.#place, body, this.#cursor, reason)
    counts.deadLetters++
    const { offsetLow, offsetHigh } = this.#place
    counts.badOffsets?.push(offsetHigh * TWO_32 + (offsetLow >>> 0))
  }

  #setPlace(offset: number, ms: number): void {
    const place = this.#place
    place.offsetLow = offset | 0
    place.offsetHigh = Math.floor(offset / TWO_32)
    if (ms === NO_TIMESTAMP) {
      place.timestampLow = 0
      place.timestampHigh = noTimestampHigh
      return
    }
    const us = ms * 1000
    if (Number.isSafeInteger(us)) {
      place.timestampLow = us | 0
      place.timestampHigh = Math.floor(us / TWO_32)
      return
    }
    const exact = BigInt(ms) * 1000n
    place.timestampLow = Number(BigInt.asIntN(32, exact))
    place.timestampHigh = Number(exact >> 32n)
  }

  #inWindow(window: Window, kafkaMs: number): boolean {
    const column = this.main.columns[window.column]
    if (column?.kind !== 'int64') return true
    const row = this.main.rowCount
    if (column.validity !== null && !isPresent(column.validity, row)) return true
    const us = (column.words[2 * row + 1] ?? 0) * TWO_32 + ((column.words[2 * row] ?? 0) >>> 0)
    return us >= window.firstUs && (kafkaMs === NO_TIMESTAMP || us <= kafkaMs * 1000 + window.aheadUs)
  }

  /** Null: the id is missing, or unknown and now noted as such. */
  #decoderFor(schemaId: number, part: ChunkPart, offset: number): RecordDecoder | null {
    const json = this.#schemas.get(schemaId)
    if (json === undefined) {
      if (!this.#missing.has(schemaId) && this.#unknown.size < SCHEMAS_UNKNOWN_MAX && !this.#unknown.has(schemaId)) {
        const { topicName, partition } = part
        this.#unknown.set(schemaId, { id: schemaId, topicName, partition, offset: String(offset) })
      }
      return null
    }
    try {
      const { schema, columns } = this.#layout
      const decoder = compileDecoder(parseAvroSchema(json), schema, this.main, columns)
      if (this.#decoders.size >= DECODERS_MAX) this.#decoders.clear()
      this.#decoders.set(schemaId, decoder)
      return decoder
    } catch (error) {
      if (!(error instanceof IngestError)) throw error
      throw new IngestError(error.code, { ...error.context, schemaId, offset }, error.cause)
    }
  }
}

interface Counts {
  records: number
  rows: number
  deadLetters: number
  tombstonesSkipped: number
  /** Where the dead letters are not put. */
  readonly badOffsets?: number[]
}

const plainReason = (code: DeadLetterReason['code'], schemaId: number): DeadLetterReason => ({
  code,
  text: errorTable[code].text,
  fieldPath: '',
  schemaId,
})

/** A partition column is the source of the first time of the table's spec; other transforms have no window. */
function windowOf({ schema, spec }: TableLayout, policy: RoutePolicy): Window | null {
  const column = schema.fields.findIndex(({ id, name, type }) => {
    // The record's own times: that of Kafka is the measure, and is not in the row yet when the window is looked at.
    const isOwnTime = (type === 'timestamp' || type === 'timestamptz') && !isProvenanceColumn(name)
    return isOwnTime && spec.fields.some((field) => field['source-id'] === id && timeTransforms.has(field.transform))
  })
  if (column < 0) return null
  return { column, firstUs: Number(policy.windowFirstUs), aheadUs: Number(policy.windowAheadUs) }
}
const timeTransforms: ReadonlySet<string> = new Set(['identity', 'year', 'month', 'day', 'hour'])

/** Offsets and times are doubles in the loop, exact up to 2^53; no broker has come near. */
function exactNumber(value: bigint, what: string): number {
  const number = Number(value)
  if (!Number.isSafeInteger(number)) throw new IngestError('SOURCE_CORRUPT', { reason: `${what} ${value} beyond 2^53` })
  return number
}

/** Adds to an error of the source where it is. */
function placed(error: unknown, part: ChunkPart, at: number): unknown {
  if (!(error instanceof IngestError) || 'topic' in error.context) return error
  const header = readBatchHeader(part.bytes, at)
  const place = { topic: part.topicName, partition: part.partition, batch: header?.baseOffset ?? part.first }
  return new IngestError(error.code, { ...place, ...error.context }, error.cause)
}
