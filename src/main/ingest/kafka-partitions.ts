// The partitions of a Kafka source as the line sees them: looked at anew for each life of a route. Main thread.
// Invariant: the end of a run to the end is fixed by the first look at a partition; identity is cluster id and topic id.
import { setTimeout as sleep } from 'node:timers/promises'
import { IngestError } from '../../shared/errors.ts'
import { type PartitionPosition, partitionKey, topicKey } from '../../shared/offsets.ts'
import type { Start, Topics } from '../../shared/option-values.ts'
import type { ClusterLook, LeaderOf, PartitionOffsets } from '../kafka/cluster-look.ts'
import type { SourcePartition } from './record-source.ts'

export type Notice = (fields: Readonly<Record<string, string | number>>) => void

/** Which partitions the assignment of the moment holds, by topic name. */
export type Assigned = readonly { readonly topic: string; readonly partitions: readonly number[] }[]

/** What is asked of a cluster. */
type Look = Pick<ClusterLook, 'topics' | 'earliest' | 'latest' | 'atTime' | 'endOfEpochs'>

export class KafkaPartitions {
  readonly #look: Look
  readonly #start: Start
  readonly #ends = new Map<string, bigint>()

  constructor(look: Look, start: Start) {
    this.#look = look
    this.#start = start
  }

  /** Errors: SOURCE_EMPTY, BROKER_*. */
  async of(topics: Topics, assigned: Assigned): Promise<SourcePartition[]> {
    const { clusterId, topics: found } = await this.#look.topics(topics)
    const partitions = found.flatMap(({ name, topicId, partitions }) =>
      partitions.map(({ partition, leader }) => ({
        topic: name,
        key: topicKey(clusterId, topicId),
        partition,
        leader,
      })),
    )
    const [earliest, latest] = await Promise.all([this.#look.earliest(partitions), this.#look.latest(partitions)])
    const isFirst = this.#ends.size === 0
    const start = await this.#startOf(partitions, earliest, latest)
    return partitions
      .map(({ topic, key, partition }) => {
        const logEnd = latest.of(topic, partition)
        const id = partitionKey(key, partition)
        // One that came into being while we ran begins at its beginning, wherever a first run begins.
        const isNew = !isFirst && !this.#ends.has(id)
        const end = this.#ends.get(id) ?? logEnd
        this.#ends.set(id, end)
        const isAssigned = assigned.some((each) => each.topic === topic && each.partitions.includes(partition))
        const logStart = earliest.of(topic, partition)
        return {
          topic: key,
          topicName: topic,
          partition,
          logStart,
          logEnd,
          start: isNew ? logStart : start(topic, partition),
          end,
          isAssigned,
        }
      })
      .sort((a, b) => (a.topicName === b.topicName ? a.partition - b.partition : a.topicName < b.topicName ? -1 : 1))
  }

  async #startOf(
    partitions: readonly LeaderOf[],
    earliest: PartitionOffsets,
    latest: PartitionOffsets,
  ): Promise<(topic: string, partition: number) => bigint> {
    const start = this.#start
    switch (start.kind) {
      case 'earliest':
        return (topic, partition) => earliest.of(topic, partition)
      case 'latest':
        return (topic, partition) => latest.of(topic, partition)
      case 'offsets':
        return (topic, partition) => {
          const named = start.offsets.find((each) => each.topic === topic && each.partition === partition)
          return named === undefined ? earliest.of(topic, partition) : BigInt(named.offset)
        }
      case 'time': {
        const found = await this.#look.atTime(partitions, BigInt(start.ms))
        return (topic, partition) => {
          const offset = found.of(topic, partition)
          return offset < 0n ? latest.of(topic, partition) : offset
        }
      }
    }
  }
}

/** Positions inside the log as it is now, looked at after they were read. Errors: POSITION_OUT_OF_RANGE. */
export function checkPositions(partitions: readonly SourcePartition[], positions: readonly PartitionPosition[]): void {
  const at = new Map(positions.map((each) => [partitionKey(each.topic, each.partition), each.next]))
  for (const { topic, topicName, partition, logStart, logEnd } of partitions) {
    const position = at.get(partitionKey(topic, partition))
    if (position === undefined || (position >= logStart && position <= logEnd)) continue
    throw new IngestError('POSITION_OUT_OF_RANGE', { topic: topicName, partition, position, logStart, logEnd })
  }
}

/**
 * Whether the log was truncated below a position: its leader epoch then ends before it (KIP-320). An epoch that no broker knows any
 * more proves nothing. Errors: POSITION_OUT_OF_RANGE, BROKER_*.
 */
export async function checkEpochs(
  look: Pick<Look, 'endOfEpochs' | 'topics'>,
  partitions: readonly SourcePartition[],
  positions: readonly PartitionPosition[],
): Promise<void> {
  const at = new Map(positions.map((each) => [partitionKey(each.topic, each.partition), each]))
  const names = [...new Set(partitions.map((each) => each.topicName))]
  const marked = partitions.flatMap(({ topic, topicName, partition }) => {
    const { next, leaderEpoch } = at.get(partitionKey(topic, partition)) ?? { next: 0n }
    return leaderEpoch === undefined ? [] : [{ topic: topicName, partition, next, leaderEpoch }]
  })
  if (marked.length === 0) return
  const { topics } = await look.topics({ kind: 'names', names })
  const leaderOf = (topic: string, partition: number): number =>
    topics.find(({ name }) => name === topic)?.partitions.find((each) => each.partition === partition)?.leader ?? -1
  const ends = await look.endOfEpochs(marked.map((each) => ({ ...each, leader: leaderOf(each.topic, each.partition) })))
  for (const { topic, partition, next, leaderEpoch } of marked) {
    const end = ends.of(topic, partition)
    if (end < 0n || end >= next) continue
    throw new IngestError('POSITION_OUT_OF_RANGE', {
      ...{ topic, partition, position: next, leaderEpoch, epochEnd: end },
      reason: 'the log was truncated',
    })
  }
}

const FIRST_WAIT_MS = 300
const WAIT_MS_MAX = 3_000
const TRIES_PER_NOTICE = 5

/**
 * Asks brokers until they answer, saying so, for as long as `msMax` and the signal allow; then with the error of the last try.
 * Errors: whatever waiting does not help with, at once.
 */
export async function untilAnswered<T>(
  ask: () => Promise<T>,
  options: { readonly msMax: number; readonly signal: AbortSignal; readonly notice: Notice },
): Promise<T> {
  const startMs = performance.now()
  let tries = 0
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(2 * waitMs, WAIT_MS_MAX)) {
    try {
      return await ask()
    } catch (error) {
      const isHopeful = error instanceof IngestError && error.action === 'retry'
      if (!isHopeful || options.signal.aborted || performance.now() - startMs > options.msMax) throw error
      if (tries++ % TRIES_PER_NOTICE === 0) options.notice({ event: 'waiting for the brokers', reason: error.message })
      await sleep(waitMs, undefined, { signal: options.signal }).catch(() => undefined)
    }
  }
}
