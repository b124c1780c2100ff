// Several `k2 run` of one group beside each other, with a producer that never rests: who dies is taken over, who is left goes on.
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { k2, startK2 } from '../support/k2-process.ts'
import { KafkaCluster } from '../support/kafka-cluster.ts'
import { KafkaServer } from '../support/kafka-server.ts'
import { provePodKills } from '../support/pod-kills.ts'
import { Pods, podLine, produce, produceUntil, proveAll } from '../support/pods.ts'

const SESSION_MS = 10_000
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

const limits = ['--commit-interval', '300ms', '--chunk-rows', '500', '--session-timeout', `${SESSION_MS}ms`]

test('while the group waits for a member that died, the others go on with what they had', async () => {
  const line = await podLine(server, cluster, 4)
  const stop = new AbortController()
  const producing = produceUntil(line, 1_000, stop.signal)
  const pods = new Pods([...line.words, ...limits])
  const [survivor] = [pods.start(0), pods.start(1)]
  await Promise.all(pods.places.map((place) => pods.at(place).wrote('Iceberg transaction committed', 2)))
  await pods.end(1, 'SIGKILL')
  // As where a pod that died is started again at once: its successor asks to join before anybody knows of the death.
  const successor = pods.start(2)
  await sleep(SESSION_MS / 2)
  const before = survivor.commits()
  await successor.wrote('route opened')
  expect(survivor.commits() - before).toBeGreaterThan(1)
  await successor.wrote('Iceberg transaction committed')
  stop.abort()
  const produced = await producing
  await pods.endAll()
  await proveAll(line, produced)
}, 120_000)

test('a member with a name is killed and started again: it has its partitions at once, and the other notices nothing', async () => {
  const line = await podLine(server, cluster, 4)
  const stop = new AbortController()
  const producing = produceUntil(line, 1_000, stop.signal)
  const pods = new Pods([...line.words, ...limits])
  const name = (place: number): string[] => ['--instance-id', `pod-${place}`]
  const other = pods.start(0, name(0))
  await other.wrote('Iceberg transaction committed')
  pods.start(1, name(1))
  await pods.at(1).wrote('Iceberg transaction committed', 2)
  const opened = other.count('route opened')
  const startMs = performance.now()
  await pods.end(1, 'SIGKILL')
  await pods.start(1, name(1)).wrote('Iceberg transaction committed')
  expect(performance.now() - startMs).toBeLessThan(SESSION_MS)
  expect(other.count('route opened')).toBe(opened)
  // A third process takes the name of one that lives.
  const [older, newer] = [pods.at(1), pods.start(2, name(1))]
  await newer.wrote('Iceberg transaction committed')
  const ended = await older.ended
  expect(ended.code, ended.err).toBe(1)
  expect(ended.err).toContain('MEMBER_FENCED')
  pods.forget(1)
  stop.abort()
  const produced = await producing
  await pods.endAll()
  await proveAll(line, produced)
}, 120_000)

test('four kills and a stop beyond the session among two pods, under load, cost nothing', async () => {
  const line = await podLine(server, cluster, 4)
  console.log(await provePodKills(line, { pods: 2, kills: 4, stops: 1, perSecond: 1_000, gapMsMax: 3_000 }))
}, 180_000)

test('two groups that read one topic into one table fence each other, and lose nothing', async () => {
  const line = await podLine(server, cluster, 4)
  await produce(line, 40_000, 1)
  const words = [...line.words, '--until-end', ...limits, '--throttle', '8000']
  const runs = [startK2(words), startK2(words.with(words.indexOf('--group') + 1, 'another'))]
  const ended = await Promise.all(runs.map((run) => run.ended))
  expect(
    ended.map(({ code }) => code),
    ended.map(({ err }) => err).join('\n'),
  ).toEqual([0, 0])
  expect(ended.some(({ err }) => err.includes('another process wrote'))).toBe(true)
  await proveAll(line, 40_000)
}, 120_000)

test('routes of one process that a pattern finds, one of them later, each fill their own table', async () => {
  const line = await podLine(server, cluster, 2)
  const quotes = 'market.equities.quotes.asx'
  await produce(line, 1_000, 1)
  const pattern = `/^(${line.topic}|${quotes})$/`
  const words = line.words.with(line.words.indexOf('--topic') + 1, pattern)
  const run = startK2([...words, ...limits])
  await run.wrote('Iceberg transaction committed')
  const fed = await k2('feed', 'csv', '--type', 'quotes', '--brokers', server.brokers)
  expect(fed.code, fed.err).toBe(0)
  await run.wrote('"total_records":"609"')
  run.kill('SIGTERM')
  const ended = await run.ended
  expect(ended.code, ended.err).toBe(0)
  for (const [topic, rows] of [
    [line.topic, 1_000],
    [quotes, 609],
  ] as const) {
    await proveAll({ ...line, topic, words: words.with(words.indexOf('--topic') + 1, topic) }, rows)
  }
}, 120_000)
