// Logs of transactions: committed, aborted, interleaved, long open, across segments, fenced, and open at the end of the log.
import type { HostileLog } from './hostile-log.ts'
import { RecordMaker } from './made-records.ts'
import { type Make, makes } from './producers.ts'

const ended = ['transactional', 'committed', 'aborted'] as const

const inTurn = (make: Make, seed: number): HostileLog => ({
  topic: `transactions-${make}`,
  partitions: 2,
  shows: [...ended, 'lz4'],
  make: async ({ producers }, topic) => {
    const maker = new RecordMaker(seed)
    const producer = await producers.open(make, { codec: 'lz4', transactionalId: topic })
    const plain = await producers.open(makes[(makes.indexOf(make) + 1) % makes.length] ?? make)
    for (const end of ['commit', 'abort', 'abort', 'commit', 'abort'] as const) {
      await producer.begin()
      await producer.send(topic, 0, maker.some(5))
      await plain.send(topic, 0, maker.some(2))
      // In one partition of some transactions only.
      if (maker.below(2) === 0) await producer.send(topic, 1, maker.some(3))
      await producer.send(topic, 0, maker.oddities())
      await producer[end]()
    }
  },
})

const interleaved: HostileLog = {
  topic: 'transactions-interleaved',
  shows: [...ended, 'gzip', 'snappy', 'none'],
  make: async ({ producers }, topic) => {
    const maker = new RecordMaker(201)
    const a = await producers.open('java', { codec: 'snappy', transactionalId: `${topic}-a` })
    const b = await producers.open('librdkafka', { codec: 'gzip', transactionalId: `${topic}-b` })
    const c = await producers.open('kafkajs', { transactionalId: `${topic}-c` })
    for (const producer of [a, b, c]) await producer.begin()
    for (let round = 0; round < 4; round++) {
      for (const producer of [c, a, b]) await producer.send(topic, 0, maker.some(1 + round))
    }
    // The last one begun ends first, then again within another that is to be aborted.
    await c.abort()
    await c.begin()
    await c.send(topic, 0, maker.some(3))
    await b.commit()
    await c.commit()
    await a.send(topic, 0, maker.some(3))
    await a.abort()
    await c.begin()
    await c.send(topic, 0, maker.some(3))
    await c.abort()
  },
}

const longOpen: HostileLog = {
  topic: 'transactions-long-open',
  shows: [...ended, 'a batch of a megabyte'],
  make: async ({ producers }, topic) => {
    const maker = new RecordMaker(202)
    const long = await producers.open('librdkafka', { transactionalId: `${topic}-long` })
    const short = await producers.open('java', { codec: 'zstd', transactionalId: `${topic}-short` })
    const plain = await producers.open('kafkajs', { codec: 'lz4' })
    await long.begin()
    await long.send(topic, 0, maker.some(4))
    for (let round = 0; round < 10; round++) {
      await plain.send(topic, 0, maker.some(3))
      await short.begin()
      await short.send(topic, 0, maker.some(2))
      // Beyond what one fetch brings, so that the marker comes responses later.
      if (round % 3 === 0) await plain.send(topic, 0, [maker.record(null, maker.value(1_000_000))])
      await (round % 2 === 0 ? short.abort() : short.commit())
    }
    await long.send(topic, 0, maker.some(4))
    await long.abort()
    await plain.send(topic, 0, maker.some(1))
  },
}

const acrossSegments: HostileLog = {
  topic: 'transactions-across-segments',
  config: { 'segment.ms': '1' },
  shows: [...ended, 'segments'],
  make: async ({ producers }, topic) => {
    const maker = new RecordMaker(203)
    const a = await producers.open('java', { codec: 'lz4', transactionalId: `${topic}-a` })
    const b = await producers.open('kafkajs', { codec: 'lz4', transactionalId: `${topic}-b` })
    const plain = await producers.open('librdkafka')
    for (const end of ['abort', 'commit', 'abort'] as const) {
      await a.begin()
      await a.send(topic, 0, maker.some(2))
      await b.begin()
      await b.send(topic, 0, maker.some(2))
      for (let round = 0; round < 3; round++) await plain.send(topic, 0, maker.some(2))
      await a[end]()
      await plain.send(topic, 0, maker.some(2))
      await (end === 'abort' ? b.commit() : b.abort())
    }
  },
}

const openAtTheEnd: HostileLog = {
  topic: 'transactions-open-at-the-end',
  shows: [...ended],
  make: async ({ producers }, topic) => {
    const maker = new RecordMaker(204)
    const open = await producers.open('java', { codec: 'gzip', transactionalId: `${topic}-open` })
    const short = await producers.open('librdkafka', { transactionalId: `${topic}-short` })
    for (const end of ['commit', 'abort'] as const) {
      await open.begin()
      await open.send(topic, 0, maker.some(5))
      await open[end]()
    }
    await open.begin()
    await open.send(topic, 0, maker.some(5))
    await short.begin()
    await short.send(topic, 0, maker.some(5))
    await short.commit()
    await (await producers.open('kafkajs')).send(topic, 0, maker.some(5))
  },
}

/** What began before the transaction that stays open may end after its first record: its records are visible, its marker is not. */
const endedBeyondAnOpenOne: HostileLog = {
  topic: 'transactions-ended-beyond-an-open-one',
  shows: [...ended],
  make: async ({ producers }, topic) => {
    const maker = new RecordMaker(206)
    const open = await producers.open('librdkafka', { transactionalId: `${topic}-open` })
    const committed = await producers.open('java', { codec: 'lz4', transactionalId: `${topic}-committed` })
    const aborted = await producers.open('kafkajs', { transactionalId: `${topic}-aborted` })
    for (const producer of [committed, aborted]) {
      await producer.begin()
      await producer.send(topic, 0, maker.some(5))
    }
    await open.begin()
    await open.send(topic, 0, maker.some(5))
    for (const producer of [aborted, committed]) await producer.send(topic, 0, maker.some(5))
    await aborted.abort()
    await committed.commit()
    await committed.begin()
    await committed.send(topic, 0, maker.some(5))
    await committed.commit()
  },
}

/** A successor with the transactional id has the broker abort what its predecessor left open, under a newer producer epoch. */
const fenced: HostileLog = {
  topic: 'transactions-fenced',
  shows: [...ended],
  make: async ({ producers }, topic) => {
    const maker = new RecordMaker(205)
    for (const make of ['java', 'librdkafka', 'kafkajs', 'java'] as const) {
      const producer = await producers.open(make, { transactionalId: topic })
      await producer.begin()
      await producer.send(topic, 0, maker.some(3))
      await producer.commit()
      await producer.begin()
      await producer.send(topic, 0, maker.some(3))
    }
    const last = await producers.open('librdkafka', { transactionalId: topic })
    await last.begin()
    await last.send(topic, 0, maker.some(3))
    await last.commit()
  },
}

export const transactionLogs: readonly HostileLog[] = [
  ...makes.map((make, index) => inTurn(make, 210 + index)),
  interleaved,
  longOpen,
  acrossSegments,
  openAtTheEnd,
  endedBeyondAnOpenOne,
  fenced,
]
