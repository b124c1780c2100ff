// Single values in Iceberg's binary form (spec, "Appendix D: Single-value serialization"), for bounds in manifest lists.
// Pure, any thread. Numbers are little-endian, decimals big-endian two's complement of minimal length, text is UTF-8.
import type { IcebergPrimitive } from './schema.ts'

/** A value as partition structs carry it. Decimals: the unscaled bigint. Dates: days since 1970. */
export type SingleValue = boolean | number | bigint | string | Uint8Array

/** Bytes of one value of this type. Throws (our bug) where the value is not of the type. */
export function serializeValue(type: IcebergPrimitive, value: SingleValue): Uint8Array {
  const base = type.replace(/[([].*$/, '')
  switch (base) {
    case 'boolean':
      return Uint8Array.of(value === true ? 1 : 0)
    case 'int':
    case 'date':
      return fixedBytes(4, (view) => view.setInt32(0, Number(value), true))
    case 'float':
      return fixedBytes(4, (view) => view.setFloat32(0, Number(value), true))
    case 'double':
      return fixedBytes(8, (view) => view.setFloat64(0, Number(value), true))
    case 'long':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      return fixedBytes(8, (view) => view.setBigInt64(0, toLong(type, value), true))
    case 'string':
      return new TextEncoder().encode(typeof value === 'string' ? value : mismatch(type, value))
    case 'decimal':
      return value instanceof Uint8Array ? value : decimalBytes(toLong(type, value))
    case 'binary':
    case 'fixed':
    case 'uuid':
      return value instanceof Uint8Array ? value : mismatch(type, value)
    default:
      return mismatch(type, value)
  }
}

/** The value in these bytes. Decimals come back as the unscaled bigint; short int and float bytes of a widened column are read. */
export function deserializeValue(type: IcebergPrimitive, bytes: Uint8Array): SingleValue {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  switch (type.replace(/[([].*$/, '')) {
    case 'boolean':
      return view.getUint8(0) !== 0
    case 'int':
    case 'date':
      return view.getInt32(0, true)
    case 'float':
      return view.getFloat32(0, true)
    case 'double':
      return bytes.length === 4 ? view.getFloat32(0, true) : view.getFloat64(0, true)
    case 'long':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      return bytes.length === 4 ? BigInt(view.getInt32(0, true)) : view.getBigInt64(0, true)
    case 'string':
      return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
    case 'decimal':
      return decimalValue(bytes)
    default:
      return bytes
  }
}

/**
 * A partition value as its type has it, whichever way it came (a number or digits for a long, fixed bytes for a decimal).
 * Null for what cannot be a single value.
 */
export function typedValue(type: IcebergPrimitive, value: unknown): SingleValue | null {
  if (value instanceof Uint8Array) return type.startsWith('decimal') ? decimalValue(value) : value
  if (typeof value === 'bigint' || typeof value === 'boolean') return value
  if (typeof value !== 'number' && typeof value !== 'string') return null
  if (longTypes.has(type)) return BigInt(value)
  if (type === 'boolean') return value === 'true'
  return value
}

const longTypes: ReadonlySet<string> = new Set(['long', 'time', 'timestamp', 'timestamptz'])

/** Order of two values of one type: numbers by value, text and bytes by their unsigned bytes. */
export function compareValues(left: SingleValue, right: SingleValue): number {
  if (typeof left === 'string' && typeof right === 'string')
    return Buffer.compare(Buffer.from(left), Buffer.from(right))
  if (left instanceof Uint8Array && right instanceof Uint8Array) return Buffer.compare(left, right)
  return left < right ? -1 : left > right ? 1 : 0
}

function fixedBytes(length: number, write: (view: DataView) => void): Uint8Array {
  const bytes = new Uint8Array(length)
  write(new DataView(bytes.buffer))
  return bytes
}

function toLong(type: string, value: SingleValue): bigint {
  if (typeof value === 'bigint') return value
  return typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : mismatch(type, value)
}

function decimalBytes(unscaled: bigint): Uint8Array {
  let length = 1
  while (BigInt.asIntN(length * 8, unscaled) !== unscaled) length++
  const bytes = new Uint8Array(length)
  for (let at = length - 1, left = unscaled; at >= 0; at--, left >>= 8n) bytes[at] = Number(left & 0xffn)
  return bytes
}

function decimalValue(bytes: Uint8Array): bigint {
  let value = 0n
  for (const byte of bytes) value = (value << 8n) | BigInt(byte)
  return BigInt.asIntN(bytes.length * 8, value)
}

function mismatch(type: string, value: SingleValue): never {
  throw new Error(`not a value of ${type}: ${typeof value}`)
}
