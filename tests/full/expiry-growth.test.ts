// A table that is committed to twice a second for twenty minutes, on a real catalog file and folder, by a clock of the test.
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openSqlCatalog } from '../../src/shared/iceberg/sql-catalog.ts'
import { openFolderStore } from '../../src/shared/store/folder-store.ts'
import { createCommitter } from '../../src/workers/committer.ts'
import { temporaryFolder } from '../support/k2-process.ts'
import { createWorld, partition, routeSpec } from '../workers/committer-world.ts'

test('2,200 tiny commits, two a second: a small metadata file, and no more files than ten minutes of commits leave', async () => {
  const root = temporaryFolder()
  const store = openFolderStore(join(root, 'warehouse'))
  let clockMs = Date.now()
  const clock = () => clockMs
  const catalog = openSqlCatalog({ file: join(root, 'catalog.db'), store, now: clock })
  const committer = createCommitter({ catalog, store, clock })
  await committer.open(routeSpec({ location: store.root, partitions: [partition(0, 1_000_000n)] }))
  const world = createWorld()
  const table = join(root, 'warehouse', 'market_data', 'trades_v2', 'metadata')
  let [filesMax, bytesMax] = [0, 0]
  for (let offset = 0; offset < 2_200; offset++) {
    const group = { ...world.group(BigInt(offset), BigInt(offset + 1)), oldestEncodedAtMs: clockMs }
    expect((await committer.commit('trades', group)).kind, `offset ${offset}`).toBe('committed')
    clockMs += 500
    if (offset % 200 !== 199) continue
    const names = await readdir(table)
    filesMax = Math.max(filesMax, names.length)
    const newest =
      names
        .filter((file) => file.endsWith('.metadata.json'))
        .toSorted()
        .at(-1) ?? ''
    bytesMax = Math.max(bytesMax, (await stat(join(table, newest))).size)
  }
  await committer.close()
  expect(bytesMax).toBeGreaterThan(10_000)
  expect(bytesMax).toBeLessThan(1_000_000)
  // 1,200 commits in ten minutes, each with a manifest and a manifest list; and what the table keeps.
  expect(filesMax).toBeLessThan(3_000)
}, 180_000)
