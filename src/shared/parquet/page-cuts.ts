// Where the pages of a column chunk begin and end: whole rows, at most so many of them and about so many bytes. Encode worker.
// Invariant: cuts follow each other without a gap and hold every entry; a page has at least one row, however large.
import type { LeafEntries } from './levels.ts'
import type { OrderedColumn } from './value-range.ts'

/** A page: entries, values and rows [first, next) of its chunk. */
export interface PageCut {
  readonly firstEntry: number
  readonly nextEntry: number
  readonly firstValue: number
  readonly nextValue: number
  readonly firstRow: number
}

export interface PageLimits {
  /** Uncompressed, as plain values or indices. */
  readonly pageBytes: number
  readonly pageRows: number
}

/** `indexBits`: bits of a dictionary index, or null where `values` are written themselves. */
export function cutPages(
  entries: LeafEntries,
  values: OrderedColumn,
  indexBits: number | null,
  limits: PageLimits,
): readonly PageCut[] {
  const cuts: PageCut[] = []
  let [firstEntry, firstValue, firstRow] = [0, 0, 0]
  while (firstEntry < entries.count) {
    let rowsMax = limits.pageRows
    for (;;) {
      const { nextEntry, rows } = entriesOfRows(entries, firstEntry, rowsMax)
      const nextValue = firstValue + presentIn(entries, firstEntry, nextEntry)
      const bytes =
        indexBits === null
          ? plainBytes(values, firstValue, nextValue)
          : Math.ceil(((nextValue - firstValue) * indexBits) / 8)
      if (bytes <= limits.pageBytes || rows === 1) {
        cuts.push({ firstEntry, nextEntry, firstValue, nextValue, firstRow })
        firstEntry = nextEntry
        firstValue = nextValue
        firstRow += rows
        break
      }
      // By an eighth at least: one large value among small ones would be approached too slowly.
      rowsMax = Math.max(1, Math.min(Math.floor((rows * limits.pageBytes) / bytes), rows - (rows >> 3) - 1))
    }
  }
  return cuts
}

/** The end of up to `rowsMax` rows that begin at an entry. */
function entriesOfRows(
  { count, repetitions }: LeafEntries,
  from: number,
  rowsMax: number,
): { readonly nextEntry: number; readonly rows: number } {
  if (repetitions === null) {
    const rows = Math.min(rowsMax, count - from)
    return { nextEntry: from + rows, rows }
  }
  let rows = 0
  let at = from
  for (; at < count; at++) {
    if (repetitions[at] !== 0) continue
    if (rows === rowsMax) break
    rows++
  }
  return { nextEntry: at, rows }
}

function presentIn({ definitions, definitionMax }: LeafEntries, from: number, to: number): number {
  if (definitions === null) return to - from
  let present = 0
  for (let index = from; index < to; index++) if (definitions[index] === definitionMax) present++
  return present
}

function plainBytes(values: OrderedColumn, from: number, to: number): number {
  const count = to - from
  switch (values.kind) {
    case 'boolean':
      return count / 8
    case 'int32':
    case 'float32':
      return 4 * count
    case 'int64':
    case 'float64':
      return 8 * count
    case 'fixed':
      return values.size * count
    case 'bytes':
      return 4 * count + (values.offsets[to] as number) - (values.offsets[from] as number)
  }
}
