import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  capturesOf,
  commonTopic,
  covers,
  fillTable,
  matchTopic,
  parseTopicPattern,
  patternText,
  type TopicPattern,
  topicsOf,
} from '../../../src/shared/routes/route-topics.ts'

const pattern = (text: string): TopicPattern => {
  const parsed = parseTopicPattern(text)
  if (parsed.kind === 'problem') throw new Error(parsed.problem)
  return parsed.pattern
}
const problem = (text: string): string => {
  const parsed = parseTopicPattern(text)
  return parsed.kind === 'problem' ? parsed.problem : ''
}

describe('a pattern', () => {
  test.each([
    ['a.b', 'a.b', {}],
    ['a.b', 'a.b.c', null],
    ['a.b', 'axb', null],
    ['market.{class}.trades.{exchange}', 'market.crypto.trades.binance', { class: 'crypto', exchange: 'binance' }],
    ['market.{class}.trades.{exchange}', 'market.crypto.spot.trades.binance', null],
    ['x-{day}_raw', 'x-monday_raw', { day: 'monday' }],
    ['/^a\\.(?<kind>b|c)\\.(\\d+)$/', 'a.c.17', { kind: 'c', 1: 'c', 2: '17' }],
    ['/trades/', 'my.trades.now', {}],
  ])('%s of %s captures %j', (text, topic, expected) => {
    const captured = matchTopic([pattern(text)], topic)
    if (expected === null) expect(captured).toBeNull()
    else expect(captured).toMatchObject(expected)
    expect(patternText(pattern(text))).toBe(text)
  })

  test('that is none says what it must be', () => {
    expect(problem('a b')).toMatch(/^must be a topic, a template/)
    expect(problem('{a}{b}')).toMatch(/two captures beside each other/)
    expect(problem('x.{a}.{a}')).toBe('captures {a} twice')
    expect(problem('/a(/')).toMatch(/^is no regular expression/)
    expect(problem('/a')).toMatch(/^must end with \//)
    expect(problem('/(a)\\1/')).toMatch(/^must not refer back/)
  })

  test('says what it captures, matched or not', () => {
    expect(capturesOf(pattern('a.{b}.{c}'))).toEqual(['b', 'c'])
    expect(capturesOf(pattern('/(?<x>a)(b)?/'))).toEqual(['1', '2', 'x'])
    expect(capturesOf(pattern('a'))).toEqual([])
  })
})

test('captures fill the name of a table', () => {
  expect(fillTable('market_data.{kind}_v2', { kind: 'trades' })).toBe('market_data.trades_v2')
})

describe('topics of all patterns', () => {
  const matches = (texts: readonly string[], topic: string): boolean => {
    const topics = topicsOf(texts.map(pattern))
    return topics.kind === 'names' ? topics.names.includes(topic) : new RegExp(topics.pattern).test(topic)
  }

  test('are names where there are only names, else one expression', () => {
    expect(topicsOf([pattern('a'), pattern('b'), pattern('a')])).toEqual({ kind: 'names', names: ['a', 'b'] })
    expect(topicsOf([pattern('a'), pattern('b.{x}')]).kind).toBe('pattern')
  })

  test('are those that one of the patterns fits, also where they name groups alike', () => {
    const texts = ['a.b', 'm.{x}.t', '/^(?<x>r|s)\\.[(?<y>]$/', '/^(?<x>q)(?!z)/', '/(?<=k)l$/']
    fc.assert(
      fc.property(
        fc.constantFrom('a.b', 'axb', 'm.1.t', 'm.1.2.t', 'r.y', 'r.z', 'qa', 'qz', 'kl', 'xl', ''),
        (topic) => {
          expect(matches(texts, topic)).toBe(matchTopic(texts.map(pattern), topic) !== null)
        },
      ),
    )
  })
})

describe('of two patterns', () => {
  test.each([
    ['a.{x}', 'a.b', true],
    ['a.{x}', 'a.b.c', false],
    ['/^a/', 'a.b', true],
    ['a.{x}.{y}', 'a.{z}.b', true],
    ['a.{x}.b', 'a.{x}.{y}', false],
    ['a.x{n}', 'a.x{m}', true],
    ['a.{n}', 'a.x{m}', true],
    ['/^a/', '/^a/', true],
    ['/a/', '/^a/', false],
  ])('%s covers %s: %j', (outer, inner, expected) => {
    expect(covers(pattern(outer), pattern(inner))).toBe(expected)
  })

  test('what is said to be covered is, on any topic', () => {
    const part = fc.constantFrom('a', 'b', '{x}', 'a{x}', '{x}b')
    const text = fc
      .array(part, { minLength: 1, maxLength: 3 })
      .map((parts) => parts.map((each, index) => each.replace('{x}', `{x${index}}`)).join('.'))
    const topic = fc
      .array(fc.constantFrom('a', 'b', 'ab', 'c'), { minLength: 1, maxLength: 3 })
      .map((all) => all.join('.'))
    fc.assert(
      fc.property(text, text, topic, (outer, inner, name) => {
        if (!covers(pattern(outer), pattern(inner))) return
        if (matchTopic([pattern(inner)], name) !== null) expect(matchTopic([pattern(outer)], name)).not.toBeNull()
      }),
      { numRuns: 2000 },
    )
  })

  test('a topic of both is found where it is easily found', () => {
    expect(commonTopic(pattern('a.{x}'), pattern('{y}.b'))).toBe('a.b')
    expect(commonTopic(pattern('a.b'), pattern('/b/'))).toBe('a.b')
    expect(commonTopic(pattern('a.{x}'), pattern('b.{x}'))).toBeNull()
  })
})
