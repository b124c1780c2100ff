// Which record batches of one fetch response a read_committed reader may see: the algorithm of Java's CompletedFetch, from headers
// and the keys of markers alone. Pure; main thread. Invariant: state per response is enough, because the broker lists every aborted
// transaction that overlaps the response, whether its marker is in it or comes later. What is left out has had its CRC checked.
import { IngestError } from '../../shared/errors.ts'
import { decompressBody } from '../../shared/kafka/compression.ts'
import { type BatchHeader, batchBody, isBatchIntact, readBatchHeader } from '../../shared/kafka/record-batch.ts'
import { RecordCursor } from '../../shared/kafka/record-cursor.ts'
import type { AbortedTransaction } from './raw-fetch.ts'

/** What of a response is read on, up to `next`. */
export interface VisibleBatches {
  /** Whole batches in memory of their own, concatenated. */
  readonly bytes: Uint8Array
  /** Sum of the headers' counts. */
  readonly recordCount: number
  /** Offset after the last batch looked at, visible or not; null where there was none. */
  readonly next: bigint | null
  /** Leader epoch of that batch; -1 where there was none. */
  readonly leaderEpoch: number
}

/**
 * The visible batches of `bytes` with offsets in [first, before). Errors: SOURCE_CORRUPT (context `offset`, `reason`) for a batch
 * that is left out and damaged; the others are checked by whoever decodes them.
 */
export function visibleBatches(
  bytes: Uint8Array,
  aborted: readonly AbortedTransaction[],
  first: bigint,
  before: bigint | null,
): VisibleBatches {
  const waiting = [...aborted].sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0))
  const open = new Set<bigint>()
  const kept: Uint8Array[] = []
  let [at, started, recordCount, leaderEpoch] = [0, 0, 0, -1]
  let next: bigint | null = null
  for (;;) {
    const header = at < bytes.length ? readBatchHeader(bytes, at) : null
    if (header === null || (before !== null && header.baseOffset >= before)) break
    const end = at + header.length
    while (header.producerId >= 0n && waiting[started] !== undefined && isBefore(waiting[started], header.nextOffset)) {
      open.add(waiting[started]?.producerId ?? -1n)
      started++
    }
    const isAborted = header.isTransactional && open.has(header.producerId)
    const isOld = header.nextOffset <= first
    if (header.isControl || isAborted || header.recordCount === 0 || isOld) {
      if (!isBatchIntact(bytes, at, header)) throw corrupt(header, 'CRC mismatch')
      if (header.isControl && isAbortMarker(bytes, at, header)) open.delete(header.producerId)
    } else {
      kept.push(bytes.subarray(at, end))
      recordCount += header.recordCount
    }
    next = header.nextOffset
    leaderEpoch = header.leaderEpoch
    at = end
  }
  return { bytes: joined(kept), recordCount, next, leaderEpoch }
}

const isBefore = (transaction: AbortedTransaction | undefined, next: bigint): boolean =>
  transaction !== undefined && transaction.first < next

const cursor = new RecordCursor()

/** Key of a control record: version int16, type int16 (0 abort, 1 commit). One that compaction emptied ends nothing any more. */
function isAbortMarker(bytes: Uint8Array, at: number, header: BatchHeader): boolean {
  if (header.recordCount === 0) return false
  const body = decompressBody(header.codec, batchBody(bytes, at, header), 64 * 1024)
  cursor.reset(body, header.recordCount, header.lastOffsetDelta)
  if (!cursor.next()) return false
  if (cursor.keyEnd - cursor.keyStart < 4) throw corrupt(header, 'control record without a type')
  return body[cursor.keyStart + 2] === 0 && body[cursor.keyStart + 3] === 0
}

const corrupt = (header: BatchHeader, reason: string): IngestError =>
  new IngestError('SOURCE_CORRUPT', { offset: header.baseOffset, reason })

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    all.set(piece, at)
    at += piece.length
  }
  return all
}
