// `up`, `down` and `status` over the servers of one folder. Main thread. Invariant: `up` starts nothing unless everything that it
// needs is there and every port is free; what it started and did not become well, it ends again.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type ErrorContext, IngestError } from '../../shared/errors.ts'
import { type PortName, type Ports, type ServiceName, serviceNames } from '../../shared/service-names.ts'
import { install, installedFolder, isInstalled, toolRunner } from './installation.ts'
import { surveyRuntimes, surveyTools, toolsUnasked } from './machine.ts'
import { portHolder } from './port-holder.ts'
import { choosePorts, isPortFree, sharedPorts } from './ports.ts'
import { type Ending, isRunning, startServer, stopServer } from './server-process.ts'
import type { Runtimes, Service } from './service.ts'
import { askHealth, waitHealthy } from './service-health.ts'
import { chosenServices, serviceTable } from './service-table.ts'
import { withFolder } from './services-folder.ts'
import { readState, type ServiceRecord, type ServicesState, writeState } from './state-file.ts'

export interface ServicesPlan {
  /** Absolute. */
  readonly folder: string
  /** Absolute. */
  readonly cache: string
  readonly only: readonly ServiceName[] | null
  readonly ports: Readonly<Partial<Record<PortName, number>>>
  /** How long a server may take until it is well. */
  readonly readyMsMax: number
  /** Lines of Kafka's server.properties that count before those of K2. */
  readonly brokerSettings?: string
  /** Told what happens, as it happens. */
  readonly notice: (service: ServiceName, text: string) => void
}

export type ServiceState =
  | { readonly kind: 'healthy'; readonly pid: number }
  | { readonly kind: 'unhealthy'; readonly pid: number; readonly reason: string }
  /** Started once, and no longer there. */
  | { readonly kind: 'died'; readonly pid: number }
  | { readonly kind: 'stopped' }

export interface ServiceStatus {
  readonly service: ServiceName
  readonly title: string
  readonly state: ServiceState
  readonly address: string
  readonly log: string
}

type Started = Extract<ServiceRecord, { kind: 'started' }>
/** For what does not depend on the machine: ports, addresses, probes. */
const anyTable = serviceTable({ redisServer: null, java: null })
const logFile = (folder: string, name: ServiceName): string => join(folder, `${name}.log`)

/** How each chosen server is; changes nothing. Errors: SERVICE_STATE. */
export async function servicesStatus(plan: ServicesPlan): Promise<readonly ServiceStatus[]> {
  const state = await readState(plan.folder)
  const ports = await choosePorts({}, rememberedPorts(state))
  return Promise.all(
    chosenServices(anyTable, plan.only).map(async (service) => ({
      service: service.name,
      title: service.title,
      state: await stateOf(service, state[service.name], ports),
      address: service.address(ports),
      log: logFile(plan.folder, service.name),
    })),
  )
}

async function stateOf(service: Service, record: ServiceRecord | undefined, ports: Ports): Promise<ServiceState> {
  if (record?.kind !== 'started') return { kind: 'stopped' }
  const { pid } = record
  if (!(await isRunning(record))) return { kind: 'died', pid }
  const reason = await askHealth(service, ports)
  return reason === null ? { kind: 'healthy', pid } : { kind: 'unhealthy', pid, reason }
}

/** The ports that the servers of this folder had. */
function rememberedPorts(state: ServicesState): Readonly<Partial<Record<PortName, number>>> {
  const ports: Partial<Record<PortName, number>> = {}
  for (const name of serviceNames) {
    for (const port of anyTable[name].ports) {
      const had = state[name]?.ports[port]
      if (had !== undefined) ports[port] = had
    }
  }
  return ports
}

/** Ends the chosen servers that this folder started, all at a time. Errors: SERVICE_STATE, SERVICE_STOP. */
export function servicesDown(plan: ServicesPlan): Promise<ReadonlyMap<ServiceName, Ending>> {
  return withFolder(plan.folder, async () => {
    const state = await readState(plan.folder)
    const endings = new Map<ServiceName, Ending>()
    const record = new StateRecord(plan.folder, state)
    await settleAll(
      serviceNames
        .filter((name) => plan.only === null || plan.only.includes(name))
        .map(async (name) => {
          const server = state[name]
          if (server?.kind !== 'started') return
          const ending = await stopServer(name, server)
          endings.set(name, ending)
          await record.set(name, { kind: 'stopped', ports: server.ports })
          plan.notice(name, ending === 'gone' ? 'was gone already' : ending)
        }),
    )
    return endings
  })
}

/**
 * Starts the chosen servers that do not run and waits until all are well; those that run are left alone.
 * Errors: SERVICE_TOOLS, SERVICE_PORT, SERVICE_INSTALL, SERVICE_START, SERVICE_STATE.
 */
export function servicesUp(plan: ServicesPlan): Promise<void> {
  return withFolder(plan.folder, async () => {
    const state = await readState(plan.folder)
    const ports = await choosePorts(plan.ports, rememberedPorts(state))
    const running = new Map<Service, Started>()
    for (const service of chosenServices(anyTable, plan.only)) {
      const record = state[service.name]
      if (record?.kind === 'started' && (await isRunning(record))) running.set(service, record)
    }
    const names = chosenServices(anyTable, plan.only)
      .filter((service) => !running.has(service))
      .map(({ name }) => name)
    refuseMovedPorts(running, ports)
    // Programs are asked for their versions, which takes its time, only where something is to be started.
    const runtimes = names.length === 0 ? null : await surveyRuntimes()
    const missing = runtimes === null ? [] : chosenServices(serviceTable(runtimes), names)
    if (runtimes !== null) await refuseMissingTools(missing, runtimes, plan.cache)
    await refuseTakenPorts(missing, ports)
    for (const service of missing) await installOne(service, plan)
    const record = new StateRecord(plan.folder, state)
    await settleAll([
      ...[...running].map(async ([service, server]) => {
        await waitHealthy(service, server, ports, {
          log: logFile(plan.folder, service.name),
          readyMsMax: plan.readyMsMax,
        })
        plan.notice(service.name, `runs already at ${service.address(ports)}`)
      }),
      ...missing.map((service) => startOne(service, plan, ports, record)),
    ])
  })
}

/** Waits for all, then throws what the first of them threw. */
async function settleAll(work: ReadonlyArray<Promise<void>>): Promise<void> {
  for (const result of await Promise.allSettled(work)) if (result.status === 'rejected') throw result.reason
}

function refuseMovedPorts(running: ReadonlyMap<Service, Started>, ports: Ports): void {
  for (const [service, server] of running) {
    for (const name of service.ports) {
      const port = server.ports[name]
      if (port !== undefined && port !== ports[name]) {
        throw new IngestError('SERVICE_PORT', {
          [name]: ports[name],
          holder: `${service.name} runs at ${port}: take it down first`,
        })
      }
    }
  }
}

async function refuseMissingTools(services: readonly Service[], runtimes: Runtimes, cache: string): Promise<void> {
  const there = new Map<Service, boolean>()
  for (const service of services) {
    const installation = service.installation()
    const isThere = installation === null || isInstalled(await installedFolder(cache, service.name, installation))
    there.set(service, isThere)
  }
  const tools = [...there.values()].every((isThere) => isThere) ? toolsUnasked : await surveyTools()
  const context: Record<string, string> = {}
  for (const [service, isThere] of there) {
    const needs = service.needs({ ...runtimes, ...tools }, isThere)
    if (needs.length > 0) context[service.name] = needs.map(({ what, install: how }) => `${what}: ${how}`).join('; ')
  }
  if (Object.keys(context).length > 0) throw new IngestError('SERVICE_TOOLS', context)
}

async function refuseTakenPorts(services: readonly Service[], ports: Ports): Promise<void> {
  const names = services.flatMap((service) => service.ports)
  const [shared] = sharedPorts(ports, names)
  if (shared !== undefined) throw new IngestError('SERVICE_PORT', { shared })
  const context: Record<string, string> = {}
  for (const name of names) {
    if (!(await isPortFree(ports[name]))) context[name] = `${ports[name]} by ${await portHolder(ports[name])}`
  }
  if (Object.keys(context).length > 0) throw new IngestError('SERVICE_PORT', context satisfies ErrorContext)
}

async function installOne(service: Service, plan: ServicesPlan): Promise<void> {
  const installation = service.installation()
  if (installation === null) return
  const target = await installedFolder(plan.cache, service.name, installation)
  if (isInstalled(target)) return
  plan.notice(service.name, `installing ${installation.name} (once)`)
  await install(service.name, installation, target, logFile(plan.folder, service.name))
}

async function startOne(service: Service, plan: ServicesPlan, ports: Ports, record: StateRecord): Promise<void> {
  const log = logFile(plan.folder, service.name)
  const installation = service.installation()
  const installed = installation === null ? '' : await installedFolder(plan.cache, service.name, installation)
  const place = { installed, data: join(plan.folder, service.name), ports, brokerSettings: plan.brokerSettings ?? '' }
  try {
    await mkdir(place.data, { recursive: true })
    await service.prepare(place, toolRunner(log))
  } catch (error) {
    throw new IngestError('SERVICE_START', { service: service.name, log }, error)
  }
  const startMs = performance.now()
  const server = await startServer(service.name, service.launch(place), log)
  await record.set(service.name, { kind: 'started', ...server, ports, startedAt: new Date().toISOString() })
  try {
    await waitHealthy(service, server, ports, { log, readyMsMax: plan.readyMsMax })
    await service.settle?.(ports)
  } catch (error) {
    await stopServer(service.name, server)
    await record.set(service.name, { kind: 'stopped', ports })
    throw error instanceof IngestError ? error : new IngestError('SERVICE_START', { service: service.name, log }, error)
  }
  plan.notice(
    service.name,
    `ready at ${service.address(ports)} after ${((performance.now() - startMs) / 1000).toFixed(1)} s`,
  )
}

/** The state as it becomes; writes follow one another, since servers start and end side by side. */
class StateRecord {
  readonly #folder: string
  #state: ServicesState
  #written: Promise<void> = Promise.resolve()

  constructor(folder: string, state: ServicesState) {
    this.#folder = folder
    this.#state = state
  }

  set(name: ServiceName, record: ServiceRecord): Promise<void> {
    this.#state = { ...this.#state, [name]: record }
    const state = this.#state
    this.#written = this.#written.then(() => writeState(this.#folder, state))
    return this.#written
  }
}
