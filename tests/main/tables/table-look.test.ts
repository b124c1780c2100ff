import { expect, test } from 'vitest'
import { lookAtTable, onPinned } from '../../../src/main/tables/table-look.ts'
import { IngestError } from '../../../src/shared/errors.ts'
import { TableWorld, trades } from './table-world.ts'

async function world(): Promise<TableWorld> {
  const made = new TableWorld()
  await made.create(trades)
  await made.append(trades, [{ name: 'a', day: '2014-03-10', rows: 10, bytes: 100 }])
  await made.append(trades, [{ name: 'b', day: '2014-03-11', rows: 5, bytes: 300 }])
  return made
}

test('a look counts manifests, files and rows of the head, and says how far it is', async () => {
  const made = await world()
  const look = await lookAtTable(await made.open(trades), await made.view())
  expect(look).toMatchObject({
    table: 'market_data.trades_v2',
    manifests: { data: 2, deletes: 0 },
    files: { dataFiles: 2, rows: 15n, bytes: 400n },
  })
  expect(look.manifests.bytes).toBeGreaterThan(look.manifests.largestBytes)
  expect(made.progress).toEqual(['market_data.trades_v2: manifest 1 of 2', 'market_data.trades_v2: manifest 2 of 2'])
})

test('a table without a snapshot is empty', async () => {
  const made = new TableWorld()
  await made.create(trades)
  const look = await lookAtTable(await made.open(trades), await made.view())
  expect(look).toMatchObject({ head: null, manifests: { data: 0, bytes: 0 }, files: { dataFiles: 0 } })
})

test('a file that went while the table moved on makes the look begin again on the newer metadata, a file that is gone does not', async () => {
  const made = await world()
  const old = await made.open(trades)
  const list = old.metadata.snapshots.at(-1)?.['manifest-list'] ?? ''
  await made.append(trades, [{ name: 'c', day: '2014-03-11', rows: 1, bytes: 1 }])
  await made.store.delete(list)
  expect((await lookAtTable(old, await made.view())).files.rows).toBe(16n)
  const now = await made.open(trades)
  await made.store.delete(now.metadata.snapshots.at(-1)?.['manifest-list'] ?? '')
  await expect(lookAtTable(now, await made.view())).rejects.toMatchObject({ code: 'STORE_MISSING' })
})

test('a table that never stands still is not looked at for ever', async () => {
  const made = await world()
  let looks = 0
  const busy = onPinned(await made.open(trades), made.catalog, async () => {
    looks += 1
    await made.append(trades, [])
    throw new IngestError('STORE_MISSING', {})
  })
  await expect(busy).rejects.toMatchObject({ code: 'STORE_MISSING' })
  expect(looks).toBe(4)
})
