// Three Kafka nodes of one KRaft cluster, on 127.0.0.1 and free ports, each broker and controller. Clients come in by SASL over TLS,
// or by TLS with a certificate of their own; a test itself by a listener that asks nothing. Signalled by pid; `remove` must be called.
// Invariant: every topic has three replicas, and a write counts once two have it, so that one node may die at any time.
import { randomBytes } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { toolRunner } from '../../src/main/services/installation.ts'
import { askBroker } from '../../src/main/services/kafka-probe.ts'
import { isRunning, type ServerProcess, startServer } from '../../src/main/services/server-process.ts'
import { Authority, bundle, type Certificate } from './certificates.ts'
import { freePort } from './free-port.ts'
import { kafkaJars } from './kafka-server.ts'

const NODES = [1, 2, 3] as const
export type NodeId = (typeof NODES)[number]
const READY_MS_MAX = 90_000
const user = 'trader'

interface NodePorts {
  readonly secured: number
  readonly mutual: number
  readonly inner: number
  readonly controller: number
}

export interface Keys {
  /** Who signed the certificate of the brokers. */
  readonly authority: Authority
  readonly client: Certificate
  /** Somebody else. */
  readonly stranger: Authority
}

export class SecuredCluster {
  /** SASL over TLS. */
  readonly brokers: string
  /** TLS, with a certificate of the client. */
  readonly mutual: string
  /** Neither. */
  readonly inner: string
  readonly keys: Keys
  readonly user = user
  readonly password: string
  readonly #folder: string
  readonly #nodes = new Map<NodeId, ServerProcess>()

  private constructor(folder: string, ports: ReadonlyMap<NodeId, NodePorts>, keys: Keys, password: string) {
    const listed = (name: keyof NodePorts): string =>
      [...ports.values()].map((each) => `127.0.0.1:${each[name]}`).join()
    this.brokers = listed('secured')
    this.mutual = listed('mutual')
    this.inner = listed('inner')
    this.keys = keys
    this.password = password
    this.#folder = folder
  }

  static async start(): Promise<SecuredCluster> {
    const folder = mkdtempSync(join(tmpdir(), 'k2-secured-'))
    const authority = await Authority.make(join(folder, 'keys'))
    const stranger = await Authority.make(join(folder, 'stranger'))
    const [client, broker] = [await authority.sign('client'), await authority.sign('broker')]
    writeFileSync(join(folder, 'broker.pem'), bundle(broker, authority))
    const ports = new Map<NodeId, NodePorts>()
    for (const node of NODES) ports.set(node, await freePorts())
    const password = randomBytes(12).toString('hex')
    const cluster = new SecuredCluster(folder, ports, { authority, client, stranger }, password)
    try {
      for (const node of NODES) cluster.#writeSettings(node, ports)
      await cluster.#format()
      await Promise.all(NODES.map((node) => cluster.#startNode(node)))
      for (const { inner } of ports.values()) await untilWell(inner)
      return cluster
    } catch (error) {
      await cluster.remove()
      throw error
    }
  }

  /** At once, and gone. */
  async kill(node: NodeId): Promise<void> {
    const server = this.#nodes.get(node)
    if (server === undefined || !(await isRunning(server))) throw new Error(`node ${node} does not run`)
    process.kill(server.pid, 'SIGKILL')
    while (await isRunning(server)) await sleep(20)
    this.#nodes.delete(node)
  }

  async remove(): Promise<void> {
    for (const node of [...this.#nodes.keys()]) await this.kill(node).catch(() => undefined)
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 })
  }

  #writeSettings(node: NodeId, ports: ReadonlyMap<NodeId, NodePorts>): void {
    mkdirSync(join(this.#folder, String(node)))
    writeFileSync(this.#settings(node), settingsOf(node, ports, { folder: this.#folder, password: this.password }))
  }

  /** One folder is formatted; the others are copies under ids of their own, which saves two starts of Java. */
  async #format(): Promise<void> {
    const scram = ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
      '--add-scram',
      `${mechanism}=[name=${user},password=${this.password}]`,
    ])
    const words = ['format', '--cluster-id', uuid(), '--config', this.#settings(1), ...scram]
    const java = await javaWords('128m')
    await toolRunner(this.#log(1))('java', [...java, 'kafka.tools.StorageTool', ...words], this.#folder)
    const first = join(this.#folder, '1', 'log')
    for (const node of NODES.filter((each) => each !== 1)) {
      const target = join(this.#folder, String(node), 'log')
      cpSync(first, target, { recursive: true })
      const meta = readFileSync(join(first, 'meta.properties'), 'utf8')
      const own = meta
        .replace(/^node\.id=.*$/m, `node.id=${node}`)
        .replace(/^directory\.id=.*$/m, `directory.id=${uuid()}`)
      writeFileSync(join(target, 'meta.properties'), own)
    }
  }

  async #startNode(node: NodeId): Promise<void> {
    const words = [...(await javaWords('320m')), 'kafka.Kafka', this.#settings(node)]
    const launch = { command: 'java', words, environment: {}, folder: this.#folder }
    this.#nodes.set(node, await startServer(`kafka ${node}`, launch, this.#log(node)))
  }

  #settings(node: NodeId): string {
    return join(this.#folder, String(node), 'server.properties')
  }

  #log(node: NodeId): string {
    return join(this.#folder, `${node}.log`)
  }
}

const freePorts = async (): Promise<NodePorts> => ({
  secured: await freePort(),
  mutual: await freePort(),
  inner: await freePort(),
  controller: await freePort(),
})

/** Random bytes as Kafka writes a Uuid: none that looks like an option. */
const uuid = (): string => Buffer.from([1, ...randomBytes(15)]).toString('base64url')

async function javaWords(memory: string): Promise<readonly string[]> {
  const jars = await kafkaJars()
  const logging = `-Dlog4j2.configurationFile=${join(dirname(jars), 'log4j2.properties')}`
  // Three of them share the machine with what is tested.
  return [`-Xmx${memory}`, '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', logging, '-cp', join(jars, '*')]
}

async function untilWell(port: number): Promise<void> {
  for (const startMs = performance.now(); ; await sleep(100)) {
    const answer = await askBroker(port).catch((error: unknown) => error)
    if (!(answer instanceof Error)) return
    if (performance.now() - startMs > READY_MS_MAX) throw answer
  }
}

function settingsOf(
  node: NodeId,
  ports: ReadonlyMap<NodeId, NodePorts>,
  { folder, password }: { readonly folder: string; readonly password: string },
): string {
  const own = ports.get(node)
  if (own === undefined) throw new Error(`node ${node} has no ports`)
  const voters = [...ports].map(([id, { controller }]) => `${id}@127.0.0.1:${controller}`)
  const open = [
    `SECURED://127.0.0.1:${own.secured}`,
    `MUTUAL://127.0.0.1:${own.mutual}`,
    `INNER://127.0.0.1:${own.inner}`,
  ]
  const security = 'org.apache.kafka.common.security'
  return `process.roles=broker,controller
node.id=${node}
controller.quorum.voters=${voters.join()}
controller.listener.names=CONTROLLER
listeners=${open.join()},CONTROLLER://127.0.0.1:${own.controller}
advertised.listeners=${open.join()}
listener.security.protocol.map=SECURED:SASL_SSL,MUTUAL:SSL,INNER:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=INNER
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
listener.name.secured.plain.sasl.jaas.config=${security}.plain.PlainLoginModule required user_${user}="${password}";
listener.name.secured.scram-sha-256.sasl.jaas.config=${security}.scram.ScramLoginModule required;
listener.name.secured.scram-sha-512.sasl.jaas.config=${security}.scram.ScramLoginModule required;
ssl.keystore.type=PEM
ssl.keystore.location=${join(folder, 'broker.pem')}
ssl.truststore.type=PEM
ssl.truststore.location=${join(folder, 'keys', 'authority.pem')}
listener.name.mutual.ssl.client.auth=required
log.dirs=${join(folder, String(node), 'log')}
log.retention.ms=-1
auto.create.topics.enable=false
default.replication.factor=3
min.insync.replicas=2
offsets.topic.replication.factor=3
offsets.topic.num.partitions=3
transaction.state.log.replication.factor=3
transaction.state.log.min.isr=2
transaction.state.log.num.partitions=1
group.initial.rebalance.delay.ms=0
# A node that died is left out after so long.
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
controller.quorum.election.timeout.ms=500
controller.quorum.fetch.timeout.ms=1500
num.network.threads=2
num.io.threads=2
log.cleaner.enable=false
`
}
