// Plans of expiry and the files they free, on tables with random histories: whatever came before, every snapshot that a table has can
// be read to its last file, and once everything old is gone, nothing is left over.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { expiryUpdates, planExpiry } from '../../../src/shared/commit/expiry-plan.ts'
import { guards } from '../../../src/shared/commit/guards.ts'
import type { ExpiredEntry } from '../../../src/shared/iceberg/expired-list.ts'
import { findFreed, ReachableManifests } from '../../../src/shared/iceberg/freed-files.ts'
import { TableHistory } from '../../support/table-history.ts'

const minute = 60_000

/** A table whose expired snapshots wait in lists, as in the product. */
class KeptTable extends TableHistory {
  readonly #waiting: Array<{ readonly snapshots: readonly ExpiredEntry[]; readonly mayFreeFiles: boolean }> = []
  readonly #reachable = new ReachableManifests()

  expire(batchMax?: number): number {
    const plan = planExpiry(this.metadata, this.nowMs, guards, batchMax)
    this.apply(expiryUpdates(plan, { set: {}, removed: [] }))
    const snapshots = plan.snapshots.map(({ snapshot }) => ({
      snapshotId: snapshot['snapshot-id'],
      manifestList: snapshot['manifest-list'],
    }))
    const mayFreeFiles = plan.snapshots.some((each) => each.mayFreeFiles)
    if (snapshots.length > 0) this.#waiting.push({ snapshots, mayFreeFiles })
    return snapshots.length
  }

  /** Deletes the files of the list at `index`; `crashAfter` files, then the list stays. */
  async sweep(index: number, crashAfter = Number.POSITIVE_INFINITY): Promise<void> {
    const list = this.#waiting[index % Math.max(1, this.#waiting.length)]
    if (list === undefined) return
    while (!(await this.#reachable.follow(this.store, this.metadata, 3)));
    const mayFreeFiles = this.#waiting.some((each) => each.mayFreeFiles)
    const freed = await findFreed(
      this.store,
      { ...list, mayFreeFiles },
      this.metadata,
      this.#reachable,
      guards.unreached,
    )
    const files = [...freed.dataFiles, ...freed.manifests, ...freed.manifestLists]
    for (const file of files.slice(0, crashAfter)) await this.store.delete(file)
    if (files.length <= crashAfter) this.#waiting.splice(this.#waiting.indexOf(list), 1)
  }

  get waiting(): number {
    return this.#waiting.length
  }
}

type Act = readonly [kind: number, choice: number]
const acts = fc.array(fc.tuple(fc.nat(19), fc.nat(1_000)), { maxLength: 40 })

async function act(table: KeptTable, [kind, choice]: Act): Promise<void> {
  const branches = Object.entries(table.metadata.refs).filter(([, ref]) => ref.type === 'branch')
  const branch = branches[choice % Math.max(1, branches.length)]?.[0] ?? 'main'
  const { snapshots } = table.metadata
  const some = snapshots[choice % Math.max(1, snapshots.length)]
  if (kind < 7) await table.append(branch)
  else if (kind < 9) await table.compact(branch, (index) => (choice >> (index % 10)) % 2 === 1)
  else if (kind < 11) table.nowMs += (choice % 40) * minute
  else if (kind < 14) table.expire(choice % 2 === 0 ? 2 : undefined)
  else if (kind < 17) await table.sweep(choice, choice % 3 === 0 ? choice % 5 : undefined)
  else if (some !== undefined) {
    const id = some['snapshot-id']
    const age = { 'max-ref-age-ms': BigInt((choice % 60) * minute) }
    if (kind === 17) setRef(table, `t${choice % 3}`, { 'snapshot-id': id, type: 'tag', ...age })
    if (kind === 18) setRef(table, `b${choice % 2}`, { 'snapshot-id': id, type: 'branch', ...age })
    if (kind === 19) setRef(table, 'main', { 'snapshot-id': id, type: 'branch' })
  }
}

type RefOf = Parameters<typeof setRef>[2]
function setRef(
  table: KeptTable,
  name: string,
  ref: { 'snapshot-id': bigint; type: 'branch' | 'tag'; 'max-ref-age-ms'?: bigint },
): void {
  const isOther = table.metadata.refs[name] !== undefined && table.metadata.refs[name].type !== ref.type
  if (!isOther) table.apply([{ action: 'set-snapshot-ref', 'ref-name': name, ...ref } satisfies RefUpdate])
}
type RefUpdate = { action: 'set-snapshot-ref'; 'ref-name': string } & RefOf

describe('a table with any history', () => {
  test('keeps every file that a snapshot of it reaches, and no other once all that is old is gone', async () => {
    await fc.assert(
      fc.asyncProperty(acts, async (history) => {
        const table = new KeptTable({ 'commit.manifest.min-count-to-merge': '3', 'k2.hourly-tags-hours': '2' })
        await table.append()
        for (const each of history) {
          await act(table, each)
          await table.reached()
        }
        const names = Object.keys(table.metadata.refs).filter((name) => name !== 'main')
        table.apply(names.map((name) => ({ action: 'remove-snapshot-ref', 'ref-name': name })))
        table.nowMs += 200 * 24 * 60 * minute
        table.apply([{ action: 'set-properties', updates: { 'k2.hourly-tags-hours': '0', 'k2.daily-tags-days': '0' } }])
        while (table.expire() > 0);
        while (table.waiting > 0) await table.sweep(table.waiting - 1)
        const reached = await table.reached()
        expect(table.metadata.snapshots).toHaveLength(1)
        expect([...table.store.files.keys()].filter((file) => !reached.has(file))).toEqual([])
      }),
      { numRuns: Number(process.env['K2_HISTORIES'] ?? 60) },
    )
  })
})

test('files rewritten after their first snapshots expired are freed, though the list of those is done first', async () => {
  const table = new KeptTable()
  for (let count = 0; count < 3; count++) await table.append()
  table.nowMs += 16 * minute
  await table.append()
  expect(table.expire()).toBe(3)
  await table.compact('main', () => true)
  table.nowMs += 16 * minute
  await table.append()
  expect(table.expire()).toBe(2)
  await table.sweep(0)
  await table.sweep(0)
  const reached = await table.reached()
  expect([...table.store.files.keys()].filter((file) => !reached.has(file))).toEqual([])
})

describe('what stays', () => {
  const ids = (table: TableHistory): readonly string[] =>
    table.metadata.snapshots.map((each) => String(each['snapshot-id']))

  test('the last 15 minutes, but at most 100 snapshots; the head however old', async () => {
    const table = new KeptTable()
    for (let count = 0; count < 130; count++) await table.append()
    table.expire()
    expect(ids(table)).toHaveLength(100)
    table.nowMs += 16 * minute
    table.expire()
    expect(ids(table)).toEqual(['130'])
  })

  test('what the table says itself: age and number, without a cap of ours', async () => {
    const age = String(30 * minute)
    const table = new KeptTable({
      'history.expire.max-snapshot-age-ms': age,
      'history.expire.min-snapshots-to-keep': '3',
    })
    for (let count = 0; count < 120; count++) await table.append()
    table.expire()
    expect(ids(table)).toHaveLength(120)
    table.nowMs += 31 * minute
    table.expire()
    expect(ids(table)).toEqual(['118', '119', '120'])
  })

  test('what a branch says of itself goes before what the table says', async () => {
    const table = new KeptTable({ 'history.expire.max-snapshot-age-ms': '0' })
    for (let count = 0; count < 5; count++) await table.append()
    const own = { 'min-snapshots-to-keep': 4, type: 'branch', 'snapshot-id': 5n } as const
    table.apply([{ action: 'set-snapshot-ref', 'ref-name': 'audit', ...own }])
    table.nowMs += minute
    table.expire()
    expect(ids(table)).toEqual(['2', '3', '4', '5'])
  })

  test('a tag until it is too old; snapshots that Spark staged for five days; nothing where gc.enabled is false', async () => {
    const table = new KeptTable()
    for (let count = 0; count < 3; count++) await table.append()
    await table.append('staged', { 'wap.id': 'w' })
    const tag = { 'snapshot-id': 1n, type: 'tag', 'max-ref-age-ms': BigInt(60 * minute) } as const
    table.apply([
      { action: 'set-snapshot-ref', 'ref-name': 'k2_lease_q1', ...tag },
      { action: 'remove-snapshot-ref', 'ref-name': 'staged' },
    ])
    table.nowMs += 20 * minute
    table.expire()
    expect(ids(table)).toEqual(['1', '3', '4'])
    table.nowMs += 41 * minute
    table.apply([{ action: 'set-properties', updates: { 'gc.enabled': 'false' } }])
    expect(table.expire()).toBe(0)
    table.apply([{ action: 'remove-properties', removals: ['gc.enabled'] }])
    table.expire()
    expect(ids(table)).toEqual(['3', '4'])
    expect(Object.keys(table.metadata.refs)).toEqual(['main'])
  })

  test('the last snapshot of each hour for 7 days, of each day for 90, as tags with their age on them', async () => {
    const table = new KeptTable()
    for (let quarter = 0; quarter < 4 * 48; quarter++) {
      await table.append()
      table.expire()
      table.nowMs += 15 * minute
    }
    const names = Object.keys(table.metadata.refs).filter((name) => name.startsWith('k2_'))
    // From 10:00 on the 24th to 09:45 on the 26th; the last hour and day are not over.
    expect(names.filter((name) => name.startsWith('k2_hour_'))).toHaveLength(47)
    expect(names.filter((name) => name.startsWith('k2_day_'))).toEqual(['k2_day_20261124', 'k2_day_20261125'])
    const tag = table.metadata.refs['k2_hour_20261124_21']
    expect(tag).toMatchObject({ type: 'tag', 'max-ref-age-ms': BigInt(7 * 24 * 60 * minute) })
    const tagged = table.metadata.snapshots.find((each) => each['snapshot-id'] === tag?.['snapshot-id'])
    expect(new Date(tagged?.['timestamp-ms'] ?? 0).toISOString()).toBe('2026-11-24T21:45:00.000Z')
    table.nowMs += 8 * 24 * 60 * minute
    await table.append()
    table.expire()
    const left = Object.keys(table.metadata.refs).filter((name) => name.startsWith('k2_'))
    expect(left.toSorted()).toEqual(['k2_day_20261124', 'k2_day_20261125', 'k2_day_20261126'])
  })
})
