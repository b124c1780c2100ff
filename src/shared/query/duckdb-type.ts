// Types of Iceberg columns as DuckDB names them, and whether a nested column is the same in all schemas of a table. Pure, any thread.
import type { TableMetadata } from '../iceberg/metadata.ts'
import type { IcebergField, IcebergSchema, IcebergType } from '../iceberg/schema.ts'

export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`
export const sqlText = (text: string): string => `'${text.replaceAll("'", "''")}'`

const primitives: Readonly<Record<string, string>> = {
  boolean: 'BOOLEAN',
  int: 'INTEGER',
  long: 'BIGINT',
  float: 'FLOAT',
  double: 'DOUBLE',
  date: 'DATE',
  time: 'TIME',
  timestamp: 'TIMESTAMP',
  timestamptz: 'TIMESTAMPTZ',
  string: 'VARCHAR',
  uuid: 'UUID',
  binary: 'BLOB',
}

/** Null for a type that DuckDB has no exact counterpart of (nanoseconds with a zone, types of the future). */
export function duckdbType(type: IcebergType): string | null {
  if (typeof type === 'string') {
    const decimal = /^decimal\((\d+),\s*(\d+)\)$/.exec(type)
    if (decimal !== null) return `DECIMAL(${decimal[1]},${decimal[2]})`
    return type.startsWith('fixed') ? 'BLOB' : (primitives[type] ?? null)
  }
  switch (type.type) {
    case 'struct': {
      const fields = type.fields.map((field) => [field.name, duckdbType(field.type)] as const)
      if (fields.some(([, inner]) => inner === null)) return null
      return `STRUCT(${fields.map(([name, inner]) => `${quoted(name)} ${inner}`).join(', ')})`
    }
    case 'list': {
      const element = duckdbType(type.element)
      return element === null ? null : `${element}[]`
    }
    case 'map': {
      const [key, value] = [duckdbType(type.key), duckdbType(type.value)]
      return key === null || value === null ? null : `MAP(${key}, ${value})`
    }
  }
}

export type ColumnReading =
  | { readonly kind: 'readable'; readonly type: string }
  /** Why the column cannot be read; the rest of the table can. */
  | { readonly kind: 'unreadable'; readonly reason: string }

/**
 * How a column is read. Top-level columns are found by field id, whatever they were called when a file was written. Inside a nested
 * column DuckDB goes by names: one whose fields have changed is not read, since a renamed field would silently be null.
 */
export function columnReading(field: IcebergField, metadata: TableMetadata): ColumnReading {
  const type = duckdbType(field.type)
  if (type === null)
    return { kind: 'unreadable', reason: `its type ${typeName(field.type)} has no counterpart in DuckDB` }
  if (typeof field.type === 'string') return { kind: 'readable', type }
  const shape = shapeOf(field.type)
  const changed = metadata.schemas.find((schema) => {
    const other = schema.fields.find((candidate) => candidate.id === field.id)
    return other !== undefined && shapeOf(other.type) !== shape
  })
  return changed === undefined
    ? { kind: 'readable', type }
    : {
        kind: 'unreadable',
        reason: `its fields are not those of schema ${changed['schema-id']}, in which files may be`,
      }
}

const typeName = (type: IcebergType): string => (typeof type === 'string' ? type : type.type)

/** Names and ids of everything inside; a primitive may be widened, which is read right by a cast. */
function shapeOf(type: IcebergType): string {
  if (typeof type === 'string') return '*'
  switch (type.type) {
    case 'struct':
      return `{${type.fields.map(({ id, name, type: inner }) => `${id}:${name}:${shapeOf(inner)}`).join(',')}}`
    case 'list':
      return `[${type['element-id']}:${shapeOf(type.element)}]`
    case 'map':
      return `<${type['key-id']}:${shapeOf(type.key)},${type['value-id']}:${shapeOf(type.value)}>`
  }
}

/** Column of a name, whatever its case, if it is there. */
export const fieldNamed = (schema: IcebergSchema, name: string): IcebergField | null =>
  schema.fields.find((field) => field.name.toLowerCase() === name) ?? null
