// From the letters of a chunk back to record batches, as a source would have read them: the same bytes, at the same offsets. Pure.
// Invariant: a partition's records rise by offset, each once, so that the encode worker walks them as it walks those of Kafka.

import { type RecordInput, writeRecordBatch } from '../../shared/kafka/record-batch-writer.ts'
import type { DeadLetter } from '../../shared/letters/dead-letter.ts'
import { type PartitionRange, topicKey } from '../../shared/offsets.ts'
import type { RecordBatches } from '../ingest/record-source.ts'

/** Cluster id of slices that were in no cluster's log: a dead letter keeps its topic id only. */
const NO_CLUSTER = 'dead-letters'
/** Offsets of one batch span at most this: a delta is an int32. */
const DELTA_MAX = 0x7fffffffn
/** Kafka's "no timestamp". */
const NO_TIMESTAMP = -1

/** One slice a partition. */
export function letterBatches(letters: readonly DeadLetter[]): RecordBatches[] {
  const byPartition = new Map<string, DeadLetter[]>()
  for (const letter of letters) {
    const key = JSON.stringify([letter.topic, letter.topicId, letter.partition])
    const held = byPartition.get(key)
    if (held === undefined) byPartition.set(key, [letter])
    else held.push(letter)
  }
  return [...byPartition.values()].map(sliceOf)
}

function sliceOf(unsorted: readonly DeadLetter[]): RecordBatches {
  const letters = unsorted.toSorted((a, b) => (a.offset < b.offset ? -1 : a.offset > b.offset ? 1 : 0))
  const [head, last] = [letters[0], letters.at(-1)]
  if (head === undefined || last === undefined) throw new Error('a partition without letters')
  const batches: Uint8Array[] = []
  let held: DeadLetter[] = []
  for (const letter of letters) {
    if (held[0] !== undefined && letter.offset - held[0].offset > DELTA_MAX) {
      batches.push(batchOf(held))
      held = []
    }
    held.push(letter)
  }
  batches.push(batchOf(held))
  const range: PartitionRange = {
    topic: topicKey(NO_CLUSTER, head.topicId),
    partition: head.partition,
    first: head.offset,
    next: last.offset + 1n,
  }
  return { ...range, topicName: head.topic, epoch: 0, bytes: Buffer.concat(batches), recordCount: letters.length }
}

function batchOf(letters: readonly DeadLetter[]): Uint8Array {
  const baseOffset = letters[0]?.offset ?? 0n
  return writeRecordBatch(
    letters.map(
      (letter): RecordInput => ({
        offsetDelta: Number(letter.offset - baseOffset),
        timestampMs: letter.timestampUs === null ? NO_TIMESTAMP : Number(letter.timestampUs / 1000n),
        key: letter.key,
        value: letter.value,
        headers: letter.headers,
      }),
    ),
    { baseOffset },
  )
}
