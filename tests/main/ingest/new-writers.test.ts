import { expect, test } from 'vitest'
import { NewWriters } from '../../../src/main/ingest/new-writers.ts'
import { IngestError } from '../../../src/shared/errors.ts'

const registry = { schemaById: async (id: number) => (id === 404 ? null : { id, json: `"${id}"` }) }
const route = { topics: ['a', 'b', 'c'] }
const newest = [1, 2, 2].map((id) => ({ id, json: `"${id}"` }))
const misfit = (context: { readonly schemaId?: number; readonly topic?: string }) =>
  new IngestError('SCHEMA_INCOMPATIBLE', { path: 'x', ...context })

test('a schema that a record shows is learned; if the table cannot take it, the topic that showed it is the misfit', async () => {
  const writers = new NewWriters(registry)
  expect(await writers.take(misfit({ schemaId: 7, topic: 'b' }), route, newest)).toEqual({
    kind: 'learned',
    schemaId: 7,
  })
  expect(writers.schemas).toEqual([{ id: 7, json: '"7"' }])
  expect(await writers.take(misfit({ schemaId: 7 }), route, newest)).toEqual({ kind: 'misfit', topics: ['b'] })
  expect(writers.schemas).toEqual([])
})

test('a newest schema that the table cannot take is that of each topic it stands for', async () => {
  const lesson = await new NewWriters(registry).take(misfit({ schemaId: 2 }), route, newest)
  expect(lesson).toEqual({ kind: 'misfit', topics: ['b', 'c'] })
})

test('nothing is learned of another error, of one without a schema, and of an id that the registry does not have', async () => {
  const writers = new NewWriters(registry)
  const others = [
    new Error('x'),
    new IngestError('TABLE_MISFIT', { schemaId: 7, topic: 'a' }),
    misfit({}),
    misfit({ schemaId: 404, topic: 'a' }),
    misfit({ schemaId: 9 }),
  ]
  for (const error of others) expect(await writers.take(error, route, newest)).toEqual({ kind: 'none' })
})

test('beyond a hundred schemas the topic that brings the next is held', async () => {
  const writers = new NewWriters(registry)
  for (let id = 1000; id < 1100; id++) await writers.take(misfit({ schemaId: id, topic: 'a' }), route, newest)
  expect(await writers.take(misfit({ schemaId: 5000, topic: 'c' }), route, newest)).toEqual({
    kind: 'misfit',
    topics: ['c'],
  })
})
