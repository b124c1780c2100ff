import { describe, expect, it } from 'vitest'
import { planRoutes } from '../../../src/main/ingest/routes.ts'

const names = (topics: readonly string[]): unknown =>
  planRoutes(topics, null).map((route) => [route.name, route.topics])

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
