// Logs that real producers wrote and a real broker changed: K2 reads of each what librdkafka shows a read_committed consumer, byte by
// byte, from the broker and from its log directory; and the built program brings all of them into one table and proves it.
import { mkdir, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { brokerSource } from '../../src/main/verify/broker-source.ts'
import { listPartitions, partitionFolderName, readLogStart } from '../../src/shared/kafka/log-directory.ts'
import { logDirectory } from '../../src/shared/verify/log-partitions.ts'
import type { LogPartition } from '../../src/shared/verify/verify-source.ts'
import { codecLogs } from '../support/hostile-logs/codec-logs.ts'
import { compactionLogs } from '../support/hostile-logs/compaction-logs.ts'
import { featuresOf, makeLogs } from '../support/hostile-logs/hostile-log.ts'
import { HostileWorld } from '../support/hostile-logs/hostile-world.ts'
import { isTick, tickSchema } from '../support/hostile-logs/made-records.ts'
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
import { k2, temporaryFolder } from '../support/k2-process.ts'

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

/** What librdkafka read, as the line has to tell it apart. */
function wantedCounts() {
  const values = [...wanted.values()].flat().map((line): string | null => JSON.parse(line)[5])
  const present = values.filter((value) => value !== null)
  const rows = present.filter(isTick).length
  return { rows, deadLetters: present.length - rows, tombstones: values.length - present.length }
}

/** Words of run and verify for one table of all topics. */
async function oneTable(): Promise<string[]> {
  const folder = temporaryFolder()
  const schemas = join(folder, 'schemas')
  await mkdir(schemas)
  await writeFile(join(schemas, 'tick.avsc'), JSON.stringify(tickSchema))
  await writeFile(join(schemas, 'ids.json'), JSON.stringify({ ids: { 1: 'tick.avsc' }, subjects: { '*-value': 1 } }))
  const tables = ['--catalog', `sqlite:${join(folder, 'catalog.db')}`, '--warehouse', join(folder, 'warehouse')]
  return ['--topic', topics.join(), '--table', 'market_data.ticks', '--schemas', schemas, ...tables]
}

async function proof(words: readonly string[]) {
  const { out, err } = await k2('verify', ...words, '--json')
  expect(out, err).toContain('"verdict"')
  const { verdict, tables } = JSON.parse(out)
  return { verdict, totals: tables[0].totals, problems: tables[0].problems, examples: tables[0].examples }
}

const none = { missing: 0, duplicate: 0, extra: 0, changed: 0, notYetCommitted: 0 }
/** Segments show what others have written behind a transaction that is open: not to be read yet. */
const BEHIND_OPEN = 20

// The run has to end, too: logs among these end in markers, in open transactions, and in nothing at all below their last stable offset.
test('k2 run brings all of them from the broker into one table, and verify proves it by broker and by segments', async () => {
  const { brokers, data } = world.server
  const words = await oneTable()
  const columns = ['--kafka-key', '--kafka-headers', '--tombstone', 'store', '--unknown-schema', 'dead-letter']
  const run = await k2('run', '--brokers', brokers, ...words, ...columns, '--until-end')
  expect(run.code, run.err).toBe(0)
  const { rows, tombstones, deadLetters } = wantedCounts()
  const totals = { ...none, tableRows: rows + tombstones, deadLetters }
  const equal = { verdict: 'equal', totals, problems: [], examples: [] }
  expect(await proof(['--brokers', brokers, ...words])).toMatchObject(equal)
  const bySegments = { ...equal, totals: { ...totals, notYetCommitted: BEHIND_OPEN } }
  expect(await proof(['--source', data, ...words])).toMatchObject(bySegments)
}, 120_000)

test('k2 run brings all of them from the log directory into one table, and verify proves it', async () => {
  const words = ['--source', world.server.data, ...(await oneTable())]
  const run = await k2('run', ...words, '--unknown-schema', 'dead-letter', '--until-end')
  expect(run.code, run.err).toBe(0)
  const { rows, deadLetters } = wantedCounts()
  const totals = { ...none, tableRows: rows, deadLetters, notYetCommitted: BEHIND_OPEN }
  expect(await proof(words)).toMatchObject({ verdict: 'equal', totals, problems: [], examples: [] })
}, 120_000)
