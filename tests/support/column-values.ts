// Reads columns back as JavaScript values, for tests only: slow, and free to allocate.
import type { Column, ColumnBatch } from '../../src/shared/columns/column-batch.ts'

export type ColumnValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly ColumnValue[]
  | { readonly [name: string]: ColumnValue }

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export const isNullAt = (column: Column, index: number): boolean =>
  column.validity !== null && ((column.validity[index >> 3] ?? 0) & (1 << (index & 7))) === 0

/** Value `index` of a column: int64 and unscaled decimals as bigint, structs by field name, maps as [key, value] pairs. */
export function valueAt(column: Column, index: number): ColumnValue {
  if (isNullAt(column, index)) return null
  switch (column.kind) {
    case 'boolean':
      return column.values[index] === 1
    case 'int32':
    case 'float32':
    case 'float64':
      return column.values[index] ?? Number.NaN
    case 'int64':
      return wordsAt(column.words, 2 * index, 2)
    case 'decimal':
      return wordsAt(column.words, 4 * index, 4)
    case 'bytes':
      return textOrBytes(column, column.bytes.slice(column.offsets[index], column.offsets[index + 1]))
    case 'dictionary': {
      const code = column.indices[index] ?? -1
      if (code < 0 || code >= column.entryCount) throw new Error(`entry ${code} of ${column.entryCount}`)
      return textOrBytes(column, column.bytes.slice(column.offsets[code], column.offsets[code + 1]))
    }
    case 'fixed':
      return column.bytes.slice(index * column.size, (index + 1) * column.size)
    case 'struct':
      return Object.fromEntries(column.children.map((child) => [child.field.name, valueAt(child, index)]))
    case 'list':
      return between(column.offsets, index).map((at) => valueAt(column.element, at))
    case 'map':
      return between(column.offsets, index).map((at) => [valueAt(column.key, at), valueAt(column.value, at)])
  }
}

const textOrBytes = (column: Column, bytes: Uint8Array): ColumnValue =>
  column.field.type === 'string' ? decoder.decode(bytes) : bytes

function wordsAt(words: Int32Array, first: number, count: number): bigint {
  let value = 0n
  for (let word = count - 1; word >= 0; word--) value = (value << 32n) | BigInt((words[first + word] ?? 0) >>> 0)
  return BigInt.asIntN(32 * count, value)
}

function between(offsets: Int32Array, index: number): number[] {
  const first = offsets[index] ?? 0
  return Array.from({ length: (offsets[index + 1] ?? 0) - first }, (_, step) => first + step)
}

/** All rows of a batch, each as an object by column name. */
export function rowsOf(batch: ColumnBatch): Array<{ readonly [name: string]: ColumnValue }> {
  return Array.from({ length: batch.rowCount }, (_, row) =>
    Object.fromEntries(batch.columns.map((column) => [column.field.name, valueAt(column, row)])),
  )
}

/** Everything that can be read of a column and below it; equal pictures mean equal columns. */
export function pictureOf(column: Column): unknown {
  const below =
    column.kind === 'struct'
      ? column.children
      : column.kind === 'list'
        ? [column.element]
        : column.kind === 'map'
          ? [column.key, column.value]
          : []
  return {
    name: column.field.name,
    length: column.length,
    nullCount: column.nullCount,
    nulls: Array.from({ length: column.length }, (_, index) => isNullAt(column, index)),
    values: below.length > 0 ? [] : Array.from({ length: column.length }, (_, index) => valueAt(column, index)),
    offsets: 'offsets' in column && below.length > 0 ? column.offsets.slice(0, column.length + 1) : null,
    below: below.map(pictureOf),
  }
}

export const batchPicture = (batch: ColumnBatch): unknown => ({
  rowCount: batch.rowCount,
  columns: batch.columns.map(pictureOf),
})
