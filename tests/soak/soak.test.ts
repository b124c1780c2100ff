// `npm run soak`: hours of following a topic that never stops. Two members of one group; one is killed every few minutes and started
// again, the other lives from the beginning to the end, and its memory must not grow steadily. It ends with the proof against the
// broker. K2_SOAK_MINUTES (240), K2_SOAK_RATE (2000 messages/s), K2_SOAK_KILL_MINUTES (5, on average), K2_SOAK_SEED.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { feedSynthetic } from '../../src/main/feed/synthetic.ts'
import { openServers } from '../../src/main/registry/open-registry.ts'
import { openFileRegistry } from '../../src/shared/avro/schema-registry.ts'
import { openSqlCatalog } from '../../src/shared/iceberg/sql-catalog.ts'
import { openFolderStore } from '../../src/shared/store/folder-store.ts'
import { createRandom } from '../simulation/random.ts'
import { commitsIn, type K2Process, k2, startK2, temporaryFolder } from '../support/k2-process.ts'
import { KafkaCluster } from '../support/kafka-cluster.ts'
import { KafkaServer } from '../support/kafka-server.ts'
import { RegistryServer } from '../support/registry-server.ts'
import { rssTrend } from '../support/rss-trend.ts'

const setting = (name: string, standard: number): number => Number(process.env[name] ?? standard)
const MINUTES = setting('K2_SOAK_MINUTES', 240)
const RATE = setting('K2_SOAK_RATE', 2000)
const KILL_MINUTES = setting('K2_SOAK_KILL_MINUTES', 5)
const SEED = setting('K2_SOAK_SEED', 1)
const ROUND_MS = 5_000
const MINUTE_MS = 60_000
/** So often the memory is looked at: a soak of 5 minutes has 30 samples. */
const SAMPLE_MS = 10_000
/** After the feed has ended. */
const DRAIN_MS_MAX = 5 * MINUTE_MS
const PARTITIONS = 8
const TOPIC = 'market.crypto.trades.binance'
const GROUP = 'k2-soak'

let server: KafkaServer
let cluster: KafkaCluster
let registry: RegistryServer

beforeAll(async () => {
  server = await KafkaServer.start()
  cluster = new KafkaCluster(server.brokers)
  registry = await RegistryServer.start()
}, 600_000)
afterAll(async () => {
  await cluster.close()
  await server.remove()
  await registry.remove()
}, 120_000)

/** Feeds a round every few seconds until it is stopped; the messages that are in the topic. */
function startFeed(stop: AbortSignal): { readonly fed: () => number; readonly ended: Promise<void> } {
  let fed = 0
  const run = async (): Promise<void> => {
    const schemas = await openFileRegistry(new URL('../../schemas', import.meta.url).pathname)
    const address = { registry: [registry.url], registryAuth: null, registryCache: null }
    const servers = openServers(address, { notice: () => undefined, stop })
    const sasl = { saslMechanism: 'plain', saslUsername: null, saslPassword: null } as const
    const connection = { brokers: [server.brokers], ...sasl, ssl: false, sslCa: null, sslCert: null, sslKey: null }
    for (let round = 0; !stop.aborted; round++) {
      const startMs = performance.now()
      const { messages } = await feedSynthetic({
        ...{ schemas, connection, topic: TOPIC, partitions: PARTITIONS, symbols: 50 },
        ...{ messages: Math.round((RATE * ROUND_MS) / 1000), seed: SEED + round, append: round > 0 },
        register: (topic, json) => servers.register(topic, json),
      })
      fed += messages
      await sleep(Math.max(0, ROUND_MS - (performance.now() - startMs)), undefined, { signal: stop }).catch(() => {})
    }
  }
  return { fed: () => fed, ended: run() }
}

/** MB; 0 where the process is gone. Linux, proc(5). */
function rssMb({ pid }: K2Process): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    return Math.round(Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024)
  } catch {
    return 0
  }
}

interface TableLook {
  readonly rows: number
  readonly snapshots: number
}

async function lookAtTable(folder: string): Promise<TableLook> {
  const store = openFolderStore(join(folder, 'warehouse'))
  const catalog = openSqlCatalog({ file: join(folder, 'catalog.db'), store })
  try {
    const loaded = await catalog.loadTable({ namespace: ['market_data'], name: 'trades_v2' })
    const snapshots = loaded?.metadata.snapshots ?? []
    const current = snapshots.find((each) => each['snapshot-id'] === loaded?.metadata['current-snapshot-id'])
    return { rows: Number(current?.summary['total-records'] ?? 0), snapshots: snapshots.length }
  } finally {
    await catalog.close()
  }
}

async function lag(): Promise<number> {
  const [ends, committed] = await Promise.all([cluster.ends(TOPIC), cluster.groupOffsets(GROUP, TOPIC)])
  const done = new Map(committed.map(({ partition, offset }) => [partition, Math.max(0, Number(offset))]))
  return ends.reduce((sum, { partition, end }) => sum + end - (done.get(partition) ?? 0), 0)
}

/** The member that is killed; each life is a process of its own. */
class Victim {
  readonly #start: () => K2Process
  #life: K2Process
  kills = 0
  commits = 0

  constructor(start: () => K2Process) {
    this.#start = start
    this.#life = start()
  }

  get life(): K2Process {
    return this.#life
  }

  async kill(): Promise<void> {
    const isGone = this.#life.hasEnded()
    this.#life.kill('SIGKILL')
    const { err, code } = await this.#life.ended
    expect(isGone, `it ended by itself with ${code}: ${err.slice(-2000)}`).toBe(false)
    this.kills++
    this.commits += commitsIn(err)
    this.#life = this.#start()
  }
}

test(
  `${MINUTES} minutes at ${RATE} messages/s, killed every ${KILL_MINUTES} minutes: proven, and memory stays where it is`,
  async () => {
    const folder = temporaryFolder()
    const table = ['--catalog', `sqlite:${join(folder, 'catalog.db')}`, '--warehouse', join(folder, 'warehouse')]
    const cache = ['--registry-cache', join(folder, 'schemas')]
    const source = ['--brokers', server.brokers, '--registry', registry.url, ...cache, '--topic', TOPIC]
    const limits = ['--commit-interval', '5s', '--session-timeout', '6s', '--workers', '1', '--queue-bytes', '32MiB']
    const start = (): K2Process => startK2(['run', ...source, ...table, '--group', GROUP, ...limits])

    const stop = new AbortController()
    const feed = startFeed(stop.signal)
    // A feed that fails is awaited only at the end.
    feed.ended.catch(() => {})
    while (feed.fed() === 0) await Promise.race([sleep(200), feed.ended])
    const elder = start()
    await elder.wrote('Iceberg transaction committed')
    const victim = new Victim(start)

    const random = createRandom(SEED)
    const nextKill = (): number => performance.now() + KILL_MINUTES * MINUTE_MS * (0.5 + random.int(1000) / 1000)
    const [startMs, memory] = [performance.now(), [] as number[]]
    let killMs = nextKill()
    console.log('minute       fed      rows       lag snapshots     kills   rss MB (elder, other)')
    for (let shown = 0; performance.now() - startMs < MINUTES * MINUTE_MS; ) {
      await sleep(SAMPLE_MS)
      expect(elder.hasEnded(), 'the elder member ended by itself').toBe(false)
      memory.push(rssMb(elder))
      if (performance.now() > killMs) {
        await victim.kill()
        killMs = nextKill()
      }
      const minute = Math.floor((performance.now() - startMs) / MINUTE_MS)
      if (minute === shown) continue
      shown = minute
      const [behind, { rows, snapshots }] = await Promise.all([lag(), lookAtTable(folder)])
      const numbers = [minute, feed.fed(), rows, behind, snapshots, victim.kills, rssMb(elder), rssMb(victim.life)]
      console.log(numbers.map((number) => String(number).padStart(9)).join(' '))
    }

    stop.abort()
    await feed.ended
    for (const sinceMs = performance.now(); (await lookAtTable(folder)).rows < feed.fed(); await sleep(1000)) {
      expect(performance.now() - sinceMs, 'the table does not reach the end of the topic').toBeLessThan(DRAIN_MS_MAX)
    }
    const members = [elder, victim.life]
    for (const member of members) member.kill('SIGTERM')
    for (const { code, err } of await Promise.all(members.map((member) => member.ended))) {
      expect(code, err.slice(-2000)).toBe(0)
    }

    const proof = await k2('verify', ...source, ...table, '--json')
    expect(proof.out, proof.err).toContain('"verdict"')
    const { verdict, tables } = JSON.parse(proof.out)
    const { totals } = tables[0]
    console.log(`proof: ${verdict}; ${JSON.stringify(totals)}`)
    expect(totals).toMatchObject({ missing: 0, duplicate: 0, extra: 0, changed: 0, notYetCommitted: 0 })
    expect([verdict, totals.tableRows]).toEqual(['equal', feed.fed()])
    expect(victim.kills).toBeGreaterThan(0)

    const trend = rssTrend(memory)
    console.log(`memory of the member that lived from beginning to end, MB by quarter: ${trend.quarters.join(', ')}`)
    expect(trend.isGrowing, trend.quarters.join(' < ')).toBe(false)
  },
  MINUTES * MINUTE_MS + DRAIN_MS_MAX + 60 * MINUTE_MS,
)
