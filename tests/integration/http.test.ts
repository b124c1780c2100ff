// The HTTP of `k2 run`: every metric is emitted in a real run, and its figures are those of the log; /readyz says why a run cannot go
// on, for each thing that can be away, and is 200 again once that is back. A log directory, a real broker, a registry that can be told
// to fail.
import Database from 'libsql'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { syntheticTopic } from '../../src/main/feed/synthetic.ts'
import { type MetricName, metricTable } from '../../src/main/serve/metric-table.ts'
import { appendBatch, badRecords, goodRecord, mixedLog } from '../support/bad-records.ts'
import { type Family, readExposition } from '../support/exposition.ts'
import { freePort } from '../support/free-port.ts'
import { k2, placeIn, startK2, temporaryFolder } from '../support/k2-process.ts'
import { KafkaCluster } from '../support/kafka-cluster.ts'
import { KafkaServer } from '../support/kafka-server.ts'
import { FakeRegistry, json } from '../support/registry-server.ts'
import { tradeV2Json } from '../support/trade-v2.ts'

const TABLE = 'market_data.trades_v2'
const quick = ['--commit-interval', '200ms', '--workers', '1']
const emitted = new Set<string>()

interface Watched {
  readonly url: string
  readonly run: ReturnType<typeof startK2>
  /** Status and document of a page. */
  page(path: string): Promise<{ status: number; body: ReturnType<typeof JSON.parse> }>
  scrape(): Promise<Map<string, Family>>
  /** Resolves once /readyz says so: `ready`, or a reason. */
  says(word: string): Promise<void>
}

async function watched(words: readonly string[]): Promise<Watched> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const run = startK2(['run', ...words, ...quick, '--http', String(port)])
  await run.wrote('http listens')
  const page: Watched['page'] = async (path) => {
    const response = await fetch(`${url}${path}`)
    return { status: response.status, body: await response.json() }
  }
  const scrape = async (): Promise<Map<string, Family>> => {
    const families = readExposition(await (await fetch(`${url}/metrics`)).text())
    for (const { name, samples } of families.values()) if (samples.length > 0) emitted.add(name)
    return families
  }
  const says = async (word: string): Promise<void> => {
    const seen = new Set<string>()
    for (const startMs = performance.now(); performance.now() - startMs < 60_000; ) {
      const { status, body } = await page('/readyz')
      const reasons: string[] = body.reasons.map(({ reason }: { reason: string }) => reason)
      expect(status).toBe(reasons.length === 0 ? 200 : 503)
      if (word === 'ready' ? reasons.length === 0 : reasons.includes(word)) return
      for (const reason of reasons) seen.add(reason)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    throw new Error(`/readyz never said ${word}, but: ${[...seen].join(', ')}`)
  }
  return { url, run, page, scrape, says }
}

/** Sum of the samples whose labels hold these. */
function sum(families: Map<string, Family>, name: MetricName, labels: Readonly<Record<string, string>> = {}): number {
  const samples = families.get(name)?.samples ?? []
  return samples
    .filter((sample) => Object.entries(labels).every(([label, value]) => sample.labels[label] === value))
    .reduce((total, { value }) => total + value, 0)
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (const startMs = performance.now(); !(await isSo()); ) {
    if (performance.now() - startMs > 60_000) throw new Error('not within a minute')
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

describe('a run that follows a log directory', () => {
  test('counts what the log holds; a locked catalog makes it unready and not dead, and nothing else is needed than its release', async () => {
    const place = placeIn(temporaryFolder())
    const mixed = await mixedLog({ directory: place.log, messages: 2_000, seed: 3 })
    const records = mixed.messages + mixed.deadLetters + mixed.tombstones
    const { page, scrape, says, run, url } = await watched(place.words)
    await says('ready')
    await until(async () => sum(await scrape(), 'k2_records_consumed_total') === records)

    const families = await scrape()
    expect(sum(families, 'k2_rows_written_total', { table: TABLE })).toBe(mixed.messages)
    expect(sum(families, 'k2_tombstones_skipped_total', { topic: syntheticTopic })).toBe(mixed.tombstones)
    for (const code of new Set(badRecords.map(([each]) => each))) {
      const count = badRecords.filter(([each]) => each === code).length
      expect([code, sum(families, 'k2_dead_letters_total', { code })]).toEqual([code, count])
    }
    expect(sum(families, 'k2_committed_offset')).toBe(records)
    expect([sum(families, 'k2_lag_records'), sum(families, 'k2_in_flight_bytes')]).toEqual([0, 0])
    expect(sum(families, 'k2_oldest_uncommitted_age_seconds')).toBe(0)
    expect(sum(families, 'k2_data_files_total', { kind: 'dead-letters' })).toBeGreaterThan(0)
    expect(sum(families, 'k2_commit_attempts_total', { table: `${TABLE}_dead_letters` })).toBeGreaterThan(0)

    const { body } = await page('/status')
    expect(body).toMatchObject({ ready: true, routes: [{ table: TABLE, state: 'reading', last_commit: {} }] })
    expect(body.routes[0].partitions).toHaveLength(4)

    const other = new Database(place.catalog)
    onTestFinished(() => void other.close())
    other.exec('BEGIN IMMEDIATE')
    await appendBatch(place.log, syntheticTopic, 0, [goodRecord(1)])
    await says('commit-failing')
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
    expect(sum(await scrape(), 'k2_not_ready', { reason: 'commit-failing' })).toBe(1)
    expect(sum(await scrape(), 'k2_lag_records')).toBe(1)
    other.exec('ROLLBACK')
    await says('ready')
    await until(async () => sum(await scrape(), 'k2_committed_offset') === records + 1)

    expect((await fetch(`${url}/other`)).status).toBe(404)
    expect((await fetch(`${url}/metrics`, { method: 'POST' })).status).toBe(405)
    const taken = await k2('run', ...place.words, '--http', new URL(url).port)
    expect([taken.code, taken.err]).toEqual([1, expect.stringContaining('HTTP_NOT_LISTENING')])
    run.kill('SIGTERM')
    expect((await run.ended).code).toBe(0)
    await expect(fetch(`${url}/healthz`)).rejects.toThrow()
  }, 120_000)
})

describe('a run that reads a real broker', () => {
  let server: KafkaServer
  let cluster: KafkaCluster
  let registry: FakeRegistry

  beforeAll(async () => {
    server = await KafkaServer.start()
    cluster = new KafkaCluster(server.brokers)
    registry = await FakeRegistry.start()
  }, 120_000)
  afterAll(async () => {
    await registry.stop()
    await cluster.close()
    await server.remove()
  })

  async function produce(topic: string, count: number): Promise<void> {
    const producer = cluster.kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
    await producer.connect()
    const messages = Array.from({ length: count }, (_, index) => ({
      partition: index % 12,
      key: 'k',
      value: Buffer.from(goodRecord(index).value ?? []),
    }))
    await producer.send({ topic, messages })
    await producer.disconnect()
  }

  test('waits for its registry and for its broker, says so, and is ready again; partitions beyond the limit are one series', async () => {
    const topic = 'market.crypto.trades.http'
    await cluster.createTopic(topic, 12)
    await produce(topic, 240)
    const folder = temporaryFolder()
    const place = placeIn(folder)
    const latest = `/subjects/${topic}-value/versions/latest`
    registry.on(latest, json(503, { error_code: 50301, message: 'away' }))
    const { scrape, says, page, run } = await watched([
      ...['--brokers', server.brokers, '--topic', topic, '--registry', registry.url],
      ...['--registry-auth', 'basic:me:very-secret', '--registry-cache', `${folder}/schemas`],
      ...place.words.slice(2),
      ...['--metric-series-max', '10', '--session-timeout', '6s'],
    ])
    await says('registry-down')
    expect(sum(await scrape(), 'k2_registry_requests_total', { outcome: 'down' })).toBeGreaterThan(0)
    registry.on(latest, json(200, { subject: `${topic}-value`, version: 1, id: 1, schema: tradeV2Json }))
    await says('ready')
    await until(async () => sum(await scrape(), 'k2_records_consumed_total') === 240)

    const families = await scrape()
    expect(families.get('k2_committed_offset')?.samples).toHaveLength(10)
    expect(families.get('k2_lag_records')?.samples.map(({ labels }) => labels['partition'])).toContain('other')
    expect(sum(families, 'k2_metric_series_dropped_total', { metric: 'k2_lag_records' })).toBe(2)
    expect(sum(families, 'k2_source_connected')).toBe(1)
    expect(sum(families, 'k2_source_assignments_total')).toBeGreaterThan(0)
    expect(sum(families, 'k2_lag_records')).toBe(0)
    expect(JSON.stringify((await page('/status')).body)).not.toContain('very-secret')

    // Nothing of it can be fetched: the lag is that of the high watermark, which is asked for.
    const producer = cluster.kafka.producer({ transactionalId: topic, idempotent: true, maxInFlightRequests: 1 })
    await producer.connect()
    const transaction = await producer.transaction()
    await transaction.send({ topic, messages: [{ partition: 3, key: 'k', value: 'open' }] })
    await until(async () => sum(await scrape(), 'k2_lag_records', { partition: '3' }) === 1)
    await transaction.abort()
    await producer.disconnect()

    expect(sum(await scrape(), 'k2_source_evictions_total')).toBe(0)
    run.kill('SIGSTOP')
    await new Promise((resolve) => setTimeout(resolve, 9_000))
    run.kill('SIGCONT')
    await until(async () => sum(await scrape(), 'k2_source_evictions_total') === 1)
    await says('ready')

    await server.stop()
    await until(async () => {
      const { status, body } = await page('/readyz')
      return status === 503 && body.reasons.some(({ reason }: { reason: string }) => reason.startsWith('source-'))
    })
    expect(sum(await scrape(), 'k2_source_connected')).toBe(0)
    expect((await page('/healthz')).status).toBe(200)
    await server.resume()
    await says('ready')
    await produce(topic, 12)
    await until(async () => sum(await scrape(), 'k2_records_consumed_total') === 252)
    run.kill('SIGTERM')
    expect((await run.ended).code).toBe(0)
  }, 180_000)
})

test('every metric of the table was emitted by these runs', () => {
  expect(Object.keys(metricTable).filter((name) => !emitted.has(name))).toEqual([])
})
