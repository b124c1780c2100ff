// Compression of a batch's records, by the codec of its attributes. Pure; encode workers read, feeds and tests write.
// Invariant: no body, however hostile, yields more than the bound given, and none does anything but return or throw IngestError.
import zlib from 'node:zlib'
import { IngestError } from '../errors.ts'
import { type BodyMemory, compressLz4, decompressLz4 } from './lz4-frame.ts'
import type { Codec } from './record-batch.ts'
import { compressSnappyRaw, compressSnappyXerial, decompressSnappy } from './snappy-framing.ts'
import { compressZstd, decompressZstd } from './zstd.ts'

/** Codecs a writer may ask for; `snappy` is one raw block, `snappy-xerial` is what Java producers write. */
export type WriterCodec = Exclude<Codec, 'unsupported'> | 'snappy-xerial'

/**
 * The records of a batch, decompressed: `body` itself for `none`, else memory that nothing else uses, or, where `memory` is given,
 * possibly a view of it that the next call writes over. `bytesMax` bounds the result.
 * Errors: DECOMPRESSION_BOUND; SOURCE_CORRUPT (context `codec`, `reason`); CODEC_UNSUPPORTED.
 */
export function decompressBody(
  codec: Codec,
  body: Uint8Array,
  bytesMax: number,
  memory: BodyMemory | null = null,
): Uint8Array {
  if (codec === 'none' || body.length === 0) {
    if (body.length > bytesMax) throw new IngestError('DECOMPRESSION_BOUND', { codec, bytes: body.length, bytesMax })
    return body
  }
  switch (codec) {
    case 'gzip':
      return decompressGzip(body, bytesMax)
    case 'snappy':
      return decompressSnappy(body, bytesMax)
    case 'lz4':
      return decompressLz4(body, bytesMax, memory)
    case 'zstd':
      return decompressZstd(body, bytesMax)
    case 'unsupported':
      throw new IngestError('CODEC_UNSUPPORTED')
  }
}

/** Compresses records for a batch. Errors: CODEC_UNSUPPORTED for zstd on a Node without it (before 22.15). */
export function compressBody(codec: WriterCodec, body: Uint8Array): Uint8Array {
  switch (codec) {
    case 'none':
      return body
    case 'gzip':
      return zlib.gzipSync(body)
    case 'snappy':
      return compressSnappyRaw(body)
    case 'snappy-xerial':
      return compressSnappyXerial(body)
    case 'lz4':
      return compressLz4(body)
    case 'zstd':
      return compressZstd(body)
  }
}

function decompressGzip(body: Uint8Array, bytesMax: number): Uint8Array {
  try {
    // zlib wants at least 1, and the check below is exact.
    const bytes = zlib.gunzipSync(body, { maxOutputLength: Math.max(1, bytesMax) })
    if (bytes.length <= bytesMax) return bytes
  } catch (error) {
    if (!(error instanceof RangeError)) {
      throw new IngestError('SOURCE_CORRUPT', { codec: 'gzip', reason: 'cannot be decompressed' }, error)
    }
  }
  throw new IngestError('DECOMPRESSION_BOUND', { codec: 'gzip', bytesMax })
}
