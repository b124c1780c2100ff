// Runs the built program as a user would, as a process of its own. Invariant: a command that fails ends the bench with what it
// printed; a figure of something that did not work is no figure.
import { spawn } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { BenchOptions } from './figure.ts'

export interface K2End {
  readonly out: string
  readonly durationMs: number
}

/** Path of the built command line. */
export const k2Path = (root: string): string => join(root, 'dist/main/cli.js')

/** Runs a command of `dist` to its end. `K2_*` variables of the shell are left out. Errors: its output, where it exits other than 0. */
export function runK2(options: Pick<BenchOptions, 'root'>, words: readonly string[]): Promise<K2End> {
  return runNode([k2Path(options.root), ...words])
}

/** Runs Node with these words. */
export const runNode = (words: readonly string[]): Promise<K2End> => startNode(words).ended

export interface K2Started {
  readonly pid: number
  /** Rejects where it exits other than 0, with its output. */
  readonly ended: Promise<K2End>
  kill(signal: NodeJS.Signals): void
}

/** As `runK2`, not waited for. */
export const startK2 = (options: Pick<BenchOptions, 'root'>, words: readonly string[]): K2Started =>
  startNode([k2Path(options.root), ...words])

function startNode(words: readonly string[]): K2Started {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('K2_')))
  const startMs = performance.now()
  const child = spawn(process.execPath, [...words], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const endChild = (): void => void child.kill('SIGKILL')
  process.once('exit', endChild)
  const ended = new Promise<K2End>((resolve, reject) => {
    let out = ''
    let err = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err = (err + text).slice(-4000)
    })
    child.on('error', reject)
    child.on('close', (code, signal) => {
      process.off('exit', endChild)
      const durationMs = performance.now() - startMs
      if (code === 0) resolve({ out, durationMs })
      else reject(new Error(`k2 ${words.slice(1).join(' ')} ended with ${code ?? signal}\n${err}\n${out.slice(-2000)}`))
    })
  })
  return { pid: child.pid ?? 0, ended, kill: (signal) => void child.kill(signal) }
}

/** Writes a log of synthetic trades, or finds it written by an earlier figure. Returns its directory. */
export async function syntheticLog(options: BenchOptions, messages: number, codec: string): Promise<string> {
  const directory = join(options.folder, `log-${codec}-${messages}`)
  const limits = ['--messages', String(messages), '--partitions', '8', '--codec', codec]
  await runK2(options, ['feed', 'synthetic', '--to', directory, ...limits, '--json'])
  return directory
}

/** Bytes of the segments of a log directory, of the topics whose name begins so. */
export function logBytes(directory: string, topic: string): number {
  let bytes = 0
  for (const folder of readdirSync(directory)) {
    const path = join(directory, folder)
    if (!folder.startsWith(topic) || !statSync(path).isDirectory()) continue
    for (const name of readdirSync(path)) if (name.endsWith('.log')) bytes += statSync(join(path, name)).size
  }
  return bytes
}
