import fc from 'fast-check'
import { expect, test } from 'vitest'
import { IngestError } from '../../../src/shared/errors.ts'
import { batchBody, readBatchHeader } from '../../../src/shared/kafka/record-batch.ts'
import { type RecordInput, writeRecordBatch } from '../../../src/shared/kafka/record-batch-writer.ts'
import { decodeHeaders, RecordCursor } from '../../../src/shared/kafka/record-cursor.ts'

const bytes = fc.uint8Array({ maxLength: 200 })
const record = fc.record({
  timestampMs: fc.integer({ min: 0, max: 2 ** 51 }),
  key: fc.option(bytes),
  value: fc.option(bytes),
  headers: fc.array(fc.record({ key: fc.string({ maxLength: 8, unit: 'grapheme' }), value: fc.option(bytes) }), {
    maxLength: 3,
  }),
  gap: fc.integer({ min: 1, max: 300 }),
})

function walk(body: Uint8Array, recordCount: number, lastOffsetDelta?: number) {
  const cursor = new RecordCursor()
  const found = []
  cursor.reset(body, recordCount, lastOffsetDelta)
  while (cursor.next()) {
    const slice = (start: number, end: number) => (start < 0 ? null : Uint8Array.from(body.subarray(start, end)))
    found.push({
      offsetDelta: cursor.offsetDelta,
      timestampDelta: cursor.timestampDelta,
      key: slice(cursor.keyStart, cursor.keyEnd),
      value: slice(cursor.valueStart, cursor.valueEnd),
      headers: decodeHeaders(body, cursor).map(({ key, value }) => ({ key, value: value && Uint8Array.from(value) })),
    })
  }
  return found
}

function bodyOf(records: readonly RecordInput[]): Uint8Array {
  const batch = writeRecordBatch(records, { baseOffset: 0n })
  const header = readBatchHeader(batch, 0)
  if (header === null) throw new Error('not whole')
  return batchBody(batch, 0, header)
}

test('what was written is read: times far apart, gaps, nulls, empty values, headers', () => {
  const check = fc.property(fc.array(record, { minLength: 1, maxLength: 12 }), (list) => {
    let offsetDelta = -1
    const records = list.map(({ gap, ...rest }) => {
      offsetDelta += gap
      return { ...rest, offsetDelta }
    })
    const base = list[0]?.timestampMs ?? 0
    const expected = records.map(({ timestampMs, ...rest }) => ({ ...rest, timestampDelta: timestampMs - base }))
    expect(walk(bodyOf(records), records.length, offsetDelta)).toEqual(
      expected.map(({ offsetDelta: o, timestampDelta, key, value, headers }) => ({
        offsetDelta: o,
        timestampDelta,
        key,
        value,
        headers,
      })),
    )
  })
  fc.assert(check, { numRuns: 200 })
})

/** A body by hand: zigzag by doubling, for numbers below 64. */
const field = (text: string | null): number[] => (text === null ? [1] : [text.length * 2, ...Buffer.from(text)])
function recordBytes(parts: readonly number[], length = parts.length): Uint8Array {
  return Uint8Array.of(length * 2, ...parts)
}

test('time deltas of up to 64 bits are doubles, exact to 2^53', () => {
  const zigzag = (value: bigint): number[] => {
    let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
    const out: number[] = []
    for (; rest >= 0x80n; rest >>= 7n) out.push(Number(rest & 0x7fn) | 0x80)
    return [...out, Number(rest)]
  }
  const check = fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
    const body = recordBytes([0, ...zigzag(value), 0, ...field(null), ...field(null), 0])
    expect(walk(body, 1)[0]?.timestampDelta).toBe(Number(value))
  })
  fc.assert(check)
})

test('negative lengths mean null, as in the reader of Kafka itself', () => {
  expect(walk(recordBytes([0, 0, 0, 5, 7, 0]), 1)).toMatchObject([{ key: null, value: null }])
})

test.each<[string, Uint8Array, number]>([
  ['a record longer than the body', recordBytes([0, 0, 0, 1, 1, 0], 7), 1],
  ['a negative record length', Uint8Array.of(1, 0), 1],
  ['a record that goes on after its headers', recordBytes([0, 0, 0, 1, 1, 0, 0]), 1],
  ['an empty record', Uint8Array.of(0), 1],
  ['a key beyond its record', recordBytes([0, 0, 0, 20, 65, 1, 0]), 1],
  ['a value that reaches into the next record', Uint8Array.of(14, 0, 0, 0, 1, 12, 65, 0, 14, 0, 0, 2, 1, 2, 65, 0), 2],
  ['a number of six bytes', recordBytes([0, 0, 0x80, 0x80, 0x80, 0x80, 0x80, 0, 1, 1, 0]), 1],
  ['a number above 32 bits', recordBytes([0, 0, 0xff, 0xff, 0xff, 0xff, 0x1f, 1, 1, 0]), 1],
  ['a time of eleven bytes', recordBytes([0, ...Array<number>(10).fill(0x80), 0, 0, 1, 1, 0]), 1],
  ['a time above 64 bits', recordBytes([0, ...Array<number>(9).fill(0xff), 2, 0, 1, 1, 0]), 1],
  ['a negative header count', recordBytes([0, 0, 0, 1, 1, 1]), 1],
  ['a hostile header count', recordBytes([0, 0, 0, 1, 1, 0xfe, 0xff, 0xff, 0xff, 0x0f]), 1],
  ['a header without a key', recordBytes([0, 0, 0, 1, 1, 2, 1, 0]), 1],
  ['a header value beyond its record', recordBytes([0, 0, 0, 1, 1, 2, 2, 65, 40]), 1],
  ['more records than there are', recordBytes([0, 0, 0, 1, 1, 0]), 2],
  ['fewer records than there are', Uint8Array.of(12, 0, 0, 0, 1, 1, 0, 12, 0, 0, 2, 1, 1, 0), 1],
  ['an offset twice', Uint8Array.of(12, 0, 0, 0, 1, 1, 0, 12, 0, 0, 0, 1, 1, 0), 2],
  ['a negative offset', recordBytes([0, 0, 1, 1, 1, 0]), 1],
])('%s is SOURCE_CORRUPT', (_name, body, count) => {
  expect(() => walk(body, count)).toThrow(/^SOURCE_CORRUPT: .*reason=record: /)
})

test('an offset beyond the last one of the batch is SOURCE_CORRUPT', () => {
  const body = bodyOf([{ offsetDelta: 4, timestampMs: 0, key: null, value: null }])
  expect(walk(body, 1, 4)).toHaveLength(1)
  expect(() => walk(body, 1, 3)).toThrow('offset out of order')
})

test('a body cut anywhere, or changed anywhere, never shows a range outside it', () => {
  const whole = bodyOf([
    { timestampMs: 5, key: Buffer.from('key'), value: Buffer.alloc(80, 1), headers: [{ key: 'h', value: null }] },
    { timestampMs: 2 ** 40, key: null, value: Buffer.from('x') },
  ])
  for (let cut = 0; cut < whole.length; cut++) expect(() => walk(whole.subarray(0, cut), 2)).toThrow(IngestError)
  const changes = fc.array(fc.record({ at: fc.nat(whole.length - 1), byte: fc.nat(255) }), {
    minLength: 1,
    maxLength: 5,
  })
  const check = fc.property(changes, fc.nat(4), (list, count) => {
    const body = whole.slice()
    for (const { at, byte } of list) body[at] = byte
    const cursor = new RecordCursor()
    cursor.reset(body, count)
    try {
      while (cursor.next()) {
        for (const end of [cursor.keyEnd, cursor.valueEnd, cursor.headersEnd])
          expect(end).toBeLessThanOrEqual(body.length)
        decodeHeaders(body, cursor)
      }
    } catch (error) {
      if (!(error instanceof IngestError)) throw error
    }
  })
  fc.assert(check, { numRuns: 1000 })
})
