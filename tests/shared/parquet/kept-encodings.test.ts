import { expect, it } from 'vitest'
import type { IcebergField } from '../../../src/shared/iceberg/schema.ts'
import type { DenseColumn } from '../../../src/shared/parquet/dense-column.ts'
import { KeptEncodings } from '../../../src/shared/parquet/kept-encodings.ts'

const field: IcebergField = { id: 1, name: 'a', required: true, type: 'int' }
const column = (length: number, value: (index: number) => number): DenseColumn => ({
  kind: 'int32',
  field,
  length,
  nullCount: 0,
  validity: null,
  values: Int32Array.from({ length }, (_, index) => value(index)),
})
const few = (length: number) => column(length, (index) => (Math.imul(index, 7919) % 5) * 100_000_000)
const many = (length: number) => column(length, (index) => Math.imul(index, -1640531535))

it('keeps a choice for some files of about the same size, then chooses anew', () => {
  const kept = new KeptEncodings('delta')
  expect(kept.of(field, few(10_000)).dictionary).toBe(true)
  for (let file = 2; file <= 16; file++)
    expect(kept.of(field, many(file % 2 === 0 ? 20_000 : 5000)).dictionary).toBe(true)
  expect(kept.of(field, many(10_000)).dictionary).toBe(false)
})

it('chooses anew for another size or another column, and keeps nothing of small files', () => {
  const kept = new KeptEncodings('delta')
  expect(kept.of(field, few(10_000)).dictionary).toBe(true)
  expect(kept.of({ ...field }, many(10_000)).dictionary).toBe(false)
  expect(kept.of(field, many(20_001)).dictionary).toBe(false)
  const fresh = new KeptEncodings('delta')
  expect(fresh.of(field, few(1000)).dictionary).toBe(true)
  expect(fresh.of(field, many(1000)).dictionary).toBe(false)
})
