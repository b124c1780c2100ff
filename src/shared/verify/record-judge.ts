// What must become of one Kafka record: a row, a dead letter, or nothing (a tombstone that is skipped). Pure but for loading
// schemas. Invariant: the answer depends on the record, its schema, the table's schema and the tombstone policy alone.
import { frameBytes, readSchemaId } from '../avro/framing.ts'
import type { ColumnChoices } from '../columns/column-choices.ts'
import type { IcebergSchema } from '../iceberg/schema.ts'
import type { TombstonePolicy } from '../messages.ts'
import { planRecord, type RecordPlan } from './avro-plan.ts'
import type { RecordFault } from './avro-reader.ts'
import { parseAvroSchema } from './avro-schema.ts'
import type { RecordWalk } from './log-records.ts'
import type { SourceRows } from './source-rows.ts'
import type { ValueSink } from './value-sink.ts'

/** Where writer schemas come from, by the id in the frame; null where the id is unknown. */
export type SchemaLookup = (id: number) => Promise<string | null>

const schemasMax = 10_000

/** Plans by schema id, made once. */
export class Plans {
  /** Fields of writers that the table has no column for. */
  readonly unmapped = new Set<string>()
  readonly #plans = new Map<number, RecordPlan | null>()
  readonly #lookup: SchemaLookup
  readonly #table: IcebergSchema
  readonly #columns: ColumnChoices

  constructor(lookup: SchemaLookup, table: IcebergSchema, columns: ColumnChoices) {
    this.#lookup = lookup
    this.#table = table
    this.#columns = columns
  }

  /** Undefined: not loaded yet. Null: no such schema. */
  get(id: number): RecordPlan | null | undefined {
    return this.#plans.get(id)
  }

  /** Errors: SCHEMA_INVALID, SCHEMA_UNSUPPORTED, SCHEMA_INCOMPATIBLE; those of the registry. */
  async load(id: number): Promise<void> {
    // Rubbish frames name rubbish ids: the oldest answers make room.
    if (this.#plans.size >= schemasMax) this.#plans.delete(this.#plans.keys().next().value ?? id)
    const json = await this.#lookup(id)
    if (json === null) {
      this.#plans.set(id, null)
      return
    }
    const where = `id ${id}`
    const plan = planRecord(parseAvroSchema(json, where), this.#table, where, this.#columns)
    for (const path of plan.unmapped) this.unmapped.add(`${path} (schema id ${id})`)
    this.#plans.set(id, plan)
  }
}

/** `unread`: its schema must be loaded first. */
export type Judgement = 'row' | 'invalid' | 'tombstone' | 'unread'

export class RecordJudge<S extends ValueSink> {
  /** Of the last `invalid`. */
  fault: RecordFault = 'RECORD_VALUE'
  /** Of the last `unread`. */
  schemaId = 0
  readonly rows: SourceRows<S>
  readonly #plans: Plans
  readonly #tombstone: TombstonePolicy

  constructor(rows: SourceRows<S>, plans: Plans, tombstone: TombstonePolicy) {
    this.rows = rows
    this.#plans = plans
    this.#tombstone = tombstone
  }

  /** Tells the sink the row of a record where there is one. After `invalid` the sink holds a part of it. */
  judge(record: RecordWalk): Judgement {
    if (record.valueStart < 0) {
      if (this.#tombstone === 'skip') return 'tombstone'
      this.rows.provenance(record)
      return 'row'
    }
    const id = readSchemaId(record.bytes, record.valueStart, record.valueEnd)
    if (id < 0) return this.#invalid('RECORD_NOT_FRAMED')
    const plan = this.#plans.get(id)
    if (plan === undefined) {
      this.schemaId = id
      return 'unread'
    }
    if (plan === null) return this.#invalid('RECORD_SCHEMA_UNKNOWN')
    if (!this.rows.fields(record, plan.root, frameBytes)) return this.#invalid(this.rows.fault)
    this.rows.provenance(record)
    return 'row'
  }

  #invalid(fault: RecordFault): 'invalid' {
    this.fault = fault
    return 'invalid'
  }
}
