// Figures `decompress` (lz4, which producers mostly use) and one for each other codec this Node can write: decompression with a
// bound. The reference is gunzip of node:zlib over the same bodies.
import { gunzipSync, gzipSync } from 'node:zlib'
import { compressBody, decompressBody, type WriterCodec } from '../../src/shared/kafka/compression.ts'
import { batchBody, readBatchHeader } from '../../src/shared/kafka/record-batch.ts'
import { isZstdWritable } from '../../src/shared/kafka/zstd.ts'
import { type BenchOptions, type Figure, measurePair, rateFigure } from '../figure.ts'
import { batchesOf, DECOMPRESSED_BYTES_MAX, recordCountOf, sampleSlices } from '../sample.ts'

type Measured = Exclude<WriterCodec, 'none' | 'gzip' | 'snappy-xerial'>

export async function decompress(options: BenchOptions): Promise<readonly Figure[]> {
  const slices = await sampleSlices(options, 'none')
  const bodies = [...batchesOf(slices)].flatMap(({ bytes, at }) => {
    const header = readBatchHeader(bytes, at)
    return header === null ? [] : [batchBody(bytes, at, header)]
  })
  const bytesTotal = bodies.reduce((sum, body) => sum + body.length, 0)
  const zipped = bodies.map((body) => gzipSync(body))
  const codecs: readonly Measured[] = isZstdWritable ? ['lz4', 'snappy', 'zstd'] : ['lz4', 'snappy']
  const figures: Figure[] = []
  for (const codec of codecs) {
    const packed = bodies.map((body) => compressBody(codec, body))
    const unpack = (): void => {
      let bytes = 0
      for (const body of packed) bytes += decompressBody(codec, body, DECOMPRESSED_BYTES_MAX).length
      if (bytes !== bytesTotal) throw new Error(`${bytes} of ${bytesTotal} bytes of ${codec}`)
    }
    const gunzip = (): void => {
      for (const body of zipped) gunzipSync(body)
    }
    const pair = await measurePair(options.runs * 3, unpack, gunzip)
    figures.push(
      rateFigure({
        name: codec === 'lz4' ? 'decompress' : `decompress-${codec}`,
        unit: 'MB/s',
        amount: bytesTotal / 1e6,
        records: recordCountOf(slices),
        referenceName: 'gunzip of node:zlib, the same bodies',
        pair,
      }),
    )
  }
  return figures
}
