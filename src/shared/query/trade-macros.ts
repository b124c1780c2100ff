// Macros over a table of trades: trades_between, ohlcv, vwap, market_summary, as SQL for DuckDB, and what a call of one says of the rows
// it needs. Pure, any thread. Invariant: sums and the VWAP of decimals are computed in integers; only the VWAP is rounded, half up, to
// the price's scale. A macro whose columns the table does not have is absent, and says why.
import type { Literal, Predicate } from '../iceberg/scan-predicate.ts'
import type { IcebergSchema, IcebergType } from '../iceberg/schema.ts'
import { duckdbType, fieldNamed, quoted, sqlText } from './duckdb-type.ts'
import type { FunctionCall } from './sql-tree.ts'

export const macroNames = ['trades_between', 'ohlcv', 'vwap', 'market_summary'] as const
export type MacroName = (typeof macroNames)[number]

export const isMacroName = (name: string): name is MacroName => macroNames.some((macro) => macro === name)

export const macroSignatures: Readonly<Record<MacroName, string>> = {
  trades_between: "trades_between('BHP', '2014-03-10 01:00', '2014-03-10 02:00')",
  ohlcv: "ohlcv('BHP', '5 minutes')",
  vwap: "vwap('BHP', '2014-03-10', '2014-03-11')",
  market_summary: 'market_summary()',
}

/** How the sums of a table of trades are written. */
interface TradeColumns {
  readonly price: string
  readonly quantity: string
  readonly timestampType: string
  /** Orders trades of the same microsecond. */
  readonly order: string
  readonly vwap: string
}

export type MacroSql =
  | { readonly kind: 'macros'; readonly statements: readonly string[] }
  | { readonly kind: 'absent'; readonly reason: string }

/** The macros on a table, by its name as SQL writes it. `timezone` cuts trading days, and the bars of ohlcv. */
export function tradeMacros(table: string, schema: IcebergSchema, timezone: string): MacroSql {
  const columns = tradeColumns(schema)
  if (typeof columns === 'string') return { kind: 'absent', reason: columns }
  const { timestampType, order } = columns
  const time = quoted('timestamp')
  const bars =
    `first(price ORDER BY ${order}) AS open, max(price) AS high, min(price) AS low, last(price ORDER BY ${order}) AS close, ` +
    `sum(quantity) AS volume, count(*) AS trades, ${columns.vwap} AS vwap`
  const between = `symbol = sym AND ${time} >= CAST(start_time AS ${timestampType}) AND ${time} < CAST(end_time AS ${timestampType})`
  const zone = sqlText(timezone)
  const isZoned = timestampType === 'TIMESTAMPTZ'
  const bucket = `time_bucket(CAST(width AS INTERVAL), ${time}${isZoned ? `, ${zone}` : ''})`
  const day = isZoned ? `CAST(timezone(${zone}, ${time}) AS DATE)` : `CAST(${time} AS DATE)`
  const macro = (head: string, body: string): string => `CREATE MACRO ${head} AS ${body}`
  return {
    kind: 'macros',
    statements: [
      macro(
        'trades_between(sym, start_time, end_time)',
        `TABLE SELECT * FROM ${table} WHERE ${between} ORDER BY ${order}`,
      ),
      macro(
        'ohlcv(sym, width)',
        `TABLE SELECT ${bucket} AS bucket, symbol, ${bars} FROM ${table} WHERE symbol = sym GROUP BY ALL ORDER BY bucket`,
      ),
      macro('vwap(sym, start_time, end_time)', `(SELECT ${columns.vwap} FROM ${table} WHERE ${between})`),
      macro(
        'market_summary()',
        `TABLE SELECT ${day} AS trading_day, symbol, ${bars} FROM ${table} GROUP BY ALL ORDER BY trading_day, symbol`,
      ),
    ],
  }
}

/** What a call needs, as conditions on the table of trades; nothing where its arguments are no constants. */
export function macroPredicates({ name, literals }: FunctionCall): readonly Predicate[] {
  const [symbol, start, end] = literals
  const compare = (column: string, operator: '=' | '>=' | '<', literal: Literal | null | undefined): Predicate[] =>
    literal === null || literal === undefined ? [] : [{ kind: 'compare', column, operator, literal }]
  switch (name) {
    case 'ohlcv':
      return compare('symbol', '=', symbol)
    case 'vwap':
    case 'trades_between':
      return [
        ...compare('symbol', '=', symbol),
        ...compare('timestamp', '>=', start),
        ...compare('timestamp', '<', end),
      ]
    default:
      return []
  }
}

/** Columns by their names in TradeV2, or in words what is missing. */
function tradeColumns(schema: IcebergSchema): TradeColumns | string {
  const typeOf = (name: string): IcebergType | null => fieldNamed(schema, name)?.type ?? null
  const missing = ['symbol', 'price', 'quantity', 'timestamp'].filter((name) => typeOf(name) === null)
  if (missing.length > 0) return `it has no column ${missing.join(', ')}`
  const [symbol, timestamp] = [typeOf('symbol'), typeOf('timestamp')]
  if (symbol !== 'string') return 'its column symbol is no text'
  if (timestamp !== 'timestamptz' && timestamp !== 'timestamp') return 'its column timestamp is no timestamp'
  const [price, quantity] = [numberOf(typeOf('price')), numberOf(typeOf('quantity'))]
  if (price === null || quantity === null) return 'its column price or quantity is no number that can be summed exactly'
  const order = [quoted('timestamp'), ...(typeOf('kafka_offset') === null ? [] : ['kafka_offset'])].join(', ')
  return {
    price: 'price',
    quantity: 'quantity',
    timestampType: duckdbType(timestamp) ?? '',
    order,
    vwap: vwapText(price, quantity),
  }
}

type NumberKind =
  | { readonly kind: 'real' }
  | { readonly kind: 'exact'; readonly precision: number; readonly scale: number }

/** Digits of DuckDB's widest decimal. */
const PRECISION_MAX = 38

function numberOf(type: IcebergType | null): NumberKind | null {
  if (type === 'double' || type === 'float') return { kind: 'real' }
  if (type === 'int') return { kind: 'exact', precision: 10, scale: 0 }
  if (type === 'long') return { kind: 'exact', precision: 19, scale: 0 }
  const decimal = typeof type === 'string' ? /^decimal\((\d+),\s*(\d+)\)$/.exec(type) : null
  if (decimal === null) return null
  const [precision, scale] = [Number(decimal[1]), Number(decimal[2])]
  return precision + scale + 1 > PRECISION_MAX ? null : { kind: 'exact', precision, scale }
}

function vwapText(price: NumberKind, quantity: NumberKind): string {
  if (price.kind === 'real' || quantity.kind === 'real') return 'sum(price * quantity) / nullif(sum(quantity), 0)'
  const [units, turnover] = [
    `sum(${unscaled('quantity', quantity.scale)})`,
    `sum(${unscaled('price', price.scale)} * ${unscaled('quantity', quantity.scale)})`,
  ]
  const rounded = `(${turnover} + ${units} // 2) // nullif(${units}, 0)`
  return scaled(rounded, price.precision, price.scale)
}

/** A decimal as the integer of its digits. Of a width at which DuckDB checks the product instead of the type. */
const unscaled = (column: string, scale: number): string =>
  scale === 0
    ? `CAST(${column} AS HUGEINT)`
    : `CAST(CAST(${column} AS DECIMAL(${PRECISION_MAX},${scale})) * ${10n ** BigInt(scale)} AS HUGEINT)`

function scaled(integer: string, precision: number, scale: number): string {
  if (scale === 0) return `CAST(${integer} AS DECIMAL(${precision},0))`
  const unit = `CAST(0.${'1'.padStart(scale, '0')} AS DECIMAL(${scale + 1},${scale}))`
  return `CAST(CAST(${integer} AS DECIMAL(${PRECISION_MAX},0)) * ${unit} AS DECIMAL(${precision},${scale}))`
}
