// What a table's schema becomes so that records of another writer schema have a place in it (Iceberg spec, "Schema Evolution"). Pure.
// Invariants: ids and names of columns stay, none is taken away, so every file written so far is read as before; whoever evolves a
// schema that has what the writer needs gets the same schema back, so two that do it at once agree.
import { type ColumnChoices, everyColumn } from '../columns/column-choices.ts'
import { childFields, decimalParameters } from '../columns/nested-fields.ts'
import { isProvenanceColumn } from '../columns/provenance-columns.ts'
import type { IcebergField, IcebergSchema, IcebergType } from '../iceberg/schema.ts'
import type { AvroField, AvroRecord, AvroType } from './avro-schema.ts'
import { chosenRecord } from './chosen-record.ts'
import { withFieldIds } from './field-ids.ts'
import { columnOfField } from './iceberg-mapping.ts'
import { leafTypeOf, unsupported, withoutNull } from './leaf-mapping.ts'
import { columnPlace, fitWriter } from './writer-fit.ts'

/** One difference between a schema and what it became; `path` as in error messages, types as Iceberg writes them. */
export type SchemaChange =
  | { readonly kind: 'added'; readonly path: string; readonly type: string }
  | { readonly kind: 'widened'; readonly path: string; readonly from: string; readonly to: string }
  /** The column was required. */
  | { readonly kind: 'optional'; readonly path: string }

export interface Evolution {
  /** The schema that was given, where nothing changes. */
  readonly schema: IcebergSchema
  readonly lastColumnId: number
  readonly changes: readonly SchemaChange[]
}

/**
 * The table schema in which records of `writer` have a place: columns it lacks are added as optional (top-level ones before those of
 * K2, nested ones at the end of their struct), types are widened, what the writer may leave out becomes optional. A field whose name is
 * no column stands for the column of its first alias that is one, and that column keeps its name: records of the older schema go on.
 * `columns`: what a route chose: a field that it leaves out needs no place.
 * `lastColumnId`: the highest id that was ever given.
 * Errors: SCHEMA_INCOMPATIBLE, with the path and both types, where a type is neither the same nor a wider one; SCHEMA_UNSUPPORTED.
 */
export function evolveSchema(
  table: IcebergSchema,
  lastColumnId: number,
  writer: AvroRecord,
  columns: ColumnChoices = everyColumn,
): Evolution {
  const evolver = new Evolver(lastColumnId)
  const fields = evolver.fieldsOf(chosenRecord(writer, columns, table.fields), table.fields, '', 0)
  const { changes } = evolver
  const schema = changes.length === 0 ? table : { ...table, fields }
  fitWriter(writer, schema, columns)
  return { schema, lastColumnId: evolver.lastId, changes }
}

/** A change as one line of a log or a plan. */
export function changeText(change: SchemaChange): string {
  switch (change.kind) {
    case 'added':
      return `${change.path}: added, optional ${change.type}`
    case 'widened':
      return `${change.path}: ${change.from} becomes ${change.to}`
    case 'optional':
      return `${change.path}: no longer required`
  }
}

/** One walk over a writer schema beside a table schema. What neither fits nor may change is left as it is, for fitWriter to name. */
class Evolver {
  readonly changes: SchemaChange[] = []
  lastId: number

  constructor(lastId: number) {
    this.lastId = lastId
  }

  fieldsOf(record: AvroRecord, columns: readonly IcebergField[], path: string, depth: number): IcebergField[] {
    const isOwn = (column: IcebergField): boolean => depth > 0 || !isProvenanceColumn(column.name)
    const places = new Map(columns.flatMap((column, place) => (isOwn(column) ? [[column.name, place] as const] : [])))
    const fieldAt = new Map<number, AvroField>()
    const added: IcebergField[] = []
    for (const field of record.fields) {
      const place = columnPlace(field, places)
      if (place === undefined) added.push(this.#added(field, columns, pathOf(path, field.name), depth))
      else fieldAt.set(place, field)
    }
    const kept = columns.map((column, place) => {
      if (!isOwn(column)) return column
      const field = fieldAt.get(place)
      if (field === undefined) return this.#optional(column, column.required, pathOf(path, column.name))
      return this.#fieldOf(field.type, column, pathOf(path, field.name), depth)
    })
    const end = kept.findIndex((column) => !isOwn(column))
    return end < 0 ? [...kept, ...added] : kept.toSpliced(end, 0, ...added)
  }

  #fieldOf(avro: AvroType, column: IcebergField, path: string, depth: number): IcebergField {
    const { type, nullIndex } = withoutNull(avro, path)
    const optional = this.#optional(column, column.required && nullIndex >= 0, path)
    return { ...optional, type: this.#typeOf(type, column.type, path, depth) }
  }

  #optional(column: IcebergField, isLoosened: boolean, path: string): IcebergField {
    if (!isLoosened) return column
    this.changes.push({ kind: 'optional', path })
    return { ...column, required: false }
  }

  #typeOf(avro: AvroType, table: IcebergType, path: string, depth: number): IcebergType {
    if (typeof table === 'string') return this.#leaf(avro, table, path)
    const [inner] = table.type === 'map' ? childFields(table).slice(1) : childFields(table)
    if (avro.kind === 'record' && table.type === 'struct') {
      return { ...table, fields: this.fieldsOf(avro, table.fields, path, depth + 1) }
    }
    if (avro.kind === 'array' && table.type === 'list' && inner !== undefined) {
      const { type, required } = this.#fieldOf(avro.items, inner, `${path}[]`, depth + 1)
      return { ...table, element: type, 'element-required': required }
    }
    if (avro.kind === 'map' && table.type === 'map' && inner !== undefined) {
      const { type, required } = this.#fieldOf(avro.values, inner, `${path}{}`, depth + 1)
      return { ...table, value: type, 'value-required': required }
    }
    return table
  }

  #leaf(avro: AvroType, table: string, path: string): string {
    if (avro.kind === 'record' || avro.kind === 'array' || avro.kind === 'map') return table
    const wanted = leafTypeOf(avro, path)
    if (!isWider(wanted, table)) return table
    this.changes.push({ kind: 'widened', path, from: table, to: wanted })
    return wanted
  }

  #added(field: AvroField, columns: readonly IcebergField[], path: string, depth: number): IcebergField {
    const lower = field.name.toLowerCase()
    const twin = columns.find((column) => column.name.toLowerCase() === lower)
    if (twin !== undefined && depth === 0 && isProvenanceColumn(twin.name)) {
      throw unsupported(path, 'the name of a column that K2 adds')
    }
    if (twin !== undefined) throw unsupported(path, `a name equal to ${twin.name} but for case`)
    const column = { ...withFieldIds(columnOfField(field, path), () => ++this.lastId), required: false }
    const type = typeof column.type === 'string' ? column.type : column.type.type
    this.changes.push({ kind: 'added', path, type })
    return column
  }
}

const pathOf = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`)

/** Iceberg spec, "Schema Evolution": int → long, float → double, a decimal of more digits and the same scale. */
function isWider(wide: string, narrow: string): boolean {
  const [of, to] = [decimalParameters(narrow), decimalParameters(wide)]
  if (of !== null && to !== null) return of.scale === to.scale && of.precision < to.precision
  return (narrow === 'int' && wide === 'long') || (narrow === 'float' && wide === 'double')
}
