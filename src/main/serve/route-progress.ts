// What is known of one route while it runs: its state, its partitions, its commit under way and what troubles it. Main thread.
// Invariant: a partition is here while this process reads it, and no longer.
import { readBatchHeader } from '../../shared/kafka/record-batch.ts'
import { type PartitionPosition, type PartitionRange, partitionKey } from '../../shared/offsets.ts'
import type { Assignment, LogEnd, RecordBatches, RecordSource, SourcePartition } from '../ingest/record-source.ts'
import type { RouteState } from './metric-table.ts'
import { PartitionProgress } from './partition-progress.ts'

/** What keeps something from going on, and since when (monotonic ms). */
export interface Trouble {
  readonly why: string
  readonly sinceMs: number
}

export interface LastCommit {
  readonly atMs: number
  readonly snapshotId: string
  readonly records: number
}

export class RouteProgress {
  readonly name: string
  readonly topics: readonly string[]
  source: Pick<RecordSource, 'health'> | null = null
  assignment: Pick<Assignment, 'epoch' | 'logEnds'> | null = null
  partitions: ReadonlyMap<string, PartitionProgress> = new Map()
  state: RouteState = 'starting'
  /** Since when a commit is under way, monotonic ms. */
  committingSinceMs: number | null = null
  commitTrouble: Trouble | null = null
  storeTrouble: Trouble | null = null
  lastCommit: LastCommit | null = null
  restarts = 0
  error: string | null = null
  /** Topics that are held, and why. */
  readonly held = new Map<string, string>()

  constructor(name: string, topics: readonly string[]) {
    this.name = name
    this.topics = topics
  }

  /** Reads from `positions` on; nothing is in flight. */
  reads(
    assignment: Pick<Assignment, 'epoch' | 'logEnds'>,
    partitions: readonly SourcePartition[],
    positions: readonly PartitionPosition[],
  ): void {
    const at = new Map(positions.map(({ topic, partition, next }) => [partitionKey(topic, partition), next]))
    this.assignment = assignment
    this.state = 'reading'
    this.commitTrouble = null
    this.storeTrouble = null
    this.partitions = new Map(
      partitions.map(({ topic, topicName, partition, start, logEnd }) => {
        const key = partitionKey(topic, partition)
        return [key, new PartitionProgress(topicName, partition, { committed: at.get(key) ?? start, logEnd })]
      }),
    )
  }

  leaves(state: RouteState): void {
    this.state = state
    this.assignment = null
    this.partitions = new Map()
    this.commitTrouble = null
    this.storeTrouble = null
  }

  slice(slice: RecordBatches): void {
    const { topic, partition, bytes } = slice
    this.partitions.get(partitionKey(topic, partition))?.slice(slice, bytes.length, oldestMsOf(bytes))
  }

  encoded(ranges: readonly PartitionRange[]): void {
    for (const range of ranges) this.partitions.get(partitionKey(range.topic, range.partition))?.encoded(range)
  }

  /** Oldest timestamps of the slices that are visible now. */
  commit(ranges: readonly PartitionRange[]): number[] {
    return ranges.flatMap(
      ({ topic, partition, next }) => this.partitions.get(partitionKey(topic, partition))?.commit(next) ?? [],
    )
  }

  ends(ends: readonly LogEnd[]): void {
    for (const { topic, partition, next } of ends) {
      const known = this.partitions.get(partitionKey(topic, partition))
      if (known !== undefined) known.logEnd = next
    }
  }

  /** Name of a partition's topic. */
  topicOf({ topic, partition }: PartitionRange): string {
    return this.partitions.get(partitionKey(topic, partition))?.topicName ?? ''
  }

  get bytes(): number {
    let sum = 0
    for (const partition of this.partitions.values()) sum += partition.bytes
    return sum
  }

  get oldestMs(): number | null {
    let oldest: number | null = null
    for (const { oldestMs } of this.partitions.values()) {
      if (oldestMs !== null && (oldest === null || oldestMs < oldest)) oldest = oldestMs
    }
    return oldest
  }
}

/** Time of the first record of the first batch, by its header: time rises with offsets closely enough for an age. */
function oldestMsOf(bytes: Uint8Array): number | null {
  const header = readBatchHeader(bytes, 0)
  if (header === null) return null
  const ms = Number(header.timestampType === 'log-append' ? header.maxTimestamp : header.baseTimestamp)
  return ms < 0 ? null : ms
}
