// The built program as a child process: started, signalled and killed by its own process object, with what it wrote.
// Needs `npm run build` first, as `npm test` does.
import {
  type ChildProcess,
  type ChildProcessByStdio,
  type SpawnOptionsWithStdioTuple,
  type StdioNull,
  type StdioPipe,
  spawn,
} from 'node:child_process'
import { existsSync, mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { onTestFinished } from 'vitest'
import type { VerifyReport } from '../../src/shared/verify/report.ts'
import { builtCli, plainEnvironment } from './built-k2.ts'

export interface K2Ended {
  /** Null where a signal ended it. */
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly out: string
  readonly err: string
}

export interface K2Process {
  /** -1 where it could not be started. */
  readonly pid: number
  readonly ended: Promise<K2Ended>
  readonly hasEnded: () => boolean
  kill(signal: NodeJS.Signals): void
  /** Resolves once stderr holds `text` that often, or the process has ended. */
  wrote(text: string, times?: number): Promise<void>
  /** How often stderr holds `text` by now. */
  readonly count: (text: string) => number
  /** Commits logged so far. */
  readonly commits: () => number
}

/** Ended at the latest with the test. `limit`: a command of the shell that starts it, such as `ulimit -f 8`. */
export function startK2(words: readonly string[], limit?: string): K2Process {
  if (!existsSync(builtCli)) throw new Error(`${builtCli} is missing: run npm run build first, as npm test does`)
  const options: SpawnOptionsWithStdioTuple<StdioNull, StdioPipe, StdioPipe> = {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: plainEnvironment(),
  }
  const child: ChildProcessByStdio<null, Readable, Readable> =
    limit === undefined
      ? spawn(process.execPath, [builtCli, ...words], options)
      : spawn('/bin/sh', ['-c', `${limit}; exec "$0" "$@"`, process.execPath, builtCli, ...words], options)
  const written = { out: '', err: '' }
  const listeners = new Set<() => void>()
  const collect = (which: keyof typeof written) => (text: string) => {
    written[which] += text
    for (const listener of [...listeners]) listener()
  }
  child.stdout.setEncoding('utf8').on('data', collect('out'))
  child.stderr.setEncoding('utf8').on('data', collect('err'))
  const ended = new Promise<K2Ended>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => {
      resolve({ code, signal, ...written })
      for (const listener of [...listeners]) listener()
    })
  })
  onTestFinished(() => endChild(child, ended))
  const count = (text: string): number => written.err.split(text).length - 1
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null
  return {
    pid: child.pid ?? -1,
    ended,
    hasEnded,
    kill: (signal) => void child.kill(signal),
    count,
    commits: () => commitsIn(written.err),
    wrote: (text, times = 1) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (count(text) < times && !hasEnded()) return
          listeners.delete(look)
          resolve()
        }
        listeners.add(look)
        look()
      }),
  }
}

async function endChild(child: ChildProcess, ended: Promise<K2Ended>): Promise<void> {
  child.kill('SIGKILL')
  await ended
}

export const k2 = (...words: readonly string[]): Promise<K2Ended> => startK2(words).ended

/** Removed after the test. */
export function temporaryFolder(): string {
  const path = mkdtempSync(join(tmpdir(), 'k2-fault-'))
  onTestFinished(() => rm(path, { recursive: true, force: true, maxRetries: 5 }))
  return path
}

/** Where one line of a test reads and writes. */
export interface Place {
  readonly folder: string
  readonly log: string
  readonly catalog: string
  readonly warehouse: string
  /** --source, --catalog and --warehouse of run and verify. */
  readonly words: readonly string[]
}

export function placeIn(folder: string): Place {
  const [log, catalog, warehouse] = [join(folder, 'log'), join(folder, 'catalog.db'), join(folder, 'warehouse')]
  const words = ['--source', log, '--catalog', `sqlite:${catalog}`, '--warehouse', warehouse]
  return { folder, log, catalog, warehouse, words }
}

export interface Proof {
  readonly verdict: string
  readonly tables: readonly VerifyReport[]
}

/** What `k2 verify --json` found; throws where it could not compare. */
export async function verifyPlace(place: Place): Promise<Proof> {
  const { code, out, err } = await k2('verify', ...place.words, '--json')
  if (code !== 0 && !out.includes('"verdict"')) throw new Error(`k2 verify ended with ${code}: ${err}`)
  return JSON.parse(out)
}

/** Transactions that a run logged. */
export const commitsIn = (err: string): number => err.split('Iceberg transaction committed').length - 1

/** What a run said to a person: its stderr without the log. */
export const saidIn = (err: string): readonly string[] =>
  err.split('\n').filter((line) => line !== '' && !line.startsWith('{'))
