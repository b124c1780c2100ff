// Compression of Parquet pages (Compression.md): which codecs this Node can write, and the bytes of one page. Encode worker.
// Invariant: `lz4` is LZ4_RAW, bare blocks; the older LZ4 of Hadoop's framing is deprecated and read differently by each reader.
import zlib from 'node:zlib'
import lz4 from 'lz4-napi'
import { IngestError } from '../errors.ts'
import { compressSnappyRaw } from '../kafka/snappy-framing.ts'

export const parquetCodecs = ['zstd', 'snappy', 'lz4', 'gzip', 'uncompressed'] as const
export type ParquetCodec = (typeof parquetCodecs)[number]

/** parquet.thrift, enum CompressionCodec. */
export const codecNumbers = { uncompressed: 0, snappy: 1, gzip: 2, zstd: 6, lz4: 7 } as const satisfies Record<
  ParquetCodec,
  number
>

interface NativeZstd {
  zstdCompressSync(bytes: Uint8Array, options: { chunkSize: number; params: Record<number, number> }): Buffer
  readonly constants: { readonly ZSTD_c_compressionLevel: number }
}
// The types are those of Node 20, which lacks these; the check is the reason for the cast.
const native = 'zstdCompressSync' in zlib ? (zlib as unknown as NativeZstd) : null

/** Can this Node compress with it? zstd is Node's own from 22.15 on. */
export const isCodecWritable = (codec: ParquetCodec): boolean => codec !== 'zstd' || native !== null

/** Level 3 makes files of trades no smaller, and their encoding half as long again: figures in docs/parquet.md. */
const zstdLevel = 1

export type PageCompressor = (bytes: Uint8Array) => Uint8Array

/** `level`: null is the default of the codec here. Errors: CODEC_UNSUPPORTED for zstd before Node 22.15. */
export function pageCompressor(codec: ParquetCodec, level: number | null): PageCompressor {
  switch (codec) {
    case 'uncompressed':
      return (bytes) => bytes
    case 'snappy':
      return compressSnappyRaw
    case 'lz4':
      // The package puts the length in front.
      return (bytes) => lz4.compressSync(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)).subarray(4)
    case 'gzip':
      return (bytes) => zlib.gzipSync(bytes, level === null ? {} : { level })
    case 'zstd':
      return zstdCompressor(level ?? zstdLevel)
  }
}

function zstdCompressor(level: number): PageCompressor {
  if (native === null) {
    throw new IngestError('CODEC_UNSUPPORTED', { codec: 'zstd', node: process.version, use: 'writing' })
  }
  const { constants, zstdCompressSync } = native
  const params = { [constants.ZSTD_c_compressionLevel]: level }
  // One output buffer for any page: in the standard pieces of 16 kB a page takes a third more time.
  return (bytes) =>
    bytes.length <= storedBytesMax
      ? storedFrame(bytes)
      : zstdCompressSync(bytes, { chunkSize: bytes.length + (bytes.length >> 7) + 512, params })
}

/** Up to here a page is not worth a compressor of its own: a column of one value has nothing larger. */
const storedBytesMax = 127

/** A zstd frame of one raw block (RFC 8878, 3.1.1): magic, single segment with a size of one byte, header of the last block. */
function storedFrame(bytes: Uint8Array): Uint8Array {
  const { length } = bytes
  const blockHeader = (length << 3) | 1
  const frame = new Uint8Array(9 + length)
  frame.set([0x28, 0xb5, 0x2f, 0xfd, 0x20, length, blockHeader & 0xff, blockHeader >> 8, 0])
  frame.set(bytes, 9)
  return frame
}
