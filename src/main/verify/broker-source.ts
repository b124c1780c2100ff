// Brokers as a source of `k2 verify`: the partitions of their topics, with the ends that they have now. Main thread.
// Invariant: a partition ends where its last stable offset was when it was found, so that a proof ends while a feed goes on.
import { IngestError } from '../../shared/errors.ts'
import { topicKey } from '../../shared/offsets.ts'
import type { LogPartition, VerifySource } from '../../shared/verify/verify-source.ts'
import { untilAnswered } from '../ingest/kafka-partitions.ts'
import { ClusterLook } from '../kafka/cluster-look.ts'
import type { TopicMetadata } from '../kafka/cluster-requests.ts'
import type { KafkaConnection } from '../kafka/connection.ts'
import { BrokerLog, type BrokerPlace, type Waiting } from './broker-log.ts'

/** Kafka's code of a topic that this client may not see. */
const REFUSED = 29

/** Connects when it is first asked. */
export function brokerSource(connection: KafkaConnection, waiting: Waiting): VerifySource {
  const look = new ClusterLook(connection)
  const name = connection.brokers.join(',')
  return {
    name,
    partitions: (fits) => untilAnswered(() => findPartitions(look, name, fits, waiting), waiting),
    close: () => look.close(),
  }
}

async function findPartitions(
  look: ClusterLook,
  source: string,
  fits: (topic: string) => boolean,
  waiting: Waiting,
): Promise<readonly LogPartition[]> {
  const { clusterId, topics } = await look.everyTopic()
  const chosen = topics.filter(({ name }) => fits(name)).sort((a, b) => (a.name < b.name ? -1 : 1))
  if (chosen.length === 0) throw new IngestError('SOURCE_EMPTY', { source })
  const places = chosen.flatMap((topic) =>
    topic.partitions.toSorted((a, b) => a.partition - b.partition).map((each) => placeOf(topic, each)),
  )
  const [starts, ends] = await Promise.all([look.earliest(places), look.latest(places)])
  return places.map((place) => {
    const { topic: topicName, topicId, partition } = place
    const logEnd = Number(ends.of(topicName, partition))
    const log = new BrokerLog(look, { ...place, end: logEnd }, waiting)
    return {
      ...{ topic: topicKey(clusterId, topicId), topicName, topicId, partition },
      logStart: Number(starts.of(topicName, partition)),
      logEnd,
      batches: (from) => log.batches(from),
      batchesWithEnds: () => log.batchesWithEnds(),
    }
  })
}

/** Errors: BROKER_REFUSED, BROKER_UNREACHABLE for a partition without a leader. */
function placeOf(topic: TopicMetadata, found: TopicMetadata['partitions'][number]): Omit<BrokerPlace, 'end'> {
  const { name, topicId, errorCode } = topic
  const { partition, leader } = found
  if (errorCode === REFUSED) throw new IngestError('BROKER_REFUSED', { topic: name })
  if (errorCode !== 0 || leader < 0) {
    throw new IngestError('BROKER_UNREACHABLE', { topic: name, partition, reason: 'the partition has no leader' })
  }
  return { topic: name, topicId, partition, leader }
}
