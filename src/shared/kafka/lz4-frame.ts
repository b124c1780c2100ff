// LZ4 frames (lz4_Frame_format.md 1.6.x), as Kafka bodies carry them. Pure; encode workers, hot. Invariant: every block is decoded
// into memory that has room for the largest block its frame allows, and nothing beyond the caller's bound is ever written.
//   magic 04 22 4D 18 · FLG · BD · [content size u64] · [dictionary id u32] · HC · blocks { size u32le, top bit = stored raw;
//   bytes; [checksum u32] } · end mark 00000000 · [content checksum u32]
// Checksums are not looked at: the CRC-32C of the record batch lies over all of this and was compared before.
import lz4 from 'lz4-napi'
import { IngestError } from '../errors.ts'
import { decodeLz4Block, slackBytes } from './lz4-block.ts'

const MAGIC = 0x184d2204

/** Memory for decompressed bodies, used again and again: fresh memory costs more in page faults than the decompression. */
export interface BodyMemory {
  bytes: Uint8Array
  view: DataView
}

export function createBodyMemory(): BodyMemory {
  const bytes = new Uint8Array(1 << 20)
  return { bytes, view: new DataView(bytes.buffer) }
}

/** Memory kept from body to body; what one large body made larger is given back. */
const KEPT_BYTES_MAX = 1 << 24
const shared = createBodyMemory()

/**
 * Decompresses the frames that make up `body` to at most `bytesMax` bytes: into `memory`, of which the result is a view until the
 * next call, or into memory of its own. Errors: DECOMPRESSION_BOUND; SOURCE_CORRUPT (context `reason`).
 */
export function decompressLz4(body: Uint8Array, bytesMax: number, memory: BodyMemory | null = null): Uint8Array {
  const target = memory ?? shared
  if (target.bytes.length > KEPT_BYTES_MAX) resize(target, 1 << 20, 0)
  const source = new DataView(body.buffer, body.byteOffset, body.byteLength)
  const place: Place = { at: 0, to: 0 }
  while (place.at < body.length) decodeFrame(body, source, target, place, bytesMax)
  const bytes = target.bytes.subarray(0, place.to)
  return memory === null ? bytes.slice() : bytes
}

/** One frame, independent blocks. */
export const compressLz4 = (body: Uint8Array): Uint8Array =>
  lz4.compressFrameSync(Buffer.from(body.buffer, body.byteOffset, body.byteLength))

/** How far the body is read, and the memory written. */
interface Place {
  at: number
  to: number
}

function decodeFrame(body: Uint8Array, source: DataView, target: BodyMemory, place: Place, bytesMax: number): void {
  const start = place.at
  let at = start + 7
  if (at > body.length || source.getUint32(start, true) !== MAGIC) throw corrupt('not an lz4 frame')
  const flags = source.getUint8(start + 4)
  const blockBytesMax = blockSize(source.getUint8(start + 5))
  if (flags >> 6 !== 1 || (flags & 0x02) !== 0) throw corrupt(`frame flags ${flags}`)
  if ((flags & 0x01) !== 0) throw corrupt('frame needs a dictionary')
  if ((flags & 0x08) !== 0) at += 8
  const checksumBytes = (flags & 0x10) === 0 ? 0 : 4
  const frameTo = place.to
  for (;;) {
    if (at + 4 > body.length) throw corrupt('frame has no end mark')
    const word = source.getUint32(at, true)
    at += 4
    if (word === 0) break
    const next = at + (word & 0x7fffffff)
    if (next - at > blockBytesMax || next + checksumBytes > body.length) throw corrupt(`block of ${next - at} bytes`)
    // A linked block may refer to those before it in its frame; the flag says that none does.
    const historyFrom = (flags & 0x20) === 0 ? frameTo : place.to
    place.to = decodeBlock(
      body,
      source,
      { at, next, raw: word >>> 31 === 1, blockBytesMax, historyFrom },
      target,
      place.to,
    )
    if (place.to > bytesMax) throw new IngestError('DECOMPRESSION_BOUND', { codec: 'lz4', bytesMax })
    at = next + checksumBytes
  }
  at += (flags & 0x04) === 0 ? 0 : 4
  if (at > body.length) throw corrupt('frame ends before its checksum')
  place.at = at
}

interface Block {
  readonly at: number
  readonly next: number
  readonly raw: boolean
  readonly blockBytesMax: number
  readonly historyFrom: number
}

/** Answers where the block ends in memory, which is at most `blockBytesMax` behind `to`. */
function decodeBlock(body: Uint8Array, source: DataView, block: Block, target: BodyMemory, to: number): number {
  const { at, next } = block
  const room = to + block.blockBytesMax + slackBytes
  if (room > target.bytes.length) resize(target, Math.max(room, 2 * target.bytes.length), to)
  if (block.raw) {
    target.bytes.set(body.subarray(at, next), to)
    return to + next - at
  }
  const end = decodeLz4Block(source, at, next, target.view, to, to + block.blockBytesMax, block.historyFrom)
  if (end < 0) throw corrupt(`block at byte ${at} of the body`)
  return end
}

function resize(memory: BodyMemory, bytes: number, used: number): void {
  const before = memory.bytes
  memory.bytes = new Uint8Array(bytes)
  memory.bytes.set(before.subarray(0, used))
  memory.view = new DataView(memory.bytes.buffer)
}

/** BD byte, bits 4 to 6: 4 to 7 are 64 KB, 256 KB, 1 MB, 4 MB. */
function blockSize(descriptor: number): number {
  const id = (descriptor >> 4) & 7
  if (id < 4) throw corrupt(`block size id ${id}`)
  return 1 << (2 * id + 8)
}

const corrupt = (reason: string): IngestError => new IngestError('SOURCE_CORRUPT', { codec: 'lz4', reason })
