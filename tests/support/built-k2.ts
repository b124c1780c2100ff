// The built command line, run to its end. Needs `npm run build` first, as `npm test` does.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Another build can be put to the same tests: `K2_TEST_CLI=/opt/k2/dist/main/cli.js`. */
export const builtCli = process.env['K2_TEST_CLI'] ?? fileURLToPath(new URL('../../dist/main/cli.js', import.meta.url))

export interface Ended {
  /** -1 where a signal ended it. */
  readonly code: number
  readonly out: string
  readonly err: string
}

interface RunOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** Program and words before `dist/main/cli.js`; this Node where it is not given. */
  readonly node?: readonly [string, ...string[]]
}

/** Without K2_* of the machine that runs the tests. */
export function plainEnvironment(): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('K2_')))
}

export function runK2(words: readonly string[], options: RunOptions = {}): Promise<Ended> {
  if (!existsSync(builtCli)) throw new Error(`${builtCli} is missing: run npm run build first, as npm test does`)
  const [program, ...before] = options.node ?? [process.execPath]
  return runProgram(program, [...before, builtCli, ...words], options)
}

/** Any program, run to its end; throws only where it cannot be started. */
export function runProgram(program: string, words: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const env = { ...plainEnvironment(), ...options.env }
  return new Promise((resolve, reject) => {
    const settings = { cwd: options.cwd, env, maxBuffer: 256 * 1024 * 1024 }
    execFile(program, words, settings, (error, out, err) => {
      const code = error === null ? 0 : (error.code ?? -1)
      if (typeof code === 'string') reject(error)
      else resolve({ code, out, err })
    })
  })
}
