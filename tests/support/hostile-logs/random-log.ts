// A log of random interleavings: producers of every make, with and without transactions, in one partition; every other one compacted.
import { cleanedUpTo } from './compaction-logs.ts'
import type { HostileLog } from './hostile-log.ts'
import { compacted } from './hostile-world.ts'
import { RecordMaker } from './made-records.ts'
import { type MadeCodec, type MadeProducer, makes } from './producers.ts'

const STEPS = 120
const codecs: readonly MadeCodec[] = ['none', 'gzip', 'snappy', 'lz4']

export function randomLog(seed: number): HostileLog {
  const isCompacted = seed % 2 === 1
  return {
    topic: `random-${seed}`,
    config: isCompacted ? compacted : seed % 4 === 0 ? { 'segment.ms': '1' } : {},
    shows: ['transactional', 'committed', 'aborted', ...(isCompacted ? (['holes'] as const) : [])],
    make: async (world, topic) => {
      const maker = new RecordMaker(seed)
      const codec = (): MadeCodec => codecs[maker.below(codecs.length)] ?? 'none'
      const plain = await world.producers.open('kafkajs', { codec: codec() })
      const transactional: MadeProducer[] = []
      for (const make of makes) {
        transactional.push(await world.producers.open(make, { codec: codec(), transactionalId: `${topic}-${make}` }))
      }
      const open = await walk(topic, maker, plain, transactional)
      for (const producer of open) await (maker.below(2) === 0 ? producer.commit() : producer.abort())
      if (isCompacted) await cleanedUpTo(world, topic, maker, plain)
      // Some end with a transaction that does not.
      const [last] = transactional
      if (last === undefined || seed % 3 !== 0) return
      await last.begin()
      await last.send(topic, 0, maker.some(3))
      await plain.send(topic, 0, maker.some(3))
    },
  }
}

/** The producers whose transaction is open at the end. */
async function walk(
  topic: string,
  maker: RecordMaker,
  plain: MadeProducer,
  transactional: readonly MadeProducer[],
): Promise<ReadonlySet<MadeProducer>> {
  const open = new Set<MadeProducer>()
  const some = () => maker.some(1 + maker.below(6), { keys: 15 })
  for (let step = 0; step < STEPS; step++) {
    const producer = transactional[maker.below(transactional.length + 1)]
    if (producer === undefined) await plain.send(topic, 0, maker.below(4) === 0 ? [maker.tombstone('key-1')] : some())
    else if (!open.has(producer)) {
      open.add(producer)
      await producer.begin()
      await producer.send(topic, 0, some())
    } else if (maker.below(3) > 0) await producer.send(topic, 0, some())
    else {
      open.delete(producer)
      await (maker.below(2) === 0 ? producer.commit() : producer.abort())
    }
  }
  return open
}
