// What a feed writes into: a log directory or the topic of a Kafka cluster. Main thread. Invariant: one batch per partition is under
// way at most, so the order of a partition's records is that of the feed, and its batches are cut at the same records everywhere.
import type { WriterCodec } from '../../shared/kafka/compression.ts'
import type { KafkaConnection } from '../kafka/connection.ts'
import type { AvroWriter } from './avro-writer.ts'
import { openFeedLog } from './feed-log.ts'

/** What every feed takes, wherever it writes. */
export interface FeedSettings {
  readonly topic: string
  readonly partitions: number
  readonly codec: WriterCodec
  /** Records per record batch. */
  readonly batchRecords: number
  /** Add to a topic that holds something else; without it that is refused. */
  readonly append: boolean
  readonly onProgress?: ((done: number, total: number) => void) | undefined
  /** Stops after a whole batch. */
  readonly signal?: AbortSignal | undefined
}

/** Where an id is not given, it follows from the feed: see topic-log.ts. */
export interface DirectoryPlace {
  readonly directory: string
  readonly clusterId?: string | undefined
  readonly topicId?: string | undefined
}

export interface BrokersPlace {
  readonly connection: KafkaConnection
}

export type FeedPlace = DirectoryPlace | BrokersPlace
export type FeedTarget = FeedSettings & FeedPlace

export interface FeedResult {
  /** The log directory, or the brokers as they were named. */
  readonly place: 'directory' | 'brokers'
  readonly directory: string
  readonly topic: string
  readonly partitions: number
  /** `unchanged`: the feed was there already, complete. `stopped`: the signal came. */
  readonly outcome: 'written' | 'unchanged' | 'stopped'
  /** Records of the feed in the topic; `messagesFound` of them were there before this run. */
  readonly messages: number
  readonly messagesFound: number
  /** Of record batches in a log directory; of keys and values, before compression, at brokers. */
  readonly bytes: number
}

export interface FeedSink {
  /** Where the value of the partition's next record is written. */
  writer(partition: number): AvroWriter
  /** Ends that record; true when {@link flush} must be awaited before the partition's next one. */
  end(partition: number, timestampMs: number, key: Uint8Array): boolean
  /** Begins to write the partition's open batch, once the one before it is written. False when the feed shall stop. */
  flush(partition: number): Promise<boolean>
  /** Writes what is open and makes sure of all of it. */
  complete(): Promise<FeedResult>
  /** The result of a feed that the signal stopped: open batches are dropped. */
  stop(): Promise<FeedResult>
  /** Also after a failure: what is under way ends first. */
  close(): Promise<void>
}

export type OpenedFeed =
  | { readonly kind: 'open'; readonly sink: FeedSink }
  /** Nothing to write: the same feed is complete there. */
  | { readonly kind: 'done'; readonly result: FeedResult }

/** Errors: FEED_CONFLICT; STORE_NOT_WRITABLE, SOURCE_CORRUPT for a directory; BROKER_* for brokers. */
export async function openFeed(target: FeedTarget, identity: string, messages: number): Promise<OpenedFeed> {
  if ('directory' in target) return openFeedLog(target, identity, messages)
  // Loaded only when there are brokers.
  return (await import('./kafka-feed.ts')).openKafkaFeed(target, messages)
}
