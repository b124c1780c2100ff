// The queries that a demo ends with, on the trades that it has just moved. Pure data.

export interface DemoQuery {
  readonly title: string
  readonly sql: string
  /** Options of `k2 query` beside those of the table. */
  readonly options: readonly string[]
}

export const demoQueries: readonly DemoQuery[] = [
  {
    title: 'Each trading day, as Sydney counts them',
    sql: 'SELECT trading_day, symbol, open, high, low, close, volume, trades, vwap FROM market_summary()',
    options: ['--timezone', 'Australia/Sydney'],
  },
  { title: 'BHP by the hour', sql: "SELECT * FROM ohlcv('BHP', '1 hour') LIMIT 6", options: [] },
  {
    title: 'The largest trades of a morning: only the data files that may hold them are read',
    sql:
      "SELECT timestamp, symbol, price, quantity FROM trades_v2 WHERE symbol = 'RIO' " +
      "AND timestamp BETWEEN '2014-03-12 23:00' AND '2014-03-13 01:00' ORDER BY quantity DESC, timestamp LIMIT 5",
    options: [],
  },
]
