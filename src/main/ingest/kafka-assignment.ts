// One assignment of partitions by a consumer group, as the line reads it. Main thread.
// Invariant: a consumer fetches for it only while a reading is open, from the positions that reading was given; after the
// revocation nothing is handed over, and no commit is confirmed.
import { IngestError } from '../../shared/errors.ts'
import { type PartitionPosition, partitionKey, topicIdOf } from '../../shared/offsets.ts'
import type { ClusterLook } from '../kafka/cluster-look.ts'
import type { ConsumerGroup, GroupBatch } from '../kafka/internals.ts'
import { passHoles } from './kafka-holes.ts'
import { checkEpochs, checkPositions, type KafkaPartitions, type Notice, untilAnswered } from './kafka-partitions.ts'
import { hasEnded, KafkaReading, type Lane, type Taken } from './kafka-reading.ts'
import type { Assignment, CommitMark, LogEnd, RecordBatches, SourcePartition } from './record-source.ts'

export interface AssignmentParts {
  readonly epoch: number
  readonly group: ConsumerGroup
  readonly topicNames: readonly string[]
  readonly look: ClusterLook
  readonly known: KafkaPartitions
  readonly untilEnd: boolean
  readonly queueBytesMax: number
  readonly notice: Notice
  readonly acknowledge: (positions: readonly PartitionPosition[], names: TopicNames, mark: CommitMark) => void
}

/** Topic names by topic key. */
export type TopicNames = ReadonlyMap<string, string>

/** How long a fetch is held back at once while no reading is open; kafkajs sends its heartbeat in between. */
export const HOLD_MS = 100
/** Waits for room in the queue are cut this often, for a heartbeat. */
const ROOM_MS = 1_000

export class KafkaAssignment implements Assignment {
  readonly epoch: number
  readonly #parts: AssignmentParts
  readonly #revocation = new AbortController()
  #partitions: readonly SourcePartition[] = []
  #reading: KafkaReading | null = null
  #failure: IngestError | null = null

  constructor(parts: AssignmentParts) {
    this.epoch = parts.epoch
    this.#parts = parts
  }

  get revoked(): AbortSignal {
    return this.#revocation.signal
  }

  /** Whether a response is due: a reading waits for one. */
  get isWaiting(): boolean {
    const reading = this.#reading
    return reading !== null && !reading.isFull && reading.lanes.some((lane) => !hasEnded(lane))
  }

  get queueBytes(): number {
    return this.#reading?.queuedBytes ?? 0
  }

  revoke(): void {
    this.#revocation.abort()
    this.#reading?.close()
    this.#reading = null
  }

  fail(error: IngestError): void {
    this.#failure ??= error
    this.#reading?.fail(error)
  }

  async partitions(): Promise<readonly SourcePartition[]> {
    const { topicNames, known, group, notice } = this.#parts
    const ask = () => known.of({ kind: 'names', names: topicNames }, group.assigned())
    const msMax = Number.POSITIVE_INFINITY
    this.#partitions = await untilAnswered(ask, { msMax, signal: this.revoked, notice })
    return this.#partitions
  }

  async logEnds(): Promise<readonly LogEnd[]> {
    const { look } = this.#parts
    const assigned = this.#partitions.filter((each) => each.isAssigned)
    const names = [...new Set(assigned.map((each) => each.topicName))]
    if (names.length === 0) return []
    const { topics } = await look.topics({ kind: 'names', names })
    const leaders = new Map(
      topics.flatMap(({ name, partitions }) =>
        partitions.map(({ partition, leader }) => [`${name}/${partition}`, leader] as const),
      ),
    )
    const ends = await look.highWatermarks(
      assigned.map(({ topicName: topic, partition }) => ({
        ...{ topic, partition },
        leader: leaders.get(`${topic}/${partition}`) ?? -1,
      })),
    )
    return assigned.map(({ topic, topicName, partition }) => ({
      ...{ topic, partition },
      next: ends.of(topicName, partition),
    }))
  }

  async *read(positions: readonly PartitionPosition[], signal: AbortSignal): AsyncGenerator<RecordBatches, void> {
    this.#reading?.close()
    const until = AbortSignal.any([signal, this.revoked])
    const partitions = await this.#checked(positions, until)
    if (until.aborted) return
    const at = new Map(positions.map((each) => [partitionKey(each.topic, each.partition), each.next]))
    const lanes = partitions.flatMap((partition): Lane[] => {
      const { topic, topicName, partition: number, end } = partition
      const next = at.get(partitionKey(topic, number))
      return next === undefined
        ? []
        : [{ topic, topicName, partition: number, next, end: this.#parts.untilEnd ? end : null }]
    })
    const { queueBytesMax: bytesMax, untilEnd } = this.#parts
    const reading = new KafkaReading(this.epoch, lanes, { bytesMax, isEndless: !untilEnd })
    if (this.#failure !== null) reading.fail(this.#failure)
    this.#aim(reading)
    this.#reading = reading
    const close = (): void => reading.close()
    until.addEventListener('abort', close, { once: true })
    void passHoles(this.#parts.look, reading, until, (lane, taken) => this.#moved(lane, taken))
    try {
      yield* reading.slices()
    } finally {
      until.removeEventListener('abort', close)
      reading.close()
      if (this.#reading === reading) this.#reading = null
    }
  }

  /**
   * The assigned partitions, looked at again and compared with the positions: these may be younger than the look they came with, as
   * another member committed in between.
   */
  async #checked(positions: readonly PartitionPosition[], until: AbortSignal): Promise<readonly SourcePartition[]> {
    const { look, notice } = this.#parts
    try {
      const partitions = (await this.partitions()).filter((partition) => partition.isAssigned)
      checkPositions(partitions, positions)
      const ask = () => checkEpochs(look, partitions, positions)
      await untilAnswered(ask, { msMax: Number.POSITIVE_INFINITY, signal: until, notice })
      return partitions
    } catch (error) {
      if (until.aborted) return []
      throw error
    }
  }

  /** Points the consumer at the lanes, and away from whatever else it is assigned. */
  #aim(reading: KafkaReading): void {
    const { group } = this.#parts
    for (const { topic, partitions } of group.assigned()) {
      const lanes = partitions.flatMap((partition) => reading.lane(topic, partition) ?? [])
      const [open, idle]: [number[], number[]] = [[], partitions.filter((p) => reading.lane(topic, p) === null)]
      for (const lane of lanes) (hasEnded(lane) ? idle : open).push(lane.partition)
      if (idle.length > 0) group.pause([{ topic, partitions: idle }])
      if (open.length > 0) group.resume([{ topic, partitions: open }])
      for (const { partition, next } of lanes) group.seek({ topic, partition, offset: next.toString() })
    }
  }

  /** Whether the consumer may fetch now; waits a little where not, so that it does not spin. */
  async readable(): Promise<boolean> {
    if (this.#reading === null) await new Promise((resolve) => setTimeout(resolve, HOLD_MS))
    return this.#reading !== null
  }

  /**
   * Takes a response, once there is room. `heartbeat` throws when the group rebalances: then the response was not taken.
   * Errors: SOURCE_CORRUPT, and those of `heartbeat`.
   */
  async take(batch: GroupBatch, heartbeat: () => Promise<void>): Promise<void> {
    const reading = this.#reading
    const { topic, partition } = batch
    const raw = batch.messages[0]?.raw
    if (raw === undefined)
      throw new IngestError('BROKER_UNSUPPORTED', { topic, reason: 'a fetch that K2 did not decode' })
    while (reading?.isFull === true && !reading.isClosed) {
      await within(ROOM_MS, reading.changed())
      await heartbeat()
    }
    if (reading === null || batch.k2Epoch !== this.epoch) return
    const taken = reading.take(topic, partition, BigInt(batch.fetchedOffset), raw)
    const lane = reading.lane(topic, partition)
    if (lane !== null && taken !== 'taken') this.#moved(lane, taken)
  }

  /** Points the consumer to where a lane stands now; away from it where that is its end. */
  #moved({ topicName: topic, partition, next }: Lane, taken: Taken): void {
    const { group } = this.#parts
    if (taken === 'not read') return
    if (taken === 'ended') group.pause([{ topic, partitions: [partition] }])
    else group.seek({ topic, partition, offset: next.toString() })
  }

  async confirm(notice: Notice = this.#parts.notice): Promise<void> {
    const { look } = this.#parts
    const known = new Map(
      this.#partitions.filter((each) => each.isAssigned).map((each) => [each.topicName, each.topic]),
    )
    if (known.size === 0) return
    const ask = () => look.topicIds([...known.keys()])
    const ids = await untilAnswered(ask, { msMax: Number.POSITIVE_INFINITY, signal: this.revoked, notice }).catch(
      (error: unknown) => {
        if (this.revoked.aborted) return null
        throw error
      },
    )
    if (ids === null) return
    for (const [topic, key] of known) {
      const found = ids.get(topic)
      if (found === undefined) throw new IngestError('SOURCE_EMPTY', { topic, was: topicIdOf(key) })
      if (found !== topicIdOf(key)) throw new IngestError('TOPIC_RECREATED', { topic, was: topicIdOf(key), is: found })
    }
  }

  acknowledge(positions: readonly PartitionPosition[], mark: CommitMark): void {
    if (this.revoked.aborted) return
    const assigned = new Map(
      this.#partitions
        .filter((each) => each.isAssigned)
        .map((each) => [partitionKey(each.topic, each.partition), each]),
    )
    const own = positions.filter((each) => assigned.has(partitionKey(each.topic, each.partition)))
    const names = new Map([...assigned.values()].map((each) => [each.topic, each.topicName]))
    this.#parts.acknowledge(own, names, mark)
  }
}

function within(ms: number, event: Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    void event.then(() => {
      clearTimeout(timer)
      resolve()
    })
  })
}
