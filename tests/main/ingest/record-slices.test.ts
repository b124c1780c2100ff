import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { limitRecords, RecordBudget, sizeOfBatches, splitBatches } from '../../../src/main/ingest/record-slices.ts'
import type { RecordBatches } from '../../../src/main/ingest/record-source.ts'
import { writeRecordBatch } from '../../../src/shared/kafka/record-batch-writer.ts'
import { chunk } from '../../../src/shared/streams.ts'

const value = new Uint8Array(20)

/** Dense record batches of the given sizes, offsets from 100. */
function slice(sizes: readonly number[]): RecordBatches {
  let base = 100n
  const batches = sizes.map((size) => {
    const records = Array.from({ length: size }, () => ({ timestampMs: 1, key: null, value }))
    const bytes = writeRecordBatch(records, { baseOffset: base })
    base += BigInt(size)
    return bytes
  })
  return {
    topic: 'cluster/topic',
    topicName: 'topic',
    partition: 0,
    epoch: 1,
    first: 100n,
    next: base,
    bytes: Buffer.concat(batches),
    recordCount: sizes.reduce((sum, size) => sum + size, 0),
  }
}
async function* from<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items
}
const ranges = (slices: readonly RecordBatches[]): [bigint, bigint][] => slices.map((each) => [each.first, each.next])

describe('splitBatches', () => {
  it('cuts inside a record batch at an exact number of records; both halves hold that batch', () => {
    const whole = slice([500, 500])
    const parts = splitBatches(whole, [300, 1e9])
    expect(parts).not.toBeNull()
    const [head, rest] = parts as readonly [RecordBatches, RecordBatches]
    expect(ranges([head, rest])).toEqual([
      [100n, 400n],
      [400n, 1100n],
    ])
    expect([head.recordCount, rest.recordCount]).toEqual([300, 700])
    expect(head.bytes.length).toBe(whole.bytes.length / 2)
    expect(rest.bytes.length).toBe(whole.bytes.length)
  })
  it('cuts a half again, counting only the records inside its range', () => {
    const [, rest] = splitBatches(slice([500, 500]), [300, 1e9]) as readonly [RecordBatches, RecordBatches]
    const [head, tail] = splitBatches(rest, [300, 1e9]) as readonly [RecordBatches, RecordBatches]
    expect(ranges([head, tail])).toEqual([
      [400n, 700n],
      [700n, 1100n],
    ])
  })
  it('cuts between record batches when bytes run out, and not at all when the first does not fit', () => {
    const whole = slice([10, 10, 10])
    const batchBytes = whole.bytes.length / 3
    const parts = splitBatches(whole, [1e9, 2 * batchBytes + 5])
    expect(ranges(parts ?? [])).toEqual([
      [100n, 120n],
      [120n, 130n],
    ])
    expect(splitBatches(whole, [1e9, batchBytes - 1])).toBeNull()
  })
  it('gives chunks of exactly the wanted size over any layout of record batches, without gap', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 6 }), {
          minLength: 1,
          maxLength: 4,
        }),
        fc.integer({ min: 1, max: 50 }),
        async (layout, recordsMax) => {
          let base = 100n
          const slices = layout.map((sizes) => {
            const one = slice(sizes)
            const moved = {
              ...one,
              bytes: rebase(one.bytes, base - 100n),
              first: base,
              next: base + (one.next - one.first),
            }
            base = moved.next
            return moved
          })
          const limits = { sizesMax: [recordsMax, 1e9], ageMsMax: 1e6 }
          const chunks: RecordBatches[][] = []
          for await (const held of chunk(from(slices), limits, { sizeOf: sizeOfBatches, split: splitBatches })) {
            chunks.push(held)
          }
          const counts = chunks.map((held) => held.reduce((sum, each) => sum + Number(each.next - each.first), 0))
          expect(counts.slice(0, -1).every((count) => count === recordsMax)).toBe(true)
          const flat = chunks.flat()
          for (const [at, each] of flat.entries()) expect(each.first).toBe(flat[at - 1]?.next ?? 100n)
          expect(flat.at(-1)?.next).toBe(base)
        },
      ),
      { numRuns: 60 },
    )
  })
})

/** Moves the base offsets of all batches in `bytes`. */
function rebase(bytes: Uint8Array, by: bigint): Uint8Array {
  const moved = Buffer.from(bytes)
  for (let at = 0; at < moved.length; at += moved.readInt32BE(at + 8) + 12) {
    moved.writeBigInt64BE(moved.readBigInt64BE(at) + by, at)
  }
  return moved
}

describe('limitRecords', () => {
  const read = async (slices: readonly RecordBatches[], budget: RecordBudget): Promise<bigint[]> => {
    const nexts: bigint[] = []
    for await (const each of limitRecords(from(slices), budget.share())) nexts.push(each.next)
    return nexts
  }
  it('ends exactly at the budget, inside a record batch', async () => {
    expect(await read([slice([500])], new RecordBudget(123))).toEqual([223n])
  })
  it('shares one budget between routes', async () => {
    const budget = new RecordBudget(150)
    expect(await read([slice([100])], budget)).toEqual([200n])
    expect(await read([slice([100])], budget)).toEqual([150n])
    expect(await read([slice([100])], budget)).toEqual([])
  })
  it('gives back what a fence dropped', async () => {
    const budget = new RecordBudget(100)
    const share = budget.share()
    share.take(80)
    share.giveBackAllBut(30)
    expect(budget.left).toBe(70)
  })
})
