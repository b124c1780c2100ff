// k2 config check from the words of the command line to what it prints, and the example that the documents show.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { CommandLoaders, Output } from '../../src/main/command.ts'
import { runCommandLine } from '../../src/main/command-line.ts'

async function check(words: string, text: string, environment: Readonly<Record<string, string>> = {}) {
  const texts = { out: '', err: '' }
  const output = (to: 'out' | 'err'): Output => ({
    write: (more) => {
      texts[to] += more
    },
    isTerminal: false,
    columns: 100,
    color: false,
  })
  const code = await runCommandLine({
    words: ['config', 'check', '--config', 'k2.yaml', ...words.split(' ').filter((word) => word !== '')],
    environment,
    computed: { cores: '2', 'shipped schemas': 's', 'shipped trades': 'd', 'user cache': 'c' },
    readFile: () => text,
    // It starts no command.
    loaders: {} as CommandLoaders,
    io: { out: output('out'), err: output('err'), version: '1' },
  })
  return { code, ...texts }
}

const good = 'source: log\ncatalog: sqlite:c.db\nwarehouse: w\n'

test('a configuration without problems is printed with exit 0', async () => {
  const { code, out, err } = await check('--workers 5', good, { K2_GROUP: 'g' })
  expect([code, err]).toEqual([0, ''])
  expect(out).toMatch(/^# no problems\n\n# effective configuration of k2 run\nsource: log +# k2\.yaml:1:9\n/)
  expect(out).toMatch(/^workers: 5 +# --workers$/m)
  expect(out).toMatch(/^group: g +# K2_GROUP$/m)
})

test('every problem of flags, variables and file is printed at once, with exit 2', async () => {
  const text =
    'sorce: log\nworkers: none\nsasl-password: ${NOWHERE}\nroutes:\n  - topic: a\n    table: b.c\n  - topics: [a, "{b}"]\n    table: x.{c}\n'
  const { code, out } = await check('--bach-size 5 stray', text, { K2_STRAT: '1' })
  expect(code).toBe(2)
  expect(out.split('\n\n')[0]?.split('\n')).toEqual([
    '# 12 problems',
    '#   "stray" is not expected: options begin with --',
    '#   k2.yaml:3:16: sasl-password names the variable NOWHERE, which is not set',
    '#   --bach-size is no option of this command; did you mean --batch-size?',
    '#   K2_STRAT is no variable of k2; did you mean K2_START?',
    '#   k2.yaml:1:1: sorce is no option of k2; did you mean source?',
    '#   --catalog is required: Iceberg catalog: sqlite:<file>, the SQL catalog of pyiceberg and Java',
    '#   --warehouse is required: folder for data and metadata files',
    '#   k2.yaml:2:1: workers must be an integer from 1 to 256, not "none"',
    '#   k2.yaml:5:5: routes[0].topic is no key of a route; did you mean topics?',
    '#   k2.yaml:5:5: routes[0] needs topics',
    '#   k2.yaml:8:12: routes[1].table has {c}, which topic a does not capture',
    '#   --source or --brokers is required: a log directory, or the Kafka brokers to read from',
  ])
})

test('with --json it is one document', async () => {
  const { code, out } = await check('--json', `${good}workers: 0\n`)
  expect(code).toBe(2)
  expect(JSON.parse(out)).toMatchObject({
    ok: false,
    problems: ['k2.yaml:4:1: workers must be an integer from 1 to 256, not "0"'],
    notes: [],
    effective: { settings: { warehouse: { value: 'w', from: 'k2.yaml:3:12' } }, routes: [] },
  })
})

test('a file that is no YAML is one problem among the others', async () => {
  const { code, out } = await check('--workers 0', 'a: [1\n')
  expect(code).toBe(2)
  expect(out).toMatch(/^# {3}k2\.yaml:\d+:\d+: .*\([A-Z_]+\)$/m)
  expect(out).toContain('#   --workers must be an integer from 1 to 256, not "0"\n')
})

test('--table contradicts routes, which name a table each', async () => {
  const { out } = await check('--table a.b', `${good}routes: [{topics: t, table: n.t}]\n`)
  expect(out).toContain('#   --table contradicts routes, which name a table each\n')
})

test('the example of the documents has no problems, and its notes are those of overlapping routes', async () => {
  const text = readFileSync(new URL('../../docs/k2.yaml', import.meta.url), 'utf8')
  const { code, out } = await check('--json', text)
  const { problems, notes, effective } = JSON.parse(out)
  expect([code, problems]).toEqual([0, []])
  expect(effective.routes).toHaveLength(3)
  for (const note of notes)
    expect(note).toMatch(/which goes to routes\[\d\]: the first route that fits a topic has it$/)
})
