// Passes over stretches of a log in which nothing is left. Main thread. Where compaction took all that lies below an open transaction,
// a fetch of committed records answers with nothing for as long as that is open, and a run to the end would wait with it.
// Invariant: a lane is moved only to where a batch was seen to begin, by a fetch of its partition alone; silence proves nothing.
import { setTimeout as sleep } from 'node:timers/promises'
import { HEADER_BYTES } from '../../shared/kafka/record-batch.ts'
import type { ClusterLook } from '../kafka/cluster-look.ts'
import { fetchRecords } from '../kafka/fetch-request.ts'
import { hasEnded, type KafkaReading, type Lane, type NextBatch, type Taken } from './kafka-reading.ts'

type Look = Pick<ClusterLook, 'topics' | 'askBroker'>

/** A lane that stands still for so long is looked at; most wait for a slow broker. */
const STILL_MS = 1_000

/**
 * Watches the lanes that have an end, until the reading closes; `passed` is told of each that was moved. Trouble with brokers is left
 * to the fetches of the consumer.
 */
export async function passHoles(
  look: Look,
  reading: KafkaReading,
  until: AbortSignal,
  passed: (lane: Lane, taken: Taken) => void,
): Promise<void> {
  const lanes = reading.lanes.filter(({ end }) => end !== null)
  const stood = new Map<Lane, bigint>()
  while (!until.aborted && !reading.isClosed && !lanes.every(hasEnded)) {
    await sleep(STILL_MS, undefined, { signal: until, ref: false }).catch(() => undefined)
    for (const lane of lanes) {
      const from = lane.next
      const isStill = stood.get(lane) === from && !hasEnded(lane) && !reading.isFull && !reading.isClosed
      stood.set(lane, from)
      if (!isStill) continue
      const next = await nextBatch(look, lane, from).catch(() => null)
      if (next !== null && next.baseOffset > from) passed(lane, reading.pass(lane, from, next))
    }
  }
}

/** The batch that a log holds at or after `offset`, whatever its fate; null: none was shown. Errors: BROKER_*. */
async function nextBatch(look: Look, { topicName: topic, partition }: Lane, offset: bigint): Promise<NextBatch | null> {
  const { topics } = await look.topics({ kind: 'names', names: [topic] })
  const found = topics.find(({ name }) => name === topic)?.partitions.find((each) => each.partition === partition)
  if (found === undefined) return null
  // The first batch comes whole, however little is asked for.
  const wanted = { topic, partition, offset, bytesMax: 1, waitMsMax: 0 }
  const { errorCode, bytes } = await look.askBroker(found.leader, (broker) => fetchRecords(broker, wanted))
  if (errorCode !== 0 || bytes.length < HEADER_BYTES) return null
  return { baseOffset: bytes.readBigInt64BE(0), leaderEpoch: bytes.readInt32BE(12) }
}
