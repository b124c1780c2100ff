import avro from 'avsc'
import { describe, expect, test } from 'vitest'
import { parseAvroSchema } from '../../../src/shared/avro/avro-schema.ts'
import { inlineReferences } from '../../../src/shared/avro/http-registry-references.ts'
import { IngestError } from '../../../src/shared/errors.ts'

const money =
  '{"type":"record","name":"Money","namespace":"a.money","fields":[{"name":"amount","type":"long"},{"name":"unit","type":"Unit"}]}'
const unit = '{"type":"enum","name":"Unit","namespace":"a.money","symbols":["AUD","USD"]}'
const plain = '{"type":"fixed","name":"Id","size":4}'

/** Read by another parser as well. */
function inlined(main: unknown, ...references: readonly string[]): unknown {
  const text = inlineReferences(JSON.stringify(main), references)
  parseAvroSchema(text)
  avro.Type.forSchema(JSON.parse(text))
  return JSON.parse(text)
}

describe('references', () => {
  test('are put where their names are first used, in whatever order they come; afterwards the name stands', () => {
    const main = {
      type: 'record',
      name: 'b.Order',
      fields: [
        { name: 'price', type: 'a.money.Money' },
        { name: 'fees', type: { type: 'array', items: 'a.money.Money' } },
        { name: 'unit', type: ['null', 'a.money.Unit'] },
      ],
    }
    const whole = { ...JSON.parse(money) }
    whole.fields[1].type = JSON.parse(unit)
    expect(inlined(main, money, unit)).toEqual({
      ...main,
      fields: [
        { name: 'price', type: whole },
        { name: 'fees', type: { type: 'array', items: 'a.money.Money' } },
        { name: 'unit', type: ['null', 'a.money.Unit'] },
      ],
    })
    expect(inlined(main, unit, money)).toEqual(inlined(main, money, unit))
  })

  test('keep their namespace, none included, inside a record of another one', () => {
    const main = { type: 'record', name: 'Order', namespace: 'b', fields: [{ name: 'id', type: 'Id' }] }
    const [field] = parseAvroSchema(inlineReferences(JSON.stringify(main), [plain])).fields
    expect(field?.type).toMatchObject({ kind: 'fixed', name: 'Id', size: 4 })
  })

  test('a type nested in a reference and used before it is put in once', () => {
    const outer =
      '{"type":"record","name":"a.Outer","fields":[{"name":"in","type":{"type":"record","name":"Inner","fields":[{"name":"x","type":"int"}]}}]}'
    const main = {
      type: 'record',
      name: 'b.Main',
      fields: [
        { name: 'first', type: 'a.Inner' },
        { name: 'second', type: 'a.Outer' },
      ],
    }
    const record = parseAvroSchema(JSON.stringify(inlined(main, outer)))
    expect(record.fields.map((field) => field.type.kind)).toEqual(['record', 'record'])
  })

  test('a record that refers to itself through a reference ends', () => {
    const node = '{"type":"record","name":"a.Node","fields":[{"name":"next","type":["null","a.Node"]}]}'
    expect(
      JSON.stringify(inlined({ type: 'record', name: 'M', fields: [{ name: 'n', type: 'a.Node' }] }, node)).length,
    ).toBeLessThan(200)
  })

  test('without references the text is the registry’s own, byte for byte', () => {
    expect(inlineReferences(' {"type" : "record"} ', [])).toBe(' {"type" : "record"} ')
  })

  test('definitions that differ under one name, and nesting that would exhaust the stack, are refused', () => {
    const other = plain.replace('4', '5')
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
    for (const references of [[plain, other], [deep], ['{']]) {
      expect(() => inlineReferences('"Id"', references)).toThrow(IngestError)
    }
    expect(() => inlineReferences(deep, [plain])).toThrow('nested deeper')
  })
})
