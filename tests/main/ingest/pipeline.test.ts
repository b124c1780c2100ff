import { describe, expect, it } from 'vitest'
import type { Encoded } from '../../../src/main/ingest/chunk-request.ts'
import {
  type CommittedBatch,
  type RouteEnd,
  type RouteLimits,
  type RoutePorts,
  runRoute,
} from '../../../src/main/ingest/pipeline.ts'
import { RecordBudget } from '../../../src/main/ingest/record-slices.ts'
import type { RecordBatches } from '../../../src/main/ingest/record-source.ts'
import { IngestError, toFailure } from '../../../src/shared/errors.ts'
import { writeRecordBatch } from '../../../src/shared/kafka/record-batch-writer.ts'
import type { CommitGroup, CommitReply, TableLayout } from '../../../src/shared/messages.ts'
import { standardProperties } from '../../../src/shared/parquet/parquet-properties.ts'

const layout: TableLayout = {
  table: 't',
  uuid: 'u',
  dataLocation: 'file:///d',
  parquet: standardProperties,
  schema: { type: 'struct', 'schema-id': 0, fields: [] },
  spec: { 'spec-id': 0, fields: [] },
}
const context = {
  policy: { route: 'r', tombstone: 'skip', unknownSchema: 'stop', windowFirstUs: '0', windowAheadUs: '0' },
  main: layout,
  deadLetters: layout,
  decompressedBytesMax: 1,
} as const
const limits: RouteLimits = {
  chunk: { sizesMax: [10, 1e9], ageMsMax: 1e6 },
  commit: { sizesMax: [20, 1e9, 1000], ageMsMax: 1e6 },
  windowMax: 3,
  budget: null,
  recordsPerSecond: null,
}
const start = [{ topic: 'c/t', partition: 0, next: 0n }]
const none = new AbortController().signal

/** Slices of ten records each, endless; `failAt`: the slice that cannot be read. */
async function* slices(signal: AbortSignal, count: number, failAt = -1): AsyncGenerator<RecordBatches> {
  const record = { timestampMs: 1, key: null, value: new Uint8Array(1) }
  for (let at = 0; at < count && !signal.aborted; at++) {
    if (at === failAt) throw new IngestError('SOURCE_CORRUPT', { offset: at * 10 })
    const baseOffset = BigInt(at * 10)
    const bytes = writeRecordBatch(
      Array.from({ length: 10 }, () => record),
      { baseOffset },
    )
    const range = { topic: 'c/t', partition: 0, first: baseOffset, next: baseOffset + 10n }
    yield { ...range, topicName: 't', epoch: 1, bytes, recordCount: 10 }
    await new Promise((resolve) => setImmediate(resolve))
  }
}

const encodeSlow = async (held: readonly RecordBatches[]): Promise<Encoded> => {
  await new Promise((resolve) => setTimeout(resolve, held[0]?.first === 0n ? 20 : 1))
  const ranges = held.map(({ topic, partition, first, next }) => {
    const records = Number(next - first)
    return { topic, partition, first, next, records, rows: records, deadLetters: 0, tombstonesSkipped: 0 }
  })
  const times = { decompressMs: 0, decodeMs: 0, encodeMs: 0, putMs: 0 }
  return { kind: 'encoded', ranges, dataFiles: [], deadLetterFiles: [], encodedAtMs: Date.now(), times }
}

interface Run {
  readonly acknowledged: bigint[]
  readonly committed: CommittedBatch[]
  end: RouteEnd | null
  error: unknown
}

async function run(
  options: {
    readonly count?: number
    readonly failAt?: number
    readonly stop?: AbortSignal
    readonly revoked?: AbortSignal
    readonly confirm?: () => void
    readonly limits?: RouteLimits
    readonly admit?: RoutePorts['admit']
    readonly reply?: (group: CommitGroup) => CommitReply | Promise<CommitReply>
  } = {},
): Promise<Run> {
  const result: Run = { acknowledged: [], committed: [], end: null, error: null }
  const ports = {
    source: {
      read: (_positions: unknown, signal: AbortSignal) => slices(signal, options.count ?? 5, options.failAt),
      epoch: 1,
      revoked: options.revoked ?? none,
      confirm: async () => options.confirm?.(),
      acknowledge: (positions: readonly { readonly next: bigint }[]) => {
        result.acknowledged.push(...positions.map((position) => position.next))
      },
    },
    encode: encodeSlow,
    ...(options.admit === undefined ? {} : { admit: options.admit }),
    commit: async (group: CommitGroup) => options.reply?.(group) ?? committedReply(group),
  }
  try {
    result.end = await runRoute(ports, start, context, options.limits ?? limits, options.stop ?? none, (batch) => {
      result.committed.push(batch)
    })
  } catch (error) {
    result.error = error
  }
  return result
}

function committedReply(group: CommitGroup): CommitReply {
  const transaction = {
    table: 't',
    snapshot_id_before: null,
    snapshot_id_after: '1',
    sequence_number_before: '0',
    sequence_number_after: '1',
    added_records: 0,
    added_data_files: 0,
    added_files_size_bytes: 0,
    total_records: '0',
    transaction_duration_ms: 1,
    attempts: 1,
    commit_id: 'x',
  }
  return { kind: 'committed', transaction, positions: group.ranges }
}

describe('runRoute', () => {
  it('commits in offset order although later chunks are encoded first, and acknowledges after each commit', async () => {
    const { acknowledged, end } = await run()
    expect(acknowledged).toEqual([20n, 40n, 50n])
    expect(end).toEqual({ kind: 'drained' })
  })
  it('commits what precedes a failure of the source, then fails with it', async () => {
    const { acknowledged, error } = await run({ count: 9, failAt: 3 })
    expect(acknowledged).toEqual([20n, 30n])
    expect(error).toMatchObject({ code: 'SOURCE_CORRUPT', context: { offset: 30 } })
  })
  it('drains what was read when it is stopped', async () => {
    const stop = new AbortController()
    setTimeout(() => stop.abort(), 60)
    const { acknowledged, end } = await run({ count: 1e9, stop: stop.signal })
    expect(end).toEqual({ kind: 'drained' })
    expect(acknowledged.length).toBeGreaterThan(0)
    expect(acknowledged.every((next, at) => next > (acknowledged[at - 1] ?? 0n))).toBe(true)
  })
  it('ends at a fence with the positions of the table and gives its records back to the budget', async () => {
    const budget = new RecordBudget(50)
    const positions = [{ topic: 'c/t', partition: 0, next: 40n }]
    const { acknowledged, end } = await run({
      limits: { ...limits, budget },
      reply: (group) => (group.ranges[0]?.first === 20n ? { kind: 'fenced', positions } : committedReply(group)),
    })
    expect(end).toEqual({ kind: 'fenced', positions })
    expect(acknowledged).toEqual([20n])
    expect(budget.left).toBe(30)
  })
  it('sends no further commit after the one that ends it, though the next group is ready', async () => {
    let sent = 0
    const { end } = await run({
      count: 40,
      reply: async (group) => {
        sent++
        await new Promise((resolve) => setTimeout(resolve, 100))
        return { kind: 'fenced', positions: group.ranges }
      },
    })
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(end).toMatchObject({ kind: 'fenced' })
    expect(sent).toBe(1)
  })
  it('asks to be opened again when the table changed under its files', async () => {
    const failure = toFailure(new IngestError('LAYOUT_CHANGED', { table: 't' }))
    const { acknowledged, end } = await run({ reply: () => ({ kind: 'failed', failure }) })
    expect(end).toMatchObject({ kind: 'reopen', reason: { code: 'LAYOUT_CHANGED' } })
    expect(acknowledged).toEqual([])
  })
  it('drops what is in flight when it is revoked, but lets the commit under way count, and waits for nothing else', async () => {
    const revocation = new AbortController()
    const budget = new RecordBudget(1000)
    const { acknowledged, committed, end } = await run({
      count: 1e9,
      revoked: revocation.signal,
      limits: { ...limits, budget },
      reply: (group) => {
        if (group.ranges[0]?.first === 20n) revocation.abort()
        return committedReply(group)
      },
    })
    expect(end).toEqual({ kind: 'revoked' })
    expect(acknowledged).toEqual([20n, 40n])
    expect(committed.map(({ group }) => group.epoch)).toEqual([1, 1])
    expect(budget.left).toBe(960)
  })
  it('asks the source right before each commit, and commits nothing that it does not confirm', async () => {
    const asked: string[] = []
    const { acknowledged, error } = await run({
      confirm: () => {
        asked.push('confirm')
        if (asked.length > 2) throw new IngestError('TOPIC_RECREATED', { topic: 't' })
      },
      reply: (group) => {
        asked.push('commit')
        return committedReply(group)
      },
    })
    expect(asked).toEqual(['confirm', 'commit', 'confirm'])
    expect(acknowledged).toEqual([20n])
    expect(error).toMatchObject({ code: 'TOPIC_RECREATED' })
  })
  it('fails with the failure of a commit and acknowledges nothing after it', async () => {
    const failure = toFailure(new IngestError('COMMIT_REJECTED', { reason: 'no' }))
    const { acknowledged, error } = await run({ reply: () => ({ kind: 'failed', failure }) })
    expect(error).toMatchObject({ code: 'COMMIT_REJECTED', context: { reason: 'no' } })
    expect(acknowledged).toEqual([])
  })
})

describe('admission', () => {
  it('commits what precedes a chunk that is not admitted, nothing of it, and ends with the reason', async () => {
    const budget = new RecordBudget(1000)
    const reason = new IngestError('TOPIC_ALL_BAD', { topic: 't' })
    const { acknowledged, end } = await run({
      count: 9,
      limits: { ...limits, budget },
      admit: (encoded) => (encoded.ranges[0]?.first === 30n ? reason : null),
    })
    expect(acknowledged).toEqual([20n, 30n])
    expect(end).toEqual({ kind: 'held', reason })
    expect(budget.left).toBe(970)
  })
})
