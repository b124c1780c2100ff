// Schema, partition spec and sort order of a table as people read them. Pure.
import { isObject } from '../../shared/iceberg/json-shape.ts'
import type { TableMetadata } from '../../shared/iceberg/metadata.ts'
import type { IcebergStruct, IcebergType } from '../../shared/iceberg/schema.ts'
import { typeOfField } from '../../shared/iceberg/schema-json.ts'

const NO_SCHEMA: IcebergStruct = { type: 'struct', fields: [] }

export const currentSchemaOf = (metadata: TableMetadata): IcebergStruct =>
  metadata.schemas.find((schema) => schema['schema-id'] === metadata['current-schema-id']) ?? NO_SCHEMA

/** `timestamp_day = day(timestamp)`, several comma-separated, `none`. */
export function partitionText(metadata: TableMetadata): string {
  const spec = metadata['partition-specs'].find((candidate) => candidate['spec-id'] === metadata['default-spec-id'])
  const fields = spec?.fields ?? []
  if (fields.length === 0) return 'none'
  return fields
    .map((field) => `${field.name} = ${field.transform}(${columnText(metadata, field['source-id'])})`)
    .join(', ')
}

/** `timestamp asc nulls first`, several comma-separated, `none`. */
export function sortText(metadata: TableMetadata): string {
  const fields = sortFields(metadata)
  if (fields.length === 0) return 'none'
  return fields
    .map(({ sourceId, transform, direction, nulls }) => {
      const column = columnText(metadata, sourceId)
      const what = transform === 'identity' ? column : `${transform}(${column})`
      return `${what} ${direction} ${nulls.replace('-', ' ')}`
    })
    .join(', ')
}

export interface SortField {
  readonly sourceId: number
  readonly transform: string
  readonly direction: string
  readonly nulls: string
}

/** Of the table's default order (spec, "Sort Orders"); what is not of its shape is left out. */
export function sortFields({ rest }: TableMetadata): readonly SortField[] {
  const { 'sort-orders': orders, 'default-sort-order-id': id } = rest
  if (!Array.isArray(orders)) return []
  const order: unknown = orders.find((each: unknown) => isObject(each) && each['order-id'] === id)
  const fields = isObject(order) ? order['fields'] : undefined
  if (!Array.isArray(fields)) return []
  return fields.filter(isObject).map((field) => ({
    sourceId: Number(field['source-id']),
    transform: String(field['transform']),
    direction: String(field['direction']),
    nulls: String(field['null-order']),
  }))
}

function columnText(metadata: TableMetadata, id: number): string {
  const schema = currentSchemaOf(metadata)
  const column = schema.fields.find((field) => field.id === id)?.name
  if (column !== undefined) return column
  const isNested = typeOfField({ ...schema, 'schema-id': 0 }, id) !== null
  return `${isNested ? 'nested field' : 'field'} ${id}`
}

/** A line a column: field id, name, type. */
export function schemaLines(metadata: TableMetadata): readonly string[] {
  const { fields } = currentSchemaOf(metadata)
  const width = Math.max(0, ...fields.map((field) => field.name.length))
  return fields.map(({ id, name, type, required }) => {
    const text = `  ${String(id).padStart(4)}  ${name.padEnd(width)}  ${typeText(type)}`
    return required ? `${text} required` : text
  })
}

function typeText(type: IcebergType): string {
  if (typeof type === 'string') return type
  switch (type.type) {
    case 'struct':
      return `struct<${type.fields.map((field) => `${field.name}: ${typeText(field.type)}`).join(', ')}>`
    case 'list':
      return `list<${typeText(type.element)}>`
    case 'map':
      return `map<${typeText(type.key)}, ${typeText(type.value)}>`
  }
}
