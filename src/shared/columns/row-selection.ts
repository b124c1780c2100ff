// Selected rows of a ColumnBatch as a batch of its own: the path of a chunk whose rows fall into several data files. Runs in an
// encode worker. Invariant: the result owns exactly sized arrays and shares nothing with its source but dictionary entries.
import { assertNever } from '../errors.ts'
import type { BytesColumn, Column, ColumnBatch, DictionaryColumn, ListColumn, MapColumn } from './column-batch.ts'
import { isPresent } from './validity.ts'

/** The given rows (row numbers, any order, repeats allowed) of every column. */
export function selectRows(batch: ColumnBatch, rows: Int32Array): ColumnBatch {
  return { rowCount: rows.length, columns: batch.columns.map((column) => selectValues(column, rows)) }
}

/** The values at the given positions of one column, nested columns included. */
function selectValues(column: Column, at: Int32Array): Column {
  const base = { field: column.field, length: at.length, ...selectValidity(column, at) }
  switch (column.kind) {
    case 'boolean':
      return { ...base, kind: 'boolean', values: gather(column.values, new Uint8Array(at.length), at) }
    case 'int32':
      return { ...base, kind: 'int32', values: gather(column.values, new Int32Array(at.length), at) }
    case 'float32':
      return { ...base, kind: 'float32', values: gather(column.values, new Float32Array(at.length), at) }
    case 'float64':
      return { ...base, kind: 'float64', values: gather(column.values, new Float64Array(at.length), at) }
    case 'int64':
      return { ...base, kind: 'int64', words: gatherWide(column.words, new Int32Array(2 * at.length), at, 2) }
    case 'decimal':
      return { ...base, kind: 'decimal', words: gatherWide(column.words, new Int32Array(4 * at.length), at, 4) }
    case 'fixed': {
      const bytes = gatherWide(column.bytes, new Uint8Array(column.size * at.length), at, column.size)
      return { ...base, kind: 'fixed', size: column.size, bytes }
    }
    case 'bytes':
      return { ...base, kind: 'bytes', ...selectBytes(column, at) }
    case 'dictionary':
      return { ...base, kind: 'dictionary', ...selectIndices(column, at) }
    case 'struct':
      return { ...base, kind: 'struct', children: column.children.map((child) => selectValues(child, at)) }
    case 'list': {
      const { offsets, elements } = selectRanges(column, at)
      return { ...base, kind: 'list', offsets, element: selectValues(column.element, elements) }
    }
    case 'map': {
      const { offsets, elements } = selectRanges(column, at)
      const key = selectValues(column.key, elements)
      return { ...base, kind: 'map', offsets, key, value: selectValues(column.value, elements) }
    }
    default:
      return assertNever(column)
  }
}

function selectValidity(column: Column, at: Int32Array): { validity: Uint8Array | null; nullCount: number } {
  const source = column.validity
  if (source === null) return { validity: null, nullCount: 0 }
  const validity = new Uint8Array((at.length + 7) >> 3)
  if (column.nullCount === 0) return { validity: validity.fill(255), nullCount: 0 }
  let nullCount = 0
  for (let index = 0; index < at.length; index++) {
    if (isPresent(source, at[index] ?? 0)) validity[index >> 3] = (validity[index >> 3] ?? 0) | (1 << (index & 7))
    else nullCount++
  }
  return { validity, nullCount }
}

interface NumberArray {
  readonly length: number
  [index: number]: number
}

function gather<T extends NumberArray>(source: T, target: T, at: Int32Array): T {
  for (let index = 0; index < at.length; index++) target[index] = source[at[index] ?? 0] ?? 0
  return target
}

/** Values of `width` array elements each. */
function gatherWide<T extends NumberArray>(source: T, target: T, at: Int32Array, width: number): T {
  for (let index = 0, to = 0; index < at.length; index++) {
    const from = (at[index] ?? 0) * width
    for (let part = 0; part < width; part++) target[to++] = source[from + part] ?? 0
  }
  return target
}

/** Where the selected values begin in a buffer that holds them alone, and where it ends. */
function selectOffsets(source: Int32Array, at: Int32Array): { offsets: Int32Array; end: number } {
  const offsets = new Int32Array(at.length + 1)
  let end = 0
  for (let index = 0; index < at.length; index++) {
    const from = at[index] ?? 0
    end += (source[from + 1] ?? 0) - (source[from] ?? 0)
    offsets[index + 1] = end
  }
  return { offsets, end }
}

function selectBytes(column: BytesColumn, at: Int32Array): { offsets: Int32Array; bytes: Uint8Array } {
  const { offsets, end } = selectOffsets(column.offsets, at)
  const bytes = new Uint8Array(end)
  // Neighbouring rows lie side by side: one copy per run of consecutive rows.
  for (let index = 0; index < at.length; ) {
    const first = at[index] ?? 0
    let next = index + 1
    while (next < at.length && at[next] === first + (next - index)) next++
    const begin = column.offsets[first] ?? 0
    const until = column.offsets[first + (next - index)] ?? 0
    bytes.set(column.bytes.subarray(begin, until), offsets[index] ?? 0)
    index = next
  }
  return { offsets, bytes }
}

/** The entries stay those of the source; readers look only at the entries in use. */
function selectIndices(
  column: DictionaryColumn,
  at: Int32Array,
): Pick<DictionaryColumn, 'indices' | 'entryCount' | 'offsets' | 'bytes'> {
  const { entryCount, offsets, bytes } = column
  return { indices: gather(column.indices, new Int32Array(at.length), at), entryCount, offsets, bytes }
}

/** New offsets, and the positions of the elements that the selected lists hold. */
function selectRanges(column: ListColumn | MapColumn, at: Int32Array): { offsets: Int32Array; elements: Int32Array } {
  const { offsets, end } = selectOffsets(column.offsets, at)
  const elements = new Int32Array(end)
  for (let index = 0, to = 0; index < at.length; index++) {
    const from = at[index] ?? 0
    const until = column.offsets[from + 1] ?? 0
    for (let element = column.offsets[from] ?? 0; element < until; element++) elements[to++] = element
  }
  return { offsets, elements }
}
