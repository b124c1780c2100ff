// One segment file: reads of it, and a walk over its batch headers that skips the bodies. Any thread; asynchronous reads.
// Invariant: memory is bounded by a block or one batch of at most BATCH_BYTES_MAX; the walk never trusts a length before it
// has compared it with the file.
import { type FileHandle, open } from 'node:fs/promises'
import { IngestError } from '../errors.ts'
import { type BatchHeader, HEADER_BYTES, isBatchIntact, parseBatchHeader } from './record-batch.ts'

/** Kafka's own default for a batch is 1 MB; nobody sets more than this. A longer one is refused. */
export const BATCH_BYTES_MAX = 64 * 1024 * 1024
const SCAN_BLOCK_BYTES = 256 * 1024
/** A transaction marker has 78 bytes; a leader change of a large quorum stays below this as well. */
const CONTROL_BYTES_MAX = 64 * 1024

export interface FoundBatch {
  readonly at: number
  readonly header: BatchHeader
  /** Control batches whole, of others the header at least. */
  readonly bytes: Uint8Array
}

/** How a walk over headers ended; `at` is the byte after the last batch it went over. */
export type ScanEnd =
  | { readonly kind: 'end' | 'stopped'; readonly at: number }
  /** What begins at `at` is cut off by the end of the file, or is no batch. */
  | { readonly kind: 'broken'; readonly at: number; readonly reason: string }

export class SegmentFile {
  readonly path: string
  readonly #handle: FileHandle

  private constructor(path: string, handle: FileHandle) {
    this.path = path
    this.#handle = handle
  }

  /** Runs `use` on the opened file and closes it. Errors: SOURCE_UNREADABLE and those of `use`. */
  static async with<T>(path: string, use: (file: SegmentFile) => Promise<T>): Promise<T> {
    const handle = await open(path, 'r').catch((error: unknown) => {
      throw new IngestError('SOURCE_UNREADABLE', { file: path }, error)
    })
    try {
      return await use(new SegmentFile(path, handle))
    } finally {
      await handle.close()
    }
  }

  async size(): Promise<number> {
    return (await this.#handle.stat()).size
  }

  /** Fills memory of its own with the bytes from `at` on; shorter than asked only where the file ends. Errors: SOURCE_UNREADABLE. */
  async read(at: number, byteCount: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(byteCount)
    let filled = 0
    try {
      while (filled < byteCount) {
        const { bytesRead } = await this.#handle.read(bytes, filled, byteCount - filled, at + filled)
        if (bytesRead === 0) return bytes.subarray(0, filled)
        filled += bytesRead
      }
    } catch (error) {
      throw new IngestError('SOURCE_UNREADABLE', { file: this.path, byte: at + filled }, error)
    }
    return bytes
  }

  /** Whether the batch whose header was read at `at` is whole and has its CRC. */
  async isIntact(at: number, header: BatchHeader): Promise<boolean> {
    const bytes = await this.read(at, header.length)
    return bytes.length === header.length && isBatchIntact(bytes, 0, header)
  }

  /**
   * Walks the batches of bytes [first, next) in order, which need not be read as a whole: `visit` returns false to stop before
   * the batch it was shown. Errors: SOURCE_UNREADABLE; what `visit` throws.
   */
  async scan(first: number, next: number, visit: (batch: FoundBatch) => boolean): Promise<ScanEnd> {
    let block: Uint8Array = new Uint8Array(0)
    let blockAt = first
    let at = first
    const hold = async (byteCount: number): Promise<number> => {
      if (at + byteCount > blockAt + block.length) {
        block = await this.read(at, Math.min(next - at, Math.max(byteCount, SCAN_BLOCK_BYTES)))
        blockAt = at
      }
      return at - blockAt
    }
    while (at < next) {
      if (at + HEADER_BYTES > next) return { kind: 'broken', at, reason: 'file ends inside a batch' }
      let place = await hold(HEADER_BYTES)
      const header = tryHeader(block, place)
      if (typeof header === 'string') return { kind: 'broken', at, reason: header }
      if (at + header.length > next) return { kind: 'broken', at, reason: 'file ends inside a batch' }
      if (header.isControl) {
        if (header.length > CONTROL_BYTES_MAX) return { kind: 'broken', at, reason: 'control batch too long' }
        place = await hold(header.length)
      }
      if (!visit({ at, header, bytes: block.subarray(place, place + header.length) })) return { kind: 'stopped', at }
      at += header.length
    }
    return { kind: 'end', at }
  }
}

/** The header, or why there is none. */
export function tryHeader(bytes: Uint8Array, at: number): BatchHeader | string {
  try {
    const header = parseBatchHeader(bytes, at)
    if (header === null) return 'file ends inside a batch'
    return header.length > BATCH_BYTES_MAX ? `batch of ${header.length} bytes` : header
  } catch (error) {
    if (error instanceof IngestError) return String(error.context['reason'])
    throw error
  }
}
