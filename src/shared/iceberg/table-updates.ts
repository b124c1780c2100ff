// The changes of one commit (REST catalog spec, TableUpdate) applied to table metadata. Pure: clock is an argument. Any thread.
// Invariants kept (spec, "Table Metadata"): last-sequence-number and last-updated-ms never fall, the snapshot log is ordered,
// every ref names a snapshot that is there, current-snapshot-id is that of main.
import { assertNever, IngestError } from '../errors.ts'
import { writeJson } from './json.ts'
import type { Snapshot, TableMetadata, TableUpdate } from './metadata.ts'
import { withoutStatisticsOf } from './metadata-json.ts'
import type { IcebergSchema } from './schema.ts'
import { highestFieldId } from './schema-json.ts'

export interface UpdateContext {
  /** Wall-clock ms of the commit. */
  readonly now: number
  /** Metadata file that the commit replaces; it enters the metadata log. Null for a table that is being created. */
  readonly previousLocation: string | null
}

/** Snapshots may be this much older than the metadata (clocks of several writers), as Java readers allow. */
const clockSkewMsMax = 60_000
const previousVersionsDefault = 100

type Draft = { -readonly [Name in keyof TableMetadata]: TableMetadata[Name] } & {
  lastAddedSchemaId: number | null
  /** Snapshots that this very commit adds. */
  readonly added: Set<bigint>
}

/**
 * Metadata after the updates, applied in order.
 * Errors: COMMIT_CONFLICT where the update was made for older metadata (the snapshot exists already, its sequence number is
 * used); COMMIT_REJECTED where it can never be applied.
 */
export function applyUpdates(
  metadata: TableMetadata,
  updates: readonly TableUpdate[],
  context: UpdateContext,
): TableMetadata {
  const draft: Draft = { ...metadata, lastAddedSchemaId: null, added: new Set() }
  draft['last-updated-ms'] = Math.max(metadata['last-updated-ms'], context.now)
  for (const update of updates) applyOne(draft, update)
  draft['snapshot-log'] = knownHistory(draft)
  if (context.previousLocation !== null) {
    draft['metadata-log'] = nextMetadataLog(metadata, draft.properties, context.previousLocation)
  }
  const { lastAddedSchemaId: _, added: __, ...applied } = draft
  return applied
}

function applyOne(draft: Draft, update: TableUpdate): void {
  switch (update.action) {
    case 'add-snapshot':
      addSnapshot(draft, update.snapshot)
      break
    case 'set-snapshot-ref':
      setSnapshotRef(draft, update)
      break
    case 'remove-snapshot-ref':
      removeSnapshotRef(draft, update['ref-name'])
      break
    case 'remove-snapshots':
      removeSnapshots(draft, new Set(update['snapshot-ids']))
      break
    case 'set-properties':
      draft.properties = { ...draft.properties, ...update.updates }
      break
    case 'remove-properties': {
      const removals = new Set(update.removals)
      draft.properties = Object.fromEntries(Object.entries(draft.properties).filter(([key]) => !removals.has(key)))
      break
    }
    case 'add-schema':
      addSchema(draft, update.schema)
      break
    case 'set-current-schema':
      setCurrentSchema(draft, update['schema-id'])
      break
    default:
      assertNever(update)
  }
}

function addSnapshot(draft: Draft, snapshot: Snapshot): void {
  const id = snapshot['snapshot-id']
  if (findSnapshot(draft, id) !== undefined) throw conflict(`snapshot ${id} exists already`)
  if (snapshot['sequence-number'] <= draft['last-sequence-number']) {
    throw conflict(
      `sequence number ${snapshot['sequence-number']} of snapshot ${id} is not above ${draft['last-sequence-number']}`,
    )
  }
  const timestamp = snapshot['timestamp-ms']
  const newest = draft['snapshot-log'].at(-1)?.['timestamp-ms'] ?? 0
  if (timestamp < newest - clockSkewMsMax) {
    throw rejected(`snapshot ${id} is ${newest - timestamp} ms older than the table's newest`)
  }
  draft.snapshots = [...draft.snapshots, snapshot]
  draft.added.add(id)
  draft['last-sequence-number'] = snapshot['sequence-number']
  draft['last-updated-ms'] = Math.max(draft['last-updated-ms'], timestamp)
}

function setSnapshotRef(draft: Draft, update: Extract<TableUpdate, { action: 'set-snapshot-ref' }>): void {
  const { action: _, 'ref-name': name, ...ref } = update
  const id = ref['snapshot-id']
  if (findSnapshot(draft, id) === undefined) throw rejected(`ref ${name} names snapshot ${id}, which does not exist`)
  if (name === 'main' && ref.type !== 'branch') throw rejected('main must be a branch')
  const before = draft.refs[name]
  draft.refs = { ...draft.refs, [name]: ref }
  if (name !== 'main' || before?.['snapshot-id'] === id) return
  draft['current-snapshot-id'] = id
  draft['snapshot-log'] = [...draft['snapshot-log'], { 'snapshot-id': id, 'timestamp-ms': headSinceMs(draft, id) }]
}

/**
 * Since when a snapshot is the head, for time travel: a new one since its own time (as in Java), so that the table as of that time shows
 * it; one that was there before, since this commit.
 */
function headSinceMs(draft: Draft, id: bigint): number {
  const own = findSnapshot(draft, id)?.['timestamp-ms']
  if (own === undefined || !draft.added.has(id)) return draft['last-updated-ms']
  return Math.max(own, draft['snapshot-log'].at(-1)?.['timestamp-ms'] ?? 0)
}

function removeSnapshotRef(draft: Draft, name: string): void {
  draft.refs = Object.fromEntries(Object.entries(draft.refs).filter(([key]) => key !== name))
  if (name !== 'main') return
  draft['current-snapshot-id'] = null
  draft['snapshot-log'] = []
}

function removeSnapshots(draft: Draft, ids: ReadonlySet<bigint>): void {
  for (const [name, ref] of Object.entries(draft.refs)) {
    // A ref that was set since the removal was planned: not a wrong request, an old one.
    if (ids.has(ref['snapshot-id'])) throw conflict(`snapshot ${ref['snapshot-id']} is the head of ${name}`)
  }
  draft.snapshots = draft.snapshots.filter((snapshot) => !ids.has(snapshot['snapshot-id']))
  draft.rest = withoutStatisticsOf(draft.rest, ids)
}

/** Adds a schema unless an equal one is there; the id is ours to give (as in Java), field ids are the caller's. */
function addSchema(draft: Draft, schema: IcebergSchema): void {
  const text = schemaText(schema)
  const same = draft.schemas.find((known) => schemaText(known) === text)
  const id = same?.['schema-id'] ?? Math.max(-1, ...draft.schemas.map((known) => known['schema-id'])) + 1
  if (same === undefined) draft.schemas = [...draft.schemas, { ...schema, 'schema-id': id }]
  draft['last-column-id'] = Math.max(draft['last-column-id'], highestFieldId(schema))
  draft.lastAddedSchemaId = id
}

/** -1 means the schema added last in the same commit. */
function setCurrentSchema(draft: Draft, schemaId: number): void {
  const id = schemaId === -1 ? draft.lastAddedSchemaId : schemaId
  if (id === null || !draft.schemas.some((schema) => schema['schema-id'] === id)) {
    throw rejected(schemaId === -1 ? 'no schema was added by this commit' : `no schema ${schemaId}`)
  }
  draft['current-schema-id'] = id
}

const schemaText = (schema: IcebergSchema): string => writeJson([schema.fields, schema['identifier-field-ids'] ?? []])

/** History from before a removed snapshot is incomplete, so it goes as well (as in Java): time travel must not skip. */
function knownHistory(draft: Draft): TableMetadata['snapshot-log'] {
  const known = new Set(draft.snapshots.map((snapshot) => snapshot['snapshot-id']))
  const lost = draft['snapshot-log'].findLastIndex((entry) => !known.has(entry['snapshot-id']))
  return lost === -1 ? draft['snapshot-log'] : draft['snapshot-log'].slice(lost + 1)
}

/** The metadata log with the replaced file as its newest entry, capped by `write.metadata.previous-versions-max`. */
function nextMetadataLog(
  base: TableMetadata,
  properties: TableMetadata['properties'],
  previousLocation: string,
): TableMetadata['metadata-log'] {
  const configured = Number(properties['write.metadata.previous-versions-max'] ?? previousVersionsDefault)
  const versionsMax = Number.isInteger(configured) && configured >= 1 ? configured : previousVersionsDefault
  const entry = { 'metadata-file': previousLocation, 'timestamp-ms': base['last-updated-ms'] }
  return [...base['metadata-log'], entry].slice(-versionsMax)
}

const findSnapshot = (draft: Draft, id: bigint): Snapshot | undefined =>
  draft.snapshots.find((snapshot) => snapshot['snapshot-id'] === id)

const conflict = (reason: string): IngestError => new IngestError('COMMIT_CONFLICT', { reason })
const rejected = (reason: string): IngestError => new IngestError('COMMIT_REJECTED', { reason })
