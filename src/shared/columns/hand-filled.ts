// Single values appended by hand, for tables that no Avro schema describes (dead letters, later gaps). Encode worker only.
// Invariant: each call appends exactly one value; the kind of the column is checked, since it is our own code that names it.
import { assert } from '../errors.ts'
import { growColumn } from './column-growth.ts'
import type { ColumnStore } from './storage.ts'
import { appendSlice, type TextStore, viewOf } from './text-store.ts'

/** Appends an int or a date (days). */
export function appendInt(store: ColumnStore, value: number): void {
  const { column } = store
  assert(column.kind === 'int32', `${column.field.name} holds an int`)
  const index = column.length
  growColumn(column, index + 1)
  column.values[index] = value
  column.length = index + 1
}

/** Appends a long or timestamp (µs) as the low and high word of its two's complement. */
export function appendLong(store: ColumnStore, low: number, high: number): void {
  const { column } = store
  assert(column.kind === 'int64', `${column.field.name} holds a long`)
  const index = column.length
  growColumn(column, index + 1)
  column.words[2 * index] = low
  column.words[2 * index + 1] = high
  column.length = index + 1
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

function textStore(store: ColumnStore): TextStore {
  assert(store.kind === 'text', `${store.column.field.name} holds text or bytes`)
  return store
}

/**
 * Appends bytes [start, end). In a text column bytes that are not UTF-8 become U+FFFD: what is appended by hand (an error text, the
 * key of a Kafka header) has no place left to be refused to.
 */
export function appendBytes(store: ColumnStore, source: Uint8Array, start: number, end: number): void {
  const text = textStore(store)
  if (appendSlice(text, source, viewOf(source), start, end - start)) return
  const repaired = encoder.encode(decoder.decode(source.subarray(start, end)))
  appendSlice(text, repaired, viewOf(repaired), 0, repaired.length)
}

/** Appends a text. */
export function appendText(store: ColumnStore, text: string): void {
  const bytes = encoder.encode(text)
  appendSlice(textStore(store), bytes, viewOf(bytes), 0, bytes.length)
}
