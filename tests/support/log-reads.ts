// Reads of a log directory for the tests of the log source: what came out, checked for being contiguous.
import { expect } from 'vitest'
import { type LogSource, openLogSource } from '../../src/main/ingest/log-source.ts'
import type { RecordBatches } from '../../src/main/ingest/record-source.ts'
import { IngestError } from '../../src/shared/errors.ts'
import { writeTransactionMarker } from '../../src/shared/kafka/record-batch-writer.ts'
import { topicKey } from '../../src/shared/offsets.ts'
import { batch, clusterId, emptyLog, offsetsIn, topicId, writeSegments } from './record-maker.ts'

export const topic = topicKey(clusterId, topicId)
export const trades = { kind: 'names', names: ['trades'] } as const
export const range = (first: number, next: number): number[] =>
  Array.from({ length: next - first }, (_, i) => first + i)

export async function collect(
  source: LogSource,
  from: readonly number[] = [0],
  signal = new AbortController().signal,
): Promise<RecordBatches[]> {
  const positions = from.map((next, partition) => ({ topic, partition, next: BigInt(next) }))
  const slices: RecordBatches[] = []
  for await (const slice of source.read(positions, signal)) slices.push(slice)
  return slices
}

/** As `collect`, for a read that is to fail. */
export async function collectInto(slices: RecordBatches[], source: LogSource): Promise<void> {
  for await (const slice of source.read([{ topic, partition: 0, next: 0n }], new AbortController().signal)) {
    slices.push(slice)
  }
}

/** Offsets delivered, after a check that the slices tile [from, end). */
export function offsetsOf(slices: readonly RecordBatches[], from = 0): number[] {
  let next = BigInt(from)
  for (const slice of slices) {
    expect(slice.first).toBe(next)
    expect(slice.next > slice.first).toBe(true)
    next = slice.next
  }
  return slices.flatMap((slice) =>
    offsetsIn(slice.bytes).filter((offset) => offset >= slice.first && offset < slice.next),
  )
}

export const endOf = (slices: readonly RecordBatches[]): bigint | undefined => slices.at(-1)?.next

export async function failure(run: () => Promise<unknown>): Promise<IngestError> {
  try {
    await run()
  } catch (error) {
    if (error instanceof IngestError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

/** A source over one partition with these segments. */
export async function sourceOf(
  segments: Readonly<Record<number, readonly Uint8Array[]>>,
  sliceBytes = 1 << 20,
): Promise<{ source: LogSource; directory: string; path: string }> {
  const directory = await emptyLog()
  const path = await writeSegments(directory, 'trades', 0, segments)
  return { directory, path, source: await openLogSource({ directory, topics: trades, sliceBytes }) }
}

export const producer = (id: number) => ({ id: BigInt(id), epoch: 0, baseSequence: 0 })
export const data = (at: number, count: number, id: number, extra = {}) =>
  batch(at, count, { kind: 'transactional', producer: producer(id), ...extra })
export const marker = (at: number, id: number, end: 'commit' | 'abort') =>
  writeTransactionMarker({ baseOffset: BigInt(at), marker: end, producer: producer(id), timestampMs: 1 })
