// The keys of one entry of `routes` in the config file, one row each: the reader, the reference in docs/config.md and the suggestions
// for a mistyped key derive from these rows. Pure data. A key that is an option of `k2 run` has the text and the rules of its option.
import { routeOptionKeys } from './route-rule.ts'

interface RouteKeyRow {
  readonly key: string
  /** How its value is written. */
  readonly value: string
  readonly text: string
}

export const routeKeyRows = [
  {
    key: 'topics',
    value: '`a.b`, `market.{class}.trades.{exchange}`, `/^a\\.(b|c)$/`, or a list of these',
    text: 'topics of the route, required; `{name}` captures one part of a topic, an expression captures by its groups',
  },
  {
    key: 'table',
    value: '`namespace.name`, `market_data.{class}_trades`',
    text: 'table of the route, required; what the topics capture may be in its name',
  },
  {
    key: 'partition',
    value:
      '`[day(timestamp), "bucket(16, symbol)"]` (quotes for the comma in it); also `column`, `year`, `month`, `hour`, `truncate(4, column)`; `[]`: not at all',
    text: 'partition spec of a new table; left out: `day(timestamp)` where there is a top-level timestamp of that name',
  },
  {
    key: 'sort',
    value: '`[symbol, timestamp desc]`, each with `asc` or `desc`, `nulls first` or `nulls last`',
    text: 'sort order of a new table; the rows of each file are sorted so',
  },
  {
    key: 'compression',
    value: '`zstd(3)`, `gzip(6)`, `snappy`, `lz4`, `uncompressed`',
    text: 'codec and level of data files: the table’s `write.parquet.compression-*`, set when the route opens',
  },
  {
    key: 'rename',
    value: '`{price: trade_price}`',
    text: 'columns that have another name than their field of the record',
  },
  {
    key: 'leave-out',
    value: '`[vendor_data]`',
    text: 'fields of the record that have no column; they are read and checked all the same',
  },
] as const satisfies readonly RouteKeyRow[]

export type OwnRouteKey = (typeof routeKeyRows)[number]['key']

export const routeKeys: readonly string[] = [...routeKeyRows.map(({ key }) => key), ...routeOptionKeys]
