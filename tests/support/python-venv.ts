// A Python environment with readers that are not ours (pyiceberg, DuckDB, librdkafka), made once in `.venv/` of the repository and made anew
// when the pinned requirements change. Several test processes may ask at once: one makes it, the others wait.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const repository = fileURLToPath(new URL('../../', import.meta.url))
const readers = join(repository, 'tests', 'support', 'readers')
const lockAgeMsMax = 5 * 60_000

/** A folder with the packages of one requirements file. */
class Environment {
  readonly #folder: string
  readonly #requirements: string

  constructor(folder: string, requirements: string) {
    this.#folder = folder
    this.#requirements = requirements
  }

  /** Path of its python, made where it is not there as wanted. */
  async python(): Promise<string> {
    const text = await readFile(this.#requirements)
    const wanted = createHash('sha256').update(text).digest('hex')
    const lock = join(this.#folder, '.k2-lock')
    while (!(await this.#isReady(wanted))) {
      await mkdir(this.#folder, { recursive: true })
      if (await takeLock(lock)) {
        try {
          await this.#install(wanted)
        } finally {
          await rm(lock, { recursive: true, force: true })
        }
      } else await sleep(200)
    }
    return this.#python
  }

  get #python(): string {
    return join(this.#folder, 'bin', 'python')
  }

  get #marker(): string {
    return join(this.#folder, '.k2-requirements')
  }

  async #isReady(wanted: string): Promise<boolean> {
    return existsSync(this.#python) && existsSync(this.#marker) && (await readFile(this.#marker, 'utf8')) === wanted
  }

  async #install(wanted: string): Promise<void> {
    const system = await findPython()
    await run(system, ['-m', 'venv', this.#folder]).catch((error: unknown) => {
      throw new Error(`tests need Python's venv module (Debian: apt-get install python3-venv): ${String(error)}`)
    })
    const options = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', this.#requirements]
    await run(this.#python, options).catch((error: unknown) => {
      throw new Error(`tests could not install ${this.#requirements}: ${String(error)}`)
    })
    await writeFile(this.#marker, wanted)
  }
}

const standard = new Environment(join(repository, '.venv'), join(readers, 'requirements.txt'))

/** Path of the environment's python. Takes about half a minute the first time. Throws an Error that says what is missing. */
export const pythonWithReaders = (): Promise<string> => standard.python()

/** The same for a reader whose packages are large or of other versions: those of `readers/<name>/requirements.txt`. */
export const pythonOf = (name: string): Promise<string> =>
  new Environment(join(repository, '.venv', name), join(readers, name, 'requirements.txt')).python()

/** Runs one of the scripts in tests/support/readers and parses the JSON that it prints. */
export async function runReader(script: string, ...argv: readonly string[]): Promise<unknown> {
  const interpreter = await pythonWithReaders()
  const { stdout } = await run(interpreter, [join(readers, script), ...argv], { maxBuffer: 64 * 1024 * 1024 })
  return JSON.parse(stdout)
}

/** Making a folder is atomic. A lock left by a process that was killed is taken over after a while. */
async function takeLock(lock: string): Promise<boolean> {
  try {
    await mkdir(lock)
    return true
  } catch {
    const made = await stat(lock).catch(() => null)
    if (made !== null && Date.now() - made.mtimeMs > lockAgeMsMax) await rm(lock, { recursive: true, force: true })
    return false
  }
}

async function findPython(): Promise<string> {
  const found: string[] = []
  for (const name of ['python3', 'python3.13', 'python3.12', 'python3.11', 'python3.10']) {
    const version = await run(name, ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])']).then(
      ({ stdout }) => stdout.trim(),
      () => null,
    )
    if (version === null) continue
    const [major = 0, minor = 0] = version.split('.').map(Number)
    if (major === 3 && minor >= 10) return name
    found.push(`${name} is ${version}`)
  }
  throw new Error(`tests need Python 3.10 or newer as python3; ${found.join(', ') || 'no python3 found'}`)
}
