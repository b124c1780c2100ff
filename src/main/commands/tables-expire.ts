// k2 tables expire: old snapshots of the tables of a catalog, now instead of beside a run. Main thread; the commit thread does it.
// Invariant: --dry-run changes nothing, and counts with the very plan and search that an expiry uses.
import { expiryUpdates, planExpiry } from '../../shared/commit/expiry-plan.ts'
import { guards } from '../../shared/commit/guards.ts'
import { POSITIONS_PROPERTY } from '../../shared/commit/positions.ts'
import { APPLIED_PROPERTY } from '../../shared/commit/side-tables.ts'
import type { Config } from '../../shared/config.ts'
import { fromFailure, IngestError } from '../../shared/errors.ts'
import { formatTableName, type TableName } from '../../shared/iceberg/catalog.ts'
import { pendingLists } from '../../shared/iceberg/expired-list.ts'
import { findFreed, ReachableManifests } from '../../shared/iceberg/freed-files.ts'
import type { TableMetadata } from '../../shared/iceberg/metadata.ts'
import { mayExpire } from '../../shared/iceberg/retention.ts'
import { applyUpdates } from '../../shared/iceberg/table-updates.ts'
import type { Store } from '../../shared/store/store.ts'
import { type CommandIo, jsonLine } from '../command.ts'
import { openCommitter } from '../ingest/committer-handle.ts'
import { mapTables } from '../open-tables.ts'
import { type ExpiryReport, expiryDocument, renderExpiry } from '../terminal/expiry-report.ts'

type ExpireConfig = Config<'tables expire'>

/** Errors: TABLE_MISSING, TABLE_FOREIGN (a named table only), POSITIONS_UNTRUSTED, COMMIT_*, CATALOG_*, STORE_*. */
export async function tablesExpireCommand(config: ExpireConfig, io: CommandIo): Promise<number> {
  const reports = config.dryRun ? await lookAt(config) : await expire(config, io)
  io.out.write(config.json ? jsonLine({ tables: reports.map(expiryDocument) }) : renderAll(reports))
  return 0
}

const renderAll = (reports: readonly ExpiryReport[]): string =>
  reports.length === 0 ? 'no table of k2 in this catalog\n' : reports.map(renderExpiry).join('')

const isOurs = ({ properties }: TableMetadata): boolean =>
  properties[POSITIONS_PROPERTY] !== undefined || properties[APPLIED_PROPERTY] !== undefined

/** Tables of others are passed over, unless one is named. */
async function ourTables<T>(
  config: ExpireConfig,
  use: (name: TableName, metadata: TableMetadata, store: Store) => Promise<T>,
): Promise<readonly T[]> {
  const found = await mapTables(config, async ({ name, metadata }, store): Promise<T[]> => {
    if (isOurs(metadata)) return [await use(name, metadata, store)]
    if (config.table !== null) throw new IngestError('TABLE_FOREIGN', { table: formatTableName(name) })
    return []
  })
  return found.flat()
}

const lookAt = (config: ExpireConfig): Promise<readonly ExpiryReport[]> =>
  ourTables(config, async (name, metadata, store): Promise<ExpiryReport> => {
    const nowMs = Date.now()
    const plan = planExpiry(metadata, nowMs, guards, Number.POSITIVE_INFINITY)
    const updates = expiryUpdates(plan, { set: {}, removed: [] })
    const after = applyUpdates(metadata, updates, { now: nowMs, previousLocation: null })
    const reachable = new ReachableManifests()
    await reachable.follow(store, after, Number.POSITIVE_INFINITY)
    const snapshots = plan.snapshots.map(({ snapshot }) => ({
      snapshotId: snapshot['snapshot-id'],
      manifestList: snapshot['manifest-list'],
    }))
    const mayFreeFiles = [...plan.snapshots, ...pendingLists(metadata.properties)].some((each) => each.mayFreeFiles)
    const freed = await findFreed(store, { snapshots, mayFreeFiles }, after, reachable, guards.unreached)
    return {
      kind: 'would expire',
      table: formatTableName(name),
      mayExpire: mayExpire(metadata),
      snapshots: plan.snapshots.length,
      oldRefs: plan.oldRefs,
      newTags: [...plan.newTags.keys()],
      snapshotsLeft: after.snapshots.length,
      oldestKeptMs: Math.min(...after.snapshots.map((snapshot) => snapshot['timestamp-ms'])),
      files: {
        dataFiles: freed.dataFiles.length,
        manifests: freed.manifests.length,
        manifestLists: freed.manifestLists.length,
      },
    }
  })

async function expire(config: ExpireConfig, io: CommandIo): Promise<readonly ExpiryReport[]> {
  const names = await ourTables(config, async (name) => name)
  if (names.length === 0) return []
  const notice = ({ event, why }: Readonly<Record<string, string | number>>): void => {
    if (why !== undefined) io.err.write(`${event}: ${why}\n`)
  }
  const { catalog, warehouse } = config
  const committer = openCommitter({ catalogFile: catalog.file, warehouse, notice, fact: () => undefined })
  try {
    const reports: ExpiryReport[] = []
    for (const name of names) {
      const reply = await committer.expire(name)
      if (reply.kind === 'failed') throw fromFailure(reply.failure)
      const { kind, deleted: files, ...rest } = reply
      reports.push({ kind, table: formatTableName(name), files, ...rest })
    }
    return reports
  } finally {
    await committer.close()
  }
}
