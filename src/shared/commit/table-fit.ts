// Whether a table that exists can take the rows of a topic: by column name, types equal or wider. Pure.
// Field ids play no part: those of the table are used for writing (a catalog may have assigned them anew).
import { isProvenanceColumn } from '../columns/provenance-columns.ts'
import type { TableMetadata } from '../iceberg/metadata.ts'
import type { IcebergField, IcebergSchema, IcebergType } from '../iceberg/schema.ts'

/** Path and reason of the first misfit of a table's schema, or null where rows of the wanted schema can be written into it. */
export function misfit(wanted: IcebergSchema, table: IcebergSchema): string | null {
  return fieldsMisfit(wanted.fields, table.fields, '')
}

/**
 * As {@link misfit}, for a table whose own columns were brought to what its writers need: whether the columns that K2 fills are there,
 * and whether what the topic leaves out may be null.
 */
export function columnsMisfit(wanted: IcebergSchema, table: IcebergSchema): string | null {
  const required = new Set(table.fields.filter((field) => field.required).map((field) => field.name))
  const strict = wanted.fields.find((field) => !field.required && required.has(field.name))
  if (strict !== undefined) return `${strict.name}: required in the table, optional in the topic`
  const filled = (schema: IcebergSchema) => schema.fields.filter((field) => isProvenanceColumn(field.name))
  return fieldsMisfit(filled(wanted), filled(table), '')
}

/**
 * Which of the columns that are to be added was one before and is none now: another writer renamed or dropped it. Added again it would be
 * another column, and the values so far would stay with the old one. Null where there is none. `paths`: of the columns to add.
 */
export function takenAway(
  table: Pick<TableMetadata, 'schemas' | 'current-schema-id'>,
  paths: readonly string[],
): string | null {
  const current = table.schemas.find((schema) => schema['schema-id'] === table['current-schema-id'])
  for (const path of paths) {
    const former = table.schemas.flatMap((schema) => schema.fields).find((field) => field.name === path)
    if (former === undefined) continue
    const now = current?.fields.find((field) => field.id === former.id)
    return now === undefined
      ? `${path}: dropped by another writer`
      : `${path}: renamed to ${now.name} by another writer`
  }
  return null
}

function fieldsMisfit(wanted: readonly IcebergField[], table: readonly IcebergField[], path: string): string | null {
  const byName = new Map(table.map((field) => [field.name, field]))
  for (const field of wanted) {
    const at = `${path}${field.name}`
    const found = byName.get(field.name)
    if (found === undefined) return `${at}: no such column`
    if (found.required && !field.required) return `${at}: required in the table, optional in the topic`
    const reason = typeMisfit(field.type, found.type, at)
    if (reason !== null) return reason
    byName.delete(field.name)
  }
  const unfilled = [...byName.values()].find((field) => field.required)
  return unfilled === undefined ? null : `${path}${unfilled.name}: required in the table, absent in the topic`
}

function typeMisfit(wanted: IcebergType, table: IcebergType, path: string): string | null {
  if (typeof wanted === 'string' || typeof table === 'string') {
    if (typeof wanted === 'string' && typeof table === 'string' && isAtLeast(plain(table), plain(wanted))) return null
    return `${path}: ${nameOf(table)} in the table, ${nameOf(wanted)} in the topic`
  }
  if (wanted.type === 'struct' && table.type === 'struct') return fieldsMisfit(wanted.fields, table.fields, `${path}.`)
  if (wanted.type === 'list' && table.type === 'list')
    return typeMisfit(wanted.element, table.element, `${path}.element`)
  if (wanted.type === 'map' && table.type === 'map') {
    return typeMisfit(wanted.key, table.key, `${path}.key`) ?? typeMisfit(wanted.value, table.value, `${path}.value`)
  }
  return `${path}: ${nameOf(table)} in the table, ${nameOf(wanted)} in the topic`
}

/** Spec, "Schema Evolution": int → long, float → double, decimal to a larger precision. */
function isAtLeast(table: string, wanted: string): boolean {
  if (table === wanted) return true
  if (wanted === 'int') return table === 'long'
  if (wanted === 'float') return table === 'double'
  const narrow = decimalOf(wanted)
  const wide = decimalOf(table)
  return narrow !== null && wide !== null && narrow.scale === wide.scale && narrow.precision <= wide.precision
}

function decimalOf(type: string): { readonly precision: number; readonly scale: number } | null {
  const match = /^decimal\((\d+),(\d+)\)$/.exec(type)
  return match === null ? null : { precision: Number(match[1]), scale: Number(match[2]) }
}

const plain = (type: string): string => type.replace(/\s+/g, '')
const nameOf = (type: IcebergType): string => (typeof type === 'string' ? type : type.type)
