// What verify reads its records from: a log directory (log-partitions.ts), or brokers. Types only.
import type { TopicKey } from '../offsets.ts'
import type { LogBatch } from './log-batch.ts'

export interface LogPartition {
  readonly topic: TopicKey
  readonly topicName: string
  readonly topicId: string
  readonly partition: number
  /** First offset that is still there. */
  readonly logStart: number
  /** Where the log ends, where the source knows it: compaction may have left nothing before it. Without: after the last batch. */
  readonly logEnd?: number
  /**
   * Batches in offset order, aborted ones and control batches too, each with a CRC that was right, from the one that holds offset
   * `from` on, to the end of the log as it was when the partition was found. May be asked for again.
   * Errors: SOURCE_CORRUPT, SOURCE_UNREADABLE, TOPIC_RECREATED, BROKER_*.
   */
  batches(from: number): AsyncIterable<LogBatch>
  /**
   * As `batches(0)`, and at least as far as transactions with records before that end have ended: one that ended after the first
   * record of another, which is still open, has its marker beyond the last stable offset, and its records are visible.
   */
  batchesWithEnds(): AsyncIterable<LogBatch>
}

export interface VerifySource {
  /** As errors name it. */
  readonly name: string
  /** All partitions whose topic fits. Errors: SOURCE_MISSING, SOURCE_EMPTY, SOURCE_IDENTITY, SOURCE_UNREADABLE, BROKER_*. */
  partitions(fits: (topic: string) => boolean): Promise<readonly LogPartition[]>
  close(): Promise<void>
}
