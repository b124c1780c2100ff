// Several `k2 run` of one group on one topic of a real broker, with a producer beside them: what the tests of kills, storms and
// take-over have in common. Pods are numbered places: whoever ends in one may be followed by another.
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { feedSynthetic } from '../../src/main/feed/synthetic.ts'
import { openFileRegistry } from '../../src/shared/avro/schema-registry.ts'
import { openSqlCatalog } from '../../src/shared/iceberg/sql-catalog.ts'
import { openFolderStore } from '../../src/shared/store/folder-store.ts'
import { type K2Ended, type K2Process, k2, startK2, temporaryFolder } from './k2-process.ts'
import type { KafkaCluster } from './kafka-cluster.ts'
import type { KafkaServer } from './kafka-server.ts'

const TABLE = { namespace: ['market_data'], name: 'trades_v2' }
const schemasFolder = new URL('../../schemas', import.meta.url).pathname
const FEED_MS = 300
const POLL_MS = 200

export interface PodLine {
  readonly topic: string
  readonly partitions: number
  /** Words of `k2 run`, without limits. */
  readonly words: readonly string[]
  readonly warehouse: string
  readonly catalogFile: string
  readonly tables: readonly string[]
  readonly server: KafkaServer
}

type Produced = Pick<PodLine, 'server' | 'topic' | 'partitions'>

let lines = 0

/** A topic, a group, a catalog and a warehouse of their own; outside of a test the folder must be given. */
export async function podLine(
  server: KafkaServer,
  cluster: KafkaCluster,
  partitions: number,
  folder = temporaryFolder(),
): Promise<PodLine> {
  const topic = `market.crypto.trades.pods${++lines}`
  await cluster.createTopic(topic, partitions)
  const [catalogFile, warehouse] = [join(folder, 'catalog.db'), join(folder, 'warehouse')]
  const tables = ['--catalog', `sqlite:${catalogFile}`, '--warehouse', warehouse]
  const words = ['run', '--brokers', server.brokers, '--topic', topic, '--group', topic, ...tables, '--workers', '1']
  return { topic, partitions, words, warehouse, catalogFile, tables, server }
}

/** Produces so many trades into all partitions, beside what is there. */
export async function produce(line: Produced, messages: number, seed: number): Promise<void> {
  const { topic, partitions, server } = line
  const schemas = await openFileRegistry(schemasFolder)
  const connection = {
    ...({ brokers: [server.brokers], saslMechanism: 'plain', saslUsername: null, saslPassword: null } as const),
    ...{ ssl: false, sslCa: null, sslCert: null, sslKey: null },
  }
  await feedSynthetic({ schemas, connection, topic, partitions, messages, seed, append: true })
}

/** Produces about `perSecond` trades a second, in pieces, until `stop`; resolves to how many. */
export async function produceUntil(line: Produced, perSecond: number, stop: AbortSignal): Promise<number> {
  const messages = Math.ceil((perSecond * FEED_MS) / 1000)
  let produced = 0
  for (let seed = 1; !stop.aborted; seed++) {
    const next = sleep(FEED_MS)
    await produce(line, messages, seed)
    produced += messages
    await next
  }
  return produced
}

/** Places for processes that run the same words. */
export class Pods {
  readonly #words: readonly string[]
  readonly #pods = new Map<number, K2Process>()

  constructor(words: readonly string[]) {
    this.#words = words
  }

  get places(): readonly number[] {
    return [...this.#pods.keys()]
  }

  start(place: number, more: readonly string[] = []): K2Process {
    const pod = startK2([...this.#words, ...more])
    this.#pods.set(place, pod)
    return pod
  }

  /** The process of a place. */
  at(place: number): K2Process {
    const pod = this.#pods.get(place)
    if (pod === undefined) throw new Error(`nobody is in place ${place}`)
    return pod
  }

  /** Ends the process of a place. Errors: it had ended by itself, or does not end well when asked to. */
  async end(place: number, signal: 'SIGTERM' | 'SIGKILL'): Promise<K2Ended> {
    const pod = this.at(place)
    this.#pods.delete(place)
    const hadEnded = pod.hasEnded()
    pod.kill(signal)
    const ended = await pod.ended
    // One that was asked before it could listen just ends.
    const isGood = signal === 'SIGKILL' || ended.code === 0 || ended.signal === 'SIGTERM'
    if (hadEnded || !isGood) {
      throw new Error(`the pod in place ${place} ended with ${ended.code}: ${ended.err.slice(-4000)}`)
    }
    return ended
  }

  /** The process of this place has ended, and that was meant. */
  forget(place: number): void {
    this.#pods.delete(place)
  }

  async endAll(): Promise<readonly K2Ended[]> {
    return Promise.all(this.places.map((place) => this.end(place, 'SIGTERM')))
  }
}

/** Rows in the table as others see it; 0 before there is one. */
export async function* committedRows(
  { catalogFile, warehouse }: Pick<PodLine, 'catalogFile' | 'warehouse'>,
  stop: AbortSignal,
): AsyncGenerator<number, void> {
  const catalog = openSqlCatalog({ file: catalogFile, store: openFolderStore(warehouse) })
  try {
    while (!stop.aborted) {
      const metadata = (await catalog.loadTable(TABLE).catch(() => null))?.metadata
      const head = metadata?.snapshots.find((each) => each['snapshot-id'] === metadata['current-snapshot-id'])
      yield Number(head?.summary['total-records'] ?? 0)
      await sleep(POLL_MS)
    }
  } finally {
    await catalog.close()
  }
}

/** The longest time in which the table did not grow, in ms, from its first row to `stop`. */
export async function longestPause(line: PodLine, stop: AbortSignal): Promise<number> {
  let [rows, grewMs, pauseMs] = [0, performance.now(), 0]
  for await (const seen of committedRows(line, stop)) {
    if (rows > 0) pauseMs = Math.max(pauseMs, performance.now() - grewMs)
    if (seen === rows) continue
    rows = seen
    grewMs = performance.now()
  }
  return pauseMs
}

/** Reads what is left, then compares each offset of the table with the broker's own segments. */
export async function proveAll({ words, tables, topic, server }: PodLine, produced: number): Promise<void> {
  const rest = await k2(...words, '--until-end')
  expect(rest.code, rest.err).toBe(0)
  const proof = await k2('verify', '--source', server.data, '--topic', topic, ...tables, '--json')
  expect(proof.out, proof.err).toContain('"verdict"')
  const { verdict, tables: reports } = JSON.parse(proof.out)
  expect(reports[0].totals, JSON.stringify(reports[0].examples)).toMatchObject({
    ...{ missing: 0, duplicate: 0, extra: 0, changed: 0, notYetCommitted: 0, tableRows: produced },
  })
  expect(verdict).toBe('equal')
}
