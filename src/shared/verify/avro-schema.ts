// Avro schemas, JSON text → tree (Avro spec 1.11, "Schema Declaration"); verify's own reader, apart from the one that ingests.
// Pure. Invariant: size and depth are bounded before anything is built; a named type is one object wherever it is used.
import { IngestError } from '../errors.ts'

export type AvroPrimitiveName = 'null' | 'boolean' | 'int' | 'long' | 'float' | 'double' | 'bytes' | 'string'

export interface AvroLogical {
  readonly name: string
  readonly precision: number
  readonly scale: number
}

export interface AvroField {
  readonly name: string
  readonly aliases: readonly string[]
  readonly type: AvroType
}

export type AvroType =
  | { readonly kind: AvroPrimitiveName; readonly logical: AvroLogical | null }
  | { readonly kind: 'fixed'; readonly size: number; readonly logical: AvroLogical | null }
  | { readonly kind: 'enum'; readonly symbols: readonly string[] }
  | { readonly kind: 'array'; readonly items: AvroType }
  | { readonly kind: 'map'; readonly values: AvroType }
  | { readonly kind: 'union'; readonly branches: readonly AvroType[] }
  | AvroRecord

export interface AvroRecord {
  readonly kind: 'record'
  readonly name: string
  readonly fields: AvroField[]
}

const schemaCharsMax = 1_000_000
const depthMax = 64
const fixedBytesMax = 1_048_576
const primitives: readonly string[] = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string']

interface Scope {
  readonly names: Map<string, AvroType>
  readonly namespace: string
  readonly depth: number
  readonly where: string
}

/** Reads a schema. `where` names it in errors. Errors: SCHEMA_INVALID. */
export function parseAvroSchema(json: string, where: string): AvroType {
  if (json.length > schemaCharsMax) throw invalid(where, `longer than ${schemaCharsMax} characters`)
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch (error) {
    throw new IngestError('SCHEMA_INVALID', { schema: where, reason: 'not JSON' }, error)
  }
  return readType(value, { names: new Map(), namespace: '', depth: 0, where })
}

function readType(value: unknown, scope: Scope): AvroType {
  if (scope.depth > depthMax) throw invalid(scope.where, `nested deeper than ${depthMax}`)
  const inner = { ...scope, depth: scope.depth + 1 }
  if (typeof value === 'string') return readName(value, scope)
  if (Array.isArray(value)) return { kind: 'union', branches: value.map((branch) => readType(branch, inner)) }
  const object = asObject(value, scope)
  const type = object['type']
  if (typeof type !== 'string') return readType(type, inner)
  switch (type) {
    case 'record':
    case 'error':
      return readRecord(object, inner)
    case 'enum': {
      const symbols = readStrings(object['symbols'], 'symbols', scope)
      return declare(object, scope, { kind: 'enum', symbols })
    }
    case 'fixed':
      return declare(object, scope, {
        kind: 'fixed',
        size: readCount(object['size'], 'size', fixedBytesMax, scope),
        logical: readLogical(object),
      })
    case 'array':
      return { kind: 'array', items: readType(object['items'], inner) }
    case 'map':
      return { kind: 'map', values: readType(object['values'], inner) }
    default:
      return isPrimitive(type) ? { kind: type, logical: readLogical(object) } : readName(type, scope)
  }
}

function readName(name: string, scope: Scope): AvroType {
  if (isPrimitive(name)) return { kind: name, logical: null }
  const found = scope.names.get(fullName(name, scope.namespace)) ?? scope.names.get(name)
  if (found === undefined) throw invalid(scope.where, `unknown type ${name}`)
  return found
}

function readRecord(object: Record<string, unknown>, scope: Scope): AvroType {
  const name = readString(object['name'], 'name', scope)
  const record: AvroRecord = { kind: 'record', name, fields: [] }
  declare(object, scope, record)
  const inner = { ...scope, namespace: namespaceOf(object, name, scope) }
  const fields = object['fields']
  if (!Array.isArray(fields)) throw invalid(scope.where, `record ${name} has no fields`)
  for (const item of fields) {
    const field = asObject(item, scope)
    const aliases = field['aliases'] === undefined ? [] : readStrings(field['aliases'], 'aliases', scope)
    const fieldName = readString(field['name'], 'name', scope)
    record.fields.push({ name: fieldName, aliases, type: readType(field['type'], inner) })
  }
  return record
}

/** Makes a named type known under its full name (Avro spec, "Names"). */
function declare(object: Record<string, unknown>, scope: Scope, type: AvroType): AvroType {
  const name = readString(object['name'], 'name', scope)
  const simple = name.slice(name.lastIndexOf('.') + 1)
  const full = fullName(simple, namespaceOf(object, name, scope))
  if (scope.names.has(full)) throw invalid(scope.where, `type ${full} is defined twice`)
  scope.names.set(full, type)
  return type
}

function namespaceOf(object: Record<string, unknown>, name: string, scope: Scope): string {
  const dot = name.lastIndexOf('.')
  if (dot >= 0) return name.slice(0, dot)
  return typeof object['namespace'] === 'string' ? object['namespace'] : scope.namespace
}

const fullName = (name: string, namespace: string): string =>
  name.includes('.') || namespace === '' ? name : `${namespace}.${name}`

function readLogical(object: Record<string, unknown>): AvroLogical | null {
  const name = object['logicalType']
  if (typeof name !== 'string') return null
  const { precision, scale } = object
  return {
    name,
    precision: typeof precision === 'number' ? precision : 0,
    scale: typeof scale === 'number' ? scale : 0,
  }
}

// The list above is what the guard stands for.
const isPrimitive = (name: string): name is AvroPrimitiveName => primitives.includes(name)

function asObject(value: unknown, scope: Scope): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(scope.where, `not a type: ${JSON.stringify(value)?.slice(0, 60) ?? 'undefined'}`)
  }
  // The checks above leave only plain objects out of JSON.parse.
  return value as Record<string, unknown>
}

function readString(value: unknown, what: string, scope: Scope): string {
  if (typeof value !== 'string' || value === '') throw invalid(scope.where, `${what} must be a string`)
  return value
}

function readStrings(value: unknown, what: string, scope: Scope): string[] {
  if (!Array.isArray(value)) throw invalid(scope.where, `${what} must be a list of strings`)
  return value.map((item) => readString(item, what, scope))
}

function readCount(value: unknown, what: string, max: number, scope: Scope): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > max) {
    throw invalid(scope.where, `${what} must be an integer from 0 to ${max}`)
  }
  return value
}

const invalid = (where: string, reason: string): IngestError =>
  new IngestError('SCHEMA_INVALID', { schema: where, reason })
