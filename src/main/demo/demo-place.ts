// Where the trades of a demo go through: a log directory, or a Kafka broker and a schema registry that are started for it. Main
// thread; the words of the commands are all that differs.
import { join, resolve } from 'node:path'
import type { ServiceName } from '../../shared/service-names.ts'
import { type ServiceStatus, type ServicesPlan, servicesStatus, servicesUp } from '../services/services.ts'
import { SERVICES } from './demo-folder.ts'

/** Options of the commands on the source of the table. */
export interface DemoPlace {
  readonly feed: readonly string[]
  readonly run: readonly string[]
  readonly verify: readonly string[]
  /** What brings the source back after the demo. */
  readonly again: readonly string[] | null
}

export function directoryPlace(dir: string): DemoPlace {
  const log = join(dir, 'log')
  return { feed: ['--to', log], run: ['--source', log], verify: ['--source', log], again: null }
}

const SERVERS = ['kafka', 'registry'] as const satisfies readonly ServiceName[]
const GROUP = 'k2-demo'
/** Shorter than the default: the group waits that long for the member that was killed. */
const SESSION_TIMEOUT = '6s'
const READY_MS_MAX = 180_000

export const serversFolder = (dir: string): string => join(dir, SERVICES)

/** As a user would type it. Any free ports: the standard ones may be those of other servers. */
export const upWords = (dir: string): readonly string[] => [
  ...['services', 'up', '--dir', serversFolder(dir), '--only', SERVERS.join(',')],
  ...['--ports', 'kafka=0,controller=0,registry=0'],
]

/** What {@link upWords} does, in this process: a Ctrl-C ends nothing half-way. Errors: SERVICE_*. */
export async function startServers(
  dir: string,
  cache: string,
  notice: ServicesPlan['notice'],
): Promise<readonly ServiceStatus[]> {
  const plan: ServicesPlan = {
    folder: resolve(serversFolder(dir)),
    cache: resolve(cache),
    only: SERVERS,
    ports: { kafka: 0, controller: 0, registry: 0 },
    readyMsMax: READY_MS_MAX,
    notice,
  }
  await servicesUp(plan)
  return servicesStatus(plan)
}

export function brokersPlace(dir: string, topic: string, servers: readonly ServiceStatus[]): DemoPlace {
  const addressOf = (name: ServiceName): string => servers.find(({ service }) => service === name)?.address ?? ''
  const place = ['--brokers', addressOf('kafka'), '--registry', addressOf('registry')]
  const source = [...place, '--registry-cache', join(dir, 'schemas'), '--topic', topic]
  return {
    feed: place,
    run: [...source, '--group', GROUP, '--session-timeout', SESSION_TIMEOUT],
    verify: source,
    again: ['services', 'up', '--dir', serversFolder(dir), '--only', SERVERS.join(',')],
  }
}
