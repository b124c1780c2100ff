// Snappy in both forms that Kafka producers write: one raw block (librdkafka, Go) and xerial's framing (Java). Pure; encode
// workers. Invariant: a block is decompressed only after the length it states was added to the bound.
//   raw     varint decompressed length · tokens
//   xerial  82 'SNAPPY' 00 · version int32 · compatible int32 · blocks { size int32 (big-endian) · raw block }
import snappy from 'snappy'
import { IngestError } from '../errors.ts'

const XERIAL_MAGIC = Uint8Array.of(0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00)
const XERIAL_HEADER_BYTES = 16
/** Block size of snappy-java's stream, which every reader of the framing accepts. */
const XERIAL_BLOCK_BYTES = 32 * 1024

/**
 * Decompresses a raw or xerial-framed body to at most `bytesMax` bytes.
 * Errors: DECOMPRESSION_BOUND; SOURCE_CORRUPT (context `reason`).
 */
export function decompressSnappy(body: Uint8Array, bytesMax: number): Uint8Array {
  if (!isXerialHeader(body, 0)) {
    checkBound(statedLength(body, 0, body.length), bytesMax)
    return decodeBlock(body)
  }
  const blocks: Uint8Array[] = []
  let total = 0
  for (let at = XERIAL_HEADER_BYTES; at < body.length; ) {
    if (isXerialHeader(body, at)) {
      at += XERIAL_HEADER_BYTES // streams written one after another
      continue
    }
    const next = at + 4 + int32(body, at)
    if (at + 4 > body.length || next <= at + 4 || next > body.length) throw corrupt('xerial block length')
    total += statedLength(body, at + 4, next)
    checkBound(total, bytesMax)
    blocks.push(decodeBlock(body.subarray(at + 4, next)))
    at = next
  }
  return blocks.length === 1 && blocks[0] !== undefined ? blocks[0] : Buffer.concat(blocks, total)
}

export const compressSnappyRaw = (body: Uint8Array): Uint8Array => snappy.compressSync(body)

export function compressSnappyXerial(body: Uint8Array): Uint8Array {
  const header = Buffer.alloc(XERIAL_HEADER_BYTES)
  header.set(XERIAL_MAGIC)
  header.writeInt32BE(1, 8)
  header.writeInt32BE(1, 12)
  const parts: Buffer[] = [header]
  for (let at = 0; at < body.length; at += XERIAL_BLOCK_BYTES) {
    const block = snappy.compressSync(body.subarray(at, at + XERIAL_BLOCK_BYTES))
    const size = Buffer.alloc(4)
    size.writeInt32BE(block.length)
    parts.push(size, block)
  }
  return Buffer.concat(parts)
}

function decodeBlock(block: Uint8Array): Uint8Array {
  let bytes: Uint8Array | string
  try {
    bytes = snappy.uncompressSync(block, { asBuffer: true })
  } catch (error) {
    throw new IngestError('SOURCE_CORRUPT', { codec: 'snappy', reason: 'block cannot be decompressed' }, error)
  }
  return typeof bytes === 'string' ? Buffer.from(bytes) : bytes
}

/** Decompressed length that a raw block states: a varint of at most 32 bits. */
function statedLength(body: Uint8Array, first: number, next: number): number {
  let length = 0
  for (let i = 0; i < 5 && first + i < next; i++) {
    const byte = body[first + i] ?? 0
    length += (byte & 0x7f) * 2 ** (7 * i)
    if (byte < 0x80) return length
  }
  throw corrupt('block states no length')
}

function checkBound(bytes: number, bytesMax: number): void {
  if (bytes > bytesMax) throw new IngestError('DECOMPRESSION_BOUND', { codec: 'snappy', bytes, bytesMax })
}

const isXerialHeader = (body: Uint8Array, at: number): boolean =>
  at + XERIAL_HEADER_BYTES <= body.length && XERIAL_MAGIC.every((byte, i) => body[at + i] === byte)

const corrupt = (reason: string): IngestError => new IngestError('SOURCE_CORRUPT', { codec: 'snappy', reason })

const int32 = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)
