import { expect, test } from 'vitest'
import { FileChoice, type FileOrder, partitionFilter } from '../../../src/main/tables/file-rows.ts'
import { branchHead, loadManifestList } from '../../../src/shared/iceberg/append.ts'
import { walkManifests } from '../../../src/shared/iceberg/manifest-walk.ts'
import { TableWorld, trades } from './table-world.ts'

async function choose(chosen: { partition?: string; order?: FileOrder; limit?: number }) {
  const world = new TableWorld()
  await world.create(trades)
  await world.append(trades, [
    { name: 'a', day: '2014-03-10', rows: 10, bytes: 100 },
    { name: 'b', day: '2014-03-11', rows: 5, bytes: 300 },
  ])
  await world.append(trades, [{ name: 'c', day: '2014-03-11', rows: 7, bytes: 200 }])
  const { metadata } = await world.open(trades)
  const choice = new FileChoice(metadata, { partition: null, order: 'largest', limit: 10, ...chosen })
  const head = branchHead(metadata, 'main')
  if (head === null) throw new Error('no head')
  for await (const { manifest, entries } of walkManifests(world.store, await loadManifestList(world.store, head))) {
    for (const entry of entries) choice.add(entry, manifest.specId)
  }
  return choice.chosen()
}

const names = async (chosen: Parameters<typeof choose>[0]): Promise<readonly string[]> =>
  (await choose(chosen)).rows.map(({ location }) => location.replace(/^.*\/|\.parquet$/g, ''))

test('files come in the order that is asked for, no more than the limit, and all are counted', async () => {
  expect(await names({})).toEqual(['b', 'c', 'a'])
  expect(await names({ order: 'smallest' })).toEqual(['a', 'c', 'b'])
  expect(await names({ order: 'newest' })).toEqual(['c', 'b', 'a'])
  expect(await names({ order: 'oldest' })).toEqual(['a', 'b', 'c'])
  const { rows, total } = await choose({ limit: 1 })
  expect([rows.map(({ bytes }) => bytes), total]).toEqual([[300n], 3])
})

test('a partition chooses by its path', async () => {
  expect(await names({ partition: 'timestamp_day=2014-03-11' })).toEqual(['b', 'c'])
  expect(await names({ partition: 'timestamp_day=2014-03-12' })).toEqual([])
})

test('bounds are by the name of the column, exact, and null where a file has none', async () => {
  const { rows } = await choose({ partition: 'timestamp_day=2014-03-10' })
  expect(rows[0]).toMatchObject({ partition: 'timestamp_day=2014-03-10', rows: 10n, bytes: 100n })
  expect(rows[0]?.bounds).toEqual([
    { column: 'price', lower: '-1.50000000', upper: null, nulls: null },
    { column: 'kafka_offset', lower: '9007199254740993', upper: '9007199254741002', nulls: 0 },
  ])
})

test('a partition of several fields is chosen by any of them, written as in the path or as people write it', () => {
  const path = 'day=2014-03-10/venue=New+York%2FASX'
  const fits = (wanted: string): boolean => partitionFilter(wanted)(path)
  expect(['day=2014-03-10', 'venue=New+York%2FASX', 'day=2014-03-10,venue=New+York%2FASX'].map(fits)).toEqual([
    true,
    true,
    true,
  ])
  expect(['venue=ASX', 'day=2014-03-1', 'day=2014-03-10,venue=ASX'].map(fits)).toEqual([false, false, false])
  expect(partitionFilter('venue=New York')('venue=New+York')).toBe(true)
  expect(partitionFilter(null)('')).toBe(true)
})
