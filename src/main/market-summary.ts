// Market summary per symbol, computed from the rows of a TradeV2 table (never from the feed): trades, volume, open, high, low, close,
// VWAP. Main thread. Exact: prices and quantities are unscaled decimals as bigint, only the VWAP is rounded, to the price's scale.
import { IngestError } from '../shared/errors.ts'
import type { Catalog, TableName } from '../shared/iceberg/catalog.ts'
import { formatTableName } from '../shared/iceberg/catalog.ts'
import { listFiles } from '../shared/iceberg/read-table.ts'
import type { IcebergSchema } from '../shared/iceberg/schema.ts'
import type { Store } from '../shared/store/store.ts'
import { openTableFile, type RowSink, readRowGroup } from '../shared/verify/table-file.ts'
import type { Place } from '../shared/verify/value-sink.ts'
import type { SymbolSummary } from './terminal/market-summary.ts'

/** A table with more symbols than a person reads is not what this is for. */
const SYMBOLS_MAX = 10_000
const SCALE = 8

interface Trades {
  trades: number
  quantity: bigint
  /** Sum of price × quantity, scale 2 × SCALE. */
  turnover: bigint
  open: bigint
  openAt: readonly [us: bigint, offset: bigint]
  close: bigint
  closeAt: readonly [us: bigint, offset: bigint]
  high: bigint
  low: bigint
}

/** Symbols in order of their names. Errors: TABLE_MISSING, TABLE_MISFIT, those of catalog and store. */
export async function summarizeMarket(catalog: Catalog, store: Store, table: TableName): Promise<SymbolSummary[]> {
  const loaded = await catalog.loadTable(table)
  if (loaded === null) throw new IngestError('TABLE_MISSING', { table: formatTableName(table) })
  const { metadata } = loaded
  const schema = metadata.schemas.find((each) => each['schema-id'] === metadata['current-schema-id'])
  const snapshot = metadata.snapshots.find((each) => each['snapshot-id'] === metadata['current-snapshot-id'])
  if (schema === undefined || snapshot === undefined) return []
  const bySymbol = new Map<string, Trades>()
  const ids = new TradeColumns(schema)
  for (const { file } of (await listFiles(store, snapshot)).dataFiles) {
    const opened = await openTableFile(store, file.location, schema)
    for (const [group, rows] of opened.rowGroups.entries()) {
      const sink = new TradeSink(ids, rows)
      await readRowGroup(store, opened, group, sink, ids.all)
      for (let row = 0; row < rows; row++) addTrade(bySymbol, sink, row)
    }
  }
  return [...bySymbol]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([symbol, trades]) => ({
      symbol,
      trades: trades.trades,
      quantity: decimalText(trades.quantity),
      open: decimalText(trades.open),
      high: decimalText(trades.high),
      low: decimalText(trades.low),
      close: decimalText(trades.close),
      vwap: decimalText(trades.quantity === 0n ? 0n : (trades.turnover + trades.quantity / 2n) / trades.quantity),
    }))
}

/** Field ids of the columns that the summary needs. */
class TradeColumns {
  readonly symbol: number
  readonly price: number
  readonly quantity: number
  readonly timestamp: number
  readonly offset: number
  readonly all: ReadonlySet<number>

  constructor(schema: IcebergSchema) {
    const id = (name: string, type: string): number => {
      const field = schema.fields.find((each) => each.name === name && each.type === type)
      if (field === undefined) throw new IngestError('TABLE_MISFIT', { column: name, expected: type })
      return field.id
    }
    this.symbol = id('symbol', 'string')
    this.price = id('price', `decimal(18, ${SCALE})`)
    this.quantity = id('quantity', `decimal(18, ${SCALE})`)
    this.timestamp = id('timestamp', 'timestamptz')
    this.offset = id('kafka_offset', 'long')
    this.all = new Set([this.symbol, this.price, this.quantity, this.timestamp, this.offset])
  }
}

/** The needed columns of one row group. */
class TradeSink implements RowSink {
  row = 0
  readonly symbols: string[]
  readonly prices: BigInt64Array
  readonly quantities: BigInt64Array
  readonly timestamps: BigInt64Array
  readonly offsets: BigInt64Array
  readonly #ids: TradeColumns

  constructor(ids: TradeColumns, rows: number) {
    this.#ids = ids
    this.symbols = new Array<string>(rows).fill('')
    this.prices = new BigInt64Array(rows)
    this.quantities = new BigInt64Array(rows)
    this.timestamps = new BigInt64Array(rows)
    this.offsets = new BigInt64Array(rows)
  }

  present(): void {}
  item(): void {}
  real(): void {}

  integer(id: number, _place: Place, low: number, high: number): void {
    const target = id === this.#ids.timestamp ? this.timestamps : this.offsets
    target[this.row] = int64(low, high)
  }

  decimal(id: number, _place: Place, words: Int32Array): void {
    const target = id === this.#ids.price ? this.prices : this.quantities
    target[this.row] = int64(words[0] ?? 0, words[1] ?? 0)
  }

  bytes(_id: number, _place: Place, buffer: Uint8Array, start: number, end: number): void {
    this.symbols[this.row] = Buffer.from(buffer.buffer, buffer.byteOffset + start, end - start).toString('utf8')
  }
}

const int64 = (low: number, high: number): bigint => (BigInt(high) << 32n) | BigInt(low >>> 0)

function addTrade(bySymbol: Map<string, Trades>, sink: TradeSink, row: number): void {
  const symbol = sink.symbols[row] ?? ''
  const price = sink.prices[row] ?? 0n
  const quantity = sink.quantities[row] ?? 0n
  const at = [sink.timestamps[row] ?? 0n, sink.offsets[row] ?? 0n] as const
  const held = bySymbol.get(symbol)
  if (held === undefined) {
    if (bySymbol.size >= SYMBOLS_MAX) throw new IngestError('TABLE_MISFIT', { symbolsMax: SYMBOLS_MAX })
    const all = { open: price, openAt: at, close: price, closeAt: at, high: price, low: price }
    bySymbol.set(symbol, { trades: 1, quantity, turnover: price * quantity, ...all })
    return
  }
  held.trades++
  held.quantity += quantity
  held.turnover += price * quantity
  if (price > held.high) held.high = price
  if (price < held.low) held.low = price
  if (isBefore(at, held.openAt)) {
    held.open = price
    held.openAt = at
  }
  if (isBefore(held.closeAt, at)) {
    held.close = price
    held.closeAt = at
  }
}

const isBefore = (a: readonly [bigint, bigint], b: readonly [bigint, bigint]): boolean =>
  a[0] < b[0] || (a[0] === b[0] && a[1] < b[1])

function decimalText(unscaled: bigint): string {
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(SCALE + 1, '0')
  return `${unscaled < 0n ? '-' : ''}${digits.slice(0, -SCALE)}.${digits.slice(-SCALE)}`
}
