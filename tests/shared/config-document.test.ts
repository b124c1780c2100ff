import { describe, expect, test } from 'vitest'
import { type DocumentNode, readConfigDocument } from '../../src/shared/config-document.ts'

const read = (text: string, environment: Readonly<Record<string, string>> = {}) =>
  readConfigDocument(text, 'k2.yaml', environment)
const problems = (text: string, environment: Readonly<Record<string, string>> = {}) => read(text, environment).problems

/** A tree as plain values. */
const plain = (node: DocumentNode | null): unknown => {
  if (node === null) return null
  if (node.kind === 'text') return node.text
  if (node.kind === 'list') return node.items.map(plain)
  return Object.fromEntries(node.entries.map(({ key, value }) => [key, plain(value)]))
}

describe('a document', () => {
  test('is a tree of texts, whatever YAML would make of them', () => {
    const text =
      'a: 1\nb: true\nc: 2014-03-10\nd: [x, "y z", 007]\ne: {f: null, g: ~}\n# only words\nh: |\n  two\n  lines\n'
    expect(plain(read(text).root)).toEqual({
      a: '1',
      b: 'true',
      c: '2014-03-10',
      d: ['x', 'y z', '007'],
      e: { f: 'null', g: '~' },
      h: 'two\nlines\n',
    })
  })

  test('may be JSON, with tabs', () => {
    expect(plain(read('{\n\t"workers": 1,\n\t"topic": ["a", "b"],\n\t"json": true\n}\n').root)).toEqual({
      workers: '1',
      topic: ['a', 'b'],
      json: 'true',
    })
  })

  test('says of each key and value where it stands', () => {
    const { root } = read('a: 1\nroutes:\n  - table: x.y\n')
    const [, routes] = root?.entries ?? []
    expect(routes?.place).toEqual({ file: 'k2.yaml', line: 2, column: 1 })
    const [first] = routes?.value.kind === 'list' ? routes.value.items : []
    expect(first?.place).toEqual({ file: 'k2.yaml', line: 3, column: 5 })
    expect(first?.kind === 'map' ? first.entries[0]?.value.place : null).toEqual({
      file: 'k2.yaml',
      line: 3,
      column: 12,
    })
  })

  test('may be empty, or hold comments only', () => {
    for (const text of ['', '\n', '# nothing yet\n', '---\n']) expect(read(text).root?.entries).toEqual([])
  })

  test('repeats a part by an alias', () => {
    expect(plain(read('a: &x [1, 2]\nb: *x\n').root)).toEqual({ a: ['1', '2'], b: ['1', '2'] })
  })
})

describe('variables', () => {
  test('are put into texts, which remember how they were written', () => {
    const { root } = read('a: user:${PASSWORD}@host\nb: $${PASSWORD} and $HOME\n', { PASSWORD: 'hunter2' })
    expect(plain(root)).toEqual({ a: 'user:hunter2@host', b: '${PASSWORD} and $HOME' })
    expect(root?.entries.map(({ value }) => value.kind === 'text' && value.written)).toEqual([
      'user:${PASSWORD}@host',
      '$${PASSWORD} and $HOME',
    ])
  })

  test('that are not set are named all at once, with their places and paths', () => {
    expect(
      problems('a: ${NONE}\nroutes:\n  - table: ${EMPTY}.${NEITHER}\nb: ${a-b}\nc: ${open', { EMPTY: '' }),
    ).toEqual([
      'k2.yaml:1:4: a names the variable NONE, which is not set',
      'k2.yaml:3:12: routes[0].table names the variable EMPTY, which is not set',
      'k2.yaml:3:12: routes[0].table names the variable NEITHER, which is not set',
      'k2.yaml:4:4: b has ${ without the name of a variable and }; the two characters themselves are written $${',
      'k2.yaml:5:4: c has ${ without the name of a variable and }; the two characters themselves are written $${',
    ])
  })
})

describe('a text that is no config file', () => {
  test.each([
    ['a: 1\na: 2\n', 'k2.yaml:2:1: the key is there twice (DUPLICATE_KEY)'],
    ['a: [1, 2\nb: 3\n', /^k2\.yaml:2:\d+: .*\((?:BAD_INDENT|MISSING_CHAR|BLOCK_IN_FLOW)\)$/],
    ['a: 1\n--- \nb: 1\n', /^k2\.yaml:2:1: the file holds several documents \(MULTIPLE_DOCS\)$/],
    ['a: !secret x\n', /^k2\.yaml:1:4: tags \(!\) have no meaning here \(TAG_RESOLVE_FAILED\)$/],
    ['a: *nothing\n', 'k2.yaml:1:4: a is an alias without its anchor'],
    ['- a\n- b\n', 'k2.yaml:1:1: a config file holds keys and their values'],
    ['only words\n', 'k2.yaml:1:1: a config file holds keys and their values'],
    ['[a]: 1\n', 'k2.yaml:1:1: a key must be a text'],
  ])('%j is refused with its place', (text, expected) => {
    const [first] = problems(text)
    if (typeof expected === 'string') expect(first).toBe(expected)
    else expect(first).toMatch(expected)
  })

  test('never shows what it holds', () => {
    const text = 'sasl-password: "hunter2\nregistry-auth: hunter2: hunter2\n@hunter2\n'
    expect(problems(text).length).toBeGreaterThan(0)
    expect(problems(text).join('\n')).not.toContain('hunter2')
  })

  test('is bounded in bytes, in depth, and in what aliases make of it', () => {
    expect(problems(`a: ${'x'.repeat(300 * 1024)}`)).toEqual([
      'k2.yaml is larger than 256 KiB, which no config file is',
    ])
    expect(problems(`a: ${'['.repeat(40)}${']'.repeat(40)}`)[0]).toMatch(/ is too deep or too much$/)
    expect(problems(`a: ${'['.repeat(5000)}`)[0]).toMatch(/^k2\.yaml/)
    const names = [...'abcdefgh']
    const laughs = names.map((name, index) => {
      const inner = index === 0 ? 'ha' : `*${names[index - 1]}`
      return `${name}: &${name} [${Array(9).fill(inner).join(', ')}]`
    })
    expect(problems(laughs.join('\n'))).toEqual([
      expect.stringMatching(/ is (?:too deep or too much|more than 100 aliases)$/),
    ])
    expect(problems('a: &x [*x]\n').length).toBeGreaterThan(0)
  })
})
