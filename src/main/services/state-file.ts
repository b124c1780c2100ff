// What `k2 services` started in a folder: `state.json` there. Main thread. Invariant: a server is written down before anything waits
// for it, so that whatever happens next, `down` finds it; the file is replaced whole.
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { IngestError } from '../../shared/errors.ts'
import { type PortName, portNames, type ServiceName, serviceNames } from '../../shared/service-names.ts'

type SomePorts = Readonly<Partial<Record<PortName, number>>>

export type ServiceRecord =
  | {
      readonly kind: 'started'
      readonly pid: number
      /** See process-identity.ts. */
      readonly identity: string
      /** All ports of its place, also those of its neighbours. */
      readonly ports: SomePorts
      readonly startedAt: string
    }
  /** Its ports are kept for the next start. */
  | { readonly kind: 'stopped'; readonly ports: SomePorts }

export type ServicesState = Readonly<Partial<Record<ServiceName, ServiceRecord>>>

const VERSION = 1
const fileOf = (folder: string): string => join(folder, 'state.json')

/** Empty where nothing was ever started. Errors: SERVICE_STATE. */
export async function readState(folder: string): Promise<ServicesState> {
  const file = fileOf(folder)
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw new IngestError('SERVICE_STATE', { file }, error)
  })
  if (text === null) return {}
  try {
    return parseState(JSON.parse(text))
  } catch (error) {
    throw new IngestError('SERVICE_STATE', { file }, error)
  }
}

export async function writeState(folder: string, state: ServicesState): Promise<void> {
  const file = fileOf(folder)
  try {
    await mkdir(folder, { recursive: true })
    await writeFile(`${file}.${process.pid}`, `${JSON.stringify({ v: VERSION, services: state }, null, 2)}\n`)
    await rename(`${file}.${process.pid}`, file)
  } catch (error) {
    throw new IngestError('SERVICE_STATE', { file }, error)
  }
}

type Fields = Readonly<Record<string, unknown>>

/** The one cast from outside: any object may be asked for its fields, each of which is checked. */
const fieldsOf = (value: unknown, what: string): Fields => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(`${what} is no object`)
  return value as Fields
}

export function parseState(document: unknown): ServicesState {
  const { v, services } = fieldsOf(document, 'document')
  if (v !== VERSION) throw new Error(`version ${String(v)} is not ${VERSION}`)
  const found = fieldsOf(services, 'services')
  const state: Partial<Record<ServiceName, ServiceRecord>> = {}
  for (const name of serviceNames) {
    if (found[name] !== undefined) state[name] = parseRecord(fieldsOf(found[name], name), name)
  }
  return state
}

function parseRecord(fields: Fields, name: string): ServiceRecord {
  const { kind, pid, identity, startedAt } = fields
  const ports = parsePorts(fieldsOf(fields['ports'], `ports of ${name}`))
  if (kind === 'stopped') return { kind, ports }
  if (kind !== 'started') throw new Error(`${name} is neither started nor stopped`)
  // 0 and below would mean a group of processes to kill(2), 1 is the machine's own.
  if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid <= 1) throw new Error(`pid of ${name} is none`)
  if (typeof identity !== 'string' || identity === '') throw new Error(`${name} has no identity`)
  return { kind, pid, identity, ports, startedAt: String(startedAt) }
}

function parsePorts(fields: Fields): SomePorts {
  const ports: Partial<Record<PortName, number>> = {}
  for (const name of portNames) {
    const port = fields[name]
    if (typeof port === 'number' && Number.isInteger(port) && port > 0 && port < 65_536) ports[name] = port
  }
  return ports
}
