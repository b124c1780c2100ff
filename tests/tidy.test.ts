// The repository checks its own rules: sizes, imports, dead files, documents that agree with tables, pins. A rule is changed here,
// on purpose and with a reason, or the code is.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, normalize, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { errorTable } from '../src/shared/errors.ts'
import { generatedBlocks, readBlock, writeBlock } from './support/generated-docs.ts'
import { blankNonCode, findFunctions, findImports } from './support/source-scan.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const LINES_PER_FILE_MAX = 400
const LINES_PER_FUNCTION_MAX = 70

const IGNORED = /(?:^|\/)(?:node_modules|dist(?:\.\d+)?|\.git|\.k2|\.venv|coverage|bench\/results)(?:\/|$)/

function listFiles(folder: string): readonly string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (IGNORED.test(path)) return []
    return entry.isDirectory() ? listFiles(path) : [path]
  })
}

const everyFile = listFiles('')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const inFolders = (...folders: readonly string[]): readonly string[] =>
  everyFile.filter((path) => path.endsWith('.ts') && folders.some((folder) => path.startsWith(`${folder}/`)))
const sources = inFolders('src')
const code = inFolders('src', 'bench', 'tests')

/** `path: reason` for each file that breaks a rule. */
const broken = (paths: readonly string[], rule: (text: string, path: string) => readonly string[]): readonly string[] =>
  paths.flatMap((path) => rule(read(path), path).map((reason) => `${path}: ${reason}`))

describe('sizes', () => {
  test(`no file is longer than ${LINES_PER_FILE_MAX} lines`, () => {
    expect(
      broken(code, (text) => {
        const lines = text.trimEnd().split('\n').length
        return lines > LINES_PER_FILE_MAX ? [`${lines} lines`] : []
      }),
    ).toEqual([])
  })

  test(`no function is longer than ${LINES_PER_FUNCTION_MAX} lines`, () => {
    expect(
      broken(inFolders('src', 'bench'), (text) =>
        findFunctions(text)
          .filter((found) => found.lines > LINES_PER_FUNCTION_MAX)
          .map((found) => `line ${found.line}: a function of ${found.lines} lines`),
      ),
    ).toEqual([])
  })

  test('functions are found with their lengths: declarations, arrows, methods, heads of several lines', () => {
    const sample = [
      'export async function one(',
      '  a: number,',
      '): Promise<number> {',
      '  return a',
      '}',
      'const two = (a: string) => ({',
      '  a,',
      '})',
      'class Three {',
      '  four(a: string): string {',
      '    return `',
      '} // not the end`',
      '  }',
      '}',
    ].join('\n')
    expect(findFunctions(sample)).toEqual([
      { line: 1, lines: 5 },
      { line: 3, lines: 3 },
      { line: 6, lines: 3 },
      { line: 10, lines: 4 },
    ])
  })
})

describe('files', () => {
  test('each opens with a comment on what it owns', () => {
    expect(
      broken(inFolders('src', 'bench'), (text) => (/^(?:#!.*\n)?\/\/ \S/.test(text) ? [] : ['no comment at the top'])),
    ).toEqual([])
  })

  test('there are no barrels and no names that say nothing', () => {
    const vague = /(?:^index|(?:^|-)(?:utils?|helpers?|managers?|misc|common))(?:\.test)?\.ts$/
    expect(code.filter((path) => vague.test(basename(path)))).toEqual([])
  })

  test('each source is reached from the command line or from a worker entry', () => {
    const entries = ['src/main/cli.ts', ...sources.filter((path) => /^src\/workers\/[^/]+-worker\.ts$/.test(path))]
    const reached = new Set<string>()
    const queue = [...entries]
    for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
      if (reached.has(path) || !sources.includes(path)) continue
      reached.add(path)
      for (const { from } of findImports(read(path))) if (from.startsWith('.')) queue.push(resolve(path, from))
    }
    expect(sources.filter((path) => !reached.has(path))).toEqual([])
  })

  /** Used by tests only: transactions, which no feed of ours writes, and what this Node can write. */
  const FOR_TESTS = ['writeTransactionMarker', 'isZstdWritable']

  test('each exported name is used by the program', () => {
    // Not blanked: generated code names the functions it calls in texts.
    const uses = new Map(FOR_TESTS.map((name) => [name, 1]))
    for (const path of sources) {
      for (const [word] of read(path).matchAll(/\w+/g)) uses.set(word, (uses.get(word) ?? 0) + 1)
    }
    expect(
      broken(sources, (text) =>
        [...text.matchAll(/^export (?:async )?(?:const|function|class|interface|type) (\w+)/gm)]
          .map((match) => match[1] ?? '')
          .filter((name) => (uses.get(name) ?? 0) < 2)
          .map((name) => `${name} is used nowhere`),
      ),
    ).toEqual([])
  })
})

const resolve = (path: string, from: string): string => normalize(join(dirname(path), from))
const area = (path: string): string => path.split('/')[1] ?? ''

describe('imports', () => {
  test('shared imports neither main nor workers; these two only types of each other', () => {
    expect(
      broken(sources, (text, path) =>
        findImports(text)
          .filter(({ from }) => from.startsWith('.'))
          .flatMap(({ from, typeOnly }) => {
            const target = area(resolve(path, from))
            const isAllowed =
              target === area(path) ||
              target === 'shared' ||
              (typeOnly && area(path) !== 'shared' && target !== 'shared')
            return isAllowed ? [] : [`imports ${from}`]
          }),
      ),
    ).toEqual([])
  })

  /** The thin shell of src/shared: what opens files. The rest takes bytes, or one of these by its port. */
  const SHELL = [
    'store/',
    'avro/schema-registry.ts',
    'avro/http-registry',
    'iceberg/catalog-database.ts',
    'kafka/log-directory.ts',
    'kafka/log-writer.ts',
    'kafka/segment-file.ts',
    'verify/log-partitions.ts',
  ]
  const core = inFolders('src/shared').filter((path) => !SHELL.some((name) => path.startsWith(`src/shared/${name}`)))

  test('libraries touch no file, thread or network, but for a named few', () => {
    const impure = /^node:(?:fs|net|http|https|dns|child_process|worker_threads|os|process)(?:\/|$)/
    expect(
      broken(core, (text) =>
        findImports(text)
          .filter(({ from }) => impure.test(from))
          .map(({ from }) => `imports ${from}`),
      ),
    ).toEqual([])
  })

  test('libraries take clock and chance as arguments, but for the age limits of streams', () => {
    const chance = /\b(?:Date\.now|Math\.random|performance\.now)\(/g
    const timeless = core.filter((path) => path !== 'src/shared/streams.ts')
    expect(
      broken(timeless, (text) => [...blankNonCode(text).matchAll(chance)].map(([call]) => `calls ${call})`)),
    ).toEqual([])
  })

  test('only the command line reads the environment', () => {
    const readers = sources.filter((path) => blankNonCode(read(path)).includes('process.env'))
    expect(readers.filter((path) => path !== 'src/main/cli.ts')).toEqual([])
  })
})

describe('language', () => {
  const SILENCED = new RegExp(['@ts', '(?:ignore|expect-error|nocheck)'].join('-'))
  /** A test of types (`….types.ts`) is a list of what must not compile, each with its reason. */
  const EXPECTED = new RegExp(['// @ts', 'expect-error: \\S'].join('-'), 'g')

  test('no any, enum, non-null assertion or silenced compiler', () => {
    const rules: ReadonlyArray<readonly [string, RegExp]> = [
      ['any', /(?::|<|\||&|\bas)\s*any\b(?!\s*[(:.])/],
      ['enum', /^\s*(?:export )?(?:declare )?(?:const )?enum\s/m],
      ['non-null assertion', /[\w)\]]!(?:[.,;)\][}]|\s*$)/m],
    ]
    expect(
      broken(code, (text, path) => {
        const blanked = blankNonCode(text)
        const found = rules.filter(([, rule]) => rule.test(blanked)).map(([name]) => name)
        const isTypeTest = /^tests\/.*\.types\.ts$/.test(path)
        return SILENCED.test(isTypeTest ? text.replaceAll(EXPECTED, '') : text) ? [...found, '@ts-…'] : found
      }),
    ).toEqual([])
  })

  test('no test is skipped or alone', () => {
    const gated = /\b(?:test|it|describe|suite)(?:\.\w+)*\.(?:skip|only|todo|fails|skipIf|runIf)\b|\bx(?:it|describe)\(/
    expect(
      broken(inFolders('tests'), (text) => (gated.test(blankNonCode(text)) ? ['skips or singles out a test'] : [])),
    ).toEqual([])
  })

  test('nothing is left to do later', () => {
    const later = new RegExp(['TO', 'DO|FIX', 'ME|XX', 'X'].join(''))
    expect(broken(code, (text) => (later.test(text) ? ['a note to do something later'] : []))).toEqual([])
  })
})

describe('documents', () => {
  test.each(generatedBlocks)(
    '$file holds the $name as the tables have them (npm run docs writes them)',
    (generated) => {
      const { file, name, block } = generated
      if (process.env['UPDATE_DOCS'] === '1') writeFileSync(join(root, file), writeBlock(read(file), name, block()))
      expect(readBlock(read(file), name)).toBe(block())
    },
  )

  test('each error code can happen', () => {
    const texts = sources.filter((path) => path !== 'src/shared/errors.ts').map(read)
    const unused = Object.keys(errorTable).filter((name) => !texts.some((text) => text.includes(`'${name}'`)))
    expect(unused).toEqual([])
  })

  test('each document that a text points to is there', () => {
    const pointers = [...sources, 'README.md'].flatMap((path) =>
      [...read(path).matchAll(/\bdocs\/[\w-]+\.md\b/g)].map(([target]) => ({ path, target })),
    )
    expect(
      pointers.filter(({ target }) => !everyFile.includes(target)).map(({ path, target }) => `${path}: ${target}`),
    ).toEqual([])
  })
})

interface Manifest {
  readonly scripts: Readonly<Record<string, string>>
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
}

const manifest: Manifest = JSON.parse(read('package.json'))

test('each npm command that a document tells to run is there, and CI runs the one of the README', () => {
  const documents = everyFile.filter((path) => path.endsWith('.md'))
  expect(
    broken(documents, (text) =>
      [...text.matchAll(/\bnpm run ([\w:-]+)/g)]
        .filter(([, script = '']) => manifest.scripts[script] === undefined)
        .map(([command]) => `${command} is no script`),
    ),
  ).toEqual([])
  expect(read('README.md')).toContain('```sh\nnpm ci && npm test\n```')
  expect(read('.ci/run')).toContain('npm ci && npm test')
})

describe('dependencies', () => {
  const pins = { ...manifest.dependencies, ...manifest.devDependencies }

  test('are pinned exactly', () => {
    expect(Object.entries(pins).filter(([, version]) => !/^\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(version))).toEqual([])
  })

  test('have a line each in docs/dependencies.md, and no line is without one', () => {
    const lines = [...read('docs/dependencies.md').matchAll(/^\| `([^`]+)` \| ([^|]+) \|/gm)]
    const documented = Object.fromEntries(lines.map((match) => [match[1] ?? '', (match[2] ?? '').trim()]))
    expect(documented).toEqual(pins)
  })

  test('are used: those of the program by src, those of development by tests, bench or a script', () => {
    const imported = (paths: readonly string[]): readonly string[] =>
      paths.flatMap((path) => findImports(read(path))).map(({ from }) => from)
    const isOf = (name: string, from: string): boolean => from === name || from.startsWith(`${name}/`)
    const [bySrc, byAll] = [imported(sources), imported([...code, 'vitest.config.ts'])]
    const program = Object.keys(manifest.dependencies).filter((name) => !bySrc.some((from) => isOf(name, from)))
    const scripts = Object.values(manifest.scripts).join(' ')
    /** Tools named otherwise in the scripts than as packages; types that the compiler finds by itself. */
    const TOOLS: Readonly<Record<string, string>> = {
      typescript: 'tsc',
      '@biomejs/biome': 'biome',
      '@types/node': 'tsc',
    }
    const development = Object.keys(manifest.devDependencies).filter(
      (name) => !byAll.some((from) => isOf(name, from)) && !scripts.includes(TOOLS[name] ?? name),
    )
    expect([...program, ...development]).toEqual([])
  })

  test('come from wherever the user’s npm is set to: no file names a registry or a path of one machine', () => {
    const hosts = [
      'registry.npmjs',
      'npmjs.org',
      'pypi.org',
      'pythonhosted',
      'repo1.maven',
      'repo.maven',
      'proxy.golang',
      'crates.io',
      'npmmirror',
    ]
    const paths = new RegExp(`(?<![\\w.*)}])/(?:${['work', 'root', 'home', 'Users'].join('|')})/\\w`)
    const texts = everyFile.filter(
      (path) => !/\.(?:gz|png|parquet|avro|log|db)$/.test(path) && path !== 'tests/tidy.test.ts',
    )
    expect(
      broken(texts, (text) => [
        ...hosts.filter((host) => text.includes(host)).map((host) => `names ${host}`),
        ...(paths.test(text) ? [`names a path of one machine: ${paths.exec(text)?.[0]}`] : []),
      ]),
    ).toEqual([])
  })
})

test('tests mirror src: each test file of a folder of src stands beside a file it tests', () => {
  const folders = inFolders('tests/shared', 'tests/main', 'tests/workers').map((path) =>
    relative('tests', dirname(path)),
  )
  expect([...new Set(folders)].filter((folder) => !sources.some((path) => path.startsWith(`src/${folder}/`)))).toEqual(
    [],
  )
})
