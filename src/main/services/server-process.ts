// Starts a server as a process of its own that outlives k2, and ends it by its pid. Main thread. Invariant: no signal goes to a
// process that is not the very one that was started.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { open } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { IngestError } from '../../shared/errors.ts'
import { identityOf } from './process-identity.ts'
import type { Launch } from './service.ts'

export interface ServerProcess {
  readonly pid: number
  readonly identity: string
}

const POLL_MS = 50
const TERM_MS_MAX = 30_000
const KILL_MS_MAX = 10_000

/** As a shell would take it; env(1) sets the variables and becomes the server, with the same pid. */
export const commandLine = (launch: Launch): readonly string[] => [
  ...Object.entries(launch.environment).map(([name, value]) => `${name}=${value}`),
  launch.command,
  ...launch.words,
]

/** Output goes to the end of the log file. Errors: SERVICE_START. */
export async function startServer(service: string, launch: Launch, log: string): Promise<ServerProcess> {
  const file = await open(log, 'a')
  try {
    await file.write(`--- k2 starts ${service}: ${launch.command} ${launch.words.join(' ')}\n`)
    const child = spawn('env', commandLine(launch), {
      cwd: launch.folder,
      detached: true,
      stdio: ['ignore', file.fd, file.fd],
    })
    await once(child, 'spawn')
    child.unref()
    const { pid } = child
    const identity = pid === undefined ? null : await identityOf(pid)
    if (pid === undefined || identity === null) throw new Error('it ended at once')
    return { pid, identity }
  } catch (error) {
    throw new IngestError('SERVICE_START', { service, log }, error)
  } finally {
    await file.close()
  }
}

export const isRunning = async (server: ServerProcess): Promise<boolean> =>
  (await identityOf(server.pid)) === server.identity

/** How it ended: by itself before, by SIGTERM, or by SIGKILL after the bound. Errors: SERVICE_STOP. */
export type Ending = 'gone' | 'stopped' | 'killed'

export async function stopServer(service: string, server: ServerProcess, termMsMax = TERM_MS_MAX): Promise<Ending> {
  if (!(await isRunning(server))) return 'gone'
  signal(server.pid, 'SIGTERM')
  if (await hasEnded(server, termMsMax)) return 'stopped'
  signal(server.pid, 'SIGKILL')
  if (await hasEnded(server, KILL_MS_MAX)) return 'killed'
  throw new IngestError('SERVICE_STOP', { service, pid: server.pid })
}

function signal(pid: number, name: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    // It ended just now; anything else (no right to) shows as a process that does not end.
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return
  }
}

async function hasEnded(server: ServerProcess, msMax: number): Promise<boolean> {
  for (let waitedMs = 0; waitedMs < msMax; waitedMs += POLL_MS) {
    if (!(await isRunning(server))) return true
    await sleep(POLL_MS)
  }
  return !(await isRunning(server))
}
