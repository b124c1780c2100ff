// Fresh field ids for a new Iceberg schema. Pure. Invariant: ids are given in the order in which Java's AssignFreshIds and
// pyiceberg give them (all fields of a struct first, then what lies inside each), so a catalog that re-assigns ids changes none.
import type { IcebergField, IcebergSchema, IcebergStruct, IcebergType } from '../iceberg/schema.ts'

/** The schema with its ids counted from 1; ids it carried before are not looked at. */
export function withFreshIds(schema: IcebergSchema): IcebergSchema {
  let last = 0
  const next = (): number => {
    last += 1
    return last
  }
  return { ...schema, ...freshStruct(schema, next) }
}

/** A field and all below it with ids from `next`: its own first, as Java's UpdateSchema gives them to an added column. */
export function withFieldIds(field: IcebergField, next: () => number): IcebergField {
  const id = next()
  return { ...field, id, type: freshType(field.type, next) }
}

function freshStruct(struct: IcebergStruct, next: () => number): IcebergStruct {
  const ids = struct.fields.map(next)
  const fields = struct.fields.map(
    (field, index): IcebergField => ({ ...field, id: ids[index] ?? 0, type: freshType(field.type, next) }),
  )
  return { type: 'struct', fields }
}

function freshType(type: IcebergType, next: () => number): IcebergType {
  if (typeof type === 'string') return type
  switch (type.type) {
    case 'struct':
      return freshStruct(type, next)
    case 'list': {
      const id = next()
      return { ...type, 'element-id': id, element: freshType(type.element, next) }
    }
    case 'map': {
      const keyId = next()
      const valueId = next()
      return {
        ...type,
        'key-id': keyId,
        'value-id': valueId,
        key: freshType(type.key, next),
        value: freshType(type.value, next),
      }
    }
  }
}
