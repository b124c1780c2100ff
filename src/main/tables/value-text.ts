// Bounds of columns (Iceberg spec, "Appendix D: Single-value serialization") as people write such values. Pure.
// Invariant: exact; no value goes through a double that is not one. What cannot be read as its type is shown as bytes.
import { decimalParameters } from '../../shared/columns/nested-fields.ts'
import { dateText } from '../../shared/iceberg/partition-transform.ts'
import type { IcebergPrimitive } from '../../shared/iceberg/schema.ts'
import { deserializeValue, type SingleValue } from '../../shared/iceberg/single-value.ts'

/** A bound as text: times in ISO 8601 with microseconds, decimals with all their digits, bytes as hex after `0x`. */
export function boundText(type: IcebergPrimitive, bytes: Uint8Array): string {
  try {
    return valueText(type, deserializeValue(type, bytes))
  } catch {
    // Too short for its type: another writer's mistake, which must not hide the file.
    return hex(bytes)
  }
}

function valueText(type: IcebergPrimitive, value: SingleValue): string {
  if (value instanceof Uint8Array) return type === 'uuid' && value.length === 16 ? uuid(value) : hex(value)
  switch (type.replace(/[([].*$/, '')) {
    case 'date':
      return typeof value === 'number' ? dateText(value) : String(value)
    case 'timestamp':
      return typeof value === 'bigint' ? isoMicros(value) : String(value)
    case 'timestamptz':
      return typeof value === 'bigint' ? `${isoMicros(value)}Z` : String(value)
    case 'time':
      return typeof value === 'bigint' ? isoMicros(value).slice('1970-01-01T'.length) : String(value)
    case 'decimal':
      return typeof value === 'bigint' ? decimalText(value, decimalParameters(type)?.scale ?? 0) : String(value)
    default:
      return Object.is(value, -0) ? '-0' : String(value)
  }
}

const MICROS = 1_000_000n

/** µs since 1970 as `2014-03-10T00:00:00.000000`. Years that Date does not have are left as the number. */
function isoMicros(micros: bigint): string {
  const fraction = ((micros % MICROS) + MICROS) % MICROS
  const seconds = (micros - fraction) / MICROS
  const date = new Date(Number(seconds) * 1000)
  if (Number.isNaN(date.getTime())) return String(micros)
  return `${date.toISOString().replace(/\.\d+Z$/, '')}.${String(fraction).padStart(6, '0')}`
}

function decimalText(unscaled: bigint, scale: number): string {
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0')
  const whole = digits.slice(0, digits.length - scale)
  const sign = unscaled < 0n ? '-' : ''
  return scale === 0 ? `${sign}${whole}` : `${sign}${whole}.${digits.slice(digits.length - scale)}`
}

const hex = (bytes: Uint8Array): string => `0x${Buffer.from(bytes).toString('hex')}`
const uuid = (bytes: Uint8Array): string =>
  Buffer.from(bytes)
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
