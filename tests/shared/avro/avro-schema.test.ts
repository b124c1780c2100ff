import { describe, expect, test } from 'vitest'
import { type AvroRecord, type AvroType, parseAvroSchema } from '../../../src/shared/avro/avro-schema.ts'
import { IngestError } from '../../../src/shared/errors.ts'
import { tradeV2Json } from '../../support/trade-v2.ts'

const recordOf = (...fields: unknown[]) => ({ type: 'record', name: 'R', namespace: 'a.b', fields })
const parse = (schema: unknown): AvroRecord => parseAvroSchema(JSON.stringify(schema))
function typeOf(type: unknown): AvroType {
  const field = parse(recordOf({ name: 'f', type })).fields[0]
  if (field === undefined) throw new Error('one field')
  return field.type
}
function refusal(schema: unknown): { code: string; path: unknown; reason: unknown } {
  try {
    parseAvroSchema(typeof schema === 'string' ? schema : JSON.stringify(schema))
  } catch (error) {
    if (error instanceof IngestError)
      return { code: error.code, path: error.context.path, reason: error.context.reason }
    throw error
  }
  throw new Error('the schema was accepted')
}

test('the shipped TradeV2 has 15 fields with their logical types', () => {
  const trade = parseAvroSchema(tradeV2Json)
  expect(trade.name).toBe('com.k2.marketdata.TradeV2')
  expect(trade.fields).toHaveLength(15)
  expect(trade.fields[5]?.type).toEqual({ kind: 'long', logical: { kind: 'timestamp', unit: 'micros', local: false } })
  expect(trade.fields[6]?.type).toEqual({ kind: 'bytes', logical: { kind: 'decimal', precision: 18, scale: 8 } })
  expect(trade.fields[11]).toMatchObject({ default: null, type: { kind: 'union' } })
})

describe('names', () => {
  test('are resolved against the enclosing namespace, and dotted names stand for themselves', () => {
    const side = { type: 'enum', name: 'Side', symbols: ['BUY'] }
    const other = { type: 'fixed', name: 'x.Other', size: 2 }
    const root = { type: 'fixed', name: 'Root', namespace: '', size: 3 }
    const schema = parse(
      recordOf(
        { name: 'f0', type: side },
        { name: 'f1', type: 'Side' },
        { name: 'f2', type: 'a.b.Side' },
        { name: 'f3', type: other },
        { name: 'f4', type: 'x.Other' },
        { name: 'f5', type: root },
        { name: 'f6', type: { type: 'Root' } },
        {
          name: 'f7',
          type: { type: 'record', name: 'n.In', fields: [{ name: 'g', type: { ...other, name: 'Deep' } }] },
        },
        { name: 'f8', type: 'n.Deep' },
      ),
    )
    const names = schema.fields.map((field) => ('name' in field.type ? field.type.name : ''))
    expect(names).toEqual(['a.b.Side', 'a.b.Side', 'a.b.Side', 'x.Other', 'x.Other', 'Root', 'Root', 'n.In', 'n.Deep'])
  })

  test('aliases, docs and defaults are kept', () => {
    const schema = parse({
      ...recordOf({ name: 'f', aliases: ['g'], doc: 'about f', type: 'int', default: 7 }),
      aliases: ['Old', 'x.Older'],
      doc: 'about R',
    })
    expect(schema).toMatchObject({ aliases: ['a.b.Old', 'x.Older'], doc: 'about R' })
    expect(schema.fields[0]).toMatchObject({ aliases: ['g'], doc: 'about f', default: 7 })
  })

  test('a record may name itself', () => {
    const schema = parse(recordOf({ name: 'next', type: ['null', 'R'] }))
    const union = schema.fields[0]?.type
    expect(union?.kind === 'union' && union.branches[1] === schema).toBe(true)
  })
})

describe('logical types', () => {
  test('are known on their own base type only', () => {
    expect(typeOf({ type: 'string', logicalType: 'uuid' })).toEqual({ kind: 'string', logical: { kind: 'uuid' } })
    expect(typeOf({ type: 'int', logicalType: 'date' })).toEqual({ kind: 'int', logical: { kind: 'date' } })
    expect(typeOf({ type: 'string', logicalType: 'date' })).toEqual({ kind: 'string', logical: null })
    expect(typeOf({ type: 'int', logicalType: 'timestamp-millis' })).toEqual({ kind: 'int', logical: null })
    expect(typeOf({ type: 'long', logicalType: 'local-timestamp-nanos' })).toMatchObject({
      logical: { kind: 'timestamp', unit: 'nanos', local: true },
    })
    expect(typeOf({ type: 'fixed', name: 'F', size: 16, logicalType: 'uuid' })).toMatchObject({
      logical: { kind: 'uuid' },
    })
  })

  test('of unknown name are ignored', () => {
    expect(typeOf({ type: 'bytes', logicalType: 'big-decimal' })).toEqual({ kind: 'bytes', logical: null })
    expect(typeOf({ type: 'fixed', name: 'D', size: 12, logicalType: 'duration' })).toMatchObject({ logical: null })
  })

  test('a malformed decimal is refused instead of becoming binary', () => {
    const decimal = { type: 'bytes', logicalType: 'decimal' }
    for (const wrong of [
      {},
      { precision: 0 },
      { precision: 4, scale: 5 },
      { precision: '4' },
      { precision: 4, scale: -1 },
    ]) {
      expect(refusal(recordOf({ name: 'f', type: { ...decimal, ...wrong } }))).toMatchObject({
        code: 'SCHEMA_INVALID',
        path: 'f',
      })
    }
    const fixed = (size: number) => ({ type: 'fixed', name: 'D', size, logicalType: 'decimal', precision: 18 })
    expect(typeOf(fixed(8))).toMatchObject({ logical: { precision: 18, scale: 0 } })
    expect(refusal(recordOf({ name: 'f', type: fixed(7) })).reason).toBe('7 bytes do not hold 18 digits')
  })
})

describe('what is no Avro schema is refused by its path', () => {
  const cases: ReadonlyArray<readonly [string, unknown, string]> = [
    ['text that is not JSON', '{', '(top)'],
    ['an unknown type', recordOf({ name: 'f', type: 'Nothing' }), 'f'],
    ['a missing type', recordOf({ name: 'f' }), 'f'],
    ['a field without name', recordOf({ type: 'int' }), 'field 0'],
    ['a field that is no object', recordOf('int'), 'field 0'],
    ['a record without fields', { type: 'record', name: 'R' }, '(top)'],
    ['a name that is none', { ...recordOf(), name: 'has-dash' }, '(top)'],
    ['a field name that is none', recordOf({ name: '1st', type: 'int' }), '1st'],
    ['a field twice', recordOf({ name: 'f', type: 'int' }, { name: 'f', type: 'int' }), 'f'],
    ['a type twice', recordOf({ name: 'f', type: { type: 'fixed', name: 'a.b.R', size: 1 } }), 'f'],
    [
      'a primitive redefined',
      recordOf({ name: 'f', type: { type: 'fixed', name: 'int', namespace: '', size: 1 } }),
      'f',
    ],
    ['an empty union', recordOf({ name: 'f', type: [] }), 'f'],
    ['a union in a union', recordOf({ name: 'f', type: ['null', ['int']] }), 'f'],
    ['a union with a type twice', recordOf({ name: 'f', type: ['int', 'int'] }), 'f'],
    ['an enum without symbols', recordOf({ name: 'f', type: { type: 'enum', name: 'E', symbols: [] } }), 'f'],
    ['an enum symbol twice', recordOf({ name: 'f', type: { type: 'enum', name: 'E', symbols: ['A', 'A'] } }), 'f'],
    [
      'an enum symbol that is no name',
      recordOf({ name: 'f', type: { type: 'enum', name: 'E', symbols: ['a b'] } }),
      'f',
    ],
    [
      'an enum default that is none',
      recordOf({ name: 'f', type: { type: 'enum', name: 'E', symbols: ['A'], default: 'B' } }),
      'f',
    ],
    ['a fixed without size', recordOf({ name: 'f', type: { type: 'fixed', name: 'F' } }), 'f'],
    ['an array without items', recordOf({ name: 'f', type: { type: 'array' } }), 'f[]'],
    ['a map of a wrong type', recordOf({ name: 'f', type: { type: 'map', values: 7 } }), 'f{}'],
    ['aliases that are no list', recordOf({ name: 'f', type: 'int', aliases: 'g' }), 'f'],
  ]
  test.each(cases)('%s', (_, schema, path) => {
    expect(refusal(schema)).toMatchObject({ code: 'SCHEMA_INVALID', path })
  })

  test('a schema nested without end is refused before it exhausts the stack', () => {
    const deep = `${'{"type":"array","items":'.repeat(5000)}"int"${'}'.repeat(5000)}`
    expect(refusal(`{"type":"record","name":"R","fields":[{"name":"f","type":${deep}}]}`).code).toBe('SCHEMA_INVALID')
    const wrapped = `${'{"type":'.repeat(5000)}"int"${'}'.repeat(5000)}`
    expect(refusal(`{"type":"record","name":"R","fields":[{"name":"f","type":${wrapped}}]}`).code).toBe(
      'SCHEMA_INVALID',
    )
  })

  test('a schema of another type than a record is refused by name', () => {
    expect(refusal({ type: 'array', items: 'int' })).toMatchObject({ code: 'SCHEMA_UNSUPPORTED', path: '(top)' })
  })
})
