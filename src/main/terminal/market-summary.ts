// Market summary per symbol, as the demo prints it. Pure; prices and quantities are exact decimals as text.
import { formatNumber } from './style.ts'
import { type Column, renderTable } from './table.ts'

export interface SymbolSummary {
  readonly symbol: string
  readonly trades: number
  readonly quantity: string
  readonly open: string
  readonly high: string
  readonly low: string
  readonly close: string
  /** Volume-weighted average price. */
  readonly vwap: string
}

const COLUMNS: readonly Column[] = [
  { title: 'Symbol', align: 'left' },
  ...['Trades', 'Volume', 'Open', 'High', 'Low', 'Close', 'VWAP'].map((title): Column => ({ title, align: 'right' })),
]

export const renderMarketSummary = (symbols: readonly SymbolSummary[]): string =>
  renderTable(
    COLUMNS,
    symbols.map((summary) => [
      summary.symbol,
      formatNumber(summary.trades),
      groupDigits(summary.quantity),
      ...[summary.open, summary.high, summary.low, summary.close, summary.vwap].map(trimZeros),
    ]),
  )

/** `38.41000000` → `38.41`, `38` → `38.00`: the same value, at least two decimals. */
function trimZeros(decimal: string): string {
  const [whole = '', fraction = ''] = decimal.split('.')
  return `${whole}.${fraction.replace(/0+$/, '').padEnd(2, '0')}`
}

function groupDigits(decimal: string): string {
  const [whole = '0', fraction = ''] = decimal.split('.')
  const rest = fraction.replace(/0+$/, '')
  return `${formatNumber(BigInt(whole))}${rest === '' ? '' : `.${rest}`}`
}
