// Dates and times as SQL text, to microseconds since 1970 UTC. Pure, any thread. A narrow reading on purpose: what is not plain
// ISO 8601 (names of zones, words like 'today', more than six digits of a second) is not read, and a query then prunes less.

const MICROS_PER_DAY = 86_400_000_000n
const MICROS_PER_MINUTE = 60_000_000n

const pattern =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,6}))?)?\s?(Z|[+-]\d{2}(?::?\d{2})?)?)?$/

/** `2014-03-10`, `2014-03-10 10:00:00.5`, `2014-03-10T10:00:00+11:00`; without an offset it is UTC, as in every session of ours. */
export function instantMicros(text: string): bigint | null {
  const match = pattern.exec(text)
  if (match === null) return null
  const [, year, month, day, hour = '00', minute = '00', second = '00', fraction = '', offset] = match
  const ms = Date.UTC(Number(year), Number(month) - 1, Number(day))
  // Date.UTC rolls 30 February over to March, and takes years below 100 for 19xx; the round trip catches both.
  if (new Date(ms).toISOString().slice(0, 10) !== `${year}-${month}-${day}`) return null
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return null
  const minutes = BigInt(Number(hour) * 60 + Number(minute) - offsetMinutes(offset))
  const rest = BigInt(second) * 1_000_000n + BigInt(fraction.padEnd(6, '0'))
  return BigInt(ms) * 1000n + minutes * MICROS_PER_MINUTE + rest
}

/** Whether the text says how far from UTC it is. */
export const hasOffset = (text: string): boolean => /(?:Z|[+-]\d{2}(?::?\d{2})?)$/.test(text.slice(10))

export const isDateText = (text: string): boolean => /^\d{4}-\d{2}-\d{2}$/.test(text)

function offsetMinutes(offset: string | undefined): number {
  if (offset === undefined || offset === 'Z') return 0
  const minutes = Number(offset.slice(1, 3)) * 60 + Number(offset.slice(3).replace(':', '') || '0')
  return offset.startsWith('-') ? -minutes : minutes
}

/** Rounded towards the past, as partition transforms are. */
export function floorDivide(value: bigint, by: bigint): bigint {
  const quotient = value / by
  return value % by < 0n ? quotient - 1n : quotient
}

/** Value of a time transform (Iceberg spec, "Partition Transforms"): years, months, days or hours since 1970. */
export function timeTransform(transform: 'year' | 'month' | 'day' | 'hour', micros: bigint): number {
  if (transform === 'hour') return Number(floorDivide(micros, 3_600_000_000n))
  const days = Number(floorDivide(micros, MICROS_PER_DAY))
  if (transform === 'day') return days
  const date = new Date(days * 86_400_000)
  const years = date.getUTCFullYear() - 1970
  return transform === 'year' ? years : years * 12 + date.getUTCMonth()
}
