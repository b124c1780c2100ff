// One Kafka record as the row that the table must hold: provenance columns and the fields of its Avro value, told to a sink.
// Pure, hot. Invariant: what is told follows from the record, its topic and the table's schema alone.
import type { IcebergField, IcebergStruct } from '../iceberg/schema.ts'
import type { PlanNode } from './avro-plan.ts'
import { AvroReader, type RecordFault } from './avro-reader.ts'
import type { RecordWalk } from './log-records.ts'
import { Place, type ValueSink } from './value-sink.ts'
import type { LogPartition } from './verify-source.ts'

/** Columns that K2 adds to a record's own, by name (design, "Main tables" and "Side tables"). */
export const provenanceNames: readonly string[] = [
  'kafka_topic',
  'kafka_topic_id',
  'kafka_partition',
  'kafka_offset',
  'kafka_timestamp',
  'kafka_key',
  'kafka_headers',
]

export class SourceRows<S extends ValueSink> {
  readonly #sink: S
  readonly #reader: AvroReader<S>
  readonly #place = new Place()
  readonly #ids: ReadonlyMap<string, number>
  readonly #headers: { readonly list: number; readonly element: number; readonly key: number; readonly value: number }
  #topic: Uint8Array = new Uint8Array(0)
  #topicId: Uint8Array = new Uint8Array(0)
  #partition = 0

  constructor(sink: S, table: IcebergStruct) {
    this.#sink = sink
    this.#reader = new AvroReader(sink)
    this.#ids = new Map(table.fields.map((field) => [field.name, field.id]))
    this.#headers = headerIds(table)
  }

  /** Why the last record could not be read. */
  get fault(): RecordFault {
    return this.#reader.fault
  }

  enter(partition: LogPartition): void {
    this.#topic = new TextEncoder().encode(partition.topicName)
    this.#topicId = new TextEncoder().encode(partition.topicId)
    this.#partition = partition.partition
  }

  openBlock(bytes: Uint8Array): void {
    this.#reader.open(bytes)
  }

  /** The fields of the value; false: not what its schema says. */
  fields(record: RecordWalk, plan: PlanNode, frameBytes: number): boolean {
    return this.#reader.record(plan, record.valueStart + frameBytes, record.valueEnd)
  }

  provenance(record: RecordWalk): void {
    const sink = this.#sink
    this.#bytes('kafka_topic', this.#topic, 0, this.#topic.length)
    this.#bytes('kafka_topic_id', this.#topicId, 0, this.#topicId.length)
    this.#whole('kafka_partition', this.#partition)
    this.#whole('kafka_offset', record.offset)
    // -1 is Kafka's "no time": null in the table.
    if (record.timestamp !== -1) this.#time(record.timestamp)
    if (record.keyStart >= 0) this.#bytes('kafka_key', record.bytes, record.keyStart, record.keyEnd)
    const { list, element, key, value } = this.#headers
    if (list === 0) return
    // A record without headers has an empty list, not null.
    sink.present(list, this.#place)
    if (record.headerCount === 0) return
    record.headers((index, keyStart, keyEnd, valueStart, valueEnd) => {
      this.#place.enter(index)
      sink.item(list, this.#place)
      sink.present(element, this.#place)
      if (keyStart >= 0) sink.bytes(key, this.#place, record.bytes, keyStart, keyEnd)
      if (valueStart >= 0) sink.bytes(value, this.#place, record.bytes, valueStart, valueEnd)
      this.#place.leave()
    })
  }

  /** The record's value as it came: column `value` of a dead letter. */
  rawValue(record: RecordWalk): void {
    if (record.valueStart >= 0) this.#bytes('value', record.bytes, record.valueStart, record.valueEnd)
  }

  #bytes(name: string, bytes: Uint8Array, start: number, end: number): void {
    const id = this.#ids.get(name)
    if (id !== undefined) this.#sink.bytes(id, this.#place, bytes, start, end)
  }

  #time(milliseconds: number): void {
    const micros = milliseconds * 1000
    if (Number.isSafeInteger(micros)) {
      this.#whole('kafka_timestamp', micros)
      return
    }
    const id = this.#ids.get('kafka_timestamp')
    const exact = BigInt(milliseconds) * 1000n
    if (id === undefined) return
    this.#sink.integer(id, this.#place, Number(BigInt.asIntN(32, exact)), Number(BigInt.asIntN(32, exact >> 32n)))
  }

  #whole(name: string, value: number): void {
    const id = this.#ids.get(name)
    if (id !== undefined) this.#sink.integer(id, this.#place, value | 0, Math.floor(value / 4294967296))
  }
}

function headerIds(table: IcebergStruct): { list: number; element: number; key: number; value: number } {
  const none = { list: 0, element: 0, key: 0, value: 0 }
  const field = table.fields.find((candidate) => candidate.name === 'kafka_headers')
  if (field === undefined || typeof field.type === 'string' || field.type.type !== 'list') return none
  const element = field.type.element
  if (typeof element === 'string' || element.type !== 'struct') return none
  const id = (name: string): number => element.fields.find((part: IcebergField) => part.name === name)?.id ?? 0
  return { list: field.id, element: field.type['element-id'], key: id('key'), value: id('value') }
}
