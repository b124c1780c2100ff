// Faults are seeded into the table, one at a time, and the counts must be exactly those of the fault: the checker is checked.
import { describe, expect, it } from 'vitest'
import type { Row } from '../../support/column-maker.ts'
import { at, check, garbled, rows, samples, total, without } from './seeded-table.ts'
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

describe('replayed dead letters', () => {
  const letterAt = (offset: number): Row => letterOf(offset, wideSample(offset), 'RECORD_SCHEMA_UNKNOWN')
  const three = { letters: [letterAt(3), letterAt(4), letterAt(5)], replayed: 2n }

  it('are a row beside their letter, counted, and no difference; those that were not replayed have none', async () => {
    const report = await check([without(3)], three)
    expect(counts(report)).toEqual([0, 0, 0, 0])
    expect([report.verdict, report.problems]).toEqual(['equal', []])
    expect(report.totals).toMatchObject({ replayed: 2, deadLetters: 3, tableRows: total - 1, equal: total - 3 })
  })

  it('are duplicates from the second row on, and changed where no row is the record', async () => {
    const doubled = await check([without(3), [at(4)]], three)
    expect(counts(doubled)).toEqual([0, 1, 0, 0])
    expect(doubled.examples[0]).toMatchObject({ offset: '4', reason: '2 rows for one dead letter' })
    const wrong = rows.flatMap((row, index) => (index === 3 ? [] : [index === 4 ? { ...row, text: 'wrong' } : row]))
    expect(counts(await check([wrong], three))).toEqual([0, 0, 0, 1])
  })

  it('are as many as the positions say, or the proof fails: the letter of a lost one explains its offset', async () => {
    for (const replayed of [1n, 3n]) {
      const report = await check([without(3)], { ...three, replayed })
      expect(counts(report)).toEqual([0, 0, 0, 0])
      expect(report.verdict).toBe('different')
      expect(report.problems).toEqual([
        `market_data.trades_v2: ${replayed} dead letters were replayed by its positions, 2 of them are rows`,
      ])
    }
    // Positions that somebody set say nothing of how many there are.
    expect((await check([without(3)], { ...three, replayed: 9n, history: 1 })).verdict).toBe('equal')
  })

  it('are duplicates in a table that never replayed, and extra rows where the record cannot be read', async () => {
    const { letters } = three
    expect(counts(await check([without(3)], { letters }))).toEqual([0, 2, 0, 0])
    const bad = garbled(8, Uint8Array.of(0, 0, 0, 0, 1, 255))
    const log = new LogMaker().records([...samples(0, 8), bad, ...samples(9, total)])
    const content = { letters: [letterOf(8, bad, 'RECORD_VARINT')], replayed: 1n }
    expect(counts(await check([rows], content, writeLog(new Map([[0, log]]))))).toEqual([0, 1, 0, 0])
  })

  it('of records that the log has lost are counted, and still may have one row only', async () => {
    const log = new LogMaker().records(samples(0, 3)).records(samples(6, total), {}, range(6, total))
    const source = writeLog(new Map([[0, log]]))
    const report = await check([without(3)], three, source)
    expect(counts(report)).toEqual([0, 0, 0, 0])
    expect(report.totals.replayed).toBe(2)
    expect(counts(await check([without(3), [at(4)]], three, source))).toEqual([0, 1, 0, 0])
  })
})

const range = (first: number, next: number): number[] =>
  Array.from({ length: next - first }, (_, index) => first + index)
