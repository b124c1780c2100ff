import { expect, test } from 'vitest'
import { AvroWriter } from '../../../src/main/feed/avro-writer.ts'
import { partitionFor } from '../../../src/main/feed/murmur2.ts'
import { symbolName, TradeStream, type TradeStreamOptions } from '../../../src/main/feed/synthetic-trades.ts'

const options: TradeStreamOptions = {
  schemaId: 1,
  seed: 7,
  symbols: 30,
  partitions: 8,
  startUs: Date.UTC(2026, 0, 13) * 1000,
  stepUs: 1000,
}

function bytesOf(trades: number, changes: Partial<TradeStreamOptions>): Buffer {
  const stream = new TradeStream({ ...options, ...changes })
  const writer = new AvroWriter()
  for (let index = 0; index < trades; index++) {
    stream.advance()
    stream.write(writer)
  }
  return Buffer.from(writer.view(0, writer.at))
}

test('a seed always gives the same bytes, another seed gives others', () => {
  expect(bytesOf(500, {}).equals(bytesOf(500, {}))).toBe(true)
  expect(bytesOf(500, { seed: 8 }).equals(bytesOf(500, {}))).toBe(false)
  expect(bytesOf(500, { seed: 0 }).equals(bytesOf(500, { seed: 1 }))).toBe(false)
})

test('a longer stream begins with the shorter one', () => {
  const short = bytesOf(100, {})
  expect(bytesOf(200, {}).subarray(0, short.length).equals(short)).toBe(true)
})

test('the key is the symbol and chooses the partition as Java does', () => {
  const stream = new TradeStream(options)
  const names = new Set(Array.from({ length: options.symbols }, (_, index) => symbolName(index)))
  expect(names.size).toBe(options.symbols)
  for (let index = 0; index < 1000; index++) {
    stream.advance()
    expect(names).toContain(Buffer.from(stream.key).toString())
    expect(stream.partition).toBe(partitionFor(stream.key, options.partitions))
  }
})

test('times rise and stay in their steps, over days if asked', () => {
  const stepUs = 3_600_000_000
  const stream = new TradeStream({ ...options, stepUs })
  const startMs = options.startUs / 1000
  for (let index = 0; index < 72; index++) {
    stream.advance()
    expect(stream.timestampMs).toBeGreaterThanOrEqual(startMs + (index * stepUs) / 1000)
    expect(stream.timestampMs).toBeLessThan(startMs + ((index + 1) * stepUs) / 1000)
  }
})
