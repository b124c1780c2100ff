// Opens the tables of a route: loads or creates them, decides whether they are ours, and brings them to where reading may begin
// (side files confirmed, starts committed). Commit thread. Invariant: nothing is read from a source before this has returned.

import { planMoves } from '../shared/commit/change-plan.ts'
import { absentField } from '../shared/commit/choices-fit.ts'
import { backoffMs } from '../shared/commit/commit-limits.ts'
import type { Positions, TablePolicy } from '../shared/commit/positions.ts'
import { initialPositions, NO_SNAPSHOT, newStarts, nextOffset, POSITIONS_PROPERTY } from '../shared/commit/positions.ts'
import { writePositions } from '../shared/commit/positions-json.ts'
import type { RouteSpec } from '../shared/commit/route-spec.ts'
import { countRows } from '../shared/commit/row-evidence.ts'
import type { Applied, Confirmed } from '../shared/commit/side-tables.ts'
import { APPLIED_PROPERTY, writeApplied } from '../shared/commit/side-tables.ts'
import { columnsMisfit, misfit } from '../shared/commit/table-fit.ts'
import { assert, IngestError } from '../shared/errors.ts'
import type { NewTable, TableName } from '../shared/iceberg/catalog.ts'
import { formatTableName } from '../shared/iceberg/catalog.ts'
import { currentSchema } from '../shared/iceberg/current-layout.ts'
import type { TableMetadata } from '../shared/iceberg/metadata.ts'
import { commitChange } from './commit-change.ts'
import { applyChoices } from './committer-choices.ts'
import type { CommitterIo } from './committer-io.ts'
import { newSnapshotId, patiently, pause, raise } from './committer-io.ts'
import { load, runCommit, runSide } from './committer-run.ts'
import { evolveTable } from './committer-schema.ts'

/** A route as the committer holds it between commits. */
export interface OpenRoute {
  readonly spec: RouteSpec
  readonly side: TableName
  readonly mainUuid: string
  main: TableMetadata
  sideMetadata: TableMetadata
  positions: Positions
  /** What the side table is known to hold; main forgets it with its next commit. */
  confirmed: Confirmed
}

/** Of every table K2 creates; an owner may change them afterwards. */
const tableProperties: Readonly<Record<string, string>> = {
  'write.metadata.delete-after-commit.enabled': 'true',
  'write.metadata.previous-versions-max': '20',
  'write.parquet.compression-codec': 'zstd',
  'write.format.default': 'parquet',
}

export const sideTableName = (main: TableName): TableName => ({ ...main, name: `${main.name}_dead_letters` })

/**
 * Errors: TABLE_FOREIGN, TABLE_MISFIT, SCHEMA_INCOMPATIBLE, SIDE_TABLE_MISSING, POSITIONS_UNTRUSTED, POSITIONS_INVALID, TOPIC_RECREATED,
 * POSITION_OUT_OF_RANGE, UNCONFIRMED_MISSING, COMMIT_*, and those of catalog and store once waiting did not help.
 */
export async function openRoute(io: CommitterIo, spec: RouteSpec): Promise<OpenRoute> {
  const table = formatTableName(spec.table)
  const side = sideTableName(spec.table)
  const policy = { tombstone: spec.tombstone, since: new Date(io.clock()).toISOString() }
  await requireFields(io, spec)
  const opened = await openMain(io, spec, policy)
  requireTombstones(spec, opened.positions)
  const chosen = await applyChoices(io, spec, opened.main)
  const { main: moved, positions } = await acceptGaps(io, spec, { ...opened, main: chosen })
  const main = await evolveTable(io, spec, moved)
  const problem = columnsMisfit(spec.schema, currentSchema(main))
  if (problem !== null) throw new IngestError('TABLE_MISFIT', { table, problem })
  const sourceProblem = io.guards.recreated(positions, spec.partitions) ?? io.guards.outside(positions, spec.partitions)
  if (sourceProblem !== null) throw sourceProblem
  const sideMetadata = await openSide(io, spec, side, positions.snapshot !== NO_SNAPSHOT)
  const confirmed = positions.unconfirmed.length === 0 ? new Set<string>() : await confirm(io, spec.table, main, side)
  const route: OpenRoute = {
    spec,
    side,
    mainUuid: main['table-uuid'],
    main,
    sideMetadata,
    positions,
    confirmed: new Map([[formatTableName(side), confirmed]]),
  }
  await commitStarts(io, route, policy)
  return route
}

/** Errors: TABLE_MISFIT where tombstones of a table that has been read into were treated otherwise. */
function requireTombstones({ table, tombstone }: RouteSpec, { policy, topics, history }: Positions): void {
  // Where an operator has set or adopted positions, what became of earlier tombstones is his to know.
  if (policy.tombstone === tombstone || topics.size === 0 || history > 0) return
  const held = `tombstones are ${policy.tombstone === 'store' ? 'stored' : 'skipped'} in it since ${policy.since}`
  const problem = `${held}: go on with --tombstone ${policy.tombstone}`
  throw new IngestError('TABLE_MISFIT', { table: formatTableName(table), problem })
}

/** Before a table is made that would keep the mistake. Errors: ROUTE_COLUMN. */
async function requireFields(io: CommitterIo, spec: RouteSpec): Promise<void> {
  if ((spec.choices?.absentFields.length ?? 0) === 0) return
  const there = await patiently(io, formatTableName(spec.table), () => load(io, spec.table))
  const problem = absentField(spec, there?.properties ?? null)
  if (problem !== null) throw problem
}

interface Opened {
  readonly main: TableMetadata
  readonly positions: Positions
}

/** The main table and what it vouches for. A file that others expired while its rows were counted is looked for in newer metadata. */
async function openMain(io: CommitterIo, spec: RouteSpec, policy: TablePolicy): Promise<Opened> {
  const table = formatTableName(spec.table)
  for (let count = 1; ; count++) {
    const main = await loadOrCreate(io, spec.table, mainTable(spec, policy))
    try {
      return { main, positions: await readTrusted(io, table, main, policy) }
    } catch (error) {
      const isGone = error instanceof IngestError && error.code === 'STORE_MISSING'
      if (!isGone || count > io.limits.staleMax) throw error
      await pause(io, table, backoffMs(count, io.limits), error.code)
    }
  }
}

/** Moves the partitions whose lost offsets were given up. Another process may have done so, and may be doing so. */
async function acceptGaps(io: CommitterIo, spec: RouteSpec, opened: Opened): Promise<Opened> {
  const { table, writer, group } = spec
  let { main, positions } = opened
  for (let tries = 0; tries < GAP_TRIES_MAX; tries++) {
    const standing = positions
    const moves = spec.acceptedGaps.filter((gap) => nextOffset(standing, gap.topic, gap.partition) === gap.position)
    if (moves.length === 0) return { main, positions }
    const plan = planMoves(main, positions, moves, 'accept-gap', new Date(io.clock()).toISOString())
    const end = await commitChange(io, { table, tableUuid: main['table-uuid'], writer, group, ...plan }, main)
    if (end.kind === 'failed') raise(end.failure)
    if (end.kind === 'committed') return { main: end.metadata, positions: end.positions }
    main = end.kind === 'fenced' ? end.metadata : main
    positions = await readTrusted(io, formatTableName(table), main, positions.policy)
  }
  throw new IngestError('POSITIONS_MOVED', { table: formatTableName(table) })
}
const GAP_TRIES_MAX = 5

/** Side files that main names come before anything new. */
async function confirm(io: CommitterIo, name: TableName, main: TableMetadata, side: TableName): Promise<Applied> {
  const end = await runSide(io, { main: name, mainUuid: main['table-uuid'], side, limits: io.limits })
  return end.kind === 'confirmed' ? end.applied : raise(end.failure)
}

function mainTable(spec: RouteSpec, policy: TablePolicy): NewTable {
  return {
    schema: spec.schema,
    spec: spec.spec,
    ...(spec.choices?.sortOrder == null ? {} : { sortOrder: spec.choices.sortOrder }),
    location: locationOf(spec, spec.table),
    properties: {
      ...tableProperties,
      ...spec.choices?.properties,
      ...spec.properties,
      [POSITIONS_PROPERTY]: writePositions(initialPositions(policy)),
    },
  }
}

const locationOf = (spec: RouteSpec, name: TableName): string =>
  [spec.location.replace(/\/+$/, ''), ...name.namespace, name.name].join('/')

/** Of two that create a table, the loser loads the winner's; so does one whose answer was lost. */
export async function loadOrCreate(io: CommitterIo, name: TableName, wanted: NewTable): Promise<TableMetadata> {
  const table = formatTableName(name)
  let reason = ''
  for (let count = 1; count <= io.limits.attemptsMax; count++) {
    const found = await patiently(io, table, () => load(io, name))
    if (found !== null) return found
    const outcome = await patiently(io, table, () => io.catalog.createTable(name, wanted))
    switch (outcome.kind) {
      case 'done':
        return outcome.table.metadata
      case 'rejected':
        throw new IngestError('COMMIT_REJECTED', { table, reason: outcome.reason })
      default:
        reason = outcome.reason
        if (count > 1) await pause(io, table, backoffMs(count, io.limits), reason)
    }
  }
  throw new IngestError('COMMIT_GAVE_UP', { table, attempts: io.limits.attemptsMax, reason })
}

async function readTrusted(
  io: CommitterIo,
  table: string,
  main: TableMetadata,
  policy: TablePolicy,
): Promise<Positions> {
  const verdict = io.guards.read(main)
  switch (verdict.kind) {
    case 'none':
      if (main.snapshots.length > 0) throw new IngestError('TABLE_FOREIGN', { table })
      return initialPositions(policy)
    case 'trusted':
      return verdict.positions
    case 'evidence': {
      const { evidence, positions } = verdict
      const rows = await patiently(io, table, () => countRows(io.store, main, evidence.ranges))
      if (io.guards.evidenceHolds(evidence, rows)) return positions
      throw new IngestError('POSITIONS_UNTRUSTED', {
        table,
        reason: 'rows-missing',
        expected: evidence.rows,
        found: rows,
      })
    }
    case 'stop':
      throw new IngestError('POSITIONS_UNTRUSTED', { table, reason: verdict.reason })
  }
}

export const sideTable = (layout: Omit<NewTable, 'properties'>): NewTable => ({
  ...layout,
  properties: { ...tableProperties, [APPLIED_PROPERTY]: writeApplied(new Set()) },
})

/** Made before the first main commit; from then on its absence means that rows of ours are gone. */
async function openSide(
  io: CommitterIo,
  spec: RouteSpec,
  side: TableName,
  hasCommits: boolean,
): Promise<TableMetadata> {
  const table = formatTableName(side)
  const wanted = sideTable({ ...spec.deadLetters, location: locationOf(spec, side) })
  const found = hasCommits ? await patiently(io, table, () => load(io, side)) : await loadOrCreate(io, side, wanted)
  if (found === null) throw new IngestError('SIDE_TABLE_MISSING', { table, main: formatTableName(spec.table) })
  if (found.properties[APPLIED_PROPERTY] === undefined) throw new IngestError('TABLE_FOREIGN', { table })
  const problem = misfit(spec.deadLetters.schema, currentSchema(found))
  if (problem !== null) throw new IngestError('TABLE_MISFIT', { table, problem })
  return found
}

/** One empty snapshot for all partitions that the table does not know, before the first of them is read. */
async function commitStarts(io: CommitterIo, route: OpenRoute, policy: TablePolicy): Promise<void> {
  const { spec, main } = route
  const starts = newStarts(route.positions, spec.partitions)
  if (starts.length === 0) return
  const work = {
    kind: 'starts' as const,
    table: formatTableName(spec.table),
    tableUuid: route.mainUuid,
    snapshotId: newSnapshotId(io),
    writer: spec.writer,
    group: spec.group,
    policy,
    confirmed: route.confirmed,
    starts,
  }
  const end = await runCommit(io, { name: spec.table, work, base: main, side: null })
  if (end.kind === 'failed') raise(end.failure)
  assert(end.kind === 'committed', 'starts are never fenced')
  route.main = end.metadata
  route.positions = end.positions
}
