// An effective configuration, printed and read again.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { effectiveDocument, renderEffectiveConfig } from '../../../src/main/terminal/effective-config.ts'
import { type Config, type ConfigInput, readConfig } from '../../../src/shared/config.ts'
import { readConfigDocument } from '../../../src/shared/config-document.ts'

const computed = { cores: '4', 'shipped schemas': '/k2/schemas', 'shipped trades': 'd', 'user cache': 'c' }
const environment = { K2_GROUP: 'by variable', K2_SASL_PASSWORD: 'hunter2', SECRET: 'hunter2', USER: 'me' }

function read(
  text: string,
  flags: ConfigInput['flags'] = [],
  variables: Readonly<Record<string, string>> = environment,
) {
  const { root, problems } = readConfigDocument(text, 'k2.yaml', environment)
  if (root === null) throw new Error(problems.join('\n'))
  expect(problems).toEqual([])
  return readConfig('run', { flags, environment: variables, file: root, computed })
}

function configOf(result: ReturnType<typeof read>): Config<'run'> {
  if (result.kind === 'refused') throw new Error(result.problems.join('\n'))
  return result.config
}

const base = 'brokers: broker:9092\ncatalog: sqlite:c.db\nwarehouse: w\nsasl-username: ${USER}\n'

describe('an effective configuration', () => {
  test('says of each value where it came from, and no secret', () => {
    const text = `${base}workers: 3\nregistry-auth: "bearer:\${SECRET}"\nregistry: http://r\nroutes:\n  - topics: a.{x}\n    table: n.{x}\n    tombstone: store\n`
    const flags = [{ key: 'batch-size', origin: '--batch-size', text: '10' }]
    const { effective } = read(text, flags)
    const printed = renderEffectiveConfig(effective)
    expect(printed).not.toContain('hunter2')
    const line = (key: string) => printed.split('\n').find((each) => each.trimStart().startsWith(`${key}:`)) ?? ''
    expect(line('workers')).toMatch(/^workers: 3 +# k2\.yaml:5:10$/)
    expect(line('batch-size')).toMatch(/^batch-size: 10 +# --batch-size$/)
    expect(line('group')).toMatch(/^group: by variable +# K2_GROUP$/)
    expect(line('chunk-rows')).toMatch(/^chunk-rows: 50000 +# default$/)
    expect(line('sasl-username')).toMatch(/^sasl-username: "\$\{USER\}" +# k2\.yaml:4:16$/)
    expect(line('sasl-password')).toMatch(/^sasl-password: "\$\{K2_SASL_PASSWORD\}" +# K2_SASL_PASSWORD$/)
    expect(line('registry-auth')).toMatch(/^registry-auth: "bearer:\$\{SECRET\}"/)
    expect(line('tombstone')).toMatch(/^tombstone: skip +# default$/)
    expect(printed).toMatch(
      /^routes:\n {2}- topics: \["a\.\{x\}"\] +# k2\.yaml:9:13\n {4}table: "n\.\{x\}" +# k2\.yaml:10:12\n {4}tombstone: store +# k2\.yaml:11:16$/m,
    )
    // The routes say which topics are read.
    expect(line('topic')).toBe('')
    expect(effectiveDocument(effective)).toMatchObject({
      settings: { workers: { value: '3', from: 'k2.yaml:5:10' } },
      routes: [{ table: { value: 'n.{x}', from: 'k2.yaml:10:12' } }],
    })
  })

  test('hides a secret that the command line or the file holds itself', () => {
    const flags = [{ key: 'sasl-password', origin: '--sasl-password', text: 'hunter2' }]
    const { effective } = read(`${base}registry: http://r\nregistry-auth: bearer:hunter2\n`, flags)
    const printed = renderEffectiveConfig(effective)
    expect(printed).not.toContain('hunter2')
    expect(printed).toContain('# sasl-password is set by --sasl-password, and not shown\n')
    expect(printed).toContain('# registry-auth is set by k2.yaml:6:16, and not shown\n')
    expect(JSON.stringify(effectiveDocument(effective))).not.toContain('hunter2')
  })

  test('of a file with problems holds all that has none', () => {
    const result = read(`${base}workers: many\nthrottle: 5\nroutes:\n  - topics: a\n    table: broken\n    sort: x\n`)
    expect(result.kind).toBe('refused')
    const printed = renderEffectiveConfig(result.effective)
    expect(printed).toMatch(/^throttle: 5 /m)
    expect(printed).not.toMatch(/^workers/m)
    expect(printed).toMatch(/^ {4}sort: \[x\] /m)
  })
})

/** Texts that YAML would read as something else, were they written plainly. */
const awkward = fc.oneof(
  fc.constantFrom(
    'true',
    'null',
    '- a',
    'a: b',
    'a #b',
    '"q"',
    "it's",
    '#',
    '*a',
    '&a',
    '!t',
    '%',
    '@',
    '`',
    '{a}',
    '[a]',
    'a, b',
    ' a',
    'a ',
    '0x1',
    '~',
    '|',
    '>',
    '?',
    '$' + '{X}',
  ),
  fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 12 }),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 6 }),
)
const column = fc.constantFrom('symbol', 'price', 'timestamp', 'a_1')
const route = fc.record(
  {
    topics: fc.oneof(
      fc.constantFrom('a.b', '/^x\\.(y|z){2}$/', '/[#:,"\']/'),
      fc.uniqueArray(fc.constantFrom('t.1', 't.2', 'q-3'), { minLength: 1 }),
    ),
    table: fc.constantFrom('n.t', 'n.m.t-2'),
    partition: fc.uniqueArray(
      fc.oneof(
        column,
        column.map((name) => `day(${name})`),
        column.map((name) => `bucket(4, ${name})`),
      ),
    ),
    sort: fc
      .uniqueArray(column)
      .map((all) => all.map((name, index) => (index % 2 === 0 ? name : `${name} desc nulls first`))),
    compression: fc.constantFrom('zstd(3)', 'lz4', 'gzip'),
    'leave-out': fc.uniqueArray(fc.constantFrom('vendor_data', 'note')),
    rename: fc.dictionary(fc.constantFrom('side', 'currency'), fc.constantFrom('way', 'money'), { maxKeys: 1 }),
    tombstone: fc.constantFrom('skip', 'store'),
    'commit-interval': fc.constantFrom('250ms', '1.5s'),
    'kafka-key': fc.constantFrom('true', 'false'),
  },
  { requiredKeys: ['topics', 'table'] },
)

test('printed and read as a config file, an effective configuration is the same configuration', () => {
  fc.assert(
    fc.property(
      fc.record(
        {
          group: awkward,
          warehouse: awkward,
          'log-file': awkward,
          'sasl-username': awkward,
          workers: fc.integer({ min: 1, max: 256 }).map(String),
          'commit-interval': fc.constantFrom('1s', '250ms'),
          start: fc.constantFrom('latest', '2026-01-31T00:00:00Z', 'a/0=5,b/1=7'),
          registry: fc.constantFrom('http://r:8081', 'http://a,http://b/x'),
          topic: fc.constantFrom('a,b', '/^m\\.[a: #]{1,2}/'),
          routes: fc.array(route, { minLength: 1, maxLength: 1 }),
        },
        { requiredKeys: ['warehouse'] },
      ),
      ({ routes, ...options }) => {
        const flags = Object.entries({ brokers: 'b:1', catalog: 'sqlite:c', 'sasl-password': '$', ...options })
          .filter(([key]) => key !== 'sasl-password')
          .map(([key, text]) => ({ key, origin: `--${key}`, text }))
        const password = 'sasl-username' in options ? { K2_SASL_PASSWORD: 'hunter2' } : {}
        const file = routes === undefined ? '' : JSON.stringify({ routes })
        const first = read(file, flags, password)
        const printed = renderEffectiveConfig(first.effective)
        const second = read(printed, [], password)
        expect(configOf(second)).toEqual(configOf(first))
      },
    ),
    { numRuns: 300 },
  )
})
