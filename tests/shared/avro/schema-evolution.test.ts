import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseAvroSchema } from '../../../src/shared/avro/avro-schema.ts'
import { icebergSchemaOf } from '../../../src/shared/avro/iceberg-mapping.ts'
import { changeText, evolveSchema } from '../../../src/shared/avro/schema-evolution.ts'
import { fitWriter } from '../../../src/shared/avro/writer-fit.ts'
import { childFields } from '../../../src/shared/columns/nested-fields.ts'
import type { IcebergField, IcebergSchema } from '../../../src/shared/iceberg/schema.ts'
import { highestFieldId } from '../../../src/shared/iceberg/schema-json.ts'
import { createRandom, type Random } from '../../simulation/random.ts'
import { schemaAndSamples } from '../../support/avro-arbitrary.ts'

const options = { keyColumn: false, headersColumn: false, tombstone: 'skip' } as const
const writerOf = (schema: unknown) => parseAvroSchema(JSON.stringify(schema))
const record = (...fields: unknown[]) => writerOf({ type: 'record', name: 'R', fields })
const tableOf = (schema: unknown): IcebergSchema => icebergSchemaOf(writerOf(schema), options)
const table = (...fields: unknown[]) => tableOf({ type: 'record', name: 'R', fields })
const evolve = (from: IcebergSchema, ...fields: unknown[]) =>
  evolveSchema(from, highestFieldId(from), record(...fields))

/** Id and type of every field below, by path. */
function fieldsByPath(fields: readonly IcebergField[], path = ''): Map<string, IcebergField> {
  const found = new Map<string, IcebergField>()
  for (const field of fields) {
    const here = `${path}/${field.name}`
    found.set(here, field)
    for (const [below, each] of fieldsByPath(childFields(field.type), here)) found.set(below, each)
  }
  return found
}

describe('a new field', () => {
  test('becomes an optional column before those of K2, with ids above every id that was given', () => {
    const from = table({ name: 'a', type: 'long' })
    const inner = { type: 'record', name: 'P', fields: [{ name: 'x', type: 'int' }] }
    const { schema, lastColumnId, changes } = evolveSchema(
      from,
      40,
      record(
        { name: 'p', type: { type: 'array', items: inner } },
        { name: 'a', type: 'long' },
        { name: 'b', type: 'string' },
      ),
    )
    expect(schema.fields.map(({ name }) => name).slice(0, 4)).toEqual(['a', 'p', 'b', 'kafka_topic'])
    expect(schema.fields[1]).toMatchObject({
      id: 41,
      required: false,
      type: { 'element-id': 42, element: { fields: [{ id: 43, name: 'x', required: true }] } },
    })
    expect(schema.fields[2]).toMatchObject({ id: 44, required: false })
    expect(lastColumnId).toBe(44)
    expect(changes.map(changeText)).toEqual(['p: added, optional list', 'b: added, optional string'])
  })
  test('is refused under the name of a column that K2 adds, or of one equal but for case', () => {
    const from = table({ name: 'a', type: 'long' })
    const a = { name: 'a', type: 'long' }
    expect(() => evolve(from, a, { name: 'kafka_offset', type: 'long' })).toThrow(/SCHEMA_UNSUPPORTED.*kafka_offset/)
    expect(() => evolve(from, a, { name: 'A', type: 'long' })).toThrow(/SCHEMA_UNSUPPORTED.*equal to a but for case/)
    expect(() => evolve(from, a, { name: 'u', type: ['int', 'string'] })).toThrow(/SCHEMA_UNSUPPORTED.*path=u/)
  })
})

test('the column of an alias keeps its name, and its id', () => {
  const from = table({ name: 'price', type: 'int' })
  const { schema, changes } = evolve(from, { name: 'cost', aliases: ['price'], type: 'long' })
  expect(schema.fields[0]).toEqual({ id: 1, name: 'price', required: true, type: 'long' })
  expect(changes).toEqual([{ kind: 'widened', path: 'cost', from: 'int', to: 'long' }])
})

test('what is the same, narrower or of fewer fields changes nothing but what is required', () => {
  const from = table({ name: 'a', type: 'long' }, { name: 'b', type: ['null', 'double'] })
  expect(evolve(from, { name: 'a', type: 'int' }, { name: 'b', type: 'float' })).toEqual({
    schema: from,
    lastColumnId: highestFieldId(from),
    changes: [],
  })
  expect(evolve(from, { name: 'b', type: 'double' }).changes).toEqual([{ kind: 'optional', path: 'a' }])
})

test.each([
  ['string', 'long', /path=f reason=long does not fit the column's string/],
  [
    { type: 'bytes', logicalType: 'decimal', precision: 8, scale: 2 },
    { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 3 },
    /decimal\(9, 3\) does not fit the column's decimal\(8, 2\)/,
  ],
  ['double', 'long', /long does not fit the column's double/],
  [{ type: 'array', items: 'int' }, { type: 'map', values: 'int' }, /map does not fit the column's list/],
  [{ type: 'array', items: 'string' }, { type: 'array', items: 'bytes' }, /path=f\[\] reason=binary does not fit/],
])('from %j to %j is refused with the path and both types', (from, to, message) => {
  expect(() => evolve(table({ name: 'f', type: from }), { name: 'f', type: to })).toThrow(message)
})

/** Another writer schema that Iceberg's rules allow after this one. */
function changed(schema: unknown, random: Random): unknown {
  if (Array.isArray(schema)) return schema.map((branch) => changed(branch, random))
  if (typeof schema !== 'object' || schema === null) {
    const wider = schema === 'int' ? 'long' : schema === 'float' ? 'double' : schema
    return random.chance(50) ? wider : schema
  }
  const node = schema as Record<string, unknown>
  if (node['items'] !== undefined) return { ...node, items: changed(node['items'], random) }
  if (node['values'] !== undefined) return { ...node, values: changed(node['values'], random) }
  if (node['logicalType'] === 'decimal' && node['type'] === 'bytes') {
    const precision = Number(node['precision'])
    return random.chance(50) ? { ...node, precision: Math.min(38, precision + 3) } : node
  }
  if (!Array.isArray(node['fields'])) return node
  const fields: Record<string, unknown>[] = node['fields'].flatMap((field: Record<string, unknown>, at: number) => {
    if (at > 0 && random.chance(20)) return []
    const type = changed(field['type'], random)
    const loose = !Array.isArray(type) && random.chance(20) ? [type, 'null'] : type
    return random.chance(15)
      ? [{ name: `renamed_${field['name']}`, aliases: [field['name']], type: loose }]
      : [{ ...field, type: loose }]
  })
  if (random.chance(40))
    fields.push({ name: 'added', type: random.pick(['string', ['null', 'long'], { type: 'map', values: 'int' }]) })
  return { ...node, fields: random.chance(30) ? fields.reverse() : fields }
}

test('any allowed change: both schemas fit afterwards, nothing is lost or renumbered, and a second time changes nothing', () => {
  let evolvedCount = 0
  fc.assert(
    fc.property(schemaAndSamples(6, 1), fc.integer(), ({ schema }, seed) => {
      const next = changed(schema, createRandom(seed))
      const [before, after] = [writerOf(schema), writerOf(next)]
      const from = tableOf(schema)
      const evolution = evolveSchema(from, highestFieldId(from), after)
      if (evolution.changes.length > 0) evolvedCount++
      fitWriter(before, evolution.schema)
      fitWriter(after, evolution.schema)
      const [old, now] = [fieldsByPath(from.fields), fieldsByPath(evolution.schema.fields)]
      for (const [path, field] of old) expect(now.get(path)?.id, path).toBe(field.id)
      const ids = [...now.values()].map(({ id }) => id)
      expect(new Set(ids).size).toBe(ids.length)
      for (const writer of [before, after]) {
        expect(evolveSchema(evolution.schema, evolution.lastColumnId, writer).schema).toBe(evolution.schema)
      }
    }),
    { numRuns: 300 },
  )
  expect(evolvedCount).toBeGreaterThan(100)
})
