// Logs that real producers wrote and a real broker changed: K2 reads of each what librdkafka shows a read_committed consumer, byte by
// byte, from the broker and from its log directory.
import { basename } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { brokerSource } from '../../src/main/verify/broker-source.ts'
import { listPartitions, partitionFolderName, readLogStart } from '../../src/shared/kafka/log-directory.ts'
import { logDirectory } from '../../src/shared/verify/log-partitions.ts'
import type { LogPartition } from '../../src/shared/verify/verify-source.ts'
import { codecLogs } from '../support/hostile-logs/codec-logs.ts'
import { compactionLogs } from '../support/hostile-logs/compaction-logs.ts'
import { featuresOf, makeLogs } from '../support/hostile-logs/hostile-log.ts'
import { HostileWorld } from '../support/hostile-logs/hostile-world.ts'
import {
  differences,
  linesFromBrokers,
  linesFromDirectory,
  linesFromLibrdkafka,
  linesFromVerify,
  plainConnection,
  type TopicLines,
} from '../support/hostile-logs/record-lines.ts'
import { transactionLogs } from '../support/hostile-logs/transaction-logs.ts'

const logs = [...codecLogs, ...transactionLogs, ...compactionLogs]
const topics = logs.map(({ topic }) => topic)
let world: HostileWorld
let wanted: TopicLines

/** Where the broker's checkpoint says that a log begins. */
async function startsIn(directory: string): Promise<(log: LogPartition) => number> {
  const folders = await listPartitions(directory)
  const starts = await Promise.all(
    folders.map(async (folder) => [basename(folder.path), await readLogStart(folder)] as const),
  )
  const byFolder = new Map(starts)
  return ({ topicName, partition }) => Number(byFolder.get(partitionFolderName(topicName, partition)) ?? 0n)
}

beforeAll(async () => {
  world = await HostileWorld.start()
  await makeLogs(world, logs)
  wanted = await linesFromLibrdkafka(world.server.brokers, topics)
}, 400_000)
afterAll(async () => world.close())

test('each log shows in its segments what it is there for', async () => {
  for (const { topic, shows } of logs) {
    expect.soft([...(await featuresOf(world.server.data, topic))], topic).toEqual(expect.arrayContaining([...shows]))
  }
})

test('from a log directory, K2 and its verify read what librdkafka reads from the broker', async () => {
  const { data } = world.server
  expect(differences(await linesFromDirectory(data, topics), wanted)).toEqual([])
  // A batch at a time.
  expect(differences(await linesFromDirectory(data, topics, 1), wanted)).toEqual([])
  const starts = await startsIn(data)
  expect(differences(await linesFromVerify(logDirectory(data), topics, starts), wanted)).toEqual([])
}, 60_000)

test('from the broker, K2 and its verify read what librdkafka reads, to the end and no further', async () => {
  const { brokers } = world.server
  expect(differences(await linesFromBrokers(brokers, topics), wanted)).toEqual([])
  const waiting = { msMax: 10_000, signal: new AbortController().signal, notice: () => undefined }
  const source = brokerSource(plainConnection(brokers), waiting)
  expect(differences(await linesFromVerify(source, topics), wanted)).toEqual([])
  await source.close()
}, 60_000)

test('from the broker, a batch a response where one partition is left', async () => {
  const { brokers } = world.server
  const some = topics.filter((topic) => /^(transactions|compacted|deleted)/.test(topic))
  const lines = await linesFromBrokers(brokers, some, 1)
  expect(differences(lines, new Map(some.map((topic) => [topic, wanted.get(topic) ?? []])))).toEqual([])
}, 60_000)
