// The guards of the commit protocol as a record of pure functions, handed to the state machines so that a test can take one out
// (tests/simulation/guards.test.ts names what breaks). Numbers are those of docs/protocol.md. Pure; committer thread.
import type { ErrorContext } from '../errors.ts'
import { IngestError } from '../errors.ts'
import type { CommitOutcome } from '../iceberg/catalog.ts'
import type { DataFile } from '../iceberg/data-file.ts'
import type { Unreached } from '../iceberg/freed-files.ts'
import type { Snapshot, TableMetadata, TableRequirement } from '../iceberg/metadata.ts'
import { comparable } from '../iceberg/table-location.ts'
import type { PartitionRange } from '../offsets.ts'
import { MAIN_BRANCH, mainHead } from './ancestry.ts'
import type { SeenTable, Work } from './commit-work.ts'
import { keptByMarks } from './kept-by-marks.ts'
import type { PartitionStart, Positions, Unconfirmed } from './positions.ts'
import { commitId, nextOffset, POSITIONS_PROPERTY, POSITIONS_TAG } from './positions.ts'
import type { Evidence, ReadVerdict } from './read-positions.ts'
import { evidenceOf, findCommit, readPositions } from './read-positions.ts'
import { dropConfirmed, nextApplied, pendingOf } from './side-tables.ts'

/** What an answer to a commit means (guard 4). */
export type OutcomeClass = 'done' | 'verify' | 'rejected'

/** One staged attempt, as the decision to delete what it wrote needs it. */
export interface StagedAttempt {
  readonly manifestList: string
  /** Manifest list and merged manifests: named by this attempt alone. */
  readonly written: readonly string[]
  readonly outcome: 'none' | CommitOutcome['kind']
  readonly reason: string
}

export interface Guards {
  /** 1: ranges whose partition does not stand at their first offset. */
  readonly fenced: (positions: Positions, ranges: readonly PartitionRange[]) => readonly PartitionRange[]
  /** 1, for an operator's change: whether the table says something else than it was decided on. */
  readonly changed: (metadata: TableMetadata, seen: SeenTable) => boolean
  /** 1: what is dropped with them: everything, as files mix partitions. */
  readonly droppedWith: (
    fenced: readonly PartitionRange[],
    ranges: readonly PartitionRange[],
  ) => readonly PartitionRange[]
  /** 1: the commit holds only on the head that was checked. */
  readonly requirements: (checked: TableMetadata) => readonly TableRequirement[]
  /** 5: no snapshot of ours has landed since the check, whatever was done to the branch. */
  readonly tagRequirement: (checked: TableMetadata) => readonly TableRequirement[]
  /** 2: the check of guard 1 before a resend. */
  readonly fencedAgain: Guards['fenced']
  /** 3: whether the property may be believed. */
  readonly read: (metadata: TableMetadata) => ReadVerdict
  /** 3: whether the rows found are those that must be there. */
  readonly evidenceHolds: (evidence: Evidence, rows: bigint) => boolean
  /** 3: what a snapshot without rows hands on. */
  readonly evidence: (checked: TableMetadata, positions: Positions) => Evidence | null
  /** 4: what an answer means. */
  readonly classify: (outcome: CommitOutcome) => OutcomeClass
  /** 4: the own commit among the ancestors of the head, by its commit id or by its snapshot id. */
  readonly landed: (metadata: TableMetadata, id: string, snapshotId: bigint) => Snapshot | null
  /** 4: files of attempts that no copy of this commit can name any more; asked after each answer (null: nothing landed yet). */
  readonly discardable: (attempts: readonly StagedAttempt[], landedList: string | null) => readonly string[]
  /** 5: identity of the work. */
  readonly commitId: typeof commitId
  /** 5: the snapshot id of an attempt; `fresh` are ids to choose from, one per attempt. */
  readonly snapshotId: (constant: bigint, attempt: number) => bigint
  /** 6: main forgets side files only once their table holds them. */
  readonly dropConfirmed: typeof dropConfirmed
  /** 6: side files that their table does not hold yet. */
  readonly pending: typeof pendingOf
  /** 6: commit ids that the side table must go on remembering. */
  readonly nextApplied: typeof nextApplied
  /** 6: what main names under `unconfirmed` for side files that follow it. */
  readonly named: (own: Unconfirmed | null) => readonly Unconfirmed[]
  /** 7: work of an assignment that has been taken away; guard 1 would refuse it too, this one sooner. */
  readonly staleEpoch: (workEpoch: number, openEpoch: number) => boolean
  /** 8: files this old may have been taken by somebody's orphan removal. */
  readonly tooOld: (oldestEncodedAtMs: number, nowMs: number) => boolean
  /** 8: files written for another schema or partition spec than the table has now. */
  readonly layoutChanged: (files: readonly DataFile[], metadata: TableMetadata) => boolean
  /** 9: a topic that was made again under a known name. */
  readonly recreated: typeof recreatedTopic
  /** 9: a position that is not in the log. */
  readonly outside: typeof outsideLog
  /** 10: the ranges that move positions: all of them, with rows or without. */
  readonly moved: (ranges: readonly PartitionRange[], work: Work) => readonly PartitionRange[]
  /** 12: time of a snapshot, never before the table's own. */
  readonly timestampMs: (nowMs: number, metadata: TableMetadata) => number
  /** 13: what no expiry of ours removes. */
  readonly keptByMarks: typeof keptByMarks
  /** 13: an expiry holds only on the head and the refs that it was planned on. */
  readonly expiryRequirements: (planned: TableMetadata) => readonly TableRequirement[]
  /** 14: files of expired snapshots that nothing reaches. */
  readonly unreached: Unreached
  /** 14: files of expired snapshots stay this long, for readers and writers that hold older metadata. */
  readonly graceOver: (expiredAtMs: number, nowMs: number) => boolean
}

/** Guard 8: far below the three days after which orphan removal takes files. */
export const FILE_AGE_MS_MAX = 3_600_000
/** Guard 14: longer than it takes to plan a query or to stage a commit, clocks a minute apart included. */
export const GRACE_MS = 600_000

export const guards: Guards = {
  fenced,
  changed,
  droppedWith: (_, ranges) => ranges,
  requirements,
  tagRequirement,
  fencedAgain: fenced,
  read: readPositions,
  evidenceHolds: (evidence, rows) => evidence.rows === rows,
  evidence: evidenceOf,
  classify,
  landed: findCommit,
  discardable,
  commitId,
  snapshotId: (constant) => constant,
  dropConfirmed,
  pending: pendingOf,
  nextApplied,
  named: (own) => (own === null ? [] : [own]),
  staleEpoch: (workEpoch, openEpoch) => workEpoch < openEpoch,
  tooOld: (oldestEncodedAtMs, nowMs) => nowMs - oldestEncodedAtMs > FILE_AGE_MS_MAX,
  layoutChanged: (files, metadata) =>
    files.some(
      (file) => file.specId !== metadata['default-spec-id'] || file.schemaId !== metadata['current-schema-id'],
    ),
  recreated: recreatedTopic,
  outside: outsideLog,
  moved: (ranges) => ranges,
  timestampMs: (nowMs, metadata) => Math.max(nowMs, metadata['last-updated-ms'], newestMs(metadata)),
  keptByMarks,
  expiryRequirements,
  unreached: (named, reached) => named.filter((location) => !reached.has(comparable(location))),
  graceOver: (expiredAtMs, nowMs) => nowMs - expiredAtMs >= GRACE_MS,
}

function fenced(positions: Positions, ranges: readonly PartitionRange[]): readonly PartitionRange[] {
  return ranges.filter((range) => nextOffset(positions, range.topic, range.partition) !== range.first)
}

function changed(metadata: TableMetadata, seen: SeenTable): boolean {
  if ((metadata.properties[POSITIONS_PROPERTY] ?? null) !== seen.property) return true
  return seen.kind === 'accepted' && mainHead(metadata) !== seen.head
}

function requirements(checked: TableMetadata): readonly TableRequirement[] {
  return [
    { type: 'assert-table-uuid', uuid: checked['table-uuid'] },
    { type: 'assert-ref-snapshot-id', ref: MAIN_BRANCH, 'snapshot-id': mainHead(checked) },
  ]
}

/**
 * A rollback can bring the branch back to the very head that a copy in flight asserts; the tag still names what landed in between.
 * Iceberg's libraries refuse such a copy for its sequence number, too; a catalog that numbers snapshots itself does not.
 */
function tagRequirement(checked: TableMetadata): readonly TableRequirement[] {
  const known = checked.refs[POSITIONS_TAG]?.['snapshot-id'] ?? null
  return [{ type: 'assert-ref-snapshot-id', ref: POSITIONS_TAG, 'snapshot-id': known }]
}

/** A lease that was renewed meanwhile, or a branch that was moved, is not the ref that the plan found old. */
function expiryRequirements(planned: TableMetadata): readonly TableRequirement[] {
  const refs = Object.entries(planned.refs).filter(([name]) => name !== MAIN_BRANCH)
  return [
    ...requirements(planned),
    ...refs.map(
      ([ref, { 'snapshot-id': id }]): TableRequirement => ({ type: 'assert-ref-snapshot-id', ref, 'snapshot-id': id }),
    ),
  ]
}

/** A conflict may be our own earlier copy (a proxy or a client library sent it twice), so it is looked up like a lost answer. */
function classify(outcome: CommitOutcome): OutcomeClass {
  switch (outcome.kind) {
    case 'done':
      return 'done'
    case 'rejected':
      return 'rejected'
    default:
      return 'verify'
  }
}

/**
 * Nothing is deleted before something landed, nor while any attempt is unknown: its copy may land later and would name a file that
 * is gone. A conflict alone is no proof either: it may be the second copy of an attempt whose first one landed.
 */
function discardable(attempts: readonly StagedAttempt[], landedList: string | null): readonly string[] {
  const settled = attempts.every(({ outcome }) => outcome === 'conflict' || outcome === 'done')
  if (!settled || !attempts.some(({ manifestList }) => manifestList === landedList)) return []
  return attempts.filter(({ manifestList }) => manifestList !== landedList).flatMap(({ written }) => written)
}

const newestMs = (metadata: TableMetadata): number =>
  metadata.snapshots.reduce((newest, snapshot) => Math.max(newest, snapshot['timestamp-ms']), 0)

/** A partition of the source as the table's positions are compared with it. */
export interface SourceState extends PartitionStart {
  readonly logStart: bigint
  readonly logEnd: bigint
}

/**
 * Guard 9: a topic of the source whose name the table knows, but under other ids only: it was made again, or the cluster was
 * changed. Null where there is none; one that `k2 positions adopt` took has marks of its own.
 */
export function recreatedTopic(positions: Positions, source: readonly SourceState[]): IngestError | null {
  for (const { topic, topicName } of source) {
    if (positions.topics.has(topic)) continue
    const former = [...positions.topics].find(([, marks]) => marks.name === topicName)
    if (former !== undefined)
      return new IngestError('TOPIC_RECREATED', { topic: topicName, found: topic, known: former[0] })
  }
  return null
}

/** Guard 9: a position below the log start (retention overran us) or above the log end (truncation, another log). */
export function outsideLog(positions: Positions, source: readonly SourceState[]): IngestError | null {
  for (const { topic, topicName, partition, logStart, logEnd } of source) {
    const position = nextOffset(positions, topic, partition)
    if (position === null || (position >= logStart && position <= logEnd)) continue
    const context: ErrorContext = { topic: topicName, partition, position, logStart, logEnd }
    return new IngestError('POSITION_OUT_OF_RANGE', context)
  }
  return null
}
