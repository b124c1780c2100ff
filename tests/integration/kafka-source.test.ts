// `k2 run` on a real Kafka broker: a group's assignments, take-over, transactions, and what stops a run by name. Each table is compared
// offset by offset with the broker's own segments.
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { goodRecord } from '../support/bad-records.ts'
import { commitsIn, type K2Ended, k2, startK2, temporaryFolder } from '../support/k2-process.ts'
import { KafkaCluster } from '../support/kafka-cluster.ts'
import { KafkaServer } from '../support/kafka-server.ts'

const TABLE = 'market_data.trades_v2'
const none = { missing: 0, duplicate: 0, extra: 0, changed: 0, notYetCommitted: 0 }
let server: KafkaServer
let cluster: KafkaCluster
let topics = 0

beforeAll(async () => {
  server = await KafkaServer.start()
  cluster = new KafkaCluster(server.brokers)
}, 120_000)
afterAll(async () => {
  await cluster.close()
  await server.remove()
})

interface Line {
  readonly topic: string
  readonly group: string
  /** --brokers, --topic, --group, --catalog, --warehouse of run. */
  readonly words: readonly string[]
  readonly where: readonly string[]
  feed(messages: number, seed: number): Promise<void>
  /** Verdict and totals of `k2 verify` against the broker's segments. */
  verify(topic?: string): Promise<{ verdict: string; totals: Record<string, number> }>
}

async function newLine(partitions = 4, config: Readonly<Record<string, string>> = {}): Promise<Line> {
  const topic = `market.crypto.trades.test${++topics}`
  const folder = temporaryFolder()
  const group = `group-${topics}`
  await cluster.createTopic(topic, partitions, config)
  const where = ['--catalog', `sqlite:${join(folder, 'catalog.db')}`, '--warehouse', join(folder, 'warehouse')]
  return {
    topic,
    group,
    where,
    words: ['--brokers', server.brokers, '--topic', topic, '--group', group, ...where],
    feed: async (messages, seed) => {
      const log = join(folder, `log-${seed}`)
      const counts = ['--messages', String(messages), '--seed', String(seed), '--partitions', String(partitions)]
      const fed = await k2('feed', 'synthetic', '--to', log, '--topic', topic, ...counts)
      expect(fed.code, fed.err).toBe(0)
      await cluster.produceLog(log, topic)
    },
    verify: async (other = topic) => {
      const { out, err } = await k2(
        'verify',
        '--source',
        server.data,
        '--topic',
        other,
        ...where,
        '--table',
        TABLE,
        '--json',
      )
      expect(out, err).toContain('"verdict"')
      const { verdict, tables } = JSON.parse(out)
      return { verdict, totals: tables[0].totals }
    },
  }
}

const throttled = ['--chunk-rows', '500', '--batch-size', '2000', '--commit-interval', '200ms', '--workers', '1']
const ok = (ended: K2Ended): void => expect(ended.code, ended.err).toBe(0)

test('100,000 records are in the table, each once; another run adds nothing; the group shows what is committed', async () => {
  const line = await newLine(8)
  await line.feed(100_000, 1)
  ok(await k2('run', ...line.words, '--until-end'))
  expect(await line.verify()).toMatchObject({ verdict: 'equal', totals: { ...none, tableRows: 100_000 } })
  const again = await k2('run', ...line.words, '--until-end', '--json')
  ok(again)
  expect(JSON.parse(again.out)).toMatchObject({ statistics: { messages_consumed: 0, commits: 0 } })
  const offsets = await cluster.groupOffsets(line.group, line.topic)
  expect(offsets.reduce((sum, { offset }) => sum + Number(offset), 0)).toBe(100_000)
  expect(JSON.parse(offsets[0]?.metadata ?? '')).toEqual({ table: expect.any(String), snapshot: expect.any(String) })
})

test('two processes share the partitions; each ends when the table holds everything', async () => {
  const line = await newLine(8)
  await line.feed(40_000, 1)
  const words = ['run', ...line.words, '--until-end', ...throttled, '--throttle', '3000']
  const first = startK2(words)
  await first.wrote('Iceberg transaction committed', 1)
  const second = startK2(words)
  const ended = await Promise.all([first.ended, second.ended])
  ended.forEach(ok)
  expect(Math.min(...ended.map(({ err }) => commitsIn(err)))).toBeGreaterThan(0)
  expect(await line.verify()).toMatchObject({ verdict: 'equal', totals: { ...none, tableRows: 40_000 } })
}, 60_000)

test('a process that is killed is taken over once its session has ended', async () => {
  const line = await newLine(4)
  await line.feed(30_000, 1)
  const words = ['run', ...line.words, '--until-end', ...throttled, '--session-timeout', '6s', '--throttle', '4000']
  const [killed, heir] = [startK2(words), startK2(words)]
  await Promise.all([killed, heir].map((each) => each.wrote('Iceberg transaction committed', 2)))
  await sleep(500)
  killed.kill('SIGKILL')
  ok(await heir.ended)
  expect(await line.verify()).toMatchObject({ verdict: 'equal', totals: { ...none, tableRows: 30_000 } })
}, 60_000)

test('a process that was stopped beyond its session is evicted; what it still delivers is fenced, and both go on', async () => {
  const line = await newLine(4)
  await line.feed(40_000, 1)
  const words = ['run', ...line.words, '--until-end', ...throttled, '--session-timeout', '6s', '--throttle', '2000']
  const [sleeper, other] = [startK2(words), startK2(words)]
  await Promise.all([sleeper, other].map((each) => each.wrote('Iceberg transaction committed', 2)))
  sleeper.kill('SIGSTOP')
  await sleep(9_000)
  sleeper.kill('SIGCONT')
  const ended = await Promise.all([sleeper.ended, other.ended])
  ended.forEach(ok)
  expect(ended[0]?.err).toContain('going on from the positions of the table')
  expect(await line.verify()).toMatchObject({ verdict: 'equal', totals: { ...none, tableRows: 40_000 } })
}, 60_000)

test('a stopped process leaves the group at once, and the next one goes on', async () => {
  const line = await newLine(4)
  await line.feed(20_000, 1)
  const first = startK2(['run', ...line.words, ...throttled, '--throttle', '4000', '--session-timeout', '50s'])
  await first.wrote('Iceberg transaction committed', 2)
  first.kill('SIGTERM')
  ok(await first.ended)
  const startMs = performance.now()
  ok(await k2('run', ...line.words, '--until-end'))
  // Far below the session timeout, which a member that did not leave would be waited for.
  expect(performance.now() - startMs).toBeLessThan(30_000)
  expect(await line.verify()).toMatchObject({ verdict: 'equal', totals: { ...none, tableRows: 20_000 } })
}, 60_000)

test('--max-messages is exact, and --start begins where it says', async () => {
  const line = await newLine(2)
  await line.feed(5_000, 1)
  const start = ['--start', `${line.topic}/0=100`, '--batch-size', '500', '--json']
  const run = await k2('run', ...line.words, ...start, '--max-messages', '1234')
  ok(run)
  expect(JSON.parse(run.out)).toMatchObject({ statistics: { messages_consumed: 1234, commits: 3 } })
  const rest = await k2('run', ...line.words, '--until-end', '--json')
  ok(rest)
  expect(JSON.parse(rest.out)).toMatchObject({ statistics: { messages_consumed: 5_000 - 100 - 1234 } })
})

test('aborted transactions are never in the table; one still open ends the run before it', async () => {
  const line = await newLine(1)
  await line.feed(1_000, 1)
  const messages = Array.from({ length: 100 }, (_, index) => goodRecord(index)).map(({ timestampMs, value }) => ({
    key: 'k',
    timestamp: String(timestampMs),
    value: value === null ? null : Buffer.from(value),
  }))
  const producer = cluster.kafka.producer({
    transactionalId: `tx-${line.topic}`,
    maxInFlightRequests: 1,
    idempotent: true,
  })
  await producer.connect()
  const send = async (end: 'commit' | 'abort') => {
    const transaction = await producer.transaction()
    await transaction.send({ topic: line.topic, messages })
    await transaction[end]()
  }
  for (const end of ['commit', 'abort', 'abort', 'commit'] as const) await send(end)
  const open = await producer.transaction()
  await open.send({ topic: line.topic, messages })
  ok(await k2('run', ...line.words, '--until-end'))
  expect(await line.verify()).toMatchObject({ verdict: 'equal', totals: { missing: 0, extra: 0, tableRows: 1_200 } })
  await open.commit()
  await producer.disconnect()
  ok(await k2('run', ...line.words, '--until-end'))
  expect(await line.verify()).toMatchObject({ verdict: 'equal', totals: { ...none, tableRows: 1_300 } })
}, 60_000)

test('a partition that is added while a run reads the end of the others is read from its beginning', async () => {
  const line = await newLine(1)
  await line.feed(1_000, 1)
  const run = startK2(['run', ...line.words, '--start', 'latest', '--commit-interval', '200ms'])
  await run.wrote('route opened')
  await cluster.addPartitions(line.topic, 3)
  const producer = cluster.kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  const messages = [1, 2].map((partition) => ({ partition, key: 'k', value: Buffer.from(goodRecord(1).value ?? []) }))
  await producer.send({ topic: line.topic, messages })
  await producer.disconnect()
  await run.wrote('Iceberg transaction committed')
  await sleep(1_000)
  run.kill('SIGTERM')
  ok(await run.ended)
  expect(await line.verify()).toMatchObject({ verdict: 'equal', totals: { ...none, tableRows: 2 } })
}, 60_000)

test('topics that appear while a pattern is read join its line and are read from their beginning', async () => {
  const first = await newLine(2)
  await first.feed(1_000, 1)
  const words = first.words.map((word) => (word === first.topic ? `/^${first.topic}(-.*)?$/` : word))
  const run = startK2(['run', ...words, '--start', 'latest', '--commit-interval', '200ms', '--table', TABLE])
  await run.wrote('route opened')
  const second = `${first.topic}-later`
  await cluster.createTopic(second, 2)
  const producer = cluster.kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  const messages = [0, 1].map((partition) => ({ partition, key: 'k', value: Buffer.from(goodRecord(1).value ?? []) }))
  await producer.send({ topic: second, messages })
  await producer.disconnect()
  await run.wrote('Iceberg transaction committed')
  await sleep(1_000)
  run.kill('SIGTERM')
  const ended = await run.ended
  ok(ended)
  expect(ended.err).toContain('a topic has appeared')
  expect(await first.verify(second)).toMatchObject({ verdict: 'equal', totals: { ...none, tableRows: 2 } })
}, 60_000)

test('a position that retention has overrun stops the run by name', async () => {
  const line = await newLine(1)
  await line.feed(2_000, 1)
  ok(await k2('run', ...line.words, '--max-messages', '500'))
  await cluster.deleteBefore(line.topic, 0, 1_000)
  const run = await k2('run', ...line.words, '--until-end')
  expect(run.code).toBe(1)
  expect(run.err).toMatch(/POSITION_OUT_OF_RANGE: .*position=500 logStart=1000/)
})

test.each([
  ['fewer', 500],
  ['as many', 2_000],
  ['more', 4_000],
])(
  'a topic made again while it is read, with %s records, stops the run; none of them is in the table',
  async (_, count) => {
    const line = await newLine(1)
    await line.feed(2_000, 1)
    const run = startK2(['run', ...line.words, '--commit-interval', '200ms'])
    await run.wrote('Iceberg transaction committed')
    await cluster.deleteTopic(line.topic)
    await cluster.createTopic(line.topic, 1)
    await line.feed(count, 2)
    const { code, err } = await run.ended
    expect(code, err).toBe(1)
    expect(err).toContain('TOPIC_RECREATED')
    const again = await k2('run', ...line.words, '--until-end')
    expect([again.code, again.err]).toEqual([1, expect.stringContaining('TOPIC_RECREATED')])
    const shown = await k2('tables', 'show', ...line.where, '--json')
    expect(shown.out).toContain('2000')
  },
  60_000,
)

test('brokers that cannot be reached are named, and so is a topic that is not there', async () => {
  const line = await newLine(1)
  const absent = await k2('run', ...line.words.map((word) => (word === line.topic ? 'market.a.trades.b' : word)))
  expect([absent.code, absent.err]).toEqual([1, expect.stringMatching(/SOURCE_EMPTY: .*topic=market\.a\.trades\.b/)])
  const away = await k2('run', ...line.words.map((word) => (word === server.brokers ? '127.0.0.1:1' : word)))
  expect([away.code, away.err]).toEqual([1, expect.stringMatching(/BROKER_UNREACHABLE: .*ECONNREFUSED/)])
}, 60_000)

// The last one: it restarts the broker of this file.
test('a broker that restarts in the middle costs nothing but time, and its silence is told', async () => {
  const line = await newLine(4)
  await line.feed(40_000, 1)
  const run = startK2([
    'run',
    ...line.words,
    '--until-end',
    ...throttled,
    '--throttle',
    '5000',
    '--queue-bytes',
    '16MiB',
  ])
  await run.wrote('Iceberg transaction committed', 3)
  await server.stop()
  await sleep(12_000)
  await server.resume()
  const ended = await run.ended
  ok(ended)
  expect(ended.err).toMatch(/no broker has answered a fetch|waiting for the brokers/)
  expect(await line.verify()).toMatchObject({ verdict: 'equal', totals: { ...none, tableRows: 40_000 } })
}, 120_000)
