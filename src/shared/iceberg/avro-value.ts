// Reads Avro binary values by their writer's schema (Avro spec, "Binary Encoding"), for manifests. Pure, any thread.
// Bounded: every length is checked against the bytes that are left, so a damaged file is an error and not the end of the
// process (avsc allocates what a block count says). Longs are bigint. Record fields may be renamed by their `field-id`.
import { isObject, type JsonObject } from './json-shape.ts'

export type AvroValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly AvroValue[]
  | { readonly [field: string]: AvroValue }

export type AvroRecord = { readonly [field: string]: AvroValue }

/** A schema made ready for reading. */
export type AvroNode =
  | { readonly kind: 'null' | 'boolean' | 'int' | 'long' | 'float' | 'double' | 'bytes' | 'string' }
  | { readonly kind: 'fixed'; readonly size: number }
  | { readonly kind: 'enum'; readonly symbols: readonly string[] }
  | { readonly kind: 'array'; readonly items: AvroNode }
  | { readonly kind: 'map'; readonly values: AvroNode }
  | { readonly kind: 'union'; readonly branches: readonly AvroNode[] }
  | { readonly kind: 'record'; readonly fields: ReadonlyArray<{ readonly name: string; readonly node: AvroNode }> }

export interface AvroCursor {
  readonly bytes: Uint8Array
  readonly view: DataView
  at: number
}

export const avroCursor = (bytes: Uint8Array): AvroCursor => ({
  bytes,
  view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
  at: 0,
})

type Rename = (name: string, fieldId: number | null) => string

const depthMax = 32

/** Compiles an Avro schema (parsed JSON). Throws Error for what Avro does not allow; recursion is beyond its depth bound. */
export function compileAvro(
  schema: unknown,
  rename: Rename = (name) => name,
  named = new Map<string, unknown>(),
  depth = 0,
): AvroNode {
  if (depth > depthMax) throw new Error('Avro schema nested too deeply')
  const compile = (inner: unknown): AvroNode => compileAvro(inner, rename, named, depth + 1)
  if (Array.isArray(schema)) return { kind: 'union', branches: schema.map(compile) }
  if (typeof schema === 'string') {
    return isPrimitive(schema) ? { kind: schema } : compile(named.get(schema) ?? fail(`unknown Avro type ${schema}`))
  }
  if (!isObject(schema)) throw new Error('Avro schema expected')
  if (typeof schema['name'] === 'string') named.set(schema['name'], schema)
  switch (schema['type']) {
    case 'record':
      return { kind: 'record', fields: recordFields(schema, rename, compile) }
    case 'array':
      return { kind: 'array', items: compile(schema['items']) }
    case 'map':
      return { kind: 'map', values: compile(schema['values']) }
    case 'fixed':
      return { kind: 'fixed', size: typeof schema['size'] === 'number' ? schema['size'] : fail('fixed without size') }
    case 'enum':
      return { kind: 'enum', symbols: Array.isArray(schema['symbols']) ? schema['symbols'].map(String) : [] }
    default:
      return compile(schema['type'])
  }
}

function recordFields(
  schema: JsonObject,
  rename: Rename,
  compile: (inner: unknown) => AvroNode,
): Array<{ name: string; node: AvroNode }> {
  if (!Array.isArray(schema['fields'])) throw new Error('record without fields')
  return schema['fields'].map((field: unknown) => {
    if (!isObject(field) || typeof field['name'] !== 'string') throw new Error('record field without a name')
    const fieldId = typeof field['field-id'] === 'number' ? field['field-id'] : null
    return { name: rename(field['name'], fieldId), node: compile(field['type']) }
  })
}

/** Reads one value and moves the cursor behind it. Throws Error where the bytes do not hold one. */
export function readAvro(node: AvroNode, cursor: AvroCursor): AvroValue {
  switch (node.kind) {
    case 'null':
      return null
    case 'boolean':
      return take(cursor, 1)[0] !== 0
    case 'int':
      return Number(BigInt.asIntN(32, readAvroLong(cursor)))
    case 'long':
      return readAvroLong(cursor)
    case 'float':
      return cursor.view.getFloat32(advance(cursor, 4), true)
    case 'double':
      return cursor.view.getFloat64(advance(cursor, 8), true)
    case 'bytes':
      return readAvroBytes(cursor)
    case 'string':
      return decoder.decode(take(cursor, readLength(cursor)))
    case 'fixed':
      return new Uint8Array(take(cursor, node.size))
    case 'enum':
      return node.symbols[Number(readAvroLong(cursor))] ?? fail('enum index out of range')
    case 'union':
      return readAvro(node.branches[Number(readAvroLong(cursor))] ?? fail('union index out of range'), cursor)
    case 'array':
      return readArray(node.items, cursor)
    case 'map':
      return readMap(node.values, cursor)
    case 'record': {
      const record: Record<string, AvroValue> = {}
      for (const field of node.fields) record[field.name] = readAvro(field.node, cursor)
      return record
    }
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true })

function readArray(items: AvroNode, cursor: AvroCursor): AvroValue[] {
  const values: AvroValue[] = []
  for (let count = readBlockCount(cursor); count > 0; count = readBlockCount(cursor)) {
    for (let left = count; left > 0; left--) values.push(readAvro(items, cursor))
  }
  return values
}

function readMap(values: AvroNode, cursor: AvroCursor): AvroRecord {
  const map: Record<string, AvroValue> = {}
  for (let count = readBlockCount(cursor); count > 0; count = readBlockCount(cursor)) {
    for (let left = count; left > 0; left--) {
      const key = decoder.decode(take(cursor, readLength(cursor)))
      map[key] = readAvro(values, cursor)
    }
  }
  return map
}

/** Count of a block of items; a negative one is followed by the block's size. Items take at least a byte each. */
function readBlockCount(cursor: AvroCursor): number {
  let count = readAvroLong(cursor)
  if (count < 0n) {
    readAvroLong(cursor)
    count = -count
  }
  if (count > BigInt(cursor.bytes.length - cursor.at)) throw new Error('more items than bytes')
  return Number(count)
}

/** A zig-zag varint of at most ten bytes. */
export function readAvroLong(cursor: AvroCursor): bigint {
  let small = 0
  for (let shift = 0; shift < 28; shift += 7) {
    const byte = cursor.view.getUint8(advance(cursor, 1))
    small |= (byte & 0x7f) << shift
    if (byte < 0x80) return BigInt((small >>> 1) ^ -(small & 1))
  }
  let large = BigInt(small)
  for (let shift = 28n; shift < 70n; shift += 7n) {
    const byte = cursor.view.getUint8(advance(cursor, 1))
    large |= BigInt(byte & 0x7f) << shift
    if (byte < 0x80) return BigInt.asIntN(64, (large >> 1n) ^ -(large & 1n))
  }
  throw new Error('variable-length number too long')
}

/** Length-prefixed bytes, memory of their own (slice() of a Buffer would keep the whole block alive). */
export const readAvroBytes = (cursor: AvroCursor): Uint8Array => new Uint8Array(take(cursor, readLength(cursor)))

function readLength(cursor: AvroCursor): number {
  const length = readAvroLong(cursor)
  if (length < 0n || length > BigInt(cursor.bytes.length - cursor.at)) throw new Error('length beyond the end')
  return Number(length)
}

/** A view of the next bytes. */
function take(cursor: AvroCursor, length: number): Uint8Array {
  const first = advance(cursor, length)
  return cursor.bytes.subarray(first, first + length)
}

function advance(cursor: AvroCursor, length: number): number {
  const first = cursor.at
  if (first + length > cursor.bytes.length) throw new Error('value ends before its last byte')
  cursor.at = first + length
  return first
}

const primitives = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'] as const
type Primitive = (typeof primitives)[number]
const isPrimitive = (name: string): name is Primitive => primitives.some((primitive) => primitive === name)

function fail(reason: string): never {
  throw new Error(reason)
}
