// Where a segment's good batches end: after the last one that is whole, unless good ones follow what is broken there. Any thread.
// Invariant: a torn write (a crash while appending) is an end; damage before good batches never is.
import { IngestError } from '../errors.ts'
import { type BatchHeader, HEADER_BYTES, isOldMessageIntact } from './record-batch.ts'
import { BATCH_BYTES_MAX, type SegmentFile, tryHeader } from './segment-file.ts'

/** First offset of each transaction that has begun and not ended, by producer id. */
export type OpenTransactions = ReadonlyMap<bigint, bigint>

export interface LogTail {
  /** Size of the file when it was looked at. */
  readonly size: number
  /** Byte after the last whole batch, and the offset after it. */
  readonly endByte: number
  readonly nextOffset: bigint
  /** Not null: what follows there is damage, not a torn write. */
  readonly damage: IngestError | null
  readonly open: OpenTransactions
}

/** A batch boundary that a walk starts from. */
export type TailStart = Pick<LogTail, 'endByte' | 'nextOffset' | 'open'>

/** What the search behind a broken batch may cost: bytes read for candidates, and a flat charge for each of them. */
const SEARCH_COST_MAX = 256 * 1024 * 1024
const CANDIDATE_COST = 4096
const SEARCH_BLOCK_BYTES = 1024 * 1024

/** Reads the end of a log's last segment, from a batch boundary on. Errors: SOURCE_UNREADABLE. */
export async function readTail(file: SegmentFile, start: TailStart): Promise<LogTail> {
  const size = await file.size()
  let walked = await walkHeaders(file, start, size)
  if (walked.last !== null && !(await file.isIntact(walked.last.at, walked.last.header))) {
    // Whole in length only. Those before it may be torn as well (pages reach a disk in any order).
    walked = await walkHeaders(file, start, await lastIntactEnd(file, start.endByte, walked.endByte))
  }
  const { endByte, nextOffset, open } = walked
  const damage = endByte < size ? await findDamage(file, endByte, size, nextOffset) : null
  return { size, endByte, nextOffset, damage, open }
}

interface Walked extends TailStart {
  readonly last: { readonly at: number; readonly header: BatchHeader } | null
}

/** Walks headers up to byte `next` or the first that does not follow. Errors: SOURCE_UNREADABLE. */
export async function walkHeaders(file: SegmentFile, start: TailStart, next: number): Promise<Walked> {
  const open = new Map(start.open)
  const found: { nextOffset: bigint; last: Walked['last'] } = { nextOffset: start.nextOffset, last: null }
  const { at } = await file.scan(start.endByte, next, (batch) => {
    const { header } = batch
    if (header.baseOffset < found.nextOffset) return false
    found.nextOffset = header.nextOffset
    found.last = { at: batch.at, header }
    if (header.isControl) open.delete(header.producerId)
    else if (header.isTransactional && !open.has(header.producerId)) open.set(header.producerId, header.baseOffset)
    return true
  })
  return { endByte: at, nextOffset: found.nextOffset, last: found.last, open }
}

async function lastIntactEnd(file: SegmentFile, first: number, next: number): Promise<number> {
  let end = first
  for (let at = first; at < next; ) {
    const header = tryHeader(await file.read(at, HEADER_BYTES), 0)
    if (typeof header === 'string') break
    const isIntact = await file.isIntact(at, header)
    at += header.length
    if (isIntact) end = at
  }
  return end
}

/**
 * Looks for an intact batch behind byte `first`, with an offset still to come (a torn batch may carry batches as values). None:
 * what is there is a torn write. One: the bytes before it are damage, which a person has to see.
 */
async function findDamage(file: SegmentFile, first: number, size: number, offset: bigint): Promise<IngestError | null> {
  const damage = (reason: string): IngestError =>
    new IngestError('SOURCE_CORRUPT', { offset, file: file.path, byte: first, reason })
  const head = await file.read(first, Math.min(size - first, BATCH_BYTES_MAX))
  if (isOldMessageIntact(head, 0)) return damage('message format older than v2 (before Kafka 0.11)')
  let costLeft = SEARCH_COST_MAX
  for (let blockAt = first; blockAt < size; blockAt += SEARCH_BLOCK_BYTES) {
    // Overlapping by a header, so that one across the border is seen whole.
    const block = await file.read(blockAt, Math.min(size - blockAt, SEARCH_BLOCK_BYTES + HEADER_BYTES))
    const end = Math.min(SEARCH_BLOCK_BYTES, block.length - HEADER_BYTES + 1)
    for (let i = 0; i < end; i++) {
      // An offset's top byte is 0 for the next 2^56 records, the magic is 2, and so is a length's top byte 0 (64 MB at most).
      if (block[i] !== 0 || block[i + 16] !== 2 || (block[i + 8] ?? 1) > 4) continue
      const at = blockAt + i
      costLeft -= CANDIDATE_COST
      const header = tryHeader(block, i)
      if (typeof header !== 'string' && at + header.length <= size) {
        costLeft -= header.length
        const follows = at === first || header.baseOffset >= offset
        if (follows && (await file.isIntact(at, header))) return damage(describe(at - first, header, offset))
      }
      if (costLeft < 0) return damage('too much is broken to tell a torn write from damage')
    }
  }
  return null
}

const describe = (distance: number, header: BatchHeader, offset: bigint): string =>
  distance === 0
    ? `batch at offset ${header.baseOffset} where ${offset} or later must follow`
    : `broken bytes, then an intact batch at offset ${header.baseOffset}`
