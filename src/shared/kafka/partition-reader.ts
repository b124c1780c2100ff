// Reads one partition's log as slices of whole record batches, from any offset on. Any thread; header work per batch only.
// Invariant: slices are contiguous and cover every offset from the start position; what is left out of the bytes (control
// batches, aborted transactions, emptied batches) has had its CRC checked, as nobody after the reader sees it.
import { IngestError } from '../errors.ts'
import type { OffsetRange } from '../offsets.ts'
import { type LogView, segmentEnd } from './partition-log.ts'
import { type BatchHeader, HEADER_BYTES, isBatchIntact } from './record-batch.ts'
import { SegmentFile, tryHeader } from './segment-file.ts'
import { TransactionIndex } from './transaction-index.ts'

export interface LogSlice extends OffsetRange {
  /** Whole batches in memory of their own. */
  readonly bytes: Uint8Array
  readonly recordCount: number
}

/** Where a batch stands in a block that was read. */
interface Place {
  readonly file: string
  readonly block: Uint8Array
  readonly at: number
  /** File position of the batch. */
  readonly byte: number
}

type Fate = 'keep' | 'leave-out' | 'open'

export class PartitionReader {
  /** First offset of the next slice. */
  #next: bigint
  /** Least base offset that the batch at the current place may have: below `#next` where that lies inside a batch. */
  #expected: bigint
  #segmentBase: bigint
  #byte: number
  readonly #sliceBytes: number
  #transactions: TransactionIndex | null = null

  private constructor(
    place: { segmentBase: bigint; byte: number; expected: bigint },
    next: bigint,
    sliceBytes: number,
  ) {
    this.#next = next
    this.#expected = place.expected
    this.#segmentBase = place.segmentBase
    this.#byte = place.byte
    this.#sliceBytes = Math.max(HEADER_BYTES, sliceBytes)
  }

  get next(): bigint {
    return this.#next
  }

  /**
   * A reader that stands at `offset`. `sliceBytes`: about how much of the log a slice covers.
   * Errors: POSITION_OUT_OF_RANGE (context `position`, `logStart`, `logEnd`), SOURCE_UNREADABLE.
   */
  static async at(offset: bigint, view: LogView, sliceBytes: number): Promise<PartitionReader> {
    const { logEnd, segments, tail } = view
    checkRange(offset, view)
    const index = segments.findLastIndex((segment) => segment.baseOffset <= offset)
    const segment = segments[index]
    if (segment === undefined || offset === logEnd) {
      const segmentBase = segments.at(-1)?.baseOffset ?? 0n
      return new PartitionReader({ segmentBase, byte: tail.endByte, expected: offset }, offset, sliceBytes)
    }
    let expected = segment.baseOffset
    const end = await SegmentFile.with(segment.path, async (file) =>
      file.scan(0, await segmentEnd(view, index, file), ({ header }) => {
        // A batch out of order is left to the read, which says where it is.
        if (header.nextOffset > offset || header.baseOffset < expected) return false
        expected = header.nextOffset
        return true
      }),
    )
    return new PartitionReader({ segmentBase: segment.baseOffset, byte: end.at, expected }, offset, sliceBytes)
  }

  /**
   * The next slice, or null at the end of `view`: its log end, or the first transaction still open there.
   * Errors: SOURCE_CORRUPT (context `offset`, `file`, `byte`, `reason`), CODEC_UNSUPPORTED, SOURCE_UNREADABLE.
   */
  async read(view: LogView): Promise<LogSlice | null> {
    const found = view.segments.findIndex((segment) => segment.baseOffset === this.#segmentBase)
    if (found < 0 && view.segments.length > 0)
      throw new IngestError('SOURCE_UNREADABLE', { segment: this.#segmentBase })
    for (let index = found; index >= 0 && index < view.segments.length; index++) {
      const segment = view.segments[index]
      if (segment === undefined) break
      if (index !== found) this.#enter(segment.baseOffset)
      const slice = await SegmentFile.with(segment.path, async (file) => {
        const end = await segmentEnd(view, index, file)
        return this.#byte < end ? this.#readSlice(view, file, end) : null
      })
      if (slice !== 'open' && slice !== null) return slice
      if (slice === 'open') return null
    }
    if (view.tail.damage !== null) throw view.tail.damage
    if (this.#next >= view.logEnd) return null
    // Offsets after the last batch: an empty segment that begins beyond it.
    return this.#slice(new Uint8Array(0), 0, view.logEnd)
  }

  #enter(segmentBase: bigint): void {
    this.#segmentBase = segmentBase
    this.#byte = 0
    if (segmentBase > this.#expected) this.#expected = segmentBase
  }

  /** One block of the segment from the current place on; a batch longer than a block is read whole, alone. */
  async #readSlice(view: LogView, file: SegmentFile, end: number): Promise<LogSlice | 'open'> {
    const block = await this.#readBlock(file, end)
    let kept = 0
    let at = 0
    let recordCount = 0
    while (at + HEADER_BYTES <= block.length) {
      const place: Place = { file: file.path, block, at, byte: this.#byte + at }
      let header: BatchHeader
      let fate: Fate
      try {
        header = this.#header(place)
        if (at + header.length > block.length) break
        fate = await this.#fate(place, header, view)
      } catch (error) {
        if (at === 0) throw error
        break // the good ones first; the next read meets it again
      }
      if (fate === 'open') {
        if (at === 0) return 'open'
        break
      }
      if (fate === 'keep') {
        if (kept !== at) block.copyWithin(kept, at, at + header.length)
        kept += header.length
        recordCount += header.recordCount
      }
      at += header.length
      this.#expected = header.nextOffset
    }
    this.#byte += at
    // Memory that is mostly unused is given back: what waits in the line is counted by the bytes it shows.
    const bytes = kept * 2 < block.length ? block.slice(0, kept) : block.subarray(0, kept)
    return this.#slice(bytes, recordCount, this.#expected)
  }

  #slice(bytes: Uint8Array, recordCount: number, next: bigint): LogSlice {
    const first = this.#next
    this.#next = next
    return { first, next, bytes, recordCount }
  }

  async #readBlock(file: SegmentFile, end: number): Promise<Uint8Array> {
    const left = end - this.#byte
    const block = await file.read(this.#byte, Math.min(left, this.#sliceBytes))
    const header = tryHeader(block, 0)
    if (typeof header === 'string') {
      if (block.length === Math.min(left, this.#sliceBytes)) throw this.#corrupt(file.path, this.#byte, header)
      throw new IngestError('SOURCE_UNREADABLE', { file: file.path, reason: 'file became shorter while it was read' })
    }
    if (header.length <= block.length) return block
    if (header.length > left) throw this.#corrupt(file.path, this.#byte, 'segment ends inside a batch')
    const whole = await file.read(this.#byte, header.length)
    if (whole.length === header.length) return whole
    throw new IngestError('SOURCE_UNREADABLE', { file: file.path, reason: 'file became shorter while it was read' })
  }

  /** The header at a place, checked against what came before. */
  #header({ file, block, at, byte }: Place): BatchHeader {
    const header = tryHeader(block, at)
    if (typeof header !== 'string' && header.baseOffset >= this.#expected) return header
    throw this.#corrupt(file, byte, typeof header === 'string' ? header : `batch at offset ${header.baseOffset}`)
  }

  async #fate(place: Place, header: BatchHeader, view: LogView): Promise<Fate> {
    const isKept = !header.isControl && header.recordCount > 0
    if (isKept && header.isTransactional) {
      this.#transactions ??= new TransactionIndex(this.#segmentBase, place.byte)
      const end = await this.#transactions.endOf(header.producerId, header.baseOffset, view)
      if (end === 'open') return 'open'
      if (end === 'committed') return this.#supported(place, header)
    } else if (isKept) {
      return this.#supported(place, header)
    }
    this.#checkCrc(place, header)
    return 'leave-out'
  }

  /** The encode workers check the CRC of what is kept; only a codec that nobody knows is looked at here. */
  #supported(place: Place, header: BatchHeader): Fate {
    if (header.codec !== 'unsupported') return 'keep'
    this.#checkCrc(place, header)
    const { file, byte } = place
    throw new IngestError('CODEC_UNSUPPORTED', { offset: header.baseOffset, file, byte })
  }

  #checkCrc({ file, block, at, byte }: Place, header: BatchHeader): void {
    if (!isBatchIntact(block, at, header)) throw this.#corrupt(file, byte, 'CRC mismatch')
  }

  #corrupt(file: string, byte: number, reason: string): IngestError {
    return new IngestError('SOURCE_CORRUPT', { offset: this.#expected, file, byte, reason })
  }
}

/**
 * Whether a position lies within the log. Errors: POSITION_OUT_OF_RANGE (context `position`, `logStart`, `logEnd`); beyond
 * damage the log may well go on, so that is what is named first: SOURCE_CORRUPT.
 */
export function checkRange(position: bigint, { logStart, logEnd, tail }: LogView): void {
  if (position > logEnd && tail.damage !== null) throw tail.damage
  if (position < logStart || position > logEnd) {
    throw new IngestError('POSITION_OUT_OF_RANGE', { position, logStart, logEnd })
  }
}
