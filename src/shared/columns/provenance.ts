// Fills the provenance columns: topic, topic id, partition, offset, timestamp, and key and headers where the table has them.
// Encode worker only, once per row. Invariant: `append` adds one value to each of the five fixed columns; a table with a key or
// headers column needs its own call per row.
import { assert, IngestError } from '../errors.ts'
import type { IcebergSchema } from '../iceberg/schema.ts'
import type { Int32Column, Int64Column } from './column-batch.ts'
import { growColumn } from './column-growth.ts'
import { appendBytes } from './hand-filled.ts'
import { headersField, isProvenanceColumn, keyField } from './provenance-columns.ts'
import { appendNull, type ColumnStore, closeList, closeStruct, type ListStore, type StoredBatch } from './storage.ts'
import { appendSlice, appendSymbol, createSymbolTable, type SymbolTable, type TextStore, viewOf } from './text-store.ts'

/** High word of a timestamp (its low word 0) that stands for none, Kafka's -1: the column then holds null. */
export const noTimestampHigh = -0x80000000

export interface Provenance {
  readonly hasKey: boolean
  readonly hasHeaders: boolean
  /** What is the same for all rows that follow: topic name, Kafka's topic id, partition. */
  beginPart(topicName: string, topicId: string, partition: number): void
  /** Offset, and µs since 1970, each as low and high word. */
  append(offsetLow: number, offsetHigh: number, timestampLow: number, timestampHigh: number): void
  /** Key bytes [start, end); a start below 0 is a null key. Only where `hasKey`. */
  appendKey(bytes: Uint8Array, start: number, end: number): void
  /** `count` headers that lie in [start, end) as in a Kafka record (v2), their count not included. Only where `hasHeaders`. */
  appendHeaders(bytes: Uint8Array, start: number, end: number, count: number): void
}

/** Binds to the provenance columns of a batch. Errors: TABLE_MISFIT where the table lacks one, or has it with another type. */
export function createProvenance(batch: StoredBatch, schema: IcebergSchema): Provenance {
  const find = (name: string): ColumnStore | null =>
    batch.stores[schema.fields.findIndex((f) => f.name === name)] ?? null
  const topic = textOf(find('kafka_topic'), 'kafka_topic')
  const topicId = textOf(find('kafka_topic_id'), 'kafka_topic_id')
  const partitions = int32Of(find('kafka_partition'), 'kafka_partition')
  const offsets = int64Of(find('kafka_offset'), 'kafka_offset')
  const timestamps = int64Of(find('kafka_timestamp'), 'kafka_timestamp')
  const timestampStore = find('kafka_timestamp')
  const keys = find(keyField.name)
  const keyText = keys?.kind === 'text' ? keys : null
  const headers = find(headersField.name)
  let topicSymbol = symbolOf('')
  let topicIdSymbol = symbolOf('')
  let partition = -1
  let viewed: Uint8Array = new Uint8Array(0)
  let view = viewOf(viewed)
  return {
    hasKey: keys !== null,
    hasHeaders: headers !== null,
    beginPart(name, id, number) {
      topicSymbol = symbolOf(name)
      topicIdSymbol = symbolOf(id)
      partition = number
    },
    append(offsetLow, offsetHigh, timestampLow, timestampHigh) {
      appendSymbol(topic, topicSymbol, 0)
      appendSymbol(topicId, topicIdSymbol, 0)
      appendInt32(partitions, partition)
      appendInt64(offsets, offsetLow, offsetHigh)
      if (timestampHigh === noTimestampHigh && timestampStore !== null) appendNull(timestampStore)
      else appendInt64(timestamps, timestampLow, timestampHigh)
    },
    appendKey(bytes, start, end) {
      assert(keys !== null, 'the table has a key column')
      if (start < 0) {
        appendNull(keys)
        return
      }
      assert(keyText !== null && !keyText.utf8, 'a key is bytes')
      if (bytes !== viewed) {
        viewed = bytes
        view = viewOf(bytes)
      }
      appendSlice(keyText, bytes, view, start, end - start)
    },
    appendHeaders(bytes, start, end, count) {
      assert(headers?.kind === 'list', 'the table has a headers column')
      appendHeaderList(headers, bytes, start, end, count)
    },
  }
}

const encoder = new TextEncoder()
const symbolOf = (text: string): SymbolTable => createSymbolTable([encoder.encode(text)])

const misfit = (column: string, reason: string): IngestError => new IngestError('TABLE_MISFIT', { column, reason })

function textOf(store: ColumnStore | null, name: string): TextStore {
  if (store?.kind !== 'text' || !store.utf8) throw misfit(name, store === null ? 'missing' : 'not a string')
  return store
}
function int32Of(store: ColumnStore | null, name: string): Int32Column {
  if (store?.column.kind !== 'int32') throw misfit(name, store === null ? 'missing' : 'not an int')
  return store.column
}
function int64Of(store: ColumnStore | null, name: string): Int64Column {
  if (store?.column.kind !== 'int64') throw misfit(name, store === null ? 'missing' : 'not a long or timestamptz')
  return store.column
}

function appendInt32(column: Int32Column, value: number): void {
  const index = column.length
  if (index >= column.values.length) growColumn(column, index + 1)
  column.values[index] = value
  column.length = index + 1
}

function appendInt64(column: Int64Column, low: number, high: number): void {
  const index = column.length
  if (2 * index >= column.words.length) growColumn(column, index + 1)
  column.words[2 * index] = low
  column.words[2 * index + 1] = high
  column.length = index + 1
}

/** A row of nulls for a stored tombstone: every own column gets null, the provenance columns are left to {@link Provenance}. */
export function appendNullRow(batch: StoredBatch): void {
  for (const store of batch.stores) {
    if (isProvenanceColumn(store.column.field.name)) continue
    assert(!store.column.field.required, `${store.column.field.name} is optional where tombstones are stored`)
    appendNull(store)
  }
}

/** Header: keyLength varint · key · valueLength varint (-1: null) · value (Kafka protocol guide, "Record Header"). */
function appendHeaderList(list: ListStore, bytes: Uint8Array, start: number, end: number, count: number): void {
  const { element } = list
  assert(element.kind === 'struct', 'a header is a struct')
  const [key, value] = element.children
  assert(key !== undefined && value !== undefined, 'a header has a key and a value')
  let at = start
  for (let header = 0; header < count; header += 1) {
    at = appendPart(key, bytes, at, end)
    at = appendPart(value, bytes, at, end)
    closeStruct(element)
  }
  closeList(list)
}

function appendPart(store: ColumnStore, bytes: Uint8Array, start: number, end: number): number {
  let at = start
  let raw = 0
  for (let shift = 0; ; shift += 7) {
    const byte = at < end ? (bytes[at] ?? 0) : -1
    if (byte < 0 || shift > 28) throw new IngestError('SOURCE_CORRUPT', { reason: 'header length' })
    at += 1
    raw |= (byte & 127) << shift
    if (byte < 128) break
  }
  const size = (raw >>> 1) ^ -(raw & 1)
  if (size > end - at) throw new IngestError('SOURCE_CORRUPT', { reason: 'header beyond its record' })
  if (size < 0) {
    appendNull(store)
    return at
  }
  appendBytes(store, bytes, at, at + size)
  return at + size
}
