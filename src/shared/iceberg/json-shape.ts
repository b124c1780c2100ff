// Reads values of a known shape out of parsed JSON: the edge where outside input becomes typed. Pure, any thread.
// Every refusal is a TABLE_METADATA error that names the file and the path of the field, so that a person can look.
import { IngestError } from '../errors.ts'

/** Where a value stands: the file it came from and its path there, e.g. `snapshots[3].summary`. */
export interface Place {
  readonly file: string
  readonly path: string
}

export type JsonObject = Readonly<Record<string, unknown>>

export const inside = (place: Place, name: string | number): Place => ({
  file: place.file,
  path: typeof name === 'number' ? `${place.path}[${name}]` : place.path === '' ? name : `${place.path}.${name}`,
})

/** The error of a value that is not what the spec says. */
export const misshapen = (place: Place, reason: string, cause?: unknown): IngestError =>
  new IngestError(
    'TABLE_METADATA',
    { file: place.file, field: place.path === '' ? '(root)' : place.path, reason },
    cause,
  )

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function readObject(value: unknown, place: Place): JsonObject {
  if (!isObject(value)) throw misshapen(place, `object expected, found ${kindOf(value)}`)
  return value
}

export function readArray<T>(value: unknown, place: Place, readItem: (item: unknown, place: Place) => T): T[] {
  if (!Array.isArray(value)) throw misshapen(place, `list expected, found ${kindOf(value)}`)
  return value.map((item: unknown, index) => readItem(item, inside(place, index)))
}

export function readString(value: unknown, place: Place): string {
  if (typeof value !== 'string') throw misshapen(place, `string expected, found ${kindOf(value)}`)
  return value
}

export function readBoolean(value: unknown, place: Place): boolean {
  if (typeof value !== 'boolean') throw misshapen(place, `true or false expected, found ${kindOf(value)}`)
  return value
}

/** An integer that fits a number: ids of columns, schemas and specs; milliseconds. */
export function readInteger(value: unknown, place: Place): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) {
    throw misshapen(place, `integer expected, found ${kindOf(value)}`)
  }
  return value
}

/** A 64-bit integer: snapshot ids, sequence numbers. */
export function readLong(value: unknown, place: Place): bigint {
  const isLong = typeof value === 'bigint' || (typeof value === 'number' && Number.isSafeInteger(value))
  if (!isLong) throw misshapen(place, `integer expected, found ${kindOf(value)}`)
  const long = BigInt(value)
  if (BigInt.asIntN(64, long) !== long) throw misshapen(place, `${long} does not fit 64 bits`)
  return long
}

/** A map of strings. Numbers and booleans that other engines put there unquoted are taken as their text. */
export function readStringMap(value: unknown, place: Place): Record<string, string> {
  const object = readObject(value, place)
  const entries = Object.entries(object).map(([key, member]): [string, string] => {
    if (typeof member === 'string') return [key, member]
    if (typeof member === 'number' || typeof member === 'bigint' || typeof member === 'boolean')
      return [key, `${member}`]
    throw misshapen(inside(place, key), `string expected, found ${kindOf(member)}`)
  })
  return Object.fromEntries(entries)
}

/** Reads a member that may be absent or null. */
export function readOptional<T>(
  object: JsonObject,
  name: string,
  place: Place,
  read: (value: unknown, place: Place) => T,
): T | undefined {
  const value = object[name]
  return value === undefined || value === null ? undefined : read(value, inside(place, name))
}

/** Reads a member that must be there. */
export function readMember<T>(
  object: JsonObject,
  name: string,
  place: Place,
  read: (value: unknown, place: Place) => T,
): T {
  const value = object[name]
  if (value === undefined || value === null) throw misshapen(inside(place, name), 'missing')
  return read(value, inside(place, name))
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  return value === undefined ? 'nothing' : typeof value
}
