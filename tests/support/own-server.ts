// A server of one test file, installed and started as `k2 services` does it, in a temporary folder of its own and on free ports;
// signalled by the pid that was written down for it. It is detached: `remove` must be called.
import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isRunning } from '../../src/main/services/server-process.ts'
import { type ServicesPlan, servicesStatus, servicesUp } from '../../src/main/services/services.ts'
import { readState } from '../../src/main/services/state-file.ts'
import { IngestError } from '../../src/shared/errors.ts'
import type { PortName, ServiceName } from '../../src/shared/service-names.ts'

/** The one of `k2 services`: what is there is not installed again. */
export const servicesCache = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'k2', 'services')

const RESUME_TRIES_MAX = 50

export class OwnServer {
  /** Its data and settings. */
  readonly data: string
  readonly #name: ServiceName
  readonly #plan: ServicesPlan

  private constructor(name: ServiceName, brokerSettings: string) {
    const folder = mkdtempSync(join(tmpdir(), `k2-${name}-`))
    this.data = join(folder, name)
    this.#name = name
    const notice = (): void => undefined
    this.#plan = { folder, cache: servicesCache, only: [name], ports: {}, readyMsMax: 180_000, brokerSettings, notice }
  }

  static async start(name: ServiceName, ports: readonly PortName[], brokerSettings = ''): Promise<OwnServer> {
    const server = new OwnServer(name, brokerSettings)
    const free = Object.fromEntries(ports.map((port) => [port, 0]))
    await servicesUp({ ...server.#plan, ports: free })
    return server
  }

  /** Starts it on what it held, where it was. One that was killed may hold its ports a moment longer than it is listed as running. */
  async resume(): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        await servicesUp(this.#plan)
        return
      } catch (error) {
        const isTaken = error instanceof IngestError && error.code === 'SERVICE_PORT'
        if (!isTaken || tries === RESUME_TRIES_MAX) throw error
        await sleep(200)
      }
    }
  }

  async address(): Promise<string> {
    const [status] = await servicesStatus(this.#plan)
    if (status === undefined) throw new Error(`${this.#name} is none of k2 services`)
    return status.address
  }

  /** To the process that was started last, if it still runs. */
  async signal(signal: NodeJS.Signals): Promise<void> {
    const server = await this.#process()
    if (server !== null) process.kill(server.pid, signal)
  }

  /** Signalled, and gone. */
  async stop(signal: NodeJS.Signals): Promise<void> {
    const server = await this.#process()
    if (server === null) return
    process.kill(server.pid, signal)
    while (await isRunning(server)) await sleep(20)
  }

  async remove(signal: NodeJS.Signals): Promise<void> {
    await this.stop(signal)
    await rm(this.#plan.folder, { recursive: true, force: true, maxRetries: 5 })
  }

  async #process(): Promise<{ readonly pid: number; readonly identity: string } | null> {
    const record = (await readState(this.#plan.folder))[this.#name]
    return record?.kind === 'started' && (await isRunning(record)) ? record : null
  }
}
