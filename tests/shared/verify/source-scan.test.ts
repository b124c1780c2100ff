// Faults are seeded into the table, one at a time, and the counts must be exactly those of the fault: the checker is checked.
import { describe, expect, it } from 'vitest'
import type { Row } from '../../support/column-maker.ts'
import { at, check, rows, rowsOf, samples, total, without } from './seeded-table.ts'
import { counts, LogMaker, type Sample, writeLog } from './verify-world.ts'
import { wideSample, wideSchema } from './wide-sample.ts'

describe('absent offsets', () => {
  it('of transactions are explained: aborted, control, open; a row of an aborted one is extra', async () => {
    const log = () =>
      new LogMaker()
        .transaction(samples(0, 5), 'commit')
        .transaction(samples(6, 9), 'abort')
        .records(samples(10, 20))
        .transaction(samples(20, 23), 'abort', 9n)
        .records(samples(24, 30))
    const stored = [...rowsOf(samples(0, 5)), ...rowsOf(samples(10, 20)), ...rowsOf(samples(24, 30))]
    const positions = new Map([[0, [0, 30] as const]])
    const report = await check([stored], { positions }, writeLog(new Map([[0, log()]])))
    expect(counts(report)).toEqual([0, 0, 0, 0])
    expect(report.partitions[0]?.explained).toMatchObject({ aborted: 6, control: 3, open: 0, compacted: 0 })
    const leaked = await check([[...stored, at(7), at(21)]], { positions }, writeLog(new Map([[0, log()]])))
    expect(counts(leaked)).toEqual([0, 0, 2, 0])
    expect(leaked.examples[0]?.reason).toContain('aborted')
  })

  it('of a transaction that never ended are not due, and its rows are extra', async () => {
    const source = writeLog(
      new Map([[0, new LogMaker().records(samples(0, 5)).transaction(samples(5, 8), 'none').records(samples(8, 10))]]),
    )
    const positions = new Map([[0, [0, 10] as const]])
    const stored = [...rowsOf(samples(0, 5)), ...rowsOf(samples(8, 10))]
    const report = await check([stored], { positions }, source)
    expect(counts(report)).toEqual([0, 0, 0, 0])
    expect(report.partitions[0]?.explained.open).toBe(3)
    expect(counts(await check([[...stored, at(6)]], { positions }, source))).toEqual([0, 0, 1, 0])
  })

  it('of compaction are explained, inside batches, at their ends and of whole batches; rows kept from before are not extra', async () => {
    const log = new LogMaker()
      .records(
        [0, 3, 4].map((offset) => wideSample(offset)),
        { lastOffsetDelta: 9 },
        [0, 3, 4],
      )
      .records([], { baseOffset: 10n, lastOffsetDelta: 4 }, [10])
      .records(
        samples(20, 30),
        {},
        Array.from({ length: 10 }, (_, index) => 20 + index),
      )
    const source = writeLog(new Map([[0, log]]))
    const positions = new Map([[0, [0, 30] as const]])
    const stored = [at(0), at(3), at(4), ...rowsOf(samples(20, 30))]
    const report = await check([stored], { positions }, source)
    expect(counts(report)).toEqual([0, 0, 0, 0])
    expect(report.partitions[0]?.explained.compacted).toBe(17)
    const kept = await check([[...stored, at(1), at(12)]], { positions }, source)
    expect(counts(kept)).toEqual([0, 0, 0, 0])
    expect(kept.totals.goneFromSource).toBe(2)
    expect(counts(await check([[...stored, at(1), at(1)]], { positions }, source))).toEqual([0, 1, 0, 0])
  })

  it('below the start of the log are gone from the source, with their rows', async () => {
    const log = new LogMaker()
    log.next = 10
    log.records(samples(10, total))
    const report = await check([rows], {}, writeLog(new Map([[0, log]]), 10))
    expect(counts(report)).toEqual([0, 0, 0, 0])
    expect(report.totals.goneFromSource).toBe(10)
    expect(report.partitions[0]).toMatchObject({ logStart: '10', explained: { belowLogStart: 10 } })
  })

  it('of tombstones follow the policy of the table', async () => {
    const tombstone: Sample = { ...wideSample(2), value: null }
    const nullable = { ...wideSchema, fields: wideSchema.fields.map((field) => ({ ...field, required: false })) }
    const source = writeLog(new Map([[0, new LogMaker().records([...samples(0, 2), tombstone, ...samples(3, total)])]]))
    const skipped = await check([without(2)], { schema: nullable }, source)
    expect(counts(skipped)).toEqual([0, 0, 0, 0])
    expect(skipped.partitions[0]?.explained.tombstones).toBe(1)
    const { kafka_topic, kafka_topic_id, kafka_partition, kafka_offset, kafka_timestamp, kafka_key, kafka_headers } =
      at(2)
    const own = {
      kafka_topic,
      kafka_topic_id,
      kafka_partition,
      kafka_offset,
      kafka_timestamp,
      kafka_key,
      kafka_headers,
    }
    const stored = rows.map((row, index) => (index === 2 ? (own as Row) : row))
    expect(counts(await check([stored], { schema: nullable, tombstone: 'store' }, source))).toEqual([0, 0, 0, 0])
    expect(counts(await check([stored], { schema: nullable }, source))).toEqual([0, 0, 1, 0])
    expect(counts(await check([without(2)], { schema: nullable, tombstone: 'store' }, source))).toEqual([1, 0, 0, 0])
  })
})
