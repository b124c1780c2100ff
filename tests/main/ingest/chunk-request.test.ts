import { describe, expect, it } from 'vitest'
import { chunkRequest, type Encoded, halve, joinEncoded, joinOutcomes } from '../../../src/main/ingest/chunk-request.ts'
import type { RecordBatches } from '../../../src/main/ingest/record-source.ts'
import type { TableLayout } from '../../../src/shared/messages.ts'

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
    const whole = joinEncoded(half(0n, 3n, 50), half(3n, 5n, 90))
    expect(whole.ranges).toHaveLength(1)
    expect(whole.encodedAtMs).toBe(50)
    expect(whole.times).toEqual({ decompressMs: 2, decodeMs: 4, encodeMs: 6, putMs: 8 })
  })
})
