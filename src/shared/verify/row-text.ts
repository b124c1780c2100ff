// Rows as readable text, column by column: for the few examples that a report shows. Pure. Invariant: told the same events as
// the hashes, so what differs in the hash differs here.
import type { IcebergSchema, IcebergType } from '../iceberg/schema.ts'
import { parseDecimal } from './avro-plan.ts'
import type { RowSink } from './table-file.ts'
import type { Place } from './value-sink.ts'

interface Node {
  readonly path: string
  readonly type: IcebergType
}

const textMax = 120

export class RowTexts implements RowSink {
  row = 0
  /** Rows whose values are kept. */
  readonly #wanted: ReadonlyMap<number, Map<string, string>>
  readonly #nodes = new Map<number, Node>()

  constructor(table: IcebergSchema, wanted: ReadonlyMap<number, Map<string, string>>) {
    this.#wanted = wanted
    for (const field of table.fields) this.#name(field.id, field.name, field.type)
  }

  present(id: number, place: Place): void {
    this.#tell(id, place, '', () => 'present')
  }

  item(id: number, place: Place): void {
    this.#tell(id, place, ' item', () => 'present')
  }

  integer(id: number, place: Place, low: number, high: number): void {
    this.#tell(id, place, '', (type) => {
      if (type === 'boolean') return low === 1 ? 'true' : 'false'
      const value = (BigInt(high) << 32n) | BigInt(low >>> 0)
      return typeof type === 'string' && type.startsWith('timestamp') ? timeText(value, type) : String(value)
    })
  }

  real(id: number, place: Place, value: number): void {
    this.#tell(id, place, '', () => (Object.is(value, -0) ? '-0' : String(value)))
  }

  decimal(id: number, place: Place, words: Int32Array): void {
    this.#tell(id, place, '', (type) => {
      const [w0 = 0, w1 = 0, w2 = 0, w3 = 0] = words
      const value = (BigInt(w3) << 96n) | (BigInt(w2 >>> 0) << 64n) | (BigInt(w1 >>> 0) << 32n) | BigInt(w0 >>> 0)
      const scale = typeof type === 'string' ? (parseDecimal(type)?.scale ?? 0) : 0
      const digits = String(value < 0n ? -value : value).padStart(scale + 1, '0')
      const split = digits.length - scale
      return `${value < 0n ? '-' : ''}${digits.slice(0, split)}${scale > 0 ? `.${digits.slice(split)}` : ''}`
    })
  }

  bytes(id: number, place: Place, buffer: Uint8Array, start: number, end: number): void {
    this.#tell(id, place, '', (type) => {
      const bytes = Buffer.from(buffer.subarray(start, end))
      return type === 'string' ? JSON.stringify(bytes.toString('utf8')) : `0x${bytes.toString('hex')}`
    })
  }

  #tell(id: number, place: Place, suffix: string, text: (type: IcebergType) => string): void {
    const row = this.#wanted.get(this.row)
    const node = this.#nodes.get(id)
    if (row === undefined || node === undefined) return
    row.set(`${node.path}${place}${suffix}`, text(node.type))
  }

  #name(id: number, path: string, type: IcebergType): void {
    this.#nodes.set(id, { path, type })
    if (typeof type === 'string') return
    if (type.type === 'struct')
      for (const field of type.fields) this.#name(field.id, `${path}.${field.name}`, field.type)
    else if (type.type === 'list') this.#name(type['element-id'], `${path}.element`, type.element)
    else {
      this.#name(type['key-id'], `${path}.key`, type.key)
      this.#name(type['value-id'], `${path}.value`, type.value)
    }
  }
}

/** ISO 8601 to the last digit; the bare number where no date has it. */
function timeText(value: bigint, type: string): string {
  const perSecond = type.endsWith('_ns') ? 1_000_000_000n : 1_000_000n
  const fraction = ((value % perSecond) + perSecond) % perSecond
  const seconds = Number((value - fraction) / perSecond)
  const date = new Date(seconds * 1000)
  if (Number.isNaN(date.getTime())) return String(value)
  const digits = String(fraction).padStart(String(perSecond).length - 1, '0')
  return `${date.toISOString().slice(0, -5)}.${digits}${type.startsWith('timestamptz') ? 'Z' : ''}`
}

export interface ColumnDifference {
  readonly column: string
  readonly source: string
  readonly table: string
}

/** Columns in which two rows differ, the first few; null for what one side does not have. */
export function compareTexts(
  source: ReadonlyMap<string, string>,
  table: ReadonlyMap<string, string>,
  max: number,
): ColumnDifference[] {
  const columns = [...new Set([...source.keys(), ...table.keys()])]
  const differing = columns.filter((column) => source.get(column) !== table.get(column))
  return differing
    .slice(0, max)
    .map((column) => ({ column, source: shown(source.get(column)), table: shown(table.get(column)) }))
}

function shown(text: string | undefined): string {
  if (text === undefined) return 'null'
  return text.length > textMax ? `${text.slice(0, textMax)}… (${text.length} characters)` : text
}
