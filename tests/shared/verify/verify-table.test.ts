// Faults are seeded into the table, one at a time, and the counts must be exactly those of the fault: the checker is checked.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { fromFailure } from '../../../src/shared/errors.ts'
import { loadManifestList } from '../../../src/shared/iceberg/append.ts'
import type { TableName } from '../../../src/shared/iceberg/catalog.ts'
import { decodeManifest, encodeManifest } from '../../../src/shared/iceberg/manifest.ts'
import type { Cell, Row } from '../../support/column-maker.ts'
import {
  counts,
  LogMaker,
  letterOf,
  makeTable,
  type Sample,
  type TableContent,
  topicName,
  verify,
  writeLog,
} from './verify-world.ts'
import { wideAvro, wideSample, wideSchema } from './wide-sample.ts'

const schemas = new Map<number, unknown>([[1, wideAvro]])
const samples = (first: number, next: number, partition = 0): Sample[] =>
  Array.from({ length: next - first }, (_, index) => wideSample(first + index, partition))
const rowsOf = (list: readonly Sample[]): Row[] => list.map((sample) => sample.row)
const total = 40

const cleanLog = (): string =>
  writeLog(new Map([[0, new LogMaker().records(samples(0, 15)).records(samples(15, total), { codec: 'lz4' })]]))

/** Verifies a table of these files against the clean log. */
async function check(files: ReadonlyArray<readonly Row[]>, more: Partial<TableContent> = {}, source = cleanLog()) {
  const table = await makeTable({ schema: wideSchema, files, positions: new Map([[0, [0, total]]]), ...more })
  return verify(source, table, schemas)
}
const rows = rowsOf(samples(0, total))
const at = (index: number): Row => rows[index] as Row
const without = (index: number): Row[] => rows.filter((_, each) => each !== index)
const changed = (index: number, change: Row): Row[] =>
  rows.map((row, each) => (each === index ? { ...row, ...change } : row))
const garbled = (offset: number, value: Uint8Array | null): Sample => ({ ...wideSample(offset), value })

describe('a table that is right', () => {
  it('is equal, with every column kind, plain and dictionary columns, several files and codecs', async () => {
    const log = new LogMaker()
    const codecs = ['none', 'gzip', 'snappy', 'snappy-xerial', 'lz4'] as const
    for (const [index, codec] of codecs.entries()) log.records(samples(index * 8, index * 8 + 8), { codec })
    const files = [rows.slice(0, 13), rows.slice(13)]
    const report = await check(files, { dictionaries: new Set([9, 41, 51]) }, writeLog(new Map([[0, log]])))
    expect(report.examples).toEqual([])
    expect(counts(report)).toEqual([0, 0, 0, 0])
    expect(report.verdict).toBe('equal')
    expect(report.totals).toMatchObject({ sourceRecords: total, tableRows: total, equal: total })
  })

  it('keeps partitions apart, and reports records beyond the positions as not yet committed', async () => {
    const source = writeLog(
      new Map([
        [0, new LogMaker().records(samples(0, 20))],
        [3, new LogMaker().records(samples(0, 20, 3)).records(samples(20, 30, 3))],
      ]),
    )
    const files = [[...rowsOf(samples(0, 20, 3)), ...rowsOf(samples(0, 12))]]
    const positions = new Map([
      [0, [0, 12] as const],
      [3, [0, 20] as const],
    ])
    const report = await check(files, { positions }, source)
    expect(counts(report)).toEqual([0, 0, 0, 0])
    expect(report.partitions.map((partition) => partition.notYetCommitted)).toEqual([8, 10])
    expect(report.verdict).toBe('equal')
  })

  it('compares only from the start of the positions', async () => {
    const report = await check([rows.slice(7)], { positions: new Map([[0, [7, total]]]) })
    expect(counts(report)).toEqual([0, 0, 0, 0])
    expect(report.partitions[0]).toMatchObject({ start: '7', sourceRecords: total - 7 })
  })
})

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

describe('files and manifests', () => {
  it('named twice are a problem, and their rows are duplicates', async () => {
    const report = await check([rows], { entries: (files) => [...files, ...files] })
    expect(counts(report)).toEqual([0, total, 0, 0])
    expect(report.problems).toEqual([expect.stringContaining('f0.parquet 2 times')])
  })

  it('with another row count or size than their manifest says are a problem', async () => {
    const wrong = await check([rows], {
      entries: ([file]) => (file ? [{ ...file, recordCount: 39, sizeBytes: 5 }] : []),
    })
    expect(counts(wrong)).toEqual([0, 0, 0, 0])
    expect(wrong.problems).toEqual([
      expect.stringContaining('f0.parquet holds 40 rows, its manifest says 39'),
      expect.stringContaining('its manifest says 5'),
    ])
    expect(wrong.verdict).toBe('different')
  })

  it('that are gone are a problem, and their rows are missing', async () => {
    const table = await makeTable({
      schema: wideSchema,
      files: [rows.slice(0, 35), rows.slice(35)],
      positions: new Map([[0, [0, total]]]),
    })
    await table.store.delete('file:///memory/data/f1.parquet')
    const report = await verify(cleanLog(), table, schemas)
    expect(counts(report)).toEqual([5, 0, 0, 0])
    expect(report.problems).toEqual([expect.stringContaining('f1.parquet is gone (5 rows)')])
  })

  it('that are damaged are named', async () => {
    const table = await makeTable({ schema: wideSchema, files: [rows], positions: new Map([[0, [0, total]]]) })
    const location = 'file:///memory/data/f0.parquet'
    const bytes = table.store.files.get(location) as Uint8Array
    bytes.fill(0xff, 4, 400)
    await expect(verify(cleanLog(), table, schemas)).rejects.toMatchObject({ code: 'TABLE_FILE_CORRUPT' })
    table.store.files.set(location, bytes.subarray(0, bytes.length - 9))
    await expect(verify(cleanLog(), table, schemas)).rejects.toMatchObject({ code: 'TABLE_FILE_CORRUPT' })
  })

  it('without a column hold nulls there, and a field of the record without a column is a problem', async () => {
    const grown = {
      ...wideSchema,
      fields: [...wideSchema.fields, { id: 99, name: 'added', required: false, type: 'string' }],
    }
    expect(counts(await check([rows], { schema: grown }))).toEqual([0, 0, 0, 0])
    const shrunk = { ...wideSchema, fields: wideSchema.fields.filter((field) => field.name !== 'note') }
    const report = await check([rows], { schema: shrunk })
    expect(report.problems).toEqual(['market_data.trades_v2: no column for field note (schema id 1)'])
  })
})

describe('a comparison that cannot be made', () => {
  const table = (more: Partial<TableContent> = {}) =>
    makeTable({ schema: wideSchema, files: [rows], positions: new Map([[0, [0, total]]]), ...more })

  it('ends by name: positions beyond the log, another cluster, a corrupt segment', async () => {
    const beyond = table({ positions: new Map([[0, [0, total + 1]]]) })
    await expect(verify(cleanLog(), await beyond, schemas)).rejects.toMatchObject({ code: 'POSITION_OUT_OF_RANGE' })
    const other = cleanLog()
    writeFileSync(join(other, 'meta.properties'), 'cluster.id=cluster-2\n')
    await expect(verify(other, await table(), schemas)).rejects.toMatchObject({ code: 'SOURCE_IDENTITY' })
    const corrupt = cleanLog()
    const segment = join(corrupt, `${topicName}-0`, `${'0'.repeat(20)}.log`)
    const bytes = readFileSync(segment)
    bytes[100] = (bytes[100] ?? 0) ^ 1
    writeFileSync(segment, bytes)
    await expect(verify(corrupt, await table(), schemas)).rejects.toMatchObject({ code: 'SOURCE_CORRUPT' })
  })

  it('does not come of a torn tail: that is the end of the log', async () => {
    const source = writeLog(
      new Map([[0, new LogMaker().records(samples(0, total)).records(samples(total, total + 5))]]),
    )
    const segment = join(source, `${topicName}-0`, `${'0'.repeat(20)}.log`)
    const bytes = readFileSync(segment)
    writeFileSync(segment, bytes.subarray(0, bytes.length - 3))
    const report = await verify(source, await table(), schemas)
    expect(counts(report)).toEqual([0, 0, 0, 0])
    expect(report.totals.notYetCommitted).toBe(0)
  })

  it('is a problem where a partition of the positions is not in the source', async () => {
    const report = await verify(
      cleanLog(),
      await table({
        positions: new Map([
          [0, [0, total]],
          [1, [0, 5]],
        ]),
      }),
      schemas,
    )
    expect(report.problems).toEqual([expect.stringContaining('partition 1')])
    expect(report.verdict).toBe('different')
  })

  it('is refused where another writer left delete files, by the name of one', async () => {
    const made = await table()
    const metadata = made.catalog.tables.get('market_data.trades_v2')?.metadata
    const [snapshot] = metadata?.snapshots ?? []
    const [schema] = metadata?.schemas ?? []
    if (snapshot === undefined || schema === undefined) throw new Error('no snapshot')
    for (const manifest of await loadManifestList(made.store, snapshot)) {
      const entries = decodeManifest(await made.store.read(manifest.location), manifest)
      const deletes = entries.map((entry) => ({ ...entry, file: { ...entry.file, content: 1 } }))
      made.store.files.set(manifest.location, encodeManifest({ schema, spec: { 'spec-id': 0, fields: [] } }, deletes))
    }
    await expect(verify(cleanLog(), made, schemas)).rejects.toMatchObject({
      code: 'VERIFY_UNSUPPORTED',
      context: { file: 'file:///memory/data/f0.parquet', reason: '1 position delete files of another writer' },
    })
  })

  it('allows for a run that goes on: dead letters of commits newer than the one compared are not extra', async () => {
    const letter = letterOf(total, wideSample(total), 'RECORD_VALUE')
    const made = await table({ letters: [letter] })
    const newer = await table({ positions: new Map([[0, [0, total + 1]]]) })
    let loads = 0
    const catalog = {
      ...made.catalog,
      loadTable: async (name: TableName) =>
        name.name === 'trades_v2' && loads++ > 0 ? newer.catalog.loadTable(name) : made.catalog.loadTable(name),
    }
    const source = writeLog(new Map([[0, new LogMaker().records(samples(0, total + 1))]]))
    expect(counts(await verify(source, { catalog, store: made.store }, schemas))).toEqual([0, 0, 0, 0])
    expect(counts(await verify(source, made, schemas))).toEqual([0, 0, 1, 0])
  })

  it('is refused for tables without positions, and for schemas that do not fit', async () => {
    const foreign = await table()
    const found = foreign.catalog.tables.get('market_data.trades_v2')
    if (found === undefined) throw new Error('no table')
    foreign.catalog.tables.set('market_data.trades_v2', {
      ...found,
      metadata: { ...found.metadata, properties: {} },
    })
    await expect(verify(cleanLog(), foreign, schemas)).rejects.toThrow(/POSITIONS_UNTRUSTED|TABLE_FOREIGN/)
    const misfit = new Map([[1, { ...wideAvro, fields: [{ name: 'flag', type: 'string' }] }]])
    await expect(verify(cleanLog(), await table(), misfit)).rejects.toMatchObject({ code: 'SCHEMA_INCOMPATIBLE' })
    expect(fromFailure({ code: 'SCHEMA_INCOMPATIBLE', context: {}, cause: '' }).action).toBe('stop')
  })
})
