// A real broker for hostile logs, set up so that its log cleaner, retention and checkpoints work within a second, and the producers
// that write to it. Invariant: what a log waits for is seen in the broker's own files, never slept for.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { KafkaCluster } from '../kafka-cluster.ts'
import { KafkaServer, kafkaJars } from '../kafka-server.ts'
import { Producers } from './producers.ts'

/** Beyond the times of the records: they decide when a segment rolls, and here none does unless its topic wants it. */
const ROLL_MS = 1000 * 365 * 24 * 3_600_000

const properties = `log.cleaner.backoff.ms=100
log.roll.ms=${ROLL_MS}
log.message.timestamp.after.max.ms=9223372036854775807
log.initial.task.delay.ms=100
log.flush.start.offset.checkpoint.interval.ms=200
message.max.bytes=4000000
`

/** Topic settings for a log of many segments that is compacted at once. */
export const compacted: Readonly<Record<string, string>> = {
  'cleanup.policy': 'compact',
  // A single marker is worth a cleaning.
  'min.cleanable.dirty.ratio': '0.0001',
  // Records lie 7 ms apart: every batch begins a segment.
  'segment.ms': '1',
  'file.delete.delay.ms': '100',
}

const WAIT_MS = 120_000

export class HostileWorld {
  readonly server: KafkaServer
  readonly cluster: KafkaCluster
  readonly producers: Producers

  private constructor(server: KafkaServer, jars: string) {
    this.server = server
    this.cluster = new KafkaCluster(server.brokers)
    this.producers = new Producers(server.brokers, jars)
  }

  static async start(): Promise<HostileWorld> {
    const server = await KafkaServer.start(properties)
    return new HostileWorld(server, await kafkaJars())
  }

  /** Until the log cleaner has been over everything before `offset` of partition 0. */
  cleaned(topic: string, offset: number): Promise<void> {
    return this.#checkpointed('cleaner-offset-checkpoint', topic, offset)
  }

  /** Until the broker has written down that partition 0 begins at `offset`. */
  started(topic: string, offset: number): Promise<void> {
    return this.#checkpointed('log-start-offset-checkpoint', topic, offset)
  }

  /** The leaders of all partitions begin a new epoch. */
  async restart(): Promise<void> {
    await this.server.stop()
    await this.server.resume()
  }

  async close(): Promise<void> {
    await this.producers.close()
    await this.cluster.close()
    await this.server.remove()
  }

  async #checkpointed(file: string, topic: string, offset: number): Promise<void> {
    const path = join(this.server.data, file)
    for (const startMs = Date.now(); ; await sleep(50)) {
      const lines = (await readFile(path, 'utf8').catch(() => '')).split('\n')
      const found = lines.map((line) => line.split(' ')).find((words) => words[0] === topic && words[1] === '0')
      if (Number(found?.[2] ?? -1) >= offset) return
      if (Date.now() - startMs > WAIT_MS) throw new Error(`${file}: ${topic} is at ${found?.[2]}, not at ${offset}`)
    }
  }
}
