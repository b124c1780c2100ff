import { describe, expect, it } from 'vitest'
import { guards, outsideLog, recreatedTopic } from '../../../src/shared/commit/guards.ts'
import { addStarts, initialPositions } from '../../../src/shared/commit/positions.ts'
import { misfit } from '../../../src/shared/commit/table-fit.ts'
import type { IcebergField, IcebergSchema } from '../../../src/shared/iceberg/schema.ts'
import { metadataOf } from './metadata-maker.ts'

const positions = addStarts(initialPositions({ tombstone: 'skip', since: '' }), [
  { topic: 'c/t1', topicName: 'trades', partition: 0, start: 10n },
])
const source = { topic: 'c/t1', topicName: 'trades', partition: 0, start: 0n, logStart: 0n, logEnd: 100n }

describe('guard 1', () => {
  it('fences a range that begins before, after or outside what the table knows', () => {
    const range = (first: bigint, partition = 0) => ({ topic: 'c/t1', partition, first, next: 20n })
    expect(guards.fenced(positions, [range(10n)])).toEqual([])
    for (const bad of [range(9n), range(11n), range(10n, 1), { ...range(10n), topic: 'c/t2' }]) {
      expect(guards.fenced(positions, [range(10n), bad])).toEqual([bad])
    }
  })

  it('asserts table, branch and tag as they were checked, none of them where there is none', () => {
    const empty = metadataOf({ snapshots: [], head: null })
    expect([...guards.requirements(empty), ...guards.tagRequirement(empty)]).toEqual([
      { type: 'assert-table-uuid', uuid: 'uuid-1' },
      { type: 'assert-ref-snapshot-id', ref: 'main', 'snapshot-id': null },
      { type: 'assert-ref-snapshot-id', ref: 'k2', 'snapshot-id': null },
    ])
  })
})

describe('guard 9', () => {
  it('notices a topic that was made again, and a cluster that was changed', () => {
    expect(recreatedTopic(positions, [source])).toBeNull()
    expect(recreatedTopic(positions, [{ ...source, topic: 'c/t2' }])?.code).toBe('TOPIC_RECREATED')
    expect(recreatedTopic(positions, [{ ...source, topic: 'd/t1' }])?.context).toMatchObject({ known: 'c/t1' })
    expect(recreatedTopic(positions, [{ ...source, topic: 'c/t3', topicName: 'quotes' }])).toBeNull()
  })

  it('notices a position outside the log, and accepts both of its ends', () => {
    expect(outsideLog(positions, [{ ...source, logStart: 10n, logEnd: 10n }])).toBeNull()
    expect(outsideLog(positions, [{ ...source, logStart: 11n }])?.code).toBe('POSITION_OUT_OF_RANGE')
    expect(outsideLog(positions, [{ ...source, logEnd: 9n }])?.context).toMatchObject({ position: 10n, logEnd: 9n })
    expect(outsideLog(positions, [{ ...source, partition: 5, logStart: 50n }])).toBeNull()
  })
})

describe('guard 4', () => {
  const attempt = (number: number, outcome: 'none' | 'unknown' | 'conflict' | 'done') =>
    ({ manifestList: `l${number}`, written: [`l${number}`, `m${number}`], outcome, reason: '' }) as const

  it('deletes what definite conflicts wrote once an attempt landed, and nothing in any other case', () => {
    const settled = [attempt(1, 'conflict'), attempt(2, 'done')]
    expect(guards.discardable(settled, 'l2')).toEqual(['l1', 'm1'])
    expect(guards.discardable(settled, null)).toEqual([])
    expect(guards.discardable([attempt(1, 'unknown'), attempt(2, 'done')], 'l2')).toEqual([])
    expect(guards.discardable([attempt(1, 'none'), attempt(2, 'done')], 'l2')).toEqual([])
    expect(guards.discardable(settled, 'the list of another pod')).toEqual([])
  })
})

describe('guard 12', () => {
  it('gives a snapshot the time of the clock, or of the table where the clock is behind', () => {
    const metadata = metadataOf({ snapshots: [{ id: 1n, parent: null, atMs: 3_000 }], head: 1n })
    expect(guards.timestampMs(5_000, metadata)).toBe(5_000)
    expect(guards.timestampMs(1, metadata)).toBe(3_000)
    expect(guards.timestampMs(1, metadataOf({ snapshots: [], head: null }))).toBe(2_000)
  })
})

describe('whether a table fits', () => {
  const field = (name: string, type: IcebergField['type'], required = false): IcebergField => ({
    id: 1,
    name,
    required,
    type,
  })
  const schema = (...fields: IcebergField[]): IcebergSchema => ({ type: 'struct', 'schema-id': 0, fields })
  const list = (element: string) => ({ type: 'list', 'element-id': 1, element, 'element-required': true }) as const

  it('takes equal and wider types, other field ids, and optional columns of its own', () => {
    const wanted = schema(field('a', 'int'), field('p', 'decimal(18, 8)'), field('l', list('float')))
    const table = schema(
      field('x', 'string'),
      field('l', list('double')),
      field('p', 'decimal(20,8)'),
      field('a', 'long'),
    )
    expect(misfit(wanted, table)).toBeNull()
  })

  it('names the path of what does not fit', () => {
    const struct = (type: string) => ({ type: 'struct', fields: [field('f', type)] }) as const
    expect(misfit(schema(field('a', 'long')), schema(field('a', 'int')))).toMatch(/^a: int in the table, long/)
    expect(misfit(schema(field('a', 'long')), schema(field('b', 'long')))).toBe('a: no such column')
    expect(misfit(schema(field('s', struct('long'))), schema(field('s', struct('int'))))).toMatch(/^s\.f: /)
    expect(misfit(schema(field('a', 'int')), schema(field('a', 'int', true)))).toMatch(/required in the table/)
    expect(misfit(schema(), schema(field('a', 'int', true)))).toBe('a: required in the table, absent in the topic')
    expect(misfit(schema(field('p', 'decimal(20,8)')), schema(field('p', 'decimal(18,8)')))).toMatch(/^p: /)
    expect(misfit(schema(field('l', list('int'))), schema(field('l', list('string'))))).toMatch(/^l\.element: /)
  })
})
