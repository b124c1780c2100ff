import { createHash } from 'node:crypto'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type CsvFeedOptions, feedCsv } from '../../../src/main/feed/csv.ts'
import { partitionFor } from '../../../src/main/feed/murmur2.ts'
import { openFileRegistry, type SchemaRegistry } from '../../../src/shared/avro/schema-registry.ts'
import { IngestError } from '../../../src/shared/errors.ts'
import { asxDirectory, type FedLog, type FedRecord, fingerprint, readFedLog, schemasDirectory } from './fed-log.ts'

const symbols = { '3153': 'MWR', '7078': 'BHP', '7181': 'DVN', '7458': 'RIO' } as const
let scratch: string
let schemas: SchemaRegistry
let scratchCount = 0

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'k2-feed-csv-'))
  schemas = await openFileRegistry(schemasDirectory)
})
afterAll(() => rm(scratch, { recursive: true, force: true }))

const newDirectory = (): string => join(scratch, String(++scratchCount))

const feed = (directory: string, options: Partial<CsvFeedOptions> = {}) =>
  feedCsv({ source: asxDirectory, directory, schemas, ...options })

async function linesOf(name: string): Promise<string[]> {
  return gunzipSync(await readFile(join(asxDirectory, name)))
    .toString()
    .trimEnd()
    .split('\r\n')
}

/** Exact product of two decimals' texts at scale 16, by a way of its own. */
function product(price: string, quantity: string): bigint {
  const unscaled = (text: string): bigint => {
    const [whole = '', fraction = ''] = text.split('.')
    return BigInt(whole) * 10n ** 8n + BigInt(fraction) * 10n ** BigInt(8 - fraction.length)
  }
  return unscaled(price) * unscaled(quantity)
}

const bigintOf = (record: FedRecord, field: string): bigint => {
  const value = record.value[field]
  if (typeof value !== 'bigint') throw new Error(`${field} is ${typeof value}`)
  return value
}

describe('the shipped trades', () => {
  const topic = 'market.equities.trades.asx'
  let log: FedLog
  let directory: string

  beforeAll(async () => {
    directory = newDirectory()
    const result = await feed(directory)
    expect(result).toMatchObject({ directory, topic, partitions: 4, outcome: 'written', messages: 200_545 })
    log = await readFedLog(directory, topic)
  })

  test('counts and sums of price × quantity per symbol are those of the CSV files', async () => {
    const expected: Record<string, { count: number; sum: bigint }> = {}
    for (const [company, symbol] of Object.entries(symbols)) {
      const lines = await linesOf(`trades_${company}.csv.gz`)
      let sum = 0n
      for (const line of lines) {
        const [, , price = '', quantity = ''] = line.split(',')
        sum += product(price, quantity)
      }
      expected[symbol] = { count: lines.length, sum }
    }
    const found: Record<string, { count: number; sum: bigint }> = {}
    for (const record of log.records) {
      const symbol = String(record.value['symbol'])
      const group = found[symbol] ?? { count: 0, sum: 0n }
      found[symbol] = group
      group.count++
      group.sum += bigintOf(record, 'price') * bigintOf(record, 'quantity')
    }
    expect(found).toEqual(expected)
    const counts = Object.fromEntries(Object.entries(found).map(([symbol, { count }]) => [symbol, count]))
    expect(counts).toEqual({ BHP: 91_631, RIO: 108_671, DVN: 232, MWR: 11 })
  })

  test('the first trade of BHP is mapped field by field, on the previous UTC day', () => {
    const first = log.records.find((record) => record.key === 'BHP')
    const timestamp = Date.parse('2014-03-09T20:57:14.754Z') * 1000
    expect(first?.timestampMs).toBe(timestamp / 1000)
    expect({ ...first?.value }).toEqual({
      // UUID version 5 of "trades_7078:1", computed with Python's uuid module.
      message_id: '0607d37a-4ddd-5397-9c5c-7f1a7fe9081f',
      trade_id: 'ASX-7078-1',
      symbol: 'BHP',
      exchange: 'ASX',
      asset_class: 'equities',
      timestamp,
      price: 3_666_700_000n,
      quantity: 2_000_000_000_000n,
      currency: 'AUD',
      side: 'UNKNOWN',
      trade_conditions: ['3'],
      source_sequence: null,
      ingestion_timestamp: timestamp,
      platform_sequence: null,
      vendor_data: { company_id: '7078', qualifiers: '3', venue: 'X' },
    })
  })

  test('qualifier 0 is no condition; the seventh column is kept where it is filled', () => {
    let plain = 0
    let seventh = 0
    for (const { value } of log.records) {
      const vendor = value['vendor_data'] as Record<string, string>
      const conditions = value['trade_conditions'] as string[]
      if (conditions.join() !== (vendor['qualifiers'] === '0' ? '' : vendor['qualifiers'])) throw new Error('condition')
      if (conditions.length === 0) plain++
      if (vendor['field_7'] !== undefined) seventh++
    }
    expect({ plain, seventh }).toEqual({ plain: 78_532 + 96_607 + 148 + 10, seventh: 113 })
  })

  test('message ids and trade ids are unique although rows repeat', async () => {
    expect(new Set(log.records.map(({ value }) => value['message_id'])).size).toBe(200_545)
    expect(new Set(log.records.map(({ value }) => value['trade_id'])).size).toBe(200_545)
    let repeats = 0
    for (const company of Object.keys(symbols)) {
      const lines = await linesOf(`trades_${company}.csv.gz`)
      repeats += lines.length - new Set(lines).size
    }
    expect(repeats).toBe(8558)
  })

  test('a partition is chosen by murmur2 of the symbol, ordered by time, then file, then line', () => {
    const partitions = new Map(Object.values(symbols).map((key) => [key as string, partitionFor(Buffer.from(key), 4)]))
    const last = new Map<number, { timestampMs: number; company: number; line: number }>()
    for (const record of log.records) {
      if (record.partition !== partitions.get(record.key)) throw new Error(`${record.key} in ${record.partition}`)
      const [, company, line] = String(record.value['trade_id']).split('-').map(Number)
      const here = { timestampMs: record.timestampMs, company: company ?? 0, line: line ?? 0 }
      const before = last.get(record.partition)
      if (before !== undefined) {
        const isLater =
          before.timestampMs < here.timestampMs ||
          (before.timestampMs === here.timestampMs &&
            (before.company < here.company || (before.company === here.company && before.line < here.line)))
        if (!isLater) throw new Error(`${record.partition}/${record.offset} is out of order`)
      }
      last.set(record.partition, here)
    }
  })

  test('six UTC days, 39,507 trades on the day before their Sydney date', async () => {
    const days: Record<string, number> = {}
    for (const { timestampMs } of log.records) {
      const day = new Date(timestampMs).toISOString().slice(0, 10)
      days[day] = (days[day] ?? 0) + 1
    }
    expect(Object.keys(days).sort()).toEqual(['09', '10', '11', '12', '13', '14'].map((day) => `2014-03-${day}`))
    let morning = 0
    for (const company of Object.keys(symbols)) {
      morning += (await linesOf(`trades_${company}.csv.gz`)).filter(
        (line) => (line.split(',')[1] ?? '') < '11:00',
      ).length
    }
    expect(morning).toBe(39_507)
    expect(days['2014-03-09']).toBeGreaterThan(0)
  })

  test('batches hold 500 records, lz4, but the last of a partition', () => {
    expect([...log.codecs]).toEqual(['lz4'])
    for (const counts of log.batchCounts) {
      expect(counts.slice(0, -1).every((count) => count === 500)).toBe(true)
    }
  })
})

test('quotes keep both sides exactly, a side without an order as zero', async () => {
  const directory = newDirectory()
  expect(await feed(directory, { type: 'quotes' })).toMatchObject({ messages: 609, partitions: 4 })
  const { records } = await readFedLog(directory, 'market.equities.quotes.asx')
  const first = records.find(({ value }) => value['quote_id'] === 'ASX-3153-1')
  expect({ ...first?.value }).toMatchObject({
    symbol: 'MWR',
    timestamp: Date.parse('2014-03-09T18:46:13.604Z') * 1000,
    bid_price: 111_000_000n,
    bid_quantity: 1_030_000_000_000n,
    ask_price: 0n,
    ask_quantity: 0n,
    currency: 'AUD',
    vendor_data: { company_id: '3153' },
  })
  expect(records.length).toBe(609)
})

test('the same files give the same bytes, from plain copies in another folder too', async () => {
  const [first, second, source] = [newDirectory(), newDirectory(), newDirectory()]
  const options = { type: 'quotes' } as const
  await feed(first, options)
  await cp(asxDirectory, source, { recursive: true })
  const name = join(source, 'quotes_7181.csv')
  await writeFile(name, gunzipSync(await readFile(`${name}.gz`)))
  await rm(`${name}.gz`)
  await feed(second, { ...options, source })
  expect(await fingerprint(second)).toEqual(await fingerprint(first))
})

test('the trades are the bytes they always were: others would be a new history, and want a new feed version', async () => {
  const directory = newDirectory()
  // Uncompressed, so that a new version of the compressor does not count.
  await feed(directory, { codec: 'none' })
  const segments = Object.entries(await fingerprint(directory)).filter(([name]) => name.endsWith('.log'))
  const digest = createHash('sha256').update(JSON.stringify(segments.sort())).digest('hex')
  expect(digest).toBe('b5545a76a5f971fa956226e891703a75cef1abd61449b94e684a949270122ca4')
})

test('fed again it changes nothing; with append it holds every row twice', async () => {
  const directory = newDirectory()
  const options = { type: 'quotes' } as const
  await feed(directory, options)
  const before = await fingerprint(directory)
  expect(await feed(directory, options)).toMatchObject({ outcome: 'unchanged', messages: 609, bytes: 0 })
  expect(await fingerprint(directory)).toEqual(before)
  const again = await feed(directory, { ...options, append: true })
  expect(again).toMatchObject({ outcome: 'written', messages: 609, messagesFound: 0 })
  const doubled = await readFedLog(directory, 'market.equities.quotes.asx')
  expect(doubled.records.length).toBe(1218)
  expect(new Set(doubled.records.map(({ value }) => value['message_id'])).size).toBe(609)
})

test('companies are keyed by their id, without made-up listing dates', async () => {
  const directory = newDirectory()
  expect(await feed(directory, { type: 'reference_data' })).toMatchObject({ messages: 4, partitions: 1 })
  const { records } = await readFedLog(directory, 'market.equities.reference_data.asx')
  expect(records.map(({ key }) => key)).toEqual(['3153', '7078', '7181', '7458'])
  expect({ ...records[1]?.value }).toMatchObject({
    company_id: '7078',
    symbol: 'BHP',
    company_name: 'BHP BILLITON LTD',
    isin: 'AU000000BHP4',
    currency: 'AUD',
    listing_date: null,
    delisting_date: null,
    is_active: true,
    vendor_data: { start_date: '05/07/2008', end_date: '03/31/2014' },
  })
})

test('three types live in one directory under one cluster id', async () => {
  const directory = newDirectory()
  await feed(directory, { type: 'quotes' })
  await feed(directory, { type: 'reference_data' })
  expect((await readFedLog(directory, 'market.equities.quotes.asx')).records.length).toBe(609)
  expect((await readFedLog(directory, 'market.equities.reference_data.asx')).records.length).toBe(4)
})

describe('bad input', () => {
  const company = 'company_id,symbol,company_name,ISIN,start_date,end_date\n1,ABC,A B C,,01/01/2014,01/02/2014\n'

  async function failureOf(files: Readonly<Record<string, string | Buffer>>): Promise<IngestError> {
    const source = await mkdtemp(join(scratch, 'source-'))
    for (const [name, text] of Object.entries(files)) await writeFile(join(source, name), text)
    const directory = newDirectory()
    const error: unknown = await feed(directory, { source }).catch((thrown: unknown) => thrown)
    // Nothing was begun: not even the directory is there.
    await expect(readFile(join(directory, 'k2-feeds.json'))).rejects.toThrow('ENOENT')
    if (error instanceof IngestError) return error
    throw new Error(`expected an IngestError, got ${String(error)}`)
  }

  const good = '03/10/2014,10:00:00.000,1.5,100,0,,\r\n'

  test.each([
    ['too few fields', '03/10/2014,10:00:00.000,1.5,100,0,\r\n', '6 fields instead of 7'],
    ['an empty line', '\r\n', '1 fields instead of 7'],
    ['a price that is no number', '03/10/2014,10:00:00.000,n/a,100,0,,\r\n', 'price "n/a"'],
    ['a price with nine decimals', '03/10/2014,10:00:00.000,1.123456789,100,0,,\r\n', 'more than 8 decimals'],
    ['a negative quantity', '03/10/2014,10:00:00.000,1.5,-1,0,,\r\n', 'quantity "-1"'],
    ['a date that does not exist', '02/30/2014,10:00:00.000,1.5,100,0,,\r\n', 'does not exist'],
    ['a time of another form', '03/10/2014,10:00,1.5,100,0,,\r\n', 'HH:MM:SS'],
    ['a qualifier that is no number', '03/10/2014,10:00:00.000,1.5,100,x,,\r\n', 'qualifiers "x"'],
  ])('%s ends the feed with file, line and reason, and nothing is written', async (_case, bad, reason) => {
    const error = await failureOf({ 'company_info.csv': company, 'trades_1.csv': good + good + bad + good })
    expect(error.code).toBe('FEED_INPUT')
    expect(error.context['file']).toMatch(/trades_1\.csv$/)
    expect(error.context['line']).toBe(3)
    expect(error.context['reason']).toContain(reason)
  })

  test('a truncated gzip file is named', async () => {
    const cut = gzipSync(good.repeat(1000)).subarray(0, 40)
    const error = await failureOf({ 'company_info.csv': company, 'trades_1.csv.gz': cut })
    expect(error.code).toBe('FEED_INPUT')
    expect(error.context['file']).toMatch(/trades_1\.csv\.gz$/)
  })

  test('a company that is not listed, and a file given twice, are refused', async () => {
    const unlisted = await failureOf({ 'company_info.csv': company, 'trades_2.csv': good })
    expect(unlisted.context['reason']).toContain('company 2')
    const double = await failureOf({
      'company_info.csv': company,
      'trades_1.csv': good,
      'trades_1.csv.gz': gzipSync(good),
    })
    expect(double.context['reason']).toContain('plain and gzipped')
  })

  test('no folder, no files and no list of companies are told apart', async () => {
    await expect(feed(newDirectory(), { source: join(scratch, 'nowhere') })).rejects.toThrow('SOURCE_MISSING')
    expect((await failureOf({ 'company_info.csv': company })).context['reason']).toContain('no file fits')
    expect((await failureOf({ 'trades_1.csv': good })).context['reason']).toContain('company_info.csv is missing')
  })

  test('a registry that means another schema by the topic is refused', async () => {
    const quotes = await schemas.schemaById(2)
    const wrong: SchemaRegistry = { schemaById: async () => null, latestForTopic: async () => quotes }
    await expect(feed(newDirectory(), { schemas: wrong })).rejects.toThrow('SCHEMA_INCOMPATIBLE')
    const none: SchemaRegistry = { schemaById: async () => null, latestForTopic: async () => null }
    await expect(feed(newDirectory(), { schemas: none })).rejects.toThrow('SCHEMA_UNKNOWN')
  })
})
