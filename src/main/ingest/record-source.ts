// Port: where record batches come from (a log directory, later a Kafka broker). Main thread.
// A source owns reading only: it never decodes a record, never decides what was committed.
import type { PartitionPosition, PartitionRange, TopicKey } from '../../shared/offsets.ts'

export interface SourcePartition {
  readonly topic: TopicKey
  readonly topicName: string
  readonly partition: number
  /** First offset the log still holds. */
  readonly logStart: bigint
  /** Offset after the last complete record batch at the time of asking. */
  readonly logEnd: bigint
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

export interface RecordSource {
  /** Partitions of the topics this source was opened for. Errors: SOURCE_MISSING, SOURCE_EMPTY, SOURCE_IDENTITY. */
  partitions(): Promise<readonly SourcePartition[]>
  /**
   * Reads from the given positions on, partitions interleaved fairly, until the end (or for ever where following) or until
   * the signal aborts. `first` of a partition's first slice equals its position; slices of a partition are contiguous.
   * Errors: SOURCE_CORRUPT, POSITION_OUT_OF_RANGE, CODEC_UNSUPPORTED, SOURCE_UNREADABLE.
   */
  read(positions: readonly PartitionPosition[], signal: AbortSignal): AsyncIterable<RecordBatches>
  /** Tells the source what is committed, as a mirror for lag tools; never read back as truth. */
  acknowledge(positions: readonly PartitionPosition[]): Promise<void>
  close(): Promise<void>
}
