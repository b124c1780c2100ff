// The codecs that kafkajs lacks, for its producer, by our own compressors. Main thread. Invariant: registered once for the process;
// nothing of ours reads records through kafkajs, so decompression is not offered.
import kafkajs from 'kafkajs'
import { IngestError } from '../../shared/errors.ts'
import { compressBody, type WriterCodec } from '../../shared/kafka/compression.ts'

interface ProducerCodec {
  compress(encoder: { readonly buffer: Buffer }): Promise<Buffer>
  decompress(buffer: Buffer): Promise<Buffer>
}

/** snappy in the frames of Java's producers, which every reader takes. */
export function registerCodecs(): void {
  const { CompressionCodecs, CompressionTypes } = kafkajs
  CompressionCodecs[CompressionTypes.Snappy] = () => producerCodec('snappy-xerial')
  CompressionCodecs[CompressionTypes.LZ4] = () => producerCodec('lz4')
  CompressionCodecs[CompressionTypes.ZSTD] = () => producerCodec('zstd')
}

const producerCodec = (codec: WriterCodec): ProducerCodec => ({
  compress: async ({ buffer }) => Buffer.from(compressBody(codec, buffer)),
  decompress: async () => {
    throw new IngestError('CODEC_UNSUPPORTED', { codec, reason: 'kafkajs only writes' })
  },
})
