import kafkajs from 'kafkajs'
import { expect, test } from 'vitest'
import { registerCodecs } from '../../../src/main/feed/kafka-codecs.ts'
import { decompressBody } from '../../../src/shared/kafka/compression.ts'
import type { Codec } from '../../../src/shared/kafka/record-batch.ts'
import { isZstdWritable } from '../../../src/shared/kafka/zstd.ts'

const { CompressionCodecs } = kafkajs
const text = Buffer.from('what a trade is, what a trade is, what a trade is'.repeat(50))

/** With their numbers in the attributes of a record batch. */
const codecs: readonly (readonly [Codec, 2 | 3 | 4])[] = [
  ['snappy', 2],
  ['lz4', 3],
  ...(isZstdWritable ? [['zstd', 4] as const] : []),
]

test.each(codecs)('kafkajs compresses with %s what our readers take', async (codec, type) => {
  registerCodecs()
  const { compress, decompress } = CompressionCodecs[type]()
  const bytes: Buffer = await compress({ buffer: text })
  expect(bytes.length).toBeLessThan(text.length / 4)
  expect(Buffer.from(decompressBody(codec, bytes, 1 << 20)).equals(text)).toBe(true)
  await expect(decompress(bytes)).rejects.toMatchObject({ code: 'CODEC_UNSUPPORTED' })
})
