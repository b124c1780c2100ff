import { describe, expect, test } from 'vitest'
import { KafkaReading, type Lane } from '../../../src/main/ingest/kafka-reading.ts'
import type { RecordBatches } from '../../../src/main/ingest/record-source.ts'
import { batch } from '../../support/record-maker.ts'

const lane = (partition: number, next: bigint, end: bigint | null = null): Lane => ({
  topic: 'c/t',
  topicName: 'trades',
  partition,
  next,
  end,
})
const raw = (...batches: Uint8Array[]) => ({
  bytes: Buffer.concat(batches),
  aborted: [],
  logStart: 0n,
  highWatermark: 100n,
})
const reading = (lanes: Lane[], isEndless = true, bytesMax = 1e6) => new KafkaReading(9, lanes, { bytesMax, isEndless })
const goesOn = (baseOffset: bigint) => ({ baseOffset, leaderEpoch: 3 })
const ranges = (slices: readonly RecordBatches[]) =>
  slices.map(({ partition, first, next }) => [partition, first, next])

async function allOf(read: KafkaReading): Promise<RecordBatches[]> {
  const slices: RecordBatches[] = []
  for await (const slice of read.slices()) slices.push(slice)
  return slices
}

describe('a reading', () => {
  test('takes what was asked for at the next offset of a lane, and nothing else', async () => {
    const read = reading([lane(0, 5n)])
    expect(read.take('trades', 0, 5n, raw(batch(4, 6)))).toBe('taken')
    expect(read.take('trades', 0, 5n, raw(batch(4, 6)))).toBe('misplaced')
    expect(read.take('trades', 1, 0n, raw(batch(0, 6)))).toBe('not read')
    expect(read.take('trades', 0, 10n, raw(batch(10, 2)))).toBe('taken')
    read.fail(new Error('enough'))
    const slices: RecordBatches[] = []
    await expect(async () => {
      for await (const slice of read.slices()) slices.push(slice)
    }).rejects.toThrow('enough')
    expect(ranges(slices)).toEqual([
      [0, 5n, 10n],
      [0, 10n, 12n],
    ])
    expect(slices.map(({ epoch, recordCount }) => [epoch, recordCount])).toEqual([
      [9, 6],
      [9, 2],
    ])
  })
  test('ends where every lane has reached its end, cutting the record batch that goes beyond', async () => {
    const read = reading([lane(0, 0n, 3n), lane(1, 7n, 7n)], false)
    expect(read.take('trades', 0, 0n, raw(batch(0, 2), batch(2, 4), batch(6, 1)))).toBe('ended')
    expect(read.take('trades', 0, 3n, raw(batch(2, 4)))).toBe('not read')
    expect(ranges(await allOf(read))).toEqual([[0, 0n, 3n]])
  })
  test('passes a stretch without batches, to where the log goes on or to the end of the lane', async () => {
    const read = reading([lane(0, 5n, 20n), lane(1, 5n, 9n)], false)
    const [zero, one] = read.lanes
    if (zero === undefined || one === undefined) throw new Error('two lanes')
    expect(read.pass(zero, 4n, goesOn(12n))).toBe('misplaced')
    expect(read.pass(zero, 5n, goesOn(12n))).toBe('taken')
    expect(read.take('trades', 0, 12n, raw(batch(12, 8)))).toBe('ended')
    expect(read.pass(one, 5n, goesOn(30n))).toBe('ended')
    expect(read.pass(one, 9n, goesOn(30n))).toBe('not read')
    const slices = await allOf(read)
    expect(ranges(slices)).toEqual([
      [0, 5n, 12n],
      [0, 12n, 20n],
      [1, 5n, 9n],
    ])
    expect(slices.map(({ recordCount, bytes, leaderEpoch }) => [recordCount, bytes.length > 0, leaderEpoch])).toEqual([
      [0, false, 3],
      [8, true, 0],
      [0, false, 3],
    ])
  })
  test('of no partition at all waits for its revocation, unless it is to the end', async () => {
    expect(await allOf(reading([], false))).toEqual([])
    const endless = reading([])
    setTimeout(() => endless.close(), 20)
    const startMs = performance.now()
    expect(await allOf(endless)).toEqual([])
    expect(performance.now() - startMs).toBeGreaterThan(10)
  })
  test('is full at its bytes until a slice is taken out, and drops what it holds when it is closed', async () => {
    const read = reading([lane(0, 0n)], true, 50)
    expect(read.isFull).toBe(false)
    read.take('trades', 0, 0n, raw(batch(0, 3)))
    expect(read.isFull).toBe(true)
    const slices = read.slices()
    expect((await slices.next()).value).toMatchObject({ next: 3n })
    expect(read.isFull).toBe(false)
    read.take('trades', 0, 3n, raw(batch(3, 3)))
    read.close()
    expect(await slices.next()).toEqual({ done: true, value: undefined })
    expect(read.take('trades', 0, 6n, raw(batch(6, 3)))).toBe('not read')
  })
})
