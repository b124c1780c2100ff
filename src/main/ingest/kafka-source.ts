// Kafka brokers as a RecordSource: one member of the consumer group, its joins and revocations as assignments. Main thread.
// Invariant: positions come from the table, never from the group; group offsets are written after a commit, for lag tools, and a
// write that fails changes nothing. A membership that died is made anew, boundedly; then the source fails with the reason.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Consumer } from 'kafkajs'
import { IngestError } from '../../shared/errors.ts'
import type { PartitionPosition } from '../../shared/offsets.ts'
import type { Start, Topics } from '../../shared/option-values.ts'
import { assignerWith } from '../kafka/assigner.ts'
import { ClusterLook } from '../kafka/cluster-look.ts'
import { brokerError, type KafkaConnection, type LastTrouble, openKafka } from '../kafka/connection.ts'
import { installHooks, isJoining } from '../kafka/group-hooks.ts'
import { type ConsumerGroup, final, type GroupBatch } from '../kafka/internals.ts'
import { HOLD_MS, KafkaAssignment, type TopicNames } from './kafka-assignment.ts'
import { KafkaPartitions, type Notice, untilAnswered } from './kafka-partitions.ts'
import type { Assignment, CommitMark, RecordSource, SourceHealth } from './record-source.ts'

export interface KafkaSourceOptions {
  readonly connection: KafkaConnection
  readonly topics: readonly string[]
  readonly group: string
  readonly start: Start
  readonly untilEnd: boolean
  readonly sessionTimeoutMs: number
  /** The name that the member keeps (KIP-345); null: none. */
  readonly instanceId: string | null
  /** Undecoded bytes that may wait between the consumer and the line. */
  readonly queueBytesMax: number
  readonly notice: Notice
}

/** A start waits this long for brokers, then it fails: a wrong address should be seen. */
const START_MS_MAX = 15_000
const FETCH_BYTES_MAX = 10 * 1024 * 1024
const PARTITION_BYTES_MAX = 1024 * 1024
/** Brokers that have answered no fetch for so long are spoken of. */
const SILENCE_MS = 10_000
/** Deaths of the membership in a row, without a fetch answered in between. */
const DEATHS_MAX = 5
/** A day of broker outage. */
const MEMBER_RETRIES_MAX = 30_000
const CLOSE_MS_MAX = 5_000
const WATCH_MS = 1_000
/** Every so many watches the topics are asked for, also where nothing is committed. */
const WATCHES_PER_CONFIRM = 10

/** Names of the topics that fit. Errors: SOURCE_EMPTY, BROKER_*. */
export async function kafkaTopics(
  connection: KafkaConnection,
  topics: Topics,
  notice: Notice,
  signal: AbortSignal,
): Promise<string[]> {
  const look = new ClusterLook(connection)
  try {
    const found = await untilAnswered(() => look.topics(topics), { msMax: START_MS_MAX, signal, notice })
    return found.topics.map(({ name }) => name)
  } finally {
    await look.close()
  }
}

/** Looks at the topics, so that the ends of a run to the end are those of now. Errors: SOURCE_EMPTY, BROKER_*. */
export async function openKafkaSource(options: KafkaSourceOptions, signal: AbortSignal): Promise<RecordSource> {
  const look = new ClusterLook(options.connection)
  const known = new KafkaPartitions(look, options.start)
  const ask = () => known.of({ kind: 'names', names: options.topics }, [])
  try {
    await untilAnswered(ask, { msMax: START_MS_MAX, signal, notice: options.notice })
  } catch (error) {
    await look.close()
    throw error
  }
  return new KafkaSource(options, look, known)
}

class KafkaSource implements RecordSource {
  readonly #options: KafkaSourceOptions
  readonly #look: ClusterLook
  readonly #known: KafkaPartitions
  readonly #trouble: LastTrouble = { text: '' }
  #consumer: Consumer | null = null
  /** The newest membership. */
  #group: ConsumerGroup | null = null
  #current: KafkaAssignment | null = null
  /** Not handed out yet. */
  #pending: KafkaAssignment | null = null
  /** The newest one, also after its revocation. */
  #last: KafkaAssignment | null = null
  #explained: Promise<IngestError> | null = null
  #failure: IngestError | null = null
  #wake: () => void = () => undefined
  #deaths = 0
  /** For whoever looks. */
  readonly #counts = { assignments: 0, rebalances: 0, evictions: 0, deaths: 0 }
  #isRestarting = false
  #isClosing = false
  #fetchedAtMs = performance.now()
  #isSilent = false
  #acknowledging: Promise<void> | null = null
  #unacknowledged: (() => Promise<void>) | null = null

  constructor(options: KafkaSourceOptions, look: ClusterLook, known: KafkaPartitions) {
    this.#options = options
    this.#look = look
    this.#known = known
  }

  async *assignments(signal: AbortSignal): AsyncGenerator<Assignment, void> {
    const wake = (): void => this.#wake()
    signal.addEventListener('abort', wake, { once: true })
    const watch = setInterval(() => this.#watch(), WATCH_MS)
    try {
      void this.#startMember(signal)
      while (!signal.aborted) {
        if (this.#failure !== null) throw this.#failure
        const pending = this.#pending
        this.#pending = null
        if (pending !== null && !pending.revoked.aborted) yield pending
        else await this.#somethingNew()
      }
    } finally {
      clearInterval(watch)
      signal.removeEventListener('abort', wake)
    }
  }

  #somethingNew(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }

  async #startMember(signal: AbortSignal): Promise<void> {
    const { options, consumer } = { options: this.#options, consumer: this.#newConsumer(signal) }
    this.#consumer = consumer
    try {
      await consumer.connect()
      await consumer.subscribe({ topics: [...options.topics] })
      await consumer.run({
        autoCommit: false,
        eachBatch: ({ batch, heartbeat }) => this.#take(batch as unknown as GroupBatch, heartbeat),
      })
    } catch (error) {
      await this.#died(this.#placed(error), signal)
    }
  }

  #newConsumer(signal: AbortSignal): Consumer {
    installHooks()
    const { connection, group: groupId, sessionTimeoutMs, queueBytesMax } = this.#options
    const hooks = {
      instanceId: this.#options.instanceId,
      revoked: () => this.#lost(),
      assigned: (epoch: number, group: ConsumerGroup) => this.#assigned(epoch, group),
      readable: (epoch: number) => this.#readable(epoch),
      handed: (batch: GroupBatch) => this.#take(batch, async () => undefined),
      fetched: () => this.#fetched(),
      isLeaving: () => this.#isClosing,
      failed: (error: IngestError) => void this.#failExplained(error),
    }
    const consumer = openKafka(connection, this.#trouble).consumer({
      groupId,
      partitionAssigners: [assignerWith(hooks)],
      sessionTimeout: sessionTimeoutMs,
      heartbeatInterval: Math.floor(sessionTimeoutMs / 5),
      // So soon new partitions are noticed.
      metadataMaxAge: 10_000,
      maxBytesPerPartition: PARTITION_BYTES_MAX,
      maxBytes: Math.min(FETCH_BYTES_MAX, queueBytesMax),
      minBytes: 1,
      // kafkajs sleeps this long whenever every partition is paused, and nothing wakes it.
      maxWaitTimeInMs: 100,
      allowAutoTopicCreation: false,
      // A crash would lose the member's id, and the group would wait for that dead member's session to end.
      retry: { initialRetryTime: 300, maxRetryTime: 3_000, retries: MEMBER_RETRIES_MAX },
    })
    consumer.on(consumer.events.REBALANCING, () => void this.#counts.rebalances++)
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      const error = this.#placed(payload.error)
      if (!payload.restart) return this.#died(error, signal)
      this.#counts.deaths++
      this.#isRestarting = true
      this.#options.notice({ event: 'the group member starts again', reason: error.message })
      return Promise.resolve()
    })
    return consumer
  }

  #placed(error: unknown): IngestError {
    const { connection, group } = this.#options
    return brokerError(error, { brokers: connection.brokers.join(), group })
  }

  /** A dead membership, which kafkajs does not start again. */
  async #died(error: IngestError, signal: AbortSignal): Promise<void> {
    this.#counts.deaths++
    // Of a failure that is known, what precedes it may still be on its way to its commit.
    if (this.#failure === null) this.#revoked()
    await this.#consumer?.disconnect().catch(() => undefined)
    if (signal.aborted || this.#isClosing || this.#failure !== null) return
    if (error.action !== 'retry' || ++this.#deaths > DEATHS_MAX) return this.#failExplained(error)
    this.#options.notice({
      event: 'the group member died and is made anew',
      reason: error.message,
      deaths: this.#deaths,
    })
    await new Promise((resolve) => setTimeout(resolve, 1_000 * this.#deaths))
    if (!signal.aborted && !this.#isClosing) void this.#startMember(signal)
  }

  async #failExplained(error: IngestError): Promise<void> {
    if (error.code !== 'POSITION_OUT_OF_RANGE') return this.#fail(error)
    this.#explained ??= explained(error, this.#last)
    this.#fail(await this.#explained)
  }

  #fail(error: IngestError): void {
    this.#failure ??= error
    this.#current?.fail(error)
    this.#wake()
  }

  /** kafkajs forgets its member's id when the group no longer knows it: that is an eviction, all else a join as others. */
  #lost(): void {
    if (this.#current !== null && this.#group?.memberId === null && !this.#isRestarting) this.#counts.evictions++
    this.#revoked()
  }

  #revoked(): void {
    this.#current?.revoke()
    this.#current = null
    this.#pending = null
    this.#wake()
  }

  #assigned(epoch: number, group: ConsumerGroup): void {
    const { topics: topicNames, untilEnd, queueBytesMax, notice } = this.#options
    const assignment = new KafkaAssignment({
      epoch,
      group,
      topicNames,
      look: this.#look,
      known: this.#known,
      untilEnd,
      queueBytesMax,
      notice,
      acknowledge: (positions, names, mark) => this.#acknowledge(positions, names, mark),
    })
    this.#counts.assignments++
    this.#isRestarting = false
    this.#group = group
    this.#current = assignment
    this.#last = assignment
    this.#pending = assignment
    this.#fetchedAtMs = performance.now()
    this.#wake()
  }

  async #readable(epoch: number): Promise<boolean> {
    const current = this.#current
    if (current !== null && current.epoch === epoch) return current.readable()
    await sleep(HOLD_MS)
    return false
  }

  async #take(batch: GroupBatch, heartbeat: () => Promise<void>): Promise<void> {
    const current = this.#current
    try {
      await current?.take(batch, heartbeat)
    } catch (error) {
      if (error instanceof IngestError) {
        const { topic, partition } = batch
        this.#fail(new IngestError(error.code, { topic, partition, ...error.context }, error.cause))
        throw final(error)
      }
      throw error
    }
  }

  #fetched(): void {
    this.#fetchedAtMs = performance.now()
    this.#deaths = 0
    if (!this.#isSilent) return
    this.#isSilent = false
    this.#options.notice({ event: 'the brokers answer again' })
  }

  #watches = 0

  #watch(): void {
    const current = this.#current
    const silenceMs = performance.now() - this.#fetchedAtMs
    if (current !== null && !current.isWaiting) this.#fetchedAtMs = performance.now()
    else if (silenceMs > SILENCE_MS && !this.#isSilent) {
      this.#isSilent = true
      const seconds = Math.round(silenceMs / 1000)
      this.#options.notice({ event: 'no broker has answered a fetch', seconds, reason: this.#trouble.text })
    }
    if (++this.#watches % WATCHES_PER_CONFIRM !== 0 || current === null) return
    // Silent: that brokers are away is told above.
    current
      .confirm(() => undefined)
      .catch((error: unknown) => {
        if (!current.revoked.aborted) this.#fail(this.#placed(error))
      })
  }

  /** One at a time; of those that wait, the newest. */
  #acknowledge(positions: readonly PartitionPosition[], names: TopicNames, mark: CommitMark): void {
    const metadata = JSON.stringify({ table: mark.tableUuid, snapshot: mark.snapshotId })
    const offsets = positions.flatMap(({ topic, partition, next }) => {
      const name = names.get(topic)
      return name === undefined ? [] : [{ topic: name, partition, offset: next.toString(), metadata }]
    })
    if (offsets.length === 0) return
    this.#unacknowledged = async () => this.#consumer?.commitOffsets(offsets)
    this.#acknowledging ??= this.#sendAcknowledgements().finally(() => {
      this.#acknowledging = null
    })
  }

  async #sendAcknowledgements(): Promise<void> {
    for (let send = this.#unacknowledged; send !== null; send = this.#unacknowledged) {
      this.#unacknowledged = null
      // A mirror only: a rebalance or a broker on its way may refuse it, and the next commit brings it anew.
      await send().catch(() => undefined)
    }
  }

  health(): SourceHealth {
    const current = this.#current
    return {
      isAssigned: current !== null,
      fetchAgeMs: performance.now() - this.#fetchedAtMs,
      trouble: this.#trouble.text,
      ...this.#counts,
      epoch: current?.epoch ?? 0,
      queueBytes: current?.queueBytes ?? 0,
      queueBytesMax: this.#options.queueBytesMax,
    }
  }

  /** Leaves the group, so that others take over at once. */
  async close(): Promise<void> {
    this.#isClosing = true
    const left = async (): Promise<void> => {
      this.#revoked()
      // Who waits for a join is answered when it ends: its own leaving would come after that.
      const group = this.#group
      const isNamed = this.#options.instanceId !== null
      if (!isNamed && group !== null && group.memberId !== null && isJoining(group)) {
        await this.#look.leave(group.groupId, group.memberId)
      }
      await this.#acknowledging
      await this.#consumer?.disconnect()
      await this.#look.close()
    }
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, CLOSE_MS_MAX)
    })
    await Promise.race([left().catch(() => undefined), late])
    clearTimeout(timer)
  }
}

/** An offset out of range in a topic that was made again is that topic's, and nothing of retention; else, what the log holds. */
async function explained(error: IngestError, last: KafkaAssignment | null): Promise<IngestError> {
  try {
    await last?.confirm()
    const { topic, partition } = error.context
    const found = (await last?.partitions())?.find((each) => each.topicName === topic && each.partition === partition)
    if (found === undefined) return error
    return new IngestError(error.code, { ...error.context, logStart: found.logStart, logEnd: found.logEnd })
  } catch (why) {
    return brokerError(why)
  }
}
