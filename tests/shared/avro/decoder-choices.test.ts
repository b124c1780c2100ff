// Renamed and left-out fields, in the decoder of the ingest path and in the reader of the proof: the two must agree, since neither
// sees what the other does.
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseAvroSchema } from '../../../src/shared/avro/avro-schema.ts'
import { compileDecoder } from '../../../src/shared/avro/decoder.ts'
import { icebergSchemaOf } from '../../../src/shared/avro/iceberg-mapping.ts'
import type { ColumnChoices } from '../../../src/shared/columns/column-choices.ts'
import { createColumnBatch } from '../../../src/shared/columns/storage.ts'
import { planRecord } from '../../../src/shared/verify/avro-plan.ts'
import { AvroReader } from '../../../src/shared/verify/avro-reader.ts'
import { parseAvroSchema as parseForProof } from '../../../src/shared/verify/avro-schema.ts'
import { schemaAndSamples } from '../../support/avro-arbitrary.ts'
import { type AvscOracle, startAvscOracle } from '../../support/avsc-oracle.ts'
import { type Bench, decode, ownRows } from '../../support/decoder-bench.ts'
import { EventLog, tellRow } from '../verify/value-events.ts'

const plain = { keyColumn: false, headersColumn: false, tombstone: 'skip' } as const

/** A table of the record with these choices, and both readers of its records. */
function tableOf(avroJson: unknown, columns: ColumnChoices) {
  const json = JSON.stringify(avroJson)
  const avro = parseAvroSchema(json)
  const schema = icebergSchemaOf(avro, { ...plain, columns })
  const batch = createColumnBatch(schema, 1)
  const bench: Bench = { batch, schema, decoder: compileDecoder(avro, schema, batch, columns) }
  const { root, unmapped } = planRecord(parseForProof(json, 'test'), schema, 'test', columns)
  expect(unmapped).toEqual([])
  const prove = (bytes: Uint8Array) => {
    const log = new EventLog()
    const reader = new AvroReader(log)
    reader.open(bytes)
    return { fault: reader.record(root, 0, bytes.length) ? null : reader.fault, log }
  }
  return { bench, schema, prove }
}

/** Choices of a record's fields by a number each: 0 stays, 1 is left out, 2 gets another name. One field stays at least. */
function choicesOf(names: readonly string[], picks: readonly number[]): ColumnChoices {
  const picked = names.map((name, index) => [name, index === 0 ? 0 : (picks[index] ?? 0) % 3] as const)
  return {
    leftOut: picked.filter(([, pick]) => pick === 1).map(([name]) => name),
    renamed: Object.fromEntries(picked.filter(([, pick]) => pick === 2).map(([name]) => [name, `other_${name}`])),
  }
}

const chosenRow = (row: object, { leftOut, renamed }: ColumnChoices): object =>
  Object.fromEntries(
    Object.entries(row)
      .filter(([name]) => !leftOut.includes(name))
      .map(([name, value]) => [renamed[name] ?? name, value]),
  )

const namesOf = (schema: unknown): readonly string[] =>
  (schema as { readonly fields: ReadonlyArray<{ readonly name: string }> }).fields.map(({ name }) => name)

describe('against avsc as oracle', () => {
  let oracle: AvscOracle
  beforeAll(() => {
    oracle = startAvscOracle()
  })
  afterAll(() => oracle.close())

  test('columns are under their chosen names, and nothing of a field that is left out, in rows and in the proof', async () => {
    await fc.assert(
      fc.asyncProperty(
        schemaAndSamples(6, 4),
        fc.array(fc.nat(), { minLength: 20 }),
        async ({ schema, samples }, picks) => {
          const columns = choicesOf(namesOf(schema), picks)
          const { bench, schema: table, prove } = tableOf(schema, columns)
          const encoded = await oracle.encode(
            schema,
            samples.map((sample) => sample.wire),
          )
          const expected = samples.map((sample) => chosenRow(Object(sample.column), columns))
          for (const [index, record] of encoded.entries()) {
            expect(decode(bench, record)).toBeNull()
            const { fault, log } = prove(record)
            expect(fault).toBeNull()
            const told = new EventLog()
            tellRow(told, table.fields, expected[index] ?? {})
            expect(log.rows).toEqual(told.rows)
          }
          expect(ownRows(bench).map(byName)).toEqual(expected.map(byName))
        },
      ),
      { numRuns: 150 },
    )
  })

  test('a field that is left out is read as strictly as any other, and leaves no trace of a bad record', async () => {
    await fc.assert(
      fc.asyncProperty(schemaAndSamples(4, 1), fc.infiniteStream(fc.nat(255)), async ({ schema, samples }, noise) => {
        const names = namesOf(schema)
        const columns = { renamed: {}, leftOut: names.slice(1) }
        const [record] = await oracle.encode(
          schema,
          samples.map((sample) => sample.wire),
        )
        if (record === undefined) throw new Error('no record')
        const { bench, prove } = tableOf(schema, columns)
        for (let at = 0; at < Math.min(record.length, 40); at++) {
          const changed = record.slice()
          changed[at] = noise.next().value ?? 0
          for (const bytes of [changed, record.subarray(0, at)]) {
            const rows = bench.batch.rowCount
            const isRefused = decode(bench, bytes) !== null
            expect({ isRefused, bytes }).toEqual({ isRefused: prove(bytes).fault !== null, bytes })
            for (const column of bench.batch.columns.slice(0, 1)) expect(column.length).toBe(rows + (isRefused ? 0 : 1))
          }
        }
      }),
      { numRuns: 40 },
    )
  })
})

const byName = (row: unknown): unknown =>
  Object.fromEntries(Object.entries(Object(row)).toSorted(([a], [b]) => (a < b ? -1 : 1)))

test('what Iceberg has no type for can be left out where its bytes can be read', () => {
  const nanos = { type: 'long', logicalType: 'timestamp-nanos' }
  const record = {
    type: 'record',
    name: 'R',
    fields: [
      { name: 'a', type: 'int' },
      { name: 'at', type: nanos },
    ],
  }
  const { bench, prove } = tableOf(record, { renamed: {}, leftOut: ['at'] })
  expect(decode(bench, [2, 84])).toBeNull()
  expect(ownRows(bench)).toEqual([{ a: 1 }])
  expect(prove(Uint8Array.of(2, 84)).fault).toBeNull()
})

test('a record that contains itself cannot be read, left out or not', () => {
  const record = {
    type: 'record',
    name: 'R',
    fields: [
      { name: 'a', type: 'int' },
      { name: 'self', type: ['null', 'R'] },
    ],
  }
  expect(() => tableOf(record, { renamed: {}, leftOut: ['self'] })).toThrow(/SCHEMA_UNSUPPORTED/)
})
