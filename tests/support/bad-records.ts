// Records that cannot become rows of the trades table, one of each kind, and logs in which they lie among good ones.

import { fileURLToPath } from 'node:url'
import { feedSynthetic, syntheticTopic } from '../../src/main/feed/synthetic.ts'
import { openFileRegistry } from '../../src/shared/avro/schema-registry.ts'
import type { ErrorCode } from '../../src/shared/errors.ts'
import { listPartitions, readTopicId } from '../../src/shared/kafka/log-directory.ts'
import { openLogWriter } from '../../src/shared/kafka/log-writer.ts'
import { type RecordInput, writeRecordBatch } from '../../src/shared/kafka/record-batch-writer.ts'
import { avroString, tradeRecord, zigzag } from './trade-v2.ts'

export const schemas = fileURLToPath(new URL('../../schemas', import.meta.url))
const frame = (schemaId: number, value: Iterable<number>): Uint8Array =>
  Uint8Array.from([0, 0, 0, 0, schemaId, ...value])

/** Time of `tradeRecord(0)`. */
const TRADE_MS = 1_768_300_000_000
const key = Buffer.from('bad')

export const goodRecord = (index: number): RecordInput => ({
  timestampMs: TRADE_MS + index,
  key,
  value: frame(1, tradeRecord(index)),
})

const head = [...avroString('id'), ...avroString('trade'), ...avroString('BTCUSDT'), ...avroString('BINANCE')]

/** One record for each way in which a record is bad, with the code of its dead letter. */
export const badRecords: readonly (readonly [ErrorCode, RecordInput])[] = [
  ['RECORD_NOT_FRAMED', { timestampMs: TRADE_MS, key, value: Buffer.from('{"json": true}') }],
  ['RECORD_NOT_FRAMED', { timestampMs: TRADE_MS, key, value: new Uint8Array(0) }],
  ['RECORD_TRUNCATED', { timestampMs: TRADE_MS, key, value: frame(1, tradeRecord(1).slice(0, 60)) }],
  ['RECORD_TRAILING_BYTES', { timestampMs: TRADE_MS, key, value: frame(1, [...tradeRecord(2), 1, 2]) }],
  ['RECORD_VARINT', { timestampMs: TRADE_MS, key, value: frame(1, new Uint8Array(40).fill(0xff)) }],
  ['RECORD_BOUND', { timestampMs: TRADE_MS, key, value: frame(1, [...zigzag(1_000_000_000), 1, 2]) }],
  ['RECORD_VALUE', { timestampMs: TRADE_MS, key, value: frame(1, [...head, ...zigzag(99), ...tradeRecord(3)]) }],
  // Years before the trade's own time: nobody can know the future.
  ['RECORD_PARTITION_WINDOW', { timestampMs: 1_600_000_000_000, key, value: frame(1, tradeRecord(4)) }],
]
export const unknownSchemaRecord: RecordInput = { timestampMs: TRADE_MS, key, value: frame(77, tradeRecord(5)) }
export const tombstone: RecordInput = { timestampMs: TRADE_MS, key, value: null }

export interface LogOptions {
  readonly directory: string
  readonly messages: number
  readonly seed: number
  readonly partitions?: number
  /** To a log that is there. */
  readonly append?: boolean
  /** Good messages per round; after each a batch of bad records and one of a tombstone go into a few partitions. */
  readonly roundMessages?: number
}

export interface MixedLog {
  readonly messages: number
  readonly deadLetters: number
  readonly tombstones: number
}

/** Synthetic trades in rounds, with bad records between them. */
export async function mixedLog(options: LogOptions): Promise<MixedLog> {
  const { directory, messages, seed, partitions = 4, roundMessages = messages, append = false } = options
  const registry = await openFileRegistry(schemas)
  let deadLetters = 0
  let tombstones = 0
  for (let done = 0, round = 0; done < messages; round++, done += roundMessages) {
    const count = Math.min(roundMessages, messages - done)
    const feed = {
      directory,
      schemas: registry,
      partitions,
      symbols: 40,
      append: append || round > 0,
      batchRecords: 100,
    }
    await feedSynthetic({ ...feed, messages: count, seed: seed + round })
    await appendBatch(
      directory,
      syntheticTopic,
      round % partitions,
      badRecords.map(([, record]) => record),
    )
    await appendBatch(directory, syntheticTopic, (round + 1) % partitions, [tombstone])
    deadLetters += badRecords.length
    tombstones++
  }
  return { messages, deadLetters, tombstones }
}

/** Appends one batch to a partition that is there. */
export async function appendBatch(
  directory: string,
  topicName: string,
  partition: number,
  records: readonly RecordInput[],
): Promise<bigint> {
  const folder = (await listPartitions(directory)).find(
    (one) => one.topicName === topicName && one.partition === partition,
  )
  if (folder === undefined) throw new Error(`no partition ${topicName}-${partition} in ${directory}`)
  const writer = await openLogWriter({ directory, topicName, topicId: await readTopicId(folder), partition })
  const baseOffset = writer.nextOffset
  try {
    await writer.append(writeRecordBatch(records, { baseOffset, codec: 'lz4' }))
  } finally {
    await writer.close()
  }
  return baseOffset
}
