// Batches written by Apache Kafka's own client library 4.1.0 (MemoryRecordsBuilder), read by ours.
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { decompressBody } from '../../../src/shared/kafka/compression.ts'
import { batchBody, isBatchIntact, readBatchHeader } from '../../../src/shared/kafka/record-batch.ts'
import { decodeHeaders, RecordCursor } from '../../../src/shared/kafka/record-cursor.ts'

const written: Readonly<Record<string, string>> = JSON.parse(
  readFileSync(new URL('./java-batches.json', import.meta.url), 'utf8'),
)

function read(name: string) {
  const bytes = Buffer.from(written[name] ?? '', 'base64')
  const header = readBatchHeader(bytes, 0)
  if (header === null) throw new Error(`${name} is not whole`)
  expect(header.length).toBe(bytes.length)
  expect(isBatchIntact(bytes, 0, header)).toBe(true)
  return { bytes, header, body: decompressBody(header.codec, batchBody(bytes, 0, header), 1 << 20) }
}

describe.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'])('%s', (codec) => {
  test('the header says what was written', () => {
    expect(read(codec).header).toMatchObject({
      baseOffset: 9007199254740000n,
      nextOffset: 9007199254740040n,
      lastOffsetDelta: 39,
      recordCount: 40,
      codec,
      magic: 2,
      leaderEpoch: 7,
      timestampType: 'create',
      baseTimestamp: 1_700_000_000_000n,
      maxTimestamp: 1_800_000_000_000n,
      isControl: false,
      isTransactional: false,
      producerId: -1n,
      producerEpoch: -1,
      baseSequence: -1,
    })
  })

  test('every record has its key, value, time and headers', () => {
    const { header, body } = read(codec)
    const cursor = new RecordCursor()
    cursor.reset(body, header.recordCount, header.lastOffsetDelta)
    const text = (start: number, end: number) => (start < 0 ? null : Buffer.from(body.subarray(start, end)).toString())
    const sides = ['BUY', 'SELL', 'UNKNOWN']
    for (let i = 0; i < 40; i++) {
      expect(cursor.next()).toBe(true)
      expect(cursor.offsetDelta).toBe(i)
      expect(cursor.timestampDelta).toBe(i === 0 ? 0 : i === 1 ? -1000 : i === 2 ? 100_000_000_000 : i * 37)
      expect(text(cursor.keyStart, cursor.keyEnd)).toBe(i % 5 === 4 ? null : `key-${i}`)
      const value = `trade ${i} BHP.AX price=33.4${i % 10} qty=${i * 100} side=${sides[i % 3]} ünï`
      expect(text(cursor.valueStart, cursor.valueEnd)).toBe(i % 7 === 6 ? null : value)
      const headers = decodeHeaders(body, cursor).map(({ key, value: v }) => [key, v && Buffer.from(v).toString()])
      expect(headers).toEqual(
        i % 4 === 3
          ? [
              ['source', 'asx'],
              ['ü', null],
              ['', ''],
            ]
          : [],
      )
    }
    expect(cursor.next()).toBe(false)
  })
})

test('a transactional batch with append time', () => {
  expect(read('logAppend').header).toMatchObject({
    timestampType: 'log-append',
    maxTimestamp: 1_700_000_009_999n,
    isTransactional: true,
    isControl: false,
    producerId: 4242424242n,
    producerEpoch: 3,
    baseSequence: 17,
  })
})

test.each([
  ['abort', 0],
  ['commit', 1],
])('the marker %s', (name, type) => {
  const { header, body } = read(name)
  expect(header).toMatchObject({ isControl: true, isTransactional: true, producerId: 4242424242n, recordCount: 1 })
  const cursor = new RecordCursor()
  cursor.reset(body, 1)
  expect(cursor.next()).toBe(true)
  expect([...body.subarray(cursor.keyStart, cursor.keyEnd)]).toEqual([0, 0, 0, type])
})

test('a batch that compaction emptied stands for its offsets', () => {
  expect(read('emptied').header).toMatchObject({ baseOffset: 100n, nextOffset: 110n, recordCount: 0, codec: 'none' })
})
