// Faults are seeded into the table, one at a time, and the counts must be exactly those of the fault: the checker is checked.
import { describe, expect, it } from 'vitest'
import { check, garbled, rows, samples, total, without } from './seeded-table.ts'
import { counts, LogMaker, letterOf, writeLog } from './verify-world.ts'
import { wideSample } from './wide-sample.ts'

describe('dead letters', () => {
  const bad = garbled(8, Buffer.concat([wideSample(8).value ?? Buffer.alloc(0), Buffer.from([0])]))
  const source = (): string =>
    writeLog(new Map([[0, new LogMaker().records([...samples(0, 8), bad, ...samples(9, total)])]]))
  const letter = letterOf(8, bad, 'RECORD_TRAILING_BYTES')

  it('explain the offsets of records that cannot be read', async () => {
    const report = await check([without(8)], { letters: [letter] }, source())
    expect(counts(report)).toEqual([0, 0, 0, 0])
    expect(report.partitions[0]?.explained.deadLetters).toBe(1)
    expect(report.contested).toEqual({})
    expect(report.verdict).toBe('equal')
  })

  it('count from side files that main names and their table does not hold yet', async () => {
    const report = await check([without(8)], { unconfirmed: [letter] }, source())
    expect(counts(report)).toEqual([0, 0, 0, 0])
    expect(report.totals.deadLetters).toBe(1)
  })

  it('lost are missing; a row in their place is extra', async () => {
    const report = await check([without(8)], {}, source())
    expect(counts(report)).toEqual([1, 0, 0, 0])
    expect(report.examples[0]?.reason).toContain('RECORD_TRAILING_BYTES')
    expect(counts(await check([rows], {}, source()))).toEqual([0, 0, 1, 0])
  })

  it('doubled, or beside a row, are duplicates', async () => {
    expect(counts(await check([without(8)], { letters: [letter, letter] }, source()))).toEqual([0, 1, 0, 0])
    expect(counts(await check([rows], { letters: [letter] }, source()))).toEqual([0, 1, 0, 0])
    const good = letterOf(3, wideSample(3), 'RECORD_PARTITION_WINDOW')
    expect(counts(await check([rows], { letters: [good] }))).toEqual([0, 1, 0, 0])
  })

  it.each([
    ['value', Uint8Array.of(1, 2, 3)],
    ['kafka_key', null],
    ['kafka_timestamp', 5n],
    ['kafka_topic', 'other'],
  ])('with another %s than their record are changed', async (column, value) => {
    const report = await check([without(8)], { letters: [{ ...letter, [column]: value }] }, source())
    expect(counts(report)).toEqual([0, 0, 0, 1])
    expect(report.examples[0]?.reason).toContain('dead letter')
  })

  it('of records that this reader can decode are shown by their code, and must have one', async () => {
    const good = letterOf(3, wideSample(3), 'RECORD_PARTITION_WINDOW')
    const report = await check([without(3)], { letters: [good] })
    expect(counts(report)).toEqual([0, 0, 0, 0])
    expect(report.contested).toEqual({ RECORD_PARTITION_WINDOW: 1 })
    expect(report.verdict).toBe('equal')
    const nameless = await check([without(3)], { letters: [{ ...good, error_code: null }] })
    expect(nameless.problems).toEqual(['market_data.trades_v2_dead_letters: 1 rows without an error_code'])
    expect(nameless.verdict).toBe('different')
  })

  it('beyond the positions, or of nobody, are extra', async () => {
    const later = letterOf(total, wideSample(total), 'RECORD_VALUE')
    expect(counts(await check([rows], { letters: [later] }))).toEqual([0, 0, 1, 0])
    const stranger = { ...later, kafka_topic_id: 'other' }
    expect(counts(await check([rows], { letters: [stranger] }))).toEqual([0, 0, 1, 0])
  })

  it.each([
    ['RECORD_NOT_FRAMED', Buffer.from([1, 0, 0, 0, 1, 5])],
    ['RECORD_NOT_FRAMED', Buffer.from([0, 0])],
    ['RECORD_SCHEMA_UNKNOWN', Buffer.from([0, 0, 0, 0, 9, 5])],
    ['RECORD_TRUNCATED', Buffer.from([0, 0, 0, 0, 1, 1])],
    ['RECORD_VALUE', Buffer.from([0, 0, 0, 0, 1, 2])],
  ])('are due for records that are %s', async (code, value) => {
    const list = [...samples(0, 8), garbled(8, value), ...samples(9, total)]
    const report = await check([without(8)], {}, writeLog(new Map([[0, new LogMaker().records(list)]])))
    expect(counts(report)).toEqual([1, 0, 0, 0])
    expect(report.examples[0]?.reason).toContain(code)
  })
})
