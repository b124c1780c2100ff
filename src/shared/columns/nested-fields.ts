// The fields of an Iceberg schema as a walk over columns sees them: the element of a list and the key and value of a map as fields
// with names, and the leaves of a schema in file order. Pure, any thread. Invariant: the leaf order is that of a Parquet file.
import type { IcebergField, IcebergList, IcebergMap, IcebergStruct, IcebergType } from '../iceberg/schema.ts'

/** The element of a list as a field; readers that match by name know it as `element` (Parquet spec, "Lists"). */
export const elementField = (list: IcebergList): IcebergField => ({
  id: list['element-id'],
  name: 'element',
  required: list['element-required'],
  type: list.element,
})

/** The key of a map as a field; keys are never null (Iceberg spec, "Nested Types"). */
export const keyField = (map: IcebergMap): IcebergField => ({
  id: map['key-id'],
  name: 'key',
  required: true,
  type: map.key,
})

/** The value of a map as a field. */
export const valueField = (map: IcebergMap): IcebergField => ({
  id: map['value-id'],
  name: 'value',
  required: map['value-required'],
  type: map.value,
})

/** The fields directly below a type; none below a primitive. */
export function childFields(type: IcebergType): readonly IcebergField[] {
  if (typeof type === 'string') return []
  switch (type.type) {
    case 'struct':
      return type.fields
    case 'list':
      return [elementField(type)]
    case 'map':
      return [keyField(type), valueField(type)]
  }
}

/** Primitive fields below a struct, depth first: the order of the columns of a Parquet file. */
export function leafFields(struct: IcebergStruct): readonly IcebergField[] {
  const leaves = (field: IcebergField): readonly IcebergField[] =>
    typeof field.type === 'string' ? [field] : childFields(field.type).flatMap(leaves)
  return struct.fields.flatMap(leaves)
}

/** Precision and scale of `decimal(p, s)`; null for another type. */
export function decimalParameters(type: IcebergType): { readonly precision: number; readonly scale: number } | null {
  const match = typeof type === 'string' ? /^decimal\(\s*(\d+)\s*,\s*(\d+)\s*\)$/.exec(type) : null
  return match === null ? null : { precision: Number(match[1]), scale: Number(match[2]) }
}

/** Length of `fixed[n]` in bytes; null for another type. */
export function fixedLength(type: IcebergType): number | null {
  const match = typeof type === 'string' ? /^fixed\[\s*(\d+)\s*\]$/.exec(type) : null
  return match === null ? null : Number(match[1])
}
