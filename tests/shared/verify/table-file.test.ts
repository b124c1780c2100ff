import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { IcebergSchema } from '../../../src/shared/iceberg/schema.ts'
import { ParquetWasmEncoder } from '../../../src/shared/parquet/parquet-wasm-encoder.ts'
import { deltaWords } from '../../../src/shared/verify/parquet-page.ts'
import { laneCount, RowHashes } from '../../../src/shared/verify/row-hash.ts'
import { openTableFile, type RowSink, readRowGroup } from '../../../src/shared/verify/table-file.ts'
import { makeBatch, type Row } from '../../support/column-maker.ts'
import { createMemoryStore } from '../../support/memory-store.ts'
import { randomTable } from '../../support/random-table.ts'
import { EventLog, tellRow } from './value-events.ts'

async function read(bytes: Uint8Array, schema: IcebergSchema, sink: RowSink): Promise<number> {
  const store = createMemoryStore()
  store.files.set('file:///memory/x', bytes)
  const file = await openTableFile(store, 'file:///memory/x', schema)
  await readRowGroup(store, file, 0, sink)
  return file.rowCount
}

it('tells every value of any schema, nested or not, as the rows were', async () => {
  await fc.assert(
    fc.asyncProperty(randomTable(), async ({ schema, rows, dictionaries }) => {
      const { bytes } = new ParquetWasmEncoder().encode(makeBatch(schema, rows, dictionaries), schema)
      const told = new EventLog()
      expect(await read(bytes, schema, told)).toBe(rows.length)
      const expected = new EventLog()
      for (const row of rows) {
        tellRow(expected, schema.fields, row)
        expected.row++
      }
      expect(Array.from(rows, (_, row) => told.rows[row] ?? [])).toEqual(
        Array.from(rows, (_, row) => expected.rows[row] ?? []),
      )
    }),
    { numRuns: 200 },
  )
})

it('gives the same hash whether a value lies in a dictionary or plainly', async () => {
  await fc.assert(
    fc.asyncProperty(randomTable(1, 60), async ({ schema, rows }) => {
      const hashesOf = (list: readonly Row[]) => {
        const hashes = new RowHashes(list.length)
        for (const row of list) {
          tellRow(hashes, schema.fields, row)
          hashes.row++
        }
        return hashes.lanes.slice(0, list.length * laneCount)
      }
      const twice = [...rows, ...rows]
      const { bytes } = new ParquetWasmEncoder().encode(makeBatch(schema, twice), schema)
      const hashes = new RowHashes(twice.length)
      await read(bytes, schema, hashes)
      expect(hashes.lanes.slice(0, twice.length * laneCount)).toEqual(hashesOf(twice))
    }),
    { numRuns: 60 },
  )
})

it('maps columns by field id, widens what was promoted, and refuses annotations that mean another value', async () => {
  const field = (id: number, name: string, type: string) => ({ id, name, required: false, type })
  const schemaOf = (...fields: IcebergSchema['fields']): IcebergSchema => ({ type: 'struct', 'schema-id': 0, fields })
  const old = schemaOf(
    field(4, 'a', 'int'),
    field(2, 'b', 'float'),
    field(9, 'dropped', 'string'),
    field(3, 'd', 'decimal(9, 2)'),
  )
  const row: Row = { a: -5, b: 0.5, dropped: 'x', d: 123n }
  const { bytes } = new ParquetWasmEncoder().encode(makeBatch(old, [row]), old)
  const now = schemaOf(field(2, 'renamed', 'double'), field(4, 'b', 'long'), field(3, 'd', 'decimal(18, 2)'))
  const told = new EventLog()
  await read(bytes, now, told)
  expect(told.rows).toEqual([['2 real 0.5', '3 decimal 123', '4 integer -5']])
  for (const wrong of [
    field(3, 'd', 'decimal(9, 3)'),
    field(3, 'd', 'long'),
    field(4, 'a', 'date'),
    field(9, 'x', 'binary'),
    field(9, 'x', 'int'),
  ]) {
    await expect(read(bytes, schemaOf(wrong), new EventLog())).rejects.toMatchObject({ code: 'TABLE_FILE_CORRUPT' })
  }
  const local = schemaOf(field(1, 't', 'timestamp'))
  const times = new ParquetWasmEncoder().encode(makeBatch(local, [{ t: 5n }]), local).bytes
  await expect(read(times, schemaOf(field(1, 't', 'timestamptz')), new EventLog())).rejects.toMatchObject({
    code: 'TABLE_FILE_CORRUPT',
  })
})

it('decodes DELTA_BINARY_PACKED of 64 bits, for any numbers', () => {
  const int64 = fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.bigInt({ min: -300n, max: 300n }))
  fc.assert(
    fc.property(fc.array(int64, { minLength: 1, maxLength: 300 }), (values) => {
      const bytes = packDeltas(values)
      const reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length), offset: 0 }
      const words = deltaWords(reader, values.length)
      const read = values.map((_, at) => (BigInt(words[2 * at + 1] ?? 0) << 32n) | BigInt((words[2 * at] ?? 0) >>> 0))
      expect(read).toEqual(values)
    }),
    { numRuns: 300 },
  )
})

/** Parquet spec, "Delta Encoding", blocks of 128 in 4 miniblocks, in BigInt. */
function packDeltas(values: readonly bigint[]): Buffer {
  const out: number[] = []
  const varint = (value: bigint): void => {
    for (; value >= 0x80n; value >>= 7n) out.push(Number(value & 0x7fn) | 0x80)
    out.push(Number(value))
  }
  const zigzag = (value: bigint): void => varint(BigInt.asUintN(64, (value << 1n) ^ (value >> 63n)))
  for (const header of [128n, 4n, BigInt(values.length)]) varint(header)
  zigzag(values[0] ?? 0n)
  const deltas = values.slice(1).map((value, at) => BigInt.asIntN(64, value - (values[at] ?? 0n)))
  for (let first = 0; first < deltas.length; first += 128) {
    const block = deltas.slice(first, first + 128)
    const least = block.reduce((min, delta) => (delta < min ? delta : min))
    zigzag(least)
    const minis = [0, 32, 64, 96].map((at) =>
      block.slice(at, at + 32).map((delta) => BigInt.asUintN(64, delta - least)),
    )
    const widths = minis.map((mini) =>
      mini.reduce((most, delta) => Math.max(most, delta === 0n ? 0 : delta.toString(2).length), 0),
    )
    out.push(...widths)
    for (const [index, mini] of minis.entries()) {
      if (mini.length === 0) break
      const width = widths[index] ?? 0
      let bits = 0n
      for (const [at, delta] of mini.entries()) bits |= delta << BigInt(at * width)
      for (let byte = 0; byte < width * 4; byte++) out.push(Number((bits >> BigInt(8 * byte)) & 255n))
    }
  }
  return Buffer.from(out)
}
