// Offsets that an operator gave up, and rows from before a take-over: explained as far as they go, and not one offset further.
import { describe, expect, it } from 'vitest'
import type { GapReason } from '../../../src/shared/commit/positions.ts'
import { at, check, rows, samples, total } from './seeded-table.ts'
import { counts, LogMaker, writeLog } from './verify-world.ts'

const gap = (first: bigint, next: bigint, why: GapReason) => [{ first, next, why, at: '2026-01-01T00:00:00Z' }]
const outside = (first: number, next: number) => rows.filter((_, offset) => offset < first || offset >= next)

describe('a gap that was never read', () => {
  const gaps = gap(10n, 20n, 'retention')

  it('explains its own offsets, whether the log still holds them or not', async () => {
    const report = await check([outside(10, 20)], { gaps })
    expect(counts(report)).toEqual([0, 0, 0, 0])
    expect(report.partitions[0]?.explained.acceptedGap).toBe(10)
    const log = new LogMaker()
    log.next = 15
    log.records(samples(15, total))
    const cut = await check([outside(10, 20)], { gaps }, writeLog(new Map([[0, log]]), 15))
    expect(counts(cut)).toEqual([0, 0, 0, 0])
    expect(cut.partitions[0]?.explained).toMatchObject({ acceptedGap: 10, belowLogStart: 10 })
  })

  it('explains nothing else: offsets beside it are missing, and a row inside it is extra', async () => {
    expect(counts(await check([outside(9, 21)], { gaps }))).toEqual([2, 0, 0, 0])
    const report = await check([[...outside(10, 20), at(12)]], { gaps })
    expect(counts(report)).toEqual([0, 0, 1, 0])
    expect(report.examples[0]?.reason).toContain('never read')
  })
})

describe('a log that was cut', () => {
  const gaps = gap(30n, 40n, 'truncated')
  it('leaves a row an offset beside those of the records that have these offsets now', async () => {
    const report = await check([[...rows, ...rows.slice(30, 40)]], { gaps })
    expect(counts(report)).toEqual([0, 0, 0, 0])
    expect(report.totals.goneFromSource).toBe(10)
  })

  it('knows its rows before others have come in', async () => {
    const log = new LogMaker().records(samples(0, 30))
    const positions = new Map([[0, [0, 30] as const]])
    const report = await check([rows], { gaps, positions }, writeLog(new Map([[0, log]])))
    expect(counts(report)).toEqual([0, 0, 0, 0])
    expect(report.totals.goneFromSource).toBe(10)
  })

  it('explains one row an offset: a second one is a duplicate, and one beside the cut, too', async () => {
    const twice = [...rows.slice(35, 36), ...rows.slice(35, 36)]
    expect(counts(await check([[...rows, ...twice]], { gaps }))).toEqual([0, 1, 0, 0])
    expect(counts(await check([[...rows, at(29)]], { gaps }))).toEqual([0, 1, 0, 0])
  })

  it('does not explain a record that has not come in', async () => {
    const other = { ...at(35), ...at(3), ...placeOfRow(35) }
    expect(counts(await check([[...outside(35, 36), other]], { gaps }))).toEqual([1, 0, 0, 0])
  })
})

const nowhere = { ...at(3), kafka_topic_id: null, kafka_partition: null, kafka_offset: null }

/** The provenance of a row, under other values. */
const placeOfRow = (offset: number) =>
  Object.fromEntries(Object.entries(at(offset)).filter(([name]) => name.startsWith('kafka_')))

describe('rows from before a take-over', () => {
  it('without provenance are extra in a file that we added to a table that was always ours', async () => {
    expect(counts(await check([[...rows, nowhere]]))).toEqual([0, 0, 1, 0])
  })

  it('are as many as there were then, and every further one is extra', async () => {
    const report = await check([[...rows, nowhere, nowhere]], { adopted: 2n })
    expect(counts(report)).toEqual([0, 0, 0, 0])
    expect(report.adoptedRows).toBe(2)
    expect(counts(await check([[...rows, nowhere, nowhere]], { adopted: 1n }))).toEqual([0, 0, 1, 0])
  })
})

describe('rows that another writer adds', () => {
  it('are counted apart where they claim no record', async () => {
    const report = await check([rows], { foreign: [nowhere, nowhere] })
    expect(counts(report)).toEqual([0, 0, 0, 0])
    expect(report).toMatchObject({ verdict: 'equal', foreignRows: 2, adoptedRows: 0, problems: [] })
  })

  it('are held against the record that they claim, and make up for none that is missing', async () => {
    expect(counts(await check([rows], { foreign: [at(7)] }))).toEqual([0, 1, 0, 0])
    expect(counts(await check([rows], { foreign: [{ ...nowhere, kafka_partition: 0 }] }))).toEqual([0, 0, 1, 0])
    const report = await check([rows.slice(1)], { foreign: [nowhere] })
    expect(counts(report)).toEqual([1, 0, 0, 0])
    expect(report.foreignRows).toBe(1)
  })

  it('are told from those that were there when the table was taken over', async () => {
    const report = await check([rows], { foreign: [nowhere, nowhere, nowhere], adopted: 1n })
    expect(report).toMatchObject({ verdict: 'equal', foreignRows: 2, adoptedRows: 1 })
  })
})
