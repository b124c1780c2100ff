// Port: where record batches come from, a log directory or Kafka brokers. Main thread.
// A source owns reading only: it never decodes a record, never decides what was committed.
// Invariant: what is read belongs to one assignment; once that is revoked, nothing of it is committed any more.
import type { PartitionPosition, PartitionRange, TopicKey } from '../../shared/offsets.ts'

export interface SourcePartition {
  readonly topic: TopicKey
  readonly topicName: string
  readonly partition: number
  /** First offset the log still holds. */
  readonly logStart: bigint
  /** Offset after the last complete record batch, or before the first transaction still open, at the time of asking. */
  readonly logEnd: bigint
  /** Where the first run of this partition begins. */
  readonly start: bigint
  /** Where a run to the end ends: its `logEnd` when the source was opened. */
  readonly end: bigint
  /** Whether this assignment reads it; another member of the group reads the others. */
  readonly isAssigned: boolean
}

/** Whole record batches of one partition, undecoded, in offset order. */
export interface RecordBatches extends PartitionRange {
  readonly topicName: string
  /** Assignment epoch; a log directory has only one. */
  readonly epoch: number
  /** Concatenated v2 record batches, memory of its own (may be transferred). Control batches are left out; their offsets still lie in [first, next). */
  readonly bytes: Uint8Array
  /** Sum of the headers' record counts: an upper bound of the rows. */
  readonly recordCount: number
}

/** What a commit says of itself to whoever watches the lag of a group. */
export interface CommitMark {
  readonly tableUuid: string
  readonly snapshotId: string
}

/** Where a partition ends now, transactions still open included: its high watermark. */
export interface LogEnd {
  readonly topic: TopicKey
  readonly partition: number
  readonly next: bigint
}

/** How a source that keeps a connection is. */
export interface SourceHealth {
  /** Whether the group has given this member a share of the partitions, or none on purpose. */
  readonly isAssigned: boolean
  /** Ms since brokers answered a fetch, or since none is due. */
  readonly fetchAgeMs: number
  /** What the connection last complained of; empty: nothing. */
  readonly trouble: string
  readonly assignments: number
  /** Calls of the group to its members to join anew. */
  readonly rebalances: number
  /** Assignments lost because the group took this member for dead. */
  readonly evictions: number
  /** Times that the membership died here, and was made anew. */
  readonly deaths: number
  readonly epoch: number
  readonly queueBytes: number
  readonly queueBytesMax: number
}

/** A share of the source's partitions, from its assignment to its revocation. */
export interface Assignment {
  /** Rises with every assignment of this process; the committer refuses work of an older one. */
  readonly epoch: number
  /** Aborts when the share is taken away: whatever is in flight is to be dropped. */
  readonly revoked: AbortSignal
  /**
   * All partitions of the topics this source was opened for, as they are now.
   * Errors: SOURCE_MISSING, SOURCE_EMPTY, SOURCE_IDENTITY, SOURCE_UNREADABLE, TOPIC_RECREATED, BROKER_*.
   */
  partitions(): Promise<readonly SourcePartition[]>
  /**
   * Reads the assigned partitions from the given positions on, interleaved fairly, until the end (or for ever where following), the
   * revocation, or the signal's abort. `first` of a partition's first slice equals its position; its slices are contiguous.
   * Errors: SOURCE_CORRUPT, POSITION_OUT_OF_RANGE, CODEC_UNSUPPORTED, SOURCE_UNREADABLE, TOPIC_RECREATED, BROKER_*.
   */
  read(positions: readonly PartitionPosition[], signal: AbortSignal): AsyncIterable<RecordBatches>
  /** Of the partitions it reads, for the lag; without patience. Errors: those of `partitions`. */
  logEnds(): Promise<readonly LogEnd[]>
  /** Right before a commit: the topics read are still those that were assigned. Errors: TOPIC_RECREATED, SOURCE_EMPTY. */
  confirm(): Promise<void>
  /** Tells the source what is committed, as a mirror for lag tools; never read back as truth, never waited for. */
  acknowledge(positions: readonly PartitionPosition[], mark: CommitMark): void
}

export interface RecordSource {
  /** One assignment after the other, each once the one before is revoked; ends when the signal aborts. Errors: BROKER_*. */
  assignments(signal: AbortSignal): AsyncIterable<Assignment>
  /** Null: it keeps no connection. */
  health(): SourceHealth | null
  close(): Promise<void>
}
