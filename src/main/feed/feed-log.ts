// A feed's way into a log directory: identity of cluster and topic, the journal, and one open batch per partition. Main
// thread. Invariant: killed anywhere and begun again, a feed ends with the bytes of one that was never killed; a complete
// feed begun again writes nothing.
import { mkdir } from 'node:fs/promises'
import { IngestError } from '../../shared/errors.ts'
import type { AvroWriter } from './avro-writer.ts'
import { type FeedEntry, type FeedJournal, readJournal, writeJournal } from './feed-journal.ts'
import { FeedPartition } from './feed-partition.ts'
import type { DirectoryPlace, FeedResult, FeedSettings, FeedSink, OpenedFeed } from './feed-sink.ts'
import { openTopicLog, type TopicLog } from './topic-log.ts'

type LogTarget = FeedSettings & DirectoryPlace

/** The log to feed, or the result where the same feed is complete there. Errors: FEED_CONFLICT, STORE_NOT_WRITABLE, SOURCE_CORRUPT. */
export async function openFeedLog(target: LogTarget, identity: string, messages: number): Promise<OpenedFeed> {
  const { directory, topic } = target
  try {
    await mkdir(directory, { recursive: true })
  } catch (error) {
    throw new IngestError('STORE_NOT_WRITABLE', { directory }, error)
  }
  const journal = await readJournal(directory)
  const before = journal.get(topic) ?? null
  if (before?.state === 'open' && before.identity !== identity) {
    throw new IngestError('FEED_CONFLICT', { directory, topic, reason: 'another feed of this topic is unfinished' })
  }
  if (before?.state === 'complete' && !target.append) {
    if (before.identity !== identity)
      throw new IngestError('FEED_CONFLICT', { directory, topic, reason: 'topic is there' })
    const { partitions } = target
    const counts = { messages, messagesFound: messages, bytes: 0 }
    return {
      kind: 'done',
      result: { place: 'directory', directory, topic, partitions, outcome: 'unchanged', ...counts },
    }
  }
  const log = await openTopicLog(target, identity)
  try {
    return { kind: 'open', sink: await enterFeed(target, log, journal, before, { identity, messages }) }
  } catch (error) {
    await log.close()
    throw error
  }
}

async function enterFeed(
  target: LogTarget,
  log: TopicLog,
  journal: FeedJournal,
  before: FeedEntry | null,
  feed: { readonly identity: string; readonly messages: number },
): Promise<FeedLog> {
  const { directory, topic } = target
  const ends = log.ends()
  if (before === null && !target.append && ends.some((end) => end > 0n)) {
    throw new IngestError('FEED_CONFLICT', { directory, topic, reason: 'topic is there, by no feed' })
  }
  if (before !== null && before.starts.length !== target.partitions) {
    throw new IngestError('FEED_CONFLICT', {
      directory,
      topic,
      partitions: before.starts.length,
      reason: 'partitions differ',
    })
  }
  const starts = before?.state === 'open' ? before.starts : ends
  const entry: FeedEntry = { ...feed, state: 'open', starts }
  if (before?.state !== 'open') await writeJournal(directory, new Map([...journal, [topic, entry]]))
  return new FeedLog(target, log, journal, entry, ends)
}

class FeedLog implements FeedSink {
  readonly #target: LogTarget
  readonly #log: TopicLog
  readonly #journal: FeedJournal
  readonly #entry: FeedEntry
  readonly #partitions: readonly FeedPartition[]
  readonly #found: number
  readonly #writes: Promise<void>[] = []
  #done = 0
  #written = 0
  #bytes = 0

  constructor(target: LogTarget, log: TopicLog, journal: FeedJournal, entry: FeedEntry, ends: readonly bigint[]) {
    this.#target = target
    this.#log = log
    this.#journal = journal
    this.#entry = entry
    const { topic, codec, batchRecords } = target
    let total = 0
    this.#partitions = ends.map((next, partition) => {
      const found = Number(next - (entry.starts[partition] ?? 0n))
      if (found < 0) throw new IngestError('FEED_CONFLICT', { topic, partition, reason: 'log is shorter than it was' })
      total += found
      return new FeedPartition({ topic, partition, codec, batchRecords, next, found })
    })
    this.#found = total
  }

  /** Where the value of the partition's next record is written. */
  writer(partition: number): AvroWriter {
    return this.#at(partition).writer
  }

  /** Ends that record; true when {@link flush} must be awaited before the partition's next one. */
  end(partition: number, timestampMs: number, key: Uint8Array): boolean {
    this.#done++
    return this.#at(partition).end(timestampMs, key)
  }

  /**
   * Begins to write the partition's open batch, once the one before it is written: one batch per partition is under way while
   * the next ones are made. False when the feed shall stop. Errors: STORE_FULL, STORE_NOT_WRITABLE.
   */
  async flush(partition: number): Promise<boolean> {
    const open = this.#at(partition)
    const records = open.pending
    const batch = open.seal()
    await this.#settle(partition)
    const write = this.#log.append(partition, batch)
    // Its failure is thrown where it is awaited, by the partition's next flush or at the end.
    write.catch(() => {})
    this.#writes[partition] = write
    this.#written += records
    this.#bytes += batch.length
    this.#target.onProgress?.(this.#done, this.#entry.messages)
    return this.#target.signal?.aborted !== true
  }

  /** Writes what is open, brings everything to disk and marks the feed complete. */
  async complete(): Promise<FeedResult> {
    for (const [index, partition] of this.#partitions.entries()) {
      partition.assertAllFoundAgain()
      if (partition.pending > 0) await this.flush(index)
    }
    await this.#sync()
    const { directory, topic } = this.#target
    await writeJournal(directory, new Map([...this.#journal, [topic, { ...this.#entry, state: 'complete' }]]))
    return this.#result('written')
  }

  /** The result of a feed that the signal stopped: open batches are dropped, to be made again. */
  async stop(): Promise<FeedResult> {
    await this.#sync()
    return this.#result('stopped')
  }

  /** Also after a failure: what is under way ends first, for a closed file must not be written. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#writes)
    await this.#log.close()
  }

  async #sync(): Promise<void> {
    for (const partition of this.#partitions.keys()) await this.#settle(partition)
    await this.#log.sync()
  }

  /** Waits for the partition's write under way, if any. */
  async #settle(partition: number): Promise<void> {
    await this.#writes[partition]
  }

  #result(outcome: 'written' | 'stopped'): FeedResult {
    const { directory, topic, partitions } = this.#target
    const messages = this.#found + this.#written
    const counts = { messages, messagesFound: this.#found, bytes: this.#bytes }
    return { place: 'directory', directory, topic, partitions, outcome, ...counts }
  }

  #at(partition: number): FeedPartition {
    const found = this.#partitions[partition]
    if (found === undefined) throw new RangeError(`partition ${partition} of ${this.#partitions.length}`)
    return found
  }
}
