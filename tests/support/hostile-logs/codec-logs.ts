// Logs of every codec by every make of producer, of extreme sizes, stamped by the broker and compressed anew by it.
import { isZstdWritable } from '../../../src/shared/kafka/zstd.ts'
import type { Feature, HostileLog } from './hostile-log.ts'
import { RecordMaker } from './made-records.ts'
import { type MadeCodec, type Make, makes } from './producers.ts'

const codecs: readonly MadeCodec[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

/** kafkajs's zstd is a plug-in of ours, which this Node may lack. */
const isWritten = (make: Make, codec: MadeCodec): boolean => make !== 'kafkajs' || codec !== 'zstd' || isZstdWritable

function codecLog(make: Make, codec: MadeCodec, seed: number): HostileLog {
  const idempotent = seed % 2 === 0
  return {
    topic: `codec-${codec}-${make}`,
    partitions: 2,
    shows: [
      codec,
      'a batch of one',
      'a batch of thousands',
      'a batch of a megabyte',
      ...(idempotent ? (['idempotent'] as const) : []),
      ...(make === 'java' && codec === 'snappy' ? (['xerial'] as const) : []),
    ],
    make: async ({ producers }, topic) => {
      const maker = new RecordMaker(seed)
      const producer = await producers.open(make, { codec, idempotent })
      await producer.send(topic, 0, maker.some(1))
      await producer.send(topic, 0, maker.some(3000))
      await producer.send(topic, 0, maker.oddities())
      for (const record of maker.oddities()) await producer.send(topic, 1, [record])
      await producer.send(topic, 1, [maker.record('large', maker.value(1_100_000))])
      await producer.send(topic, 1, maker.some(100, { bytes: 1000 }))
    },
  }
}

const byEveryMake: HostileLog[] = makes
  .flatMap((make) => codecs.filter((codec) => isWritten(make, codec)).map((codec) => [make, codec] as const))
  .map(([make, codec], index) => codecLog(make, codec, index))

const sizes: HostileLog = {
  topic: 'sizes',
  config: { 'max.message.bytes': '4000000' },
  shows: ['none', 'lz4', 'a batch of a megabyte'],
  make: async ({ producers }, topic) => {
    const maker = new RecordMaker(100)
    const [java, other] = [await producers.open('java'), await producers.open('librdkafka', { codec: 'lz4' })]
    for (const bytes of [0, 1, 63, 64, 8191, 8192, 1_048_576, 2_900_000]) {
      await java.send(topic, 0, [maker.record(null, maker.value(bytes))])
      await other.send(topic, 0, [maker.record(null, ''), maker.record('k', maker.value(bytes))])
    }
    await other.send(topic, 0, [maker.record('highly compressible', Buffer.alloc(2_000_000).toString('base64'))])
  },
}

const appendTime: HostileLog = {
  topic: 'append-time',
  config: { 'message.timestamp.type': 'LogAppendTime' },
  shows: ['append time', 'none', 'gzip', 'zstd', 'transactional', 'aborted'],
  make: async ({ producers }, topic) => {
    const maker = new RecordMaker(101)
    await (await producers.open('kafkajs', { codec: 'gzip' })).send(topic, 0, maker.some(20))
    await (await producers.open('librdkafka')).send(topic, 0, maker.some(20))
    const java = await producers.open('java', { codec: 'zstd', transactionalId: topic })
    for (const end of ['commit', 'abort', 'commit'] as const) {
      await java.begin()
      await java.send(topic, 0, maker.some(20))
      await java[end]()
    }
  },
}

/** The broker writes such batches itself. */
const recompressed = (
  codec: 'gzip' | 'snappy' | 'lz4' | 'zstd' | 'uncompressed',
  shows: readonly Feature[],
): HostileLog => ({
  topic: `recompressed-${codec}`,
  config: { 'compression.type': codec },
  shows,
  make: async ({ producers }, topic) => {
    const maker = new RecordMaker(102)
    for (const [make, sent] of [
      ['java', 'none'],
      ['librdkafka', 'snappy'],
      ['kafkajs', 'gzip'],
    ] as const) {
      const producer = await producers.open(make, { codec: sent })
      await producer.send(topic, 0, maker.some(500))
      await producer.send(topic, 0, maker.oddities())
    }
  },
})

export const codecLogs: readonly HostileLog[] = [
  ...byEveryMake,
  sizes,
  appendTime,
  recompressed('snappy', ['snappy', 'xerial']),
  recompressed('zstd', ['zstd']),
  recompressed('uncompressed', ['none']),
]
