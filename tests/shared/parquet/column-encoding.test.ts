import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { IcebergSchema, IcebergType } from '../../../src/shared/iceberg/schema.ts'
import { chooseEncoding } from '../../../src/shared/parquet/column-encoding.ts'
import { type Cell, makeBatch } from '../../support/column-maker.ts'

const count = 20_000
/** The encoding chosen for a column of `count` values. */
function chosen(
  type: IcebergType,
  cell: (index: number) => Cell,
  allowed: 'delta' | 'basic' = 'delta',
  dictionary = false,
) {
  const schema: IcebergSchema = {
    type: 'struct',
    'schema-id': 0,
    fields: [{ id: 1, name: 'c', required: false, type }],
  }
  const rows = Array.from({ length: count }, (_, index) => ({ c: cell(index) }))
  const column = makeBatch(schema, rows, new Set(dictionary ? [1] : [])).columns[0]
  if (column === undefined) throw new Error('one column')
  return chooseEncoding(column, allowed)
}
/** Spreads small numbers over 32 bits, always the same way. */
const scattered = (index: number): number => Math.imul(index + 1, 0x9e3779b1) >>> 0

describe('choice of encodings', () => {
  it('packs deltas of times, offsets and sequences', () => {
    expect(chosen('timestamptz', (i) => 1_394_000_000_000_000n + BigInt(i * 1000 + (scattered(i) % 900)))).toEqual({
      dictionary: false,
      values: 'delta-binary-packed',
    })
    expect(chosen('long', (i) => BigInt(i))).toEqual({ dictionary: false, values: 'delta-binary-packed' })
  })

  it('keeps a dictionary for prices that return, and none for quantities that do not', () => {
    expect(chosen('decimal(18, 8)', (i) => BigInt(scattered(i) % 500) * 1_000_000_000_000n)?.dictionary).toBe(true)
    expect(chosen('decimal(18, 8)', (i) => BigInt(scattered(i)))?.dictionary).toBe(false)
  })

  it('writes unique texts without a dictionary, front-coded where they share prefixes', () => {
    expect(chosen('string', (i) => `BINANCE-${700_000 + i}`)).toEqual({ dictionary: false, values: 'delta-byte-array' })
    expect(chosen('string', () => randomUUID())).toEqual({ dictionary: false, values: 'delta-length-byte-array' })
  })

  it('keeps the dictionary of a text that repeats, as plain bytes too', () => {
    expect(chosen('string', (i) => `symbol ${i % 40}`, 'delta', true)?.dictionary).toBe(true)
    expect(chosen('string', (i) => `symbol ${i % 40}`)?.dictionary).toBe(true)
    expect(chosen('string', (i) => `text ${i}`, 'delta', true)?.dictionary).toBe(false)
  })

  it('writes doubles and fixed plainly unless they repeat', () => {
    expect(chosen('double', (i) => Math.sqrt(i))).toEqual({ dictionary: false, values: 'plain' })
    expect(chosen('double', (i) => i % 7)).toEqual({ dictionary: true, values: 'plain' })
    expect(chosen('fixed[3]', (i) => Uint8Array.of(i & 3, 0, 0))).toEqual({ dictionary: true, values: 'plain' })
    expect(chosen('decimal(38, 2)', (i) => BigInt(scattered(i)))).toEqual({ dictionary: false, values: 'plain' })
  })

  it('uses nothing but plain values and dictionaries in the basic set', () => {
    for (const type of ['long', 'timestamptz', 'decimal(18, 8)'])
      expect(chosen(type, (i) => BigInt(i), 'basic')).toEqual({ dictionary: false, values: 'plain' })
    expect(chosen('string', (i) => `BINANCE-${i}`, 'basic')).toEqual({ dictionary: false, values: 'plain' })
    expect(chosen('string', (i) => `symbol ${i % 40}`, 'basic', true)).toEqual({ dictionary: true, values: 'plain' })
  })

  it('leaves columns without values and nested columns to the writer', () => {
    expect(chosen('long', () => null)).toEqual({ dictionary: true, values: 'plain' })
    expect(chosen({ type: 'list', 'element-id': 2, element: 'int', 'element-required': true }, (i) => [i])).toBe(null)
  })
})
