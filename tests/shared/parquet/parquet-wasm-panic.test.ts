// A file of its own: the panic ends the wasm instance of this test's process.
import { expect, it } from 'vitest'
import type { IcebergSchema } from '../../../src/shared/iceberg/schema.ts'
import { ParquetWasmEncoder } from '../../../src/shared/parquet/parquet-wasm-encoder.ts'
import { makeBatch } from '../../support/column-maker.ts'

it('never uses the wasm instance again after a Rust panic, in no encoder of the thread', () => {
  const schema: IcebergSchema = {
    type: 'struct',
    'schema-id': 0,
    fields: [{ id: 1, name: 'c', required: true, type: 'int' }],
  }
  const batch = makeBatch(schema, [{ c: 1 }])
  const healthy = new ParquetWasmEncoder()
  expect(healthy.encode(batch, schema).rowCount).toBe(1)
  // The writer asserts that a row group may hold a row: its panic is a real one.
  const panicking = new ParquetWasmEncoder({ rowGroupRowsMax: 0 })
  expect(() => panicking.encode(batch, schema)).toThrow(/^PARQUET: .*panic=true cause=unreachable/)
  expect(() => healthy.encode(batch, schema)).toThrow(/^PARQUET: .*reason=encoder failed before cause=unreachable/)
})
