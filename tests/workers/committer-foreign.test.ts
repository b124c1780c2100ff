// Other writers at work in the middle of a commit: what they take away under the committer's eyes is looked for in newer metadata.
import { describe, expect, it } from 'vitest'
import { IngestError } from '../../src/shared/errors.ts'
import { stageAppend } from '../../src/shared/iceberg/append.ts'
import type { Store } from '../../src/shared/store/store.ts'
import { createWorld, MAIN, mainName, routeSpec } from './committer-world.ts'

type World = ReturnType<typeof createWorld>

/** An empty commit of another writer; its manifest list. */
async function foreignCommit(world: World, id: bigint): Promise<string> {
  const base = world.metadataOf(mainName)
  const context = { store: world.store, snapshotId: id, now: base['last-updated-ms'], attempt: 1, summary: {} }
  const { snapshot } = await stageAppend(base, [], context)
  await world.catalog.updateTable(
    MAIN,
    [],
    [
      { action: 'add-snapshot', snapshot },
      { action: 'set-snapshot-ref', 'ref-name': 'main', 'snapshot-id': id, type: 'branch' },
    ],
  )
  return snapshot['manifest-list']
}

/** A store in which reads of some locations fail as if the file were gone, after something was done about it. */
const without = (store: Store, isGone: (location: string) => Promise<boolean>): Store => ({
  ...store,
  read: async (location, range) => {
    if (await isGone(location)) throw new IngestError('STORE_MISSING', { location })
    return store.read(location, range)
  },
})

describe('a manifest list that is gone when it is read', () => {
  it('is looked for in newer metadata: its snapshot was the head when it was checked, and has expired since', async () => {
    const world = createWorld()
    let gone = ''
    const pod = world.pod({
      store: without(world.store, async (location) => {
        if (location !== gone) return false
        // Expiry goes on: the next head is taken as well, and the one after it stays.
        gone = gone === first ? await foreignCommit(world, 902n) : ''
        if (gone === '') await foreignCommit(world, 903n)
        return true
      }),
    })
    await pod.open(routeSpec())
    const first = await foreignCommit(world, 901n)
    gone = first
    expect(await pod.commit('trades', world.group(0n, 10n))).toMatchObject({ kind: 'committed' })
    expect(world.metadataOf(mainName).snapshots).toHaveLength(5)
    expect(gone).toBe('')
  })

  it('is an error of the table where newer metadata names it again and again', async () => {
    const world = createWorld()
    const reads: string[] = []
    const lost: string[] = []
    const pod = world.pod({
      store: without(world.store, async (location) => {
        if (lost.includes(location)) reads.push(location)
        return lost.includes(location)
      }),
    })
    await pod.open(routeSpec())
    lost.push(await foreignCommit(world, 901n))
    expect(await pod.commit('trades', world.group(0n, 10n))).toMatchObject({
      kind: 'failed',
      failure: { code: 'STORE_MISSING' },
    })
    expect(reads.length).toBeGreaterThan(1)
    expect(reads.length).toBeLessThan(20)
  })
})

describe('a format version that others raised', () => {
  it('stops the commit by name', async () => {
    const world = createWorld()
    const upgraded = new IngestError('TABLE_FORMAT', { file: 'v3', version: 3 })
    let isUpgraded = false
    const catalog = {
      ...world.catalog,
      loadTable: async (name: typeof MAIN) => {
        if (isUpgraded) throw upgraded
        return world.catalog.loadTable(name)
      },
    }
    const pod = world.pod({ catalog })
    await pod.open(routeSpec())
    await foreignCommit(world, 901n)
    isUpgraded = true
    expect(await pod.commit('trades', world.group(0n, 10n))).toMatchObject({
      kind: 'failed',
      failure: { code: 'TABLE_FORMAT' },
    })
  })
})
