import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { planRecord } from '../../../src/shared/verify/avro-plan.ts'
import { AvroReader, decimalWords } from '../../../src/shared/verify/avro-reader.ts'
import { parseAvroSchema } from '../../../src/shared/verify/avro-schema.ts'
import { schemaAndSamples } from '../../support/avro-arbitrary.ts'
import { type AvscOracle, startAvscOracle } from '../../support/avsc-oracle.ts'
import { benchOf, decode } from '../../support/decoder-bench.ts'
import { EventLog, tellRow } from './value-events.ts'

const readerFor = (schema: unknown) => {
  const table = benchOf(schema).schema
  const { root, unmapped } = planRecord(parseAvroSchema(JSON.stringify(schema), 'test'), table, 'test')
  expect(unmapped).toEqual([])
  const read = (bytes: Uint8Array) => {
    const log = new EventLog()
    const reader = new AvroReader(log)
    reader.open(bytes)
    return { fault: reader.record(root, 0, bytes.length) ? null : reader.fault, log }
  }
  return { table, read }
}

describe('against avsc as oracle', () => {
  let oracle: AvscOracle
  beforeAll(() => {
    oracle = startAvscOracle()
  })
  afterAll(() => oracle.close())

  it('tells the values of records of any schema as they were encoded', async () => {
    await fc.assert(
      fc.asyncProperty(schemaAndSamples(6, 4), async ({ schema, samples }) => {
        const { table, read } = readerFor(schema)
        const encoded = await oracle.encode(
          schema,
          samples.map((sample) => sample.wire),
        )
        for (const [index, sample] of samples.entries()) {
          const { fault, log } = read(encoded[index] ?? new Uint8Array(0))
          expect(fault).toBeNull()
          const expected = new EventLog()
          tellRow(expected, table.fields, Object(sample.column))
          expect(log.rows).toEqual(expected.rows)
        }
      }),
      { numRuns: 200 },
    )
  })

  it('accepts and refuses what the decoder of the ingest path does, on records with a byte changed or cut off', async () => {
    await fc.assert(
      fc.asyncProperty(schemaAndSamples(4, 1), fc.infiniteStream(fc.nat(255)), async ({ schema, samples }, noise) => {
        const [record] = await oracle.encode(
          schema,
          samples.map((sample) => sample.wire),
        )
        if (record === undefined) throw new Error('no record')
        const { read } = readerFor(schema)
        for (let at = 0; at < Math.min(record.length, 40); at++) {
          const changed = record.slice()
          changed[at] = noise.next().value ?? 0
          for (const bytes of [changed, record.subarray(0, at)]) {
            const mine = read(bytes).fault
            const theirs = decode(benchOf(schema), bytes)?.code ?? null
            expect({ isRefused: mine !== null, bytes }).toEqual({ isRefused: theirs !== null, bytes })
          }
        }
      }),
      { numRuns: 25 },
    )
  })
})

describe('hostile bytes', () => {
  const arrayOf = (items: unknown) => ({
    type: 'record',
    name: 'R',
    fields: [{ name: 'a', type: { type: 'array', items } }],
  })
  const planOf = (schema: unknown) => {
    const { root } = planRecord(parseAvroSchema(JSON.stringify(schema), 'test'), { type: 'struct', fields: [] }, 'test')
    return (bytes: readonly number[]) => {
      const reader = new AvroReader(new EventLog())
      reader.open(Uint8Array.from(bytes))
      return reader.record(root, 0, bytes.length) ? null : reader.fault
    }
  }

  it.each([
    ['a count of 2^62 items', 'long', [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0]],
    ['a count of 2^62 nulls', 'null', [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0]],
    ['a million nulls', 'null', [0x80, 0x89, 0x7a, 0]],
    ['a count of -2^63 with a size', 'long', [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0, 0]],
    ['a block of another size than it states', 'long', [1, 4, 2, 0]],
  ])('%s is refused at once', (_what, items, bytes) => {
    expect(planOf(arrayOf(items))(bytes)).toBe('RECORD_BOUND')
  })

  it.each([
    [
      'a number of eleven bytes',
      'long',
      [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0],
      'RECORD_VARINT',
    ],
    ['an int beyond 32 bits', 'int', [0x80, 0x80, 0x80, 0x80, 0x10], 'RECORD_VARINT'],
    ['a boolean of 2', 'boolean', [2], 'RECORD_VALUE'],
    ['a string that is not UTF-8', 'string', [2, 0xff], 'RECORD_VALUE'],
    ['a string longer than the record', 'string', [20, 65], 'RECORD_TRUNCATED'],
    ['a length below zero', 'bytes', [1], 'RECORD_BOUND'],
    ['bytes after the last field', 'int', [2, 2], 'RECORD_TRAILING_BYTES'],
    ['a union branch that is not there', ['null', 'int'], [4, 2], 'RECORD_VALUE'],
    ['an enum symbol that is not there', { type: 'enum', name: 'E', symbols: ['A'] }, [2], 'RECORD_VALUE'],
    ['a decimal of no bytes', { type: 'bytes', logicalType: 'decimal', precision: 4, scale: 2 }, [0], 'RECORD_VALUE'],
    [
      'a decimal of too many digits',
      { type: 'bytes', logicalType: 'decimal', precision: 2, scale: 0 },
      [2, 100],
      'RECORD_VALUE',
    ],
    ['a record that ends early', 'double', [1, 2, 3], 'RECORD_TRUNCATED'],
  ])('%s is %s', (_what, type, bytes, fault) => {
    expect(planOf({ type: 'record', name: 'R', fields: [{ name: 'f', type }] })(bytes)).toBe(fault)
  })

  it('schemas that recurse, are too deep or use several types in a union are refused by name', () => {
    const recursive = { type: 'record', name: 'R', fields: [{ name: 'next', type: ['null', 'R'] }] }
    expect(() => planOf(recursive)).toThrow('SCHEMA_UNSUPPORTED')
    expect(() => planOf({ type: 'record', name: 'R', fields: [{ name: 'f', type: ['int', 'string'] }] })).toThrow(
      'SCHEMA_UNSUPPORTED',
    )
    let deep: unknown = 'int'
    for (let level = 0; level < 100; level++) deep = { type: 'array', items: deep }
    expect(() => planOf({ type: 'record', name: 'R', fields: [{ name: 'f', type: deep }] })).toThrow('SCHEMA_INVALID')
    expect(() => parseAvroSchema('{"type":"what"}', 'test')).toThrow('SCHEMA_INVALID')
    expect(() => parseAvroSchema('{', 'test')).toThrow('SCHEMA_INVALID')
  })

  it('decimals of any length keep their sign, and those beyond 128 bits are refused', () => {
    const words = new Int32Array(4)
    expect(decimalWords(Uint8Array.of(0xff, 0xff, 0x80), 0, 3, words)).toBe(true)
    expect([...words]).toEqual([-128, -1, -1, -1])
    expect(decimalWords(new Uint8Array(20).fill(0xff), 0, 20, words)).toBe(true)
    expect([...words]).toEqual([-1, -1, -1, -1])
    expect(decimalWords(Uint8Array.from([1, ...new Uint8Array(16)]), 0, 17, words)).toBe(false)
    expect(decimalWords(Uint8Array.from([0, 0x80, ...new Uint8Array(15)]), 0, 17, words)).toBe(false)
  })
})
