// Logs that the broker has changed: compacted with and without tombstones and transactions, emptied, and begun anew in the middle of
// a record batch. Each waits until the broker is done.
import type { Feature, HostileLog } from './hostile-log.ts'
import { compacted, type HostileWorld } from './hostile-world.ts'
import { RecordMaker } from './made-records.ts'
import { type MadeProducer, makes } from './producers.ts'

/** A last batch, which the cleaner leaves alone as it begins the active segment; then until all before it has been cleaned. */
export async function cleanedUpTo(
  world: HostileWorld,
  topic: string,
  maker: RecordMaker,
  plain: MadeProducer,
): Promise<void> {
  await plain.send(topic, 0, [maker.record('last', null)])
  await world.cleaned(topic, (await world.cluster.endOf(topic)) - 1)
}

const log = (
  topic: string,
  options: { readonly config?: Readonly<Record<string, string>>; readonly shows: readonly Feature[] },
  fill: (parts: { world: HostileWorld; topic: string; maker: RecordMaker; plain: MadeProducer }) => Promise<void>,
): HostileLog => ({
  topic,
  config: { ...compacted, ...options.config },
  shows: options.shows,
  make: async (world) => {
    const plain = await world.producers.open('kafkajs')
    await fill({ world, topic, maker: new RecordMaker(topic.length), plain })
  },
})

const holes = log('compacted-holes', { shows: ['holes', 'segments', 'lz4', 'gzip', 'snappy'] }, async (parts) => {
  const { world, topic, maker, plain } = parts
  for (const [make, codec] of [
    ['java', 'lz4'],
    ['librdkafka', 'snappy'],
    ['kafkajs', 'gzip'],
    ['java', 'none'],
  ] as const) {
    const producer = await world.producers.open(make, { codec })
    for (let round = 0; round < 3; round++) await producer.send(topic, 0, maker.some(40, { keys: 400 }))
  }
  await cleanedUpTo(world, topic, maker, plain)
})

async function keysAndTombstones(topic: string, maker: RecordMaker, producer: MadeProducer): Promise<void> {
  const key = (index: number): string => `key-${index}`
  await producer.send(topic, 0, maker.some(60, { keys: 20 }))
  await producer.send(
    topic,
    0,
    Array.from({ length: 10 }, (_, index) => maker.tombstone(key(index))),
  )
  await producer.send(topic, 0, [maker.tombstone('key-of-nothing'), maker.record('key-15', ''), maker.tombstone('')])
}

const tombstonesKept = log('compacted-tombstones', { shows: ['holes', 'delete horizon'] }, async (parts) => {
  const { world, topic, maker, plain } = parts
  await keysAndTombstones(topic, maker, await world.producers.open('java', { codec: 'zstd' }))
  await cleanedUpTo(world, topic, maker, plain)
})

const tombstonesGone = log(
  'compacted-tombstones-gone',
  { config: { 'delete.retention.ms': '0' }, shows: ['holes'] },
  async ({ world, topic, maker, plain }) => {
    const producer = await world.producers.open('librdkafka', { codec: 'lz4' })
    await keysAndTombstones(topic, maker, producer)
    // The first cleaning sets the time at which they may go, a later one takes them.
    for (let round = 0; round < 3; round++) await cleanedUpTo(world, topic, maker, plain)
  },
)

/** The last batch of a producer is kept for its sequence number, though none of its records is. */
const emptied = log('compacted-emptied', { shows: ['holes', 'emptied', 'idempotent'] }, async (parts) => {
  const { world, topic, maker, plain } = parts
  for (const make of makes) {
    for (let index = 0; index < 3; index++) {
      const producer = await world.producers.open(make, { idempotent: true, codec: 'gzip' })
      await producer.send(topic, 0, maker.some(10, { keys: 5 }))
    }
  }
  await plain.send(topic, 0, maker.some(100, { keys: 5 }))
  await cleanedUpTo(world, topic, maker, plain)
})

async function transactions(world: HostileWorld, topic: string, maker: RecordMaker): Promise<void> {
  const [a, b, c] = await Promise.all(
    makes.map((make) => world.producers.open(make, { codec: 'lz4', transactionalId: `${topic}-${make}` })),
  )
  if (a === undefined || b === undefined || c === undefined) throw new Error('three makes')
  for (let round = 0; round < 6; round++) {
    await a.begin()
    await b.begin()
    await a.send(topic, 0, maker.some(6, { keys: 12 }))
    await b.send(topic, 0, maker.some(6, { keys: 12 }))
    await b.send(topic, 0, [maker.tombstone(`key-${round}`)])
    await (round % 2 === 0 ? a.abort() : a.commit())
    await c.begin()
    await c.send(topic, 0, maker.some(6, { keys: 12 }))
    await a.begin()
    await a.send(topic, 0, maker.some(3, { keys: 12 }))
    await (round % 3 === 0 ? b.commit() : b.abort())
    await c.commit()
    await a.abort()
  }
}

const withTransactions = log(
  'compacted-transactions',
  { shows: ['holes', 'transactional', 'committed', 'aborted'] },
  async ({ world, topic, maker, plain }) => {
    await transactions(world, topic, maker)
    await cleanedUpTo(world, topic, maker, plain)
  },
)

/** Their markers go as well. */
const withTransactionsGone = log(
  'compacted-transactions-gone',
  { config: { 'delete.retention.ms': '0' }, shows: ['holes', 'transactional', 'emptied'] },
  async ({ world, topic, maker, plain }) => {
    await transactions(world, topic, maker)
    for (let round = 0; round < 2; round++) await cleanedUpTo(world, topic, maker, plain)
    await plain.send(topic, 0, maker.some(100, { keys: 12 }))
    for (let round = 0; round < 2; round++) await cleanedUpTo(world, topic, maker, plain)
  },
)

/** Nothing is left below the last stable offset but, where `kept`, some records at the beginning. */
const nothingLeft = (topic: string, kept: boolean): HostileLog => ({
  topic,
  config: { 'segment.ms': '1' },
  shows: ['transactional'],
  make: async (world) => {
    const maker = new RecordMaker(topic.length)
    const plain = await world.producers.open('kafkajs')
    if (kept) await plain.send(topic, 0, maker.some(5, { keys: 5 }))
    // A compacted topic refuses records without a key, and the cleaner drops those from before it was one.
    for (let round = 0; round < 4; round++) {
      await plain.send(
        topic,
        0,
        Array.from({ length: 5 }, () => maker.record(null, '')),
      )
    }
    const stable = await world.cluster.endOf(topic)
    const open = await world.producers.open('java', { transactionalId: topic })
    await open.begin()
    await open.send(topic, 0, maker.some(5))
    await world.cluster.configureTopic(topic, compacted)
    await world.cleaned(topic, stable)
  },
})

const deleted = (topic: string, config: Readonly<Record<string, string>>, before: number): HostileLog => ({
  topic,
  config,
  shows: ['lz4', 'transactional'],
  make: async (world) => {
    const maker = new RecordMaker(before)
    const plain = await world.producers.open('librdkafka', { codec: 'lz4' })
    const producer = await world.producers.open('java', { codec: 'lz4', transactionalId: topic })
    for (const end of ['commit', 'abort', 'commit'] as const) {
      await plain.send(topic, 0, maker.some(40))
      await producer.begin()
      await producer.send(topic, 0, maker.some(40))
      await producer[end]()
    }
    await world.cluster.deleteBefore(topic, 0, before)
    await world.started(topic, before)
  },
})

export const compactionLogs: readonly HostileLog[] = [
  holes,
  tombstonesKept,
  tombstonesGone,
  emptied,
  withTransactions,
  withTransactionsGone,
  nothingLeft('compacted-to-nothing', false),
  nothingLeft('compacted-to-a-beginning', true),
  // Inside a plain batch, inside a committed and an aborted transaction, inside a later segment, and everything.
  deleted('deleted-in-a-batch', {}, 17),
  deleted('deleted-in-a-transaction', {}, 60),
  deleted('deleted-in-an-aborted-transaction', {}, 140),
  deleted('deleted-segments', { 'segment.ms': '1', 'file.delete.delay.ms': '100' }, 95),
  deleted('deleted-to-the-end', {}, 243),
]
