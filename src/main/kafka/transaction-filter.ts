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
  /** What keeps the batch behind these from being looked at: SOURCE_CORRUPT (context `offset`, `reason`); else null. */
  readonly failure: IngestError | null
}

/**
 * The visible batches of `bytes` with offsets in [first, before), up to one that is to be left out and is damaged: nobody after this
 * would see it. The others are checked by whoever decodes them.
 */
export function visibleBatches(
  bytes: Uint8Array,
  aborted: readonly AbortedTransaction[],
  first: bigint,
  before: bigint | null,
): VisibleBatches {
  const walk = new BatchWalk(bytes, aborted, first)
  let failure: IngestError | null = null
  try {
    while (walk.step(before));
  } catch (error) {
    if (!(error instanceof IngestError)) throw error
    failure = new IngestError(error.code, { offset: walk.next ?? first, ...error.context }, error.cause)
  }
  const { recordCount, next, leaderEpoch } = walk
  return { bytes: joined(walk.kept), recordCount, next, leaderEpoch, failure }
}

class BatchWalk {
  readonly kept: Uint8Array[] = []
  recordCount = 0
  next: bigint | null = null
  leaderEpoch = -1
  readonly #bytes: Uint8Array
  readonly #first: bigint
  /** Aborted transactions that did not begin yet, in order. */
  readonly #waiting: readonly AbortedTransaction[]
  readonly #open = new Set<bigint>()
  #started = 0
  #at = 0

  constructor(bytes: Uint8Array, aborted: readonly AbortedTransaction[], first: bigint) {
    this.#bytes = bytes
    this.#first = first
    this.#waiting = [...aborted].sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0))
  }

  /** Whether there was a batch to look at. Errors: SOURCE_CORRUPT; then the batch counts as not looked at. */
  step(before: bigint | null): boolean {
    const [bytes, at] = [this.#bytes, this.#at]
    const header = at < bytes.length ? readBatchHeader(bytes, at) : null
    if (header === null || (before !== null && header.baseOffset >= before)) return false
    if (header.producerId >= 0n) this.#begin(header.nextOffset)
    const isAborted = header.isTransactional && this.#open.has(header.producerId)
    const isOld = header.nextOffset <= this.#first
    if (header.isControl || isAborted || header.recordCount === 0 || isOld) {
      if (!isBatchIntact(bytes, at, header)) throw corrupt(header, 'CRC mismatch')
      if (header.isControl && isAbortMarker(bytes, at, header)) this.#open.delete(header.producerId)
    } else {
      this.kept.push(bytes.subarray(at, at + header.length))
      this.recordCount += header.recordCount
    }
    this.next = header.nextOffset
    this.leaderEpoch = header.leaderEpoch
    this.#at += header.length
    return true
  }

  /** Opens the aborted transactions that begin below an offset. */
  #begin(below: bigint): void {
    for (;;) {
      const transaction = this.#waiting[this.#started]
      if (transaction === undefined || transaction.first >= below) return
      this.#open.add(transaction.producerId)
      this.#started++
    }
  }
}

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
