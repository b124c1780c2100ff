// How transactions of one partition ended, read ahead from the headers of its log: no broker lists the aborted ones here.
// Any thread. Invariant: a transactional batch's fate is the first marker of its producer after it (KIP-98: a producer has one
// open transaction at a time, and the log cleaner keeps a marker as long as a batch of its transaction is left).
import { IngestError } from '../errors.ts'
import { decompressBody } from './compression.ts'
import { type LogView, segmentEnd } from './partition-log.ts'
import { batchBody, isBatchIntact } from './record-batch.ts'
import { RecordCursor } from './record-cursor.ts'
import { type FoundBatch, SegmentFile } from './segment-file.ts'

export type TransactionEnd = 'committed' | 'aborted' | 'open'

interface Marker {
  readonly offset: bigint
  readonly end: 'committed' | 'aborted'
}

/** Markers kept at once; beyond them the log is read ahead again for each transaction, slower but bounded. */
const MARKERS_MAX = 100_000

export class TransactionIndex {
  /** Every marker from where the index began up to this place is recorded. */
  #segmentBase: bigint
  #byte: number
  #markers = new Map<bigint, Marker[]>()
  #count = 0
  readonly #markersMax: number

  constructor(segmentBase: bigint, byte: number, markersMax = MARKERS_MAX) {
    this.#segmentBase = segmentBase
    this.#byte = byte
    this.#markersMax = markersMax
  }

  /** Markers held now: at most the limit. */
  get markerCount(): number {
    return this.#count
  }

  /**
   * How the transaction of the batch at `offset` ended, as far as `view` shows. Offsets asked for must not fall.
   * Errors: SOURCE_CORRUPT, where damage hides the markers; SOURCE_UNREADABLE.
   */
  async endOf(producerId: bigint, offset: bigint, view: LogView): Promise<TransactionEnd> {
    const known = this.#take(producerId, offset)
    if (known !== null) return known.end
    this.#forgetBefore(offset)
    const found = await this.#readAhead(producerId, offset, view)
    if (found !== null) return found.end
    if (view.tail.damage !== null) throw view.tail.damage
    return 'open'
  }

  #take(producerId: bigint, offset: bigint): Marker | null {
    const markers = this.#markers.get(producerId)
    while (markers?.[0] !== undefined && markers[0].offset <= offset) {
      markers.shift()
      this.#count--
    }
    return markers?.[0] ?? null
  }

  #forgetBefore(offset: bigint): void {
    this.#count = 0
    for (const [producerId, markers] of this.#markers) {
      const kept = markers.filter((marker) => marker.offset > offset)
      this.#count += kept.length
      if (kept.length === 0) this.#markers.delete(producerId)
      else this.#markers.set(producerId, kept)
    }
  }

  /** Reads on until a marker of `producerId` behind `offset` is found, recording all on the way as long as there is room. */
  async #readAhead(producerId: bigint, offset: bigint, view: LogView): Promise<Marker | null> {
    const start = view.segments.findIndex((segment) => segment.baseOffset === this.#segmentBase)
    let byte = start < 0 ? 0 : this.#byte
    let isRecording = true
    for (let index = Math.max(start, 0); index < view.segments.length; index++) {
      const segment = view.segments[index]
      if (segment === undefined) break
      const hit: { marker: Marker | null; after: number } = { marker: null, after: 0 }
      await SegmentFile.with(segment.path, async (file) => {
        const limit = await segmentEnd(view, index, file)
        const end = await file.scan(byte, limit, (batch) => {
          if (!batch.header.isControl) return true
          const marker = readMarker(batch, file.path)
          // One before the batch ended an earlier transaction.
          if (marker === null || marker.offset <= offset) return true
          if (isRecording && this.#count >= this.#markersMax) isRecording = false
          if (isRecording) this.#record(batch.header.producerId, marker)
          if (isRecording) this.#advance(segment.baseOffset, batch.at + batch.header.length)
          if (batch.header.producerId !== producerId) return true
          hit.marker = marker
          return false
        })
        if (end.kind === 'broken') {
          throw new IngestError('SOURCE_CORRUPT', { file: file.path, byte: end.at, reason: end.reason })
        }
        hit.after = end.at
      })
      if (hit.marker !== null) return hit.marker
      if (isRecording) this.#advance(segment.baseOffset, hit.after)
      byte = 0
    }
    return null
  }

  #record(producerId: bigint, marker: Marker): void {
    const markers = this.#markers.get(producerId)
    if (markers === undefined) this.#markers.set(producerId, [marker])
    else markers.push(marker)
    this.#count++
  }

  #advance(segmentBase: bigint, byte: number): void {
    this.#segmentBase = segmentBase
    this.#byte = byte
  }
}

const cursor = new RecordCursor()

/**
 * The marker in a control batch; null for other control records (a leader change) and for one that compaction emptied: no batch
 * of its transaction is left then. Key: version int16, type int16 (0 abort, 1 commit). Errors: SOURCE_CORRUPT.
 */
function readMarker(batch: FoundBatch, file: string): Marker | null {
  const { header, bytes, at } = batch
  const corrupt = (reason: string): IngestError =>
    new IngestError('SOURCE_CORRUPT', { offset: header.baseOffset, file, byte: at, reason })
  if (!isBatchIntact(bytes, 0, header)) throw corrupt('CRC mismatch')
  if (header.recordCount === 0) return null
  const body = decompressBody(header.codec, batchBody(bytes, 0, header), 64 * 1024)
  cursor.reset(body, header.recordCount, header.lastOffsetDelta)
  if (!cursor.next()) return null
  if (cursor.keyEnd - cursor.keyStart < 4) throw corrupt('control record without a type')
  const type = ((body[cursor.keyStart + 2] ?? 0) << 8) | (body[cursor.keyStart + 3] ?? 0)
  if (type > 1) return null
  return { offset: header.baseOffset, end: type === 1 ? 'committed' : 'aborted' }
}
