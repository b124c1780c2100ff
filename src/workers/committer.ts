// The committer: owns the Iceberg tables of all routes and decides what is true. Commit thread; the thread's entry is
// commit-worker.ts. Invariant: one commit at a time per route, in the order asked for; every answer tells where the table stands.

import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { readColumnChoices } from '../shared/columns/column-choices.ts'
import type { CommitLimits } from '../shared/commit/commit-limits.ts'
import { commitLimits } from '../shared/commit/commit-limits.ts'
import type { GroupWork } from '../shared/commit/commit-work.ts'
import type { Guards } from '../shared/commit/guards.ts'
import { guards } from '../shared/commit/guards.ts'
import type { RouteSpec } from '../shared/commit/route-spec.ts'
import { dropConfirmed } from '../shared/commit/side-tables.ts'
import { tableLayout } from '../shared/commit/table-layout.ts'
import { assert, errorTable, type Failure, fromFailure, toFailure } from '../shared/errors.ts'
import { createManifestListCache } from '../shared/iceberg/append.ts'
import type { Catalog, TableName } from '../shared/iceberg/catalog.ts'
import { formatTableName } from '../shared/iceberg/catalog.ts'
import type { TableMetadata } from '../shared/iceberg/metadata.ts'
import { defaultSortOrder } from '../shared/iceberg/sort-order.ts'
import type {
  ChangeReply,
  CommitGroup,
  CommitReply,
  ExpireReply,
  PositionsChange,
  RouteTables,
  TableLayout,
  Transaction,
} from '../shared/messages.ts'
import type { PartitionPosition, PartitionRange } from '../shared/offsets.ts'
import type { Store } from '../shared/store/store.ts'
import { changePositions } from './committer-change.ts'
import { expireTable } from './committer-expire-table.ts'
import type { CommitterIo, CommitterLog } from './committer-io.ts'
import { newSnapshotId } from './committer-io.ts'
import type { OpenRoute } from './committer-open.ts'
import { openRoute, sideTableName } from './committer-open.ts'
import type { CommitEnd } from './committer-run.ts'
import { runCommit, runSide } from './committer-run.ts'
import { createRouteUpkeep, endSweeps, type RouteUpkeep, upkeepAfterCommit } from './committer-upkeep.ts'

export interface CommitterOptions {
  readonly catalog: Catalog
  readonly store: Store
  readonly clock?: () => number
  readonly randomBytes?: (count: number) => Uint8Array
  readonly sleep?: (ms: number) => Promise<void>
  readonly guards?: Guards
  readonly limits?: Partial<CommitLimits>
  readonly log?: CommitterLog
  readonly tell?: CommitterIo['tell']
}

export interface Committer {
  /** Opens (again, after a fence or a reload) the tables of a route. Errors: those of `openRoute`. */
  open(spec: RouteSpec): Promise<RouteTables>
  /** Commits one group as one snapshot; a group without files moves positions with an empty one. Never throws what the world did. */
  commit(route: string, group: CommitGroup): Promise<CommitReply>
  /** Sets positions of a table that no route has open here. Never throws what the world did. */
  change(change: PositionsChange): Promise<ChangeReply>
  /** Expires snapshots of one table, whoever has it open. Never throws what the world did. */
  expire(table: TableName): Promise<ExpireReply>
  /** Waits for commits under way and brings side files into their tables. Errors: what keeps them out. */
  drain(): Promise<void>
  /** Drains and closes the catalog. */
  close(): Promise<void>
}

/** After a main commit side files are tried this hard; main goes on meanwhile, up to the bound of `unconfirmed`. */
const sidePassing = { attemptsMax: 5, troublesMax: 2 }

interface Lane {
  /** End of the last commit under way. */
  tail: Promise<unknown>
  route: OpenRoute | null
  readonly upkeep: RouteUpkeep
  /** Since its tables were looked after. */
  hasCommitted: boolean
  /** What keeps side files out of their table for good: the next commit answers with it. */
  broken: Failure | null
}

export function createCommitter(options: CommitterOptions): Committer {
  const limits = { ...commitLimits, ...options.limits }
  const io: CommitterIo = {
    catalog: options.catalog,
    store: options.store,
    clock: options.clock ?? Date.now,
    randomBytes: options.randomBytes ?? randomBytes,
    sleep: options.sleep ?? ((ms) => sleep(ms)),
    guards: options.guards ?? guards,
    limits,
    log: options.log ?? (() => {}),
    tell: options.tell ?? (() => {}),
    lists: createManifestListCache(),
  }
  const lanes = new Map<string, Lane>()
  const drain = async (): Promise<void> => {
    try {
      for (const lane of lanes.values()) await inLane(lane, () => drainLane(io, lane))
    } finally {
      // Not in the lane: deleting waits for it.
      for (const lane of lanes.values()) await endSweeps(lane.upkeep)
    }
  }
  return {
    open: (spec) => {
      const upkeep = createRouteUpkeep(spec.table, sideTableName(spec.table))
      const lane = lanes.get(spec.route) ?? {
        tail: Promise.resolve(),
        route: null,
        upkeep,
        hasCommitted: false,
        broken: null,
      }
      lanes.set(spec.route, lane)
      return inLane(lane, async () => {
        lane.broken = null
        lane.route = await openRoute(io, spec)
        return routeTables(lane.route)
      })
    },
    commit: (route, group) => {
      const lane = lanes.get(route)
      assert(lane !== undefined, `route ${route} is not open`)
      const reply = inLane(lane, () => commitGroup(io, lane, group))
      void inLane(lane, () => lookAfter(io, lane))
      return reply
    },
    change: (change) => changePositions(io, change),
    expire: (table) => expireTable(io, table),
    drain,
    close: async () => {
      for (const { upkeep } of lanes.values()) upkeep.isClosing = true
      try {
        await drain()
      } finally {
        await io.catalog.close()
      }
    },
  }
}

/** One after the other, whatever became of the one before. */
function inLane<T>(lane: Lane, run: () => Promise<T>): Promise<T> {
  const result = lane.tail.then(run, run)
  lane.tail = result.catch(() => {})
  return result
}

async function commitGroup(io: CommitterIo, lane: Lane, group: CommitGroup): Promise<CommitReply> {
  const { route } = lane
  assert(route !== null, 'the route is open')
  if (io.guards.staleEpoch(group.epoch, route.spec.epoch)) return { kind: 'fenced', positions: routePositions(route) }
  if (lane.broken !== null) return { kind: 'failed', failure: lane.broken }
  try {
    const waiting = dropConfirmed(route.positions.unconfirmed, route.confirmed).length
    if (waiting >= io.limits.unconfirmedMax) {
      const failure = await confirmSide(io, lane, route, io.limits)
      if (failure !== null) return { kind: 'failed', failure }
    }
    const begun = io.clock()
    const before = route.main
    const end = await runCommit(io, {
      name: route.spec.table,
      work: groupWork(io, route, group),
      base: route.main,
      side: group.deadLetterFiles.length === 0 ? null : { metadata: route.sideMetadata, files: group.deadLetterFiles },
    })
    lane.upkeep.isInDoubt = end.kind === 'failed' ? end.inDoubt || lane.upkeep.isInDoubt : false
    if (end.kind === 'failed') return { kind: 'failed', failure: end.failure }
    lane.hasCommitted = end.kind === 'committed'
    route.main = end.metadata
    route.positions = end.positions
    if (end.kind === 'fenced') return { kind: 'fenced', positions: routePositions(route) }
    const transaction = transactionOf(route, before, end, Math.max(0, io.clock() - begun))
    io.log({ event: 'committed', ...loggable(transaction) })
    await confirmAfter(io, lane, route)
    return { kind: 'committed', transaction, positions: routePositions(route) }
  } catch (error) {
    return { kind: 'failed', failure: toFailure(error) }
  }
}

/**
 * Between two commits. The metadata it begins with is what the last one left, and its marks were checked. A bug of ours here is told
 * with the next commit.
 */
async function lookAfter(io: CommitterIo, lane: Lane): Promise<void> {
  const { route, upkeep } = lane
  if (route === null || !lane.hasCommitted) return
  lane.hasCommitted = false
  const fail = (error: unknown): void => {
    lane.broken ??= toFailure(error)
  }
  try {
    await upkeepAfterCommit(io, upkeep, route, { run: (work) => inLane(lane, work), fail })
  } catch (error) {
    fail(error)
  }
}

function groupWork(io: CommitterIo, route: OpenRoute, group: CommitGroup): GroupWork {
  const { spec } = route
  const files = group.deadLetterFiles.map((file) => file.location)
  return {
    kind: 'group',
    table: formatTableName(spec.table),
    tableUuid: route.mainUuid,
    snapshotId: newSnapshotId(io),
    writer: spec.writer,
    group: spec.group,
    policy: { tombstone: spec.tombstone, since: new Date(io.clock()).toISOString() },
    confirmed: route.confirmed,
    ranges: group.ranges.map(partitionRange),
    dataFiles: group.dataFiles,
    side: files.length === 0 ? null : { table: formatTableName(route.side), files },
    oldestEncodedAtMs: group.oldestEncodedAtMs,
    ...(group.replay === undefined ? {} : { replay: group.replay }),
  }
}

/** Without the counts of the outcome. */
const partitionRange = ({ topic, partition, first, next, leaderEpoch }: PartitionRange): PartitionRange => ({
  topic,
  partition,
  first,
  next,
  ...(leaderEpoch === undefined ? {} : { leaderEpoch }),
})

/** Side files follow main; what keeps them out for now is logged, what keeps them out for good ends the route with its next commit. */
async function confirmAfter(io: CommitterIo, lane: Lane, route: OpenRoute): Promise<void> {
  if (dropConfirmed(route.positions.unconfirmed, route.confirmed).length === 0) return
  const failure = await confirmSide(io, lane, route, { ...io.limits, ...sidePassing })
  if (failure === null) return
  io.log({ event: 'side files wait', table: formatTableName(route.side), error: fromFailure(failure).message })
  const gaveUp = failure.code === 'COMMIT_GAVE_UP' // after few attempts, on purpose
  if (errorTable[failure.code].action === 'stop' && !gaveUp) lane.broken = failure
}

async function confirmSide(
  io: CommitterIo,
  lane: Lane,
  route: OpenRoute,
  limits: CommitLimits,
): Promise<Failure | null> {
  const end = await runSide(io, { main: route.spec.table, mainUuid: route.mainUuid, side: route.side, limits })
  if (end.kind === 'failed') return end.failure
  route.confirmed = new Map([[formatTableName(route.side), end.applied]])
  lane.upkeep.sideCommits++
  return null
}

async function drainLane(io: CommitterIo, lane: Lane): Promise<void> {
  const { route } = lane
  if (route === null || dropConfirmed(route.positions.unconfirmed, route.confirmed).length === 0) return
  const failure = lane.broken ?? (await confirmSide(io, lane, route, io.limits))
  if (failure !== null) throw fromFailure(failure)
}

function routeTables(route: OpenRoute): RouteTables {
  return {
    main: { ...tableLayout(formatTableName(route.spec.table), route.main), ...chosenLayout(route) },
    deadLetters: tableLayout(formatTableName(route.side), route.sideMetadata),
    positions: routePositions(route),
  }
}

/** What the table says of columns and order, once it has what the route chose. */
function chosenLayout({ spec, main }: OpenRoute): Pick<TableLayout, 'columns' | 'sort'> {
  const sort = spec.choices?.sortOrder == null ? null : defaultSortOrder(main)
  return {
    columns: readColumnChoices(main.properties, formatTableName(spec.table)),
    ...(sort === null ? {} : { sort }),
  }
}

const routePositions = ({ spec, positions }: OpenRoute): PartitionPosition[] =>
  spec.partitions.flatMap(({ topic, partition }) => {
    const mark = positions.topics.get(topic)?.partitions.get(partition)
    if (mark === undefined) return []
    return [{ topic, partition, next: mark.next, ...(mark.epoch === undefined ? {} : { leaderEpoch: mark.epoch }) }]
  })

function transactionOf(
  route: OpenRoute,
  before: TableMetadata,
  end: Extract<CommitEnd, { kind: 'committed' }>,
  durationMs: number,
): Transaction {
  const { snapshot } = end
  assert(snapshot !== null, 'a group makes a snapshot')
  const parentId = snapshot['parent-snapshot-id']
  const parent = [...before.snapshots, ...end.metadata.snapshots].find((each) => each['snapshot-id'] === parentId)
  const { summary } = snapshot
  return {
    table: formatTableName(route.spec.table),
    snapshot_id_before: parentId === null ? null : String(parentId),
    snapshot_id_after: String(snapshot['snapshot-id']),
    sequence_number_before: String(parent?.['sequence-number'] ?? 0n),
    sequence_number_after: String(snapshot['sequence-number']),
    added_records: Number(summary['added-records'] ?? 0),
    added_data_files: Number(summary['added-data-files'] ?? 0),
    added_files_size_bytes: Number(summary['added-files-size'] ?? 0),
    total_records: summary['total-records'] ?? '0',
    transaction_duration_ms: durationMs,
    attempts: Math.max(1, end.attemptCount),
    commit_id: end.commitId,
  }
}

const loggable = (transaction: Transaction): Record<string, string | number> => ({
  ...transaction,
  snapshot_id_before: transaction.snapshot_id_before ?? 'none',
})
