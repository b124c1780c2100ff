import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { partitionRows } from '../../../src/shared/columns/partitioning.ts'
import type { IcebergSchema, PartitionSpec } from '../../../src/shared/iceberg/schema.ts'
import { type Cell, makeBatch } from '../../support/column-maker.ts'

const schemaOf = (type: string): IcebergSchema => ({
  type: 'struct',
  'schema-id': 0,
  fields: [
    { id: 5, name: 'other', required: false, type: 'int' },
    { id: 7, name: 'at', required: false, type },
  ],
})
const byDay: PartitionSpec = {
  'spec-id': 1,
  fields: [{ 'source-id': 7, 'field-id': 1000, name: 'at_day', transform: 'day' }],
}
const dayUs = 86_400_000_000n
const partition = (times: readonly Cell[], type = 'timestamptz', valuesMax = 32, spec = byDay) => {
  const schema = schemaOf(type)
  const batch = makeBatch(
    schema,
    times.map((at) => ({ at, other: null })),
  )
  return partitionRows(batch, schema, spec, valuesMax)
}
const floorDiv = (value: bigint, by: bigint): bigint => (value - (((value % by) + by) % by)) / by

describe('partition values', () => {
  it('is one empty value without partition fields', () => {
    expect(partition([1n, 2n], 'timestamptz', 32, { 'spec-id': 0, fields: [] })).toEqual({ kind: 'one', value: [] })
  })

  it('is one value where all times lie within a day, its first and last microsecond included', () => {
    expect(partition([0n, 5n, dayUs - 1n])).toEqual({ kind: 'one', value: [0] })
    expect(partition([20_000n * dayUs + dayUs - 1n, 20_000n * dayUs])).toEqual({ kind: 'one', value: [20_000] })
  })

  it('floors times before 1970', () => {
    expect(partition([-1n])).toEqual({ kind: 'one', value: [-1] })
    expect(partition([-dayUs])).toEqual({ kind: 'one', value: [-1] })
    expect(partition([-dayUs - 1n])).toEqual({ kind: 'one', value: [-2] })
  })

  it('tells the last microsecond of a day from the first of the next', () => {
    const groups = [
      { value: [19_999], rows: Int32Array.of(0, 2) },
      { value: [20_000], rows: Int32Array.of(1) },
    ]
    const times = [20_000n * dayUs - 1n, 20_000n * dayUs, 20_000n * dayUs - 2n]
    expect(partition(times)).toEqual({ kind: 'many', groups })
  })

  it('gives null its own value', () => {
    expect(partition([null, null])).toEqual({ kind: 'one', value: [null] })
    expect(partition([null, 1n, null])).toEqual({
      kind: 'many',
      groups: [
        { value: [null], rows: Int32Array.of(0, 2) },
        { value: [0], rows: Int32Array.of(1) },
      ],
    })
    expect(partition([1n, null])).toMatchObject({ kind: 'many' })
  })

  it.each([
    ['timestamptz', dayUs],
    ['timestamp', dayUs],
    ['timestamptz_ns', 1000n * dayUs],
    ['timestamp_ns', 1000n * dayUs],
  ])('is the exact day for every 64-bit %s', (type, unitsPerDay) => {
    const near = fc
      .tuple(fc.bigInt({ min: -(2n ** 63n) / unitsPerDay, max: 2n ** 63n / unitsPerDay - 1n }), fc.bigInt(-2n, 2n))
      .map(([day, off]) => day * unitsPerDay + off)
    const any = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
    const edges = fc.constantFrom(-(2n ** 63n), 2n ** 63n - 1n)
    const times = fc.array(fc.option(fc.oneof(near, any, edges, fc.bigInt(-3n, 3n)), { nil: null }), { minLength: 1 })
    fc.assert(
      fc.property(times, (all) => {
        const days = all.map((time) => (time === null ? null : Number(floorDiv(time, unitsPerDay))))
        const found = partition(all, type, 1000)
        const groups =
          found.kind === 'one'
            ? [{ value: found.value, rows: Int32Array.from(all.keys()) }]
            : found.kind === 'many'
              ? found.groups
              : []
        const seen = new Map<number, unknown>()
        for (const { value, rows } of groups) {
          expect([...rows]).toEqual([...rows].sort((a, b) => a - b))
          for (const row of rows) {
            expect(seen.has(row)).toBe(false)
            seen.set(row, value[0])
          }
        }
        expect([...seen].sort(([a], [b]) => a - b).map(([, day]) => day)).toEqual(days)
        expect(groups.length).toBe(new Set(days).size)
      }),
      { numRuns: 300 },
    )
  })

  it('takes a date as its own day', () => {
    expect(partition([-3, -3], 'date')).toEqual({ kind: 'one', value: [-3] })
    expect(partition([1, 2, 1], 'date')).toMatchObject({ kind: 'many', groups: [{ value: [1] }, { value: [2] }] })
  })

  it('counts the values where there are too many', () => {
    const times = Array.from({ length: 40 }, (_, day) => BigInt(day % 33) * dayUs)
    expect(partition(times)).toEqual({ kind: 'too-many', count: 33 })
    expect(partition(times, 'timestamptz', 33)).toMatchObject({ kind: 'many' })
  })

  it('keeps the order of several fields, void ones as null', () => {
    const spec: PartitionSpec = {
      'spec-id': 1,
      fields: [
        { 'source-id': 5, 'field-id': 1000, name: 'gone', transform: 'void' },
        { 'source-id': 7, 'field-id': 1001, name: 'at_day', transform: 'day' },
        { 'source-id': 5, 'field-id': 1002, name: 'gone_too', transform: 'void' },
      ],
    }
    expect(partition([0n], 'timestamptz', 32, spec)).toEqual({ kind: 'one', value: [null, 0, null] })
    expect(partition([0n, dayUs], 'timestamptz', 32, spec)).toMatchObject({
      groups: [{ value: [null, 0, null] }, { value: [null, 1, null] }],
    })
  })

  it('refuses a transform that it does not compute, naming it', () => {
    const spec = { 'spec-id': 1, fields: [{ 'source-id': 7, 'field-id': 1000, name: 'b', transform: 'zorder[16]' }] }
    expect(() => partition([0n], 'timestamptz', 32, spec)).toThrow(/TABLE_MISFIT.*transform=zorder\[16\]/)
    expect(() => partition([0n], 'long')).toThrow(/TABLE_MISFIT.*source=at/)
  })
})
