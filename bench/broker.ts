// The Kafka broker of a bench: one for all its figures, started by the first that needs it through `k2 services`, in the folder of
// the bench, on free ports. Invariant: whoever made the folder takes the broker down before removing it.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { BenchOptions } from './figure.ts'
import { runK2 } from './k2-process.ts'

export interface Broker {
  /** host:port. */
  readonly address: string
  readonly pid: number
  /** Its log directory: `k2 verify --source` compares tables with the broker's own segments. */
  readonly log: string
}

/** What `k2 services … --json` tells, as far as it is used here. */
interface ServicesDocument {
  readonly services: readonly {
    readonly service: string
    readonly state: string
    readonly pid?: number
    readonly address: string
  }[]
}

const folderOf = ({ folder }: Pick<BenchOptions, 'folder'>): string => join(folder, 'services')
const isStarted = (options: Pick<BenchOptions, 'folder'>): boolean => existsSync(join(folderOf(options), 'state.json'))

/** Errors: what `k2 services up` says is missing on this machine. */
export async function openBroker(options: BenchOptions): Promise<Broker> {
  const where = ['--only', 'kafka', '--dir', folderOf(options), '--json']
  const ports = isStarted(options) ? [] : ['--ports', 'kafka=0,controller=0']
  const { out } = await runK2(options, ['services', 'up', ...where, ...ports])
  // The cast: the document is of our own program, built with this bench.
  const kafka = (JSON.parse(out) as ServicesDocument).services.find(({ service }) => service === 'kafka')
  if (kafka?.pid === undefined) throw new Error('k2 services up names no broker')
  return { address: kafka.address, pid: kafka.pid, log: join(folderOf(options), 'kafka', 'log') }
}

/** Nothing where none was started. */
export async function closeBroker(options: Pick<BenchOptions, 'root' | 'folder'>): Promise<void> {
  if (isStarted(options)) await runK2(options, ['services', 'down', '--dir', folderOf(options)])
}

export interface Topic {
  readonly name: string
  readonly messages: number
  readonly partitions: number
}

const fed = (topic: Topic): string => `market.crypto.trades.bench-${topic.name}-${topic.messages}-${topic.partitions}`

/** Feeds a topic of synthetic trades once in a bench, lz4, and returns its name. `topic.name` says what it is for. */
export async function syntheticTopic(options: BenchOptions, broker: Broker, topic: Topic): Promise<string> {
  const name = fed(topic)
  if (existsSync(join(broker.log, `${name}-0`))) return name
  // As many symbols as fill every partition.
  const symbols = String(Math.max(100, 10 * topic.partitions))
  const size = ['--messages', String(topic.messages), '--partitions', String(topic.partitions), '--symbols', symbols]
  await runK2(options, ['feed', 'synthetic', '--brokers', broker.address, '--topic', name, ...size, '--json'])
  return name
}
