// What the footer and the page index of a file say, held against the rows it was made of: a count that is off, a bound that excludes a
// value or an order that is none would make a reader skip rows. Bounds are read as raw bytes, so that no digit is lost on the way.
import { deserializeTCompactProtocol } from 'hyparquet/src/thrift.js'
import { decimalParameters } from '../../../src/shared/columns/nested-fields.ts'
import type { IcebergSchema } from '../../../src/shared/iceberg/schema.ts'
import type { Cell, Row } from '../../support/column-maker.ts'
import { canonicalCell, compareCells, type LeafEntries, leafEntries } from './conformance-canonical.ts'

/** A Thrift struct by field number (parquet.thrift of the Parquet format). */
type Thrift = Readonly<Record<`field_${number}`, unknown>>
const structs = (value: unknown): readonly Thrift[] => (Array.isArray(value) ? value : [])
const structOf = (value: unknown): Thrift => Object(value)
const bytesOf = (value: unknown): Uint8Array | null => (value instanceof Uint8Array ? value : null)

export interface RawFooter {
  readonly metadata: Thrift
  readonly rowGroups: readonly Thrift[]
  readonly createdBy: string
}

function thriftAt(bytes: Uint8Array, start: number, length: number): Thrift {
  return deserializeTCompactProtocol({ view: new DataView(bytes.buffer, bytes.byteOffset + start, length), offset: 0 })
}

export function rawFooter(bytes: Uint8Array): RawFooter {
  const end = bytes.byteLength - 8
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(end, true)
  const metadata = thriftAt(bytes, end - length, length)
  return {
    metadata,
    rowGroups: structs(metadata.field_4),
    createdBy: Buffer.from(bytesOf(metadata.field_6) ?? []).toString(),
  }
}

/** What is wrong, as sentences; none where the footer is true of the rows. */
export function footerFaults(bytes: Uint8Array, schema: IcebergSchema, rows: readonly Row[]): readonly string[] {
  const { metadata, rowGroups } = rawFooter(bytes)
  const leaves = leafEntries(schema, rows)
  const faults: string[] = []
  if (Number(metadata.field_3) !== rows.length)
    faults.push(`${metadata.field_3} rows in the footer, not ${rows.length}`)
  // Without it a reader may not use min_value and max_value at all.
  const orders = structs(metadata.field_7).length
  if (orders !== leaves.length) faults.push(`${orders} column orders for ${leaves.length} leaves`)
  let start = 0
  rowGroups.forEach((group, at) => {
    const next = start + Number(group.field_3)
    const chunks = structs(group.field_1)
    leaves.forEach((leaf, column) => {
      const found = chunkFaults(bytes, structOf(chunks[column]), leaf, start, next)
      faults.push(...found.map((fault) => `row group ${at}, ${leaf.path.join('.')}: ${fault}`))
    })
    faults.push(...sortFaults(group, leaves, start, next).map((fault) => `row group ${at}: ${fault}`))
    start = next
  })
  if (start !== rows.length) faults.push(`${start} rows in the row groups, not ${rows.length}`)
  return faults
}

function chunkFaults(bytes: Uint8Array, chunk: Thrift, leaf: LeafEntries, start: number, next: number): string[] {
  const meta = structOf(chunk.field_3)
  const path = structs(meta.field_3).map((part) => Buffer.from(bytesOf(part) ?? []).toString())
  if (path.join('/') !== leaf.path.join('/')) return [`its path is ${path.join('.')}`]
  const entries = leaf.entries.slice(start, next).flat()
  const faults: string[] = []
  if (Number(meta.field_5) !== entries.length) faults.push(`${meta.field_5} values, not ${entries.length}`)
  const type = Number(meta.field_1)
  const statistics = structOf(meta.field_12)
  const bounds = { type, lower: bytesOf(statistics.field_6), upper: bytesOf(statistics.field_5) }
  const exact = { lower: statistics.field_8 === true, upper: statistics.field_7 === true }
  faults.push(...rangeFaults(leaf, entries, Number(statistics.field_3 ?? -1), { ...bounds, exact }))
  // The old pair is in signed order, which is that of decimals but not that of bytes.
  const isUnsigned = type > 5 && decimalParameters(leaf.field.type) === null
  if (isUnsigned && (statistics.field_1 !== undefined || statistics.field_2 !== undefined))
    faults.push('has min and max')
  return [...faults, ...pageFaults(bytes, chunk, leaf, start, next)]
}

interface Bounds {
  /** Physical: 0 BOOLEAN, 1 INT32, 2 INT64, 4 FLOAT, 5 DOUBLE, 6 BYTE_ARRAY, 7 FIXED_LEN_BYTE_ARRAY. */
  readonly type: number
  readonly lower: Uint8Array | null
  readonly upper: Uint8Array | null
  readonly exact: { readonly lower: boolean; readonly upper: boolean }
}

const isBytes = (type: string): boolean => type === 'string' || type === 'binary'
const isNumberless = (cell: Cell): boolean => cell === null || Number.isNaN(cell)

function rangeFaults(leaf: LeafEntries, entries: readonly Cell[], nulls: number, bounds: Bounds): string[] {
  const type = String(leaf.field.type)
  const faults: string[] = []
  const absent = entries.filter((cell) => cell === null).length
  if (nulls !== absent) faults.push(`${nulls} nulls, not ${absent}`)
  const values = entries.filter((cell) => !isNumberless(cell))
  const hasNaN = entries.some((cell) => Number.isNaN(cell))
  const { lower, upper } = bounds
  if (values.length === 0) return lower === null && upper === null ? faults : [...faults, 'bounds without a value']
  if (lower === null || upper === null) {
    // A float column with NaN may do without, and so may bytes that have no short upper bound.
    return hasNaN || isBytes(type) ? faults : [...faults, 'no bounds']
  }
  const [lowest, highest] = extremes(type, values)
  const low = boundValue(type, bounds.type, lower)
  const high = boundValue(type, bounds.type, upper)
  const say = (cell: Cell): string => canonicalCell(type, cell)
  if (compareCells(type, low, lowest) > 0) faults.push(`lower bound ${say(low)} excludes ${say(lowest)}`)
  if (compareCells(type, high, highest) < 0) faults.push(`upper bound ${say(high)} excludes ${say(highest)}`)
  if ((!isBytes(type) || bounds.exact.lower) && say(widened(low, -0)) !== say(widened(lowest, -0)))
    faults.push(`lower bound ${say(low)} is not ${say(lowest)}`)
  if ((!isBytes(type) || bounds.exact.upper) && say(widened(high, 0)) !== say(widened(highest, 0)))
    faults.push(`upper bound ${say(high)} is not ${say(highest)}`)
  // Some readers order -0 before +0 and others hold them equal: a zero bound must be right for both (parquet.thrift, ColumnOrder).
  const isFloat = type === 'float' || type === 'double'
  if (isFloat && Object.is(low, 0)) faults.push('lower bound +0')
  if (isFloat && Object.is(high, -0)) faults.push('upper bound -0')
  return faults
}

const widened = (cell: Cell, zero: number): Cell => (cell === 0 ? zero : cell)

function extremes(type: string, values: readonly Cell[]): [Cell, Cell] {
  let lowest = values[0] ?? null
  let highest = lowest
  for (const value of values) {
    if (compareCells(type, value, lowest) < 0) lowest = value
    if (compareCells(type, value, highest) > 0) highest = value
  }
  return [lowest, highest]
}

/** PLAIN encoding without a length (parquet.thrift, Statistics). Text stays bytes: a cut one need not be text. */
function boundValue(type: string, physical: number, bytes: Uint8Array): Cell {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  switch (physical) {
    case 0:
      return bytes[0] === 1
    case 1:
      return decimalParameters(type) === null ? view.getInt32(0, true) : BigInt(view.getInt32(0, true))
    case 2:
      return view.getBigInt64(0, true)
    case 4:
      return view.getFloat32(0, true)
    case 5:
      return view.getFloat64(0, true)
    default:
      if (decimalParameters(type) === null) return type === 'string' ? Buffer.from(bytes).toString() : bytes.slice()
      return BigInt.asIntN(8 * bytes.length, BigInt(`0x${Buffer.from(bytes).toString('hex')}`))
  }
}

/** Both indexes of a chunk, page by page. */
function pageFaults(bytes: Uint8Array, chunk: Thrift, leaf: LeafEntries, start: number, next: number): string[] {
  const faults: string[] = []
  if (chunk.field_4 === undefined) return ['no offset index']
  const offsets = thriftAt(bytes, Number(chunk.field_4), Number(chunk.field_5))
  const pages = structs(offsets.field_1)
  const firsts = pages.map((page) => start + Number(page.field_3))
  const pageEntries = firsts.map((first, at) => leaf.entries.slice(first, firsts[at + 1] ?? next).flat())
  faults.push(...locationFaults(structOf(chunk.field_3), pages))
  if (firsts[0] !== start || firsts.some((first, at) => at > 0 && first <= (firsts[at - 1] ?? 0)))
    return [...faults, `pages start at rows ${firsts.join()}`]
  if (chunk.field_6 === undefined) {
    const isOnlyNaN = (entries: readonly Cell[]): boolean =>
      entries.some((cell) => cell !== null) && entries.every(isNumberless)
    // A page whose only values are NaN has no bounds, and one such page forbids the index.
    return pageEntries.some(isOnlyNaN) ? faults : [...faults, 'no column index']
  }
  const index = thriftAt(bytes, Number(chunk.field_6), Number(chunk.field_7))
  const [nullPages, lowers, uppers, nulls] = [index.field_1, index.field_2, index.field_3, index.field_5].map((list) =>
    Array.isArray(list) ? list : [],
  )
  const bounds: Bounds[] = []
  pageEntries.forEach((entries, at) => {
    const isNull = nullPages?.[at] === true
    if (isNull !== entries.every((cell) => cell === null)) {
      faults.push(`page ${at} is said to be ${isNull ? 'null' : 'not null'}, wrongly`)
      return
    }
    const physical = Number(structOf(chunk.field_3).field_1)
    const of = (list: unknown[] | undefined): Uint8Array | null => (isNull ? null : bytesOf(list?.[at]))
    const page = { type: physical, lower: of(lowers), upper: of(uppers), exact: { lower: false, upper: false } }
    if (!isNull) bounds.push(page)
    faults.push(...rangeFaults(leaf, entries, Number(nulls?.[at] ?? -1), page).map((fault) => `page ${at}: ${fault}`))
  })
  if (lowers?.length !== pages.length)
    faults.push(`${lowers?.length} pages in the column index, ${pages.length} in the other`)
  return [...faults, ...orderFaults(String(leaf.field.type), Number(index.field_4), bounds)]
}

/** Pages lie one behind the other, from the first to the end of the chunk. */
function locationFaults(meta: Thrift, pages: readonly Thrift[]): string[] {
  const first = Number(meta.field_9)
  const dictionary = meta.field_11 === undefined ? first : Number(meta.field_11)
  let end = first
  for (const [at, page] of pages.entries()) {
    if (Number(page.field_1) !== end) return [`page ${at} lies at ${page.field_1}, not at ${end}`]
    end += Number(page.field_2)
  }
  const last = Math.min(dictionary, first) + Number(meta.field_7)
  return end === last ? [] : [`pages end at ${end}, the chunk at ${last}`]
}

/** `order`: 0 none, 1 ascending, 2 descending; of the bounds of pages with values. */
function orderFaults(type: string, order: number, pages: readonly Bounds[]): string[] {
  if (order === 0) return []
  const direction = order === 1 ? 1 : -1
  return pages.flatMap((page, at) => {
    const before = pages[at - 1]
    if (before === undefined) return []
    const isOrdered = (['lower', 'upper'] as const).every((side) => {
      const [one, two] = [before[side], page[side]]
      if (one === null || two === null) return false
      return direction * compareCells(type, boundValue(type, page.type, one), boundValue(type, page.type, two)) <= 0
    })
    return isOrdered ? [] : [`pages are not in order ${order} at ${at}`]
  })
}

/** A reader may take a sorting column at its word. */
function sortFaults(group: Thrift, leaves: readonly LeafEntries[], start: number, next: number): string[] {
  const keys = structs(group.field_4).map((key) => ({
    leaf: leaves[Number(key.field_1)],
    sign: key.field_2 === true ? -1 : 1,
    nulls: key.field_3 === true ? -1 : 1,
  }))
  for (let row = start + 1; row < next; row++) {
    for (const { leaf, sign, nulls } of keys) {
      if (leaf === undefined || !leaf.isFlat) return ['sorted by what is no flat leaf']
      const [before, after] = [leaf.entries[row - 1]?.[0] ?? null, leaf.entries[row]?.[0] ?? null]
      const order =
        before === null || after === null
          ? nulls * (Number(before === null) - Number(after === null))
          : sign * compareCells(String(leaf.field.type), before, after)
      if (order > 0) return [`row ${row} is out of order by ${leaf.path.join('.')}`]
      if (order < 0) break
    }
  }
  return []
}
