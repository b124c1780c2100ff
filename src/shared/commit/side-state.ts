// The state machine that brings main's unconfirmed side files into one side table (guard 6). Pure `stepSide`; committer thread.
// Every round starts from nothing: side table first, main second, then what is pending; so a lost answer, a crash or another pod
// needs no special case. Invariant: the append holds only on the side head that was read *before* main.
import type { Failure } from '../errors.ts'
import { assert, assertNever, IngestError, toFailure } from '../errors.ts'
import type { CommitOutcome } from '../iceberg/catalog.ts'
import type { Snapshot, TableMetadata, TableRequirement, TableUpdate } from '../iceberg/metadata.ts'
import { MAIN_BRANCH } from './ancestry.ts'
import type { CommitLimits } from './commit-limits.ts'
import { backoffMs, commitLimits, outcomeMs, triesAgainMax } from './commit-limits.ts'
import type { Guards } from './guards.ts'
import type { Positions, Unconfirmed } from './positions.ts'
import type { Applied } from './side-tables.ts'
import { APPLIED_PROPERTY, parseApplied, SIDE_COMMITS_KEY, writeApplied } from './side-tables.ts'

interface SideWork {
  readonly mainTable: string
  readonly mainUuid: string
  readonly sideTable: string
}

interface SideProgress {
  readonly work: SideWork
  readonly attemptCount: number
  readonly troubleCount: number
}

/** One attempt on the side table. */
export interface SidePlan {
  readonly base: TableMetadata
  readonly appended: readonly Unconfirmed[]
  readonly applied: Applied
  readonly timestampMs: number
  readonly checkedAtMs: number
  readonly summary: Readonly<Record<string, string>>
}

export type SideState =
  | { readonly kind: 'idle' }
  | ({ readonly kind: 'loading-side' } & SideProgress)
  | ({ readonly kind: 'loading-main'; readonly side: TableMetadata; readonly applied: Applied } & SideProgress)
  | ({ readonly kind: 'staging'; readonly plan: SidePlan } & SideProgress)
  | ({ readonly kind: 'committing'; readonly plan: SidePlan } & SideProgress)
  /** Everything main named when it was read is in the side table. */
  | { readonly kind: 'confirmed'; readonly applied: Applied }
  | { readonly kind: 'failed'; readonly failure: Failure }

export type SideEffect =
  | { readonly kind: 'wait'; readonly msMax: number; readonly why: string }
  | { readonly kind: 'load-side' }
  | { readonly kind: 'load-main' }
  /** Finds the named files, writes their manifest and the manifest list. A missing file answers UNCONFIRMED_MISSING. */
  | { readonly kind: 'stage-side'; readonly plan: SidePlan }
  | {
      readonly kind: 'post-side'
      readonly requirements: readonly TableRequirement[]
      readonly updates: readonly TableUpdate[]
    }

export type SideEvent = { readonly atMs: number } & (
  | { readonly kind: 'begin'; readonly work: SideWork }
  | { readonly kind: 'side-loaded'; readonly metadata: TableMetadata | null }
  | { readonly kind: 'main-loaded'; readonly metadata: TableMetadata | null }
  | { readonly kind: 'staged'; readonly snapshot: Snapshot }
  | { readonly kind: 'answered'; readonly outcome: CommitOutcome }
  | { readonly kind: 'troubled'; readonly failure: Failure }
)

export interface SideStep {
  readonly state: SideState
  readonly effects: readonly SideEffect[]
}

/** One transition. An event that does not fit the state is our bug and throws. */
export function stepSide(
  state: SideState,
  event: SideEvent,
  guards: Guards,
  limits: CommitLimits = commitLimits,
): SideStep {
  switch (event.kind) {
    case 'begin':
      assert(state.kind === 'idle', `begin while ${state.kind}`)
      return again({ work: event.work, attemptCount: 0, troubleCount: 0 }, [])
    case 'side-loaded':
      assert(state.kind === 'loading-side', `side-loaded while ${state.kind}`)
      return sideLoaded(state, event.metadata)
    case 'main-loaded':
      assert(state.kind === 'loading-main', `main-loaded while ${state.kind}`)
      return mainLoaded(state, event.metadata, event.atMs, guards, limits)
    case 'staged':
      assert(state.kind === 'staging', `staged while ${state.kind}`)
      if (guards.tooOld(state.plan.checkedAtMs, event.atMs)) return again(state, [])
      return send(state, event.snapshot, guards)
    case 'answered':
      assert(state.kind === 'committing', `answered while ${state.kind}`)
      return answered(state, event.outcome, limits)
    case 'troubled':
      return troubled(state, event.failure, limits)
    default:
      return assertNever(event)
  }
}

const again = ({ work, attemptCount, troubleCount }: SideProgress, before: readonly SideEffect[]): SideStep => ({
  state: { kind: 'loading-side', work, attemptCount, troubleCount },
  effects: [...before, { kind: 'load-side' }],
})

function sideLoaded({ work, attemptCount, troubleCount }: SideProgress, side: TableMetadata | null): SideStep {
  if (side === null) return fail(work, 'SIDE_TABLE_MISSING')
  const applied = guarded(() => parseApplied(side.properties[APPLIED_PROPERTY]))
  if (applied.kind === 'failure') return { state: { kind: 'failed', failure: applied.failure }, effects: [] }
  if (applied.value === null) return fail(work, 'TABLE_FOREIGN')
  return {
    state: { kind: 'loading-main', side, applied: applied.value, work, attemptCount, troubleCount },
    effects: [{ kind: 'load-main' }],
  }
}

function mainLoaded(
  state: Extract<SideState, { kind: 'loading-main' }>,
  main: TableMetadata | null,
  atMs: number,
  guards: Guards,
  limits: CommitLimits,
): SideStep {
  const { work, side, applied, attemptCount, troubleCount } = state
  if (main === null || main['table-uuid'] !== work.mainUuid) return fail(work, 'TABLE_REPLACED')
  const read = guarded(() => trustedPositions(main, guards))
  if (read.kind === 'failure') return { state: { kind: 'failed', failure: read.failure }, effects: [] }
  const { unconfirmed } = read.value
  const pending = guards.pending(unconfirmed, work.sideTable, applied)
  if (pending.length === 0) return { state: { kind: 'confirmed', applied }, effects: [] }
  if (attemptCount >= limits.attemptsMax) return fail(work, 'COMMIT_GAVE_UP')
  const plan: SidePlan = {
    base: side,
    appended: pending,
    applied: guards.nextApplied(applied, unconfirmed, work.sideTable, pending),
    timestampMs: guards.timestampMs(atMs, side),
    checkedAtMs: atMs,
    summary: { [SIDE_COMMITS_KEY]: pending.map((entry) => entry.commit).join(',') },
  }
  return { state: { kind: 'staging', plan, work, attemptCount, troubleCount }, effects: [{ kind: 'stage-side', plan }] }
}

/** Unconfirmed files count only where the positions do; a cut line is for the main commit to judge, so it is passed here. */
function trustedPositions(main: TableMetadata, guards: Guards): Positions {
  const verdict = guards.read(main)
  if (verdict.kind === 'trusted' || verdict.kind === 'evidence') return verdict.positions
  const reason = verdict.kind === 'stop' ? verdict.reason : 'marks-gone'
  throw new IngestError('POSITIONS_UNTRUSTED', { reason })
}

function send(state: Extract<SideState, { kind: 'staging' }>, snapshot: Snapshot, guards: Guards): SideStep {
  const { plan, work, attemptCount } = state
  const updates: TableUpdate[] = [
    { action: 'add-snapshot', snapshot },
    {
      action: 'set-snapshot-ref',
      'ref-name': MAIN_BRANCH,
      ...plan.base.refs[MAIN_BRANCH],
      'snapshot-id': snapshot['snapshot-id'],
      type: 'branch',
    },
    { action: 'set-properties', updates: { [APPLIED_PROPERTY]: writeApplied(plan.applied) } },
  ]
  return {
    state: { kind: 'committing', plan, work, attemptCount: attemptCount + 1, troubleCount: 0 },
    effects: [{ kind: 'post-side', requirements: guards.requirements(plan.base), updates }],
  }
}

function answered(
  state: Extract<SideState, { kind: 'committing' }>,
  outcome: CommitOutcome,
  limits: CommitLimits,
): SideStep {
  switch (outcome.kind) {
    case 'done':
      return { state: { kind: 'confirmed', applied: state.plan.applied }, effects: [] }
    case 'conflict':
    case 'unknown':
      return again(state, [
        { kind: 'wait', msMax: outcomeMs(outcome.kind, state.attemptCount, limits), why: outcome.kind },
      ])
    case 'rejected':
      return fail(state.work, 'COMMIT_REJECTED', { reason: outcome.reason })
    default:
      return assertNever(outcome)
  }
}

function troubled(state: SideState, cause: Failure, limits: CommitLimits): SideStep {
  assert('work' in state && state.kind !== 'committing', `trouble while ${state.kind}`)
  const troubleCount = state.troubleCount + 1
  if (troubleCount > triesAgainMax(cause.code, limits)) {
    return { state: { kind: 'failed', failure: cause }, effects: [] }
  }
  return again({ ...state, troubleCount }, [pause(troubleCount, cause.code, limits)])
}

type Guarded<T> =
  | { readonly kind: 'value'; readonly value: T }
  | { readonly kind: 'failure'; readonly failure: Failure }

function guarded<T>(read: () => T): Guarded<T> {
  try {
    return { kind: 'value', value: read() }
  } catch (error) {
    if (!(error instanceof IngestError)) throw error
    return { kind: 'failure', failure: toFailure(error) }
  }
}

const fail = (work: SideWork, code: Failure['code'], context: Failure['context'] = {}): SideStep => ({
  state: {
    kind: 'failed',
    failure: { code, context: { table: work.sideTable, main: work.mainTable, ...context }, cause: '' },
  },
  effects: [],
})

const pause = (count: number, why: string, limits: CommitLimits): SideEffect => ({
  kind: 'wait',
  msMax: backoffMs(count, limits),
  why,
})
