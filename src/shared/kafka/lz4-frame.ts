// LZ4 frames (lz4_Frame_format.md 1.6.x), as Kafka bodies carry them. Pure; encode workers. Invariant: the decoder only ever
// sees a frame whose decompressed size is known, from its block headers, to lie within the caller's bound.
//   magic 04 22 4D 18 · FLG · BD · [content size u64] · [dictionary id u32] · HC · blocks { size u32le, top bit = stored raw;
//   bytes; [checksum u32] } · end mark 00000000 · [content checksum u32]
import lz4 from 'lz4-napi'
import { IngestError } from '../errors.ts'

const MAGIC = 0x184d2204
/** One byte of a match length stands for at most 255 bytes of output. */
const EXPANSION_MAX = 255

/**
 * Decompresses the frames that make up `body` to at most `bytesMax` bytes.
 * Errors: DECOMPRESSION_BOUND; SOURCE_CORRUPT (context `reason`).
 */
export function decompressLz4(body: Uint8Array, bytesMax: number): Uint8Array {
  if (frameEnd(body, 0, bytesMax) === body.length) return decodeFrame(body, bytesMax)
  // The decoder stops silently after one frame, so that frames written one after another are cut apart here.
  const parts: Uint8Array[] = []
  let total = 0
  for (let at = 0; at < body.length; ) {
    const end = frameEnd(body, at, bytesMax - total)
    const part = decodeFrame(body.subarray(at, end), bytesMax - total)
    parts.push(part)
    total += part.length
    at = end
  }
  return Buffer.concat(parts, total)
}

/** One frame, independent blocks. */
export const compressLz4 = (body: Uint8Array): Uint8Array => lz4.compressFrameSync(asBuffer(body))

function decodeFrame(frame: Uint8Array, bytesMax: number): Uint8Array {
  let bytes: Uint8Array
  try {
    bytes = lz4.decompressFrameSync(asBuffer(frame))
  } catch (error) {
    throw new IngestError('SOURCE_CORRUPT', { codec: 'lz4', reason: 'frame cannot be decompressed' }, error)
  }
  if (bytes.length > bytesMax) throw new IngestError('DECOMPRESSION_BOUND', { codec: 'lz4', bytesMax })
  return bytes
}

/** Where the frame at `start` ends, having checked that its blocks cannot yield more than `bytesMax` bytes. */
function frameEnd(body: Uint8Array, start: number, bytesMax: number): number {
  // The estimate is coarse (a block may be far from full): only when it is too much are the tokens of the blocks counted.
  const coarse = walkFrame(body, start, estimateBlock)
  if (coarse.bytes > bytesMax && walkFrame(body, start, countBlock).bytes > bytesMax) {
    throw new IngestError('DECOMPRESSION_BOUND', { codec: 'lz4', bytesMax })
  }
  return coarse.end
}

interface FrameExtent {
  readonly end: number
  /** Decompressed bytes, as the block measure gives them. */
  readonly bytes: number
}

type BlockMeasure = (body: Uint8Array, first: number, next: number, blockBytesMax: number) => number

function walkFrame(body: Uint8Array, start: number, measure: BlockMeasure): FrameExtent {
  let at = start + 7
  if (at > body.length || uint32(body, start) !== MAGIC) throw corrupt('not an lz4 frame')
  const flags = body[start + 4] ?? 0
  const blockBytesMax = blockSize(body[start + 5] ?? 0)
  if (flags >> 6 !== 1 || (flags & 0x02) !== 0) throw corrupt(`frame flags ${flags}`)
  if ((flags & 0x01) !== 0) throw corrupt('frame needs a dictionary')
  if ((flags & 0x08) !== 0) at += 8
  const checksumBytes = (flags & 0x10) === 0 ? 0 : 4
  let bytes = 0
  for (;;) {
    if (at + 4 > body.length) throw corrupt('frame has no end mark')
    const word = uint32(body, at)
    at += 4
    if (word === 0) break
    const size = word & 0x7fffffff
    const next = at + size
    if (size > blockBytesMax || next + checksumBytes > body.length) throw corrupt(`block of ${size} bytes`)
    bytes += word >>> 31 === 1 ? size : measure(body, at, next, blockBytesMax)
    at = next + checksumBytes
  }
  at += (flags & 0x04) === 0 ? 0 : 4
  if (at > body.length) throw corrupt('frame ends before its checksum')
  return { end: at, bytes }
}

const estimateBlock: BlockMeasure = (_body, first, next, blockBytesMax) =>
  Math.min(blockBytesMax, (next - first) * EXPANSION_MAX)

/** Adds up the lengths in a block's tokens (lz4_Block_format.md): literals, then a match, until the bytes end. */
const countBlock: BlockMeasure = (body, first, next) => {
  let at = first
  let bytes = 0
  while (at < next) {
    const token = body[at++] ?? 0
    let literals = token >> 4
    if (literals === 15) {
      let more = 255
      while (more === 255 && at < next) {
        more = body[at++] ?? 0
        literals += more
      }
    }
    bytes += literals
    at += literals
    if (at >= next) break
    at += 2
    let match = (token & 15) + 4
    if (match === 19) {
      let more = 255
      while (more === 255 && at < next) {
        more = body[at++] ?? 0
        match += more
      }
    }
    bytes += match
  }
  return bytes
}

/** BD byte, bits 4 to 6: 4 to 7 are 64 KB, 256 KB, 1 MB, 4 MB. */
function blockSize(descriptor: number): number {
  const id = (descriptor >> 4) & 7
  if (id < 4) throw corrupt(`block size id ${id}`)
  return 1 << (2 * id + 8)
}

const corrupt = (reason: string): IngestError => new IngestError('SOURCE_CORRUPT', { codec: 'lz4', reason })

const uint32 = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24)) >>> 0

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
