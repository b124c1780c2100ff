import { describe, expect, it } from 'vitest'
import type { IcebergSchema } from '../../../src/shared/iceberg/schema.ts'
import { describeFile } from '../../../src/shared/parquet/data-file.ts'
import type { EncodedParquet } from '../../../src/shared/parquet/parquet-encoder.ts'
import { ParquetWasmEncoder } from '../../../src/shared/parquet/parquet-wasm-encoder.ts'
import { makeBatch } from '../../support/column-maker.ts'

const schema: IcebergSchema = {
  type: 'struct',
  'schema-id': 4,
  fields: [
    { id: 1, name: 'symbol', required: true, type: 'string' },
    { id: 2, name: 'sequence', required: false, type: 'long' },
  ],
}
const spec = {
  'spec-id': 6,
  fields: [{ 'source-id': 2, 'field-id': 1000, name: 'sequence_day', transform: 'day' }],
}
const batch = makeBatch(schema, [
  { symbol: 'BHP', sequence: 5n },
  { symbol: 'RIO', sequence: null },
  { symbol: 'RIO', sequence: -1n },
])
const describeEncoded = (encoded: EncodedParquet) =>
  describeFile({ location: 'file:///t/data/a.parquet', batch, schema, spec, partition: [16_000], encoded })

describe('data file', () => {
  it('joins location, partition, footer and statistics', () => {
    const encoded = new ParquetWasmEncoder().encode(batch, schema)
    expect(describeEncoded(encoded)).toEqual({
      location: 'file:///t/data/a.parquet',
      recordCount: 3,
      sizeBytes: encoded.bytes.byteLength,
      partition: [16_000],
      specId: 6,
      schemaId: 4,
      metrics: {
        columnSizes: encoded.leaves.map(({ fieldId, bytes }) => [fieldId, bytes]),
        valueCounts: [
          [1, 3],
          [2, 3],
        ],
        nullValueCounts: [
          [1, 0],
          [2, 1],
        ],
        nanValueCounts: [],
        lowerBounds: [
          [1, new Uint8Array(Buffer.from('BHP'))],
          [2, new Uint8Array(8).fill(255)],
        ],
        upperBounds: [
          [1, new Uint8Array(Buffer.from('RIO'))],
          [2, Uint8Array.of(5, 0, 0, 0, 0, 0, 0, 0)],
        ],
      },
      splitOffsets: encoded.splitOffsets,
    })
    for (const { bytes } of encoded.leaves) expect(bytes).toBeGreaterThan(0)
  })

  it('is plain data: a copy between threads is equal', () => {
    const file = describeEncoded(new ParquetWasmEncoder().encode(batch, schema))
    expect(structuredClone(file)).toEqual(file)
  })

  it('is refused where the footer counts other rows, values, nulls or fields than the batch', () => {
    const encoded = new ParquetWasmEncoder().encode(batch, schema)
    const [first, second] = encoded.leaves
    if (first === undefined || second === undefined) throw new Error('two leaves')
    expect(() => describeEncoded({ ...encoded, rowCount: 2 })).toThrow(/PARQUET.*rows=3 rowsWritten=2/)
    const wrong = [{ nullCount: 0 }, { valueCount: 2 }, { fieldId: 9 }]
    for (const part of wrong)
      expect(() => describeEncoded({ ...encoded, leaves: [first, { ...second, ...part }] })).toThrow(/PARQUET/)
    expect(() => describeEncoded({ ...encoded, leaves: [first, { ...second, nullCount: null }] })).not.toThrow()
  })

  it('is refused where the footer leaves a column out', () => {
    const encoded = new ParquetWasmEncoder().encode(batch, schema)
    expect(() => describeEncoded({ ...encoded, leaves: encoded.leaves.slice(0, 1) })).toThrow(/PARQUET/)
  })
})
