import { describe, expect, it } from 'vitest'
import { planRoutes } from '../../../src/main/ingest/routes.ts'
import { everyColumn } from '../../../src/shared/columns/column-choices.ts'
import type { RouteRule } from '../../../src/shared/routes/route-rule.ts'
import { parseTopicPattern } from '../../../src/shared/routes/route-topics.ts'

const names = (topics: readonly string[]): unknown =>
  planRoutes(topics, null).map((route) => [route.name, route.topics])

const rule = (path: string, topics: string, table: string): RouteRule => {
  const parsed = parseTopicPattern(topics)
  if (parsed.kind === 'problem') throw new Error(parsed.problem)
  const open = { partition: null, sort: null, compression: null, columns: everyColumn, options: {} }
  return { path, topics: [parsed.pattern], table, ...open }
}

describe('planRoutes by entries of a config file', () => {
  const entries = [
    rule('routes[0]', 'market.crypto.trades.binance', 'x.trades'),
    rule('routes[1]', 'market.{class}.{kind}.{exchange}', 'x.{class}_{kind}'),
    rule('routes[2]', '/^raw\\.(.+)$/', 'x.{1}'),
  ]
  const planned = (...topics: readonly string[]): unknown =>
    planRoutes(topics, null, entries).map((route) => [route.name, route.topics, route.rule?.path])

  it('gives a topic to the first entry that fits, and makes a route of each table', () => {
    const [asx, nyse] = ['market.equities.trades.asx', 'market.equities.trades.nyse']
    expect(planned('market.crypto.trades.binance', asx, nyse, 'market.crypto.trades.other')).toEqual([
      ['x.trades', ['market.crypto.trades.binance'], 'routes[0]'],
      ['x.crypto_trades', ['market.crypto.trades.other'], 'routes[1]'],
      ['x.equities_trades', [asx, nyse], 'routes[1]'],
    ])
  })
  it('refuses a topic that none fits, a name that is none of a table, and two entries into one table', () => {
    expect(() => planned('other')).toThrow(/ROUTE_MISSING.*topic=other/)
    expect(() => planned('raw.a.b/c')).toThrow(/ROUTE_MISSING.*table=x\.a\.b\/c/)
    expect(() => planned('market.crypto.trades.binance', 'raw.trades')).toThrow(
      /ROUTE_CONFLICT.*table=x\.trades.*route=routes\[2\].*otherRoute=routes\[0\]/,
    )
  })
})

describe('planRoutes', () => {
  it('sends topics of one data type to one table, by one route', () => {
    expect(names(['market.crypto.trades.binance', 'market.equities.trades.asx', 'market.equities.quotes.asx'])).toEqual(
      [
        ['market_data.trades_v2', ['market.crypto.trades.binance', 'market.equities.trades.asx']],
        ['market_data.quotes_v2', ['market.equities.quotes.asx']],
      ],
    )
  })
  it('sends every topic to the table that is named', () => {
    const routes = planRoutes(['b', 'a', 'a'], { namespace: ['x'], name: 'y' })
    expect(routes).toEqual([{ name: 'x.y', table: { namespace: ['x'], name: 'y' }, topics: ['a', 'b'] }])
  })
  it('refuses a topic outside the rule, naming it', () => {
    expect(() => planRoutes(['market.crypto.trades'], null)).toThrow(/ROUTE_MISSING.*topic=market.crypto.trades/)
    expect(() => planRoutes(['market.crypto.Tr/ades.x'], null)).toThrow('ROUTE_MISSING')
  })
})
