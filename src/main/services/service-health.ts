// Whether a server that was started is well: asked once for `status`, waited for in `up`. Main thread.
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { IngestError } from '../../shared/errors.ts'
import type { Ports } from '../../shared/service-names.ts'
import { isRunning, type ServerProcess } from './server-process.ts'
import type { Service } from './service.ts'

const POLL_MS_MIN = 50
const POLL_MS_MAX = 500
const LOG_LINE_MAX = 300

/** Null while it is well, else the reason. */
export const askHealth = (service: Service, ports: Ports): Promise<string | null> =>
  service.probe(ports).then(
    () => null,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  )

/** Resolves once it is well. Errors: SERVICE_START where it ends before or takes longer than it may. */
export async function waitHealthy(
  service: Service,
  server: ServerProcess,
  ports: Ports,
  { log, readyMsMax }: { readonly log: string; readonly readyMsMax: number },
): Promise<void> {
  const startMs = performance.now()
  for (let pollMs = POLL_MS_MIN; ; pollMs = Math.min(POLL_MS_MAX, pollMs * 1.5)) {
    const reason = await askHealth(service, ports)
    // Its own process must be there too: what answers on its port could be another.
    const runs = await isRunning(server)
    if (reason === null && runs) return
    if (!runs) throw failure(service, log, `it ended: ${await lastLine(log)}`)
    if (performance.now() - startMs > readyMsMax)
      throw failure(service, log, `not well after ${readyMsMax} ms: ${reason}`)
    await sleep(pollMs)
  }
}

const failure = (service: Service, log: string, reason: string): IngestError =>
  new IngestError('SERVICE_START', { service: service.name, log }, new Error(reason))

async function lastLine(log: string): Promise<string> {
  const lines = (await readFile(log, 'utf8').catch(() => '')).trimEnd().split('\n')
  return (lines.at(-1) ?? '').slice(0, LOG_LINE_MAX)
}
