// What the ASX files hold, read by a reader that shares nothing with `k2 feed csv`: facts that tests compare tables with.
// All sums are of integers: prices and quantities in 10^-8, times in microseconds since 1970 UTC.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'

const folder = new URL('../../data/asx-2014-03/', import.meta.url)
export const asxFolder = fileURLToPath(folder)

/** The same facts as `asx_facts.py` finds in rows of a table. */
export interface SymbolFacts {
  readonly rows: number
  /** Sum of price × quantity in 10^-16, as text. */
  readonly notional: string
  /** SHA-256 over `line,price,quantity,time,conditions` of each trade, in the order of the lines. */
  readonly digest: string
}

export interface AsxFacts {
  readonly symbols: Readonly<Record<string, SymbolFacts>>
  /** Trades per UTC day. */
  readonly days: Readonly<Record<string, number>>
  readonly rows: number
}

/** Lines of a file of the sample, without their ends. */
export function asxLines(name: string): readonly string[] {
  const bytes = readFileSync(new URL(name, folder))
  const text = (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('latin1')
  return text.split('\r\n').flatMap((part) => part.split('\n').filter((line) => line !== ''))
}

export function asxFacts(): AsxFacts {
  const symbolOf = new Map(asxLines('company_info.csv').map((line) => [line.split(',')[0], line.split(',')[1]]))
  const symbols: Record<string, SymbolFacts> = {}
  const days: Record<string, number> = {}
  let rows = 0
  for (const name of readdirSync(folder).filter((found) => found.startsWith('trades_'))) {
    const digest = createHash('sha256')
    const lines = asxLines(name)
    let notional = 0n
    lines.forEach((line, i) => {
      const [date = '', time = '', price = '', quantity = '', qualifier = ''] = line.split(',')
      const [priceUnits, quantityUnits, timeUs] = [units(price), units(quantity), utcMicros(date, time)]
      notional += priceUnits * quantityUnits
      digest.update(`${i + 1},${priceUnits},${quantityUnits},${timeUs},${qualifier === '0' ? '' : qualifier}\n`)
      const day = new Date(timeUs / 1000).toISOString().slice(0, 10)
      days[day] = (days[day] ?? 0) + 1
    })
    const symbol = symbolOf.get(name.replace(/\D/g, '')) ?? name
    symbols[symbol] = { rows: lines.length, notional: String(notional), digest: digest.digest('hex') }
    rows += lines.length
  }
  return { symbols, days, rows }
}

/** `36.667` → 3666700000n. */
function units(text: string): bigint {
  const [whole = '', fraction = ''] = text.split('.')
  return BigInt(whole + fraction.padEnd(8, '0'))
}

/** `03/10/2014`, `07:57:14.754` of Sydney, eleven hours ahead of UTC in March 2014 → microseconds since 1970. */
function utcMicros(date: string, time: string): number {
  const [month, day, year] = date.split('/')
  const ms = Date.parse(`${year}-${month}-${day}T${time}+11:00`)
  return ms * 1000
}
