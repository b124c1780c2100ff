// The Avro schema as K2 sees it: a small typed tree, names resolved against their namespaces (Avro 1.12 specification,
// "Schema Declaration"). Runs on any thread; reads schema text only, never a record. Invariant: a tree that parseAvroSchema
// returned keeps every rule of the specification that the reading of records relies on. A recursive record is a cycle here.
import { IngestError } from '../errors.ts'

export type AvroType = AvroPrimitive | AvroFixed | AvroEnum | AvroArray | AvroMap | AvroUnion | AvroRecord

export type AvroPrimitiveKind = 'null' | 'boolean' | 'int' | 'long' | 'float' | 'double' | 'bytes' | 'string'

/** Logical types that mean something to K2; any other name is ignored, as the specification asks. */
export type LogicalType =
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }
  | { readonly kind: 'uuid' }
  | { readonly kind: 'date' }
  | { readonly kind: 'time'; readonly unit: 'millis' | 'micros' }
  | { readonly kind: 'timestamp'; readonly unit: 'millis' | 'micros' | 'nanos'; readonly local: boolean }

export interface AvroPrimitive {
  readonly kind: AvroPrimitiveKind
  readonly logical: LogicalType | null
}
interface AvroNamed {
  /** Full name, namespace included. */
  readonly name: string
  readonly aliases: readonly string[]
  readonly doc: string | null
}
export interface AvroFixed extends AvroNamed {
  readonly kind: 'fixed'
  readonly size: number
  readonly logical: LogicalType | null
}
export interface AvroEnum extends AvroNamed {
  readonly kind: 'enum'
  readonly symbols: readonly string[]
  readonly default: string | null
}
export interface AvroArray {
  readonly kind: 'array'
  readonly items: AvroType
}
export interface AvroMap {
  readonly kind: 'map'
  readonly values: AvroType
}
export interface AvroUnion {
  readonly kind: 'union'
  readonly branches: readonly AvroType[]
}
export interface AvroRecord extends AvroNamed {
  readonly kind: 'record'
  readonly fields: readonly AvroField[]
}
export interface AvroField {
  readonly name: string
  readonly aliases: readonly string[]
  readonly doc: string | null
  readonly type: AvroType
  /** JSON value as written; undefined where the field has none. */
  readonly default: unknown
}

/** Nesting of types in one schema; deeper is refused before it can exhaust the stack. */
const depthMax = 64
const namePattern = /^[A-Za-z_][A-Za-z0-9_]*$/
const primitives: ReadonlySet<string> = new Set([
  'null',
  'boolean',
  'int',
  'long',
  'float',
  'double',
  'bytes',
  'string',
] satisfies AvroPrimitiveKind[])

type JsonObject = Readonly<Record<string, unknown>>

/** Where the parser stands: names seen so far, the enclosing namespace, the path for error messages. */
interface Place {
  readonly names: Map<string, AvroType>
  readonly namespace: string
  readonly path: string
  readonly depth: number
}

const isPrimitive = (name: string): name is AvroPrimitiveKind => primitives.has(name)
const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const below = (place: Place, step: string): Place => ({
  ...place,
  path: place.path === '' ? step : `${place.path}${step === '[]' || step === '{}' ? '' : '.'}${step}`,
  depth: place.depth + 1,
})

const invalid = (place: Place, reason: string): IngestError =>
  new IngestError('SCHEMA_INVALID', { path: place.path === '' ? '(top)' : place.path, reason })

/**
 * Reads an Avro record schema. Errors: SCHEMA_INVALID with `path` and `reason` where the text is no Avro schema,
 * SCHEMA_UNSUPPORTED where it is one of another type than a record.
 */
export function parseAvroSchema(json: string): AvroRecord {
  let root: unknown
  try {
    root = JSON.parse(json)
  } catch (error) {
    throw new IngestError('SCHEMA_INVALID', { path: '(top)', reason: 'not JSON' }, error)
  }
  const type = parseType(root, { names: new Map(), namespace: '', path: '', depth: 0 })
  if (type.kind !== 'record') {
    throw new IngestError('SCHEMA_UNSUPPORTED', { path: '(top)', reason: `a record is needed, this is ${type.kind}` })
  }
  return type
}

function parseType(node: unknown, place: Place): AvroType {
  if (place.depth > depthMax) throw invalid(place, `types nested deeper than ${depthMax}`)
  if (typeof node === 'string') return parseReference(node, place)
  if (Array.isArray(node)) return parseUnion(node, place)
  if (!isObject(node)) throw invalid(place, 'a type is a name, an object or a list')
  const kind = node.type
  if (typeof kind !== 'string') {
    if (kind === undefined) throw invalid(place, 'type is missing')
    return parseType(kind, { ...place, depth: place.depth + 1 })
  }
  switch (kind) {
    case 'record':
    case 'error':
      return parseRecord(node, place)
    case 'enum':
      return parseEnum(node, place)
    case 'fixed':
      return parseFixed(node, place)
    case 'array':
      return { kind: 'array', items: parseType(node.items, below(place, '[]')) }
    case 'map':
      return { kind: 'map', values: parseType(node.values, below(place, '{}')) }
    default:
      return isPrimitive(kind) ? { kind, logical: parseLogical(node, kind, null, place) } : parseReference(kind, place)
  }
}

function parseReference(name: string, place: Place): AvroType {
  if (isPrimitive(name)) return { kind: name, logical: null }
  const full = name.includes('.') || place.namespace === '' ? name : `${place.namespace}.${name}`
  // A name without a dot may also be one of the null namespace (Avro 1.12, "Names": Java falls back the same way).
  const type = place.names.get(full) ?? place.names.get(name)
  if (type === undefined) throw invalid(place, `unknown type ${JSON.stringify(name)}`)
  return type
}

function parseUnion(nodes: readonly unknown[], place: Place): AvroUnion {
  if (nodes.length === 0) throw invalid(place, 'a union of no types')
  const branches = nodes.map((node) => parseType(node, { ...place, depth: place.depth + 1 }))
  const seen = new Set<string>()
  for (const branch of branches) {
    if (branch.kind === 'union') throw invalid(place, 'a union directly inside a union')
    const key = 'name' in branch ? branch.name : branch.kind
    if (seen.has(key)) throw invalid(place, `a union with ${key} twice`)
    seen.add(key)
  }
  return { kind: 'union', branches }
}

function parseRecord(node: JsonObject, place: Place): AvroRecord {
  const named = parseNamed(node, place)
  const nodes = node.fields
  if (!Array.isArray(nodes)) throw invalid(place, 'a record needs a list of fields')
  const fields: AvroField[] = []
  const record: AvroRecord = { kind: 'record', ...named, fields }
  // Registered before its fields are read: a field may name the record itself.
  place.names.set(named.name, record)
  const inside: Place = { ...place, namespace: namespaceOf(named.name) }
  const seen = new Set<string>()
  for (const [index, field] of nodes.entries()) {
    const parsed = parseField(field, index, inside)
    if (seen.has(parsed.name)) throw invalid(below(place, parsed.name), 'a field name twice in one record')
    seen.add(parsed.name)
    fields.push(parsed)
  }
  return record
}

function parseField(node: unknown, index: number, place: Place): AvroField {
  if (!isObject(node)) throw invalid(below(place, `field ${index}`), 'a field is an object')
  const { name } = node
  if (typeof name !== 'string') throw invalid(below(place, `field ${index}`), 'a field needs a name')
  const here = below(place, name)
  if (!namePattern.test(name)) throw invalid(here, 'a name is letters, digits and _, not starting with a digit')
  const aliases = parseAliases(node, here)
  for (const alias of aliases) if (!namePattern.test(alias)) throw invalid(here, 'an alias that is no name')
  return { name, aliases, doc: parseDoc(node), type: parseType(node.type, here), default: node.default }
}

function parseEnum(node: JsonObject, place: Place): AvroEnum {
  const named = parseNamed(node, place)
  const symbols = stringList(node.symbols)
  if (symbols === null || symbols.length === 0) throw invalid(place, 'an enum needs a list of symbols')
  for (const symbol of symbols) if (!namePattern.test(symbol)) throw invalid(place, 'an enum symbol that is no name')
  if (new Set(symbols).size !== symbols.length) throw invalid(place, 'an enum symbol twice')
  const fallback = node.default ?? null
  if (fallback !== null && (typeof fallback !== 'string' || !symbols.includes(fallback))) {
    throw invalid(place, 'an enum default that is no symbol of it')
  }
  return register({ kind: 'enum', ...named, symbols, default: fallback }, place)
}

function parseFixed(node: JsonObject, place: Place): AvroFixed {
  const named = parseNamed(node, place)
  const { size } = node
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0 || size > 0x7fffffff) {
    throw invalid(place, 'a fixed needs a size of 0 to 2^31 - 1 bytes')
  }
  return register({ kind: 'fixed', ...named, size, logical: parseLogical(node, 'fixed', size, place) }, place)
}

function register<T extends AvroEnum | AvroFixed>(type: T, place: Place): T {
  place.names.set(type.name, type)
  return type
}

const namespaceOf = (name: string): string => name.slice(0, Math.max(0, name.lastIndexOf('.')))

/** Full name, aliases and doc of a named type; refuses a name taken before. */
function parseNamed(node: JsonObject, place: Place): AvroNamed {
  const { name: own, namespace } = node
  if (typeof own !== 'string') throw invalid(place, 'a named type needs a name')
  if (namespace !== undefined && typeof namespace !== 'string') throw invalid(place, 'a namespace is a text')
  const name = fullName(own, namespace ?? place.namespace)
  if (!isFullName(name)) throw invalid(place, `not a name: ${JSON.stringify(name)}`)
  if (isPrimitive(name)) throw invalid(place, `${name} is the name of a primitive type`)
  if (place.names.has(name)) throw invalid(place, `type ${name} is defined twice`)
  const aliases = parseAliases(node, place).map((alias) => fullName(alias, namespaceOf(name)))
  return { name, aliases, doc: parseDoc(node) }
}

const fullName = (name: string, namespace: string): string =>
  name.includes('.') || namespace === '' ? name : `${namespace}.${name}`
const isFullName = (name: string): boolean => name.split('.').every((part) => namePattern.test(part))

function parseAliases(node: JsonObject, place: Place): readonly string[] {
  if (node.aliases === undefined) return []
  const aliases = stringList(node.aliases)
  if (aliases === null) throw invalid(place, 'aliases are a list of names')
  return aliases
}

const parseDoc = (node: JsonObject): string | null => (typeof node.doc === 'string' ? node.doc : null)
const isString = (value: unknown): value is string => typeof value === 'string'
const stringList = (value: unknown): readonly string[] | null =>
  Array.isArray(value) && value.every(isString) ? value : null

/** The logical type of a primitive or fixed, null where there is none or its name means nothing on this type. */
function parseLogical(node: JsonObject, kind: string, size: number | null, place: Place): LogicalType | null {
  switch (`${kind} ${String(node.logicalType)}`) {
    case 'bytes decimal':
    case 'fixed decimal':
      return parseDecimal(node, size, place)
    case 'string uuid':
      return { kind: 'uuid' }
    case 'fixed uuid':
      return size === 16 ? { kind: 'uuid' } : null
    case 'int date':
      return { kind: 'date' }
    case 'int time-millis':
      return { kind: 'time', unit: 'millis' }
    case 'long time-micros':
      return { kind: 'time', unit: 'micros' }
    case 'long timestamp-millis':
      return { kind: 'timestamp', unit: 'millis', local: false }
    case 'long timestamp-micros':
      return { kind: 'timestamp', unit: 'micros', local: false }
    case 'long timestamp-nanos':
      return { kind: 'timestamp', unit: 'nanos', local: false }
    case 'long local-timestamp-millis':
      return { kind: 'timestamp', unit: 'millis', local: true }
    case 'long local-timestamp-micros':
      return { kind: 'timestamp', unit: 'micros', local: true }
    case 'long local-timestamp-nanos':
      return { kind: 'timestamp', unit: 'nanos', local: true }
    default:
      return null
  }
}

/**
 * The specification would ignore a malformed decimal, which makes a table with a binary column of it, for good and unseen;
 * it is refused instead.
 */
function parseDecimal(node: JsonObject, size: number | null, place: Place): LogicalType {
  const { precision, scale = 0 } = node
  if (typeof precision !== 'number' || !Number.isSafeInteger(precision) || precision < 1) {
    throw invalid(place, 'a decimal needs a precision of 1 or more digits')
  }
  if (typeof scale !== 'number' || !Number.isSafeInteger(scale) || scale < 0 || scale > precision) {
    throw invalid(place, 'the scale of a decimal is 0 to its precision')
  }
  // Digits that n bytes of two's complement hold: floor(log10(2^(8n - 1) - 1)), "Decimal" in the specification.
  if (size !== null && precision > Math.floor(Math.log10(2) * (8 * size - 1))) {
    throw invalid(place, `${size} bytes do not hold ${precision} digits`)
  }
  return { kind: 'decimal', precision, scale }
}
