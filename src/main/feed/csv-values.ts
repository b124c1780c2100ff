// Text of a CSV field as an exact value. Pure. Invariant: no value passes through a float; what does not fit is refused
// with a reason, never rounded.

/** Why a field cannot be read; the caller knows file and line. */
export class FieldProblem extends Error {}

const decimalShape = /^(\d{1,32})(?:\.(\d{1,32}))?$/

/** `text` as the unscaled value of decimal(18, 8): "36.667" is 3666700000n. */
export function decimal18x8(text: string, name: string): bigint {
  const match = decimalShape.exec(text)
  if (match === null) throw new FieldProblem(`${name} ${JSON.stringify(text)} is not a decimal number`)
  let fraction = match[2] ?? ''
  let whole = match[1] ?? ''
  if (fraction.length > 8) fraction = fraction.replace(/0+$/, '')
  if (whole.length > 10) whole = whole.replace(/^0+/, '')
  if (fraction.length > 8) throw new FieldProblem(`${name} ${text} has more than 8 decimals`)
  if (whole.length > 10) throw new FieldProblem(`${name} ${text} has more than 10 digits before the point`)
  const digits = whole + fraction.padEnd(8, '0')
  // Up to 15 digits an integer is exact in a double, and much quicker read.
  return digits.length <= 15 ? BigInt(Number(digits)) : BigInt(digits)
}

const dateShape = /^(\d{2})\/(\d{2})\/(\d{4})$/
const timeShape = /^(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,6}))?$/
/** Rows come day by day: the last date is nearly always the next one too. */
let lastDate = { text: '01/01/1970', ms: 0 }

/** Local date MM/DD/YYYY and time HH:MM:SS[.ffffff] as µs since 1970 UTC (a safe integer). */
export function timestampUs(date: string, time: string, utcOffsetMinutes: number): number {
  const dayMs = dateMs(date)
  const match = timeShape.exec(time)
  if (match === null) throw new FieldProblem(`time ${JSON.stringify(time)} is not HH:MM:SS.mmm`)
  const [hours, minutes, seconds] = [Number(match[1]), Number(match[2]), Number(match[3])]
  if (hours > 23 || minutes > 59 || seconds > 59) throw new FieldProblem(`time ${time} does not exist`)
  const secondsOfDay = hours * 3600 + (minutes - utcOffsetMinutes) * 60 + seconds
  return dayMs * 1000 + secondsOfDay * 1_000_000 + Number((match[4] ?? '').padEnd(6, '0'))
}

function dateMs(text: string): number {
  if (text === lastDate.text) return lastDate.ms
  const match = dateShape.exec(text)
  if (match === null) throw new FieldProblem(`date ${JSON.stringify(text)} is not MM/DD/YYYY`)
  const [month, day, year] = [Number(match[1]), Number(match[2]), Number(match[3])]
  const ms = Date.UTC(year, month - 1, day)
  const date = new Date(ms)
  // Date.UTC rolls 02/30 over into March: a date that does not come back as it was given does not exist.
  if (year < 1900 || date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) {
    throw new FieldProblem(`date ${text} does not exist`)
  }
  lastDate = { text, ms }
  return ms
}
