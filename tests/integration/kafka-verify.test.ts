// `k2 verify --brokers` on a real broker: the same verdict and counts as over the broker's own segments, through transactions, a feed
// that goes on, retention, a topic made again; and a broker that restarts while it reads.
import { join } from 'node:path'
import type { Producer } from 'kafkajs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { VerifyReport } from '../../src/shared/verify/report.ts'
import { goodRecord } from '../support/bad-records.ts'
import { k2, startK2, temporaryFolder } from '../support/k2-process.ts'
import { KafkaCluster } from '../support/kafka-cluster.ts'
import { KafkaServer } from '../support/kafka-server.ts'

/** Of many processes each; seconds on a quiet machine. */
const SLOW_MS = 180_000
const none = { missing: 0, duplicate: 0, extra: 0, changed: 0 }
let server: KafkaServer
let cluster: KafkaCluster
let topics = 0

beforeAll(async () => {
  server = await KafkaServer.start()
  cluster = new KafkaCluster(server.brokers)
}, 300_000)
afterAll(async () => {
  await cluster.close()
  await server.remove()
})

interface Line {
  readonly topic: string
  /** --topic, --catalog and --warehouse. */
  readonly words: readonly string[]
  readonly brokers: readonly string[]
}

async function newLine(partitions: number, config: Readonly<Record<string, string>> = {}): Promise<Line> {
  const topic = `market.crypto.trades.verify${++topics}`
  const folder = temporaryFolder()
  await cluster.createTopic(topic, partitions, config)
  const where = ['--catalog', `sqlite:${join(folder, 'catalog.db')}`, '--warehouse', join(folder, 'warehouse')]
  return { topic, words: ['--topic', topic, ...where], brokers: ['--brokers', server.brokers] }
}

async function feed({ topic, brokers }: Line, messages: number, ...more: readonly string[]): Promise<void> {
  const counts = ['--messages', String(messages), '--partitions', '2']
  const { code, err } = await k2('feed', 'synthetic', ...brokers, '--topic', topic, ...counts, ...more)
  expect(code, err).toBe(0)
}

async function ingest({ words, brokers }: Line): Promise<void> {
  const { code, err } = await k2('run', ...brokers, ...words, '--until-end')
  expect(code, err).toBe(0)
}

/** What a proof says that does not depend on the time it took. */
async function proof(words: readonly string[]): Promise<{ verdict: string; report: Omit<VerifyReport, 'durationMs'> }> {
  const { out, err } = await k2('verify', ...words, '--json')
  expect(out, err).toContain('"verdict"')
  const { verdict, tables } = JSON.parse(out)
  const { durationMs, ...report } = tables[0]
  expect(durationMs).toBeGreaterThan(0)
  return { verdict, report }
}
const overBrokers = (line: Line) => proof([...line.brokers, ...line.words])
const overSegments = (line: Line) => proof(['--source', server.data, ...line.words])

async function withProducer(transactionalId: string | null, run: (producer: Producer) => Promise<void>): Promise<void> {
  const identity = transactionalId === null ? {} : { transactionalId }
  const producer = cluster.kafka.producer({ ...identity, maxInFlightRequests: 1, idempotent: true })
  await producer.connect()
  await run(producer).finally(() => producer.disconnect())
}

const messages = Array.from({ length: 100 }, (_, index) => goodRecord(index)).map(({ timestampMs, value }) => ({
  ...{ key: 'k', partition: 0, timestamp: String(timestampMs) },
  value: value === null ? null : Buffer.from(value),
}))

test(
  'brokers and their segments give the same report, also of a table that lacks what was rolled in later',
  async () => {
    const line = await newLine(2)
    await feed(line, 20_000)
    await ingest(line)
    const proven = await overBrokers(line)
    expect(proven).toMatchObject({
      verdict: 'equal',
      report: { totals: { ...none, tableRows: 20_000, equal: 20_000 } },
    })
    expect(await overSegments(line)).toEqual(proven)
    await feed(line, 500, '--append', '--seed', '2')
    const later = await overBrokers(line)
    expect(later).toMatchObject({ verdict: 'equal', report: { totals: { ...none, notYetCommitted: 500 } } })
  },
  SLOW_MS,
)

test(
  'aborted transactions are explained; an open one is the end of what is read',
  async () => {
    const line = await newLine(1)
    await withProducer(`tx-${line.topic}`, async (producer) => {
      for (const end of ['commit', 'abort', 'commit'] as const) {
        const transaction = await producer.transaction()
        await transaction.send({ topic: line.topic, messages })
        await transaction[end]()
      }
      await ingest(line)
      const before = await overBrokers(line)
      expect(before).toMatchObject({ verdict: 'equal', report: { totals: { ...none, tableRows: 200 } } })
      expect(before.report.partitions[0]).toMatchObject({ explained: { aborted: 100, control: 3 }, logEnd: '303' })
      expect(await overSegments(line)).toEqual(before)
      const open = await producer.transaction()
      await open.send({ topic: line.topic, messages })
      expect((await overBrokers(line)).report).toEqual(before.report)
      await open.abort()
    })
  },
  SLOW_MS,
)

test(
  'rows of a log that begins later now are gone from source; a topic made again is not the source of the table',
  async () => {
    const line = await newLine(1)
    await withProducer(null, async (producer) => {
      for (let times = 0; times < 10; times++) await producer.send({ topic: line.topic, messages })
    })
    await ingest(line)
    await cluster.deleteBefore(line.topic, 0, 450)
    const shortened = await overBrokers(line)
    expect(shortened).toMatchObject({
      verdict: 'equal',
      report: { totals: { ...none, equal: 550, goneFromSource: 450 } },
    })
    await cluster.deleteTopic(line.topic)
    await cluster.createTopic(line.topic, 1)
    const again = await k2('verify', ...line.brokers, ...line.words)
    expect([again.code, again.err]).toEqual([1, expect.stringMatching(/SOURCE_IDENTITY: .*holds none of the table/)])
  },
  SLOW_MS,
)

test('a source, and one only, is asked for; brokers that are away are named', async () => {
  const line = await newLine(1)
  const neither = await k2('verify', ...line.words)
  expect([neither.code, neither.err]).toEqual([2, expect.stringContaining('--source or --brokers is required')])
  const both = await k2('verify', ...line.brokers, '--source', server.data, ...line.words)
  expect([both.code, both.err]).toEqual([2, expect.stringContaining('contradicts')])
})

// The last one: it restarts the broker of this file.
test(
  'a broker that restarts meanwhile costs nothing but time',
  async () => {
    const line = await newLine(2)
    await feed(line, 20_000)
    await ingest(line)
    await server.stop()
    const verify = startK2(['verify', ...line.brokers, ...line.words, '--json'])
    await verify.wrote('waiting for the brokers')
    await server.resume()
    const { code, out, err } = await verify.ended
    expect(code, err).toBe(0)
    expect(JSON.parse(out)).toMatchObject({ verdict: 'equal', tables: [{ totals: { ...none, equal: 20_000 } }] })
  },
  SLOW_MS,
)
