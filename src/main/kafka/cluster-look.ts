// Looks at topics and offsets of a cluster over connections of its own, beside those of the consumers. Main thread.
// Invariant: what it answers was true at one moment after the question; nothing is kept from one look to the next but connections.
import { IngestError } from '../../shared/errors.ts'
import type { Topics } from '../../shared/option-values.ts'
import {
  type ClusterMetadata,
  EARLIEST,
  endOfEpochs,
  fetchMetadata,
  LATEST,
  listOffsets,
  type PartitionOffset,
  type TopicMetadata,
} from './cluster-requests.ts'
import { brokerError, type KafkaConnection, openKafka } from './connection.ts'
import { type Broker, type Cluster, createCluster } from './internals.ts'

/** Fetch v11, Metadata v12, OffsetForLeaderEpoch v3: [api key, version]. */
const NEEDED: readonly (readonly [number, number])[] = [
  [1, 11],
  [3, 12],
  [23, 3],
]
const UNKNOWN_TOPIC = 3

export interface LeaderOf {
  readonly topic: string
  readonly partition: number
  readonly leader: number
}

export interface TopicLook {
  readonly clusterId: string
  readonly topics: readonly TopicMetadata[]
}

export class ClusterLook {
  readonly #cluster: Cluster
  readonly #brokers: string

  constructor(connection: KafkaConnection) {
    this.#brokers = connection.brokers.join()
    const kafka = openKafka(connection, { text: '' })
    this.#cluster = createCluster(kafka, { metadataMaxAge: 300_000, allowAutoTopicCreation: false })
  }

  /**
   * Topics by name, or those that fit a pattern; a pattern never means internal topics.
   * Errors: SOURCE_EMPTY, BROKER_*.
   */
  async topics(topics: Topics): Promise<TopicLook> {
    const metadata = await this.#metadata(topics.kind === 'names' ? topics.names : null)
    const chosen = choose(metadata, topics)
    const refused = chosen.find(({ errorCode }) => errorCode === 29)
    if (refused !== undefined) throw new IngestError('BROKER_REFUSED', { topic: refused.name })
    const unready = chosen.find(({ errorCode, partitions }) => errorCode !== 0 || partitions.some((p) => p.leader < 0))
    if (unready !== undefined) {
      throw new IngestError('BROKER_UNREACHABLE', { topic: unready.name, reason: 'a partition has no leader' })
    }
    return { clusterId: metadata.clusterId, topics: chosen }
  }

  /** Every topic that this client may see, internal ones too. Errors: BROKER_*. */
  everyTopic(): Promise<TopicLook> {
    return this.#metadata(null)
  }

  /** Asks one broker anything, by its node id. Errors: BROKER_*. */
  askBroker<T>(nodeId: number, ask: (broker: Broker) => Promise<T>): Promise<T> {
    return this.#mapped(async () => {
      await this.#cluster.connect()
      return ask(await this.#cluster.findBroker({ nodeId }))
    })
  }

  /** Topic ids by name; a topic that is not there is absent. Errors: BROKER_*. */
  async topicIds(names: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const { topics } = await this.#metadata(names)
    return new Map(
      topics.filter(({ errorCode }) => errorCode !== UNKNOWN_TOPIC).map((each) => [each.name, each.topicId]),
    )
  }

  /** First offset of each partition. Errors: BROKER_*. */
  earliest(partitions: readonly LeaderOf[]): Promise<PartitionOffsets> {
    return this.atTime(partitions, EARLIEST)
  }

  /** Last stable offset of each partition. Errors: BROKER_*. */
  latest(partitions: readonly LeaderOf[]): Promise<PartitionOffsets> {
    return this.atTime(partitions, LATEST)
  }

  /** First offset at or after `time` (ms since 1970); -1 where no record is that young. Errors: BROKER_*. */
  atTime(partitions: readonly LeaderOf[], time: bigint): Promise<PartitionOffsets> {
    return this.#offsets(partitions, time, 'read committed')
  }

  /** Offset after the last record of each partition, open transactions included. Errors: BROKER_*. */
  highWatermarks(partitions: readonly LeaderOf[]): Promise<PartitionOffsets> {
    return this.#offsets(partitions, LATEST, 'read uncommitted')
  }

  /** Offset after the last one of each partition's epoch; -1 where it is not known. Errors: BROKER_*. */
  endOfEpochs(partitions: readonly (LeaderOf & { readonly leaderEpoch: number })[]): Promise<PartitionOffsets> {
    return this.#ofLeaders(partitions, endOfEpochs)
  }

  /** Takes a member out of its group, also while the member's own connection waits for a join. Errors: BROKER_*. */
  leave(groupId: string, memberId: string): Promise<unknown> {
    return this.#mapped(async () => {
      await this.#cluster.connect()
      const coordinator = await this.#cluster.findGroupCoordinator({ groupId })
      return coordinator.leaveGroup({ groupId, memberId })
    })
  }

  async close(): Promise<void> {
    await this.#cluster.disconnect().catch(() => undefined)
  }

  async #mapped<T>(run: () => Promise<T>): Promise<T> {
    try {
      return await run()
    } catch (error) {
      throw brokerError(error, { brokers: this.#brokers })
    }
  }

  #offsets(
    partitions: readonly LeaderOf[],
    time: bigint,
    isolation: 'read committed' | 'read uncommitted',
  ): Promise<PartitionOffsets> {
    return this.#ofLeaders(partitions, (broker, led) => {
      const wanted = led.map((each) => ({ ...each, time }))
      return listOffsets(broker, wanted, isolation)
    })
  }

  #metadata(names: readonly string[] | null): Promise<ClusterMetadata> {
    return this.#mapped(async () => {
      await this.#cluster.connect()
      const broker = await this.#cluster.brokerPool.findConnectedBroker()
      requireVersions(broker)
      return fetchMetadata(broker, names)
    })
  }

  #ofLeaders<P extends LeaderOf>(
    partitions: readonly P[],
    ask: (broker: Broker, led: readonly P[]) => Promise<PartitionOffset[]>,
  ): Promise<PartitionOffsets> {
    return this.#mapped(async () => {
      await this.#cluster.connect()
      await this.#cluster.refreshMetadata()
      const leaders = [...new Set(partitions.map(({ leader }) => leader))]
      const answers = await Promise.all(
        leaders.map(async (nodeId) => {
          const broker = await this.#cluster.findBroker({ nodeId })
          return ask(
            broker,
            partitions.filter(({ leader }) => leader === nodeId),
          )
        }),
      )
      return new PartitionOffsets(answers.flat())
    })
  }
}

/** Offsets by topic name and partition. */
export class PartitionOffsets {
  readonly #offsets: ReadonlyMap<string, bigint>

  constructor(answers: readonly PartitionOffset[]) {
    const failed = answers.find(({ errorCode }) => errorCode !== 0)
    if (failed !== undefined) {
      const { topic, partition, errorCode } = failed
      throw new IngestError('BROKER_UNREACHABLE', { topic, partition, errorCode })
    }
    this.#offsets = new Map(answers.map(({ topic, partition, offset }) => [`${topic}/${partition}`, offset]))
  }

  of(topic: string, partition: number): bigint {
    const offset = this.#offsets.get(`${topic}/${partition}`)
    if (offset === undefined) throw new IngestError('BROKER_UNREACHABLE', { topic, partition, reason: 'not answered' })
    return offset
  }
}

function choose({ topics }: ClusterMetadata, wanted: Topics): TopicMetadata[] {
  if (wanted.kind === 'names') {
    const missing = topics.find(({ errorCode }) => errorCode === UNKNOWN_TOPIC)
    if (missing !== undefined) throw new IngestError('SOURCE_EMPTY', { topic: missing.name })
    return [...topics]
  }
  const pattern = new RegExp(wanted.pattern)
  const chosen = topics.filter(({ name, isInternal }) => !isInternal && !name.startsWith('__') && pattern.test(name))
  if (chosen.length === 0) throw new IngestError('SOURCE_EMPTY', { pattern: wanted.pattern })
  return chosen
}

/** An older broker would speak an older Fetch, whose decoder is not ours. */
function requireVersions({ versions }: Broker): void {
  const lacking = NEEDED.find(([key, version]) => (versions?.[key]?.maxVersion ?? -1) < version)
  if (lacking === undefined) return
  throw new IngestError('BROKER_UNSUPPORTED', { reason: `request ${lacking[0]} version ${lacking[1]} is not spoken` })
}
