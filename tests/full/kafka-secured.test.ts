// Three brokers that want SASL over TLS, or a certificate of the client: feed, check, run and verify through each way in; what is
// wrong with password or certificate told by name, without a secret; and one of the three killed while rows keep coming.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { feedSynthetic } from '../../src/main/feed/synthetic.ts'
import { openFileRegistry } from '../../src/shared/avro/schema-registry.ts'
import { schemas } from '../support/bad-records.ts'
import { type Ended, runK2 } from '../support/built-k2.ts'
import { saidIn, startK2, temporaryFolder } from '../support/k2-process.ts'
import { KafkaCluster } from '../support/kafka-cluster.ts'
import { type NodeId, SecuredCluster } from '../support/secured-cluster.ts'

const TIMEOUT_MS = 120_000
const WRONG = 'not-the-password'
const none = { missing: 0, duplicate: 0, extra: 0, changed: 0, notYetCommitted: 0 }
let cluster: SecuredCluster
let inner: KafkaCluster
let topics = 0

beforeAll(async () => {
  cluster = await SecuredCluster.start()
  inner = new KafkaCluster(cluster.inner)
}, TIMEOUT_MS)
afterAll(async () => {
  await inner.close()
  await cluster.remove()
})

type Mechanism = 'plain' | 'scram-sha-256' | 'scram-sha-512'

const ca = (): readonly string[] => ['--ssl-ca', cluster.keys.authority.cert]
const sasl = (mechanism: Mechanism, brokers = cluster.brokers): readonly string[] => [
  ...['--brokers', brokers, '--sasl-mechanism', mechanism, '--sasl-username', cluster.user],
]
const byCertificate = (): readonly string[] => {
  const { cert, key } = cluster.keys.client
  return ['--brokers', cluster.mutual, ...ca(), '--ssl-cert', cert, '--ssl-key', key]
}

/** The password goes by the environment, where no list of processes shows it. No secret may be in what is written. */
async function k2(words: readonly string[], password = cluster.password): Promise<Ended> {
  const env = words.includes('--sasl-username') ? { K2_SASL_PASSWORD: password } : {}
  const ended = await runK2(words, { env })
  for (const secret of [cluster.password, WRONG]) expect(ended.out + ended.err).not.toContain(secret)
  return ended
}
async function ok(words: readonly string[]): Promise<Ended> {
  const ended = await k2(words)
  expect(ended.code, ended.err).toBe(0)
  return ended
}

function newLine() {
  const topic = `market.crypto.trades.secured${++topics}`
  const folder = temporaryFolder()
  const tables = ['--catalog', `sqlite:${join(folder, 'catalog.db')}`, '--warehouse', join(folder, 'warehouse')]
  return { topic, folder, tables, words: ['--topic', topic, ...tables], group: ['--group', topic] }
}

async function expectProven(words: readonly string[], tableRows: number): Promise<void> {
  const { out, err } = await ok(['verify', ...words, '--json'])
  const { verdict, tables } = JSON.parse(out)
  expect([verdict, tables[0].totals], err).toMatchObject(['equal', { ...none, tableRows, equal: tableRows }])
}

async function replicasOf(topic: string): Promise<readonly { leader: number; replicas: number; partition: number }[]> {
  const admin = inner.kafka.admin()
  await admin.connect()
  try {
    const [found] = (await admin.fetchTopicMetadata({ topics: [topic] })).topics
    return (found?.partitions ?? []).map(({ partitionId, leader, replicas }) => ({
      ...{ partition: partitionId, leader, replicas: replicas.length },
    }))
  } finally {
    await admin.disconnect()
  }
}

test(
  'feed, check, run and verify by PLAIN and both SCRAM over TLS, and by a certificate of the client',
  async () => {
    const { topic, words, group } = newLine()
    const counts = ['--topic', topic, '--partitions', '6', '--messages']
    await ok(['feed', 'synthetic', ...sasl('plain'), ...ca(), ...counts, '3000'])
    expect((await replicasOf(topic)).map(({ replicas }) => replicas)).toEqual([3, 3, 3, 3, 3, 3])
    const checked = await ok(['run', '--check', ...sasl('scram-sha-512'), ...ca(), ...words, ...group])
    expect(checked.out).not.toContain('✗')
    await ok(['run', ...sasl('scram-sha-256'), ...ca(), ...words, ...group, '--until-end'])
    await expectProven([...sasl('scram-sha-512'), ...ca(), ...words], 3000)

    await ok(['feed', 'synthetic', ...byCertificate(), ...counts, '2000', '--append', '--seed', '2'])
    await ok(['run', ...byCertificate(), ...words, ...group, '--until-end'])
    await expectProven([...byCertificate(), ...words], 5000)
  },
  TIMEOUT_MS,
)

test(
  'what is wrong with password or certificate is one line: what, where, what to do, and no secret',
  async () => {
    const { topic, words, folder } = newLine()
    await inner.createTopic(topic, 1)
    const log = join(folder, 'k2.log')
    const run = ['run', ...words, '--log-file', log, '--until-end']
    const stranger = ['--ssl-ca', cluster.keys.stranger.cert]
    const elsewhere = cluster.brokers.replaceAll('127.0.0.1', 'localhost')
    const refused = /^k2: BROKER_REFUSED: .*\(brokers=(127\.0\.0\.1:\d+[, ]){3}.*cause=.*; check --sasl-\*, --ssl\*/
    const untrusted = (why: string) =>
      new RegExp(`^k2: BROKER_UNTRUSTED: .*brokers=\\S+ broker=\\S+:\\d+ cause=.*${why}.*--ssl-ca`)
    const cases: readonly (readonly [says: RegExp, words: readonly string[], password?: string])[] = [
      [refused, [...run, ...sasl('plain'), ...ca()], WRONG],
      [refused, [...run, ...sasl('scram-sha-256'), ...ca()], WRONG],
      [refused, ['verify', ...words, ...sasl('scram-sha-512'), ...ca()], WRONG],
      [refused, ['feed', 'synthetic', '--topic', topic, ...sasl('plain'), ...ca()], WRONG],
      [untrusted('self.signed certificate'), [...run, ...sasl('plain'), '--ssl']],
      [untrusted('unable to verify|self.signed certificate|unable to get'), [...run, ...sasl('plain'), ...stranger]],
      [untrusted('localhost'), [...run, ...sasl('plain', elsewhere), ...ca()]],
      // They close the connection without a word: which of the two is wrong they do not say.
      [/^k2: BROKER_UNREACHABLE: .*brokers=.*--ssl/, [...run, ...sasl('plain')]],
      [/^k2: BROKER_REFUSED: .*brokers=.*--ssl/, [...run, '--brokers', cluster.mutual, ...ca()]],
    ]
    await Promise.all(
      cases.map(async ([says, line, password]) => {
        const { code, err } = await k2(line, password)
        const [last = ''] = saidIn(err).slice(-1)
        expect.soft([code, last]).toEqual([1, expect.stringMatching(says)])
      }),
    )
    const checked = await k2(['run', '--check', ...words, ...sasl('plain'), ...ca()], WRONG)
    expect([checked.code, checked.out]).toEqual([1, expect.stringMatching(/✗ brokers .*BROKER_REFUSED/)])
    const logged = readFileSync(log, 'utf8')
    for (const secret of [cluster.password, WRONG]) expect(logged).not.toContain(secret)
  },
  TIMEOUT_MS,
)

test(
  'a broker of three that is killed in the middle of a run moves its partitions, and nothing is lost',
  async () => {
    const { topic, folder, words, group } = newLine()
    await inner.createTopic(topic, 6)
    const options = join(folder, 'k2.json')
    writeFileSync(options, JSON.stringify({ 'sasl-password': cluster.password }), { mode: 0o600 })
    const source = [...sasl('scram-sha-512'), ...ca()]
    const limits = ['--commit-interval', '300ms', '--session-timeout', '6s', '--workers', '1']
    const run = startK2(['run', '--config', options, ...source, ...words, ...group, ...limits])
    const stop = new AbortController()
    const producing = produceUntil(topic, stop.signal)
    await run.wrote('Iceberg transaction committed', 3)

    const before = await replicasOf(topic)
    const victim = before[0]?.leader as NodeId
    await cluster.kill(victim)
    const killedMs = performance.now()
    for (;;) {
      const leaders = (await replicasOf(topic)).map(({ leader }) => leader)
      if (leaders.length === 6 && leaders.every((leader) => leader > 0 && leader !== victim)) break
      await sleep(200)
    }
    const movedMs = performance.now() - killedMs
    const commits = run.commits()
    await run.wrote('Iceberg transaction committed', commits + 5)
    const wentOnMs = performance.now() - killedMs
    stop.abort()
    const produced = await producing
    await run.wrote(`"total_records":"${produced}"`)
    run.kill('SIGTERM')
    const ended = await run.ended
    expect(ended.code, ended.err).toBe(0)
    expect(ended.err + ended.out).not.toContain(cluster.password)
    const seconds = (ms: number): string => (ms / 1000).toFixed(1)
    console.log(
      `${produced} rows; leaders moved after ${seconds(movedMs)} s, five more commits after ${seconds(wentOnMs)} s`,
    )
    await expectProven([...source, ...words], produced)
  },
  TIMEOUT_MS,
)

/** Trades in pieces, each by a producer of its own, through SASL and TLS as the run; resolves to how many. */
async function produceUntil(topic: string, stop: AbortSignal): Promise<number> {
  const connection = {
    ...{ brokers: cluster.brokers.split(','), saslMechanism: 'plain' as const, saslUsername: cluster.user },
    ...{ saslPassword: cluster.password, ssl: true, sslCa: cluster.keys.authority.cert, sslCert: null, sslKey: null },
  }
  const registry = await openFileRegistry(schemas)
  let produced = 0
  for (let seed = 1; !stop.aborted; seed++) {
    const piece = { topic, partitions: 6, messages: 300, batchRecords: 50, seed, append: true }
    produced += (await feedSynthetic({ schemas: registry, connection, ...piece })).messages
  }
  return produced
}
