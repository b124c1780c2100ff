// A log directory: Kafka segments on disk, read to the end they have when the read begins. Main thread; file
// reads are asynchronous and nothing is done per record. Invariant: identity is cluster id and topic id, looked at again with
// every read, so that a topic made again under its name is never taken for its predecessor.
import { IngestError } from '../../shared/errors.ts'
import { listPartitions, type PartitionFolder, readClusterId, readTopicId } from '../../shared/kafka/log-directory.ts'
import { type LogView, PartitionLog, placeError } from '../../shared/kafka/partition-log.ts'
import { checkRange, PartitionReader } from '../../shared/kafka/partition-reader.ts'
import { type PartitionPosition, partitionKey, type TopicKey, topicKey } from '../../shared/offsets.ts'
import type { Topics } from '../../shared/option-values.ts'
import type { LogEnd, RecordBatches, SourcePartition } from './record-source.ts'

export interface LogSourceOptions {
  readonly directory: string
  readonly topics: Topics
  /** How much of a partition's log a slice covers, before the next partition has its turn. */
  readonly sliceBytes?: number
}

/** A partition as the log shows it, without what a run makes of it. */
export type LogPartition = Omit<SourcePartition, 'start' | 'end' | 'isAssigned'>

const SLICE_BYTES = 1024 * 1024
/** Partitions whose files are looked at, at once. */
const LOOK_COUNT_MAX = 8

/**
 * Opens the partitions of the topics asked for; a pattern never means Kafka's internal topics.
 * Errors: SOURCE_MISSING, SOURCE_EMPTY (no topic fits, or one that was named is not there), SOURCE_IDENTITY, SOURCE_UNREADABLE.
 */
export async function openLogSource(options: LogSourceOptions): Promise<LogSource> {
  const { directory, topics } = options
  const folders = await listPartitions(directory)
  const chosen = choose(folders, topics, directory)
  const clusterId = await readClusterId(directory)
  const topicIds = new Map<string, string>()
  const partitions: LogSourcePartition[] = []
  for (const folder of chosen) {
    const { topicName } = folder
    const topicId = await readTopicId(folder)
    const other = topicIds.get(topicName) ?? topicId
    if (other !== topicId) throw new IngestError('SOURCE_IDENTITY', { topic: topicName, ids: `${other}, ${topicId}` })
    topicIds.set(topicName, topicId)
    partitions.push(new LogSourcePartition(folder, clusterId, topicId))
  }
  return new LogSource(partitions, options.sliceBytes ?? SLICE_BYTES)
}

function choose(folders: readonly PartitionFolder[], topics: Topics, source: string): PartitionFolder[] {
  if (topics.kind === 'names') {
    const missing = topics.names.find((name) => !folders.some((folder) => folder.topicName === name))
    if (missing !== undefined) throw new IngestError('SOURCE_EMPTY', { source, topic: missing })
    return folders.filter((folder) => topics.names.includes(folder.topicName))
  }
  const pattern = new RegExp(topics.pattern)
  const chosen = folders.filter(({ topicName }) => !topicName.startsWith('__') && pattern.test(topicName))
  if (chosen.length === 0) throw new IngestError('SOURCE_EMPTY', { source, pattern: topics.pattern })
  return chosen
}

/** One partition of the source. A reader that a read has ended with is kept for the next read that begins where it stands. */
class LogSourcePartition {
  readonly topic: TopicKey
  readonly folder: PartitionFolder
  readonly #log: PartitionLog
  readonly #topicId: string
  #parked: PartitionReader | null = null
  #stopped: { readonly offset: bigint; readonly logEnd: bigint } | null = null

  constructor(folder: PartitionFolder, clusterId: string, topicId: string) {
    this.folder = folder
    this.topic = topicKey(clusterId, topicId)
    this.#topicId = topicId
    this.#log = new PartitionLog(folder)
  }

  /** Errors: TOPIC_RECREATED, SOURCE_IDENTITY, SOURCE_UNREADABLE. */
  async look(): Promise<LogView> {
    const topicId = await readTopicId(this.folder)
    if (topicId !== this.#topicId) {
      throw new IngestError('TOPIC_RECREATED', { topic: this.folder.topicName, was: this.#topicId, is: topicId })
    }
    return this.#log.refresh()
  }

  async readerAt(offset: bigint, view: LogView, sliceBytes: number): Promise<PartitionReader> {
    const parked = this.#parked
    this.#parked = null
    checkRange(offset, view)
    return parked !== null && parked.next === offset ? parked : PartitionReader.at(offset, view, sliceBytes)
  }

  park(reader: PartitionReader): void {
    this.#parked = reader
  }

  /** A reader found an open transaction at `offset`, in a log that then ended at `logEnd`. */
  stop(offset: bigint, logEnd: bigint): void {
    this.#stopped = { offset, logEnd }
  }

  /** Where reading ends, as far as is known: the log's end, or the first transaction still open. */
  stableEnd(view: LogView): bigint {
    const stopped = this.#stopped
    if (stopped === null || stopped.logEnd !== view.logEnd || stopped.offset > view.stableEnd) return view.stableEnd
    return stopped.offset
  }
}

/** A partition being read: its end is fixed by the view. */
interface Lane {
  readonly partition: LogSourcePartition
  readonly reader: PartitionReader
  readonly view: LogView
}

export class LogSource {
  readonly #partitions: readonly LogSourcePartition[]
  readonly #sliceBytes: number

  constructor(partitions: readonly LogSourcePartition[], sliceBytes: number) {
    this.#partitions = partitions
    this.#sliceBytes = sliceBytes
  }

  async partitions(): Promise<readonly LogPartition[]> {
    return inGroups(this.#partitions, (partition) =>
      placed(partition.folder, async () => {
        const view = await partition.look()
        const { topicName, partition: number } = partition.folder
        const { logStart } = view
        return { topic: partition.topic, topicName, partition: number, logStart, logEnd: partition.stableEnd(view) }
      }),
    )
  }

  /** Where each partition ends, open transactions included. Errors: as `partitions`. */
  async logEnds(): Promise<readonly LogEnd[]> {
    return inGroups(this.#partitions, (partition) =>
      placed(partition.folder, async () => {
        const { logEnd } = await partition.look()
        return { topic: partition.topic, partition: partition.folder.partition, next: logEnd }
      }),
    )
  }

  /**
   * Reads from the given positions on to the end the log has now, partitions interleaved fairly, or until the signal aborts.
   * Errors: SOURCE_CORRUPT, POSITION_OUT_OF_RANGE, SOURCE_UNREADABLE, TOPIC_RECREATED.
   */
  async *read(positions: readonly PartitionPosition[], signal: AbortSignal): AsyncGenerator<RecordBatches, void> {
    let lanes = await inGroups(positions, (position) => this.#lane(position))
    try {
      while (lanes.length > 0) {
        const ended = new Set<Lane>()
        for (const lane of lanes) {
          if (signal.aborted) return
          const batches = await readLane(lane)
          if (batches === null) ended.add(lane)
          else yield batches
        }
        for (const { partition, reader, view } of ended) {
          if (reader.next < view.logEnd) partition.stop(reader.next, view.logEnd)
          partition.park(reader)
        }
        lanes = lanes.filter((lane) => !ended.has(lane))
      }
    } finally {
      for (const lane of lanes) lane.partition.park(lane.reader)
    }
  }

  async #lane(position: PartitionPosition): Promise<Lane> {
    const key = partitionKey(position.topic, position.partition)
    const partition = this.#partitions.find((one) => partitionKey(one.topic, one.folder.partition) === key)
    if (partition === undefined)
      throw new IngestError('SOURCE_EMPTY', { topic: position.topic, partition: position.partition })
    return placed(partition.folder, async () => {
      const view = await partition.look()
      const reader = await partition.readerAt(position.next, view, this.#sliceBytes)
      return { partition, reader, view }
    })
  }
}

function readLane({ partition, reader, view }: Lane): Promise<RecordBatches | null> {
  const { topicName, partition: number } = partition.folder
  return placed(partition.folder, async () => {
    try {
      const slice = await reader.read(view)
      return slice === null ? null : { topic: partition.topic, topicName, partition: number, epoch: 0, ...slice }
    } catch (error) {
      if (!(error instanceof IngestError) || error.code !== 'SOURCE_UNREADABLE') throw error
      // Retention may have deleted the segment under the reader: then the position is what has to be named.
      const { logStart, logEnd } = await partition.look()
      if (reader.next >= logStart) throw error
      throw new IngestError('POSITION_OUT_OF_RANGE', { position: reader.next, logStart, logEnd })
    }
  })
}

async function placed<T>(folder: PartitionFolder, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    throw placeError(folder, error)
  }
}

/** Maps in order, a few at a time. */
async function inGroups<T, R>(items: readonly T[], map: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (let at = 0; at < items.length; at += LOOK_COUNT_MAX) {
    results.push(...(await Promise.all(items.slice(at, at + LOOK_COUNT_MAX).map(map))))
  }
  return results
}
