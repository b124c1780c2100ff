// The provenance columns of every table that K2 writes (design: "Main tables", "Side tables"): where in Kafka a row came from.
// Pure, any thread. Invariant: all are optional, and no column of a record's own may carry one of these names.
import type { IcebergField, IcebergType } from '../iceberg/schema.ts'

const headersType: IcebergType = {
  type: 'list',
  'element-id': 0,
  'element-required': true,
  element: {
    type: 'struct',
    fields: [
      { id: 0, name: 'key', required: true, type: 'string' },
      { id: 0, name: 'value', required: false, type: 'binary' },
    ],
  },
}

/** An optional column whose id is still to be given. */
export const optionalField = (name: string, type: IcebergType): IcebergField => ({ id: 0, name, required: false, type })

/** In table order, ids still to be given. */
export const provenanceFields: readonly IcebergField[] = [
  optionalField('kafka_topic', 'string'),
  optionalField('kafka_topic_id', 'string'),
  optionalField('kafka_partition', 'int'),
  optionalField('kafka_offset', 'long'),
  optionalField('kafka_timestamp', 'timestamptz'),
]
export const keyField = optionalField('kafka_key', 'binary')
export const headersField = optionalField('kafka_headers', headersType)

const names: ReadonlySet<string> = new Set([...provenanceFields, keyField, headersField].map((field) => field.name))

/** Whether a top-level column is one of those that K2 fills from the Kafka record itself. */
export const isProvenanceColumn = (name: string): boolean => names.has(name)
