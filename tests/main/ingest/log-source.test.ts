import { appendFile, chmod, mkdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from '@node-rs/crc32'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { openLogSource } from '../../../src/main/ingest/log-source.ts'
import type { RecordBatches, RecordSource } from '../../../src/main/ingest/record-source.ts'
import { IngestError } from '../../../src/shared/errors.ts'
import { batchCrc } from '../../../src/shared/kafka/record-batch.ts'
import { writeTransactionMarker } from '../../../src/shared/kafka/record-batch-writer.ts'
import { topicKey } from '../../../src/shared/offsets.ts'
import {
  batch,
  clusterId,
  emptyLog,
  everyCodec,
  offsetsIn,
  topicId,
  writeSegments,
} from '../../support/record-maker.ts'

const topic = topicKey(clusterId, topicId)
const trades = { kind: 'names', names: ['trades'] } as const
const range = (first: number, next: number): number[] => Array.from({ length: next - first }, (_, i) => first + i)

async function collect(
  source: RecordSource,
  from: readonly number[] = [0],
  signal = new AbortController().signal,
): Promise<RecordBatches[]> {
  const positions = from.map((next, partition) => ({ topic, partition, next: BigInt(next) }))
  const slices: RecordBatches[] = []
  for await (const slice of source.read(positions, signal)) slices.push(slice)
  return slices
}

/** As `collect`, for a read that is to fail. */
async function collectInto(slices: RecordBatches[], source: RecordSource): Promise<void> {
  for await (const slice of source.read([{ topic, partition: 0, next: 0n }], new AbortController().signal)) {
    slices.push(slice)
  }
}

/** Offsets delivered, after a check that the slices tile [from, end). */
function offsetsOf(slices: readonly RecordBatches[], from = 0): number[] {
  let next = BigInt(from)
  for (const slice of slices) {
    expect(slice.first).toBe(next)
    expect(slice.next > slice.first).toBe(true)
    next = slice.next
  }
  return slices.flatMap((slice) =>
    offsetsIn(slice.bytes).filter((offset) => offset >= slice.first && offset < slice.next),
  )
}

const endOf = (slices: readonly RecordBatches[]): bigint | undefined => slices.at(-1)?.next

async function failure(run: () => Promise<unknown>): Promise<IngestError> {
  try {
    await run()
  } catch (error) {
    if (error instanceof IngestError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

/** A source over one partition with these segments. */
async function sourceOf(
  segments: Readonly<Record<number, readonly Uint8Array[]>>,
  sliceBytes = 1 << 20,
): Promise<{ source: RecordSource; directory: string; path: string }> {
  const directory = await emptyLog()
  const path = await writeSegments(directory, 'trades', 0, segments)
  return { directory, path, source: await openLogSource({ directory, topics: trades, sliceBytes }) }
}

describe('what is there', () => {
  test('partitions are shown with their ids, log start and log end', async () => {
    const { source } = await sourceOf({ 100: [batch(100, 5)], 105: [batch(105, 2), batch(107, 3)] })
    expect(await source.partitions()).toEqual([
      { topic, topicName: 'trades', partition: 0, logStart: 100n, logEnd: 110n },
    ])
  })

  test('a partition without a record yet starts and ends at its only segment', async () => {
    const { source } = await sourceOf({ 7: [] })
    expect(await source.partitions()).toMatchObject([{ logStart: 7n, logEnd: 7n }])
    expect(await collect(source, [7])).toEqual([])
  })

  test('a missing directory is SOURCE_MISSING, a topic that is not there SOURCE_EMPTY', async () => {
    const directory = await emptyLog()
    await writeSegments(directory, 'trades', 0, { 0: [] })
    const open = (at: string, names: readonly string[]) => () =>
      openLogSource({ directory: at, topics: { kind: 'names', names } })
    expect((await failure(open(join(directory, 'nowhere'), ['trades']))).code).toBe('SOURCE_MISSING')
    const missing = await failure(open(directory, ['trades', 'quotes']))
    expect([missing.code, missing.context['topic']]).toEqual(['SOURCE_EMPTY', 'quotes'])
    const pattern = { kind: 'pattern', pattern: '^quotes' } as const
    expect((await failure(() => openLogSource({ directory, topics: pattern }))).code).toBe('SOURCE_EMPTY')
  })

  test('missing or contradictory ids are SOURCE_IDENTITY', async () => {
    const directory = await emptyLog()
    const path = await writeSegments(directory, 'trades', 0, { 0: [] })
    await writeSegments(directory, 'trades', 1, { 0: [] })
    const open = () => openLogSource({ directory, topics: trades })
    await writeFile(join(path, 'partition.metadata'), 'version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAA\n')
    expect((await failure(open)).code).toBe('SOURCE_IDENTITY')
    await rm(join(path, 'partition.metadata'))
    expect((await failure(open)).code).toBe('SOURCE_IDENTITY')
    await rm(join(directory, 'meta.properties'))
    expect((await failure(open)).code).toBe('SOURCE_IDENTITY')
  })

  test('a topic made again under its name while the source is open is TOPIC_RECREATED', async () => {
    const { source, path } = await sourceOf({ 0: [batch(0, 1)] })
    await writeFile(join(path, 'partition.metadata'), 'version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAA\n')
    expect((await failure(() => collect(source))).code).toBe('TOPIC_RECREATED')
    expect((await failure(() => source.partitions())).code).toBe('TOPIC_RECREATED')
  })

  test('a pattern takes every fitting topic but internal ones, and folders being deleted are passed over', async () => {
    const directory = await emptyLog()
    for (const name of ['trades', 'a-b-1', '__consumer_offsets']) await writeSegments(directory, name, 3, { 0: [] })
    for (const name of ['trades-0.3f-delete', 'trades-1.3f-stray', 'trades-2.3f-future', 'x', 'trades-01']) {
      await mkdir(join(directory, name))
    }
    await writeFile(join(directory, 'file-0'), '')
    const source = await openLogSource({ directory, topics: { kind: 'pattern', pattern: '.*' } })
    const found = (await source.partitions()).map(({ topicName, partition }) => `${topicName}/${partition}`)
    expect(found).toEqual(['a-b-1/3', 'trades/3'])
  })

  test.skipIf(process.getuid?.() === 0)('a segment without permission is SOURCE_UNREADABLE', async () => {
    const { source, path } = await sourceOf({ 0: [batch(0, 1)] })
    await chmod(join(path, `${'0'.repeat(20)}.log`), 0)
    expect((await failure(() => collect(source))).code).toBe('SOURCE_UNREADABLE')
  })

  test('a segment that is a folder is SOURCE_UNREADABLE', async () => {
    const { source, path } = await sourceOf({})
    await mkdir(join(path, `${'0'.repeat(20)}.log`))
    expect((await failure(() => collect(source))).code).toBe('SOURCE_UNREADABLE')
  })
})

describe('reading', () => {
  test('every codec, several segments and deleted files beside them: every offset once', async () => {
    const batches = everyCodec.map((codec, i) => batch(i * 10, 10, { codec }))
    const { source, path } = await sourceOf({ 0: batches.slice(0, 2), 20: batches.slice(2, 4), 40: batches.slice(4) })
    for (const ending of ['log.deleted', 'log.swap', 'log.cleaned', 'index', 'timeindex', 'snapshot']) {
      await writeFile(join(path, `${'0'.repeat(18)}05.${ending}`), 'junk')
    }
    const slices = await collect(source)
    expect(offsetsOf(slices)).toEqual(range(0, 50))
    expect(slices.reduce((sum, slice) => sum + slice.recordCount, 0)).toBe(50)
  })

  test('from any offset, inside a batch, at a border or at the end, the first slice begins exactly there', async () => {
    const { source } = await sourceOf({ 3: [batch(3, 4), batch(7, 5)], 12: [batch(12, 1), batch(13, 6)] })
    for (let from = 3; from <= 19; from++) {
      expect(offsetsOf(await collect(source, [from]), from)).toEqual(range(from, 19))
    }
  })

  test('a position outside the log is POSITION_OUT_OF_RANGE with both ends', async () => {
    const { source } = await sourceOf({ 3: [batch(3, 4)] })
    for (const position of [2, 8]) {
      const error = await failure(() => collect(source, [position]))
      expect(error.code).toBe('POSITION_OUT_OF_RANGE')
      expect(error.context).toEqual({
        topic: 'trades',
        partition: 0,
        position: BigInt(position),
        logStart: 3n,
        logEnd: 7n,
      })
    }
  })

  test('slices hold about the bytes asked for, in memory of their own, and a longer batch alone', async () => {
    const small = range(0, 100).map((i) => batch(i, 1, { padBytes: 900 }))
    const { source } = await sourceOf({ 0: [...small, batch(100, 1, { padBytes: 50_000 }), batch(101, 1)] }, 10_000)
    const slices = await collect(source)
    expect(offsetsOf(slices)).toEqual(range(0, 102))
    const large = slices.filter((slice) => slice.bytes.length > 10_000)
    expect(large.map((slice) => [slice.first, slice.next])).toEqual([[100n, 101n]])
    for (const slice of slices) {
      expect(slice.bytes.byteOffset).toBe(0)
      // Not a pool that others share, and not far more than it shows.
      expect(slice.bytes.buffer.byteLength).toBeLessThanOrEqual(Math.max(10_000, slice.bytes.length * 2))
    }
    const { bytes } = slices[0] ?? { bytes: new Uint8Array(0) }
    expect(structuredClone(bytes, { transfer: [bytes.buffer as ArrayBuffer] }).length).toBeGreaterThan(0)
    expect(bytes.length).toBe(0)
  })

  test('partitions take turns, a slice each', async () => {
    const directory = await emptyLog()
    for (const partition of [0, 1, 2]) {
      const batches = range(0, partition === 1 ? 2 : 6).map((i) => batch(i, 1, { padBytes: 900 }))
      await writeSegments(directory, 'trades', partition, { 0: batches })
    }
    const source = await openLogSource({ directory, topics: trades, sliceBytes: 1000 })
    const turns = (await collect(source, [0, 0, 0])).map((slice) => slice.partition)
    expect(turns).toEqual([0, 1, 2, 0, 1, 2, 0, 2, 0, 2, 0, 2, 0, 2])
  })

  test('an aborted signal ends the read after the slice at hand', async () => {
    const { source } = await sourceOf({ 0: range(0, 9).map((i) => batch(i, 1, { padBytes: 900 })) }, 1000)
    const stop = new AbortController()
    const seen: bigint[] = []
    for await (const slice of source.read([{ topic, partition: 0, next: 0n }], stop.signal)) {
      seen.push(slice.next)
      if (seen.length === 2) stop.abort()
    }
    expect(seen).toEqual([1n, 2n])
  })

  test('a read sees the end the log had when it began; the next one goes on from there', async () => {
    const { source, path } = await sourceOf({ 0: [batch(0, 2), batch(2, 2)] }, 100)
    const file = join(path, `${'0'.repeat(20)}.log`)
    const seen: bigint[] = []
    for await (const slice of source.read([{ topic, partition: 0, next: 0n }], new AbortController().signal)) {
      if (seen.length === 0) await appendFile(file, batch(4, 3))
      seen.push(slice.next)
    }
    expect(seen.at(-1)).toBe(4n)
    expect(offsetsOf(await collect(source, [4]), 4)).toEqual([4, 5, 6])
    await writeFile(join(path, `${'7'.padStart(20, '0')}.log`), batch(7, 2))
    expect(offsetsOf(await collect(source, [7]), 7)).toEqual([7, 8])
    expect(await source.partitions()).toMatchObject([{ logEnd: 9n }])
  })

  test('a segment deleted by retention under the reader is a position out of range', async () => {
    const { source, path } = await sourceOf({ 0: [batch(0, 2)], 2: [batch(2, 2)] }, 100)
    const slices = source.read([{ topic, partition: 0, next: 0n }], new AbortController().signal)
    const reading = slices[Symbol.asyncIterator]()
    await rm(join(path, `${'0'.repeat(20)}.log`)).then(() => undefined)
    const first = await failure(() => reading.next())
    expect([first.code, first.context['logStart']]).toEqual(['POSITION_OUT_OF_RANGE', 2n])
  })
})

describe('compaction', () => {
  test('holes before, between and after batches and emptied batches are covered by the ranges', async () => {
    const emptied = batch(10, 0, { lastOffsetDelta: 4 })
    const { source } = await sourceOf({
      0: [batch(3, 2), emptied, batch(20, 2, { lastOffsetDelta: 9 })],
      40: [batch(45, 1)],
      50: [],
    })
    const slices = await collect(source)
    expect(offsetsOf(slices)).toEqual([3, 4, 20, 21, 45])
    expect(endOf(slices)).toBe(50n)
    expect(slices.reduce((sum, slice) => sum + slice.recordCount, 0)).toBe(5)
    for (const from of [0, 4, 7, 12, 25, 30, 42, 46, 50]) {
      const rest = await collect(source, [from])
      expect(offsetsOf(rest, from)).toEqual([3, 4, 20, 21, 45].filter((offset) => offset >= from))
    }
  })

  test('a header that was changed to look emptied is found out by its CRC', async () => {
    const forged = batch(2, 3)
    forged[60] = 0
    const { source } = await sourceOf({ 0: [batch(0, 2), forged, batch(5, 1)] }, 100)
    const error = await failure(() => collect(source))
    expect(error.context).toMatchObject({ offset: 2n, reason: 'CRC mismatch' })
  })
})

const producer = (id: number) => ({ id: BigInt(id), epoch: 0, baseSequence: 0 })
const data = (at: number, count: number, id: number, extra = {}) =>
  batch(at, count, { kind: 'transactional', producer: producer(id), ...extra })
const marker = (at: number, id: number, end: 'commit' | 'abort') =>
  writeTransactionMarker({ baseOffset: BigInt(at), marker: end, producer: producer(id), timestampMs: 1 })

describe('transactions', () => {
  test('aborted batches and markers are left out, their offsets are covered', async () => {
    const log = [
      data(0, 3, 1),
      data(3, 2, 2),
      marker(5, 1, 'abort'),
      batch(6, 1),
      data(7, 2, 1),
      marker(9, 2, 'commit'),
      marker(10, 1, 'commit'),
    ]
    const { source } = await sourceOf({ 0: log })
    const slices = await collect(source)
    expect(offsetsOf(slices)).toEqual([3, 4, 6, 7, 8])
    expect(endOf(slices)).toBe(11n)
    expect(await source.partitions()).toMatchObject([{ logEnd: 11n }])
  })

  test('a marker many segments later is found, whatever the slices', async () => {
    const fill = (from: number, next: number) => range(from, next).map((i) => batch(i, 1, { padBytes: 500 }))
    const segments = {
      0: [data(0, 2, 1), ...fill(2, 50)],
      50: fill(50, 90),
      90: [...fill(90, 95), marker(95, 1, 'abort')],
    }
    for (const sliceBytes of [100, 3000, 1 << 20]) {
      const { source } = await sourceOf(segments, sliceBytes)
      expect(offsetsOf(await collect(source))).toEqual(range(2, 95))
    }
  })

  test('reading stops at the first open transaction, and goes on when its marker has come', async () => {
    const { source, path } = await sourceOf({
      0: [batch(0, 2), data(2, 2, 1), batch(4, 2), data(6, 1, 2), marker(7, 2, 'commit')],
    })
    expect(await source.partitions()).toMatchObject([{ logEnd: 2n }])
    const before = await collect(source)
    expect([offsetsOf(before), endOf(before)]).toEqual([[0, 1], 2n])
    expect(await collect(source, [2])).toEqual([])
    await appendFile(join(path, `${'0'.repeat(20)}.log`), marker(8, 1, 'commit'))
    expect(await source.partitions()).toMatchObject([{ logEnd: 9n }])
    expect(offsetsOf(await collect(source, [2]), 2)).toEqual(range(2, 7))
  })

  test('a transaction begun in an earlier segment counts as open once a read has met it', async () => {
    const { source } = await sourceOf({ 0: [batch(0, 1), data(1, 1, 1)], 2: [batch(2, 3)] })
    expect(await source.partitions()).toMatchObject([{ logEnd: 5n }])
    expect(endOf(await collect(source))).toBe(1n)
    expect(await source.partitions()).toMatchObject([{ logEnd: 1n }])
  })

  test('control records that end no transaction are left out, without an effect on any', async () => {
    const leaderChange = writeTransactionMarker({
      baseOffset: 1n,
      marker: 'abort',
      producer: producer(-1),
      timestampMs: 1,
    })
    const emptiedMarker = batch(2, 0, { kind: 'control', producer: producer(1) })
    const { source } = await sourceOf({ 0: [data(0, 1, 1), leaderChange, emptiedMarker, marker(3, 1, 'commit')] })
    expect(offsetsOf(await collect(source))).toEqual([0])
  })

  test('a marker whose type was changed on disk is SOURCE_CORRUPT, not another outcome', async () => {
    const forged = marker(2, 1, 'abort')
    const at = forged.lastIndexOf(12) - 1 // key: 0 0 0 <type>, then the value's length 6 as zigzag
    expect(forged[at]).toBe(0)
    forged[at] = 1
    const { source } = await sourceOf({ 0: [data(0, 2, 1), forged, batch(3, 1)] })
    expect((await failure(() => collect(source))).code).toBe('SOURCE_CORRUPT')
  })

  test('any interleaving of producers, from any position: exactly the committed and plain records are kept', async () => {
    const step = fc.record({
      kind: fc.constantFrom('plain', 'data', 'commit', 'abort'),
      id: fc.integer({ min: 1, max: 3 }),
      count: fc.integer({ min: 1, max: 3 }),
    })
    const check = fc.asyncProperty(
      fc.array(step, { maxLength: 25 }),
      fc.integer({ min: 100, max: 700 }),
      fc.nat(),
      async (steps, sliceBytes, seed) => {
        const log: Uint8Array[] = []
        const open = new Map<number, number[]>()
        const kept: number[] = []
        const starts: { base: number; from: number }[] = [{ base: 0, from: 0 }]
        let at = 0
        for (const { kind, id, count } of steps) {
          if (log.length % 7 === 6) starts.push({ base: at, from: log.length })
          const offsets = range(at, at + count)
          if (kind === 'plain') {
            log.push(batch(at, count))
            kept.push(...offsets)
            at += count
          } else if (kind === 'data') {
            log.push(data(at, count, id))
            open.set(id, [...(open.get(id) ?? []), ...offsets])
            at += count
          } else {
            log.push(marker(at, id, kind === 'commit' ? 'commit' : 'abort'))
            if (kind === 'commit') kept.push(...(open.get(id) ?? []))
            open.delete(id)
            at += 1
          }
        }
        const stable = Math.min(at, ...[...open.values()].map((offsets) => offsets[0] ?? at))
        const segments = Object.fromEntries(
          starts.map(({ base, from }, i) => [base, log.slice(from, starts[i + 1]?.from)]),
        )
        const { source } = await sourceOf(segments, sliceBytes)
        const from = seed % (stable + 1)
        const slices = await collect(source, [from])
        const expected = kept.filter((offset) => offset >= from && offset < stable).sort((a, b) => a - b)
        expect(offsetsOf(slices, from)).toEqual(expected)
        expect(endOf(slices) ?? BigInt(from)).toBe(BigInt(stable))
      },
    )
    await fc.assert(check, { numRuns: 60 })
  })
})

describe('broken files', () => {
  const good = [batch(0, 2), batch(2, 2)]
  const goodBytes = good.reduce((sum, bytes) => sum + bytes.length, 0)

  test('cut at each byte of its last batch, the log ends before that batch', async () => {
    const last = batch(4, 3)
    const { source, path } = await sourceOf({ 0: [...good, last] })
    const file = join(path, `${'0'.repeat(20)}.log`)
    for (let cut = last.length - 1; cut >= 0; cut--) {
      await truncate(file, goodBytes + cut)
      expect(await source.partitions()).toMatchObject([{ logEnd: 4n }])
      expect(offsetsOf(await collect(source))).toEqual([0, 1, 2, 3])
    }
  })

  test('a byte changed anywhere in the last batch ends the log before it, or is left to the CRC check of the workers', async () => {
    const last = batch(4, 3)
    for (let at = 0; at < last.length; at++) {
      const changed = last.slice()
      changed[at] = (changed[at] ?? 0) ^ 0x55
      const { source } = await sourceOf({ 0: [...good, changed] })
      // Base offset (0-7) and leader epoch (12-15) are not under the CRC: Kafka cannot know either.
      if (at < 8 || (at >= 12 && at < 16)) continue
      expect(offsetsOf(await collect(source))).toEqual([0, 1, 2, 3])
    }
  })

  test('a tail of zeros, as preallocation leaves it, and a tail of noise are the end of the log', async () => {
    const noise = Uint8Array.from({ length: 5000 }, (_, i) => (Math.imul(i, 2654435761) >>> 13) & 255)
    for (const tail of [new Uint8Array(2_000_000), noise]) {
      const { source } = await sourceOf({ 0: [...good, tail] })
      expect(offsetsOf(await collect(source))).toEqual([0, 1, 2, 3])
    }
  })

  test('several torn batches at the end are all passed over', async () => {
    const torn = [batch(4, 2), batch(6, 2)].map((bytes) => bytes.fill(0, 70))
    const { source } = await sourceOf({ 0: [...good, ...torn] })
    expect(offsetsOf(await collect(source))).toEqual([0, 1, 2, 3])
  })

  test('broken bytes with a good batch behind them are SOURCE_CORRUPT, after what came before was read', async () => {
    const cases: readonly (readonly Uint8Array[])[] = [
      [batch(4, 3).subarray(0, 50), batch(7, 1)],
      [new Uint8Array(100), batch(7, 1)],
      [batch(4, 3).fill(0xff, 8, 12), batch(7, 1)],
      [batch(4, 3).fill(1, 16, 17), batch(7, 1)],
      [batch(4, 3).fill(1, 16, 17), new Uint8Array(3_000_000), batch(7, 1)],
    ]
    for (const [i, tail] of cases.entries()) {
      const { source } = await sourceOf({ 0: [...good, ...tail] })
      const slices: RecordBatches[] = []
      const error = await failure(() => collectInto(slices, source))
      expect(offsetsOf(slices), `case ${i}`).toEqual([0, 1, 2, 3])
      expect(error.code).toBe('SOURCE_CORRUPT')
      expect(error.context).toMatchObject({ topic: 'trades', partition: 0, offset: 4n, byte: goodBytes })
      expect(String(error.context['file'])).toMatch(/trades-0\/0{20}\.log$/)
    }
  })

  test('a segment before the last one that ends inside a batch, or holds another format, is SOURCE_CORRUPT', async () => {
    for (const tail of [batch(4, 3).subarray(0, 70), batch(4, 3).subarray(0, 10), batch(4, 3).fill(1, 16, 17)]) {
      const { source } = await sourceOf({ 0: [...good, tail], 7: [batch(7, 1)] })
      const slices: RecordBatches[] = []
      const error = await failure(() => collectInto(slices, source))
      expect(offsetsOf(slices)).toEqual([0, 1, 2, 3])
      expect(error.code).toBe('SOURCE_CORRUPT')
      expect(error.context).toMatchObject({ offset: 4n, byte: goodBytes })
    }
  })

  test('base offsets that go back are SOURCE_CORRUPT, in any segment', async () => {
    for (const segments of [
      { 0: [...good, batch(3, 2)] },
      { 0: [...good, batch(3, 2)], 9: [] },
      { 0: [...good, batch(4, 4)], 6: [batch(6, 1)] },
      { 5: [batch(4, 1)] },
      { 0: good, 9: [batch(6, 1)], 20: [] },
    ]) {
      const { source } = await sourceOf(segments)
      const start = 5 in segments ? 5 : 0
      expect((await failure(() => collect(source, [start]))).code).toBe('SOURCE_CORRUPT')
    }
  })

  test('a log of format v1 is refused, not taken for a torn one', async () => {
    // offset 8 · size 4 · crc 4 (plain CRC-32) · magic 1 · attributes · timestamp 8 · key -1 · value -1
    const message = Buffer.alloc(34)
    message.writeInt32BE(22, 8)
    message.writeInt8(1, 16)
    message.fill(0xff, 26, 34)
    message.writeUInt32BE(crc32(message.subarray(16)), 12)
    const { source } = await sourceOf({ 0: [message] })
    const error = await failure(() => collect(source))
    expect([error.code, error.context['reason']]).toEqual(['SOURCE_CORRUPT', expect.stringContaining('older than v2')])
  })

  test('a codec that nobody knows is CODEC_UNSUPPORTED where the CRC is right', async () => {
    const strange = batch(4, 1)
    strange[22] = 6
    new DataView(strange.buffer).setUint32(17, batchCrc(strange, 0, strange.length))
    const { source } = await sourceOf({ 0: [...good, strange, batch(5, 1)] })
    const error = await failure(() => collect(source))
    expect([error.code, error.context['offset']]).toEqual(['CODEC_UNSUPPORTED', 4n])
  })

  test('any change to any file ends in slices or a named error, never in a hang or a crash', async () => {
    const original = [...good, data(4, 2, 1), marker(6, 1, 'abort'), batch(7, 4, { codec: 'lz4' })]
    const { source, path } = await sourceOf({ 0: original, 11: [batch(11, 2), batch(13, 2)] })
    const files = [`${'0'.repeat(20)}.log`, `${'11'.padStart(20, '0')}.log`].map((name) => join(path, name))
    const contents = await Promise.all(files.map((file) => readFile(file)))
    const change = fc.record({
      file: fc.nat(1),
      at: fc.nat(2000),
      bytes: fc.uint8Array({ minLength: 1, maxLength: 12 }),
    })
    const check = fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
      const now = contents.map((content) => Buffer.from(content))
      for (const { file, at, bytes } of changes) {
        const target = now[file] ?? Buffer.alloc(0)
        target.set(bytes.subarray(0, target.length - (at % target.length)), at % target.length)
      }
      for (const [i, file] of files.entries()) await writeFile(file, now[i] ?? '')
      const fresh = await openLogSource({ directory: join(path, '..'), topics: trades })
      try {
        for (const slice of await collect(fresh)) expect(slice.next > slice.first).toBe(true)
      } catch (error) {
        if (!(error instanceof IngestError)) throw error
      }
    })
    await fc.assert(check, { numRuns: 150 })
    expect(await source.partitions()).toHaveLength(1)
  })
})
