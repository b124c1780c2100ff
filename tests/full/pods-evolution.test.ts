// Tables that evolve while three pods read: each meets the new schemas in its own partitions, one of them is killed on the way, and the
// table holds every record as it was written.
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { compatibleCases } from '../support/evolution-cases.ts'
import { EVOLVING_RECORDS, evolutionFiles, rowsOf, tableOf, topicOf } from '../support/evolution-files.ts'
import { k2, temporaryFolder } from '../support/k2-process.ts'
import { KafkaCluster } from '../support/kafka-cluster.ts'
import { KafkaServer } from '../support/kafka-server.ts'
import { Pods } from '../support/pods.ts'
import { pythonWithReaders, runReader } from '../support/python-venv.ts'

const PARTITIONS = 6
let server: KafkaServer
let cluster: KafkaCluster

beforeAll(async () => {
  server = await KafkaServer.start()
  cluster = new KafkaCluster(server.brokers)
}, 120_000)
afterAll(async () => {
  await cluster.close()
  await server.remove()
})

interface Read {
  readonly schema: Readonly<Record<string, string>>
  readonly pyiceberg: readonly unknown[]
}

/** Columns in any order: pods may find them in another. */
const sorted = (rows: readonly unknown[]): string[] =>
  rows
    .map((row) => JSON.stringify(row, (_, value: unknown) => (isPlain(value) ? Object.entries(value).sort() : value)))
    .sort()
const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

test('tables of all kinds of change evolve under three pods, one killed on the way: each row as it was written, proven', async () => {
  await pythonWithReaders()
  const folder = temporaryFolder()
  const schemas = join(folder, 'schemas')
  const bytesOf = await evolutionFiles(compatibleCases, schemas)
  for (const each of compatibleCases) await cluster.createTopic(topicOf(each), PARTITIONS)
  const producer = cluster.kafka.producer()
  await producer.connect()
  const send = async (first: number, next: number): Promise<void> => {
    for (const each of compatibleCases) {
      const messages = Array.from({ length: PARTITIONS * (next - first) }, (_, at) => ({
        partition: at % PARTITIONS,
        value: bytesOf(each, first + Math.floor(at / PARTITIONS)),
      }))
      await producer.send({ topic: topicOf(each), messages })
    }
  }
  const catalogFile = join(folder, 'catalog.db')
  const tables = ['--catalog', `sqlite:${catalogFile}`, '--warehouse', join(folder, 'warehouse')]
  const place = ['--schemas', schemas, ...tables]
  const topics = ['--topic', compatibleCases.map(topicOf).join()]
  const words = ['run', '--brokers', server.brokers, ...topics, '--group', 'evolution', ...place, '--workers', '1']
  const pods = new Pods([...words, '--commit-interval', '200ms', '--chunk-rows', '5'])
  for (const pod of [0, 1, 2]) pods.start(pod)
  await send(0, 5)
  await Promise.all([0, 1, 2].map((pod) => pods.at(pod).wrote('Iceberg transaction committed')))
  for (let first = 5; first < EVOLVING_RECORDS; first += 5) {
    await send(first, first + 5)
    if (first === 20) {
      await pods.end(1, 'SIGKILL')
      pods.start(1)
    }
  }
  await producer.disconnect()
  await pods.endAll()
  const rest = await k2(...words, '--until-end')
  expect(rest.code, rest.err).toBe(0)
  const read = (await runReader('read_rows.py', catalogFile, ...compatibleCases.map(tableOf))) as Record<string, Read>
  for (const each of compatibleCases) {
    const found = read[tableOf(each)]
    expect(found?.schema, each.name).toMatchObject(each.types)
    const rows = Array.from({ length: PARTITIONS }, () => rowsOf(each, EVOLVING_RECORDS)).flat()
    expect(sorted(found?.pyiceberg ?? []), each.name).toEqual(sorted(rows))
  }
  const proof = await k2('verify', '--source', server.data, ...topics, ...place, '--json')
  expect(proof.code, proof.err + proof.out).toBe(0)
}, 300_000)
