// Guard 3: when the property `k2.positions` may be believed. It counts while its snapshot T is an ancestor of the head of main.
// Where expiry cut the line before T, rows decide; in every other case a person does. Pure; its thread is the committer's.
// Invariant: "nothing found" is never read as "start at 0" in a table that holds marks or snapshots of ours.
import { IngestError } from '../errors.ts'
import type { Snapshot, TableMetadata } from '../iceberg/metadata.ts'
import type { PartitionRange } from '../offsets.ts'
import type { Ancestry } from './ancestry.ts'
import { ancestry, findSnapshot, mainHead } from './ancestry.ts'
import { canonicalJson } from './canonical-json.ts'
import type { Positions } from './positions.ts'
import { NO_SNAPSHOT, POSITIONS_PROPERTY, POSITIONS_TAG, rangesValue } from './positions.ts'
import { parsePositions, parseRanges } from './positions-json.ts'

export const COMMIT_ID_KEY = 'k2.commit-id'
/** On a snapshot of ours whose ranges say nothing of its rows, as `k2.evidence-ranges` and their count: see {@link evidenceOf}. */
export const EVIDENCE_RANGES_KEY = 'k2.evidence-ranges'
export const EVIDENCE_ROWS_KEY = 'k2.evidence-rows'

/** Why positions are not believed; each has a section in docs/recovery.md. */
export type UntrustedReason =
  | 'marks-gone'
  | 'marks-overwritten'
  | 'rolled-back'
  | 'replaced'
  | 'not-an-ancestor'
  | 'mark-expired'
  | 'no-evidence'
  | 'rows-missing'
  | 'commit-rolled-back'

export type ReadVerdict =
  /** No property and no trace of ours: a table that K2 never wrote. */
  | { readonly kind: 'none' }
  | { readonly kind: 'trusted'; readonly positions: Positions }
  /** Trusted if main holds exactly `rows` rows inside `ranges`. */
  | { readonly kind: 'evidence'; readonly positions: Positions; readonly evidence: Evidence }
  | { readonly kind: 'stop'; readonly reason: UntrustedReason }

/** The newest snapshot of ours with rows: what main must still hold. */
export interface Evidence {
  readonly ranges: readonly PartitionRange[]
  readonly rows: bigint
}

/** Applies the read rule to one metadata. Errors: POSITIONS_INVALID. */
export function readPositions(metadata: TableMetadata): ReadVerdict {
  const text = metadata.properties[POSITIONS_PROPERTY]
  if (text === undefined) return hasTraces(metadata) ? stop('marks-gone') : { kind: 'none' }
  const positions = parsePositions(text)
  if (positions.snapshot === NO_SNAPSHOT) {
    return hasTraces(metadata) ? stop('marks-overwritten') : { kind: 'trusted', positions }
  }
  // Each write of ours moves tag and property together; a tag elsewhere means that the property was put back by hand.
  const tag = metadata.refs[POSITIONS_TAG]
  if (tag !== undefined && tag['snapshot-id'] !== positions.snapshot) return stop('marks-overwritten')
  if (mainHead(metadata) === null) return stop('replaced')
  const ancestors = ancestry(metadata)
  const newestOwn = ancestors.line.find(isOwn)?.['snapshot-id']
  if (ancestors.line.some((snapshot) => snapshot['snapshot-id'] === positions.snapshot)) {
    return newestOwn === positions.snapshot ? { kind: 'trusted', positions } : stop('marks-overwritten')
  }
  return readWithoutAncestor(metadata, positions, ancestors)
}

/** T is not among the visible ancestors. */
function readWithoutAncestor(metadata: TableMetadata, positions: Positions, { line, complete }: Ancestry): ReadVerdict {
  const mark = findSnapshot(metadata, positions.snapshot)
  const head = line[0]
  const oldest = line.at(-1)
  if (head === undefined || oldest === undefined) return stop('replaced')
  if (mark !== null && head['sequence-number'] < mark['sequence-number']) return stop('rolled-back')
  if (complete) return stop('not-an-ancestor')
  if (mark === null) return stop('mark-expired')
  // A T younger than the oldest visible ancestor would be visible itself, were it on this line.
  if (oldest['sequence-number'] < mark['sequence-number']) return stop('not-an-ancestor')
  if (line.some(isOwn)) return stop('marks-overwritten')
  const evidence = evidenceOf(metadata, positions)
  if (evidence === null) return stop('no-evidence')
  return evidence.rows === 0n ? { kind: 'trusted', positions } : { kind: 'evidence', positions, evidence }
}

/**
 * What main must hold if T's line is still its line: T's own rows, or, where T added none, those of the newest snapshot of ours
 * before it that did (carried in T's summary). A replay's ranges count records; some of its rows are named in its summary. An empty T proves nothing by its own ranges: a rollback beyond an earlier commit,
 * hidden by a foreign commit and an expiry, would pass with "0 of 0 rows". Zero rows = this table never got any from us.
 */
export function evidenceOf(metadata: TableMetadata, positions: Positions): Evidence | null {
  if (positions.snapshot === NO_SNAPSHOT) return { ranges: [], rows: 0n }
  const mark = findSnapshot(metadata, positions.snapshot)
  if (mark === null) return null
  const ranges = mark.summary[EVIDENCE_RANGES_KEY]
  const rows = mark.summary[EVIDENCE_ROWS_KEY]
  if (ranges !== undefined && rows !== undefined) return { ranges: parseRanges(ranges), rows: count(rows) }
  const added = count(mark.summary['added-records'] ?? '0')
  return added > 0n ? { ranges: positions.ranges, rows: added } : null
}

/** Summary keys that hand evidence on to a snapshot without rows. */
export const evidenceSummary = (evidence: Evidence): Record<string, string> => ({
  [EVIDENCE_RANGES_KEY]: canonicalJson(rangesValue(evidence.ranges)),
  [EVIDENCE_ROWS_KEY]: String(evidence.rows),
})

/**
 * The visible ancestor that is this commit (guard 4), or null. By commit id it is the same work, whoever did it; by snapshot id it
 * is ours even where `k2 positions set` has begun a new history since.
 */
export const findCommit = (metadata: TableMetadata, id: string, snapshotId: bigint): Snapshot | null =>
  ancestry(metadata).line.find(
    (snapshot) => snapshot.summary[COMMIT_ID_KEY] === id || snapshot['snapshot-id'] === snapshotId,
  ) ?? null

const isOwn = (snapshot: Snapshot): boolean => snapshot.summary[COMMIT_ID_KEY] !== undefined

const hasTraces = (metadata: TableMetadata): boolean =>
  metadata.refs[POSITIONS_TAG] !== undefined || metadata.snapshots.some(isOwn)

const stop = (reason: UntrustedReason): ReadVerdict => ({ kind: 'stop', reason })

function count(text: string): bigint {
  if (!/^\d{1,19}$/.test(text)) throw new IngestError('POSITIONS_INVALID', { path: 'summary', why: 'not a row count' })
  return BigInt(text)
}
