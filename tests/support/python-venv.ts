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
const folder = join(repository, '.venv')
const python = join(folder, 'bin', 'python')
const marker = join(folder, '.k2-requirements')
const lock = join(folder, '.k2-lock')
const lockAgeMsMax = 5 * 60_000

/** Path of the environment's python. Takes about half a minute the first time. Throws an Error that says what is missing. */
export async function pythonWithReaders(): Promise<string> {
  const requirements = await readFile(join(readers, 'requirements.txt'))
  const wanted = createHash('sha256').update(requirements).digest('hex')
  while (!(await isReady(wanted))) {
    await mkdir(folder, { recursive: true })
    if (await takeLock()) {
      try {
        await install(wanted)
      } finally {
        await rm(lock, { recursive: true, force: true })
      }
    } else await sleep(200)
  }
  return python
}

/** Runs one of the scripts in tests/support/readers and parses the JSON that it prints. */
export async function runReader(script: string, ...argv: readonly string[]): Promise<unknown> {
  const interpreter = await pythonWithReaders()
  const { stdout } = await run(interpreter, [join(readers, script), ...argv], { maxBuffer: 64 * 1024 * 1024 })
  return JSON.parse(stdout)
}

async function isReady(wanted: string): Promise<boolean> {
  return existsSync(python) && existsSync(marker) && (await readFile(marker, 'utf8')) === wanted
}

/** Making a folder is atomic. A lock left by a process that was killed is taken over after a while. */
async function takeLock(): Promise<boolean> {
  try {
    await mkdir(lock)
    return true
  } catch {
    const made = await stat(lock).catch(() => null)
    if (made !== null && Date.now() - made.mtimeMs > lockAgeMsMax) await rm(lock, { recursive: true, force: true })
    return false
  }
}

async function install(wanted: string): Promise<void> {
  const system = await findPython()
  await run(system, ['-m', 'venv', folder]).catch((error: unknown) => {
    throw new Error(`tests need Python's venv module (Debian: apt-get install python3-venv): ${String(error)}`)
  })
  const options = [
    '-m',
    'pip',
    'install',
    '--quiet',
    '--disable-pip-version-check',
    '-r',
    join(readers, 'requirements.txt'),
  ]
  await run(python, options).catch((error: unknown) => {
    throw new Error(`tests could not install tests/support/readers/requirements.txt: ${String(error)}`)
  })
  await writeFile(marker, wanted)
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
