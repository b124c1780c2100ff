// What stops a run on a real broker, each from the stop to the command that it names to a run that goes on and a proof against the
// broker's own segments; and `k2 run --check` on servers that are well, wrong, and away.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type K2Ended, k2, temporaryFolder } from '../support/k2-process.ts'
import { KafkaCluster } from '../support/kafka-cluster.ts'
import { KafkaServer } from '../support/kafka-server.ts'
import { FakeRegistry, json } from '../support/registry-server.ts'

const TABLE = 'market_data.trades_v2'
const none = { missing: 0, duplicate: 0, extra: 0, changed: 0, notYetCommitted: 0 }
const TIMEOUT_MS = 180_000
let server: KafkaServer
let cluster: KafkaCluster
let topics = 0

beforeAll(async () => {
  server = await KafkaServer.start()
  cluster = new KafkaCluster(server.brokers)
}, TIMEOUT_MS)
afterAll(async () => {
  await cluster.close()
  await server.remove()
})

const ok = (ended: K2Ended): K2Ended => {
  expect(ended.code, ended.err).toBe(0)
  return ended
}

async function newLine() {
  const topic = `market.crypto.trades.stop${++topics}`
  const folder = temporaryFolder()
  const where = ['--catalog', `sqlite:${join(folder, 'catalog.db')}`, '--warehouse', join(folder, 'warehouse')]
  const words = ['--brokers', server.brokers, '--topic', topic, '--group', topic, ...where]
  await cluster.createTopic(topic, 1)
  return {
    topic,
    folder,
    words,
    run: (...more: readonly string[]) => k2('run', ...words, '--until-end', '--workers', '1', ...more),
    adopt: (...more: readonly string[]) =>
      k2('positions', 'adopt', ...where, '--table', TABLE, '--brokers', server.brokers, ...more),
    feed: async (messages: number) => {
      const log = join(folder, `log-${messages}-${Math.random()}`)
      const counts = ['--messages', String(messages), '--partitions', '1']
      ok(await k2('feed', 'synthetic', '--to', log, '--topic', topic, ...counts))
      await cluster.produceLog(log, topic)
    },
    proof: async () => {
      const { out, err } = await k2('verify', '--source', server.data, '--topic', topic, ...where, '--json')
      expect(out, err).toContain('"verdict"')
      const { verdict, tables } = JSON.parse(out)
      expect(verdict, out).toBe('equal')
      expect(tables[0].totals).toMatchObject(none)
      return tables[0]
    },
  }
}

test(
  'a topic made again, with fewer, as many and more records: adopt takes it beside the old one, and its rows come in',
  async () => {
    const line = await newLine()
    await line.feed(300)
    ok(await line.run())
    let rows = 300
    for (const messages of [100, 100, 500]) {
      await cluster.deleteTopic(line.topic)
      await cluster.createTopic(line.topic, 1)
      await line.feed(messages)
      const stopped = await line.run()
      expect([stopped.code, stopped.err]).toEqual([1, expect.stringMatching(/TOPIC_RECREATED: .*k2 positions adopt/)])
      ok(await line.adopt('--yes'))
      ok(await line.run())
      rows += messages
      const { totals } = await line.proof()
      expect(totals).toMatchObject({ tableRows: rows, goneFromSource: rows - messages })
    }
  },
  TIMEOUT_MS,
)

test(
  'retention that overran the table: the run goes on from the log start, and verify names the gap',
  async () => {
    const line = await newLine()
    await line.feed(500)
    ok(await line.run('--max-messages', '200'))
    await cluster.deleteBefore(line.topic, 0, 350)
    const stopped = await line.run()
    expect([stopped.code, stopped.err]).toEqual([
      1,
      expect.stringMatching(/POSITION_OUT_OF_RANGE: .*k2 run --accept-gap/),
    ])
    const accepted = ok(await line.run('--accept-gap'))
    expect(accepted.err).toContain('a gap is accepted')
    const { totals, partitions } = await line.proof()
    expect(totals.tableRows).toBe(350)
    expect(partitions[0].explained).toMatchObject({ acceptedGap: 150 })
  },
  TIMEOUT_MS,
)

interface CheckDocument {
  readonly ok: boolean
  readonly checks: readonly { readonly name: string; readonly verdict: string; readonly found: string }[]
}

async function check(
  words: readonly string[],
): Promise<{ ok: boolean; failed: Record<string, string>; names: string[] }> {
  const ended = await k2('run', '--check', '--json', ...words)
  const document: CheckDocument = JSON.parse(ended.out)
  expect(ended.code).toBe(document.ok ? 0 : 1)
  const failed = document.checks.filter(({ verdict }) => verdict === 'failed')
  return {
    ok: document.ok,
    failed: Object.fromEntries(failed.map(({ name, found }) => [name, found])),
    names: document.checks.map(({ name }) => name),
  }
}

test(
  '--check finds nothing where all is well, makes nothing, and joins no group',
  async () => {
    const line = await newLine()
    await line.feed(100)
    const { failed, names } = await check(line.words)
    expect(failed).toEqual({})
    expect(names).toEqual(
      expect.arrayContaining(['node', 'brokers', 'topics', 'read right', 'group', 'schemas', 'warehouse', 'catalog']),
    )
    expect(await cluster.groupOffsets(line.topic, line.topic)).toMatchObject([{ offset: '-1' }])
    ok(await line.run())
    expect(await check(line.words)).toMatchObject({ ok: true })
  },
  TIMEOUT_MS,
)

test(
  '--check names all that is wrong at once: topic, registry that refuses, warehouse that is no folder',
  async () => {
    const line = await newLine()
    const registry = await FakeRegistry.start()
    const refusal = json(401, { error_code: 401, message: 'no' })
    registry.on('/subjects/market.a.trades.b-value/versions/latest', refusal)
    const file = join(line.folder, 'file')
    writeFileSync(file, '')
    const words = line.words.map((word) => (word === line.topic ? 'market.a.trades.b' : word))
    const wrong = words.map((word) => (word.endsWith('warehouse') && !word.startsWith('--') ? join(file, 'w') : word))
    const { failed } = await check([...wrong, '--registry', registry.url])
    await registry.stop()
    expect(failed).toMatchObject({
      topics: expect.stringContaining('SOURCE_EMPTY'),
      registry: expect.stringContaining('REGISTRY_REFUSED'),
      warehouse: expect.stringContaining('no folder that may be written'),
    })
  },
  TIMEOUT_MS,
)

test(
  '--check tells a broker and a registry that are away, and a warehouse that cannot be written',
  async () => {
    const line = await newLine()
    const words = line.words.map((word) =>
      word === server.brokers ? '127.0.0.1:1' : word.endsWith('warehouse') && !word.startsWith('--') ? '/proc' : word,
    )
    const { failed } = await check([...words, '--registry', 'http://127.0.0.1:2'])
    expect(failed).toMatchObject({
      brokers: expect.stringContaining('BROKER_UNREACHABLE'),
      registry: expect.stringContaining('REGISTRY_UNAVAILABLE'),
      warehouse: expect.stringContaining('STORE_'),
    })
  },
  TIMEOUT_MS,
)
