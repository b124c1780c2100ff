import { describe, expect, it } from 'vitest'
import {
  chunkRequest,
  type Encoded,
  halve,
  joinEncoded,
  joinOutcomes,
  slicesBefore,
} from '../../../src/main/ingest/chunk-request.ts'
import { splitBatches } from '../../../src/main/ingest/record-slices.ts'
import type { RecordBatches } from '../../../src/main/ingest/record-source.ts'
import { IngestError } from '../../../src/shared/errors.ts'
import type { TableLayout } from '../../../src/shared/messages.ts'
import { standardProperties } from '../../../src/shared/parquet/parquet-properties.ts'
import { batch } from '../../support/record-maker.ts'

const slice = (partition: number, first: bigint, next: bigint, text: string): RecordBatches => ({
  topic: 'c/t',
  topicName: 'topic',
  partition,
  epoch: 1,
  first,
  next,
  bytes: new TextEncoder().encode(text),
  recordCount: Number(next - first),
})
const layout: TableLayout = {
  table: 't',
  uuid: 'u',
  dataLocation: 'file:///d',
  parquet: standardProperties,
  schema: { type: 'struct', 'schema-id': 0, fields: [] },
  spec: { 'spec-id': 0, fields: [] },
}
const policy = {
  route: 'r',
  tombstone: 'skip',
  unknownSchema: 'stop',
  windowFirstUs: '0',
  windowAheadUs: '0',
} as const
const context = { policy, main: layout, deadLetters: layout, decompressedBytesMax: 1 }

describe('chunkRequest', () => {
  it('joins the slices of each partition into one part with memory of its own', () => {
    const slices = [slice(0, 0n, 2n, 'ab'), slice(1, 5n, 6n, 'x'), slice(0, 2n, 4n, 'cd')]
    const request = chunkRequest(slices, context, { schemas: [], missingSchemaIds: [] })
    const shown = request.parts.map((part) => [
      part.partition,
      part.first,
      part.next,
      new TextDecoder().decode(part.bytes),
    ])
    expect(shown).toEqual([
      [0, 0n, 4n, 'abcd'],
      [1, 5n, 6n, 'x'],
    ])
    for (const part of request.parts) expect(part.bytes.byteLength).toBe(part.bytes.buffer.byteLength)
  })

  it('takes a record batch once that lies across slices of one chunk, however often it was cut', () => {
    const bytes = Buffer.concat([batch(0, 10), batch(10, 10)])
    const slices: RecordBatches[] = []
    let rest: RecordBatches = { ...slice(0, 0n, 20n, ''), bytes, recordCount: 20 }
    for (const records of [3, 4, 8]) {
      const parts = splitBatches(rest, [records, bytes.length])
      if (parts === null) throw new Error('not cut')
      slices.push(parts[0])
      rest = parts[1]
    }
    const { parts } = chunkRequest([...slices, rest], context, { schemas: [], missingSchemaIds: [] })
    expect(parts.map(({ first, next }) => [first, next])).toEqual([[0n, 20n]])
    expect(Buffer.from(parts[0]?.bytes ?? []).equals(bytes)).toBe(true)
    // Alone in its chunk a slice keeps the batch: the worker skips what lies outside.
    expect(chunkRequest([rest], context, { schemas: [], missingSchemaIds: [] }).parts[0]?.bytes).toEqual(
      new Uint8Array(rest.bytes),
    )
  })
})

describe('slicesBefore', () => {
  const slices = [slice(0, 0n, 4n, ''), slice(1, 0n, 4n, ''), slice(0, 4n, 8n, ''), slice(0, 8n, 9n, '')]
  const shown = (error: IngestError): unknown =>
    slicesBefore(slices, error)?.map(({ partition, first, next }) => [partition, first, next]) ?? null
  const corrupt = (place: Readonly<Record<string, number | string | bigint>>): IngestError =>
    new IngestError('SOURCE_CORRUPT', { topic: 'topic', partition: 0, ...place })

  it('ends the partition of a bad place there, and leaves the others whole', () => {
    const expected = [
      [0, 0n, 4n],
      [1, 0n, 4n],
    ]
    expect(shown(corrupt({ batch: 6n }))).toEqual([...expected, [0, 4n, 6n]])
    expect(shown(corrupt({ batch: 4n, offset: '6' }))).toEqual([...expected, [0, 4n, 6n]])
    expect(shown(corrupt({ batch: 4n }))).toEqual(expected)
  })

  it('has nothing where no place is named, where it lies outside, or where nothing is left', () => {
    expect(shown(corrupt({}))).toBeNull()
    expect(shown(corrupt({ batch: 9n }))).toBeNull()
    expect(slicesBefore([slice(0, 4n, 8n, '')], corrupt({ batch: 4n }))).toBeNull()
  })
})

describe('halve', () => {
  it('cuts slices apart, then offsets, and never below one offset', () => {
    const [a, b] = halve([slice(0, 0n, 4n, ''), slice(1, 0n, 4n, '')]) ?? [[], []]
    expect([a.length, b.length]).toEqual([1, 1])
    const [c, d] = halve(a) ?? [[], []]
    expect([c[0]?.first, c[0]?.next, d[0]?.first, d[0]?.next]).toEqual([0n, 2n, 2n, 4n])
    expect(halve([slice(0, 7n, 8n, '')])).toBeNull()
  })
})

const outcome = (first: bigint, next: bigint): Encoded['ranges'][number] => ({
  topic: 'c/t',
  partition: 0,
  first,
  next,
  records: Number(next - first),
  rows: Number(next - first) - 1,
  deadLetters: 1,
  tombstonesSkipped: 0,
})

describe('joinOutcomes', () => {
  it('adds what follows on and refuses a gap, which would lose offsets', () => {
    expect(joinOutcomes([outcome(0n, 3n), outcome(3n, 5n)])).toEqual([{ ...outcome(0n, 5n), rows: 3, deadLetters: 2 }])
    expect(() => joinOutcomes([outcome(0n, 3n), outcome(4n, 5n)])).toThrow('not contiguous')
  })
  it('joins the halves of a chunk; the older half sets the age', () => {
    const times = { decompressMs: 1, decodeMs: 2, encodeMs: 3, putMs: 4 }
    const half = (first: bigint, next: bigint, encodedAtMs: number): Encoded => ({
      kind: 'encoded',
      ranges: [outcome(first, next)],
      dataFiles: [],
      deadLetterFiles: [],
      encodedAtMs,
      times,
    })
    const codes = joinEncoded(
      { ...half(0n, 3n, 50), deadLetterCodes: { RECORD_BOUND: 1, RECORD_VARINT: 2 } },
      { ...half(3n, 5n, 90), deadLetterCodes: { RECORD_VARINT: 3 } },
    ).deadLetterCodes
    expect(codes).toEqual({ RECORD_BOUND: 1, RECORD_VARINT: 5 })
    const whole = joinEncoded(half(0n, 3n, 50), half(3n, 5n, 90))
    expect(whole.deadLetterCodes).toBeUndefined()
    expect(whole.ranges).toHaveLength(1)
    expect(whole.encodedAtMs).toBe(50)
    expect(whole.times).toEqual({ decompressMs: 2, decodeMs: 4, encodeMs: 6, putMs: 8 })
  })
})
