// Faults are seeded into the table, one at a time, and the counts must be exactly those of the fault: the checker is checked.
import { describe, expect, it } from 'vitest'
import type { Cell } from '../../support/column-maker.ts'
import { at, changed, check, rows, rowsOf, samples, total, without } from './seeded-table.ts'
import { counts, LogMaker, topicName, writeLog } from './verify-world.ts'

describe('a seeded fault', () => {
  it('of one row dropped is one missing', async () => {
    const report = await check([without(9)])
    expect(counts(report)).toEqual([1, 0, 0, 0])
    expect(report.examples).toMatchObject([{ kind: 'missing', offset: '9', partition: 0, topic: topicName }])
    expect(report.verdict).toBe('different')
    expect(report.totals.equal).toBe(total - 1)
  })

  it('of one row doubled is one duplicate, in its file or in another', async () => {
    expect(counts(await check([[...rows, at(4)]]))).toEqual([0, 1, 0, 0])
    expect(counts(await check([rows, [at(4)], [at(4)]]))).toEqual([0, 2, 0, 0])
  })

  it('of a wrong copy beside the right row is a duplicate, and beside no right row also a change', async () => {
    const wrong = { ...at(4), text: 'wrong' }
    expect(counts(await check([rows, [wrong]]))).toEqual([0, 1, 0, 0])
    expect(counts(await check([without(4), [wrong, wrong]]))).toEqual([0, 1, 0, 1])
  })

  it('of an offset shifted is one missing and one duplicate', async () => {
    expect(counts(await check([changed(10, { kafka_offset: 11n })]))).toEqual([1, 1, 0, 0])
  })

  it('of values exchanged between two rows is two changes, though all sums over columns stay the same', async () => {
    const report = await check([
      rows.map((row, index) => ({ ...row, price: at(index === 20 ? 21 : index === 21 ? 20 : index)['price'] ?? null })),
    ])
    expect(counts(report)).toEqual([0, 0, 0, 2])
    expect(report.examples.map((example) => example.columns[0]?.column)).toEqual(['price', 'price'])
  })

  it('of a row at or beyond the next offset, before the start, of another topic or without an offset is extra', async () => {
    const beyond = await check([rows.slice(0, 30)], { positions: new Map([[0, [0, 29]]]) })
    expect(counts(beyond)).toEqual([0, 0, 1, 0])
    expect(counts(await check([rows], { positions: new Map([[0, [2, total]]]) }))).toEqual([0, 0, 2, 0])
    expect(counts(await check([[...rows, { ...at(1), kafka_topic_id: 'other' }]]))).toEqual([0, 0, 1, 0])
    expect(counts(await check([[...rows, { ...at(1), kafka_partition: 9 }]]))).toEqual([0, 0, 1, 0])
    expect(counts(await check([changed(3, { kafka_offset: null })]))).toEqual([1, 0, 1, 0])
  })

  it('is found in every bucket of offsets, with exact counts far from the start', async () => {
    const far = 200_000
    const log = new LogMaker()
    log.next = far
    const list = samples(far, far + total)
    log.records(list)
    const table = [rowsOf(list).filter((_, index) => index !== 2 && index !== 30)]
    const report = await check(
      table,
      { positions: new Map([[0, [far, far + total]]]) },
      writeLog(new Map([[0, log]]), far),
    )
    expect(counts(report)).toEqual([2, 0, 0, 0])
  })
})

const alterations: ReadonlyArray<readonly [column: string, change: (value: Cell) => Cell]> = [
  ['text', () => 'tëxt 7 🙂!'],
  ['flag', (value) => !value],
  ['small', (value) => Number(value) + 1],
  ['large', (value) => (value as bigint) ^ (1n << 40n)],
  ['single', (value) => Math.fround(Number(value) * 1.0000002)],
  ['wide', (value) => Number(value) + Number.EPSILON * 4],
  ['raw', () => Uint8Array.of(7, 0, 254)],
  ['code', () => Uint8Array.of(1, 3, 7)],
  ['side', () => 'BUY'],
  ['price', (value) => (value as bigint) + 1n],
  ['huge', (value) => (value as bigint) + (1n << 100n)],
  ['day', (value) => Number(value) - 1],
  ['timestamp', (value) => (value as bigint) + 1n],
  ['micros', (value) => (value as bigint) - 1n],
  ['local', (value) => -(value as bigint)],
  ['time', (value) => (value as bigint) * 10n],
  ['note', () => null],
  ['count', () => null],
  ['tags', () => ['t7', '', 'x'.repeat(7)]],
  [
    'data',
    () =>
      new Map([
        ['k7', 7n],
        ['b', -2n],
      ]),
  ],
  [
    'data',
    () =>
      new Map([
        ['k8', 7n],
        ['b', -1n],
      ]),
  ],
  ['venue', () => null],
  ['kafka_topic', () => 'market.crypto.trades.other'],
  ['kafka_timestamp', (value) => (value as bigint) + 1000n],
  ['kafka_key', () => Uint8Array.of(1)],
  ['kafka_headers', () => []],
  [
    'kafka_headers',
    () => [
      { key: 'n', value: null },
      { key: 'h', value: Uint8Array.of(7) },
    ],
  ],
]

describe('one value altered', () => {
  it.each(alterations)('in column %s is one change, shown by its column', async (column, change) => {
    const report = await check([changed(7, { [column]: change(at(7)[column] ?? null) })])
    expect(counts(report)).toEqual([0, 0, 0, 1])
    const [example] = report.examples
    expect(example).toMatchObject({ kind: 'changed', offset: '7' })
    expect(example?.columns[0]?.column.split(/[.[ ]/)[0]).toBe(column)
    expect(example?.columns[0]?.source).not.toBe(example?.columns[0]?.table)
  })

  // Record 11: venue v4, rank 11, two fees of which the first has parts 0, 11, 22.
  const venue = (name: string, rank: number | null, fees: Cell): Cell => ({ name, rank, fees })
  const parts = [0, 11, 22]
  const nested: ReadonlyArray<readonly [what: string, venue: Cell]> = [
    [
      'a value of a struct',
      venue('v5', 11, [
        { kind: 'fee0', parts },
        { kind: 'fee1', parts: null },
      ]),
    ],
    [
      'null in a struct',
      venue('v4', null, [
        { kind: 'fee0', parts },
        { kind: 'fee1', parts: null },
      ]),
    ],
    [
      'an empty list for null',
      venue('v4', 11, [
        { kind: 'fee0', parts },
        { kind: 'fee1', parts: [] },
      ]),
    ],
    [
      'an item moved to the next list',
      venue('v4', 11, [
        { kind: 'fee0', parts: [0, 11] },
        { kind: 'fee1', parts: [22] },
      ]),
    ],
    [
      'items exchanged',
      venue('v4', 11, [
        { kind: 'fee0', parts: [11, 0, 22] },
        { kind: 'fee1', parts: null },
      ]),
    ],
    [
      'structs exchanged',
      venue('v4', 11, [
        { kind: 'fee1', parts: null },
        { kind: 'fee0', parts },
      ]),
    ],
    ['an item dropped', venue('v4', 11, [{ kind: 'fee0', parts }])],
    [
      'an item doubled',
      venue('v4', 11, [
        { kind: 'fee0', parts },
        { kind: 'fee1', parts: null },
        { kind: 'fee1', parts: null },
      ]),
    ],
  ]
  it.each(nested)('inside lists and structs (%s) is one change', async (_what, value) => {
    expect(counts(await check([rows]))).toEqual([0, 0, 0, 0])
    expect(counts(await check([changed(11, { venue: value })]))).toEqual([0, 0, 0, 1])
  })

  it('from an empty list to null, or in a null item, is one change', async () => {
    expect(counts(await check([changed(5, { tags: null })]))).toEqual([0, 0, 0, 1])
    expect(counts(await check([changed(6, { tags: [null, 't6', 'x'.repeat(6)] })]))).toEqual([0, 0, 0, 1])
  })
})
