// Zstandard bodies (RFC 8878): by node:zlib where it has zstd (22.15 and later), else by our own decoder. Encode workers.
// Invariant: no more than the bound is ever kept, and hostile bytes end in an error.
import zlib from 'node:zlib'
import { IngestError } from '../errors.ts'
import { decodeZstd, firstFrameEnd, ZstdBound } from './zstd-decoder.ts'

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
    // zlib drops what follows the first frame without a word.
    if (native === null || firstFrameEnd(body) !== body.length) return decodeZstd(body, bytesMax)
    // zlib wants at least 1, and the check below is exact.
    const bytes = native.zstdDecompressSync(body, { maxOutputLength: Math.max(1, bytesMax) })
    if (bytes.length <= bytesMax) return bytes
  } catch (error) {
    if (!(error instanceof RangeError) && !(error instanceof ZstdBound)) {
      throw new IngestError('SOURCE_CORRUPT', { codec: 'zstd', reason: 'cannot be decompressed' }, error)
    }
  }
  throw new IngestError('DECOMPRESSION_BOUND', { codec: 'zstd', bytesMax })
}

/** Errors: CODEC_UNSUPPORTED before Node 22.15. */
export function compressZstd(body: Uint8Array): Uint8Array {
  if (native === null)
    throw new IngestError('CODEC_UNSUPPORTED', { codec: 'zstd', node: process.version, use: 'writing' })
  return native.zstdCompressSync(body)
}
