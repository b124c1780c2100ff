// The state machine of one commit to a main table: pure `step(state, event, guards) → {state, effects}`; the committer runs the
// effects in order and feeds back what the last one brought (design section 3, drawing in docs/protocol.md). Committer thread.
// Invariant: between any two sends lies a load and a check of what was loaded; an unknown answer is never taken for a failure.

import type { Failure } from '../errors.ts'
import { assert, assertNever, IngestError, toFailure } from '../errors.ts'
import type { CommitOutcome } from '../iceberg/catalog.ts'
import type { Snapshot, TableMetadata, TableRequirement, TableUpdate } from '../iceberg/metadata.ts'
import type { Decision } from './commit-check.ts'
import { checkCommit } from './commit-check.ts'
import type { CommitLimits } from './commit-limits.ts'
import { backoffMs, commitLimits, outcomeMs, triesAgainMax } from './commit-limits.ts'
import { commitUpdates, type Plan } from './commit-plan.ts'
import type { Work } from './commit-work.ts'
import type { Guards, StagedAttempt } from './guards.ts'
import type { Positions } from './positions.ts'
import type { Evidence } from './read-positions.ts'

interface Progress {
  readonly work: Work
  /** Every attempt staged so far. */
  readonly attempts: readonly StagedAttempt[]
  readonly troubleCount: number
  readonly rejection: string | null
}

export type CommitState =
  | { readonly kind: 'idle' }
  | ({ readonly kind: 'preparing'; readonly base: TableMetadata | null } & Progress)
  | ({ readonly kind: 'staging'; readonly phase: StagingPhase } & Progress)
  | ({ readonly kind: 'committing'; readonly plan: Plan; readonly snapshot: Snapshot } & Progress)
  | ({ readonly kind: 'verifying' } & Progress)
  | {
      readonly kind: 'committed'
      readonly metadata: TableMetadata
      /** Null where there was nothing to commit. */
      readonly snapshot: Snapshot | null
      readonly commitId: string
      readonly positions: Positions
      readonly attemptCount: number
    }
  | { readonly kind: 'fenced'; readonly metadata: TableMetadata; readonly positions: Positions }
  /** `inDoubt`: a copy may still land; nothing it names may be deleted. */
  | { readonly kind: 'failed'; readonly failure: Failure; readonly inDoubt: boolean }

type StagingPhase =
  | { readonly kind: 'counting'; readonly base: TableMetadata; readonly evidence: Evidence }
  | { readonly kind: 'writing'; readonly plan: Plan }

/** Run in order; the last one of a list answers with one event. */
export type CommitEffect =
  | { readonly kind: 'wait'; readonly msMax: number; readonly why: string }
  /** Writes the manifest of the data files, once for all attempts. */
  | { readonly kind: 'prepare' }
  | { readonly kind: 'load' }
  /** Counts main's rows inside the ranges of the evidence. */
  | { readonly kind: 'count-rows'; readonly base: TableMetadata; readonly evidence: Evidence }
  /** Writes the manifest list of one attempt. */
  | { readonly kind: 'stage'; readonly plan: Plan }
  | {
      readonly kind: 'post'
      readonly requirements: readonly TableRequirement[]
      readonly updates: readonly TableUpdate[]
    }
  /** Deletes manifest lists that nothing can name; answers with nothing. */
  | { readonly kind: 'discard'; readonly locations: readonly string[] }

/** `atMs`: wall clock of the committer when the event came about. */
export type CommitEvent = { readonly atMs: number } & (
  | { readonly kind: 'begin'; readonly work: Work; readonly base: TableMetadata | null }
  | { readonly kind: 'prepared' }
  | { readonly kind: 'loaded'; readonly metadata: TableMetadata | null }
  | { readonly kind: 'counted'; readonly rows: bigint }
  /** `written`: manifest list and merged manifests of this attempt. */
  | { readonly kind: 'staged'; readonly snapshot: Snapshot; readonly written: readonly string[] }
  | { readonly kind: 'answered'; readonly outcome: CommitOutcome }
  /** An effect other than `post` failed. */
  | { readonly kind: 'troubled'; readonly failure: Failure }
)

export interface CommitStep {
  readonly state: CommitState
  readonly effects: readonly CommitEffect[]
}

/** One transition. An event that does not fit the state is our bug and throws. */
export function step(
  state: CommitState,
  event: CommitEvent,
  guards: Guards,
  limits: CommitLimits = commitLimits,
): CommitStep {
  switch (event.kind) {
    case 'begin': {
      assert(state.kind === 'idle', `begin while ${state.kind}`)
      const progress = { work: event.work, attempts: [], troubleCount: 0, rejection: null }
      return { state: { kind: 'preparing', base: event.base, ...progress }, effects: [{ kind: 'prepare' }] }
    }
    case 'prepared':
      assert(state.kind === 'preparing', `prepared while ${state.kind}`)
      return state.base === null ? verify(state, []) : decide(state, state.base, null, event.atMs, guards, limits)
    case 'loaded':
      assert(state.kind === 'verifying', `loaded while ${state.kind}`)
      if (event.metadata === null) return fail(state, failure('TABLE_MISSING', state.work))
      return decide(state, event.metadata, null, event.atMs, guards, limits)
    case 'counted':
      assert(state.kind === 'staging' && state.phase.kind === 'counting', `counted while ${state.kind}`)
      return decide(state, state.phase.base, event.rows, event.atMs, guards, limits)
    case 'staged':
      assert(state.kind === 'staging' && state.phase.kind === 'writing', `staged while ${state.kind}`)
      // A process may have been stopped for days between check and send; what it staged may be gone.
      if (guards.tooOld(state.phase.plan.checkedAtMs, event.atMs)) return verify(state, [])
      return send(state, state.phase.plan, event, guards)
    case 'answered':
      assert(state.kind === 'committing', `answered while ${state.kind}`)
      return answered(state, event.outcome, guards, limits)
    case 'troubled':
      return troubled(state, event.failure, limits)
    default:
      return assertNever(event)
  }
}

/** The progress of a state that is under way, without that state's own data. */
const progressOf = ({ work, attempts, troubleCount, rejection }: Progress): Progress => ({
  work,
  attempts,
  troubleCount,
  rejection,
})

function decide(
  from: Progress,
  base: TableMetadata,
  counted: bigint | null,
  atMs: number,
  guards: Guards,
  limits: CommitLimits,
): CommitStep {
  const progress = progressOf(from)
  const decision = checked({ ...progress, base, counted, atMs, limits }, guards)
  switch (decision.kind) {
    case 'send': {
      const phase: StagingPhase = { kind: 'writing', plan: decision.plan }
      return { state: { kind: 'staging', phase, ...progress }, effects: [{ kind: 'stage', plan: decision.plan }] }
    }
    case 'count': {
      const { evidence } = decision
      const phase: StagingPhase = { kind: 'counting', base, evidence }
      return { state: { kind: 'staging', phase, ...progress }, effects: [{ kind: 'count-rows', base, evidence }] }
    }
    case 'landed':
      return committed(progress, base, decision.snapshot, decision.commitId, decision.positions, guards)
    case 'fenced':
      return { state: { kind: 'fenced', metadata: base, positions: decision.positions }, effects: [] }
    case 'stop':
      return fail(progress, decision.failure)
    default:
      return assertNever(decision)
  }
}

function checked(input: Parameters<typeof checkCommit>[0], guards: Guards): Decision {
  try {
    return checkCommit(input, guards)
  } catch (error) {
    if (!(error instanceof IngestError)) throw error
    return { kind: 'stop', failure: toFailure(error) }
  }
}

function send(
  from: Progress,
  plan: Plan,
  { snapshot, written }: Extract<CommitEvent, { kind: 'staged' }>,
  guards: Guards,
): CommitStep {
  const manifestList = snapshot['manifest-list']
  const attempts = [...from.attempts, { manifestList, written, outcome: 'none', reason: '' } as const]
  return {
    state: { kind: 'committing', plan, snapshot, ...progressOf(from), attempts, troubleCount: 0 },
    effects: [
      {
        kind: 'post',
        requirements: [...guards.requirements(plan.base), ...guards.tagRequirement(plan.base)],
        updates: commitUpdates(plan, snapshot),
      },
    ],
  }
}

function answered(
  state: Extract<CommitState, { kind: 'committing' }>,
  outcome: CommitOutcome,
  guards: Guards,
  limits: CommitLimits,
): CommitStep {
  const attempts = state.attempts.map((attempt, at) =>
    at === state.attempts.length - 1 ? { ...attempt, outcome: outcome.kind, reason: reasonOf(outcome) } : attempt,
  )
  const progress = { ...progressOf(state), attempts }
  switch (guards.classify(outcome)) {
    case 'done': {
      assert(outcome.kind === 'done', `${outcome.kind} taken for done`)
      const { snapshot, plan } = state
      return committed(progress, outcome.table.metadata, snapshot, plan.commitId, plan.positions, guards)
    }
    case 'verify':
      return verify(progress, [
        ...discard(attempts, null, guards),
        { kind: 'wait', msMax: outcomeMs(outcome.kind, attempts.length, limits), why: outcome.kind },
      ])
    case 'rejected': {
      const rejection = reasonOf(outcome)
      // A definite no to this copy says nothing of an earlier one whose answer was lost.
      if (isInDoubt(progress)) return verify({ ...progress, rejection }, [pause(1, 'rejected', limits)])
      return fail(progress, failure('COMMIT_REJECTED', state.work, { reason: rejection }))
    }
  }
}

const reasonOf = (outcome: CommitOutcome): string => (outcome.kind === 'done' ? '' : outcome.reason)

function troubled(state: CommitState, cause: Failure, limits: CommitLimits): CommitStep {
  assert('work' in state && state.kind !== 'committing', `trouble while ${state.kind}`)
  const troubleCount = state.troubleCount + 1
  if (troubleCount > triesAgainMax(cause.code, limits)) return fail(state, cause)
  const wait = pause(troubleCount, cause.code, limits)
  const progress = { ...progressOf(state), troubleCount }
  if (state.kind === 'preparing') return { state: { ...state, troubleCount }, effects: [wait, { kind: 'prepare' }] }
  return verify(progress, [wait])
}

const verify = (from: Progress, before: readonly CommitEffect[]): CommitStep => ({
  state: { kind: 'verifying', ...progressOf(from) },
  effects: [...before, { kind: 'load' }],
})

function committed(
  { attempts }: Progress,
  metadata: TableMetadata,
  snapshot: Snapshot | null,
  commitId: string,
  positions: Positions,
  guards: Guards,
): CommitStep {
  return {
    state: { kind: 'committed', metadata, snapshot, commitId, positions, attemptCount: attempts.length },
    effects: discard(attempts, snapshot?.['manifest-list'] ?? null, guards),
  }
}

function discard(attempts: readonly StagedAttempt[], landedList: string | null, guards: Guards): CommitEffect[] {
  const locations = guards.discardable(attempts, landedList)
  return locations.length === 0 ? [] : [{ kind: 'discard', locations }]
}

const fail = (from: Progress, cause: Failure): CommitStep => ({
  state: { kind: 'failed', failure: cause, inDoubt: isInDoubt(from) },
  effects: [],
})

/** An attempt without an answer, or with none that settles it. */
const isInDoubt = ({ attempts }: Progress): boolean =>
  attempts.some(({ outcome }) => outcome === 'none' || outcome === 'unknown')

const failure = (code: Failure['code'], work: Work, context: Failure['context'] = {}): Failure => ({
  code,
  context: { table: work.table, ...context },
  cause: '',
})

const pause = (count: number, why: string, limits: CommitLimits): CommitEffect => ({
  kind: 'wait',
  msMax: backoffMs(count, limits),
  why,
})
