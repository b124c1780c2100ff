import { describe, expect, test } from 'vitest'
import { readConfigDocument } from '../../../src/shared/config-document.ts'
import { readRoutes } from '../../../src/shared/routes/read-routes.ts'

const routesIn = (text: string, overruled: readonly string[] = []) => {
  const { root, problems: before } = readConfigDocument(text, 'k2.yaml', {})
  const entry = root?.entries.find(({ key }) => key === 'routes')
  if (entry === undefined) throw new Error(`no routes: ${before.join()}`)
  const problems: string[] = [...before]
  return { ...readRoutes(entry.value, new Set(overruled), problems), problems }
}

const whole = `routes:
  - topics: ['market.{class}.trades.{exchange}', '/^raw\\.(?<class>\\w+)$/']
    table: market_data.{class}
    partition: [day(timestamp), bucket(8, symbol)]
    sort: symbol desc
    compression: gzip(3)
    rename: {price: px, note: price}
    leave-out: [vendor_data]
    tombstone: store
    unknown-schema: dead-letter
    partition-window-first: 2000-01-01
    partition-window-ahead: 2h
    kafka-key: true
    kafka-headers: false
    batch-size: 1000
    commit-bytes: 4MiB
    commit-interval: 2s
`.replace('bucket(8, symbol)', '"bucket(8, symbol)"')

describe('a route', () => {
  test('is read with everything that it can have', () => {
    const { rules, problems, notes } = routesIn(whole)
    expect([problems, notes]).toEqual([[], []])
    expect(rules).toEqual([
      {
        path: 'routes[0]',
        topics: [
          { kind: 'template', text: 'market.{class}.trades.{exchange}' },
          { kind: 'expression', text: '^raw\\.(?<class>\\w+)$' },
        ],
        table: 'market_data.{class}',
        partition: [
          { transform: 'day', column: 'timestamp' },
          { transform: 'bucket[8]', column: 'symbol' },
        ],
        sort: [{ column: 'symbol', descending: true, nullsFirst: false }],
        compression: { codec: 'gzip', level: 3 },
        columns: { renamed: { price: 'px', note: 'price' }, leftOut: ['vendor_data'] },
        options: {
          tombstone: 'store',
          unknownSchema: 'dead-letter',
          partitionWindowFirstUs: '946684800000000',
          partitionWindowAheadMs: 7_200_000,
          kafkaKey: true,
          kafkaHeaders: false,
          batchSize: 1000,
          commitBytes: 4_194_304,
          commitIntervalMs: 2000,
        },
      },
    ])
  })

  test('leaves open what it does not say', () => {
    expect(routesIn('routes: [{topics: a, table: n.a}]').rules).toEqual([
      {
        path: 'routes[0]',
        topics: [{ kind: 'name', text: 'a' }],
        table: 'n.a',
        partition: null,
        sort: null,
        compression: null,
        columns: { renamed: {}, leftOut: [] },
        options: {},
      },
    ])
    expect(routesIn('routes: [{topics: a, table: n.a, partition: []}]').rules[0]?.partition).toEqual([])
  })

  test('gives way to a flag or a variable in what is an option of the run', () => {
    const { rules } = routesIn(whole, ['tombstone', 'commit-interval'])
    expect(rules[0]?.options).not.toHaveProperty('tombstone')
    expect(rules[0]?.options).not.toHaveProperty('commitIntervalMs')
    expect(rules[0]?.options.batchSize).toBe(1000)
  })
})

test('every problem of every route is named at once, by place and path, with the nearest key', () => {
  const text = `routes:
  - topcis: a
    table: trades
    partition: [week(at), day(at), day(at)]
    sort: [a desc, a]
    compression: zstd(99)
    rename: {a.b: c, d: "e f", g: h, i: h}
    leave-out: [x, x, g]
    commit-interval: 2 weeks
  - topics: []
    table: n.{kind}
    kafka-key: perhaps
    rename: nothing
  - just a text
  - topics: /a(/
    table: n.t
    sort: gone
    leave-out: gone
`
  expect(routesIn(text).problems).toEqual([
    'k2.yaml:2:5: routes[0].topcis is no key of a route; did you mean topics?',
    'k2.yaml:3:12: routes[0].table must be <namespace>.<table>, of letters, digits, _, - and {captures}, not "trades"',
    expect.stringMatching(
      /^k2\.yaml:4:17: routes\[0\]\.partition\[0\] must be a column, or one of .*, not "week\(at\)"$/,
    ),
    'k2.yaml:4:36: routes[0].partition[2] is there twice',
    'k2.yaml:5:20: routes[0].sort[1] is there twice',
    'k2.yaml:6:18: routes[0].compression has a level for zstd beyond 1 to 22, not "zstd(99)"',
    'k2.yaml:7:14: routes[0].rename.a.b lies in another field: only top-level fields are chosen',
    'k2.yaml:7:25: routes[0].rename.d must be a column: letters, digits and _, not "e f"',
    'k2.yaml:7:41: routes[0].rename.i is column h, as another field is',
    'k2.yaml:8:20: routes[0].leave-out[1] is there twice',
    'k2.yaml:9:22: routes[0].commit-interval must be a time like 250ms, 10s or 5m, not "2 weeks"',
    'k2.yaml:2:5: routes[0] needs topics',
    'k2.yaml:8:5: routes[0].leave-out has g, which is renamed as well',
    'k2.yaml:10:13: routes[1].topics must name a topic',
    'k2.yaml:12:16: routes[1].kafka-key must be true or false, not "perhaps"',
    'k2.yaml:13:13: routes[1].rename must hold fields of the record and their columns, like price: trade_price',
    'k2.yaml:14:5: routes[2] must hold topics and table',
    expect.stringMatching(/^k2\.yaml:15:13: routes\[3\]\.topics is no regular expression/),
    'k2.yaml:18:5: routes[3].sort is by gone, which is no column of the table: renamed or left out',
  ])
})

describe('between routes', () => {
  const two = (first: string, second: string) => routesIn(`routes:\n  - ${first}\n  - ${second}\n`)

  test('one that no topic can reach is a problem', () => {
    expect(two('{topics: "a.{x}", table: n.a}', '{topics: [a.b, "a.{y}"], table: n.b}').problems).toEqual([
      'k2.yaml:3:5: routes[1] is never reached: routes[0] takes every topic of it',
    ])
  })

  test('two into one table, or one into the dead letters of another, are problems', () => {
    expect(two('{topics: a, table: n.t}', '{topics: b, table: n.t}').problems).toEqual([
      'k2.yaml:3:5: routes[1] leads into n.t, as routes[0] does: name the topics of both in one route, or two tables',
    ])
    expect(two('{topics: a, table: n.t}', '{topics: b, table: n.t_dead_letters}').problems).toEqual([
      'k2.yaml:3:5: routes[1] leads into n.t_dead_letters, and routes[0] into n.t: one holds the dead letters of the other',
    ])
  })

  test('topics that fit several, and tables that may be one, are notes', () => {
    expect(two('{topics: a.b, table: n.t}', '{topics: "a.{x}", table: "n.{x}"}')).toMatchObject({
      problems: [],
      notes: [
        'k2.yaml:3:5: routes[1] fits a.b as well, which goes to routes[0]: the first route that fits a topic has it',
        'k2.yaml:3:5: routes[1] may lead into the table of routes[0] (n.t), which stops the run where a topic does so',
      ],
    })
    expect(two('{topics: /a/, table: n.t}', '{topics: /b/, table: n.u}').notes).toEqual([
      'k2.yaml:3:5: routes[1] has /b/ behind another expression: only the topics there are show which of them fit both',
    ])
  })
})

test('routes that are no list are refused', () => {
  expect(routesIn('routes: {}').problems[0]).toMatch(/^k2\.yaml:1:9: routes must be a list of 1 to 1000 routes/)
})
