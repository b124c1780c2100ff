// A Kafka broker of one test file: that of `k2 services`, on 127.0.0.1 and free ports, in a folder of its own.
// Its data folder is a log directory, so `k2 verify --source` compares a table with the broker's own segments.
import { join } from 'node:path'
import { install, installedFolder, isInstalled } from '../../src/main/services/installation.ts'
import { kafkaService } from '../../src/main/services/kafka-service.ts'
import { OwnServer, servicesCache } from './own-server.ts'

/** Records of tests have times of years ago; partitions of internal topics cost time at each start. */
const settings = `log.retention.ms=-1
offsets.topic.num.partitions=1
transaction.state.log.num.partitions=1
`

export class KafkaServer {
  readonly brokers: string
  /** The broker's own log directory. */
  readonly data: string
  readonly #server: OwnServer

  private constructor(server: OwnServer, brokers: string) {
    this.#server = server
    this.data = join(server.data, 'log')
    this.brokers = brokers
  }

  /** `extra`: lines of server.properties beyond the common ones. */
  static async start(extra = ''): Promise<KafkaServer> {
    const server = await OwnServer.start('kafka', ['kafka', 'controller'], settings + extra)
    return new KafkaServer(server, await server.address())
  }

  /** Starts it on what it held. */
  async resume(): Promise<void> {
    await this.#server.resume()
  }

  /** SIGTERM writes what is open to the disk; SIGSTOP and SIGCONT make it hang. */
  async signal(signal: NodeJS.Signals): Promise<void> {
    await this.#server.signal(signal)
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    await this.#server.stop(signal)
  }

  async remove(): Promise<void> {
    await this.#server.remove('SIGKILL')
  }
}

/** Folder of Kafka's jar files, installed where they are not yet. */
export async function kafkaJars(): Promise<string> {
  const installation = kafkaService.installation()
  if (installation === null) throw new Error('Kafka is installed from jars')
  const folder = await installedFolder(servicesCache, 'kafka', installation)
  if (!isInstalled(folder)) await install('kafka', installation, folder, `${folder}.log`)
  return join(folder, 'lib')
}
