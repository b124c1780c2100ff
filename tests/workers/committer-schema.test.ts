import { expect, it } from 'vitest'
import type { WriterSchema } from '../../src/shared/avro/writer-schema.ts'
import { currentSchema } from '../../src/shared/iceberg/current-layout.ts'
import { createWorld, type Fault, mainName, routeSpec } from './committer-world.ts'

const writer = (id: number, ...fields: unknown[]): WriterSchema => ({
  id,
  json: JSON.stringify({ type: 'record', name: 'Trade', fields: [{ name: 'symbol', type: 'string' }, ...fields] }),
})
const price = writer(2, { name: 'price', type: 'int' })
const widePrice = writer(3, { name: 'price', type: 'long' }, { name: 'venue', type: 'string' })

type World = ReturnType<typeof createWorld>
const columnsOf = (world: World): readonly string[] =>
  currentSchema(world.metadataOf(mainName)).fields.map(({ name, type }) => `${name} ${type}`)

it('brings a table to what its writers need, and leaves it alone afterwards', async () => {
  const world = createWorld()
  await world.pod().open(routeSpec())
  const tables = await world.pod().open(routeSpec({ writers: [writer(1), price, widePrice] }))
  expect(columnsOf(world).slice(0, 3)).toEqual(['symbol string', 'price long', 'venue string'])
  expect(tables.main.schema).toEqual(currentSchema(world.metadataOf(mainName)))
  const { schemas } = world.metadataOf(mainName)
  await world.pod().open(routeSpec({ writers: [writer(1), price, widePrice] }))
  expect(world.metadataOf(mainName).schemas).toEqual(schemas)
})

it.each<Fault>(['conflict', 'lost before', 'lost after', 'throws after', 'locked'])(
  'evolves once where a request is answered by: %s',
  async (fault) => {
    const world = createWorld()
    await world.pod().open(routeSpec())
    world.faults.push({ table: mainName, fault })
    await world.pod().open(routeSpec({ writers: [price] }))
    expect(columnsOf(world).slice(0, 2)).toEqual(['symbol string', 'price int'])
    expect(world.metadataOf(mainName).schemas).toHaveLength(2)
  },
)

it('lets two pods evolve at once: one wins, the other goes on from there', async () => {
  const world = createWorld()
  await world.pod().open(routeSpec())
  await Promise.all([
    world.pod().open(routeSpec({ writers: [price] })),
    world.pod().open(routeSpec({ writer: 'pod-2', writers: [widePrice] })),
  ])
  const names = columnsOf(world)
  expect(names).toContain('price long')
  expect(names).toContain('venue string')
  expect(new Set(names).size).toBe(names.length)
})

it('refuses a schema that does not fit, with the table, the schema id and the field, and changes nothing', async () => {
  const world = createWorld()
  await world.pod().open(routeSpec({ writers: [] }))
  await world.pod().open(routeSpec({ writers: [price] }))
  const before = world.metadataOf(mainName)
  const bad = writer(9, { name: 'price', type: 'string' })
  await expect(world.pod().open(routeSpec({ writers: [bad] }))).rejects.toMatchObject({
    code: 'SCHEMA_INCOMPATIBLE',
    context: { table: mainName, schemaId: 9, path: 'price', reason: "string does not fit the column's int" },
  })
  expect(world.metadataOf(mainName)).toEqual(before)
})
