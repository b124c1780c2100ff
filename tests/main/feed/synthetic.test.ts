import { cp, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { feedSynthetic, type SyntheticFeedOptions, syntheticTopic } from '../../../src/main/feed/synthetic.ts'
import { openFileRegistry, type SchemaRegistry } from '../../../src/shared/avro/schema-registry.ts'
import { listPartitions, listSegments } from '../../../src/shared/kafka/log-directory.ts'
import { fingerprint, readFedLog, schemasDirectory } from './fed-log.ts'

let scratch: string
let schemas: SchemaRegistry
let scratchCount = 0

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'k2-feed-synthetic-'))
  schemas = await openFileRegistry(schemasDirectory)
})
afterAll(() => rm(scratch, { recursive: true, force: true }))

const newDirectory = (): string => join(scratch, String(++scratchCount))

const feed = (directory: string, options: Partial<SyntheticFeedOptions> = {}) =>
  feedSynthetic({ directory, schemas, messages: 20_000, symbols: 30, seed: 7, ...options })

test('trades read back as TradeV2 of Binance, about 166 bytes each', async () => {
  const directory = newDirectory()
  const result = await feed(directory, { messages: 3000 })
  expect(result).toMatchObject({ topic: syntheticTopic, partitions: 8, messages: 3000, outcome: 'written' })
  const log = await readFedLog(directory, syntheticTopic)
  expect(log.records.length).toBe(3000)
  expect(log.partitions).toBe(8)
  expect([...log.codecs]).toEqual(['lz4'])

  const sequences = new Map<string, number>()
  const ids = new Set<unknown>()
  let bytes = 0
  for (const record of log.records) {
    const { value } = record
    const symbol = String(value['symbol'])
    expect(record.key).toBe(symbol)
    const sequence = (sequences.get(symbol) ?? 0) + 1
    sequences.set(symbol, sequence)
    const isBuyerMaker = value['side'] === 'SELL'
    const [base = ''] = symbol.split('USDT')
    expect({ ...value }).toMatchObject({
      trade_id: `BINANCE-${sequence}`,
      exchange: 'BINANCE',
      asset_class: 'crypto',
      currency: 'USDT',
      trade_conditions: [],
      source_sequence: sequence,
      platform_sequence: null,
      vendor_data: { is_buyer_maker: String(isBuyerMaker), base_asset: base, quote_asset: 'USDT' },
    })
    expect(value['message_id']).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    ids.add(value['message_id'])
    const timestamp = Number(value['timestamp'])
    expect(record.timestampMs).toBe(Math.floor(timestamp / 1000))
    expect(Number(value['ingestion_timestamp'])).toBeGreaterThan(timestamp)
    expect(value['price']).toBeGreaterThan(0n)
    expect(value['quantity']).toBeGreaterThan(0n)
    bytes += record.valueBytes
  }
  expect(ids.size).toBe(3000)
  expect(sequences.size).toBe(30)
  expect(bytes / 3000).toBeGreaterThan(155)
  expect(bytes / 3000).toBeLessThan(177)
})

test('the same options give the same bytes; another seed is another topic id', async () => {
  const [first, second, other] = [newDirectory(), newDirectory(), newDirectory()]
  for (const [directory, seed] of [
    [first, 7],
    [second, 7],
    [other, 8],
  ] as const)
    await feed(directory, { seed, messages: 3000 })
  expect(await fingerprint(second)).toEqual(await fingerprint(first))
  const file = join(`${syntheticTopic}-0`, 'partition.metadata')
  expect((await fingerprint(other))[file]).not.toBe((await fingerprint(first))[file])
})

test('a wide step spans several UTC days', async () => {
  const directory = newDirectory()
  await feed(directory, { messages: 1000, stepUs: 4 * 86_400_000 })
  const { records } = await readFedLog(directory, syntheticTopic)
  const days = new Set(records.map(({ timestampMs }) => Math.floor(timestampMs / 86_400_000)))
  expect(days.size).toBe(4)
})

test('ids that are given are the ids that are written', async () => {
  const directory = newDirectory()
  await feed(directory, { messages: 10, clusterId: 'AAAAAAAAQACAAAAAAAAAAQ', topicId: 'AAAAAAAAQACAAAAAAAAAAg' })
  expect(await readFile(join(directory, 'meta.properties'), 'utf8')).toContain('cluster.id=AAAAAAAAQACAAAAAAAAAAQ')
  const metadata = await readFile(join(directory, `${syntheticTopic}-0`, 'partition.metadata'), 'utf8')
  expect(metadata).toContain('topic_id: AAAAAAAAQACAAAAAAAAAAg')
})

test.each([
  ['messages', { messages: -1 }],
  ['messages', { messages: 1.5 }],
  ['symbols', { symbols: 0 }],
  ['seed', { seed: -1 }],
  ['stepUs', { stepUs: 0 }],
  ['end (ms)', { messages: 10_000_000, stepUs: 86_400_000_000 }],
])('%s out of its range is refused before anything is written', async (option, changes) => {
  const directory = newDirectory()
  await expect(feed(directory, changes)).rejects.toMatchObject({ code: 'USAGE', context: { option } })
  await expect(stat(directory)).rejects.toThrow('ENOENT')
})

describe('killed and begun again', () => {
  let whole: Record<string, string>
  let wholeDirectory: string

  beforeAll(async () => {
    wholeDirectory = newDirectory()
    await feed(wholeDirectory)
    whole = await fingerprint(wholeDirectory)
  })

  /** What a kill leaves: the journal still open, each partition cut anywhere, some not there at all. */
  async function killed(cut: (size: number, partition: number) => number): Promise<string> {
    const directory = newDirectory()
    await cp(wholeDirectory, directory, { recursive: true })
    const journal = join(directory, 'k2-feeds.json')
    await writeFile(journal, (await readFile(journal, 'utf8')).replace('"complete"', '"open"'))
    for (const { path, partition } of await listPartitions(directory)) {
      for (const segment of await listSegments(path)) {
        const size = cut((await stat(segment.path)).size, partition)
        if (size < 0) await rm(path, { recursive: true })
        else await truncate(segment.path, size)
      }
    }
    return directory
  }

  test.each([
    ['nothing was written', () => 0],
    ['the partitions were not there yet', () => -1],
    [
      'every partition is cut inside a batch',
      (size: number, partition: number) => Math.floor((size * partition) / 9) + 1,
    ],
    ['the last byte is missing', (size: number) => size - 1],
    ['only the mark of completion is missing', (size: number) => size],
    ['some partitions are whole, some empty', (size: number, partition: number) => (partition % 2 === 0 ? size : 0)],
  ])('%s: it ends with the same bytes', async (_case, cut) => {
    const directory = await killed(cut)
    expect(await feed(directory)).toMatchObject({ outcome: 'written', messages: 20_000 })
    expect(await fingerprint(directory)).toEqual(whole)
  })

  test('a feed stopped by its signal after a few batches goes on', async () => {
    const directory = newDirectory()
    const stop = new AbortController()
    let flushes = 0
    const onProgress = (): void => {
      if (++flushes === 5) stop.abort()
    }
    expect(await feed(directory, { signal: stop.signal, onProgress })).toMatchObject({
      outcome: 'stopped',
      messages: 2500,
    })
    expect(await feed(directory)).toMatchObject({ outcome: 'written', messages: 20_000, messagesFound: 2500 })
    expect(await fingerprint(directory)).toEqual(whole)
  })

  test('a feed whose progress callback throws can be begun again', async () => {
    const directory = newDirectory()
    const onProgress = (done: number): void => {
      if (done > 9000) throw new Error('full')
    }
    await expect(feed(directory, { onProgress })).rejects.toThrow('full')
    await feed(directory)
    expect(await fingerprint(directory)).toEqual(whole)
  })

  test('an append that was killed goes on where it was, with or without saying append again', async () => {
    const appended = newDirectory()
    await cp(wholeDirectory, appended, { recursive: true })
    expect(await feed(appended, { append: true })).toMatchObject({ messages: 20_000, messagesFound: 0 })

    const stop = new AbortController()
    const directory = newDirectory()
    await cp(wholeDirectory, directory, { recursive: true })
    await feed(directory, { append: true, signal: stop.signal, onProgress: () => stop.abort() })
    expect(await feed(directory)).toMatchObject({ outcome: 'written', messagesFound: 500 })
    expect(await fingerprint(directory)).toEqual(await fingerprint(appended))
  })

  test('another feed is refused, and changes nothing', async () => {
    await expect(feed(wholeDirectory, { seed: 8 })).rejects.toMatchObject({ code: 'FEED_CONFLICT' })
    const unfinished = await killed((size) => Math.floor(size / 2))
    await expect(feed(unfinished, { seed: 8 })).rejects.toMatchObject({ code: 'FEED_CONFLICT' })
    await expect(feed(unfinished, { seed: 8, append: true })).rejects.toMatchObject({ code: 'FEED_CONFLICT' })
    expect(await fingerprint(wholeDirectory)).toEqual(whole)
  })

  test('a topic that no feed wrote is refused unless it is to be added to', async () => {
    const directory = newDirectory()
    await cp(wholeDirectory, directory, { recursive: true })
    await rm(join(directory, 'k2-feeds.json'))
    await expect(feed(directory)).rejects.toMatchObject({ code: 'FEED_CONFLICT' })
    await feed(directory, { append: true })
    expect((await readFedLog(directory, syntheticTopic)).records.length).toBe(40_000)
  })

  test('other partitions or a journal of another form are refused', async () => {
    await expect(feed(wholeDirectory, { partitions: 4, append: true })).rejects.toMatchObject({ code: 'FEED_CONFLICT' })
    const directory = newDirectory()
    await cp(wholeDirectory, directory, { recursive: true })
    await writeFile(join(directory, 'k2-feeds.json'), '{"v":2}')
    await expect(feed(directory)).rejects.toMatchObject({ code: 'FEED_CONFLICT' })
  })

  test('no file but segments, metadata and the journal is left behind', async () => {
    const names = new Set(
      (await readdir(wholeDirectory, { recursive: true })).map((name) => name.split('/').at(-1) ?? ''),
    )
    const files = [...names].filter((name) => !name.startsWith(syntheticTopic)).sort()
    expect(files).toEqual(['00000000000000000000.log', 'k2-feeds.json', 'meta.properties', 'partition.metadata'])
  })
})
