// Writer schema × table schema → plan: a tree of small tables that says for every Avro node where its value goes in the table
// and how it becomes that type (docs/verify.md, "Same value"). Pure. Invariant: a plan only exists where the mapping is exact.
import { type ColumnChoices, everyColumn } from '../columns/column-choices.ts'
import { IngestError } from '../errors.ts'
import type { IcebergField, IcebergStruct, IcebergType } from '../iceberg/schema.ts'
import type { AvroLogical, AvroRecord, AvroType } from './avro-schema.ts'
import { nestingMax } from './value-sink.ts'

export type PlanOp =
  | 'null'
  | 'boolean'
  | 'int'
  | 'long'
  | 'float'
  | 'double'
  | 'string'
  | 'binary'
  | 'fixed'
  | 'enum'
  | 'decimal'
  | 'uuid'
  | 'struct'
  | 'list'
  | 'map'
  | 'union'

/** One Avro node. `id` 0: read and checked, but the table has no place for it. */
export interface PlanNode {
  readonly op: PlanOp
  readonly id: number
  /** struct: fields; list: element; map: key, value; union: branches. */
  readonly children: readonly PlanNode[]
  /** fixed, uuid: bytes; decimal: bytes of a fixed, or -1 where a length comes first. */
  readonly size: number
  /** enum: symbols as UTF-8. */
  readonly symbols: readonly Uint8Array[]
  /** long, int: the table's value is the record's times this. */
  readonly factor: number
  /** decimal: 10^precision, not reached by the absolute value. */
  readonly limit: bigint
  /** Least bytes a value takes: bounds the item counts of a hostile block. */
  readonly bytesMin: number
}

export interface RecordPlan {
  readonly root: PlanNode
  /** Fields of the writer that the table has no column for, and that are not left out of it, as paths. */
  readonly unmapped: readonly string[]
}

interface Context {
  readonly unmapped: string[]
  readonly columns: ColumnChoices
  readonly schema: string
  readonly depth: number
  readonly lists: number
}

const depthMax = 64

/** Errors: SCHEMA_UNSUPPORTED (recursion, unions of several types), SCHEMA_INCOMPATIBLE (types that do not map). */
export function planRecord(
  writer: AvroType,
  table: IcebergStruct,
  schema: string,
  columns: ColumnChoices = everyColumn,
): RecordPlan {
  if (writer.kind !== 'record')
    throw new IngestError('SCHEMA_UNSUPPORTED', { schema, reason: 'top level is no record' })
  const context: Context = { unmapped: [], columns, schema, depth: 0, lists: 0 }
  return { root: planStruct(writer, table, 0, '', context), unmapped: context.unmapped }
}

function node(op: PlanOp, id: number, bytesMin: number, more: Partial<PlanNode> = {}): PlanNode {
  return { op, id, children: [], size: 0, symbols: [], factor: 1, limit: 0n, bytesMin, ...more }
}

function planStruct(
  writer: AvroRecord,
  target: IcebergStruct | null,
  id: number,
  path: string,
  context: Context,
): PlanNode {
  const children = writer.fields.map((field) => {
    const fieldPath = path === '' ? field.name : `${path}.${field.name}`
    const names = [field.name, ...field.aliases]
    const column = target === null ? 'left out' : findColumn(target, names, path === '' ? context.columns : everyColumn)
    if (column === 'left out') return planType(field.type, null, 0, fieldPath, context)
    if (column === undefined) context.unmapped.push(fieldPath)
    return planType(field.type, column?.type ?? null, column?.id ?? 0, fieldPath, context)
  })
  return node(
    'struct',
    id,
    children.reduce((sum, child) => sum + child.bytesMin, 0),
    { children },
  )
}

/**
 * By name, else by one of the field's aliases: the table keeps the name a column was made with. Of the record itself, the choices
 * of the table come first (docs/config.md), and a column that is another field's has no field of its own name.
 */
function findColumn(
  target: IcebergStruct,
  names: readonly string[],
  { renamed, leftOut }: ColumnChoices,
): IcebergField | 'left out' | undefined {
  const others = new Set(Object.values(renamed))
  for (const name of names) {
    if (leftOut.includes(name)) return 'left out'
    const isRenamed = Object.hasOwn(renamed, name)
    const wanted = isRenamed ? renamed[name] : name
    const column = target.fields.find((field) => field.name === wanted && (isRenamed || !others.has(name)))
    if (column !== undefined) return column
  }
  return undefined
}

function planType(writer: AvroType, target: IcebergType | null, id: number, path: string, outer: Context): PlanNode {
  const context = { ...outer, depth: outer.depth + 1 }
  if (context.depth > depthMax) throw unsupported(context, path, 'recursive, or nested too deeply')
  switch (writer.kind) {
    case 'record': {
      if (target !== null && (typeof target === 'string' || target.type !== 'struct')) throw misfit(context, path)
      return planStruct(writer, target, id, path, context)
    }
    case 'array': {
      if (target !== null && (typeof target === 'string' || target.type !== 'list')) throw misfit(context, path)
      const inner = intoList(context, path)
      const elementId = target?.['element-id'] ?? 0
      const element = planType(writer.items, target?.element ?? null, elementId, `${path}.element`, inner)
      return node('list', id, 1, { children: [element] })
    }
    case 'map': {
      if (target !== null && (typeof target === 'string' || target.type !== 'map')) throw misfit(context, path)
      const inner = intoList(context, path)
      const key = node('string', target?.['key-id'] ?? 0, 1)
      const valueId = target?.['value-id'] ?? 0
      const value = planType(writer.values, target?.value ?? null, valueId, `${path}.value`, inner)
      return node('map', id, 1, { children: [key, value] })
    }
    case 'union': {
      const present = writer.branches.filter((branch) => branch.kind !== 'null')
      if (present.length > 1) throw unsupported(context, path, 'union of several types')
      const children = writer.branches.map((branch) =>
        branch.kind === 'null' ? node('null', 0, 0) : planType(branch, target, id, path, context),
      )
      return node('union', id, 1, { children })
    }
    default:
      if (target !== null && typeof target !== 'string') throw misfit(context, path)
      return planPrimitive(writer, target, id, path, context)
  }
}

type Primitive = Exclude<AvroType, { kind: 'record' | 'array' | 'map' | 'union' }>

function planPrimitive(writer: Primitive, target: string | null, id: number, path: string, context: Context): PlanNode {
  const fits = (...types: readonly string[]): void => {
    if (target !== null && !types.includes(target)) throw misfit(context, `${path} (${writer.kind} → ${target})`)
  }
  switch (writer.kind) {
    case 'null':
      return node('null', 0, 0)
    case 'boolean':
      fits('boolean')
      return node('boolean', id, 1)
    case 'int':
    case 'long':
      return node(writer.kind, id, 1, { factor: integerFactor(writer.kind, writer.logical, target, path, context) })
    case 'float':
      fits('float', 'double')
      return node('float', id, 4)
    case 'double':
      fits('double')
      return node('double', id, 8)
    case 'string':
      fits('string')
      return node('string', id, 1)
    case 'enum':
      fits('string')
      return node('enum', id, 1, { symbols: writer.symbols.map((symbol) => new TextEncoder().encode(symbol)) })
    case 'bytes':
      if (writer.logical !== null && isDecimal(writer.logical))
        return planDecimal(writer.logical, target, id, -1, path, context)
      fits('binary')
      return node('binary', id, 1)
    case 'fixed': {
      const { size, logical } = writer
      if (logical !== null && isDecimal(logical)) return planDecimal(logical, target, id, size, path, context)
      if (logical?.name === 'uuid' && size === 16 && target === 'string') return node('uuid', id, 16, { size })
      fits(`fixed[${size}]`, 'binary', ...(size === 16 ? ['uuid'] : []))
      return node('fixed', id, size, { size })
    }
  }
}

const isDecimal = (logical: AvroLogical | null): boolean => logical?.name === 'decimal'

function planDecimal(
  logical: AvroLogical,
  target: string | null,
  id: number,
  size: number,
  path: string,
  context: Context,
): PlanNode {
  const found = target === null ? null : parseDecimal(target)
  if (target !== null && (found === null || found.scale !== logical.scale || found.precision < logical.precision)) {
    throw misfit(context, `${path} (decimal(${logical.precision}, ${logical.scale}) → ${target})`)
  }
  const { precision } = logical
  if (precision < 1 || precision > 38) throw unsupported(context, path, `decimal of precision ${precision}`)
  return node('decimal', id, size < 0 ? 1 : size, { size, limit: 10n ** BigInt(precision) })
}

/** Precision and scale of `decimal(p, s)`, or null for another type. */
export function parseDecimal(type: string): { readonly precision: number; readonly scale: number } | null {
  const match = /^decimal\(\s*(\d{1,2})\s*,\s*(\d{1,2})\s*\)$/.exec(type)
  return match === null ? null : { precision: Number(match[1]), scale: Number(match[2]) }
}

/** Nanoseconds of one unit of the Avro logical type; Iceberg stores µs (ns where the type says so), a time as µs in a long. */
const unitNanos: Readonly<Record<string, { readonly nanos: number; readonly targets: readonly string[] }>> = {
  'timestamp-millis': { nanos: 1e6, targets: ['timestamptz', 'timestamptz_ns'] },
  'timestamp-micros': { nanos: 1e3, targets: ['timestamptz', 'timestamptz_ns'] },
  'timestamp-nanos': { nanos: 1, targets: ['timestamptz_ns'] },
  'local-timestamp-millis': { nanos: 1e6, targets: ['timestamp', 'timestamp_ns'] },
  'local-timestamp-micros': { nanos: 1e3, targets: ['timestamp', 'timestamp_ns'] },
  'local-timestamp-nanos': { nanos: 1, targets: ['timestamp_ns'] },
  'time-millis': { nanos: 1e6, targets: ['time', 'long'] },
  'time-micros': { nanos: 1e3, targets: ['time', 'long'] },
}

function integerFactor(
  kind: 'int' | 'long',
  logical: AvroLogical | null,
  target: string | null,
  path: string,
  context: Context,
): number {
  const plain = kind === 'int' ? ['int', 'long'] : ['long']
  const unit = logical === null ? undefined : unitNanos[logical.name]
  if (target === null) return 1
  if (unit?.targets.includes(target)) return unit.nanos / (target.endsWith('_ns') ? 1 : 1e3)
  const isTimestamp = logical?.name.includes('timestamp') === true
  if (logical?.name === 'date' && kind === 'int' ? target === 'date' : !isTimestamp && plain.includes(target)) return 1
  throw misfit(context, `${path} (${logical?.name ?? kind} → ${target})`)
}

function intoList(context: Context, path: string): Context {
  if (context.lists >= nestingMax) throw unsupported(context, path, `more than ${nestingMax} lists in each other`)
  return { ...context, lists: context.lists + 1 }
}

const misfit = (context: Context, path: string): IngestError =>
  new IngestError('SCHEMA_INCOMPATIBLE', { schema: context.schema, field: path })
const unsupported = (context: Context, path: string, reason: string): IngestError =>
  new IngestError('SCHEMA_UNSUPPORTED', { schema: context.schema, field: path, reason })
