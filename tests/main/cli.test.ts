import { describe, expect, test } from 'vitest'
import { readArguments } from '../../src/main/arguments.ts'
import type { Command, CommandLoaders, Output } from '../../src/main/command.ts'
import { jsonLine } from '../../src/main/command.ts'
import { type CommandLineInput, runCommandLine } from '../../src/main/command-line.ts'
import { type CommandName, commandNames, commandTable } from '../../src/shared/command-table.ts'
import { IngestError } from '../../src/shared/errors.ts'

interface Call {
  readonly code: number
  readonly out: string
  readonly err: string
  /** What the command was started with, if it was. */
  readonly started: ReadonlyArray<readonly [CommandName, unknown]>
}

/** A call of k2 whose commands only say that they were started. */
async function k2(words: string, more: Partial<CommandLineInput> & { readonly fail?: Error } = {}): Promise<Call> {
  const texts = { out: '', err: '' }
  const started: Array<readonly [CommandName, unknown]> = []
  const output = (to: 'out' | 'err'): Output => ({
    write: (text) => {
      texts[to] += text
    },
    isTerminal: false,
    columns: 100,
    color: false,
  })
  const loader =
    <C extends CommandName>(name: C) =>
    async (): Promise<Command<C>> =>
    async (config) => {
      started.push([name, config])
      if (more.fail !== undefined) throw more.fail
      return 0
    }
  const loaders: CommandLoaders = {
    demo: loader('demo'),
    run: loader('run'),
    'feed csv': loader('feed csv'),
    'feed synthetic': loader('feed synthetic'),
    verify: loader('verify'),
    'positions show': loader('positions show'),
    'positions set': loader('positions set'),
    'positions adopt': loader('positions adopt'),
    'tables show': loader('tables show'),
    'tables plan': loader('tables plan'),
    'dead-letters list': loader('dead-letters list'),
    'dead-letters show': loader('dead-letters show'),
    'dead-letters summary': loader('dead-letters summary'),
    'dead-letters export': loader('dead-letters export'),
    'tables expire': loader('tables expire'),
    'tables list': loader('tables list'),
    'tables snapshots': loader('tables snapshots'),
    'tables files': loader('tables files'),
    'tables health': loader('tables health'),
    'dead-letters replay': loader('dead-letters replay'),
    query: loader('query'),
    'services up': loader('services up'),
    'services status': loader('services status'),
    'services down': loader('services down'),
  }
  const code = await runCommandLine({
    words: words.split(' ').filter((word) => word !== ''),
    environment: {},
    computed: { cores: '2', 'shipped schemas': 's', 'shipped trades': 'd', 'user cache': 'c' },
    readFile: () => {
      throw new Error('no such file')
    },
    loaders,
    io: { out: output('out'), err: output('err'), version: '1.2.3' },
    ...more,
  })
  return { code, ...texts, started }
}

describe('help', () => {
  test('of k2 names every command with one line, grouped, and an example each', async () => {
    const { code, out } = await k2('--help')
    expect(code).toBe(0)
    for (const name of commandNames) {
      expect(out).toContain(`  ${name.padEnd(22)}${commandTable[name].summary}\n`)
      expect(out).toContain(commandTable[name].examples[0])
    }
    expect(out.split('\n').filter((line) => line.length > 100)).toEqual([])
    expect(out).toMatch(/^K2 moves market data .*\n\nUsage {2}k2 <command> \[options\]\n\nStart here\n {2}demo /)
  })

  test.each(commandNames)(
    'of k2 %s shows usage, options and an example, whichever way it is asked for',
    async (name) => {
      const { code, out, started } = await k2(`${name} --help`)
      expect([code, started]).toEqual([0, []])
      expect(out).toContain(`Usage  k2 ${name} `)
      expect(out).toContain(`  ${commandTable[name].examples[0]}`)
      expect((await k2(`help ${name}`)).out).toBe(out)
      expect((await k2(`${name} --unknown -h`)).out).toBe(out)
    },
  )

  test('of a family shows its commands only', async () => {
    const { code, out } = await k2('feed --help')
    expect(code).toBe(0)
    expect(out).toContain('feed csv')
    expect(out).not.toContain('verify')
  })

  test('of k2 goes to stderr with exit 2 where nothing was asked', async () => {
    const { code, out, err } = await k2('')
    expect([code, out]).toEqual([2, ''])
    expect(err).toBe((await k2('--help')).out)
  })
})

describe('wrong usage', () => {
  test.each([
    ['runn', 'k2: "runn" is no command; did you mean run?\nsee k2 --help\n'],
    ['feed cvs', 'k2: k2 feed needs one more word: csv or synthetic, not "cvs"\nsee k2 --help\n'],
    ['positions', 'k2: k2 positions needs one more word: show or set or adopt\nsee k2 --help\n'],
    ['--quiet run', 'k2: the command comes first, then its options\nsee k2 --help\n'],
    ['sing --help', 'k2: "sing" is no command\nsee k2 --help\n'],
    ['demo now', 'k2 demo: "now" is not expected: options begin with --\nsee k2 demo --help\n'],
    [
      'demo --dir',
      'k2 demo: --dir needs a value: folder of the demo: log/, catalog.db, warehouse/\nsee k2 demo --help\n',
    ],
    ['demo --config x.json', 'k2 demo: --config x.json cannot be read: no such file\nsee k2 demo --help\n'],
  ])('%s is refused with exit 2 and one clear line', async (words, expected) => {
    const { code, out, err, started } = await k2(words)
    expect({ code, out, err, started }).toEqual({ code: 2, out: '', err: expected, started: [] })
  })

  test('shows all problems of the call together, each on its line', async () => {
    const { err } = await k2('feed synthetic x --to --messages 0 --sed 1 --codec brotli')
    expect(err).toBe(
      [
        'k2 feed synthetic: 5 problems',
        '  "x" is not expected: options begin with --',
        '  --sed is no option of this command; did you mean --seed?',
        '  --to needs a value: log directory to write; made where it is missing',
        '  --messages must be an integer, 1 or more, not "0"',
        '  --codec must be one of none, gzip, snappy, lz4, zstd, not "brotli"',
        'see k2 feed synthetic --help',
        '',
      ].join('\n'),
    )
  })
})

test('wrong usage under --json is a JSON document too', async () => {
  const { code, out } = await k2('demo --json --dri x')
  expect(code).toBe(2)
  expect(JSON.parse(out).error).toMatchObject({
    code: 'USAGE',
    problems: ['--dri is no option of this command; did you mean --dir?'],
  })
})

describe('a command', () => {
  test('is started with its config and ends with its code', async () => {
    const { code, started } = await k2('feed synthetic --to=log --messages 5 --append --no-json')
    expect(code).toBe(0)
    expect(started).toEqual([
      ['feed synthetic', expect.objectContaining({ to: 'log', messages: 5, append: true, json: false, codec: 'lz4' })],
    ])
  })

  test('reads the config file that a flag or a variable names', async () => {
    const readFile = (path: string): string => JSON.stringify({ dir: `from ${path}` })
    expect((await k2('demo --config a.json', { readFile })).started[0]?.[1]).toMatchObject({ dir: 'from a.json' })
    const environment = { K2_CONFIG: 'b.json' }
    expect((await k2('demo', { readFile, environment })).started[0]?.[1]).toMatchObject({ dir: 'from b.json' })
  })

  test('that fails says what, where and what to do in one line, exit 1', async () => {
    const fail = new IngestError('SOURCE_MISSING', { source: 'log' }, new Error('ENOENT: no\nsuch file'))
    const { code, out, err } = await k2('demo', { fail })
    expect([code, out]).toEqual([1, ''])
    expect(err).toBe(
      'k2: SOURCE_MISSING: source directory not found (source=log cause=ENOENT: no such file); ' +
        'check --source, or write one with k2 feed csv\n',
    )
  })

  test('that fails under --json says so in a JSON document too', async () => {
    const fail = new IngestError('SOURCE_CORRUPT', { offset: 9_007_199_254_740_993n })
    const { out } = await k2('demo --json', { fail })
    expect(JSON.parse(out)).toEqual({
      error: {
        code: 'SOURCE_CORRUPT',
        action: 'stop',
        text: 'corrupt record batch',
        context: { offset: '9007199254740993' },
        cause: null,
        help: 'restore the segment file from its broker or replica; nothing after this offset was read',
      },
    })
  })

  test('with a bug in it ends with the error itself, stack and all', async () => {
    const fail = new TypeError('our bug')
    await expect(k2('demo', { fail })).rejects.toBe(fail)
  })
})

test('a negative number is a value, a word that begins like a flag is not', () => {
  expect(readArguments(['feed', 'synthetic', '--seed', '-5', '--to', '--json'])).toEqual({
    kind: 'command',
    command: 'feed synthetic',
    flags: [
      { key: 'seed', origin: '--seed', text: '-5' },
      { key: 'to', origin: '--to', text: null },
      { key: 'json', origin: '--json', text: 'true' },
    ],
    problems: [],
  })
})

test('the version is that of the package', async () => {
  expect((await k2('--version')).out).toBe('k2 1.2.3\n')
})

test('a JSON document is one line with 64-bit numbers as strings', () => {
  expect(jsonLine({ id: 2n ** 63n - 1n })).toBe('{"id":"9223372036854775807"}\n')
})
