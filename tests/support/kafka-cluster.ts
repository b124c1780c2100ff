// What tests do to a running Kafka: topics made and deleted, record batches of a log directory produced as they are, transactions.
// Invariant: batches of a partition keep their order.
import { readFile } from 'node:fs/promises'
import { ConfigResourceTypes, Kafka, logLevel } from 'kafkajs'
import { fetchMetadata, type TopicMetadata } from '../../src/main/kafka/cluster-requests.ts'
import { type Broker, type Cluster, createCluster, encoded } from '../../src/main/kafka/internals.ts'
import { array, int32, string, WireReader } from '../../src/main/kafka/wire.ts'
import { listPartitions, listSegments } from '../../src/shared/kafka/log-directory.ts'
import { readBatchHeader } from '../../src/shared/kafka/record-batch.ts'

export class KafkaCluster {
  readonly kafka: Kafka
  readonly #cluster: Cluster

  constructor(brokers: string) {
    const retry = { initialRetryTime: 200, maxRetryTime: 1000, retries: 30 }
    this.kafka = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING, retry })
    this.#cluster = createCluster(this.kafka, { metadataMaxAge: 300_000, allowAutoTopicCreation: false })
  }

  async createTopic(topic: string, partitions: number, config: Readonly<Record<string, string>> = {}): Promise<void> {
    const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }))
    await this.#admin((admin) =>
      admin.createTopics({ topics: [{ topic, numPartitions: partitions, configEntries }], waitForLeaders: false }),
    )
    // kafkajs's own waiting fails where the broker has not yet heard of the topic.
    for (;;) {
      const [found] = (await this.metadata(topic)).topics
      if (found?.errorCode === 0 && found.partitions.every(({ leader }) => leader >= 0)) return
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  async configureTopic(topic: string, config: Readonly<Record<string, string>>): Promise<void> {
    const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }))
    const resources = [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries }]
    await this.#admin((admin) => admin.alterConfigs({ validateOnly: false, resources }))
  }

  async deleteTopic(topic: string): Promise<void> {
    await this.#admin((admin) => admin.deleteTopics({ topics: [topic] }))
    for (;;) {
      const [found] = (await this.metadata(topic)).topics
      if (found?.errorCode !== 0) return
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }

  /** As retention would: the log then begins at `offset`. */
  async deleteBefore(topic: string, partition: number, offset: number): Promise<void> {
    await this.#admin(async (admin) => {
      await admin.fetchTopicOffsets(topic)
      await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(offset) }] })
    })
  }

  /** Offset after the last one of partition 0. */
  async endOf(topic: string): Promise<number> {
    return this.#admin(async (admin) => Number((await admin.fetchTopicOffsets(topic))[0]?.high))
  }

  async addPartitions(topic: string, count: number): Promise<void> {
    await this.#admin((admin) => admin.createPartitions({ topicPartitions: [{ topic, count }] }))
  }

  /** High watermarks. */
  async ends(topic: string): Promise<readonly { readonly partition: number; readonly end: number }[]> {
    const offsets = await this.#admin((admin) => admin.fetchTopicOffsets(topic))
    return offsets.map(({ partition, high }) => ({ partition, end: Number(high) }))
  }

  async groupOffsets(groupId: string, topic: string) {
    return this.#admin(async (admin) => (await admin.fetchOffsets({ groupId, topics: [topic] }))[0]?.partitions ?? [])
  }

  async metadata(topic: string): Promise<{ clusterId: string; topics: readonly TopicMetadata[] }> {
    return fetchMetadata(await this.#broker(), [topic])
  }

  /** Produces every batch of the log's topic. */
  async produceLog(directory: string, topic: string): Promise<void> {
    const broker = await this.#broker()
    const folders = (await listPartitions(directory)).filter((folder) => folder.topicName === topic)
    await Promise.all(
      folders.map(async (folder) => {
        for (const { path } of await listSegments(folder.path)) {
          await produceSegment(broker, topic, folder.partition, await readFile(path))
        }
      }),
    )
  }

  async close(): Promise<void> {
    await this.#cluster.disconnect()
  }

  async #broker(): Promise<Broker> {
    await this.#cluster.connect()
    return this.#cluster.brokerPool.findConnectedBroker()
  }

  async #admin<T>(run: (admin: ReturnType<Kafka['admin']>) => Promise<T>): Promise<T> {
    const admin = this.kafka.admin()
    await admin.connect()
    try {
      return await run(admin)
    } finally {
      await admin.disconnect()
    }
  }
}

async function produceSegment(broker: Broker, topic: string, partition: number, bytes: Buffer): Promise<void> {
  for (let at = 0; ; ) {
    const header = readBatchHeader(bytes, at)
    if (header === null) return
    const batch = Buffer.from(bytes.subarray(at, at + header.length))
    // Producers begin at 0; the broker puts its own offset there, outside of what the CRC covers.
    batch.writeBigInt64BE(0n, 0)
    await produceBatch(broker, topic, partition, batch)
    at += header.length
  }
}

/** Produce v7, acknowledged by all. */
async function produceBatch(broker: Broker, topic: string, partition: number, batch: Buffer): Promise<void> {
  const body = Buffer.concat([
    Buffer.from([0xff, 0xff, 0xff, 0xff]),
    int32(30_000),
    array([Buffer.concat([string(topic), array([Buffer.concat([int32(partition), int32(batch.length), batch])])])]),
  ])
  const answer = { errorCode: -1 }
  await broker.connectionPool.send({
    request: { apiKey: 0, apiVersion: 7, apiName: 'Produce', encode: async () => encoded(body) },
    response: {
      decode: async (bytes) => {
        const reader = new WireReader(bytes)
        reader.array(() => {
          reader.string()
          reader.array(() => {
            reader.int32()
            answer.errorCode = reader.int16()
            for (const _ of ['base offset', 'append time', 'log start']) reader.int64()
          })
        })
        return {}
      },
      parse: async (decoded) => decoded,
    },
  })
  if (answer.errorCode !== 0) throw new Error(`produce to ${topic}/${partition}: error ${answer.errorCode}`)
}
