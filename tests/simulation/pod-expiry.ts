// Expiry by a pod of the simulation (src/workers/committer-expiry.ts): one request, and files deleted later by the lists that the
// table names; plans, updates and guards are the real ones.
import { expiryUpdates, isNothing, planExpiry } from '../../src/shared/commit/expiry-plan.ts'
import type { Guards } from '../../src/shared/commit/guards.ts'
import { pendingLists, pendingProperty } from '../../src/shared/iceberg/expired-list.ts'
import type { TableMetadata } from '../../src/shared/iceberg/metadata.ts'
import { judge } from './judge.ts'
import type { Request, TableKey, World } from './world.ts'
import { tell } from './world.ts'

type ExpiryRequest = Omit<Request, 'answer'>

/** The request of an expiry planned on metadata that may be old; null where nothing is. */
export function expiryOf(
  world: World,
  guards: Guards,
  table: TableKey,
  base: TableMetadata,
  nowMs: number,
): ExpiryRequest | null {
  const plan = planExpiry(base, nowMs, guards)
  if (isNothing(plan)) return null
  const id = String(world.nextId++)
  const [key, value] = pendingProperty(id, { location: id, atMs: nowMs, mayFreeFiles: true })
  world.expired.set(
    key,
    plan.snapshots.map(({ snapshot }) => snapshot['manifest-list']),
  )
  tell(world, () => `expires ${plan.snapshots.length} snapshots and ${plan.oldRefs.join(' ')} of ${table}`)
  const set = plan.snapshots.length === 0 ? {} : { [key]: value }
  const updates = expiryUpdates(plan, { set, removed: [] })
  return { table, requirements: guards.expiryRequirements(base), updates, plannedRefs: base.refs }
}

/** Deletes the files of one list that is due. */
export function sweepOne(world: World, guards: Guards, table: TableKey, nowMs: number): boolean {
  const metadata = world.tables[table]
  const due = pendingLists(metadata.properties).find(
    ({ key, atMs }) => world.expired.has(key) && guards.graceOver(atMs, nowMs),
  )
  const lists = due === undefined ? undefined : world.expired.get(due.key)
  if (due === undefined || lists === undefined) return false
  const reached = metadata.snapshots.map((each) => each['manifest-list'])
  const shown = new Set(reached.flatMap((list) => world.lists.get(list) ?? []))
  const freed = guards.unreached(lists, new Set(reached))
  const files = guards.unreached(
    freed.flatMap((list) => world.lists.get(list) ?? []),
    shown,
  )
  for (const name of files) {
    const file = world.files.get(name)
    if (file !== undefined) file.swept = true
  }
  for (const list of freed) world.lists.delete(list)
  world.expired.delete(due.key)
  tell(world, () => `deletes lists ${freed.join(' ')} and files ${files.join(' ')}`)
  judge(world)
  return true
}
