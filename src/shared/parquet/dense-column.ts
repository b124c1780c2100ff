// The present values of a leaf side by side, in the physical type of the file: what value encoders read. Encode worker. Invariant:
// a dense column has no nulls; it is a view of the batch where nothing had to be moved, else of scratch memory that the next dense
// column of the same kind fills again.
import type {
  BooleanColumn,
  BytesColumn,
  Column,
  DecimalColumn,
  DictionaryColumn,
  FixedColumn,
  Float32Column,
  Float64Column,
  Int32Column,
  Int64Column,
} from '../columns/column-batch.ts'
import type { LeafType } from './parquet-types.ts'
import { ByteScratch } from './scratch.ts'

export type LeafColumn = Exclude<Column, { readonly kind: 'struct' | 'list' | 'map' }>

/** Decimals are int32, int64 or big-endian fixed by now. */
export type DenseColumn =
  | BooleanColumn
  | Int32Column
  | Int64Column
  | Float32Column
  | Float64Column
  | BytesColumn
  | DictionaryColumn
  | FixedColumn

const values = new ByteScratch()
const textOffsets = new ByteScratch()

const int32s = (length: number): Int32Array => new Int32Array(values.take(4 * length).buffer, 0, length)

/**
 * Values at `positions`, the first `count` of them, ascending; all from `first` on where `positions` is null.
 * Decimals are brought to the physical type.
 */
export function denseColumn(
  column: LeafColumn,
  type: LeafType,
  positions: Int32Array | null,
  first: number,
  count: number,
): DenseColumn {
  if (column.kind === 'decimal') return denseDecimal(column, type, positions, first, count)
  return positions === null ? slice(column, first, count) : gather(column, positions, count)
}

const dense = (length: number) => ({ length, nullCount: 0, validity: null })

function slice(column: Exclude<LeafColumn, DecimalColumn>, first: number, count: number): DenseColumn {
  const [base, end] = [dense(count), first + count]
  switch (column.kind) {
    case 'boolean':
      return { ...column, ...base, values: column.values.subarray(first, end) }
    case 'int32':
      return { ...column, ...base, values: column.values.subarray(first, end) }
    case 'float32':
      return { ...column, ...base, values: column.values.subarray(first, end) }
    case 'float64':
      return { ...column, ...base, values: column.values.subarray(first, end) }
    case 'int64':
      return { ...column, ...base, words: column.words.subarray(2 * first, 2 * end) }
    case 'bytes':
      return { ...column, ...base, offsets: column.offsets.subarray(first, end + 1) }
    case 'dictionary':
      return { ...column, ...base, indices: column.indices.subarray(first, end) }
    case 'fixed':
      return { ...column, ...base, bytes: column.bytes.subarray(column.size * first, column.size * end) }
  }
}

function gather(column: Exclude<LeafColumn, DecimalColumn>, positions: Int32Array, count: number): DenseColumn {
  const base = dense(count)
  switch (column.kind) {
    case 'boolean': {
      const out = values.take(count)
      for (let index = 0; index < count; index++) out[index] = column.values[positions[index] as number] as number
      return { ...column, ...base, values: out }
    }
    case 'int32':
      return { ...column, ...base, values: gatherWords(column.values, positions, count) }
    case 'dictionary':
      return { ...column, ...base, indices: gatherWords(column.indices, positions, count) }
    case 'int64':
      return { ...column, ...base, words: gatherPairs(column.words, positions, count) }
    case 'float32': {
      const out = new Float32Array(values.take(4 * count).buffer, 0, count)
      for (let index = 0; index < count; index++) out[index] = column.values[positions[index] as number] as number
      return { ...column, ...base, values: out }
    }
    case 'float64': {
      const out = new Float64Array(values.take(8 * count).buffer, 0, count)
      for (let index = 0; index < count; index++) out[index] = column.values[positions[index] as number] as number
      return { ...column, ...base, values: out }
    }
    case 'bytes':
      return gatherBytes(column, positions, count)
    case 'fixed':
      return { ...column, ...base, bytes: gatherFixed(column, positions, count) }
  }
}

function gatherWords(words: Int32Array, positions: Int32Array, count: number): Int32Array {
  const out = int32s(count)
  for (let index = 0; index < count; index++) out[index] = words[positions[index] as number] as number
  return out
}

function gatherPairs(words: Int32Array, positions: Int32Array, count: number): Int32Array {
  const out = int32s(2 * count)
  for (let index = 0; index < count; index++) {
    const place = 2 * (positions[index] as number)
    out[2 * index] = words[place] as number
    out[2 * index + 1] = words[place + 1] as number
  }
  return out
}

function gatherFixed({ bytes, size }: FixedColumn, positions: Int32Array, count: number): Uint8Array {
  const out = values.take(size * count)
  let at = 0
  for (let index = 0; index < count; index++) {
    const start = size * (positions[index] as number)
    for (let byte = start; byte < start + size; byte++) out[at++] = bytes[byte] as number
  }
  return out
}

/** Nulls have no bytes, so mostly only the offsets close up and the bytes stay where they are. */
function gatherBytes(column: BytesColumn, positions: Int32Array, count: number): BytesColumn {
  const { offsets } = column
  const out = new Int32Array(textOffsets.take(4 * (count + 1)).buffer, 0, count + 1)
  let end = count === 0 ? 0 : (offsets[positions[0] as number] as number)
  let isClosed = true
  out[0] = end
  for (let index = 0; index < count; index++) {
    const position = positions[index] as number
    if (offsets[position] !== end) isClosed = false
    end = offsets[position + 1] as number
    out[index + 1] = end
  }
  if (isClosed) return { ...column, ...dense(count), offsets: out }
  return { ...column, ...dense(count), ...moved(column, positions, count, out) }
}

function moved(
  { bytes, offsets }: BytesColumn,
  positions: Int32Array,
  count: number,
  out: Int32Array,
): { offsets: Int32Array; bytes: Uint8Array } {
  let end = 0
  for (let index = 0; index < count; index++) {
    const position = positions[index] as number
    out[index] = end
    end += (offsets[position + 1] as number) - (offsets[position] as number)
  }
  out[count] = end
  const target = values.take(end)
  for (let index = 0; index < count; index++) {
    const position = positions[index] as number
    target.set(bytes.subarray(offsets[position], offsets[position + 1]), out[index] as number)
  }
  return { offsets: out, bytes: target }
}

/** Precision decides the physical type (LogicalTypes.md, "DECIMAL"): the lowest word, the two lowest, or big-endian bytes. */
function denseDecimal(
  column: DecimalColumn,
  type: LeafType,
  positions: Int32Array | null,
  first: number,
  count: number,
): DenseColumn {
  const { field, words } = column
  const base = { field, ...dense(count) }
  if (type.physical === 'int32') {
    const out = int32s(count)
    for (let index = 0; index < count; index++)
      out[index] = words[4 * (positions === null ? first + index : (positions[index] as number))] as number
    return { ...base, kind: 'int32', values: out }
  }
  if (type.physical === 'int64') {
    const out = int32s(2 * count)
    for (let index = 0; index < count; index++) {
      const place = 4 * (positions === null ? first + index : (positions[index] as number))
      out[2 * index] = words[place] as number
      out[2 * index + 1] = words[place + 1] as number
    }
    return { ...base, kind: 'int64', words: out }
  }
  const size = type.length
  const bytes = values.take(size * count)
  for (let index = 0; index < count; index++) {
    const place = 4 * (positions === null ? first + index : (positions[index] as number))
    const end = size * (index + 1) - 1
    for (let byte = 0; byte < size; byte++)
      bytes[end - byte] = (words[place + (byte >> 2)] as number) >> (8 * (byte & 3))
  }
  return { ...base, kind: 'fixed', size, bytes }
}

/** Values of a dictionary column one by one: for a dictionary that is too large for a page. */
export function expanded({ field, indices, offsets, bytes, length }: DictionaryColumn): BytesColumn {
  const ends = new Int32Array(length + 1)
  for (let index = 0; index < length; index++) {
    const entry = indices[index] as number
    ends[index + 1] = (ends[index] as number) + (offsets[entry + 1] as number) - (offsets[entry] as number)
  }
  const out = new Uint8Array(ends[length] ?? 0)
  for (let index = 0; index < length; index++) {
    const entry = indices[index] as number
    out.set(bytes.subarray(offsets[entry], offsets[entry + 1]), ends[index] as number)
  }
  return { kind: 'bytes', field, ...dense(length), offsets: ends, bytes: out }
}
