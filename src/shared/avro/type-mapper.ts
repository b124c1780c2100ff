// The Iceberg type of an Avro type, nested ones included. Pure, any thread. Invariant: ids are still to be given; a walk ends, whatever
// the schema: recursion, depth and the number of fields are bounded, each refused by its path.
import type { IcebergField, IcebergType } from '../iceberg/schema.ts'
import type { AvroField, AvroRecord, AvroType } from './avro-schema.ts'
import { leafTypeOf, unsupported, withoutNull } from './leaf-mapping.ts'

/** Nested types of one column, and columns with their nested fields: a schema beyond these is a mistake, not a table. */
const depthMax = 32
const fieldCountMax = 10_000

/** One walk over a schema: counts fields, and knows the records it stands in so as to see recursion. */
export class TypeMapper {
  readonly #open: AvroType[] = []
  #fieldCount = 0

  fieldsOf(record: AvroRecord, path: string): IcebergField[] {
    const at = path === '' ? '(top)' : path
    if (record.fields.length === 0) throw unsupported(at, 'a record without fields')
    if (this.#open.includes(record)) throw unsupported(at, `record ${record.name} contains itself`)
    if (this.#open.length >= depthMax) throw unsupported(at, `types nested deeper than ${depthMax}`)
    this.#open.push(record)
    const fields = this.columnsOf(record.fields, path)
    this.#open.pop()
    return fields
  }

  columnsOf(fields: readonly AvroField[], path: string): IcebergField[] {
    const names = new Map<string, string>()
    return fields.map((field): IcebergField => {
      const here = path === '' ? field.name : `${path}.${field.name}`
      const lower = field.name.toLowerCase()
      const twin = names.get(lower)
      if (twin !== undefined) throw unsupported(here, `a name equal to ${twin} but for case`)
      names.set(lower, field.name)
      const { type, required } = this.valueOf(field.type, here)
      return { id: 0, name: field.name, required, type, ...(field.doc === null ? {} : { doc: field.doc }) }
    })
  }

  /** The type of one value, and whether it may not be null. */
  valueOf(avro: AvroType, path: string): { readonly type: IcebergType; readonly required: boolean } {
    this.#fieldCount += 1
    if (this.#fieldCount > fieldCountMax) throw unsupported(path, `more than ${fieldCountMax} fields`)
    const { type, nullIndex } = withoutNull(avro, path)
    return { type: this.#typeOf(type, path), required: nullIndex < 0 }
  }

  #typeOf(type: AvroType, path: string): IcebergType {
    switch (type.kind) {
      case 'record':
        return { type: 'struct', fields: this.fieldsOf(type, path) }
      case 'array':
      case 'map': {
        if (this.#open.length >= depthMax) throw unsupported(path, `types nested deeper than ${depthMax}`)
        this.#open.push(type)
        const inside = type.kind === 'array' ? type.items : type.values
        const value = this.valueOf(inside, `${path}${type.kind === 'array' ? '[]' : '{}'}`)
        this.#open.pop()
        return type.kind === 'array' ? listOf(value.type, value.required) : mapOf(value.type, value.required)
      }
      default:
        return leafTypeOf(type, path)
    }
  }
}

const listOf = (element: IcebergType, required: boolean): IcebergType => ({
  type: 'list',
  'element-id': 0,
  element,
  'element-required': required,
})
const mapOf = (value: IcebergType, required: boolean): IcebergType => ({
  type: 'map',
  'key-id': 0,
  key: 'string',
  'value-id': 0,
  value,
  'value-required': required,
})
