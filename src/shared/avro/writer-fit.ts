// How the values of a writer schema land in the columns of a table: the plan from which the decoder is generated. Pure.
// Fields meet columns by name path, aliases honoured (design: "Main tables"). Invariant: a plan exists only where every value
// of the writer schema is kept exactly; type promotions are those of the Iceberg spec, "Schema Evolution".
import { type ColumnChoices, everyColumn, targetOf } from '../columns/column-choices.ts'
import { decimalParameters } from '../columns/nested-fields.ts'
import { isProvenanceColumn } from '../columns/provenance-columns.ts'
import { IngestError } from '../errors.ts'
import type { IcebergField, IcebergSchema, IcebergType } from '../iceberg/schema.ts'
import type { AvroField, AvroRecord, AvroType } from './avro-schema.ts'
import { leafTypeOf, unsupported, withoutNull } from './leaf-mapping.ts'
import { TypeMapper } from './type-mapper.ts'

/** One value: what precedes it (the branch index of an optional), then how it is read. */
export interface ValuePlan {
  /** Field path for error messages, `[]` for elements, `{}` for map values. */
  readonly path: string
  /** Branches of the union as written; 0: no branch index precedes the value. */
  readonly branchCount: number
  /** Branch that means null, -1 where null is not allowed. */
  readonly nullIndex: number
  readonly read: ReadPlan
  /** Fewest bytes that a value takes, branch index included; bounds block counts. Never 0. */
  readonly bytesMin: number
}

export type ReadPlan =
  | LeafPlan
  | StructPlan
  | { readonly kind: 'list'; readonly element: ValuePlan }
  | { readonly kind: 'map'; readonly value: ValuePlan }

export interface StructPlan {
  readonly kind: 'struct'
  /** In the order of the writer: that is the order of the bytes. `column` is the place in the table's struct. */
  readonly fields: ReadonlyArray<{ readonly column: number; readonly value: ValuePlan }>
  /** Places of the table's struct that the writer does not have: null. */
  readonly missing: readonly number[]
}

/** A record, with the fields that have no column: read as strictly as others, into columns of this plan alone. */
export interface RecordPlan extends StructPlan {
  /** Places from the number of the table's columns on. */
  readonly leftOut: readonly IcebergField[]
}

export type LeafPlan =
  | { readonly kind: 'boolean' }
  | { readonly kind: 'int32' }
  /** An Avro int in an int64 column; `factor` 1000 turns time-millis into microseconds. */
  | { readonly kind: 'int32-as-int64'; readonly factor: 1 | 1000 }
  | { readonly kind: 'int64' }
  /** Milliseconds to microseconds; a value that does not fit is refused. */
  | { readonly kind: 'millis-as-micros' }
  | { readonly kind: 'float32' }
  | { readonly kind: 'float32-as-float64' }
  | { readonly kind: 'float64' }
  /** `size` null: length-prefixed bytes. `precision` is the writer's, so that the record alone decides. */
  | { readonly kind: 'decimal'; readonly size: number | null; readonly precision: number }
  | { readonly kind: 'text' }
  | { readonly kind: 'binary' }
  | { readonly kind: 'enum'; readonly symbols: readonly string[] }
  /** Sixteen bytes, stored as the usual text of 36 characters. */
  | { readonly kind: 'uuid' }
  | { readonly kind: 'fixed'; readonly size: number }

const depthMax = 64

const incompatible = (path: string, reason: string): IngestError =>
  new IngestError('SCHEMA_INCOMPATIBLE', { path, reason })

/**
 * Plans the decoding of records of `writer` into the own columns of `table` (provenance columns are not the decoder's).
 * Errors: SCHEMA_INCOMPATIBLE, SCHEMA_UNSUPPORTED, each with `path` and `reason`.
 */
export function fitWriter(writer: AvroRecord, table: IcebergSchema, choices: ColumnChoices = everyColumn): RecordPlan {
  const leftOut: IcebergField[] = []
  const leaveOut = (field: AvroField): StructPlan['fields'][number] => {
    const type = withoutTimes(field.type, field.name, { depth: 0, count: 0 })
    const column: IcebergField = { id: 0, name: field.name, ...new TypeMapper().valueOf(type, field.name) }
    const place = table.fields.length + leftOut.push(column) - 1
    return { column: place, value: fitValue(type, column.type, column.required, field.name, 0) }
  }
  return { ...fitStruct(writer, table.fields, '', 0, { choices, leaveOut }), leftOut }
}

/**
 * A field without a column is checked as bytes, and its number is kept nowhere: what a time means, and whether Iceberg has its
 * unit, plays no part (nor does it in `k2 verify`). Errors: SCHEMA_UNSUPPORTED for a type without an end.
 */
function withoutTimes(type: AvroType, path: string, walk: { readonly depth: number; count: number }): AvroType {
  walk.count += 1
  if (walk.depth > depthMax || walk.count > typeCountMax)
    throw unsupported(path, 'a type that contains itself, or is endless')
  const inside = (inner: AvroType): AvroType => {
    const below = { depth: walk.depth + 1, count: walk.count }
    const plain = withoutTimes(inner, path, below)
    walk.count = below.count
    return plain
  }
  switch (type.kind) {
    case 'int':
    case 'long':
      return { ...type, logical: null }
    case 'record':
      return { ...type, fields: type.fields.map((field) => ({ ...field, type: inside(field.type) })) }
    case 'array':
      return { ...type, items: inside(type.items) }
    case 'map':
      return { ...type, values: inside(type.values) }
    case 'union':
      return { ...type, branches: type.branches.map(inside) }
    default:
      return type
  }
}
const typeCountMax = 10_000

/** What is chosen for the fields of the record itself; below it a field has the column of its name. */
interface TopLevel {
  readonly choices: ColumnChoices
  readonly leaveOut: (field: AvroField) => StructPlan['fields'][number]
}

function fitStruct(
  record: AvroRecord,
  columns: readonly IcebergField[],
  path: string,
  depth: number,
  top: TopLevel | null = null,
): StructPlan {
  if (depth > depthMax) throw unsupported(path, 'a record that contains itself')
  if (record.fields.length === 0) throw unsupported(path === '' ? '(top)' : path, 'a record without fields')
  const isOwn = (column: IcebergField): boolean => depth > 0 || !isProvenanceColumn(column.name)
  const placeOf = new Map(columns.flatMap((column, place) => (isOwn(column) ? [[column.name, place] as const] : [])))
  const taken = new Map<number, string>()
  const fields = record.fields.map((field) => {
    const here = path === '' ? field.name : `${path}.${field.name}`
    const names = [field.name, ...field.aliases]
    const target = targetOf(names, top?.choices ?? everyColumn, (name) => placeOf.has(name))
    if (target?.kind === 'left-out' && top !== null) return top.leaveOut(field)
    const place = target?.kind === 'column' ? placeOf.get(target.name) : undefined
    const column = place === undefined ? undefined : columns[place]
    if (place === undefined || column === undefined) {
      throw incompatible(here, 'the table has no such column')
    }
    const rival = taken.get(place)
    if (rival !== undefined) throw incompatible(here, `column ${column.name} is already that of field ${rival}`)
    taken.set(place, field.name)
    return { column: place, value: fitValue(field.type, column.type, column.required, here, depth) }
  })
  const missing = [...placeOf.values()].filter((place) => !taken.has(place))
  for (const place of missing) {
    const column = columns[place]
    if (column?.required === true) {
      const here = path === '' ? column.name : `${path}.${column.name}`
      throw incompatible(here, 'a required column that the writer schema does not have')
    }
  }
  return { kind: 'struct', fields, missing }
}

/** The column of a field: by its name, else by the first of its aliases that is a column. */
export function columnPlace(field: AvroField, placeOf: ReadonlyMap<string, number>): number | undefined {
  for (const name of [field.name, ...field.aliases]) {
    const place = placeOf.get(name)
    if (place !== undefined) return place
  }
  return undefined
}

function fitValue(avro: AvroType, table: IcebergType, required: boolean, path: string, depth: number): ValuePlan {
  const { type, branchCount, nullIndex } = withoutNull(avro, path)
  if (nullIndex >= 0 && required) throw incompatible(path, 'may be null, the column may not')
  const read = fitRead(type, table, path, depth)
  const valueBytes = bytesMinOf(read)
  const bytesMin = branchCount === 0 ? valueBytes : 1 + (nullIndex >= 0 ? 0 : valueBytes)
  return { path, branchCount, nullIndex, read, bytesMin }
}

function fitRead(type: AvroType, table: IcebergType, path: string, depth: number): ReadPlan {
  switch (type.kind) {
    case 'record':
      if (typeof table === 'string' || table.type !== 'struct') throw misfit(path, 'record', table)
      return fitStruct(type, table.fields, path, depth + 1)
    case 'array':
      if (typeof table === 'string' || table.type !== 'list') throw misfit(path, 'array', table)
      return {
        kind: 'list',
        element: fitValue(type.items, table.element, table['element-required'], `${path}[]`, depth + 1),
      }
    case 'map':
      if (typeof table === 'string' || table.type !== 'map') throw misfit(path, 'map', table)
      if (table.key !== 'string') throw misfit(`${path}{}`, 'string keys', table.key)
      return {
        kind: 'map',
        value: fitValue(type.values, table.value, table['value-required'], `${path}{}`, depth + 1),
      }
    default:
      return fitLeaf(type, table, path)
  }
}

const misfit = (path: string, writer: string, table: IcebergType): IngestError =>
  incompatible(path, `${writer} does not fit the column's ${typeof table === 'string' ? table : table.type}`)

function fitLeaf(type: AvroType, table: IcebergType, path: string): LeafPlan {
  const leaf = leafTypeOf(type, path)
  if (typeof table !== 'string' || !promotes(leaf, table)) throw misfit(path, leaf, table)
  switch (type.kind) {
    case 'boolean':
      return { kind: 'boolean' }
    case 'int':
      if (type.logical?.kind === 'time') return { kind: 'int32-as-int64', factor: 1000 }
      return table === 'long' ? { kind: 'int32-as-int64', factor: 1 } : { kind: 'int32' }
    case 'long':
      return type.logical?.kind === 'timestamp' && type.logical.unit === 'millis'
        ? { kind: 'millis-as-micros' }
        : { kind: 'int64' }
    case 'float':
      return { kind: table === 'double' ? 'float32-as-float64' : 'float32' }
    case 'double':
      return { kind: 'float64' }
    case 'string':
      return { kind: 'text' }
    case 'enum':
      return { kind: 'enum', symbols: type.symbols }
    case 'bytes':
    case 'fixed': {
      const size = type.kind === 'fixed' ? type.size : null
      if (type.logical?.kind === 'decimal') return { kind: 'decimal', size, precision: type.logical.precision }
      if (size === null) return { kind: 'binary' }
      return type.logical?.kind === 'uuid' ? { kind: 'uuid' } : { kind: 'fixed', size }
    }
    default:
      throw unsupported(path, `${type.kind} is no primitive type`)
  }
}

/** Iceberg spec, "Schema Evolution": int → long, float → double, a decimal of more digits and the same scale. */
function promotes(from: string, to: string): boolean {
  if (from === to) return true
  const narrow = decimalParameters(from)
  const wide = decimalParameters(to)
  if (narrow !== null && wide !== null) return narrow.scale === wide.scale && narrow.precision <= wide.precision
  return (from === 'int' && to === 'long') || (from === 'float' && to === 'double')
}

function bytesMinOf(read: ReadPlan): number {
  switch (read.kind) {
    case 'struct':
      return read.fields.reduce((sum, field) => sum + field.value.bytesMin, 0)
    case 'float32':
    case 'float32-as-float64':
      return 4
    case 'float64':
      return 8
    case 'uuid':
      return 16
    case 'fixed':
      return read.size
    case 'decimal':
      return read.size ?? 2
    default:
      return 1
  }
}
