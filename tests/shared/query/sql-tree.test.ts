// What is taken from a query's tree, with the trees of DuckDB itself: conditions that every row must satisfy, and nothing else.
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { beforeAll, describe, expect, test } from 'vitest'
import { parseJson } from '../../../src/shared/iceberg/json.ts'
import type { Literal, Predicate } from '../../../src/shared/iceberg/scan-predicate.ts'
import { wantedOf } from '../../../src/shared/query/query-tables.ts'
import { type QueryFacts, readQuery } from '../../../src/shared/query/sql-tree.ts'

let connection: DuckDBConnection
beforeAll(async () => {
  connection = await (await DuckDBInstance.create(':memory:')).connect()
})

async function factsOf(sql: string): Promise<QueryFacts> {
  const text = sql.replaceAll("'", "''")
  const reader = await connection.runAndReadAll(`SELECT CAST(json_serialize_sql('${text}') AS VARCHAR)`)
  const tree = String(reader.getRows()[0]?.[0])
  expect(tree).toMatch(/^\{"error":false/)
  return readQuery(parseJson(tree))
}

const trades = { namespace: ['market_data'], name: 'trades_v2' }

/** What the query wants of trades_v2, a text for each condition. */
const wanted = async (sql: string): Promise<readonly (readonly string[])[]> =>
  wantedOf(await factsOf(sql), trades, true).map((predicates) => predicates.map(predicateText))

function predicateText(predicate: Predicate): string {
  switch (predicate.kind) {
    case 'null':
      return `${predicate.column} is ${predicate.isNull ? 'null' : 'not null'}`
    case 'in':
      return `${predicate.column} in ${predicate.literals.map(literalText).join(' ')}`
    case 'compare':
      return `${predicate.column} ${predicate.operator} ${literalText(predicate.literal)}`
  }
}

function literalText(literal: Literal): string {
  if (literal.kind === 'number') return `${literal.unscaled}e-${literal.scale}`
  return literal.kind === 'boolean' ? String(literal.value) : `${literal.kind}:${literal.text}`
}

describe('conditions', () => {
  test.each([
    ["symbol = 'BHP'", ['symbol = text:BHP']],
    ["'BHP' = Symbol AND 5 < price", ['symbol = text:BHP', 'price > 5e-0']],
    ['price <> 38.41 AND price >= -0.5', ['price != 3841e-2', 'price >= -5e-1']],
    [
      "timestamp BETWEEN '2014-03-10' AND TIMESTAMP '2014-03-11 10:00:00'",
      ['timestamp >= text:2014-03-10', 'timestamp <= temporal:2014-03-11 10:00:00'],
    ],
    [
      "timestamp < '2014-03-10 00:00+11'::timestamptz AND d = DATE '2014-03-10'",
      ['timestamp < temporal:2014-03-10 00:00+11', 'd = temporal:2014-03-10'],
    ],
    [
      "symbol IN ('BHP', 'RIO') AND note IS NULL AND x IS NOT NULL",
      ['symbol in text:BHP text:RIO', 'note is null', 'x is not null'],
    ],
    [
      'kafka_offset = 9223372036854775807 AND n > 170141183460469231731687303715884105727',
      ['kafka_offset = 9223372036854775807e-0', 'n > 170141183460469231731687303715884105727e-0'],
    ],
    ['n = -9223372036854775808', ['n = -9223372036854775808e-0']],
    [
      "trades_v2.symbol = 'A' AND market_data.trades_v2.symbol = 'B' AND other.symbol = 'C'",
      ['symbol = text:A', 'symbol = text:B'],
    ],
    ["((symbol = 'A' AND (price > 1 AND is_odd = true)))", ['symbol = text:A', 'price > 1e-0', 'is_odd = true']],
  ])('%s', async (condition, expected) => {
    expect(await wanted(`SELECT * FROM market_data.trades_v2 WHERE ${condition}`)).toEqual([expected])
  })

  test.each([
    "symbol = 'A' OR price > 5",
    "NOT (symbol = 'A' AND price > 5)",
    "symbol NOT IN ('A')",
    'price NOT BETWEEN 1 AND 2',
    'price = 1e3',
    "symbol || '' = 'A'",
    "CAST(timestamp AS VARCHAR) = '2014'",
    'timestamp > now() - INTERVAL 1 HOUR',
    "timestamp::DATE = '2014-03-10'",
    "d = CAST('2014-03-10 10:00' AS DATE)",
    "t = TIMESTAMP '2014-03-10 10:00+11'",
    "symbol IN ('A', price)",
    'price = quantity',
    'symbol = NULL',
    "symbol COLLATE NOCASE = 'a'",
    "symbol LIKE 'A%'",
    'price > (SELECT 5)',
    "TRY_CAST('2014-03-10' AS DATE) < d",
  ])('nothing is taken from %s', async (condition) => {
    expect(await wanted(`SELECT * FROM trades_v2 WHERE ${condition}`)).toEqual([[]])
  })
})

describe('places', () => {
  test.each([
    ['SELECT 1 FROM trades_v2', [[]]],
    [
      "SELECT 1 FROM trades_v2 WHERE symbol = 'A' UNION ALL SELECT 1 FROM trades_v2 WHERE symbol = 'B'",
      [['symbol = text:A'], ['symbol = text:B']],
    ],
    ["WITH a AS (SELECT * FROM trades_v2 WHERE symbol = 'A') SELECT * FROM a WHERE price > 1", [['symbol = text:A']]],
    ["SELECT * FROM (SELECT * FROM trades_v2 WHERE symbol = 'A') WHERE price > 1", [['symbol = text:A']]],
    ["SELECT * FROM trades_v2 t WHERE t.symbol = 'A' AND trades_v2.price > 1", [['symbol = text:A']]],
    [
      "SELECT * FROM other WHERE symbol = 'A' AND x IN (SELECT price FROM trades_v2 WHERE symbol = 'B')",
      [['symbol = text:B']],
    ],
    [
      "SELECT * FROM trades_v2 t JOIN other o ON t.x = o.x WHERE t.symbol = 'A' AND o.symbol = 'B' AND price > 1",
      [['symbol = text:A']],
    ],
    [
      "SELECT * FROM trades_v2 a, trades_v2 b WHERE a.symbol = 'A' AND b.symbol = 'B'",
      [['symbol = text:A'], ['symbol = text:B']],
    ],
    ['SELECT * FROM other o LEFT JOIN trades_v2 t ON t.x = o.x WHERE t.symbol IS NULL', [[]]],
    ["SELECT * FROM trades_v2 t LEFT JOIN other o ON t.x = o.x WHERE t.symbol = 'A'", [[]]],
    ["SELECT * FROM trades_v2 AS t(symbol, b) WHERE symbol = 'A'", [[]]],
    ["SELECT * FROM trades_v2 TABLESAMPLE 10 ROWS WHERE symbol = 'A'", [[]]],
    ["WITH trades_v2 AS (SELECT 'x' AS symbol) SELECT * FROM trades_v2 WHERE symbol = 'A'", [[]]],
    ["SELECT * FROM theirs.trades_v2 WHERE symbol = 'A'", [[]]],
    ["SELECT * FROM query('SELECT * FROM trades_v2') UNION ALL SELECT * FROM trades_v2 WHERE symbol = 'A'", [[]]],
    [
      "SELECT symbol FROM trades_v2 WHERE symbol = 'A' GROUP BY ALL HAVING count(*) > 5 QUALIFY true ORDER BY 1 LIMIT 5",
      [['symbol = text:A']],
    ],
    ["SELECT * FROM ohlcv('BHP', INTERVAL 5 MINUTE)", [['symbol = text:BHP']]],
    [
      "SELECT vwap('BHP', '2014-03-10', TIMESTAMPTZ '2014-03-11 00:00+00'), vwap('RIO', now(), now())",
      [
        ['symbol = text:BHP', 'timestamp >= text:2014-03-10', 'timestamp < temporal:2014-03-11 00:00+00'],
        ['symbol = text:RIO'],
      ],
    ],
    ["SELECT * FROM trades_between(sym := 'BHP', start_time := '2014-03-10', end_time := '2014-03-11')", [[]]],
    ['SELECT * FROM market_summary()', [[]]],
  ])('%s', async (sql, expected) => {
    expect(await wanted(sql)).toEqual(expected)
  })

  test('without a tree everything is wanted', () => {
    expect(wantedOf(null, trades, false)).toEqual([[]])
  })
})
