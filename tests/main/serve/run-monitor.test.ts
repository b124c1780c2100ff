import { beforeEach, describe, expect, test } from 'vitest'
import type { CommittedBatch } from '../../../src/main/ingest/pipeline.ts'
import type { LogEnd, SourceHealth, SourcePartition } from '../../../src/main/ingest/record-source.ts'
import type { MetricName } from '../../../src/main/serve/metric-table.ts'
import { Metrics } from '../../../src/main/serve/metrics.ts'
import { unreadyReasons } from '../../../src/main/serve/readiness.ts'
import { RunMonitor } from '../../../src/main/serve/run-monitor.ts'
import { scrape } from '../../../src/main/serve/scrape.ts'
import { statusDocument } from '../../../src/main/serve/status.ts'
import { readConfig } from '../../../src/shared/config.ts'
import { writeRecordBatch } from '../../../src/shared/kafka/record-batch-writer.ts'
import { readExposition } from '../../support/exposition.ts'

const route = 'a.b'
const loopDelay = { p50Ms: 0, p99Ms: 1, maxMs: 2 }
const health: SourceHealth = {
  isAssigned: true,
  fetchAgeMs: 0,
  trouble: '',
  assignments: 1,
  rebalances: 0,
  evictions: 0,
  deaths: 0,
  epoch: 1,
  queueBytes: 0,
  queueBytesMax: 1,
}
let clockMs: number
let metrics: Metrics
let monitor: RunMonitor

beforeEach(() => {
  clockMs = 1_000_000
  metrics = new Metrics(100)
  monitor = new RunMonitor(metrics, { wallMs: () => clockMs, monotonicMs: () => clockMs })
  monitor.tell({ kind: 'route began', route, topics: ['t'] })
  monitor.tell({ kind: 'source opened', route, source: { health: () => health } })
})

const partition = (number: number): SourcePartition => ({
  ...{ topic: 'c/t', topicName: 't', partition: number, isAssigned: true },
  ...{ logStart: 0n, logEnd: 100n, start: 0n, end: 100n },
})
const reads = (...numbers: number[]) =>
  monitor.tell({
    kind: 'route reads',
    route,
    assignment: { epoch: 1, logEnds: async (): Promise<readonly LogEnd[]> => [] },
    partitions: numbers.map(partition),
    positions: [{ topic: 'c/t', partition: 0, next: 10n }],
  })
const slice = (number: number, first: bigint, next: bigint, timestampMs: number) => {
  const record = { timestampMs, key: null, value: new Uint8Array(1) }
  const bytes = writeRecordBatch([record, record], { baseOffset: first })
  const range = { topic: 'c/t', partition: number, first, next }
  monitor.tell({
    kind: 'slice read',
    route,
    slice: { ...range, topicName: 't', epoch: 1, bytes, recordCount: 2 },
  })
  return bytes.length
}
const ranges = (number: number, first: bigint, next: bigint) => [
  {
    ...{ topic: 'c/t', partition: number, first, next },
    ...{ records: 2, rows: 1, deadLetters: 1, tombstonesSkipped: 0 },
  },
]
const committed = (number: number, first: bigint, next: bigint): CommittedBatch => ({
  transaction: {
    ...{ table: route, snapshot_id_before: null, snapshot_id_after: '7', commit_id: 'x', total_records: '1' },
    ...{ sequence_number_before: '0', sequence_number_after: '1', added_records: 1, added_data_files: 0 },
    ...{ added_files_size_bytes: 0, transaction_duration_ms: 20, attempts: 1 },
  },
  group: { ranges: ranges(number, first, next), dataFiles: [], deadLetterFiles: [], oldestEncodedAtMs: 0, epoch: 1 },
  durationMs: 1,
  encoded: [
    {
      ...{ kind: 'encoded', ranges: ranges(number, first, next), dataFiles: [], deadLetterFiles: [], encodedAtMs: 0 },
      times: { decompressMs: 0, decodeMs: 0, encodeMs: 0, putMs: 0 },
      deadLetterCodes: { RECORD_VARINT: 1 },
    },
  ],
})

async function samples(name: MetricName): Promise<readonly (readonly [string, number])[]> {
  scrape({ metrics, monitor, queueBytesMax: 5, loopDelay })
  const family = readExposition(await metrics.text()).get(name)
  return (family?.samples ?? []).map(({ labels, value }) => [Object.values(labels).join(' '), value])
}
const reasons = () => unreadyReasons(monitor.health()).map(({ reason }) => reason)

describe('partitions', () => {
  test('have series from their assignment to their revocation', async () => {
    reads(0, 1)
    expect(await samples('k2_lag_records')).toEqual([
      ['a.b t 0', 90],
      ['a.b t 1', 100],
    ])
    monitor.tell({ kind: 'route restarts', route, why: 'revoked' })
    expect(await samples('k2_lag_records')).toEqual([])
    expect(await samples('k2_assigned_partitions')).toEqual([['a.b', 0]])
    reads(1)
    expect(await samples('k2_committed_offset')).toEqual([['a.b t 1', 0]])
  })

  test('hold bytes until they are encoded, and an oldest record until it is committed; then it was so fresh', async () => {
    reads(0)
    const bytes = slice(0, 10n, 12n, clockMs - 30_000)
    expect(await samples('k2_in_flight_bytes')).toEqual([['', bytes]])
    const { encoded } = committed(0, 10n, 12n)
    for (const each of encoded) monitor.tell({ kind: 'chunk encoded', route, encoded: each })
    expect(await samples('k2_in_flight_bytes')).toEqual([['', 0]])
    expect(await samples('k2_oldest_uncommitted_age_seconds')).toEqual([['a.b', 30]])
    clockMs += 2_000
    monitor.tell({ kind: 'committed', route, batch: committed(0, 10n, 12n) })
    expect(await samples('k2_oldest_uncommitted_age_seconds')).toEqual([['a.b', 0]])
    expect(await samples('k2_freshness_seconds')).toContainEqual(['a.b', 32])
    expect(await samples('k2_dead_letters_total')).toContainEqual(['a.b RECORD_VARINT', 1])
    expect(await samples('k2_last_commit_timestamp_seconds')).toEqual([['a.b', clockMs / 1000]])
  })

  test('that were fenced begin anew at the positions of the table, with nothing in flight', async () => {
    reads(0)
    slice(0, 10n, 12n, clockMs)
    monitor.tell({ kind: 'route restarts', route, why: 'fenced' })
    expect(reasons()).toEqual(['starting'])
    reads(0)
    expect(await samples('k2_in_flight_bytes')).toEqual([['', 0]])
    expect(await samples('k2_read_offset')).toEqual([['a.b t 0', 10]])
  })
})

describe('trouble', () => {
  beforeEach(() => reads(0))
  const waiting = (table: string, why: string) =>
    monitor.tell({ kind: 'commit fact', fact: { kind: 'waiting', table, why } })

  test.each([
    ['of the table', 'a.b', 'CATALOG_LOCKED'],
    ['of its side table', 'a.b_dead_letters', 'unknown'],
    ['of the catalog itself', '', 'CATALOG_LOCKED'],
  ])('%s makes the route unready until a commit has ended', (_, table, why) => {
    waiting(table, why)
    expect(reasons()).toEqual(['commit-failing'])
    monitor.tell({ kind: 'commit ended', route, outcome: 'committed' })
    expect(reasons()).toEqual([])
  })

  test('is no lost race, and none of another table', () => {
    waiting('a.b', 'conflict')
    waiting('a.c', 'CATALOG_LOCKED')
    expect(reasons()).toEqual([])
  })

  test('of the registry lasts until the last question is answered', async () => {
    for (const change of [1, 1, -1] as const) monitor.tell({ kind: 'registry waits', change, why: 'away' })
    expect(reasons()).toEqual(['registry-down'])
    expect(await samples('k2_registry_waiting')).toEqual([['', 1]])
    monitor.tell({ kind: 'registry waits', change: -1, why: '' })
    expect(reasons()).toEqual([])
  })

  test('of the store lasts until the chunk went through', () => {
    monitor.tell({ kind: 'chunk waits', table: route, why: 'STORE_FULL' })
    expect(reasons()).toEqual(['store-failing'])
    monitor.tell({ kind: 'chunk waits', table: route, why: null })
    expect(reasons()).toEqual([])
  })

  test('that ended a route stays, and its partitions are gone', async () => {
    monitor.tell({ kind: 'route ended', route, error: 'TABLE_REPLACED: …' })
    expect(reasons()).toEqual(['route-failed'])
    expect(await samples('k2_routes')).toContainEqual(['failed', 1])
    expect(await samples('k2_lag_records')).toEqual([])
  })
})

test('the status names no secret, and offsets are decimal strings', () => {
  const result = readConfig('run', {
    flags: [
      ['brokers', 'a:1'],
      ['catalog', 'sqlite:c.db'],
      ['warehouse', 'w'],
      ['sasl-username', 'me'],
      ['sasl-password', 'hidden-one'],
      ['registry', 'http://r'],
      ['registry-auth', 'bearer:hidden-two'],
    ].map(([key = '', text = '']) => ({ key, origin: `--${key}`, text })),
    environment: {},
    file: null,
    computed: { cores: '2', 'shipped schemas': 's', 'shipped trades': 't', 'user cache': 'u' },
  })
  if (result.kind !== 'config') throw new Error(result.problems.join('; '))
  reads(0)
  const memory = { rss: 1, heapUsed: 1, external: 1 }
  const { config } = result
  const text = JSON.stringify(statusDocument({ version: '1', startedAtMs: 0, config, monitor, loopDelay, memory }))
  expect(text).not.toMatch(/hidden/)
  expect(JSON.parse(text)).toMatchObject({
    routes: [{ partitions: [{ topic: 't', partition: 0, committed: '10', log_end: '100', lag: '90' }] }],
    options: { saslUsername: 'me', saslPassword: '(set)', registryAuth: '(set)', sslKey: null },
  })
})
