// `k2 services up | status | down`: real servers on 127.0.0.1, without Docker. Main thread; prints, the work is in ../services.
import { resolve } from 'node:path'
import type { Config } from '../../shared/config.ts'
import { type CommandIo, jsonLine } from '../command.ts'
import {
  type ServiceStatus,
  type ServicesPlan,
  servicesDown,
  servicesStatus,
  servicesUp,
} from '../services/services.ts'
import { renderServices, runOptions, serviceDocument } from '../terminal/services.ts'
import { styleFor } from '../terminal/style.ts'

/** Far more than the slowest takes on a busy machine: the registry, 25 s. */
const READY_MS_MAX = 180_000

type ServicesConfig = Config<'services up'> | Config<'services status'> | Config<'services down'>

function planOf(config: ServicesConfig, io: CommandIo): ServicesPlan {
  return {
    folder: resolve(config.dir),
    cache: 'cache' in config ? resolve(config.cache) : '',
    only: config.only,
    ports: 'ports' in config ? (config.ports ?? {}) : {},
    readyMsMax: READY_MS_MAX,
    notice: (service, text) => io.err.write(`${service}: ${text}\n`),
  }
}

export async function servicesUpCommand(config: Config<'services up'>, io: CommandIo): Promise<number> {
  const plan = planOf(config, io)
  await servicesUp(plan)
  return report(await servicesStatus(plan), config, io)
}

export async function servicesStatusCommand(config: Config<'services status'>, io: CommandIo): Promise<number> {
  return report(await servicesStatus(planOf(config, io)), config, io)
}

export async function servicesDownCommand(config: Config<'services down'>, io: CommandIo): Promise<number> {
  const endings = await servicesDown(planOf(config, io))
  if (config.json) io.out.write(jsonLine({ services: [...endings].map(([service, ending]) => ({ service, ending })) }))
  else if (endings.size === 0) io.out.write('nothing runs\n')
  return 0
}

/** Exit code 1 where something that should run is not well: what was started and not taken down, and what --only names. */
function report(
  statuses: readonly ServiceStatus[],
  config: Config<'services up'> | Config<'services status'>,
  io: CommandIo,
): number {
  const isAmiss = statuses.some(({ state }) =>
    state.kind === 'stopped' ? config.only !== null : state.kind !== 'healthy',
  )
  if (config.json) {
    io.out.write(jsonLine({ services: statuses.map(serviceDocument), options: runOptions(statuses) }))
  } else {
    io.out.write(renderServices(statuses, styleFor(io.out)))
  }
  return isAmiss ? 1 : 0
}
