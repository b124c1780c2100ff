// Transactions in a log directory: no broker lists the aborted ones.
import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { writeTransactionMarker } from '../../../src/shared/kafka/record-batch-writer.ts'
import { collect, data, endOf, failure, marker, offsetsOf, producer, range, sourceOf } from '../../support/log-reads.ts'
import { batch } from '../../support/record-maker.ts'

describe('transactions', () => {
  test('aborted batches and markers are left out, their offsets are covered', async () => {
    const log = [
      data(0, 3, 1),
      data(3, 2, 2),
      marker(5, 1, 'abort'),
      batch(6, 1),
      data(7, 2, 1),
      marker(9, 2, 'commit'),
      marker(10, 1, 'commit'),
    ]
    const { source } = await sourceOf({ 0: log })
    const slices = await collect(source)
    expect(offsetsOf(slices)).toEqual([3, 4, 6, 7, 8])
    expect(endOf(slices)).toBe(11n)
    expect(await source.partitions()).toMatchObject([{ logEnd: 11n }])
  })

  test('a marker many segments later is found, whatever the slices', async () => {
    const fill = (from: number, next: number) => range(from, next).map((i) => batch(i, 1, { padBytes: 500 }))
    const segments = {
      0: [data(0, 2, 1), ...fill(2, 50)],
      50: fill(50, 90),
      90: [...fill(90, 95), marker(95, 1, 'abort')],
    }
    for (const sliceBytes of [100, 3000, 1 << 20]) {
      const { source } = await sourceOf(segments, sliceBytes)
      expect(offsetsOf(await collect(source))).toEqual(range(2, 95))
    }
  })

  test('a marker between two transactions of its producer is not the end of the later one', async () => {
    const log = [data(0, 1, 1), marker(1, 1, 'abort'), marker(2, 3, 'commit'), data(3, 1, 3), batch(4, 1)]
    const { source } = await sourceOf({ 0: log })
    const slices = await collect(source)
    expect([offsetsOf(slices), endOf(slices)]).toEqual([[], 3n])
  })

  test('reading stops at the first open transaction, and goes on when its marker has come', async () => {
    const { source, path } = await sourceOf({
      0: [batch(0, 2), data(2, 2, 1), batch(4, 2), data(6, 1, 2), marker(7, 2, 'commit')],
    })
    expect(await source.partitions()).toMatchObject([{ logEnd: 2n }])
    const before = await collect(source)
    expect([offsetsOf(before), endOf(before)]).toEqual([[0, 1], 2n])
    expect(await collect(source, [2])).toEqual([])
    await appendFile(join(path, `${'0'.repeat(20)}.log`), marker(8, 1, 'commit'))
    expect(await source.partitions()).toMatchObject([{ logEnd: 9n }])
    expect(offsetsOf(await collect(source, [2]), 2)).toEqual(range(2, 7))
  })

  test('a transaction begun in an earlier segment counts as open once a read has met it', async () => {
    const { source } = await sourceOf({ 0: [batch(0, 1), data(1, 1, 1)], 2: [batch(2, 3)] })
    expect(await source.partitions()).toMatchObject([{ logEnd: 5n }])
    expect(endOf(await collect(source))).toBe(1n)
    expect(await source.partitions()).toMatchObject([{ logEnd: 1n }])
  })

  test('control records that end no transaction are left out, without an effect on any', async () => {
    const leaderChange = writeTransactionMarker({
      baseOffset: 1n,
      marker: 'abort',
      producer: producer(-1),
      timestampMs: 1,
    })
    const emptiedMarker = batch(2, 0, { kind: 'control', producer: producer(1) })
    const { source } = await sourceOf({ 0: [data(0, 1, 1), leaderChange, emptiedMarker, marker(3, 1, 'commit')] })
    expect(offsetsOf(await collect(source))).toEqual([0])
  })

  test('a marker whose type was changed on disk is SOURCE_CORRUPT, not another outcome', async () => {
    const forged = marker(2, 1, 'abort')
    const at = forged.lastIndexOf(12) - 1 // key: 0 0 0 <type>, then the value's length 6 as zigzag
    expect(forged[at]).toBe(0)
    forged[at] = 1
    const { source } = await sourceOf({ 0: [data(0, 2, 1), forged, batch(3, 1)] })
    expect((await failure(() => collect(source))).code).toBe('SOURCE_CORRUPT')
  })

  test('any interleaving of producers, from any position: exactly the committed and plain records are kept', async () => {
    const step = fc.record({
      kind: fc.constantFrom('plain', 'data', 'commit', 'abort'),
      id: fc.integer({ min: 1, max: 3 }),
      count: fc.integer({ min: 1, max: 3 }),
    })
    const check = fc.asyncProperty(
      fc.array(step, { maxLength: 25 }),
      fc.integer({ min: 100, max: 700 }),
      fc.nat(),
      async (steps, sliceBytes, seed) => {
        const log: Uint8Array[] = []
        const open = new Map<number, number[]>()
        const kept: number[] = []
        const starts: { base: number; from: number }[] = [{ base: 0, from: 0 }]
        let at = 0
        for (const { kind, id, count } of steps) {
          if (log.length % 7 === 6) starts.push({ base: at, from: log.length })
          const offsets = range(at, at + count)
          if (kind === 'plain') {
            log.push(batch(at, count))
            kept.push(...offsets)
            at += count
          } else if (kind === 'data') {
            log.push(data(at, count, id))
            open.set(id, [...(open.get(id) ?? []), ...offsets])
            at += count
          } else {
            log.push(marker(at, id, kind === 'commit' ? 'commit' : 'abort'))
            if (kind === 'commit') kept.push(...(open.get(id) ?? []))
            open.delete(id)
            at += 1
          }
        }
        const stable = Math.min(at, ...[...open.values()].map((offsets) => offsets[0] ?? at))
        const segments = Object.fromEntries(
          starts.map(({ base, from }, i) => [base, log.slice(from, starts[i + 1]?.from)]),
        )
        const { source } = await sourceOf(segments, sliceBytes)
        const from = seed % (stable + 1)
        const slices = await collect(source, [from])
        const expected = kept.filter((offset) => offset >= from && offset < stable).sort((a, b) => a - b)
        expect(offsetsOf(slices, from)).toEqual(expected)
        expect(endOf(slices) ?? BigInt(from)).toBe(BigInt(stable))
      },
    )
    await fc.assert(check, { numRuns: 150 })
  })
})
