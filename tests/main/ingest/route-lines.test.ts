import { describe, expect, test } from 'vitest'
import { type Begun, runLines } from '../../../src/main/ingest/route-lines.ts'
import { planRoutes, type Route } from '../../../src/main/ingest/routes.ts'
import { IngestError } from '../../../src/shared/errors.ts'

const trades = (exchange: string): string => `market.crypto.trades.${exchange}`
const quotes = 'market.crypto.quotes.x'

/** Lines that run until they are stopped; the topics of each look in turn, then the stop. */
async function runOf(first: readonly string[], looks: readonly (readonly string[])[], fails: string | null = null) {
  const told: string[] = []
  const stop = new AbortController()
  const run = async (route: Route, begun: Begun): Promise<void> => {
    told.push(
      `${begun.isLater ? 'later' : 'begin'} ${route.name} ${route.topics.map((topic) => topic.slice(14)).join(' ')}`,
    )
    if (route.name === fails) throw new IngestError('SCHEMA_UNKNOWN')
    if (!begun.stop.aborted) await new Promise((resolve) => begun.stop.addEventListener('abort', resolve))
    told.push(`end ${route.name}`)
  }
  let at = 0
  const look = async () => {
    const found = looks[at++]
    if (found === undefined) stop.abort()
    return found ?? []
  }
  const plan = (topics: readonly string[]) => planRoutes(topics, null)
  const notice = (fields: object) => void told.push(Object.values(fields).join(', '))
  const error = await runLines({ topics: first, plan, run, look, lookMs: 1, notice, stop: stop.signal }).catch((e) => e)
  return { told, error }
}

describe('a topic that appears', () => {
  test('of a route that runs drains its line and joins it; of another table it gets a line of its own', async () => {
    const { told, error } = await runOf([trades('a')], [[trades('a')], [trades('a'), trades('b'), quotes]])
    expect(error).toBeUndefined()
    expect(told).toEqual([
      'begin market_data.trades_v2 trades.a',
      `a topic has appeared, ${quotes}, market_data.quotes_v2`,
      'later market_data.quotes_v2 quotes.x',
      `a topic has appeared, ${trades('b')}, market_data.trades_v2`,
      'end market_data.trades_v2',
      'later market_data.trades_v2 trades.a trades.b',
      'end market_data.quotes_v2',
      'end market_data.trades_v2',
    ])
  })
  test('and has no route is told once and ends nothing', async () => {
    const { told } = await runOf([trades('a')], [['market.odd'], ['market.odd']])
    expect(told.filter((line) => line.includes('odd'))).toEqual([
      'a topic has appeared and is left alone, market.odd, ROUTE_MISSING',
    ])
    expect(told.at(-1)).toBe('end market_data.trades_v2')
  })
})

test('a line that fails holds up no other, and its error is that of the run', async () => {
  const { told, error } = await runOf([trades('a'), quotes], [[]], 'market_data.quotes_v2')
  expect(error).toMatchObject({ code: 'SCHEMA_UNKNOWN' })
  expect(told.at(-1)).toBe('end market_data.trades_v2')
})
