// The storage behind a ColumnBatch: one store per column, made once per worker and schema, reused from chunk to chunk. Encode
// worker only. Invariant: after a truncate the batch is what it was at that row count (dictionary entries may stay unused), and
// `columns` always shows the column object that a store currently fills.
import { assert } from '../errors.ts'
import type { IcebergField, IcebergSchema } from '../iceberg/schema.ts'
import type { Column, ColumnBatch, ListColumn, MapColumn, StructColumn } from './column-batch.ts'
import {
  cutColumn,
  emptyColumn,
  emptyOffsets,
  emptyValidity,
  growColumn,
  type LeafColumn,
  leafColumn,
  markNull,
} from './column-growth.ts'
import { elementField, keyField, valueField } from './nested-fields.ts'
import { appendEmpty, createTextStore, resetTextStore, type TextStore } from './text-store.ts'

export interface LeafStore {
  readonly kind: 'leaf'
  readonly column: LeafColumn
}
export interface StructStore {
  readonly kind: 'struct'
  readonly column: StructColumn
  readonly children: readonly ColumnStore[]
}
export interface ListStore {
  readonly kind: 'list'
  readonly column: ListColumn
  readonly element: ColumnStore
}
export interface MapStore {
  readonly kind: 'map'
  readonly column: MapColumn
  readonly key: ColumnStore
  readonly value: ColumnStore
}
export type ColumnStore = LeafStore | TextStore | StructStore | ListStore | MapStore

/** A batch with the stores that fill it, in column order. */
export interface StoredBatch extends ColumnBatch {
  readonly stores: readonly ColumnStore[]
}

/**
 * An empty batch with the columns of `schema`, in its order. Memory for `rowsExpected` rows is taken at once; more rows grow it,
 * up to the limits of column-growth.ts. Errors: SCHEMA_UNSUPPORTED for a type of a later table format.
 */
export function createColumnBatch(schema: IcebergSchema, rowsExpected: number): StoredBatch {
  const columns: Column[] = []
  const stores = schema.fields.map((field, index) => {
    const store = createStore(field, (column) => {
      columns[index] = column
    })
    columns[index] = store.column
    growColumn(store.column, rowsExpected)
    return store
  })
  return { rowCount: 0, columns, stores }
}

/** `replace` puts a new column object where this one stands in its parent; only text columns ever use it. */
function createStore(field: IcebergField, replace: (column: Column) => void): ColumnStore {
  const { type } = field
  if (type === 'string' || type === 'binary') return createTextStore(field, replace)
  if (typeof type === 'string') return { kind: 'leaf', column: leafColumn(field) }
  const base = { field, length: 0, nullCount: 0, validity: emptyValidity(field) }
  switch (type.type) {
    case 'struct': {
      const placed: Column[] = []
      const children = type.fields.map((child, index) => {
        const store = createStore(child, (column) => {
          placed[index] = column
        })
        placed[index] = store.column
        return store
      })
      return { kind: 'struct', column: { kind: 'struct', ...base, children: placed }, children }
    }
    case 'list': {
      const element = createStore(elementField(type), (placed) => {
        column.element = placed
      })
      const column: ListColumn = { kind: 'list', ...base, offsets: emptyOffsets(), element: element.column }
      return { kind: 'list', column, element }
    }
    case 'map': {
      const key = createStore(keyField(type), (placed) => {
        column.key = placed
      })
      const value = createStore(valueField(type), (placed) => {
        column.value = placed
      })
      const offsets = emptyOffsets()
      const column: MapColumn = { kind: 'map', ...base, offsets, key: key.column, value: value.column }
      return { kind: 'map', column, key, value }
    }
  }
}

/** The stores directly below one. */
export function childStores(store: ColumnStore): readonly ColumnStore[] {
  switch (store.kind) {
    case 'struct':
      return store.children
    case 'list':
      return [store.element]
    case 'map':
      return [store.key, store.value]
    default:
      return []
  }
}

/** Empties the batch for the next chunk. Column objects may be other ones afterwards; memory is kept within bounds. */
export function resetBatch(batch: StoredBatch): void {
  batch.rowCount = 0
  batch.stores.forEach(resetStore)
}

function resetStore(store: ColumnStore): void {
  if (store.kind === 'text') resetTextStore(store)
  else emptyColumn(store.column)
  childStores(store).forEach(resetStore)
}

/** Takes back everything beyond the first `rowCount` rows, also values of a row that is only half written. */
export function truncateBatch(batch: StoredBatch, rowCount: number): void {
  batch.rowCount = rowCount
  for (const store of batch.stores) truncateStore(store, rowCount)
}

/** Takes back the values of one column from `length` on, and below it whatever belongs to none of its values. */
export function truncateStore(store: ColumnStore, length: number): void {
  cutColumn(store.column, length)
  switch (store.kind) {
    case 'struct':
      for (const child of store.children) truncateStore(child, length)
      break
    case 'list':
      truncateStore(store.element, store.column.offsets[length] ?? 0)
      break
    case 'map':
      truncateStore(store.key, store.column.offsets[length] ?? 0)
      truncateStore(store.value, store.column.offsets[length] ?? 0)
      break
    default:
      break
  }
}

/** Appends a null; in a required column (below a null struct) a placeholder: zero, empty. */
export function appendNull(store: ColumnStore): void {
  const { column } = store
  const index = column.length
  switch (store.kind) {
    case 'text':
      appendEmpty(store)
      // The column object may have been replaced by the one that took the value.
      markNull(store.column, index)
      return
    case 'leaf':
      growColumn(store.column, index + 1)
      clearValue(store.column, index)
      break
    case 'struct':
      growColumn(store.column, index + 1)
      for (const child of store.children) appendNull(child)
      break
    case 'list':
    case 'map': {
      growColumn(store.column, index + 1)
      const { offsets } = store.column
      offsets[index + 1] = offsets[index] ?? 0
      break
    }
  }
  column.length = index + 1
  markNull(column, index)
}

function clearValue(column: LeafColumn, index: number): void {
  switch (column.kind) {
    case 'int64':
      column.words[2 * index] = 0
      column.words[2 * index + 1] = 0
      break
    case 'decimal':
      column.words.fill(0, 4 * index, 4 * index + 4)
      break
    case 'fixed':
      column.bytes.fill(0, column.size * index, column.size * (index + 1))
      break
    default:
      column.values[index] = 0
  }
}

/** Ends a list or map value: everything appended below since the last one is its elements. */
export function closeList(store: ListStore | MapStore): void {
  const { column } = store
  const index = column.length
  if (index + 1 >= column.offsets.length) growColumn(column, index + 1)
  column.offsets[index + 1] = store.kind === 'list' ? store.element.column.length : store.value.column.length
  column.length = index + 1
}

/** Ends a struct value; one value was appended to each of its children. */
export function closeStruct(store: StructStore): void {
  const { column } = store
  const index = column.length
  if (column.validity !== null && index >= column.validity.length * 8) growColumn(column, index + 1)
  column.length = index + 1
}

/** The store of a top-level column. A missing one is our bug: the schema is checked before. */
export function storeNamed(batch: StoredBatch, name: string): ColumnStore {
  const store = batch.stores.find((candidate) => candidate.column.field.name === name)
  assert(store !== undefined, `the batch has a column ${name}`)
  return store
}
