// The decision before every send, made from one freshly loaded metadata: landed already, fenced, stop, or send on exactly this
// head. The same function serves the first attempt and each resend, so that no path around the check exists. Pure.
import type { ErrorCode, ErrorContext, Failure } from '../errors.ts'
import type { Snapshot, TableMetadata } from '../iceberg/metadata.ts'
import { ancestry, findSnapshot } from './ancestry.ts'
import type { CommitLimits } from './commit-limits.ts'
import { type Plan, planCommit } from './commit-plan.ts'
import { type ChangeWork, rangesOf, recordsOf, type Work } from './commit-work.ts'
import type { Guards, StagedAttempt } from './guards.ts'
import { initialPositions, type Positions } from './positions.ts'
import type { Evidence, UntrustedReason } from './read-positions.ts'

export interface CheckInput {
  readonly work: Work
  readonly attempts: readonly StagedAttempt[]
  readonly limits: Pick<CommitLimits, 'attemptsMax' | 'unconfirmedMax'>
  /** The catalog refused an attempt while an earlier one was in doubt. */
  readonly rejection: string | null
  readonly base: TableMetadata
  /** Rows found in the ranges of the evidence; null before they were counted. */
  readonly counted: bigint | null
  readonly atMs: number
}

export type Decision =
  | { readonly kind: 'send'; readonly plan: Plan }
  | { readonly kind: 'count'; readonly evidence: Evidence }
  /** `snapshot` is null where there was nothing to commit (starts that others committed meanwhile). */
  | {
      readonly kind: 'landed'
      readonly snapshot: Snapshot | null
      readonly commitId: string
      readonly positions: Positions
    }
  | { readonly kind: 'fenced'; readonly positions: Positions }
  | { readonly kind: 'stop'; readonly failure: Failure }

/** Errors: POSITIONS_INVALID, thrown by the read rule. */
export function checkCommit(input: CheckInput, guards: Guards): Decision {
  const { work, base, counted } = input
  if (base['table-uuid'] !== work.tableUuid) return stop(work, 'TABLE_REPLACED', { uuid: base['table-uuid'] })
  // Marks that do not count are what such a change is about.
  if (work.kind === 'change' && work.seen.kind === 'accepted') return checkChange(input, work, work.positions, guards)
  const verdict = guards.read(base)
  switch (verdict.kind) {
    case 'none':
      // An empty table made beforehand is taken with the starts; in any other, marks that are absent were lost.
      if (work.kind !== 'starts' || base.snapshots.length > 0) return untrusted(work, 'marks-gone')
      return checkPositions(input, initialPositions(work.policy), guards)
    case 'stop':
      return untrusted(work, verdict.reason)
    case 'trusted':
      return checkPositions(input, verdict.positions, guards)
    case 'evidence':
      if (counted === null) return { kind: 'count', evidence: verdict.evidence }
      if (!guards.evidenceHolds(verdict.evidence, counted)) return untrusted(work, 'rows-missing')
      return checkPositions(input, verdict.positions, guards)
  }
}

/** A change holds on exactly what was seen when it was decided; a moved table is a fenced change. */
function checkChange(input: CheckInput, work: ChangeWork, positions: Positions, guards: Guards): Decision {
  const { base } = input
  const commitId = guards.commitId(base['table-uuid'], work.positions.history, work.ranges)
  const landed = guards.landed(base, commitId, work.snapshotId)
  if (landed !== null) return { kind: 'landed', snapshot: landed, commitId, positions }
  const lost = lostSnapshot(input, positions)
  if (lost.kind === 'landed') return { ...lost, commitId, positions }
  if (lost.kind !== 'absent') return untrusted(work, 'commit-rolled-back')
  if (guards.changed(base, work.seen)) return { kind: 'fenced', positions }
  const refusal = refuse(input, positions, guards)
  if (refusal !== null) return refusal
  const attempt = { commitId, count: input.attempts.length, atMs: input.atMs }
  return { kind: 'send', plan: planCommit(work, base, work.positions, work.ranges, attempt, guards) }
}

function checkPositions(input: CheckInput, positions: Positions, guards: Guards): Decision {
  const { work, base } = input
  if (work.kind === 'change') return checkChange(input, work, positions, guards)
  const ranges = rangesOf(work, positions)
  if (ranges.length === 0) return { kind: 'landed', snapshot: null, commitId: '', positions }
  const commitId = guards.commitId(base['table-uuid'], positions.history, ranges, recordsOf(work))
  const landed = guards.landed(base, commitId, work.snapshotId)
  if (landed !== null) return { kind: 'landed', snapshot: landed, commitId, positions }
  const lost = lostSnapshot(input, positions)
  if (lost.kind === 'landed') return { ...lost, commitId, positions }
  if (lost.kind === 'rolled-back') return untrusted(work, 'commit-rolled-back')
  const fenced = work.kind === 'starts' ? [] : fencedRanges(input, positions, guards)
  const dropped = fenced.length === 0 ? [] : guards.droppedWith(fenced, ranges)
  const sent = ranges.filter((range) => !dropped.includes(range))
  if (sent.length === 0) return { kind: 'fenced', positions }
  if (lost.kind === 'unsure') return untrusted(work, 'commit-rolled-back')
  const refusal = refuse(input, positions, guards)
  if (refusal !== null) return refusal
  const attempt = { commitId, count: input.attempts.length, atMs: input.atMs }
  return { kind: 'send', plan: planCommit(work, base, positions, sent, attempt, guards) }
}

/** Guard 1 before the first send, guard 2 before every other. */
const fencedRanges = ({ work, attempts }: CheckInput, positions: Positions, guards: Guards) =>
  (attempts.length === 0 ? guards.fenced : guards.fencedAgain)(positions, rangesOf(work, positions))

type Lost =
  | { readonly kind: 'absent' }
  | { readonly kind: 'landed'; readonly snapshot: Snapshot }
  | { readonly kind: 'rolled-back' }
  /** It is there, and expiry cut the line before it could be met. */
  | { readonly kind: 'unsure' }

/** Our snapshot is in the table although it is no visible ancestor: rolled back, unless expiry cut the line before it (guard 4). */
function lostSnapshot({ work, base }: CheckInput, positions: Positions): Lost {
  const snapshot = findSnapshot(base, work.snapshotId)
  if (snapshot === null) return { kind: 'absent' }
  const { line, complete } = ancestry(base)
  if (line.includes(snapshot)) return { kind: 'absent' } // an ancestor: guard 4 looks there, and only there
  const oldest = line.at(-1)
  const hidden = !complete && oldest !== undefined && oldest['sequence-number'] > snapshot['sequence-number']
  if (!hidden) return { kind: 'rolled-back' }
  return positions.snapshot === work.snapshotId ? { kind: 'landed', snapshot } : { kind: 'unsure' }
}

function refuse(input: CheckInput, positions: Positions, guards: Guards): Decision | null {
  const { work, base, attempts, limits, rejection, atMs } = input
  if (rejection !== null) return stop(work, 'COMMIT_REJECTED', { reason: rejection })
  if (work.kind === 'group' && work.dataFiles.length + (work.side?.files.length ?? 0) > 0) {
    if (guards.tooOld(work.oldestEncodedAtMs, atMs)) return stop(work, 'CHUNK_TOO_OLD', {})
    if (guards.layoutChanged(work.dataFiles, base)) return stop(work, 'LAYOUT_CHANGED', {})
  }
  const waiting = guards.dropConfirmed(positions.unconfirmed, work.confirmed).length
  if (work.kind === 'group' && work.side !== null && waiting >= limits.unconfirmedMax) {
    return stop(work, 'UNCONFIRMED_FULL', { waiting })
  }
  return attempts.length < limits.attemptsMax
    ? null
    : stop(work, 'COMMIT_GAVE_UP', { attempts: attempts.length, reason: attempts.at(-1)?.reason ?? '' })
}

const untrusted = (work: Work, reason: UntrustedReason): Decision => stop(work, 'POSITIONS_UNTRUSTED', { reason })

const stop = (work: Work, code: ErrorCode, context: ErrorContext): Decision => ({
  kind: 'stop',
  failure: { code, context: { table: work.table, ...context }, cause: '' },
})
