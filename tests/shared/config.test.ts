import { describe, expect, test } from 'vitest'
import { type CommandName, commandNames } from '../../src/shared/command-table.ts'
import { type ConfigInput, readConfig, type Written } from '../../src/shared/config.ts'
import { readConfigDocument } from '../../src/shared/config-document.ts'
import { nearest } from '../../src/shared/nearest.ts'
import { flagOf, keyOf, type OptionRow, variableOf } from '../../src/shared/option-row.ts'
import { parseValue } from '../../src/shared/option-values.ts'
import { optionRows, optionsOf } from '../../src/shared/options.ts'

const computed = {
  cores: '4',
  'shipped schemas': '/k2/schemas',
  'shipped trades': '/k2/data',
  'user cache': '/k2/cache',
}
const flags = (options: Readonly<Record<string, string>>): Written[] =>
  Object.entries(options).map(([key, text]) => ({ key, origin: `--${key}`, text }))
const input = (more: Partial<ConfigInput> = {}): ConfigInput => ({
  flags: [],
  environment: {},
  file: null,
  computed,
  ...more,
})
/** A config file, as JSON or as YAML. */
const fileOf = (content: unknown, environment: Readonly<Record<string, string>> = {}) => {
  const text = typeof content === 'string' ? content : JSON.stringify(content)
  const { root, problems } = readConfigDocument(text, 'k2.yaml', environment)
  if (root === null) throw new Error(problems.join())
  return root
}
const where = { source: 'log', catalog: 'sqlite:catalog.db', warehouse: 'warehouse' }

const configOf = <C extends CommandName>(command: C, more: Partial<ConfigInput>) => {
  const result = readConfig(command, input(more))
  if (result.kind === 'refused') throw new Error(result.problems.join('\n'))
  return result.config
}
const problemsOf = (command: CommandName, more: Partial<ConfigInput>): readonly string[] => {
  const result = readConfig(command, input(more))
  return result.kind === 'refused' ? result.problems : []
}

describe('a config', () => {
  test('holds every option of the command, typed, with its default', () => {
    expect(configOf('run', { flags: flags(where) })).toEqual({
      source: 'log',
      brokers: null,
      saslMechanism: 'scram-sha-512',
      saslUsername: null,
      saslPassword: null,
      ssl: false,
      sslCa: null,
      sslCert: null,
      sslKey: null,
      sessionTimeoutMs: 10_000,
      instanceId: null,
      topic: { kind: 'pattern', pattern: String.raw`^market\.` },
      schemas: '/k2/schemas',
      registry: null,
      registryAuth: null,
      registryCache: '.k2/schemas',
      catalog: { kind: 'sqlite', file: 'catalog.db' },
      warehouse: 'warehouse',
      table: null,
      routes: [],
      group: 'k2',
      start: { kind: 'earliest' },
      acceptGap: null,
      check: false,
      maxMessages: null,
      untilEnd: false,
      throttle: null,
      batchSize: 1_000_000,
      commitBytes: 134_217_728,
      commitIntervalMs: 10_000,
      chunkRows: 50_000,
      chunkBytes: 16_777_216,
      tombstone: 'skip',
      unknownSchema: 'stop',
      partitionWindowFirstUs: '631152000000000',
      allBadMax: 1000,
      partitionWindowAheadMs: 86_400_000,
      kafkaKey: false,
      kafkaHeaders: false,
      workers: 4,
      parquetEncoder: 'auto',
      queueBytes: 134_217_728,
      decompressedBytesMax: 67_108_864,
      stopTimeoutMs: 30_000,
      http: null,
      metricSeriesMax: 2000,
      json: false,
      quiet: false,
      logFile: null,
      config: null,
    })
  })

  test('takes a flag before a variable, a variable before the file, the file before the default', () => {
    const file = fileOf({ workers: 1, group: 'file', 'batch-size': 7 })
    const environment = { K2_WORKERS: '2', K2_GROUP: 'variable' }
    const config = configOf('run', { flags: flags({ ...where, workers: '3' }), environment, file })
    expect([config.workers, config.group, config.batchSize, config.chunkRows]).toEqual([3, 'variable', 7, 50_000])
  })

  test('is frozen through and through', () => {
    const config = configOf('run', { flags: flags({ ...where, topic: 'a,b', table: 'market_data.trades_v2' }) })
    for (const frozen of [config, config.topic, config.catalog, config.table, config.table?.namespace]) {
      expect(Object.isFrozen(frozen)).toBe(true)
    }
    expect(config.topic).toEqual({ kind: 'names', names: ['a', 'b'] })
    expect(Object.isFrozen(config.topic.kind === 'names' ? config.topic.names : null)).toBe(true)
  })

  test('leaves variables and file keys of other commands alone', () => {
    const file = fileOf({ seed: 3, workers: 2 })
    expect(configOf('demo', { environment: { K2_SOURCE: 'x', K2_BATCH_SIZE: 'not read here' }, file })).toEqual({
      dir: '.k2/demo',
      kafka: false,
      cache: '/k2/cache',
      keep: false,
      json: false,
      config: null,
    })
  })

  test('reads lists and booleans of the config file as JSON writes them', () => {
    const file = fileOf({ topic: ['a', 'b'], json: true, 'kafka-key': false })
    const config = configOf('run', { flags: flags(where), file })
    expect([config.topic, config.json, config.kafkaKey]).toEqual([{ kind: 'names', names: ['a', 'b'] }, true, false])
  })

  test('takes an empty variable as unset', () => {
    expect(configOf('demo', { environment: { K2_DIR: '', K2_TYPO: '' } }).dir).toBe('.k2/demo')
  })

  test('adds up topics written several times', () => {
    const twice = [...flags({ ...where, topic: 'a' }), { key: 'topic', origin: '--topic', text: 'b' }]
    expect(configOf('run', { flags: twice }).topic).toEqual({ kind: 'names', names: ['a', 'b'] })
  })
})

describe('a refusal', () => {
  test('names every problem at once, whichever way the option was written', () => {
    const problems = problemsOf('run', {
      flags: [
        ...flags({ sorce: 'log', workers: '0', 'commit-bytes': '3x', 'batch-sise': '5', warehouse: 'w' }),
        { key: 'warehouse', origin: '--warehouse', text: 'v' },
      ],
      environment: { K2_CHUNK_ROW: '5', K2_START: 'midnight', PATH: '/bin' },
      file: fileOf('qeue: 1\ngroup: {a: 1}\nconfig: again.yaml\nstop-timeout: 2 weeks\n'),
    })
    expect(problems).toEqual([
      '--sorce is no option of this command; did you mean --source?',
      '--batch-sise is no option of this command; did you mean --batch-size?',
      '--warehouse is given twice: "w" and "v"',
      'K2_CHUNK_ROW is no variable of k2; did you mean K2_CHUNK_ROWS?',
      'k2.yaml:1:1: qeue is no option of k2',
      'k2.yaml:2:1: group must be one value or a list of texts',
      'k2.yaml:3:1: config must not name another config file',
      '--catalog is required: Iceberg catalog: sqlite:<file>, the SQL catalog of pyiceberg and Java',
      'K2_START must be earliest, latest, a UTC time like 2026-01-31T00:00:00Z or offsets like trades/0=500,trades/1=0, not "midnight"',
      '--commit-bytes must be bytes like 64KiB or 16MB, not "3x"',
      '--workers must be an integer from 1 to 256, not "0"',
      'k2.yaml:4:1: stop-timeout must be a time like 250ms, 10s or 5m, not "2 weeks"',
      '--source or --brokers is required: a log directory, or the Kafka brokers to read from',
    ])
  })

  test('names options that contradict each other, but not where one of them is off', () => {
    expect(problemsOf('run', { flags: flags({ ...where, quiet: 'true' }), environment: { K2_JSON: '1' } })).toEqual([
      '--quiet contradicts K2_JSON',
    ])
    expect(problemsOf('run', { flags: flags({ ...where, quiet: 'true', json: 'false' }) })).toEqual([])
  })

  test('never repeats what may be a secret, wrong or given twice', () => {
    const twice = (key: string, ...texts: readonly string[]) => texts.map((text) => ({ key, origin: `--${key}`, text }))
    const words = [
      ...flags({ ...where, brokers: 'a:1', 'sasl-username': 'u' }),
      ...twice('sasl-password', 'hunter2', 'hunter2'),
      ...twice('registry-auth', 'hunter2'),
      ...twice('registry', 'http://me:hunter2@a'),
    ]
    const problems = problemsOf('run', { flags: words })
    expect(problems).toContain('--sasl-password is given twice')
    expect(problems).toContain('--registry-auth must be basic:<user>:<password> or bearer:<token>')
    expect(problems.join(' ')).not.toContain('hunter2')
  })

  test('wants one place for a feed, and one kind of registry for a run', () => {
    expect(problemsOf('feed csv', {})).toEqual([
      '--to or --brokers is required: a log directory, or the Kafka brokers to write to',
    ])
    expect(problemsOf('feed csv', { flags: flags({ to: 'log', brokers: 'a:1' }) })).toEqual([
      '--to contradicts --brokers',
    ])
    expect(problemsOf('run', { flags: flags({ ...where, schemas: 's', registry: 'http://a' }) })).toEqual([
      '--registry contradicts --schemas',
    ])
  })

  test('names what is about brokers where there is only half of it, or a log directory', () => {
    const start = '2026-01-31'
    expect(
      problemsOf('run', { flags: flags({ ...where, brokers: 'a:1', 'sasl-username': 'u', 'ssl-cert': 'c.pem' }) }),
    ).toEqual([
      '--source contradicts --brokers',
      '--sasl-username and --sasl-password belong together',
      '--ssl-cert and --ssl-key belong together',
    ])
    expect(problemsOf('run', { flags: flags({ ...where, start }) })).toEqual([
      '--start with a time needs --brokers: a log directory has no index of times',
    ])
  })

  test('names a chunk that would never fit the queue', () => {
    expect(problemsOf('run', { flags: flags({ ...where, 'queue-bytes': '1MiB' }) })).toEqual([
      '--chunk-bytes 16777216 is more than --queue-bytes 1048576: no chunk would ever fit',
    ])
  })
})

describe('the text of an option', () => {
  const row = (name: string, command: CommandName = 'run'): OptionRow => {
    const found = optionsOf(command).find((candidate) => candidate.name === name)
    if (found === undefined) throw new Error(`no option ${name}`)
    return found
  }
  const parsed = (name: string, text: string): unknown => {
    const result = parseValue(row(name), text)
    return result.kind === 'value' ? result.value : result.problem
  }

  const at = (topic: string, partition: number, offset: string) => ({ topic, partition, offset })

  test.each([
    ['commitBytes', '4096', 4096],
    ['commitBytes', '64KiB', 65_536],
    ['commitBytes', '1.5MiB', 1_572_864],
    ['commitBytes', '16MB', 16_000_000],
    ['commitBytes', '1gib', 1_073_741_824],
    ['commitBytes', '1000', 'must be from 1KiB to 64GiB'],
    ['commitBytes', '12parsec', 'must be bytes like 64KiB or 16MB'],
    ['commitInterval', '250ms', 250],
    ['commitInterval', '1.5s', 1500],
    ['commitInterval', '5m', 300_000],
    ['commitInterval', '5', 'must be a time like 250ms, 10s or 5m'],
    ['commitInterval', '2h', 'must be from 10ms to 1h'],
    ['partitionWindowFirst', '2014-03-10T00:00:00.5Z', '1394409600500000'],
    ['partitionWindowFirst', '1969-12-31', '-86400000000'],
    ['partitionWindowFirst', '2014-02-30', 'must be a date like 1990-01-01 or a UTC time like 1990-01-01T00:00:00Z'],
    ['maxMessages', '-5', 'must be an integer, 1 or more'],
    ['maxMessages', '5.0', 'must be an integer, 1 or more'],
    ['workers', '1e2', 'must be an integer from 1 to 256'],
    ['untilEnd', 'yes', 'must be true or false'],
    ['topic', 'a,,b', 'must be topic names or one /regular expression/; "" is no topic name'],
    ['topic', '/a(/', expect.stringMatching(/^is no regular expression \(/)],
    ['topic', '/a', 'must end with / as it begins: one /regular expression/'],
    ['catalog', 'sqlite:', 'must be sqlite:<file>'],
    ['catalog', 'sqlite:a:b.db', { kind: 'sqlite', file: 'a:b.db' }],
    ['table', 'a.b.c', { namespace: ['a', 'b'], name: 'c' }],
    ['table', 'trades', 'must be <namespace>.<table>, of letters, digits, _ and -'],
    ['source', '', 'must not be empty'],
    ['brokers', 'a:9092, [::1]:9093', ['a:9092', '[::1]:9093']],
    ['brokers', 'a', 'must be <host>:<port>, comma-separated'],
    ['http', '9464', { host: '127.0.0.1', port: 9464 }],
    ['http', '0.0.0.0:0', { host: '0.0.0.0', port: 0 }],
    ['http', '[::1]:9464', { host: '::1', port: 9464 }],
    ['http', '65536', 'must be <port> or <host>:<port>'],
    ['http', 'localhost', 'must be <port> or <host>:<port>'],
    ['http', '::1:9464', 'must be <port> or <host>:<port>'],
    ['registry', 'http://a:8081/, https://b/apis/ccompat/v7/', ['http://a:8081', 'https://b/apis/ccompat/v7']],
    ['registry', 'a:8081', 'must be http:// or https:// addresses, comma-separated'],
    ['registry', 'ftp://a', 'must be http:// or https:// addresses, comma-separated'],
    ['registry', 'http://me:pw@a', 'must not hold credentials: they go in --registry-auth'],
    ['registry', 'http://a/?x=1', 'must end with the base path, without ? or #'],
    ['registryAuth', 'basic:me:p:w', { kind: 'basic', user: 'me', password: 'p:w' }],
    ['registryAuth', 'bearer:abc.def', { kind: 'bearer', token: 'abc.def' }],
    ['registryAuth', 'bearer:a b', 'must be basic:<user>:<password> or bearer:<token>'],
    ['start', 'latest', { kind: 'latest' }],
    ['start', '2026-01-31T12:00:00Z', { kind: 'time', ms: 1_769_860_800_000 }],
    ['start', 'a.b/0=5,c/1=0', { kind: 'offsets', offsets: [at('a.b', 0, '5'), at('c', 1, '0')] }],
    ['start', 'a/0=5,a/0=6', 'names partition 0 of a twice'],
    ['start', 'soon', expect.stringMatching(/^must be earliest, latest, a UTC time/)],
  ])('%s %s becomes %j', (name, text, expected) => {
    expect(parsed(name, text)).toEqual(expected)
  })
})

describe('the options table', () => {
  test('names no option twice for one command', () => {
    for (const command of commandNames) {
      const names = optionsOf(command).map((row) => row.name)
      expect(new Set(names).size).toBe(names.length)
    }
  })

  test('has defaults that its own rules accept', () => {
    for (const row of optionRows as readonly OptionRow[]) {
      if (row.default !== undefined) expect([row.name, parseValue(row, row.default).kind]).toEqual([row.name, 'value'])
    }
  })

  test('names conflicts that are options of the same commands', () => {
    for (const row of optionRows as readonly OptionRow[]) {
      for (const other of row.conflicts ?? []) {
        for (const command of row.commands) expect(optionsOf(command).map(({ name }) => name)).toContain(other)
      }
    }
  })

  test('spells a name as flag, key and variable', () => {
    const row = optionRows.find(({ name }) => name === 'decompressedBytesMax') as OptionRow
    expect([flagOf(row), keyOf(row), variableOf(row)]).toEqual([
      '--decompressed-bytes-max',
      'decompressed-bytes-max',
      'K2_DECOMPRESSED_BYTES_MAX',
    ])
  })
})

test('the nearest name is found through a missing, a wrong and two swapped letters, and none where all are far', () => {
  const names = ['batch-size', 'chunk-rows', 'source']
  expect(['batch-sze', 'batch-sise', 'soruce', 'catalog'].map((name) => nearest(name, names))).toEqual([
    'batch-size',
    'batch-size',
    'source',
    null,
  ])
})
