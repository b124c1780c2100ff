// The order of the rows of a batch under a sort order (Iceberg spec, "Sort Orders"): a permutation, by which a file's rows are
// selected before they are encoded. Encode worker. Invariant: rows that are equal under the order keep the order of the log, so the
// same rows are written alike every time.
import { assert } from '../errors.ts'
import type { IcebergSchema, IcebergType } from '../iceberg/schema.ts'
import type { SortOrder } from '../iceberg/sort-order.ts'
import type { BytesColumn, Column, ColumnBatch, DictionaryColumn } from './column-batch.ts'
import { isPresent } from './validity.ts'

/** Negative where row `a` comes before row `b`. */
type Compare = (a: number, b: number) => number

/** Why rows cannot be sorted by a column of this type; null where they can. */
export const sortMisfit = (type: IcebergType): string | null =>
  typeof type === 'string' ? null : `a ${type.type} has no order`

/** Row numbers in the order asked for; null where the rows stand so already. */
export function sortedRows(batch: ColumnBatch, schema: IcebergSchema, order: SortOrder): Int32Array | null {
  const compares = order.fields.map((field): Compare => {
    const column = batch.columns[schema.fields.findIndex(({ id }) => id === field['source-id'])]
    assert(column !== undefined, 'the sort order is by top-level columns of the table')
    return directed(column, field.direction === 'desc', field['null-order'] === 'nulls-first')
  })
  const compare: Compare = (a, b) => {
    for (const each of compares) {
      const result = each(a, b)
      if (result !== 0) return result
    }
    return a - b
  }
  if (isSorted(batch.rowCount, compare)) return null
  return Int32Array.from({ length: batch.rowCount }, (_, row) => row).sort(compare)
}

function isSorted(rowCount: number, compare: Compare): boolean {
  for (let row = 1; row < rowCount; row++) if (compare(row - 1, row) > 0) return false
  return true
}

/** Nulls go where they are wanted, whatever the direction. */
function directed(column: Column, descending: boolean, nullsFirst: boolean): Compare {
  const ascending = valueOrder(column)
  const compare: Compare = descending ? (a, b) => ascending(b, a) : ascending
  const { validity } = column
  if (validity === null || column.nullCount === 0) return compare
  return (a, b) => {
    const [hasA, hasB] = [isPresent(validity, a), isPresent(validity, b)]
    if (hasA && hasB) return compare(a, b)
    if (hasA === hasB) return 0
    return hasA === nullsFirst ? 1 : -1
  }
}

function valueOrder(column: Column): Compare {
  switch (column.kind) {
    case 'boolean':
    case 'int32':
      return (a, b) => (column.values[a] ?? 0) - (column.values[b] ?? 0)
    case 'float32':
    case 'float64':
      return (a, b) => compareFloats(column.values[a] ?? 0, column.values[b] ?? 0)
    case 'int64':
      return (a, b) => compareWords(column.words, a, b, 2)
    case 'decimal':
      return (a, b) => compareWords(column.words, a, b, 4)
    case 'fixed': {
      const { bytes, size } = column
      return (a, b) => compareBytes(bytes, a * size, (a + 1) * size, b * size, (b + 1) * size)
    }
    case 'bytes':
      return bytesOrder(column)
    case 'dictionary': {
      const rank = entryRanks(column)
      return (a, b) => (rank[column.indices[a] ?? 0] ?? 0) - (rank[column.indices[b] ?? 0] ?? 0)
    }
    default:
      throw new Error(`a ${column.kind} has no order`)
  }
}

/** NaN is above everything, -0 below 0 (Iceberg spec, "Sorting"). */
function compareFloats(a: number, b: number): number {
  if (a < b) return -1
  if (a > b) return 1
  if (a === b) return a === 0 ? Number(Object.is(b, -0)) - Number(Object.is(a, -0)) : 0
  return Number(Number.isNaN(a)) - Number(Number.isNaN(b))
}

/** Two's complement numbers of some words, lowest first: the highest is signed. */
function compareWords(words: Int32Array, a: number, b: number, width: number): number {
  for (let word = width - 1; word >= 0; word--) {
    const [left, right] = [words[a * width + word] ?? 0, words[b * width + word] ?? 0]
    if (left === right) continue
    return word === width - 1 ? left - right : (left >>> 0) - (right >>> 0)
  }
  return 0
}

function compareBytes(bytes: Uint8Array, a: number, aEnd: number, b: number, bEnd: number): number {
  for (; a < aEnd && b < bEnd; a++, b++) {
    const difference = (bytes[a] ?? 0) - (bytes[b] ?? 0)
    if (difference !== 0) return difference
  }
  return aEnd - a - (bEnd - b)
}

/** The order of UTF-8 bytes is that of code points. */
function bytesOrder({ bytes, offsets }: BytesColumn): Compare {
  return (a, b) => compareBytes(bytes, offsets[a] ?? 0, offsets[a + 1] ?? 0, offsets[b] ?? 0, offsets[b + 1] ?? 0)
}

/** Place of each entry in the order of the entries: rows are then compared as numbers. */
function entryRanks({ entryCount, offsets, bytes }: DictionaryColumn): Int32Array {
  const order = Int32Array.from({ length: entryCount }, (_, entry) => entry).sort((a, b) =>
    compareBytes(bytes, offsets[a] ?? 0, offsets[a + 1] ?? 0, offsets[b] ?? 0, offsets[b + 1] ?? 0),
  )
  const ranks = new Int32Array(entryCount)
  order.forEach((entry, rank) => {
    ranks[entry] = rank
  })
  return ranks
}
