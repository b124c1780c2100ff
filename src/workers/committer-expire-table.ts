// `k2 tables expire`: one table, outside of any route, batch after batch, and the files whose grace is over. Commit thread.
// Invariant: the same plan, request and guards as beside a run; where both expire, one of them loses the race and plans anew.
import { backoffMs } from '../shared/commit/commit-limits.ts'
import { APPLIED_PROPERTY } from '../shared/commit/side-tables.ts'
import { IngestError, toFailure } from '../shared/errors.ts'
import { formatTableName, type TableName } from '../shared/iceberg/catalog.ts'
import { pendingLists } from '../shared/iceberg/expired-list.ts'
import type { TableMetadata } from '../shared/iceberg/metadata.ts'
import type { ExpireReply, FilesDeleted } from '../shared/messages.ts'
import { createUpkeep, expireSnapshots, sweepExpired } from './committer-expiry.ts'
import { type CommitterIo, patiently, pause } from './committer-io.ts'
import { sideTableName } from './committer-open.ts'
import { load } from './committer-run.ts'

/** Batches of one call; a table that needs more has been left alone for years. */
const BATCHES_MAX = 1_000
const RACES_MAX = 20

/** Never throws what the world did. */
export async function expireTable(io: CommitterIo, name: TableName): Promise<ExpireReply> {
  const table = formatTableName(name)
  const upkeep = createUpkeep(name)
  const total = { snapshots: 0, oldRefs: 0, newTags: 0 }
  try {
    const side = await patiently(io, table, () => load(io, sideTableName(name)))
    let races = 0
    for (let count = 0; count < BATCHES_MAX; count++) {
      const end = await expireSnapshots(io, upkeep, await loadExpirable(io, name), side)
      if (end.kind === 'failed') return { kind: 'failed', failure: end.failure }
      if (end.kind === 'nothing') break
      if (end.kind === 'skipped') {
        if (++races > RACES_MAX) throw new IngestError('COMMIT_GAVE_UP', { table, attempts: races, reason: end.why })
        await pause(io, table, backoffMs(races, io.limits), end.why)
        continue
      }
      total.snapshots += end.plan.snapshots.length
      total.oldRefs += end.plan.oldRefs.length
      total.newTags += end.plan.newTags.size
    }
    const deleted = await sweepNow(io, upkeep)
    const metadata = await loadExpirable(io, name)
    const waiting = pendingLists(metadata.properties).filter(({ key }) => !upkeep.done.has(key)).length
    return { kind: 'expired', ...total, snapshotsLeft: metadata.snapshots.length, deleted, listsWaiting: waiting }
  } catch (error) {
    return { kind: 'failed', failure: toFailure(error) }
  }
}

async function sweepNow(io: CommitterIo, upkeep: ReturnType<typeof createUpkeep>): Promise<FilesDeleted> {
  const deleted = { dataFiles: 0, manifests: 0, manifestLists: 0 }
  const counting: CommitterIo = {
    ...io,
    tell: (fact) => {
      io.tell(fact)
      if (fact.kind !== 'swept') return
      deleted.dataFiles += fact.dataFiles
      deleted.manifests += fact.manifests
      deleted.manifestLists += fact.manifestLists
    },
  }
  await sweepExpired(counting, upkeep, async (run) => {
    await run()
    return true
  })
  return deleted
}

/** Errors: TABLE_MISSING, TABLE_FOREIGN, POSITIONS_UNTRUSTED: a table whose marks do not count is evidence, and nothing of it goes. */
async function loadExpirable(io: CommitterIo, name: TableName): Promise<TableMetadata> {
  const table = formatTableName(name)
  const metadata = await patiently(io, table, () => load(io, name))
  if (metadata === null) throw new IngestError('TABLE_MISSING', { table })
  if (metadata.properties[APPLIED_PROPERTY] !== undefined) return metadata
  const verdict = io.guards.read(metadata)
  if (verdict.kind === 'none') throw new IngestError('TABLE_FOREIGN', { table })
  if (verdict.kind === 'stop') throw new IngestError('POSITIONS_UNTRUSTED', { table, reason: verdict.reason })
  return metadata
}
