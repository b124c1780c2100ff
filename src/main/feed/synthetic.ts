// `k2 feed synthetic`: made-up Binance trades into a log directory or a topic, for demos and benchmarks. Main thread.
// Invariant: the same options give the same bytes, on every machine.
import { IngestError } from '../../shared/errors.ts'
import { asxShapes } from './asx.ts'
import { feedIdentity } from './feed-journal.ts'
import { type FeedSchemas, feedSchemaId } from './feed-schema.ts'
import { type FeedPlace, type FeedResult, type FeedSettings, type FeedTarget, openFeed } from './feed-sink.ts'
import { TradeStream } from './synthetic-trades.ts'

export const syntheticTopic = 'market.crypto.trades.binance'

interface SyntheticOptions extends Partial<FeedSettings>, FeedSchemas {
  readonly messages: number
  /** Distinct symbols, at most 100,000; each has its own consecutive source_sequence from 1. Default 100. */
  readonly symbols?: number
  /** Default 1. */
  readonly seed?: number
  /** Time of the first trade, ms since 1970 UTC. Default 2026-01-13T00:00:00Z. */
  readonly startMs?: number
  /** Mean time between two trades, µs. Default 1000: 86,400,000 trades fill a UTC day. */
  readonly stepUs?: number
}

export type SyntheticFeedOptions = SyntheticOptions & FeedPlace

/** Parameters of the trades themselves that a caller left out. */
const defaults = { symbols: 100, seed: 1, startMs: Date.UTC(2026, 0, 13), stepUs: 1000 }

/**
 * Writes `messages` trades (TradeV2, about 166 bytes each with their frame) to `topic`: key = symbol, Java's partitioner,
 * record time = the trade's, rising; by default 8 partitions, lz4, batches of 500. To span days, raise `stepUs`.
 * Errors: USAGE, SCHEMA_UNKNOWN, SCHEMA_INCOMPATIBLE, FEED_CONFLICT, STORE_NOT_WRITABLE, BROKER_*, those of `register`.
 */
export async function feedSynthetic(options: SyntheticFeedOptions): Promise<FeedResult> {
  const { messages } = options
  const stream = {
    symbols: options.symbols ?? defaults.symbols,
    seed: options.seed ?? defaults.seed,
    startMs: options.startMs ?? defaults.startMs,
    stepUs: options.stepUs ?? defaults.stepUs,
  }
  refuse(messages, stream)
  const target: FeedTarget = {
    topic: syntheticTopic,
    partitions: 8,
    codec: 'lz4',
    batchRecords: 500,
    append: false,
    ...options,
  }
  const { schema, schemaFields } = asxShapes.trades
  const schemaId = await feedSchemaId(options, target.topic, schema, schemaFields)
  const { topic, partitions, codec, batchRecords } = target
  const parameters = { feed: 'synthetic', v: 1, schemaId, messages, ...stream, topic, partitions, codec, batchRecords }
  const feed = await openFeed(target, feedIdentity(parameters), messages)
  if (feed.kind === 'done') return feed.result
  const { sink } = feed
  try {
    const trades = new TradeStream({ ...stream, schemaId, partitions, startUs: stream.startMs * 1000 })
    for (let index = 0; index < messages; index++) {
      trades.advance()
      trades.write(sink.writer(trades.partition))
      if (sink.end(trades.partition, trades.timestampMs, trades.key) && !(await sink.flush(trades.partition))) {
        return await sink.stop()
      }
    }
    return await sink.complete()
  } finally {
    await sink.close()
  }
}

function refuse(messages: number, stream: typeof defaults): void {
  const limits: readonly (readonly [name: string, value: number, low: number, high: number])[] = [
    ['messages', messages, 0, 10_000_000_000],
    ['symbols', stream.symbols, 1, 100_000],
    ['seed', stream.seed, 0, 0xffff_ffff],
    ['startMs', stream.startMs, 0, Date.UTC(2100, 0, 1)],
    ['stepUs', stream.stepUs, 1, 86_400_000_000],
    // Times are written as integers up to 2^52, which are µs until the year 2112.
    ['end (ms)', Math.ceil(stream.startMs + (messages * stream.stepUs) / 1000), 0, Date.UTC(2112, 0, 1)],
  ]
  for (const [option, value, low, high] of limits) {
    if (!Number.isInteger(value) || value < low || value > high)
      throw new IngestError('USAGE', { option, value, low, high })
  }
}
