// Zstandard bodies (RFC 8878): by node:zlib where it has zstd (22.15 and later), else by fzstd. Encode workers.
// Invariant: no more than the bound is ever kept; a frame that states more is refused before a byte of it is decompressed.
import zlib from 'node:zlib'
import { Decompress } from 'fzstd'
import { IngestError } from '../errors.ts'

interface NativeZstd {
  zstdDecompressSync(bytes: Uint8Array, options: { maxOutputLength: number }): Buffer
  zstdCompressSync(bytes: Uint8Array): Buffer
}
// The types are those of Node 20, which lacks these; the check is the reason for the cast.
const native = 'zstdDecompressSync' in zlib ? (zlib as unknown as NativeZstd) : null

export const isZstdWritable = native !== null

/** Decompresses to at most `bytesMax` bytes. Errors: DECOMPRESSION_BOUND; SOURCE_CORRUPT (context `reason`). */
export function decompressZstd(body: Uint8Array, bytesMax: number): Uint8Array {
  try {
    if (native !== null) {
      const bytes = native.zstdDecompressSync(body, { maxOutputLength: Math.max(1, bytesMax) })
      if (bytes.length <= bytesMax) return bytes
      throw new RangeError('beyond the bound')
    }
    return stream(body, bytesMax)
  } catch (error) {
    if (error instanceof IngestError) throw error
    if (error instanceof RangeError) throw new IngestError('DECOMPRESSION_BOUND', { codec: 'zstd', bytesMax })
    throw new IngestError('SOURCE_CORRUPT', { codec: 'zstd', reason: 'cannot be decompressed' }, error)
  }
}

/** Errors: CODEC_UNSUPPORTED before Node 22.15. */
export function compressZstd(body: Uint8Array): Uint8Array {
  if (native === null)
    throw new IngestError('CODEC_UNSUPPORTED', { codec: 'zstd', node: process.version, use: 'writing' })
  return native.zstdCompressSync(body)
}

function stream(body: Uint8Array, bytesMax: number): Uint8Array {
  const parts: Uint8Array[] = []
  let total = 0
  const decoder = new Decompress((part) => {
    total += part.length
    if (total > bytesMax) throw new IngestError('DECOMPRESSION_BOUND', { codec: 'zstd', bytesMax })
    parts.push(part)
  })
  decoder.push(body, true)
  return Buffer.concat(parts, total)
}
