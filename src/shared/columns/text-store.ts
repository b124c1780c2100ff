// Text and binary values of one column: a dictionary by byte hash while values repeat, plain bytes once they do not. Encode
// worker only; one of the two hottest files. Invariant: `column` is the object that stands in the batch; it is replaced only
// through `replace`, and a store outlives its columns, so whoever appends holds the store, never the column.
import type { IcebergField } from '../iceberg/schema.ts'
import type { BytesColumn, DictionaryColumn } from './column-batch.ts'
import {
  emptyColumn,
  emptyIndices,
  emptyOffsets,
  emptyValidity,
  growColumn,
  grownBytes,
  isSpare,
} from './column-growth.ts'
import { isUtf8 } from './utf8.ts'

export interface TextStore {
  readonly kind: 'text'
  /** Values must be UTF-8. */
  readonly utf8: boolean
  column: DictionaryColumn | BytesColumn
  readonly dictionary: DictionaryColumn
  readonly plain: BytesColumn
  /** Over the bytes of `column`. */
  view: DataView
  /** Open addressing: entry number + 1 by hash, 0 where free. Length is a power of two, twice the entries or more. */
  slots: Int32Array
  /** Hash of each entry. */
  hashes: Int32Array
  /** Rises when entries are forgotten; entry numbers kept elsewhere are valid for one generation. */
  generation: number
  /** Values and entries of the dictionary over the last chunks; resets of a plain column. They decide the kind of the next. */
  valuesSeen: number
  entriesSeen: number
  plainResets: number
  /** Puts another column object into the place of this one. */
  replace: (column: DictionaryColumn | BytesColumn) => void
}

/** A dictionary beyond these becomes plain within the chunk. The probe limit is also the answer to keys made to collide. */
const entriesMax = 4096
const entryBytesMax = 1 << 20
const probesMax = 64
/** Values after which a column is judged: more than half of them distinct means plain from the next chunk on. */
const valuesJudged = 4096
/** Chunks after which a plain column is tried as a dictionary again: what a feed sends may change. */
const plainResetsMax = 64
const bytesAtFirst = 1 << 12
/** Below, copying in words from one view to another is faster than making a view of the part. */
const copyNativelyFrom = 256

export function createTextStore(field: IcebergField, replace: TextStore['replace']): TextStore {
  const base = (): { field: IcebergField; length: number; nullCount: number; validity: Uint8Array | null } => ({
    field,
    length: 0,
    nullCount: 0,
    validity: emptyValidity(field),
  })
  const dictionary: DictionaryColumn = {
    kind: 'dictionary',
    ...base(),
    indices: emptyIndices(),
    entryCount: 0,
    offsets: emptyOffsets(),
    bytes: new Uint8Array(bytesAtFirst),
  }
  const plain: BytesColumn = { kind: 'bytes', ...base(), offsets: emptyOffsets(), bytes: new Uint8Array(bytesAtFirst) }
  return {
    kind: 'text',
    utf8: field.type === 'string',
    column: dictionary,
    dictionary,
    plain,
    view: viewOf(dictionary.bytes),
    slots: new Int32Array(256),
    hashes: new Int32Array(128),
    generation: 0,
    valuesSeen: 0,
    entriesSeen: 0,
    plainResets: 0,
    replace,
  }
}

/** A view over exactly these bytes. */
export const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/**
 * Appends `size` bytes of `source` from `start` on as one value; `view` is over `source`. False, and nothing appended,
 * where a text column is given what is not UTF-8. The caller has checked the bounds. Errors: DECOMPRESSION_BOUND.
 */
export function appendSlice(
  store: TextStore,
  source: Uint8Array,
  view: DataView,
  start: number,
  size: number,
): boolean {
  const { column } = store
  return column.kind === 'dictionary'
    ? appendEntry(store, column, source, view, start, size)
    : appendPlain(store, column, source, view, start, size)
}

function appendPlain(
  store: TextStore,
  column: BytesColumn,
  source: Uint8Array,
  view: DataView,
  start: number,
  size: number,
): boolean {
  const index = column.length
  if (index + 1 >= column.offsets.length) growColumn(column, index + 1)
  const at = column.offsets[index] as number
  if (at + size > column.bytes.length) growPlainBytes(store, column, at + size)
  const high = copyBytes(source, view, start, size, column.bytes, store.view, at)
  if (high !== 0 && store.utf8 && !isUtf8(source, start, start + size)) return false
  column.offsets[index + 1] = at + size
  column.length = index + 1
  return true
}

function growPlainBytes(store: TextStore, column: DictionaryColumn | BytesColumn, bytesMin: number): void {
  column.bytes = grownBytes(column, column.bytes, bytesMin)
  store.view = viewOf(column.bytes)
}

/** Copies bytes; the answer is not 0 where one of them is beyond ASCII (or was not looked at). */
function copyBytes(
  source: Uint8Array,
  from: DataView,
  start: number,
  size: number,
  target: Uint8Array,
  to: DataView,
  at: number,
): number {
  if (size >= copyNativelyFrom) {
    target.set(source.subarray(start, start + size), at)
    return 1
  }
  let seen = 0
  let done = 0
  for (const words = size & ~3; done < words; done += 4) {
    const word = from.getInt32(start + done, true)
    seen |= word
    to.setInt32(at + done, word, true)
  }
  for (; done < size; done += 1) {
    const byte = source[start + done] as number
    seen |= byte
    target[at + done] = byte
  }
  return seen & 0x80808080
}

function hashOf(source: Uint8Array, view: DataView, start: number, size: number): number {
  let hash = size
  let done = 0
  for (const words = size & ~3; done < words; done += 4) {
    hash = Math.imul(hash ^ view.getInt32(start + done, true), 0x9e3779b1)
    hash ^= hash >>> 15
  }
  for (; done < size; done += 1) hash = Math.imul(hash ^ (source[start + done] as number), 0x85ebca6b)
  hash ^= hash >>> 13
  return hash
}

function appendEntry(
  store: TextStore,
  column: DictionaryColumn,
  source: Uint8Array,
  view: DataView,
  start: number,
  size: number,
): boolean {
  const hash = hashOf(source, view, start, size)
  const { slots, hashes } = store
  const mask = slots.length - 1
  let slot = hash & mask
  for (let probes = 0; probes < probesMax; probes += 1) {
    const code = (slots[slot] as number) - 1
    if (code < 0) return appendNewEntry(store, column, source, view, start, size, hash, slot)
    if (hashes[code] === hash && isEntry(column, store.view, code, source, view, start, size)) {
      appendCode(column, code)
      return true
    }
    slot = (slot + 1) & mask
  }
  turnPlain(store)
  return appendPlain(store, store.plain, source, view, start, size)
}

function isEntry(
  column: DictionaryColumn,
  entries: DataView,
  code: number,
  source: Uint8Array,
  view: DataView,
  start: number,
  size: number,
): boolean {
  const at = column.offsets[code] as number
  if ((column.offsets[code + 1] as number) - at !== size) return false
  let done = 0
  for (const words = size & ~3; done < words; done += 4) {
    if (entries.getInt32(at + done, true) !== view.getInt32(start + done, true)) return false
  }
  for (; done < size; done += 1) if (column.bytes[at + done] !== source[start + done]) return false
  return true
}

function appendCode(column: DictionaryColumn, code: number): void {
  const index = column.length
  if (index >= column.indices.length) growColumn(column, index + 1)
  column.indices[index] = code
  column.length = index + 1
}

function appendNewEntry(
  store: TextStore,
  column: DictionaryColumn,
  source: Uint8Array,
  view: DataView,
  start: number,
  size: number,
  hash: number,
  slot: number,
): boolean {
  const code = column.entryCount
  const at = column.offsets[code] as number
  if (code >= entriesMax || at + size > entryBytesMax) {
    turnPlain(store)
    return appendPlain(store, store.plain, source, view, start, size)
  }
  if (at + size > column.bytes.length) growPlainBytes(store, column, at + size)
  const high = copyBytes(source, view, start, size, column.bytes, store.view, at)
  if (high !== 0 && store.utf8 && !isUtf8(source, start, start + size)) return false
  if (code + 1 >= column.offsets.length) column.offsets = doubled(column.offsets)
  column.offsets[code + 1] = at + size
  column.entryCount = code + 1
  store.slots[slot] = code + 1
  if (code >= store.hashes.length) store.hashes = doubled(store.hashes)
  store.hashes[code] = hash
  if (2 * (code + 1) > store.slots.length) growSlots(store, code + 1)
  appendCode(column, code)
  return true
}

function doubled(array: Int32Array): Int32Array {
  const larger = new Int32Array(2 * array.length)
  larger.set(array)
  return larger
}

function growSlots(store: TextStore, entryCount: number): void {
  const slots = new Int32Array(2 * store.slots.length)
  const mask = slots.length - 1
  for (let code = 0; code < entryCount; code += 1) {
    let slot = (store.hashes[code] as number) & mask
    while (slots[slot] !== 0) slot = (slot + 1) & mask
    slots[slot] = code + 1
  }
  store.slots = slots
}

/** Rewrites the values so far as plain bytes, and goes on with them. */
function turnPlain(store: TextStore): void {
  const { dictionary, plain } = store
  const { length, indices, offsets, bytes } = dictionary
  growColumn(plain, length + 1)
  let at = 0
  for (let index = 0; index < length; index += 1) {
    const code = indices[index] as number
    const start = offsets[code] as number
    // A null carries code 0 whatever that entry is: its bytes are not those of the value.
    const size = isNull(dictionary, index) ? 0 : (offsets[code + 1] as number) - start
    if (at + size > plain.bytes.length) plain.bytes = grownBytes(plain, plain.bytes, at + size)
    plain.bytes.set(bytes.subarray(start, start + size), at)
    at += size
    plain.offsets[index + 1] = at
  }
  plain.length = length
  plain.nullCount = dictionary.nullCount
  if (plain.validity !== null && dictionary.validity !== null) {
    plain.validity.set(dictionary.validity.subarray(0, (length + 7) >> 3))
  }
  store.plainResets = 0
  emptyColumn(dictionary)
  forgetEntries(store)
  take(store, plain)
}

const isNull = (column: DictionaryColumn, index: number): boolean =>
  column.validity !== null && ((column.validity[index >> 3] ?? 0) & (1 << (index & 7))) === 0

function forgetEntries(store: TextStore): void {
  if (store.dictionary.entryCount > 0) store.slots.fill(0)
  store.dictionary.entryCount = 0
  store.generation += 1
}

function take(store: TextStore, column: DictionaryColumn | BytesColumn): void {
  store.column = column
  store.view = viewOf(column.bytes)
  store.replace(column)
}

/** Forgets all values, and decides from what was seen whether the next chunk begins with a dictionary. */
export function resetTextStore(store: TextStore): void {
  const { column, dictionary, plain } = store
  if (column.kind === 'dictionary') {
    store.valuesSeen += dictionary.length
    store.entriesSeen += dictionary.entryCount
    emptyColumn(dictionary)
    forgetEntries(store)
    if (store.valuesSeen < valuesJudged) return
    const isDistinct = 2 * store.entriesSeen > store.valuesSeen
    store.valuesSeen = 0
    store.entriesSeen = 0
    store.plainResets = 0
    if (isDistinct) take(store, plain)
    return
  }
  const used = plain.offsets[plain.length] ?? 0
  emptyColumn(plain)
  if (isSpare(plain.bytes.length, used)) plain.bytes = new Uint8Array(bytesAtFirst)
  store.plainResets += 1
  take(store, store.plainResets >= plainResetsMax ? dictionary : plain)
}

/** Appends zero bytes; where the column is optional the caller marks the value null. */
export function appendEmpty(store: TextStore): void {
  const { column } = store
  const index = column.length
  if (column.kind === 'dictionary') {
    // A placeholder below a null struct needs an entry that exists, were it only for readers that look before they ask.
    if (column.validity === null && column.entryCount === 0) {
      appendSlice(store, noBytes, noView, 0, 0)
      return
    }
    appendCode(column, 0)
    return
  }
  growColumn(column, index + 1)
  column.offsets[index + 1] = column.offsets[index] ?? 0
  column.length = index + 1
}

const noBytes = new Uint8Array(0)
const noView = viewOf(noBytes)

/** Texts that are appended again and again (enum symbols, a topic's name): their entry numbers are remembered. */
export interface SymbolTable {
  readonly bytes: Uint8Array
  readonly view: DataView
  readonly offsets: Int32Array
  readonly count: number
  /** Entry number per symbol for `generation` of the store, -1 where it has none yet. */
  readonly codes: Int32Array
  generation: number
}

export function createSymbolTable(symbols: readonly Uint8Array[]): SymbolTable {
  const offsets = new Int32Array(symbols.length + 1)
  for (const [index, symbol] of symbols.entries()) offsets[index + 1] = (offsets[index] ?? 0) + symbol.length
  const bytes = new Uint8Array(offsets[symbols.length] ?? 0)
  for (const [index, symbol] of symbols.entries()) bytes.set(symbol, offsets[index])
  const codes = new Int32Array(symbols.length).fill(-1)
  return { bytes, view: viewOf(bytes), offsets, count: symbols.length, codes, generation: -1 }
}

/** Appends symbol `index` of a table that belongs to this store alone. */
export function appendSymbol(store: TextStore, table: SymbolTable, index: number): void {
  const { column } = store
  if (column.kind === 'dictionary') {
    if (table.generation !== store.generation) {
      table.codes.fill(-1)
      table.generation = store.generation
    }
    const code = table.codes[index] as number
    if (code >= 0) {
      appendCode(column, code)
      return
    }
  }
  const start = table.offsets[index] as number
  appendSlice(store, table.bytes, table.view, start, (table.offsets[index + 1] as number) - start)
  if (store.column.kind === 'dictionary') table.codes[index] = store.column.indices[store.column.length - 1] as number
}
