// Schemas and partition specs out of JSON (Iceberg spec, "Appendix C: JSON serialization"). Pure, any thread.
// They are checked, then kept as they were written, so that members K2 does not know (docs, defaults) survive.
import {
  inside,
  misshapen,
  type Place,
  readArray,
  readBoolean,
  readInteger,
  readMember,
  readObject,
  readString,
} from './json-shape.ts'
import type { IcebergField, IcebergSchema, IcebergType, PartitionField, PartitionSpec } from './schema.ts'

/** A schema as table metadata holds it. Errors: TABLE_METADATA naming file and field. */
export function readSchema(value: unknown, place: Place): IcebergSchema {
  const object = readObject(value, place)
  readMember(object, 'schema-id', place, readInteger)
  readMember(object, 'fields', place, (fields, at) => readArray(fields, at, readField))
  // Cast at the edge: every member that IcebergSchema names was checked just above.
  return { ...object, type: 'struct' } as unknown as IcebergSchema
}

/** A partition spec. Errors: TABLE_METADATA naming file and field. */
export function readSpec(value: unknown, place: Place): PartitionSpec {
  const object = readObject(value, place)
  return {
    'spec-id': readMember(object, 'spec-id', place, readInteger),
    fields: readMember(object, 'fields', place, (fields, at) => readArray(fields, at, readPartitionField)),
  }
}

function readPartitionField(value: unknown, place: Place): PartitionField {
  const object = readObject(value, place)
  readMember(object, 'source-id', place, readInteger)
  readMember(object, 'field-id', place, readInteger)
  readMember(object, 'name', place, readString)
  readMember(object, 'transform', place, readString)
  // Cast at the edge: checked just above; other members are carried along.
  return object as unknown as PartitionField
}

function readField(value: unknown, place: Place): IcebergField {
  const object = readObject(value, place)
  readMember(object, 'id', place, readInteger)
  readMember(object, 'name', place, readString)
  readMember(object, 'required', place, readBoolean)
  readMember(object, 'type', place, readType)
  // Cast at the edge: checked just above; other members are carried along.
  return object as unknown as IcebergField
}

function readType(value: unknown, place: Place): IcebergType {
  if (typeof value === 'string') return value
  const object = readObject(value, place)
  switch (object['type']) {
    case 'struct':
      readMember(object, 'fields', place, (fields, at) => readArray(fields, at, readField))
      break
    case 'list':
      readMember(object, 'element-id', place, readInteger)
      readMember(object, 'element-required', place, readBoolean)
      readMember(object, 'element', place, readType)
      break
    case 'map':
      readMember(object, 'key-id', place, readInteger)
      readMember(object, 'key', place, readType)
      readMember(object, 'value-id', place, readInteger)
      readMember(object, 'value-required', place, readBoolean)
      readMember(object, 'value', place, readType)
      break
    default:
      throw misshapen(inside(place, 'type'), 'struct, list or map expected')
  }
  // Cast at the edge: the members of each kind were checked just above.
  return object as unknown as IcebergType
}

/** Highest field id anywhere in a schema, 0 for an empty one. */
export function highestFieldId(schema: IcebergSchema): number {
  let highest = 0
  const visitType = (type: IcebergType): void => {
    if (typeof type === 'string') return
    if (type.type === 'struct') {
      for (const field of type.fields) {
        highest = Math.max(highest, field.id)
        visitType(field.type)
      }
    } else if (type.type === 'list') {
      highest = Math.max(highest, type['element-id'])
      visitType(type.element)
    } else {
      highest = Math.max(highest, type['key-id'], type['value-id'])
      visitType(type.key)
      visitType(type.value)
    }
  }
  visitType({ type: 'struct', fields: schema.fields })
  return highest
}

/** The primitive or nested type of a field id, looked for through structs (partition sources), or null. */
export function typeOfField(schema: IcebergSchema, fieldId: number): IcebergType | null {
  const search = (fields: readonly IcebergField[]): IcebergType | null => {
    for (const field of fields) {
      if (field.id === fieldId) return field.type
      const found = typeof field.type !== 'string' && field.type.type === 'struct' ? search(field.type.fields) : null
      if (found !== null) return found
    }
    return null
  }
  return search(schema.fields)
}
