import { expect, test } from 'vitest'
import { lookDeep } from '../../../src/main/tables/deep-look.ts'
import { TableWorld, trades } from './table-world.ts'

async function world(): Promise<TableWorld> {
  const made = new TableWorld()
  await made.create(trades)
  await made.append(trades, [{ name: 'a', day: '2014-03-10', rows: 10, bytes: 100 }])
  await made.append(trades, [{ name: 'b', day: '2014-03-11', rows: 5, bytes: 300 }])
  return made
}
const look = async (made: TableWorld) => lookDeep('t', (await made.open(trades)).metadata, await made.view())

test('every list, manifest and file of every snapshot is looked up once', async () => {
  const made = await world()
  expect(await look(made)).toEqual({ looked: 6, amiss: 0, examples: [] })
})

test('a missing or shortened data file, manifest or manifest list is named', async () => {
  const file = await world()
  await file.store.delete('file:///memory/trades_v2/data/a.parquet')
  file.store.files.set('file:///memory/trades_v2/data/b.parquet', new Uint8Array(299))
  expect(await look(file)).toMatchObject({
    amiss: 2,
    examples: [
      { location: 'file:///memory/trades_v2/data/a.parquet', reason: 'missing' },
      { location: 'file:///memory/trades_v2/data/b.parquet', reason: '299 bytes, 300 expected' },
    ],
  })
  const manifest = await world()
  for (const location of manifest.store.files.keys())
    if (location.endsWith('-m0.avro')) manifest.store.files.delete(location)
  expect(await look(manifest)).toMatchObject({ looked: 4, amiss: 2 })
  const list = await world()
  const oldest = (await list.open(trades)).metadata.snapshots[0]?.['manifest-list'] ?? ''
  await list.store.delete(oldest)
  expect(await look(list)).toMatchObject({ amiss: 1, examples: [{ location: oldest, reason: 'missing' }] })
})
