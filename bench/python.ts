// The Python environment of the peers: made once in `.k2/` of the repository from pinned requirements, under a name that changes with
// them. Invariant: what is missing is said, so that a figure which needs Python is reported as not measured and never passed over.
import { execFile, execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const COMMANDS = ['python3', 'python3.13', 'python3.12', 'python3.11', 'python3.10'] as const

export type Python =
  | { readonly kind: 'ready'; readonly path: string; readonly version: string }
  | { readonly kind: 'missing'; readonly reason: string }

/** Takes about a minute the first time. */
export async function openPython(root: string): Promise<Python> {
  const requirements = join(root, 'bench/peers/requirements.txt')
  const name = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 8)
  const folder = join(root, '.k2', `bench-python-${name}`)
  const path = join(folder, 'bin', 'python')
  if (!existsSync(path)) {
    const reason = await install(folder, requirements).catch((error: unknown) => String(error).slice(0, 400))
    if (reason !== null) return { kind: 'missing', reason }
  }
  const version = execFileSync(path, ['--version'], { encoding: 'utf8' }).trim()
  return { kind: 'ready', path, version }
}

/** Whole under its final name: its programs run by it alone, as `python <script>`, so that it may be renamed. */
async function install(folder: string, requirements: string): Promise<string | null> {
  const system = await findPython()
  if (system === null)
    return `no Python from 3.10 on: ${COMMANDS.join(', ')} were tried (Debian: apt-get install python3 python3-venv)`
  process.stderr.write('installing the Python packages of bench/peers/requirements.txt (once)\n')
  const unfinished = `${folder}.${process.pid}`
  mkdirSync(unfinished, { recursive: true })
  try {
    await run(system, ['-m', 'venv', unfinished])
    const words = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements]
    await run(join(unfinished, 'bin', 'python'), words)
    renameSync(unfinished, folder)
    return null
  } finally {
    rmSync(unfinished, { recursive: true, force: true })
  }
}

async function findPython(): Promise<string | null> {
  const question = 'import sys, venv; sys.exit(0 if sys.version_info >= (3, 10) else 1)'
  for (const command of COMMANDS) {
    const isFit = await run(command, ['-c', question]).then(
      () => true,
      () => false,
    )
    if (isFit) return command
  }
  return null
}

/** Runs one of the scripts in bench/peers and parses what it prints. Errors: what it said, where it exits other than 0. */
export async function runPeer(
  python: { readonly path: string },
  root: string,
  script: string,
  words: readonly string[],
): Promise<unknown> {
  const { stdout } = await run(python.path, [join(root, 'bench/peers', script), ...words], {
    maxBuffer: 64 * 1024 * 1024,
  })
  return JSON.parse(stdout)
}
