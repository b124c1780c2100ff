// k2 positions set and adopt: shows what a change of positions does, asks, and hands it to the commit thread. Main thread.
// Invariant: what is committed is exactly what was shown; a table that moved in between is left alone (POSITIONS_MOVED).
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { deadLettersSchema, deadLettersSpec } from '../../shared/avro/iceberg-mapping.ts'
import { type ChangePlan, marksOf, planAdopt, planMoves, positionsSaid } from '../../shared/commit/change-plan.ts'
import type { MarkChange, PartitionMove } from '../../shared/commit/position-moves.ts'
import type { Positions, Unconfirmed } from '../../shared/commit/positions.ts'
import { kafkaTopicsOf } from '../../shared/commit/replay-position.ts'
import { countRows, countRowsUpTo } from '../../shared/commit/row-evidence.ts'
import { surveyRows } from '../../shared/commit/row-survey.ts'
import { readSideFiles } from '../../shared/commit/side-files.ts'
import { APPLIED_PROPERTY, parseApplied } from '../../shared/commit/side-tables.ts'
import type { Config } from '../../shared/config.ts'
import { fromFailure, IngestError } from '../../shared/errors.ts'
import { type Catalog, formatTableName, type TableName } from '../../shared/iceberg/catalog.ts'
import type { TableMetadata } from '../../shared/iceberg/metadata.ts'
import type { PositionsChange } from '../../shared/messages.ts'
import type { Topics } from '../../shared/option-values.ts'
import { locationOfPath } from '../../shared/store/file-location.ts'
import type { Store } from '../../shared/store/store.ts'
import { type CommandIo, jsonLine } from '../command.ts'
import { openCommitter } from '../ingest/committer-handle.ts'
import type { SourcePartition } from '../ingest/record-source.ts'
import { mapTables } from '../open-tables.ts'
import { startOfTarget, targetsInFile, targetsOf } from '../position-targets.ts'
import { lookAtSource } from '../source-look.ts'
import { planDocument, renderPlan, type ShownChange, type ShownPlan } from '../terminal/position-change.ts'
import { styleFor } from '../terminal/style.ts'

type ChangeConfig = Config<'positions set'> | Config<'positions adopt'>

/** What a plan is made from. */
interface Scene {
  readonly config: ChangeConfig
  readonly name: TableName
  readonly metadata: TableMetadata
  readonly store: Store
  readonly catalog: Catalog
  readonly positions: Positions | null
  readonly source: readonly SourcePartition[] | null
  readonly moves: readonly PartitionMove[]
}

interface Planned {
  readonly plan: ChangePlan
  readonly shown: ShownPlan
  readonly change: PositionsChange
}

/** Rows are counted for a warning; beyond this many in question they are not. */
const COUNTED_ROWS_MAX = 20_000_000
const OFFSET_MAX = 0x7fffffffffffffffn

export const positionsSetCommand = (config: Config<'positions set'>, io: CommandIo): Promise<number> =>
  changeCommand(config, io, 'set', planSet)

export const positionsAdoptCommand = (config: Config<'positions adopt'>, io: CommandIo): Promise<number> =>
  changeCommand(config, io, 'adopt', planAdoption)

type Planner = (
  scene: Scene,
) => Promise<{ readonly plan: ChangePlan; readonly remarks: readonly string[]; readonly makesSide: boolean }>

/** Exit 0: changed, or shown; 1: the person said no. Errors: POSITIONS_*, TABLE_*, SOURCE_*, BROKER_*, USAGE. */
async function changeCommand(
  config: ChangeConfig,
  io: CommandIo,
  kind: 'set' | 'adopt',
  planner: Planner,
): Promise<number> {
  const [planned] = await mapTables(config, async ({ name, metadata }, store, catalog) => {
    const scene = await sceneOf(config, { name, metadata, store, catalog })
    const { plan, remarks, makesSide } = await planner(scene)
    return plannedOf(scene, plan, remarks, makesSide, kind)
  })
  if (planned === undefined) throw new Error('one table was asked for')
  const { shown, change } = planned
  if (!config.json) io.out.write(renderPlan(shown, styleFor(io.out)))
  if (config.dryRun) {
    if (config.json) io.out.write(jsonLine({ changed: false, ...planDocument(shown) }))
    return 0
  }
  if (!(await isAgreed(config, io))) {
    io.err.write('nothing was changed\n')
    return 1
  }
  const snapshot = await commit(config, io, change)
  if (config.json) io.out.write(jsonLine({ changed: true, snapshot, ...planDocument(shown) }))
  else io.out.write(`positions are set, in snapshot ${snapshot}; k2 run goes on from them\n`)
  return 0
}

async function isAgreed({ yes, json }: ChangeConfig, io: CommandIo): Promise<boolean> {
  if (yes) return true
  if (io.ask === undefined || json) {
    throw new IngestError('USAGE', { reason: 'nobody can be asked here: repeat with --yes, or look with --dry-run' })
  }
  return /^(?:y|yes)$/i.test((await io.ask('Set these positions? [y/N] ')).trim())
}

async function commit(config: ChangeConfig, io: CommandIo, change: PositionsChange): Promise<string> {
  const notice = ({ event, why }: Readonly<Record<string, string | number>>): void =>
    io.err.write(`${event}${why === undefined ? '' : `: ${why}`}\n`)
  const committer = openCommitter({
    catalogFile: config.catalog.file,
    warehouse: config.warehouse,
    notice,
    fact: () => undefined,
  })
  try {
    const reply = await committer.change(change)
    if (reply.kind === 'moved') throw new IngestError('POSITIONS_MOVED', { table: formatTableName(change.table) })
    if (reply.kind === 'failed') throw fromFailure(reply.failure)
    return reply.snapshotId
  } finally {
    await committer.close()
  }
}

async function sceneOf(
  config: ChangeConfig,
  opened: Pick<Scene, 'name' | 'metadata' | 'store' | 'catalog'>,
): Promise<Scene> {
  const positions = positionsSaid(opened.metadata)
  const source = await lookAtSource(config, topicsOf(config, positions), startOfTarget(config.offset))
  const moves =
    config.fromFile === null
      ? targetsOf(config, positions, source)
      : targetsInFile(readText(config.fromFile), formatTableName(opened.name))
  checkInLog(moves, source)
  return { config, ...opened, positions, source, moves }
}

/** What the source is looked at for. */
function topicsOf({ topic, offset }: ChangeConfig, positions: Positions | null): Topics {
  if (topic !== null) return topic
  const named = offset?.kind === 'offsets' ? offset.offsets.map((each) => each.topic) : []
  const known = positions === null ? [] : kafkaTopicsOf(positions).map(([, { name }]) => name)
  const names = [...new Set(named.length > 0 ? named : known)]
  if (names.length === 0) return { kind: 'pattern', pattern: String.raw`^market\.` }
  return { kind: 'names', names }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new IngestError('POSITIONS_REFUSED', { reason: '--from-file cannot be read', file: path }, error)
  }
}

/** A position outside of the log would stop the next run. */
function checkInLog(moves: readonly PartitionMove[], source: readonly SourcePartition[] | null): void {
  for (const { topic, topicName, partition, next } of moves) {
    const found = source?.find((each) => each.topic === topic && each.partition === partition)
    if (found === undefined || (next >= found.logStart && next <= found.logEnd)) continue
    const { logStart, logEnd } = found
    const reason = `offset ${next} lies outside of the log`
    throw new IngestError('POSITIONS_REFUSED', { topic: topicName, partition, reason, logStart, logEnd })
  }
}

const planSet: Planner = async ({ name, metadata, moves, store }) => {
  const table = formatTableName(name)
  const marks = marksOf(metadata)
  if (marks.kind === 'none') throw new IngestError('TABLE_FOREIGN', { table })
  if (marks.kind === 'invalid') throw new IngestError('POSITIONS_INVALID', { table })
  if (marks.kind === 'stop') throw new IngestError('POSITIONS_UNTRUSTED', { table, reason: marks.reason })
  if (marks.kind === 'evidence' && (await countRows(store, metadata, marks.evidence.ranges)) !== marks.evidence.rows) {
    throw new IngestError('POSITIONS_UNTRUSTED', { table, reason: 'rows-missing' })
  }
  const known = new Set([...marks.positions.topics.values()].map((topic) => topic.name))
  const remade = moves.find((move) => !marks.positions.topics.has(move.topic) && known.has(move.topicName))
  if (remade !== undefined) throw new IngestError('TOPIC_RECREATED', { topic: remade.topicName, found: remade.topic })
  const plan = planMoves(metadata, marks.positions, moves, 'set', new Date().toISOString())
  return { plan, remarks: [], makesSide: false }
}

const planAdoption: Planner = async ({ name, metadata, moves, source, store, catalog, positions }) => {
  const marks = marksOf(metadata)
  const isHeld =
    marks.kind === 'evidence' && (await countRows(store, metadata, marks.evidence.ranges)) === marks.evidence.rows
  const isTrusted = marks.kind === 'trusted' || isHeld
  const side = (await catalog.loadTable({ ...name, name: `${name.name}_dead_letters` }))?.metadata ?? null
  if (side !== null && parseApplied(side.properties[APPLIED_PROPERTY]) === null) {
    throw new IngestError('TABLE_FOREIGN', { table: `${formatTableName(name)}_dead_letters` })
  }
  const gone = await goneCommits(store, positions, side)
  const plan = planAdopt({
    metadata,
    survey: isTrusted ? null : await surveyRows(store, metadata),
    given: moves,
    source: source ?? [],
    isSideTableMissing: side === null,
    goneCommits: gone,
    atMs: Date.now(),
  })
  const remarks = [
    ...(side === null ? ['the table of dead letters is missing: an empty one is made, and what it held is gone'] : []),
    ...(gone.size > 0 ? [`side files of ${gone.size} commits are gone, and their dead letters with them`] : []),
  ]
  return { plan, remarks, makesSide: side === null }
}

/** Unconfirmed commits whose files, or what describes them, are not there any more, and not in their table either. */
async function goneCommits(
  store: Store,
  positions: Positions | null,
  side: TableMetadata | null,
): Promise<ReadonlySet<string>> {
  const applied = side === null ? null : parseApplied(side.properties[APPLIED_PROPERTY])
  const gone = new Set<string>()
  for (const entry of positions?.unconfirmed ?? []) {
    if (applied?.has(entry.commit) !== true && (await isGone(store, side, entry))) gone.add(entry.commit)
  }
  return gone
}

/** As the committer judges it that would append them. */
async function isGone(store: Store, side: TableMetadata | null, entry: Unconfirmed): Promise<boolean> {
  if (side === null) {
    for (const file of entry.files) if ((await store.size(file)) === null) return true
    return false
  }
  try {
    await readSideFiles(store, side, [entry])
    return false
  } catch (error) {
    if (error instanceof IngestError && error.code === 'UNCONFIRMED_MISSING') return true
    throw error
  }
}

async function plannedOf(
  { config, name, metadata, store, positions }: Scene,
  plan: ChangePlan,
  remarks: readonly string[],
  makesSide: boolean,
  kind: string,
): Promise<Planned> {
  const table = formatTableName(name)
  const changes: ShownChange[] = []
  for (const each of plan.changes) changes.push({ ...each, rowsAbove: await rowsAbove(store, metadata, each) })
  const history = { before: positions?.history ?? null, after: plan.positions.history }
  const root = locationOfPath(config.warehouse).replace(/\/+$/, '')
  const location = [root, ...name.namespace, `${name.name}_dead_letters`].join('/')
  const deadLetters = makesSide ? { schema: deadLettersSchema(), spec: deadLettersSpec(), location } : null
  const { seen, ranges, summary } = plan
  return {
    plan,
    shown: { table, history, changes, remarks },
    change: {
      table: name,
      tableUuid: metadata['table-uuid'],
      seen,
      positions: plan.positions,
      ranges,
      summary,
      writer: `${hostname()}/${process.pid}/${randomUUID()}`,
      group: `k2 positions ${kind}`,
      deadLetters,
    },
  }
}

/** Rows that reading from the new position on would double; none where it only moves ahead. */
function rowsAbove(
  store: Store,
  metadata: TableMetadata,
  { topic, partition, before, after }: MarkChange,
): Promise<bigint | null> {
  if (before !== null && after.next >= before.next) return Promise.resolve(0n)
  const ranges = [{ topic, partition, first: after.next, next: OFFSET_MAX }]
  return countRowsUpTo(store, metadata, ranges, COUNTED_ROWS_MAX)
}
