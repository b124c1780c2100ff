// A Kafka broker of one test file: real, on 127.0.0.1 and free ports, in a folder of its own, stopped by its own process object.
// Its data folder is a log directory, so `k2 verify --source` compares a table with the broker's own segments.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { broughtFolder } from './brought-folder.ts'
import { freePort } from './free-port.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const cluster = '4L6g3nShT-eMCtK--X86sw'

export class KafkaServer {
  readonly brokers: string
  /** The broker's own log directory. */
  readonly data: string
  readonly #folder: string
  readonly #java: readonly string[]
  #child: ChildProcess | null = null

  private constructor(folder: string, port: number) {
    this.#folder = folder
    this.data = join(folder, 'data')
    this.brokers = `127.0.0.1:${port}`
    const log = join(root, 'services', 'kafka', 'log4j2.properties')
    this.#java = ['-Xmx512m', '-cp', join(jars(), '*'), `-Dlog4j2.configurationFile=${log}`]
  }

  static async start(): Promise<KafkaServer> {
    const folder = mkdtempSync(join(tmpdir(), 'k2-kafka-'))
    const [port, controller] = [await freePort(), await freePort()]
    const server = new KafkaServer(folder, port)
    await writeFile(join(folder, 'server.properties'), properties(port, controller, server.data))
    const format = ['kafka.tools.StorageTool', 'format', '-t', cluster, '-c', join(folder, 'server.properties')]
    execFileSync('java', [...server.#java, ...format], { stdio: 'ignore' })
    await server.resume()
    return server
  }

  /** Starts it on what it held. */
  async resume(): Promise<void> {
    const words = [...this.#java, 'kafka.Kafka', join(this.#folder, 'server.properties')]
    const child = spawn('java', words, { stdio: 'ignore' })
    this.#child = child
    const [host = '', port = ''] = this.brokers.split(':')
    for (let tries = 0; !(await answers(host, Number(port))); tries++) {
      if (tries > 600 || child.exitCode !== null) throw new Error('Kafka does not start')
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }

  /** SIGTERM writes what is open to the disk; SIGSTOP and SIGCONT make it hang. */
  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal)
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#child
    this.#child = null
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill(signal)
    await ended
  }

  async remove(): Promise<void> {
    await this.stop('SIGKILL')
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

/** Kafka's jar files, brought by Maven once for all test runs of this checkout. */
function jars(): string {
  return broughtFolder(join(root, '.k2', 'tests', 'kafka'), (fresh) => {
    const pom = join(root, 'services', 'kafka', 'pom.xml')
    execFileSync('mvn', ['-q', '-B', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${fresh}`])
  })
}

const properties = (port: number, controller: number, data: string): string => `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${controller}
listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controller}
advertised.listeners=PLAINTEXT://127.0.0.1:${port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=${data}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
log.retention.ms=-1
log.segment.delete.delay.ms=1000
`

function answers(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host)
    const end = (isOpen: boolean) => () => {
      socket.destroy()
      resolve(isOpen)
    }
    socket.once('connect', end(true)).once('error', end(false))
  })
}
