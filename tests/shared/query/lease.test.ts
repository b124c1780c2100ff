import { describe, expect, test } from 'vitest'
import type { Catalog, CommitOutcome } from '../../../src/shared/iceberg/catalog.ts'
import { endLease, type LeaseRequest, takeLease } from '../../../src/shared/query/lease.ts'
import { createMemoryCatalog } from '../../support/memory-catalog.ts'
import { newTable, snapshotOf } from '../iceberg/table-fixture.ts'

const table = { namespace: ['m'], name: 't' }
const SNAPSHOT = 9_007_199_254_740_993n
const COMMITTED = 1_000_000
const NOW = 5_000_000

async function world(wrap: (catalog: Catalog) => Catalog = (catalog) => catalog) {
  const memory = createMemoryCatalog(() => COMMITTED)
  await memory.createTable(table, newTable('file:///memory/t'))
  await memory.updateTable(
    table,
    [],
    [
      { action: 'add-snapshot', snapshot: snapshotOf(SNAPSHOT, null, 1n, COMMITTED) },
      { action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': SNAPSHOT },
    ],
  )
  const loaded = await memory.loadTable(table)
  if (loaded === null) throw new Error('no table')
  const request: LeaseRequest = {
    catalog: wrap(memory),
    table,
    loaded,
    snapshotId: SNAPSHOT,
    id: 'one',
    forMs: 10_000,
    now: () => NOW,
    sleep: async () => undefined,
  }
  const refs = async () => (await memory.loadTable(table))?.metadata.refs ?? {}
  return { memory, request, refs }
}

/** The first answers of updateTable, after it was done or instead of it; then as the catalog has it. */
const answering =
  (...answers: ReadonlyArray<'lost' | 'conflict' | 'locked'>) =>
  (catalog: Catalog): Catalog => {
    const left = [...answers]
    return {
      ...catalog,
      updateTable: async (...call): Promise<CommitOutcome> => {
        const answer = left.shift()
        if (answer === 'locked') throw new Error('database is locked')
        if (answer === 'conflict') return { kind: 'conflict', reason: 'another commit' }
        const outcome = await catalog.updateTable(...call)
        return answer === 'lost' ? { kind: 'unknown', reason: 'the answer was cut' } : outcome
      },
    }
  }

describe('a lease', () => {
  test('is a tag whose age counts from its snapshot, and goes without a trace', async () => {
    const { request, refs } = await world()
    expect(await takeLease(request)).toEqual({ kind: 'held', tag: 'k2_lease_one' })
    const ageMs = NOW - COMMITTED + 10_000 + 60_000
    expect((await refs())['k2_lease_one']).toEqual({
      type: 'tag',
      'snapshot-id': SNAPSHOT,
      'max-ref-age-ms': BigInt(ageMs),
    })
    expect(await endLease(request, 'k2_lease_one')).toBeNull()
    expect(Object.keys(await refs())).toEqual(['main'])
  })

  test('survives conflicts and lost answers, when it is taken and when it ends', async () => {
    const { request, refs } = await world(answering('conflict', 'lost', 'conflict', 'lost'))
    expect(await takeLease(request)).toEqual({ kind: 'held', tag: 'k2_lease_one' })
    expect(await endLease(request, 'k2_lease_one')).toBeNull()
    expect(Object.keys(await refs())).toEqual(['main'])
  })

  test('is gone without where the catalog cannot be written, or others are always first', async () => {
    const locked = await world(answering('locked'))
    expect(await takeLease(locked.request)).toEqual({ kind: 'none', reason: 'database is locked' })
    const busy = await world(answering(...Array.from({ length: 100 }, () => 'conflict' as const)))
    expect(await takeLease(busy.request)).toEqual({ kind: 'none', reason: 'another commit' })
  })

  test('is not set on a snapshot that was expired meanwhile', async () => {
    const { request, memory } = await world(answering('conflict'))
    await memory.updateTable(
      table,
      [],
      [
        { action: 'add-snapshot', snapshot: snapshotOf(SNAPSHOT + 1n, null, 2n, COMMITTED) },
        { action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': SNAPSHOT + 1n },
        { action: 'remove-snapshots', 'snapshot-ids': [SNAPSHOT] },
      ],
    )
    expect(await takeLease(request)).toEqual({ kind: 'gone' })
  })

  test('that stays says why', async () => {
    const { request } = await world()
    await takeLease(request)
    const stuck = answering('locked')(request.catalog)
    expect(await endLease({ ...request, catalog: stuck }, 'k2_lease_one')).toBe('database is locked')
  })
})
