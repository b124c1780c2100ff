// A partition read from brokers that answer what a test says: cut batches, errors, logs that change meanwhile.
import { expect, test } from 'vitest'
import type { ClusterLook } from '../../../src/main/kafka/cluster-look.ts'
import { PartitionOffsets } from '../../../src/main/kafka/cluster-look.ts'
import type { Broker } from '../../../src/main/kafka/internals.ts'
import { array, int8, int32, int64, string } from '../../../src/main/kafka/wire.ts'
import { BrokerLog } from '../../../src/main/verify/broker-log.ts'
import { batch } from '../../support/record-maker.ts'

type Answer = { readonly errorCode: number; readonly records: Uint8Array } | Error
const records = (...batches: readonly Uint8Array[]): Answer => ({ errorCode: 0, records: Buffer.concat(batches) })
const failed = (errorCode: number): Answer => ({ errorCode, records: new Uint8Array() })
const cut = (bytes: Uint8Array): Uint8Array => bytes.subarray(0, -1)

function response(answer: Exclude<Answer, Error>): Buffer {
  const { errorCode, records: bytes } = answer
  const head = [int32(0), int8(errorCode >> 8), int8(errorCode), int64(100n), int64(100n), int64(0n)]
  const part = Buffer.concat([...head, array([]), int32(-1), int32(bytes.length), Buffer.from(bytes)])
  return Buffer.concat([
    int32(0),
    int8(0),
    int8(0),
    int32(0),
    array([Buffer.concat([string('trades'), array([part])])]),
  ])
}

/** A cluster whose leader gives these answers in turn; topic id and log start as they are told. */
function world(answers: readonly Answer[], { logStart = 0, topicId = 'id' } = {}) {
  const left = [...answers]
  const asked: number[] = []
  const broker: Broker = {
    versions: null,
    connectionPool: {
      send: async ({ response: { decode } }) => {
        const answer = left.shift() ?? failed(6)
        if (answer instanceof Error) throw answer
        await decode(response(answer))
      },
    },
  }
  const partition = { errorCode: 0, partition: 0, leader: 2, leaderEpoch: 1 }
  const topic = { errorCode: 0, name: 'trades', topicId, isInternal: false, partitions: [partition] }
  // Of a look, a log asks only these.
  const look = {
    askBroker: (nodeId: number, ask: (broker: Broker) => Promise<unknown>) => {
      asked.push(nodeId)
      return ask(broker)
    },
    earliest: async () =>
      new PartitionOffsets([{ topic: 'trades', partition: 0, errorCode: 0, offset: BigInt(logStart) }]),
    topics: async () => ({ clusterId: 'c', topics: [topic] }),
    topicIds: async () => new Map([['trades', topicId]]),
  } as unknown as ClusterLook
  const notices: unknown[] = []
  const waiting = { msMax: 100, signal: new AbortController().signal, notice: (each: unknown) => notices.push(each) }
  const log = new BrokerLog(look, { topic: 'trades', topicId: 'id', partition: 0, leader: 1, end: 30 }, waiting)
  const read = async (from = 0): Promise<number[][]> => {
    const found: number[][] = []
    for await (const { baseOffset, nextOffset } of log.batches(from)) found.push([baseOffset, nextOffset])
    return found
  }
  const readWithEnds = async (): Promise<number[]> => {
    const found: number[] = []
    for await (const { baseOffset } of log.batchesWithEnds()) found.push(baseOffset)
    return found
  }
  return { read, readWithEnds, asked, notices }
}

const all = [
  [0, 10],
  [10, 20],
  [20, 30],
]

test('a cut batch is asked for again, and reading ends at the end that was found', async () => {
  const first = records(batch(0, 10), cut(batch(10, 10)))
  const { read } = world([first, records(batch(10, 10), batch(20, 10), batch(30, 10))])
  expect(await read()).toEqual(all)
})

test('where nothing is left before the end, it ends with the batch that lies behind it', async () => {
  const { read, asked } = world([records(batch(0, 10)), records(batch(30, 5))])
  expect(await read()).toEqual(all.slice(0, 1))
  expect(asked).toEqual([1, 1])
})

test('it begins with the batch that holds the offset', async () => {
  const { read } = world([records(batch(10, 10), batch(20, 10))])
  expect(await read(15)).toEqual(all.slice(1))
})

test('ends of transactions are looked for up to the high watermark, beyond the end of what is compared', async () => {
  const [below, beyond] = [records(batch(0, 10), batch(10, 20)), records(batch(30, 69), batch(99, 1))]
  expect(await world([below, beyond]).readWithEnds()).toEqual([0, 10, 30, 99])
  expect(await world([below]).read()).toEqual([
    [0, 10],
    [10, 30],
  ])
})

test('another leader is asked for and asked', async () => {
  const { read, asked, notices } = world([records(batch(0, 10)), failed(6), records(batch(10, 10), batch(20, 10))])
  expect(await read()).toEqual(all)
  expect(asked).toEqual([1, 1, 2])
  expect(notices).toHaveLength(1)
})

test('what retention takes meanwhile is passed over; a log that ends before its end stops', async () => {
  const { read } = world([records(batch(0, 10)), failed(1), records(batch(20, 10))], { logStart: 20 })
  expect(await read()).toEqual([all[0], all[2]])
  await expect(world([failed(1)]).read(10)).rejects.toMatchObject({ code: 'POSITION_OUT_OF_RANGE' })
})

test('a topic made again meanwhile is told, though all its batches came', async () => {
  const { read } = world([records(batch(0, 10), batch(10, 10), batch(20, 10))], { topicId: 'other' })
  await expect(read()).rejects.toMatchObject({ code: 'TOPIC_RECREATED', context: { was: 'id', is: 'other' } })
})

test('a damaged batch, and one out of order, are named', async () => {
  const damaged = Buffer.from(batch(10, 10))
  damaged[damaged.length - 1] = (damaged.at(-1) ?? 0) ^ 1
  await expect(world([records(batch(0, 10), damaged)]).read()).rejects.toMatchObject({
    code: 'SOURCE_CORRUPT',
    context: { topic: 'trades', partition: 0, offset: 10n, reason: 'CRC-32C does not match' },
  })
  await expect(world([records(batch(10, 10), batch(0, 10))]).read()).rejects.toMatchObject({ code: 'SOURCE_CORRUPT' })
})

test('silence ends with the reason', async () => {
  const { read } = world([failed(9), failed(9), failed(9)])
  await expect(read()).rejects.toMatchObject({ code: 'BROKER_UNREACHABLE' })
})
