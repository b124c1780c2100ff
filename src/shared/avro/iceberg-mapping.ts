// The Iceberg schema of an Avro record: own fields, then provenance columns (design: "Main tables"), and the partition spec
// that goes with it; the schema of the dead letters beside it. Pure, any thread. Invariant: the same Avro schema and options
// make the same Iceberg schema, ids included, on every pod: of two that create the table, either result is right.

import { type ColumnChoices, everyColumn } from '../columns/column-choices.ts'
import {
  headersField,
  isProvenanceColumn,
  keyField,
  optionalField,
  provenanceFields,
} from '../columns/provenance-columns.ts'
import { IngestError } from '../errors.ts'
import type { IcebergField, IcebergSchema, PartitionSpec } from '../iceberg/schema.ts'
import type { TombstonePolicy } from '../messages.ts'
import type { AvroField, AvroRecord } from './avro-schema.ts'
import { chosenRecord } from './chosen-record.ts'
import { withFreshIds } from './field-ids.ts'
import { unsupported } from './leaf-mapping.ts'
import { TypeMapper } from './type-mapper.ts'

export interface MappingOptions {
  readonly keyColumn: boolean
  readonly headersColumn: boolean
  /** `store` makes every own field optional and brings the key column with it: a tombstone is a row of nulls with its key. */
  readonly tombstone: TombstonePolicy
  /** Columns of another name, and fields without one; absent: every field has a column of its name. */
  readonly columns?: ColumnChoices
}

/**
 * The table schema of a topic: own fields under their Avro names, then the provenance columns, ids from 1.
 * Errors: SCHEMA_UNSUPPORTED with `path` and `reason` for everything that Iceberg v2 cannot hold exactly.
 */
export function icebergSchemaOf(avro: AvroRecord, options: MappingOptions): IcebergSchema {
  const own = new TypeMapper().fieldsOf(chosenRecord(avro, options.columns ?? everyColumn, []), '')
  for (const field of own) {
    if (isProvenanceColumn(field.name.toLowerCase())) {
      throw unsupported(field.name, 'the name of a column that K2 adds')
    }
  }
  const stored = options.tombstone === 'store'
  const fields = [
    ...own.map((field) => (stored ? { ...field, required: false } : field)),
    ...provenanceFields,
    ...(options.keyColumn || stored ? [keyField] : []),
    ...(options.headersColumn ? [headersField] : []),
  ]
  return withFreshIds({ type: 'struct', 'schema-id': 0, fields })
}

/** One field as a column without ids. Errors: SCHEMA_UNSUPPORTED. */
export function columnOfField(field: AvroField, path: string): IcebergField {
  const [column] = new TypeMapper().columnsOf([field], path.slice(0, -field.name.length).replace(/\.$/, ''))
  if (column === undefined) throw new Error('a field without a column')
  return column
}

/** Day of the top-level `timestamp` where a table has one, else unpartitioned (design: "Main tables"). */
export function partitionSpecFor(schema: IcebergSchema): PartitionSpec {
  const timestamp = schema.fields.find((field) => field.name === 'timestamp')
  if (timestamp === undefined || (timestamp.type !== 'timestamptz' && timestamp.type !== 'timestamp')) {
    return { 'spec-id': 0, fields: [] }
  }
  return daySpec(schema, timestamp)
}

/** Ids of partition fields count from 1000 (spec, "Partition Specs"); their names share a space with the columns'. */
function daySpec(schema: IcebergSchema, source: IcebergField): PartitionSpec {
  const taken = new Set(schema.fields.map((field) => field.name.toLowerCase()))
  let name = `${source.name}_day`
  for (let suffix = 2; taken.has(name); suffix += 1) name = `${source.name}_day_${suffix}`
  return { 'spec-id': 0, fields: [{ 'source-id': source.id, 'field-id': 1000, name, transform: 'day' }] }
}

/** `<main>_dead_letters` (design: "Side tables"): one row per record that could not be stored, with its bytes. */
export function deadLettersSchema(): IcebergSchema {
  return withFreshIds({
    type: 'struct',
    'schema-id': 0,
    fields: [
      ...provenanceFields,
      keyField,
      headersField,
      optionalField('value', 'binary'),
      optionalField('schema_id', 'int'),
      optionalField('error_code', 'string'),
      optionalField('error_text', 'string'),
      optionalField('field_path', 'string'),
      optionalField('route', 'string'),
      optionalField('seen_at', 'timestamptz'),
      optionalField('k2_version', 'string'),
    ],
  })
}

/** Day of the Kafka timestamp, null allowed (design: "Side tables"). Errors: TABLE_MISFIT without that column. */
export function sideTableSpec(schema: IcebergSchema): PartitionSpec {
  const timestamp = schema.fields.find((field) => field.name === 'kafka_timestamp')
  if (timestamp === undefined) throw new IngestError('TABLE_MISFIT', { column: 'kafka_timestamp', reason: 'missing' })
  return daySpec(schema, timestamp)
}

/** Partition spec of {@link deadLettersSchema}. */
export const deadLettersSpec = (): PartitionSpec => sideTableSpec(deadLettersSchema())
