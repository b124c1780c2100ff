// The schema registry client and the feeds against the real servers: Apicurio by its Confluent API, a Kafka broker. What is in a topic
// is compared with the same feed in a log directory; tables are compared with the broker's own segments by k2 verify.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { feedCsv } from '../../src/main/feed/csv.ts'
import { feedSynthetic, type SyntheticFeedOptions } from '../../src/main/feed/synthetic.ts'
import type { KafkaConnection } from '../../src/main/kafka/connection.ts'
import { openServers } from '../../src/main/registry/open-registry.ts'
import { openFileRegistry, type SchemaRegistry } from '../../src/shared/avro/schema-registry.ts'
import { decompressBody } from '../../src/shared/kafka/compression.ts'
import { listPartitions, listSegments } from '../../src/shared/kafka/log-directory.ts'
import { batchBody, readBatchHeader } from '../../src/shared/kafka/record-batch.ts'
import { RecordCursor } from '../../src/shared/kafka/record-cursor.ts'
import { runK2 } from '../support/built-k2.ts'
import { k2, startK2, temporaryFolder } from '../support/k2-process.ts'
import { KafkaCluster } from '../support/kafka-cluster.ts'
import { KafkaServer } from '../support/kafka-server.ts'
import { LostAnswerProxy } from '../support/lost-answer-proxy.ts'
import { type Answer, FakeRegistry, json, RegistryServer } from '../support/registry-server.ts'

const schemasFolder = new URL('../../schemas', import.meta.url).pathname
const asxFolder = new URL('../../data/asx-2014-03', import.meta.url).pathname
let registry: RegistryServer
let broker: KafkaServer
let cluster: KafkaCluster
let shipped: SchemaRegistry
let topics = 0

beforeAll(async () => {
  broker = await KafkaServer.start()
  cluster = new KafkaCluster(broker.brokers)
  registry = await RegistryServer.start()
  shipped = await openFileRegistry(schemasFolder)
}, 300_000)
afterAll(async () => {
  await cluster.close()
  await broker.remove()
  await registry.remove()
})

const newTopic = (): string => `market.crypto.trades.registry${++topics}`

function client(cache: string | null = null) {
  const stop = new AbortController()
  onTestFinished(() => stop.abort())
  const address = { registry: [registry.url], registryAuth: null, registryCache: cache }
  return openServers(address, { notice: () => {}, stop: stop.signal })
}

const connection = (): KafkaConnection => ({
  brokers: [broker.brokers],
  saslMechanism: 'plain',
  saslUsername: null,
  saslPassword: null,
  ssl: false,
  sslCa: null,
  sslCert: null,
  sslKey: null,
})

interface Sent {
  readonly partition: number
  readonly offset: bigint
  readonly timestampMs: number
  readonly key: string
  readonly value: string
}

/** Every record of a topic in a log directory, which the broker's own folder is too; and the sizes of its batches. */
async function recordsOf(directory: string, topic: string): Promise<{ records: Sent[]; batches: string[] }> {
  const records: Sent[] = []
  const batches: string[] = []
  const cursor = new RecordCursor()
  for (const { path, partition } of (await listPartitions(directory)).filter((each) => each.topicName === topic)) {
    for (const segment of await listSegments(path)) {
      const bytes = new Uint8Array(await readFile(segment.path))
      for (let at = 0; ; ) {
        const header = readBatchHeader(bytes, at)
        if (header === null) break
        batches.push(`${partition} ${header.baseOffset} ${header.recordCount} ${header.codec}`)
        const body = Buffer.from(decompressBody(header.codec, batchBody(bytes, at, header), 1 << 26))
        cursor.reset(body, header.recordCount, header.lastOffsetDelta)
        while (cursor.next()) {
          records.push({
            partition,
            offset: header.baseOffset + BigInt(cursor.offsetDelta),
            timestampMs: Number(header.baseTimestamp) + cursor.timestampDelta,
            key: body.toString('utf8', cursor.keyStart, cursor.keyEnd),
            value: body.toString('hex', cursor.valueStart, cursor.valueEnd),
          })
        }
        at += header.length
      }
    }
  }
  return { records, batches }
}

describe('the registry', () => {
  test('registers a schema once, and serves it by id and as the newest of its topic', async () => {
    const topic = newTopic()
    const trade = (await shipped.schemaById(1))?.json ?? ''
    const id = await client().register(topic, trade)
    expect(await client().register(topic, trade)).toBe(id)
    const [byId, latest] = [await client().schemaById(id), await client().latestForTopic(topic)]
    expect(byId?.id).toBe(id)
    expect(JSON.parse(byId?.json ?? '')).toEqual(JSON.parse(trade))
    expect(latest).toEqual(byId)
  })

  test('says null for ids and topics that it does not know', async () => {
    expect(await client().schemaById(2_000_000)).toBeNull()
    expect(await client().latestForTopic('no.such.topic')).toBeNull()
  })

  test('does not take a schema that its subject’s rule forbids', async () => {
    const topic = newTopic()
    const of = (field: object) => JSON.stringify({ type: 'record', name: 'R', fields: [field] })
    await client().register(topic, of({ name: 'a', type: 'long' }))
    await expect(client().register(topic, of({ name: 'b', type: 'string' }))).rejects.toMatchObject({
      code: 'SCHEMA_REJECTED',
      action: 'stop',
    })
    await expect(client().register(topic, '{"type":"rekord"}')).rejects.toMatchObject({ code: 'SCHEMA_REJECTED' })
  })

  test('resolves references of references into one text', async () => {
    const topic = newTopic()
    const post = (subject: string, schema: object, references: readonly object[] = []) =>
      registry.call('POST', `/subjects/${subject}/versions`, { schema: JSON.stringify(schema), references })
    const reference = (name: string, subject: string) => ({ name, subject, version: 1 })
    await post('unit', { type: 'enum', name: 'Unit', namespace: 'a', symbols: ['AUD', 'USD'] })
    const money = {
      type: 'record',
      name: 'Money',
      namespace: 'a',
      fields: [
        { name: 'amount', type: 'long' },
        { name: 'unit', type: 'a.Unit' },
      ],
    }
    await post('money', money, [reference('a.Unit', 'unit')])
    const order = {
      type: 'record',
      name: 'Order',
      namespace: 'b',
      fields: [
        { name: 'price', type: 'a.Money' },
        { name: 'fee', type: ['null', 'a.Money'] },
      ],
    }
    await post(`${topic}-value`, order, [reference('a.Money', 'money')])
    const latest = await client().latestForTopic(topic)
    const { fields } = JSON.parse(latest?.json ?? '')
    expect(fields[0].type).toMatchObject({ name: 'Money', namespace: 'a' })
    expect(fields[0].type.fields[1].type).toMatchObject({ name: 'Unit', symbols: ['AUD', 'USD'] })
    expect(fields[1].type).toEqual(['null', 'a.Money'])
    expect(await client().schemaById(latest?.id ?? -1)).toEqual(latest)
  })
})

describe('a feed into Kafka', () => {
  const feed = (topic: string, more: Partial<SyntheticFeedOptions> = {}) =>
    feedSynthetic({
      schemas: shipped,
      register: (name, json) => client().register(name, json),
      topic,
      partitions: 4,
      messages: 10_000,
      symbols: 30,
      ...more,
      connection: connection(),
    })

  test.each(['lz4', 'gzip', 'snappy', 'none'] as const)(
    'holds, in %s, the records of the same feed in a log directory: bytes, keys, times, offsets, batches',
    async (codec) => {
      const [topic, directory] = [newTopic(), temporaryFolder()]
      const register = (name: string, json: string) => client().register(name, json)
      const result = await feed(topic, { codec })
      expect(result).toMatchObject({ place: 'brokers', outcome: 'written', messages: 10_000, partitions: 4 })
      const options = { schemas: shipped, register, topic, partitions: 4, messages: 10_000, symbols: 30, codec }
      await feedSynthetic({ ...options, directory })
      const [sent, written] = [await recordsOf(broker.data, topic), await recordsOf(directory, topic)]
      expect(sent.records.length).toBe(10_000)
      expect(sent).toEqual(written)
      const id = (await client().latestForTopic(topic))?.id ?? -1
      expect(sent.records[0]?.value.slice(0, 10)).toBe(`00${id.toString(16).padStart(8, '0')}`)
    },
  )

  test('makes a topic that keeps old records, and refuses one that holds any unless to add to it', async () => {
    const topic = newTopic()
    await feed(topic, { messages: 100 })
    const admin = cluster.kafka.admin()
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: 2, name: topic, configNames: ['retention.ms'] }],
    })
    await admin.disconnect()
    expect(resources[0]?.configEntries[0]).toMatchObject({ configName: 'retention.ms', configValue: '-1' })
    await expect(feed(topic)).rejects.toMatchObject({ code: 'FEED_CONFLICT', context: { topic } })
    await expect(feed(topic, { partitions: 5, append: true })).rejects.toMatchObject({
      code: 'FEED_CONFLICT',
      context: { partitions: 4, wanted: 5 },
    })
    await feed(topic, { messages: 100, append: true })
    expect((await recordsOf(broker.data, topic)).records.length).toBe(200)
  })

  test('takes a topic that is there and empty', async () => {
    const topic = newTopic()
    await cluster.createTopic(topic, 4)
    expect(await feed(topic, { messages: 100 })).toMatchObject({ outcome: 'written', messages: 100 })
  })

  test('stops after whole batches when told to', async () => {
    const topic = newTopic()
    const stop = new AbortController()
    const onProgress = (done: number): void => {
      if (done > 5000) stop.abort()
    }
    const result = await feed(topic, { messages: 100_000, signal: stop.signal, onProgress })
    expect(result.outcome).toBe('stopped')
    expect((await recordsOf(broker.data, topic)).records.length).toBe(result.messages)
  })

  test('into a broker that dies with a batch and comes back doubles and loses nothing, though it forgot who sends such old records', async () => {
    const [topic, directory] = [newTopic(), temporaryFolder()]
    const proxy = await LostAnswerProxy.start(Number(broker.brokers.split(':')[1]), 5, async () => {
      await broker.stop('SIGKILL')
      await broker.resume()
    })
    onTestFinished(() => proxy.stop())
    const options = {
      schemas: shipped,
      register: (name: string, json: string) => client().register(name, json),
      topic,
      partitions: 4,
      messages: 20_000,
      symbols: 30,
      startMs: Date.UTC(2014, 2, 3),
    }
    await feedSynthetic({ ...options, connection: { ...connection(), brokers: [proxy.brokers] } })
    expect(proxy.hasLost).toBe(true)
    await feedSynthetic({ ...options, directory })
    expect((await recordsOf(broker.data, topic)).records).toEqual((await recordsOf(directory, topic)).records)
  }, 120_000)

  test('says which broker does not answer', async () => {
    const connectionToNone = { ...connection(), brokers: ['127.0.0.1:1'] }
    const fed = feedCsv({ schemas: shipped, source: asxFolder, type: 'quotes', connection: connectionToNone })
    await expect(fed).rejects.toMatchObject({
      code: 'BROKER_UNREACHABLE',
      context: { brokers: '127.0.0.1:1', topic: 'market.equities.quotes.asx' },
    })
  }, 60_000)
})

describe('k2 run with a registry', () => {
  function place(topic: string) {
    const folder = temporaryFolder()
    const tables = ['--catalog', `sqlite:${join(folder, 'catalog.db')}`, '--warehouse', join(folder, 'warehouse')]
    const cache = ['--registry', registry.url, '--registry-cache', join(folder, 'schemas')]
    const words = ['--brokers', broker.brokers, '--topic', topic, '--group', topic, ...tables]
    return { words, cache, verify: ['--source', broker.data, '--topic', topic, ...tables, ...cache] }
  }

  test('real quotes: fed by the command line, run to the end, proved', async () => {
    const topic = 'market.equities.quotes.asx'
    const fed = await k2(
      ...['feed', 'csv', '--type', 'quotes', '--brokers', broker.brokers, '--registry', registry.url],
    )
    expect(fed.code, fed.err).toBe(0)
    expect(fed.out).toContain('written: 609 messages to market.equities.quotes.asx at 127.0.0.1:')
    const { words, cache, verify } = place(topic)
    const run = await k2('run', ...words, ...cache, '--until-end')
    expect(run.code, run.err).toBe(0)
    const proof = await k2('verify', ...verify, '--json')
    expect(JSON.parse(proof.out)).toMatchObject({ verdict: 'equal', tables: [{ totals: { tableRows: 609 } }] })
  }, 180_000)

  test('a registry that is down at the start pauses the run, which goes on by itself; the next start does without it', async () => {
    const topic = newTopic()
    const { words, cache, verify } = place(topic)
    const id = await client().register(topic, (await shipped.schemaById(1))?.json ?? '')
    await registry.stop()
    const register = async (): Promise<number> => id
    await feedSynthetic({ schemas: shipped, register, topic, partitions: 2, messages: 3000, connection: connection() })
    const run = startK2(['run', ...words, ...cache, '--until-end'])
    await run.wrote('paused: the schema registry does not answer')
    await registry.resume()
    const ended = await run.ended
    expect(ended.code, ended.err).toBe(0)
    expect(ended.err).toContain('the schema registry answers again')
    const proof = await k2('verify', ...verify, '--json')
    expect(JSON.parse(proof.out)).toMatchObject({ verdict: 'equal', tables: [{ totals: { tableRows: 3000 } }] })

    await registry.stop()
    await feedSynthetic({
      ...{ schemas: shipped, register, topic, partitions: 2, messages: 1000, seed: 2 },
      ...{ append: true, connection: connection() },
    })
    const warm = await k2('run', ...words, ...cache, '--until-end')
    expect(warm.code, warm.err).toBe(0)
    expect(warm.err).toContain('registry is down: newest schema as last seen')
    await registry.resume()
    const again = await k2('verify', ...verify, '--json')
    expect(JSON.parse(again.out)).toMatchObject({ verdict: 'equal', tables: [{ totals: { tableRows: 4000 } }] })
  }, 180_000)

  test('a new schema id while the registry is down pauses the run in the middle, and no record becomes a dead letter', async () => {
    const topic = newTopic()
    const { words, cache, verify } = place(topic)
    const json = (await shipped.schemaById(1))?.json ?? ''
    const [first, second] = [
      await client().register(topic, json),
      await client().register(topic, JSON.stringify({ ...JSON.parse(json), doc: 'the same, with another text' })),
    ]
    expect(second).not.toBe(first)
    const feed = (id: number, seed: number) =>
      feedSynthetic({
        ...{ schemas: shipped, register: async () => id, topic, partitions: 2, messages: 2000, seed },
        ...{ append: true, connection: connection() },
      })
    await feed(second, 1)
    const run = startK2(['run', ...words, ...cache, '--unknown-schema', 'dead-letter', '--commit-interval', '200ms'])
    await run.wrote('Iceberg transaction committed')
    await registry.stop()
    await feed(first, 2)
    await run.wrote('paused: the schema registry does not answer')
    await registry.resume()
    await run.wrote('the schema registry answers again')
    await run.wrote('Iceberg transaction committed', 2)
    run.kill('SIGTERM')
    const ended = await run.ended
    expect(ended.code, ended.err).toBe(0)
    const proof = await k2('verify', ...verify, '--json')
    expect(JSON.parse(proof.out)).toMatchObject({
      verdict: 'equal',
      tables: [{ totals: { tableRows: 4000, deadLetters: 0 } }],
    })
  }, 180_000)
})

describe('a registry that asks for credentials', () => {
  test.each([
    ['basic:reader:s3cr:et', `Basic ${Buffer.from('reader:s3cr:et').toString('base64')}`],
    ['bearer:t0ken', 'Bearer t0ken'],
  ])(
    '%s is taken from the environment by check, run and verify; a wrong one is refused by name',
    async (auth, header) => {
      const fake = await FakeRegistry.start()
      onTestFinished(() => fake.stop())
      const refusal = json(401, { error_code: 40101, message: `not ${header}` })
      const guarded =
        (body: object): Answer =>
        (response, request) =>
          (request.headers.authorization === header ? json(200, body) : refusal)(response, request)
      const schema = (await shipped.schemaById(1))?.json ?? ''
      const topic = newTopic()
      fake.on('/schemas/ids/1', guarded({ schema }))
      fake.on(`/subjects/${topic}-value/versions/latest`, guarded({ id: 1, schema, version: 1, subject: topic }))

      const folder = temporaryFolder()
      const log = join(folder, 'log')
      await feedSynthetic({ schemas: shipped, topic, partitions: 1, messages: 500, directory: log })
      const tables = ['--catalog', `sqlite:${join(folder, 'catalog.db')}`, '--warehouse', join(folder, 'warehouse')]
      const words = ['--source', log, '--topic', topic, ...tables, '--registry', fake.url]
      // Each with a cache of its own, so that each has to ask.
      const k2With = (value: string, cache: string, ...line: readonly string[]) =>
        runK2([...line, ...words, '--registry-cache', join(folder, cache)], { env: { K2_REGISTRY_AUTH: value } })

      const refused = await k2With('bearer:wr0ng', 'a', 'run', '--until-end')
      expect([refused.code, refused.err]).toEqual([1, expect.stringMatching(/k2: REGISTRY_REFUSED: .*--registry-auth/)])
      expect(refused.err).not.toContain('wr0ng')
      const checked = await k2With('bearer:wr0ng', 'b', 'run', '--check')
      expect([checked.code, checked.out]).toEqual([1, expect.stringMatching(/✗ registry .*REGISTRY_REFUSED/)])

      for (const [cache, line] of [
        ['c', ['run', '--check']],
        ['d', ['run', '--until-end']],
        ['e', ['verify']],
      ] as const) {
        const ended = await k2With(auth, cache, ...line)
        expect(ended.code, ended.out + ended.err).toBe(0)
        expect(ended.out + ended.err).not.toMatch(/s3cr|t0ken/)
      }
      expect(fake.asked.filter(({ authorization }) => authorization === header).length).toBeGreaterThan(2)
    },
    60_000,
  )
})
