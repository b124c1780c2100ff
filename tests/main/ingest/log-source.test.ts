import { appendFile, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openLogSource } from '../../../src/main/ingest/log-source.ts'
import { startsFile } from '../../../src/shared/kafka/log-directory.ts'
import { collect, endOf, failure, offsetsOf, range, sourceOf, topic, trades } from '../../support/log-reads.ts'
import { batch, emptyLog, everyCodec, writeSegments } from '../../support/record-maker.ts'

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

  test('a log whose start DeleteRecords moved into a batch begins there, not where its segment does', async () => {
    const { source, directory } = await sourceOf({ 3: [batch(3, 4), batch(7, 5)] })
    const starts = (...lines: string[]) =>
      writeFile(join(directory, startsFile), `0\n${lines.length}\n${lines.join('\n')}\n`)
    await starts('trades 1 4', 'more-trades 0 4', 'trades 0 5')
    expect(await source.partitions()).toMatchObject([{ logStart: 5n, logEnd: 12n }])
    expect(offsetsOf(await collect(source, [5]), 5)).toEqual(range(5, 12))
    const before = await failure(() => collect(source, [4]))
    expect([before.code, before.context['logStart']]).toEqual(['POSITION_OUT_OF_RANGE', 5n])
    // Whole segments went since.
    await starts('trades 0 2')
    expect(await source.partitions()).toMatchObject([{ logStart: 3n }])
    await starts('trades 0 12')
    expect(offsetsOf(await collect(source, [12]), 12)).toEqual([])
    await starts('trades 0 13')
    expect((await failure(() => collect(source, [12]))).code).toBe('SOURCE_CORRUPT')
    await starts('trades 0 -5')
    expect((await failure(() => collect(source, [12]))).code).toBe('SOURCE_UNREADABLE')
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
