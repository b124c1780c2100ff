// Expires snapshots of the tables of a route and deletes what they free (docs/maintenance.md). Commit thread. The request runs in the
// lane, after a commit, so it meets no commit of this process; files go later, by lists that the table itself names.
// Invariants: trouble here never fails a commit; a file is deleted only after metadata without it has landed, after the grace, while
// no commit of ours is open, and if no snapshot of the table as it is then reaches it.
import { randomUUID } from 'node:crypto'
import {
  BATCH_SNAPSHOTS_MAX,
  type ExpiryPlan,
  expiryUpdates,
  isNothing,
  planExpiry,
} from '../shared/commit/expiry-plan.ts'
import { sideManifests } from '../shared/commit/side-files.ts'
import { SIDE_FILES_KEY } from '../shared/commit/side-tables.ts'
import { type Failure, IngestError, toFailure } from '../shared/errors.ts'
import type { CommitOutcome, TableName } from '../shared/iceberg/catalog.ts'
import { formatTableName } from '../shared/iceberg/catalog.ts'
import {
  type PendingList,
  parseExpiredList,
  pendingLists,
  pendingProperty,
  writeExpiredList,
} from '../shared/iceberg/expired-list.ts'
import { findFreed, inTurn, ReachableManifests } from '../shared/iceberg/freed-files.ts'
import type { TableMetadata } from '../shared/iceberg/metadata.ts'
import { statisticsFiles } from '../shared/iceberg/metadata-json.ts'
import { mayExpire } from '../shared/iceberg/retention.ts'
import { metadataFolder } from '../shared/iceberg/table-location.ts'
import type { CommitterIo } from './committer-io.ts'
import { load } from './committer-run.ts'

/** What is known of one table's upkeep between commits. */
export interface Upkeep {
  readonly name: TableName
  readonly reachable: ReachableManifests
  /** Properties of lists that are done: the next expiry takes them off the table. */
  readonly done: Set<string>
  /** Lists whose files could not be deleted: how often. */
  readonly troubles: Map<string, number>
  /** Snapshots that were left when it was last looked at, and when that was. */
  snapshotsLeft: number
  lookedAtMs: number
  /** Deleting of files that is under way. */
  sweep: Promise<void> | null
  /** Not before: after trouble. */
  sweepAtMs: number
}

export const createUpkeep = (name: TableName): Upkeep => ({
  name,
  reachable: new ReachableManifests(),
  done: new Set(),
  troubles: new Map(),
  snapshotsLeft: 0,
  lookedAtMs: 0,
  sweep: null,
  sweepAtMs: 0,
})

/** A table with few commits is looked at this often, one with many whenever so many snapshots have come. */
export const lookMsMax = 60_000
export const lookSnapshots = 20
/** Lists of one table; beyond, expiry waits for their files to be deleted. */
const pendingMax = 256
/** Manifest lists read before other work comes in between. */
const listsPerTurn = 64
/** Tries of this process; then the files of a list are left to orphan removal. */
const troublesMax = 5
const troubleWaitMs = 60_000

/**
 * Whether it is time. Each list waits for its grace, so that the more wait already, the larger the next batch is: their number grows
 * with the root of the commits in a grace, not with the commits.
 */
export function isExpiryDue(upkeep: Upkeep, metadata: TableMetadata, nowMs: number): boolean {
  const waiting = pendingLists(metadata.properties).filter(({ key }) => !upkeep.done.has(key)).length
  if (waiting >= pendingMax) return false
  const grown = metadata.snapshots.length - upkeep.snapshotsLeft
  return grown >= Math.min(BATCH_SNAPSHOTS_MAX, lookSnapshots + waiting) || nowMs - upkeep.lookedAtMs >= lookMsMax
}

/** How a batch went: `skipped` lost a race, or its answer. `metadata`: the newest that is known. */
export type ExpiryEnd = { readonly metadata: TableMetadata; readonly plan: ExpiryPlan } & (
  | { readonly kind: 'nothing' | 'done' }
  | { readonly kind: 'skipped'; readonly why: string }
  | { readonly kind: 'failed'; readonly failure: Failure }
)

/** One batch: plans it on `base`, whose marks were checked, and sends it once. Never throws what the world did. */
export async function expireSnapshots(
  io: CommitterIo,
  upkeep: Upkeep,
  base: TableMetadata,
  side: TableMetadata | null,
): Promise<ExpiryEnd> {
  const table = formatTableName(upkeep.name)
  const atMs = io.clock()
  const plan = planExpiry(base, atMs, io.guards)
  upkeep.lookedAtMs = atMs
  upkeep.snapshotsLeft = base.snapshots.length - plan.snapshots.length - plan.left
  if (isNothing(plan)) return { kind: 'nothing', metadata: base, plan }
  const counts = { snapshots: plan.snapshots.length, oldRefs: plan.oldRefs.length, newTags: plan.newTags.size }
  try {
    const outcome = await send(io, upkeep, plan, side, atMs)
    io.tell({ kind: 'expired', table, outcome: outcome.kind, ...counts, ms: io.clock() - atMs })
    if (outcome.kind === 'done') return expired(io, upkeep, plan, outcome.table.metadata)
    // Somebody committed in between, or moved a ref: planned anew with one of the next commits.
    io.log({ event: 'expiry skipped', table, outcome: outcome.kind, why: outcome.reason })
    // What is refused for another reason is not asked for with every commit.
    if (outcome.kind !== 'conflict') upkeep.snapshotsLeft = base.snapshots.length
    return { kind: 'skipped', metadata: base, plan, why: outcome.reason }
  } catch (error) {
    if (!(error instanceof IngestError)) throw error
    io.tell({ kind: 'expired', table, outcome: 'failed', ...counts, ms: io.clock() - atMs })
    io.log({ event: 'expiry failed', table, error: error.message })
    upkeep.snapshotsLeft = base.snapshots.length
    return { kind: 'failed', metadata: base, plan, failure: toFailure(error) }
  }
}

function expired(io: CommitterIo, upkeep: Upkeep, plan: ExpiryPlan, metadata: TableMetadata): ExpiryEnd {
  io.log({
    event: 'expired snapshots',
    table: formatTableName(upkeep.name),
    snapshots: plan.snapshots.length,
    old_refs: plan.oldRefs.length,
    new_tags: plan.newTags.size,
    snapshots_left: metadata.snapshots.length,
  })
  for (const key of upkeep.done) if (metadata.properties[key] === undefined) upkeep.done.delete(key)
  return { kind: 'done', metadata, plan }
}

/** The list is on the disk before metadata names it. */
async function send(
  io: CommitterIo,
  upkeep: Upkeep,
  plan: ExpiryPlan,
  side: TableMetadata | null,
  atMs: number,
): Promise<CommitOutcome> {
  const { base } = plan
  const id = randomUUID()
  const location = `${metadataFolder(base)}/expired-${id}.json`
  const hasList = plan.snapshots.length > 0
  await noteDone(io, upkeep, base)
  if (hasList) await io.store.putIfAbsent(location, writeExpiredList(listOf(plan, side)))
  const mayFreeFiles = plan.snapshots.some((each) => each.mayFreeFiles)
  const [key, value] = pendingProperty(id, { location, atMs, mayFreeFiles })
  const properties = {
    set: hasList ? { [key]: value } : {},
    removed: [...upkeep.done].filter((each) => base.properties[each] !== undefined),
  }
  const outcome = await post(io, upkeep.name, plan, properties)
  const isRefused = outcome.kind === 'conflict' || outcome.kind === 'rejected'
  if (isRefused && hasList) await io.store.delete(location).catch(() => undefined)
  return outcome
}

/** Lists whose grace is over and whose file is gone were done by another process, or by an earlier life of this one. */
async function noteDone(io: CommitterIo, upkeep: Upkeep, base: TableMetadata): Promise<void> {
  await inTurn(dueLists(io, upkeep, base), async ({ key, location }) => {
    if ((await io.store.size(location)) === null) upkeep.done.add(key)
  })
}

async function post(
  io: CommitterIo,
  name: TableName,
  plan: ExpiryPlan,
  properties: Parameters<typeof expiryUpdates>[1],
): Promise<CommitOutcome> {
  try {
    const requirements = io.guards.expiryRequirements(plan.base)
    return await io.catalog.updateTable(name, requirements, expiryUpdates(plan, properties))
  } catch (error) {
    return { kind: 'unknown', reason: error instanceof Error ? error.message : String(error) }
  }
}

function listOf(plan: ExpiryPlan, side: TableMetadata | null) {
  const { base, snapshots } = plan
  const ids = new Set(snapshots.map(({ snapshot }) => snapshot['snapshot-id']))
  const described = side === null ? [] : snapshots.flatMap(({ snapshot }) => sideDescriptions(snapshot.summary, side))
  return {
    tableUuid: base['table-uuid'],
    snapshots: snapshots.map(({ snapshot }) => ({
      snapshotId: snapshot['snapshot-id'],
      manifestList: snapshot['manifest-list'],
    })),
    files: [...statisticsFiles(base, ids), ...described],
  }
}

/** Descriptions of the side files that a snapshot named; they are in their table, or the snapshot would be kept (guard 13). */
function sideDescriptions(summary: Readonly<Record<string, string>>, side: TableMetadata): readonly string[] {
  const text = summary[SIDE_FILES_KEY]
  if (text === undefined) return []
  try {
    const byTable: unknown = JSON.parse(text)
    const lists: unknown[] = typeof byTable === 'object' && byTable !== null ? Object.values(byTable) : []
    return lists
      .filter((files) => Array.isArray(files))
      .flatMap((files) =>
        sideManifests(
          side,
          files.filter((file) => typeof file === 'string'),
        ),
      )
  } catch {
    return [] // a summary that somebody else wrote
  }
}

/** Lists whose grace is over, oldest first. */
export function dueLists(io: CommitterIo, upkeep: Upkeep, metadata: TableMetadata): readonly PendingList[] {
  if (!mayExpire(metadata)) return []
  const lists = pendingLists(metadata.properties)
  return lists.filter(({ key, atMs }) => !upkeep.done.has(key) && io.guards.graceOver(atMs, io.clock()))
}

/**
 * Deletes the files of lists that are due. `inLane` runs the deleting itself where no commit is under way, and answers false where
 * one is in doubt. Never throws what the world did.
 */
export async function sweepExpired(
  io: CommitterIo,
  upkeep: Upkeep,
  inLane: (run: () => Promise<void>) => Promise<boolean>,
): Promise<void> {
  const table = formatTableName(upkeep.name)
  let list: PendingList | undefined
  try {
    for (;;) {
      const metadata = await load(io, upkeep.name)
      list = metadata === null ? undefined : dueLists(io, upkeep, metadata)[0]
      if (metadata === null || list === undefined) return
      if (!(await sweepList(io, upkeep, metadata, list, inLane))) return
      upkeep.done.add(list.key)
    }
  } catch (error) {
    if (!(error instanceof IngestError)) throw error
    upkeep.sweepAtMs = io.clock() + troubleWaitMs
    const count = list === undefined ? 0 : (upkeep.troubles.get(list.key) ?? 0) + 1
    if (list !== undefined) upkeep.troubles.set(list.key, count)
    io.tell({ kind: 'swept', table, outcome: 'failed', dataFiles: 0, manifests: 0, manifestLists: 0, ms: 0 })
    io.log({ event: 'deleting expired files failed', table, error: error.message, tries: count })
    if (list === undefined || count < troublesMax) return
    upkeep.troubles.delete(list.key)
    upkeep.done.add(list.key)
    io.log({ event: 'expired files left behind', table, list: list.location })
  }
}

/** False where a commit is in doubt: later. Errors: STORE_*, TABLE_METADATA. */
async function sweepList(
  io: CommitterIo,
  upkeep: Upkeep,
  metadata: TableMetadata,
  { location }: PendingList,
  inLane: (run: () => Promise<void>) => Promise<boolean>,
): Promise<boolean> {
  const { store, guards } = io
  const begunMs = io.clock()
  const list = await readList(io, location)
  // Done by another process, or of a table that was replaced: no snapshot of this one names its files.
  if (list === null || list.tableUuid !== metadata['table-uuid']) return true
  while (!(await upkeep.reachable.follow(store, metadata, listsPerTurn))) await io.sleep(0)
  const mayFreeFiles = pendingLists(metadata.properties).some((each) => each.mayFreeFiles)
  const freed = await findFreed(store, { ...list, mayFreeFiles }, metadata, upkeep.reachable, guards.unreached)
  const isDone = await inLane(async () => {
    for (const files of [freed.dataFiles, freed.manifests, freed.manifestLists, list.files, [location]]) {
      await inTurn(files, (file) => store.delete(file))
    }
  })
  if (!isDone) return false
  const counts = {
    dataFiles: freed.dataFiles.length,
    manifests: freed.manifests.length,
    manifestLists: freed.manifestLists.length,
  }
  const table = formatTableName(upkeep.name)
  io.tell({ kind: 'swept', table, outcome: 'done', ...counts, ms: io.clock() - begunMs })
  io.log({
    event: 'deleted expired files',
    table,
    data_files: counts.dataFiles,
    manifests: counts.manifests,
    manifest_lists: counts.manifestLists,
  })
  return true
}

async function readList(io: CommitterIo, location: string) {
  try {
    return parseExpiredList(await io.store.read(location), location)
  } catch (error) {
    if (error instanceof IngestError && error.code === 'STORE_MISSING') return null
    throw error
  }
}
