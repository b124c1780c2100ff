import { describe, expect, it } from 'vitest'
import type { IcebergSchema } from '../../../src/shared/iceberg/schema.ts'
import { readFooter } from '../../../src/shared/parquet/parquet-footer.ts'
import { ParquetWasmEncoder } from '../../../src/shared/parquet/parquet-wasm-encoder.ts'
import { makeBatch } from '../../support/column-maker.ts'

const schemaOf = (...ids: readonly number[]): IcebergSchema => ({
  type: 'struct',
  'schema-id': 0,
  fields: ids.map((id) => ({ id, name: `c${id}`, required: false, type: 'long' })),
})
const { bytes } = new ParquetWasmEncoder().encode(makeBatch(schemaOf(4, 9), [{ c4: 1n }, {}, {}]), schemaOf(4, 9))

describe('parquet footer', () => {
  it('gives rows, and values and nulls per field id', () => {
    const { rowCount, leaves } = readFooter(bytes, schemaOf(4, 9))
    expect(rowCount).toBe(3)
    expect(leaves).toMatchObject([
      { fieldId: 4, valueCount: 3, nullCount: 2 },
      { fieldId: 9, valueCount: 3, nullCount: 3 },
    ])
  })

  it('is read from the end of the file alone', () => {
    const length = new DataView(bytes.buffer).getUint32(bytes.byteLength - 8, true)
    const tail = bytes.slice(bytes.byteLength - 8 - length)
    expect(readFooter(tail, schemaOf(4, 9))).toEqual(readFooter(bytes, schemaOf(4, 9)))
  })

  it('is refused where its leaves are not those of the schema, in order', () => {
    for (const ids of [[9, 4], [4], [4, 9, 10], [4, 5]])
      expect(() => readFooter(bytes, schemaOf(...ids))).toThrow(/^PARQUET: .*field ids of the file/)
  })

  it('is refused where the file is cut', () => {
    for (const cut of [0, 7, 100, bytes.byteLength - 1])
      expect(() => readFooter(bytes.slice(0, cut), schemaOf(4, 9))).toThrow(/^PARQUET: .*footer cannot be read/)
  })
})
