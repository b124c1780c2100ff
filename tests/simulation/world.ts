// The world of one schedule: a log, two tables in a catalog that applies the real requirements and updates, files, requests in
// flight, and everything others may do to a table. It knows nothing of the protocol; judge.ts says what must hold.
import { ancestry, mainHead } from '../../src/shared/commit/ancestry.ts'
import type { Positions } from '../../src/shared/commit/positions.ts'
import { initialPositions } from '../../src/shared/commit/positions.ts'
import { parsePositions, writePositions } from '../../src/shared/commit/positions-json.ts'
import { IngestError } from '../../src/shared/errors.ts'
import type { CommitOutcome } from '../../src/shared/iceberg/catalog.ts'
import type { Snapshot, TableMetadata, TableRequirement, TableUpdate } from '../../src/shared/iceberg/metadata.ts'
import { newTableMetadata } from '../../src/shared/iceberg/new-table.ts'
import { checkRequirements } from '../../src/shared/iceberg/table-requirements.ts'
import { applyUpdates } from '../../src/shared/iceberg/table-updates.ts'
import { judgeExpiry } from './judge-expiry.ts'
import type { Random } from './random.ts'

export const MAIN = 'main_table'
export const SIDE = 'main_table_dead_letters'
export const TOPIC = 'cluster/topic'
export type TableKey = 'main' | 'side'

/** Where a record of the log ends up: a row, a dead letter, or nowhere (a control record). */
export type Fate = 'row' | 'dead' | 'none'
/** A record as one number: partition × 100 + offset. */
export type RecordId = number
/** Rows of others start here. */
const FOREIGN = 1_000_000
export const recordId = (partition: number, offset: number): RecordId => partition * 100 + offset

/** What may be done to the table that makes a named stop right. */
export type Damage = 'rollback' | 'replace' | 'drop-property' | 'restore-property' | 'drop-tag' | 'sweep' | 'retention'

export interface Request {
  readonly table: TableKey
  readonly requirements: readonly TableRequirement[]
  readonly updates: readonly TableUpdate[]
  /** An expiry of ours: the refs that it was planned on. */
  readonly plannedRefs?: TableMetadata['refs']
  /** Takes the answer; does nothing once the sender gave up or died. */
  readonly answer: (outcome: CommitOutcome) => void
}

export interface World {
  readonly random: Random
  readonly fates: readonly (readonly Fate[])[]
  /** First offset that each partition's log still holds. */
  readonly logStarts: number[]
  readonly tables: Record<TableKey, TableMetadata>
  readonly files: Map<string, { readonly records: readonly RecordId[]; swept: boolean }>
  /** Live data files by manifest list; a deleted list is absent. */
  readonly lists: Map<string, readonly string[]>
  /** Parent of every snapshot there ever was: expiry hides ancestors, it does not unmake them. */
  readonly parents: Record<TableKey, Map<bigint, bigint | null>>
  readonly inFlight: Request[]
  readonly damage: Set<Damage>
  /** Snapshots of ours that landed in main. */
  readonly own: Set<bigint>
  /** Their commit ids, however they fared afterwards. */
  readonly landed: Set<string>
  /** Rows that others appended to main. */
  readonly foreignRows: Set<number>
  readonly propertyHistory: string[]
  /** Manifest lists of snapshots that expiries of ours removed, by the property that names them. */
  readonly expired: Map<string, readonly string[]>
  /** Somebody who loaded main and has not opened its manifest list yet. */
  reader: { readonly list: string; readonly atMs: number } | null
  /** parsePositions, remembered by text: it is pure, and most of the time of a schedule. */
  readonly parse: (text: string) => Positions
  readonly renumbers: boolean
  /** Pods expire snapshots and delete files. */
  readonly upkeep: boolean
  nowMs: number
  nextId: number
  violation: string | null
  /** Null unless the schedule is being told. */
  readonly trace: string[] | null
}

/** What the tables say of expiry, so that a schedule of seconds has some. */
const soonOld = { 'history.expire.max-snapshot-age-ms': '1000', 'history.expire.min-snapshots-to-keep': '1' }

const layout = {
  schema: { type: 'struct', 'schema-id': 0, fields: [] },
  spec: { 'spec-id': 0, fields: [] },
} as const

export function createWorld(
  random: Random,
  trace: string[] | null,
  log: { readonly lengthMax: number; readonly quiet: boolean; readonly upkeep: boolean },
): World {
  const policy = { tombstone: 'skip', since: '2024-01-01T00:00:00.000Z' } as const
  const property = writePositions(initialPositions(policy))
  const make = (location: string, uuid: string, properties: Record<string, string>) =>
    newTableMetadata({ ...layout, location, properties }, { uuid, now: 1_000 })
  const fatesOf: readonly Fate[] = log.quiet ? ['row', 'none', 'none'] : ['row', 'row', 'row', 'dead', 'none']
  const fates = Array.from({ length: 1 + random.int(2) }, () =>
    Array.from({ length: 2 + random.int(log.lengthMax) }, () => random.pick(fatesOf)),
  )
  return {
    random,
    fates,
    logStarts: fates.map(() => 0),
    tables: {
      main: make('mem://main', 'uuid-main', { 'k2.positions': property, ...soonOld }),
      side: make('mem://side', 'uuid-side', { 'k2.applied': '[]', ...soonOld }),
    },
    files: new Map(),
    lists: new Map(),
    parents: { main: new Map(), side: new Map() },
    inFlight: [],
    damage: new Set(),
    own: new Set(),
    landed: new Set(),
    foreignRows: new Set(),
    propertyHistory: [],
    expired: new Map(),
    reader: null,
    parse: remember(parsePositions),
    renumbers: random.chance(40),
    upkeep: log.upkeep,
    nowMs: 10_000_000,
    nextId: 1,
    violation: null,
    trace,
  }
}

function remember<K, V>(make: (key: K) => V): (key: K) => V {
  const made = new Map<K, V>()
  return (key) => {
    const known = made.get(key)
    if (known !== undefined) return known
    const value = make(key)
    made.set(key, value)
    return value
  }
}

export function tell(world: World, text: () => string): void {
  world.trace?.push(text())
}

export function violate(world: World, kind: string): void {
  world.violation ??= kind
}

/** What the head of a table holds: its live files, or null where its manifest list was deleted. */
export function liveFiles(world: World, table: TableKey): readonly string[] | null {
  const metadata = world.tables[table]
  const head = mainHead(metadata)
  if (head === null) return []
  const snapshot = metadata.snapshots.find((each) => each['snapshot-id'] === head)
  return snapshot === undefined ? null : (world.lists.get(snapshot['manifest-list']) ?? null)
}

/** A request arrives at the catalog: applied whole or not at all. */
export function land(world: World, { table, requirements, updates, plannedRefs }: Request): CommitOutcome {
  const before = world.tables[table]
  const reason = checkRequirements(before, requirements)
  if (reason !== null) return { kind: 'conflict', reason }
  let after: TableMetadata
  try {
    after = applyUpdates(before, renumbered(world, before, updates), { now: world.nowMs, previousLocation: null })
  } catch (error) {
    if (!(error instanceof IngestError)) throw error
    return { kind: error.code === 'COMMIT_CONFLICT' ? 'conflict' : 'rejected', reason: error.message }
  }
  world.tables[table] = after
  if (plannedRefs !== undefined) judgeExpiry(world, plannedRefs, before, after)
  for (const update of updates)
    if (update.action === 'add-snapshot') recordSnapshot(world, table, before, update.snapshot)
  const property = after.properties['k2.positions']
  if (table === 'main' && property !== undefined) world.propertyHistory.push(property)
  return { kind: 'done', table: { metadata: after, metadataLocation: '' } }
}

/**
 * The sequence number of a late copy is used up as soon as anything else landed, and Iceberg's own libraries refuse it for that
 * (spec, "Sequence Numbers"). The protocol does not lean on it: in some schedules the catalog numbers snapshots itself.
 */
function renumbered(world: World, { 'last-sequence-number': last }: TableMetadata, updates: readonly TableUpdate[]) {
  if (!world.renumbers) return updates
  return updates.map((update) =>
    update.action === 'add-snapshot'
      ? { ...update, snapshot: { ...update.snapshot, 'sequence-number': last + 1n } }
      : update,
  )
}

function recordSnapshot(world: World, table: TableKey, before: TableMetadata, snapshot: Snapshot): void {
  world.parents[table].set(snapshot['snapshot-id'], snapshot['parent-snapshot-id'])
  const parent = before.snapshots.find((each) => each['snapshot-id'] === snapshot['parent-snapshot-id'])
  if (parent !== undefined && snapshot['timestamp-ms'] < parent['timestamp-ms']) violate(world, 'CLOCK_BACK')
  const id = table === 'main' ? snapshot.summary['k2.commit-id'] : undefined
  if (id === undefined) return
  if (world.landed.has(id)) violate(world, 'LATE_COPY')
  world.landed.add(id)
  world.own.add(snapshot['snapshot-id'])
}

/** The newest snapshot of ours among all ancestors of the head of main, expired ones too. */
export function newestOwn(world: World): bigint | null {
  for (let at = mainHead(world.tables.main); at !== null; at = world.parents.main.get(at) ?? null) {
    if (world.own.has(at)) return at
  }
  return null
}

/** Somebody else's commit: an append of nothing of ours, or a compaction of all that is there. */
export function foreignCommit(world: World, table: TableKey): void {
  const metadata = world.tables[table]
  const live = liveFiles(world, table)
  const head = mainHead(metadata)
  if (live === null || head === null) return
  const id = BigInt(world.nextId++)
  const list = `foreign-${id}`
  const compacted = world.random.chance(50)
  if (compacted) {
    world.files.set(`c${id}`, { records: live.flatMap((file) => world.files.get(file)?.records ?? []), swept: false })
  }
  const foreignRow = FOREIGN + Number(id)
  if (!compacted) {
    world.files.set(`f${id}`, { records: [foreignRow], swept: false })
    if (table === 'main') world.foreignRows.add(foreignRow)
  }
  world.lists.set(list, compacted ? [`c${id}`] : [...live, `f${id}`])
  const added = head === null ? undefined : metadata.snapshots.find((each) => each['snapshot-id'] === head)
  const snapshot: Snapshot = {
    'snapshot-id': id,
    'parent-snapshot-id': head,
    'sequence-number': metadata['last-sequence-number'] + 1n,
    'timestamp-ms': Math.max(world.nowMs, metadata['last-updated-ms']),
    'manifest-list': list,
    summary: { operation: compacted ? 'replace' : 'append', 'total-records': added?.summary['total-records'] ?? '0' },
    'schema-id': 0,
  }
  land(world, {
    table,
    requirements: [],
    updates: [
      { action: 'add-snapshot', snapshot },
      { action: 'set-snapshot-ref', 'ref-name': 'main', 'snapshot-id': id, type: 'branch' },
    ],
    answer: () => {},
  })
}

/** Expiry of everything that no ref names. */
export function expire(world: World, table: TableKey): void {
  const metadata = world.tables[table]
  const kept = new Set(Object.values(metadata.refs).map((ref) => ref['snapshot-id']))
  const ids = metadata.snapshots.map((each) => each['snapshot-id']).filter((id) => !kept.has(id))
  change(world, table, [{ action: 'remove-snapshots', 'snapshot-ids': ids }])
}

/** A query leases the head of main by a tag, or renews its lease: the tag moves. */
export function lease(world: World): void {
  const head = mainHead(world.tables.main)
  if (head === null) return
  const ref = { 'snapshot-id': head, type: 'tag', 'max-ref-age-ms': 2_000n } as const
  change(world, 'main', [{ action: 'set-snapshot-ref', 'ref-name': 'lease', ...ref }])
}

/** A reader loads main, or opens the manifest list of what it loaded: within minutes it must be there. */
export function read(world: World): void {
  const { main } = world.tables
  const head = main.snapshots.find((each) => each['snapshot-id'] === mainHead(main))
  const { reader } = world
  if (reader === null) {
    if (head !== undefined) world.reader = { list: head['manifest-list'], atMs: world.nowMs }
    return
  }
  world.reader = null
  if (world.nowMs - reader.atMs <= READER_MS_MAX && !world.lists.has(reader.list)) violate(world, 'READER_LOST')
}
/** The grace, less what two clocks may differ. */
const READER_MS_MAX = 120_000

/** What an operator or another engine may do to the main table. */
export function damage(world: World, kind: Damage): void {
  const { main } = world.tables
  const { line } = ancestry(main)
  switch (kind) {
    case 'rollback': {
      const target = line[1 + world.random.int(3)]
      if (target === undefined) return
      const id = target['snapshot-id']
      change(world, 'main', [{ action: 'set-snapshot-ref', 'ref-name': 'main', 'snapshot-id': id, type: 'branch' }])
      break
    }
    case 'replace': // CREATE OR REPLACE keeps the uuid and removes the branch
      if (line.length === 0) return
      change(world, 'main', [{ action: 'remove-snapshot-ref', 'ref-name': 'main' }])
      break
    case 'drop-property':
      change(world, 'main', [{ action: 'remove-properties', removals: ['k2.positions'] }])
      break
    case 'restore-property': {
      const earlier = world.propertyHistory.at(-2)
      if (earlier === undefined) return
      change(world, 'main', [{ action: 'set-properties', updates: { 'k2.positions': earlier } }])
      break
    }
    case 'drop-tag':
      if (main.refs['k2'] === undefined) return
      change(world, 'main', [{ action: 'remove-snapshot-ref', 'ref-name': 'k2' }])
      break
    case 'retention': {
      const partition = world.random.int(world.fates.length)
      world.logStarts[partition] = 1 + world.random.int(world.fates[partition]?.length ?? 1)
      break
    }
    case 'sweep':
      sweep(world)
      break
  }
  world.damage.add(kind)
}

/** Days go by: nothing is in flight any more, and orphan removal takes every file that no snapshot names. */
function sweep(world: World): void {
  world.nowMs += 4 * 86_400_000
  world.reader = null
  for (const request of world.inFlight.splice(0)) request.answer({ kind: 'unknown', reason: 'days went by' })
  const metadata = Object.values(world.tables)
  const lists = new Set(metadata.flatMap((each) => each.snapshots.map((snapshot) => snapshot['manifest-list'])))
  const named = new Set([...lists].flatMap((list) => world.lists.get(list) ?? []))
  for (const list of [...world.lists.keys()]) if (!lists.has(list)) world.lists.delete(list)
  for (const [name, file] of world.files) if (!named.has(name)) file.swept = true
}

function change(world: World, table: TableKey, updates: readonly TableUpdate[]): void {
  const context = { now: world.nowMs, previousLocation: null }
  world.tables[table] = applyUpdates(world.tables[table], updates, context)
}
