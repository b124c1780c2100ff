// Rows of `<table>_dead_letters`: one per record that could not become a row, with its bytes. Encode worker. Invariant: a record
// that is counted as a dead letter has exactly one row here.
import { appendBytes, appendInt, appendLong, appendText } from '../shared/columns/hand-filled.ts'
import { createProvenance, type Provenance } from '../shared/columns/provenance.ts'
import {
  appendNull,
  type ColumnStore,
  createColumnBatch,
  resetBatch,
  type StoredBatch,
  storeNamed,
} from '../shared/columns/storage.ts'
import type { ErrorCode } from '../shared/errors.ts'
import type { IcebergSchema } from '../shared/iceberg/schema.ts'
import type { RecordCursor } from '../shared/kafka/record-cursor.ts'
import type { DeadLetterCounts } from '../shared/messages.ts'

/** Why a record became a dead letter. */
export interface DeadLetterReason {
  readonly code: ErrorCode
  readonly text: string
  /** Empty where no field is to blame. */
  readonly fieldPath: string
  /** -1 where the value is not framed. */
  readonly schemaId: number
}

/** Where in Kafka the record is; offset and µs as low and high word. */
export interface RecordPlace {
  offsetLow: number
  offsetHigh: number
  timestampLow: number
  timestampHigh: number
}

export class DeadLetterRows {
  readonly batch: StoredBatch
  readonly #provenance: Provenance
  readonly #version: string
  readonly #value: ColumnStore
  readonly #schemaId: ColumnStore
  readonly #texts: readonly [code: ColumnStore, text: ColumnStore, path: ColumnStore]
  readonly #route: ColumnStore
  readonly #seenAt: ColumnStore
  readonly #k2Version: ColumnStore
  #routeName = ''
  #seenAtUs = 0n
  #codes: Partial<Record<ErrorCode, number>> = {}

  constructor(schema: IcebergSchema, version: string) {
    this.batch = createColumnBatch(schema, 1024)
    this.#provenance = createProvenance(this.batch, schema)
    this.#version = version
    this.#value = storeNamed(this.batch, 'value')
    this.#schemaId = storeNamed(this.batch, 'schema_id')
    this.#texts = [
      storeNamed(this.batch, 'error_code'),
      storeNamed(this.batch, 'error_text'),
      storeNamed(this.batch, 'field_path'),
    ]
    this.#route = storeNamed(this.batch, 'route')
    this.#seenAt = storeNamed(this.batch, 'seen_at')
    this.#k2Version = storeNamed(this.batch, 'k2_version')
  }

  /** Empties the rows for the next chunk. `seenAtUs`: µs since 1970, the same for all rows of the chunk. */
  begin(routeName: string, seenAtUs: bigint): void {
    resetBatch(this.batch)
    this.#codes = {}
    this.#routeName = routeName
    this.#seenAtUs = seenAtUs
  }

  /** Rows of the chunk by code. */
  get codes(): DeadLetterCounts {
    return this.#codes
  }

  beginPart(topicName: string, topicId: string, partition: number): void {
    this.#provenance.beginPart(topicName, topicId, partition)
  }

  /** The record the cursor stands on. */
  append(place: RecordPlace, body: Uint8Array, cursor: RecordCursor, reason: DeadLetterReason): void {
    this.#provenance.append(place.offsetLow, place.offsetHigh, place.timestampLow, place.timestampHigh)
    this.#provenance.appendKey(body, cursor.keyStart, cursor.keyEnd)
    this.#provenance.appendHeaders(body, cursor.headersStart, cursor.headersEnd, cursor.headerCount)
    appendBytes(this.#value, body, cursor.valueStart, cursor.valueEnd)
    if (reason.schemaId < 0) appendNull(this.#schemaId)
    else appendInt(this.#schemaId, reason.schemaId | 0)
    const [code, text, path] = this.#texts
    this.#codes[reason.code] = (this.#codes[reason.code] ?? 0) + 1
    appendText(code, reason.code)
    appendText(text, reason.text)
    if (reason.fieldPath === '') appendNull(path)
    else appendText(path, reason.fieldPath)
    appendText(this.#route, this.#routeName)
    appendLong(this.#seenAt, Number(BigInt.asIntN(32, this.#seenAtUs)), Number(this.#seenAtUs >> 32n))
    appendText(this.#k2Version, this.#version)
    this.batch.rowCount++
  }
}
