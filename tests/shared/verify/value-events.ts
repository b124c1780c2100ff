// What a value sink is told, as text; and the same told from rows written out in a test. Two ways to one list of events.
import type { IcebergField, IcebergType } from '../../../src/shared/iceberg/schema.ts'
import type { RowSink } from '../../../src/shared/verify/table-file.ts'
import { Place, type ValueSink } from '../../../src/shared/verify/value-sink.ts'

/** Sorted events per row: the order in which they are told has no meaning. */
export class EventLog implements RowSink {
  row = 0
  readonly #rows: string[][] = []

  get rows(): readonly (readonly string[])[] {
    return Array.from(this.#rows, (events) => (events ?? []).sort())
  }

  present(id: number, place: Place): void {
    this.#tell(id, place, 'present')
  }
  item(id: number, place: Place): void {
    this.#tell(id, place, 'item')
  }
  integer(id: number, place: Place, low: number, high: number): void {
    this.#tell(id, place, `integer ${(BigInt(high) << 32n) | BigInt(low >>> 0)}`)
  }
  real(id: number, place: Place, value: number): void {
    this.#tell(id, place, `real ${Object.is(value, -0) ? '-0' : value}`)
  }
  decimal(id: number, place: Place, words: Int32Array): void {
    let value = 0n
    for (let word = 3; word >= 0; word--) value = (value << 32n) | BigInt((words[word] as number) >>> 0)
    this.#tell(id, place, `decimal ${BigInt.asIntN(128, value)}`)
  }
  bytes(id: number, place: Place, buffer: Uint8Array, start: number, end: number): void {
    this.#tell(id, place, `bytes ${Buffer.from(buffer.subarray(start, end)).toString('hex')}`)
  }

  #tell(id: number, place: Place, text: string): void {
    const events = this.#rows[this.row] ?? []
    events.push(`${id}${place} ${text}`)
    this.#rows[this.row] = events
  }
}

/** Tells a sink the values of a row: cells by field name; maps as Map or as pairs. */
export function tellRow(sink: ValueSink, fields: readonly IcebergField[], row: object): void {
  for (const field of fields) tell(sink, field.id, field.type, Reflect.get(row, field.name), new Place())
}

function tell(sink: ValueSink, id: number, type: IcebergType, value: unknown, place: Place): void {
  if (value === null || value === undefined) return
  if (typeof type === 'string') tellPrimitive(sink, id, type, value, place)
  else if (type.type === 'struct') {
    sink.present(id, place)
    for (const field of type.fields) tell(sink, field.id, field.type, Reflect.get(Object(value), field.name), place)
  } else {
    sink.present(id, place)
    const items: unknown[] = value instanceof Map ? [...value] : (value as unknown[])
    for (const [index, item] of items.entries()) {
      place.enter(index)
      sink.item(id, place)
      if (type.type === 'list') tell(sink, type['element-id'], type.element, item, place)
      else {
        const [key, mapped] = item as [unknown, unknown]
        tell(sink, type['key-id'], type.key, key, place)
        tell(sink, type['value-id'], type.value, mapped, place)
      }
      place.leave()
    }
  }
}

function tellPrimitive(sink: ValueSink, id: number, type: string, value: unknown, place: Place): void {
  if (type.startsWith('decimal')) {
    const words = Int32Array.from({ length: 4 }, (_, at) =>
      Number(BigInt.asIntN(32, (value as bigint) >> BigInt(32 * at))),
    )
    sink.decimal(id, place, words)
  } else if (typeof value === 'string' || value instanceof Uint8Array) {
    const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : value
    sink.bytes(id, place, bytes, 0, bytes.length)
  } else if (type === 'float' || type === 'double') sink.real(id, place, value as number)
  else {
    const whole = BigInt(value as number | bigint | boolean)
    sink.integer(id, place, Number(BigInt.asIntN(32, whole)), Number(BigInt.asIntN(32, whole >> 32n)))
  }
}
