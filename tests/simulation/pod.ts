// One pod of the simulation: the committer's orchestration (src/workers/committer*.ts) without threads, one effect per turn, so
// that anything can happen between two of them. All decisions come from the real pure code, with the guards of the schedule.
import { ancestry, mainHead } from '../../src/shared/commit/ancestry.ts'
import type { CommitEffect, CommitEvent } from '../../src/shared/commit/commit-state.ts'
import { step } from '../../src/shared/commit/commit-state.ts'
import type { Work } from '../../src/shared/commit/commit-work.ts'
import { newStarts, nextOffset } from '../../src/shared/commit/positions.ts'
import type { SideEffect, SideEvent } from '../../src/shared/commit/side-state.ts'
import { stepSide } from '../../src/shared/commit/side-state.ts'
import type { Failure } from '../../src/shared/errors.ts'
import { assertNever, errorTable, toFailure } from '../../src/shared/errors.ts'
import { expiryOf, sweepOne } from './pod-expiry.ts'
import { countRows, gone, isThere, stage } from './pod-files.ts'
import { checkReplayed, lookForLetters } from './pod-replay.ts'
import { type Pod, simulationLimits, type Task } from './pod-state.ts'
import {
  describe,
  groupWork,
  positionAt,
  skipLost,
  sourceOf,
  stopped,
  waiting,
  wantedStarts,
  workBase,
} from './pod-work.ts'
import type { World } from './world.ts'
import { MAIN, SIDE, TOPIC, tell, violate } from './world.ts'

const clock = (world: World, pod: Pod): number => world.nowMs + pod.skewMs

/** One turn: at most one thing that others can see. */
export function turn(world: World, pod: Pod): void {
  if (pod.halted !== null) return
  const { task } = pod
  switch (task.kind) {
    case 'open':
      open(world, pod)
      return
    case 'run':
      run(world, pod)
      return
    case 'main':
      mainTurn(world, pod, task)
      return
    case 'side':
      sideTurn(world, pod, task)
      return
    case 'wait':
      return
    default:
      assertNever(task)
      return
  }
}

function halt(world: World, pod: Pod, failure: Failure): void {
  pod.halted = failure
  tell(world, () => `${pod.name} stops: ${failure.code} ${failure.context['reason'] ?? ''}`)
}

function open(world: World, pod: Pod): void {
  const main = world.tables.main
  const verdict = pod.guards.read(main)
  tell(world, () => `${pod.name} opens: ${verdict.kind} at head ${mainHead(main)}`)
  if (verdict.kind === 'none') {
    halt(world, pod, stopped('none'))
    return
  }
  if (verdict.kind === 'stop') {
    halt(world, pod, stopped(verdict.reason))
    return
  }
  if (verdict.kind === 'evidence' && !pod.guards.evidenceHolds(verdict.evidence, countRows(world, verdict.evidence))) {
    halt(world, pod, stopped('rows-missing'))
    return
  }
  const lost = pod.guards.outside(verdict.positions, sourceOf(world))
  if (lost !== null) {
    halt(world, pod, toFailure(lost))
    return
  }
  pod.main = main
  pod.positions = verdict.positions
  pod.confirmed = new Map()
  if (verdict.positions.unconfirmed.length > 0) startSide(world, pod, true)
  else openStarts(world, pod)
}

function openStarts(world: World, pod: Pod): void {
  const { main, positions } = pod
  if (main === null || positions === null) throw new Error('not open')
  const starts = newStarts(positions, wantedStarts(pod))
  if (starts.length === 0) {
    begin(world, pod)
    return
  }
  startMain(world, pod, { ...workBase(world, pod), kind: 'starts', starts }, true)
}

/** Starts reading where the table stands. */
function begin(world: World, pod: Pod): void {
  pod.reads = new Map()
  pod.task = { kind: 'run' }
  for (const partition of pod.owned) {
    const next = Number(pod.positions === null ? 0n : (nextOffset(pod.positions, TOPIC, partition) ?? 0n))
    pod.reads.set(partition, { first: next, next, lost: [] })
  }
  tell(world, () => `${pod.name} reads from ${JSON.stringify([...pod.reads].map(([p, { next }]) => [p, next]))}`)
}

function run(world: World, pod: Pod): void {
  if (pod.replays) {
    const look = lookForLetters(world, pod)
    if (look === 'not to be trusted') pod.task = { kind: 'open' }
    else if (look !== null) startMain(world, pod, look, false)
    return
  }
  const readable = [...pod.reads].filter(([partition, read]) => read.next < (world.fates[partition]?.length ?? 0))
  const read = [...pod.reads].filter(([, { first, next }]) => next > first)
  const side = waiting(pod).length
  if (side > 0 && (side >= simulationLimits.unconfirmedMax || read.length === 0 || world.random.chance(40))) {
    startSide(world, pod, false)
    return
  }
  if (world.upkeep && lookAfter(world, pod)) return
  if (readable.length > 0 && (read.length === 0 || world.random.chance(50))) {
    const [partition, at] = world.random.pick(readable)
    const lost = pod.guards.outside(positionAt(partition, at.next), sourceOf(world))
    if (lost !== null) {
      halt(world, pod, toFailure(lost))
      return
    }
    skipLost(world, partition, at)
    if (read.length === 0) pod.readSinceMs = clock(world, pod)
    at.next++
    tell(world, () => `${pod.name} reads p${partition}@${at.next - 1}`)
    return
  }
  if (read.length > 0) startMain(world, pod, groupWork(world, pod), false)
}

/** Between two commits; `pod.main` is what the last one left, and may be old. */
function lookAfter(world: World, pod: Pod): boolean {
  const table = world.random.chance(70) ? 'main' : 'side'
  if (world.random.chance(50)) return sweepOne(world, pod.guards, table, clock(world, pod))
  const base = table === 'side' ? world.tables.side : pod.main
  if (base === null || world.random.chance(60)) return false
  const request = expiryOf(world, pod.guards, table, base, clock(world, pod))
  if (request === null) return false
  send(world, pod, { kind: 'run' }, request, (outcome) => {
    if (outcome.kind === 'done' && table === 'main') pod.main = outcome.table.metadata
  })
  return true
}

function startMain(world: World, pod: Pod, work: Work, opening: boolean): void {
  tell(world, () => `${pod.name} commits ${work.kind} as snapshot ${work.snapshotId}: ${describe(work)}`)
  const event: CommitEvent = { kind: 'begin', work, base: pod.main, atMs: clock(world, pod) }
  pod.task = { kind: 'main', opening, work, ...step({ kind: 'idle' }, event, pod.guards, simulationLimits) }
}

type MainTask = Extract<Task, { kind: 'main' }>

function mainTurn(world: World, pod: Pod, task: MainTask): void {
  const [effect, ...rest] = task.effects
  if (effect === undefined) {
    mainEnd(world, pod, task)
    return
  }
  const event = mainEffect(world, pod, task, effect)
  if (event === 'later') return
  if (event === null) task.effects = rest
  else Object.assign(task, step(task.state, event, pod.guards, simulationLimits))
  // The last check of age and the send have nothing between them (committer-run.ts: no await).
  if (event?.kind === 'staged') mainTurn(world, pod, task)
}

function mainEffect(world: World, pod: Pod, task: MainTask, effect: CommitEffect): CommitEvent | null | 'later' {
  const atMs = clock(world, pod)
  switch (effect.kind) {
    case 'wait':
      return null
    case 'discard':
      for (const list of effect.locations) world.lists.delete(list)
      tell(world, () => `${pod.name} deletes ${effect.locations.join(' ')}`)
      return null
    case 'prepare':
      return { kind: 'prepared', atMs }
    case 'load':
      return { kind: 'loaded', metadata: world.tables.main, atMs }
    case 'count-rows':
      return { kind: 'counted', rows: countRows(world, effect.evidence, effect.base), atMs }
    case 'stage': {
      if (!('work' in task.state)) throw new Error('no work')
      if (!isThere(world, effect.plan.base)) return { kind: 'troubled', failure: gone, atMs }
      const { work } = task.state
      const files = work.kind === 'group' ? work.dataFiles : []
      const rows = files.reduce((sum, file) => sum + file.recordCount, 0)
      const { base, summary, snapshotId, timestampMs } = effect.plan
      const own = files.map((file) => file.location)
      const snapshot = stage(world, base, snapshotId, timestampMs, own, rows, summary)
      return { kind: 'staged', snapshot, written: [snapshot['manifest-list']], atMs }
    }
    case 'post':
      send(world, pod, task, { table: 'main', ...effect }, (outcome) => {
        const event: CommitEvent = { kind: 'answered', outcome, atMs: clock(world, pod) }
        Object.assign(task, step(task.state, event, pod.guards, simulationLimits))
      })
      return 'later'
    default:
      return assertNever(effect)
  }
}

function send(
  world: World,
  pod: Pod,
  task: Task,
  request: Omit<(typeof world.inFlight)[number], 'answer'>,
  answered: (outcome: Parameters<(typeof world.inFlight)[number]['answer']>[0]) => void,
): void {
  const wait: Task = {
    kind: 'wait',
    giveUp: () => {
      pod.task = task
      answered({ kind: 'unknown', reason: 'timeout' })
    },
  }
  pod.task = wait
  world.inFlight.push({
    ...request,
    answer: (outcome) => {
      if (pod.task !== wait) return
      pod.task = task
      answered(outcome)
    },
  })
}

function mainEnd(world: World, pod: Pod, { state, opening, work }: MainTask): void {
  if (state.kind === 'failed') {
    mainFailed(world, pod, state.failure)
    return
  }
  if (state.kind !== 'committed' && state.kind !== 'fenced') throw new Error(`no effects while ${state.kind}`)
  tell(world, () => `${pod.name} is told: ${state.kind}`)
  if (
    state.kind === 'fenced' &&
    ancestry(state.metadata).line.some((each) => each['snapshot-id'] === work.snapshotId)
  ) {
    violate(world, 'LANDED_AS_FENCED')
  }
  if (state.kind === 'committed') checkReplayed(world, work, state.metadata)
  pod.main = state.metadata
  pod.positions = state.positions
  if (opening || state.kind === 'fenced') {
    begin(world, pod)
    return
  }
  pod.task = { kind: 'run' }
  for (const [partition, read] of pod.reads) {
    const stands = Number(nextOffset(state.positions, TOPIC, partition) ?? 0n)
    // What was told committed must not be read again, by whoever it was written.
    if (read.next > read.first && stands < read.next) violate(world, 'READ_TWICE')
    read.first = read.next
  }
}

function mainFailed(world: World, pod: Pod, failure: Failure): void {
  tell(world, () => `${pod.name} is told: ${failure.code}`)
  if (failure.code === 'UNCONFIRMED_FULL') {
    // Somebody else filled it meanwhile: bring it down, then read again.
    pod.task = { kind: 'open' }
    return
  }
  if (errorTable[failure.code].action === 'reload') pod.task = { kind: 'open' }
  else halt(world, pod, failure)
}

function startSide(world: World, pod: Pod, opening: boolean): void {
  tell(world, () => `${pod.name} confirms side files`)
  const work = { mainTable: MAIN, mainUuid: 'uuid-main', sideTable: SIDE }
  const event: SideEvent = { kind: 'begin', work, atMs: clock(world, pod) }
  pod.task = { kind: 'side', opening, ...stepSide({ kind: 'idle' }, event, pod.guards, simulationLimits) }
}

type SideTask = Extract<Task, { kind: 'side' }>

function sideTurn(world: World, pod: Pod, task: SideTask): void {
  const [effect, ...rest] = task.effects
  if (effect === undefined) {
    sideEnd(world, pod, task)
    return
  }
  const event = sideEffect(world, pod, task, effect)
  if (event === 'later') return
  if (event === null) task.effects = rest
  else Object.assign(task, stepSide(task.state, event, pod.guards, simulationLimits))
  if (event?.kind === 'staged') sideTurn(world, pod, task)
}

function sideEffect(world: World, pod: Pod, task: SideTask, effect: SideEffect): SideEvent | null | 'later' {
  const atMs = clock(world, pod)
  switch (effect.kind) {
    case 'wait':
      return null
    case 'load-side':
      if (pod.mainFirst && pod.mainRead === null) {
        pod.mainRead = world.tables.main
        return 'later'
      }
      return { kind: 'side-loaded', metadata: world.tables.side, atMs }
    case 'load-main': {
      const metadata = pod.mainRead ?? world.tables.main
      pod.mainRead = null
      return { kind: 'main-loaded', metadata, atMs }
    }
    case 'stage-side': {
      const { base, appended, summary, timestampMs } = effect.plan
      const files = appended.flatMap((entry) => entry.files)
      if (!isThere(world, base)) return { kind: 'troubled', failure: gone, atMs }
      if (files.some((file) => world.files.get(file)?.swept !== false)) {
        return { kind: 'troubled', failure: { code: 'UNCONFIRMED_MISSING', context: {}, cause: '' }, atMs }
      }
      const snapshot = stage(world, base, BigInt(world.nextId++), timestampMs, files, 0, summary)
      tell(world, () => `${pod.name} stages ${files.join(' ')} on side head ${mainHead(base)}`)
      return { kind: 'staged', snapshot, atMs }
    }
    case 'post-side':
      send(world, pod, task, { table: 'side', ...effect }, (outcome) => {
        const event: SideEvent = { kind: 'answered', outcome, atMs: clock(world, pod) }
        Object.assign(task, stepSide(task.state, event, pod.guards, simulationLimits))
      })
      return 'later'
    default:
      return assertNever(effect)
  }
}

function sideEnd(world: World, pod: Pod, { state, opening }: SideTask): void {
  if (state.kind === 'failed') {
    halt(world, pod, state.failure)
    return
  }
  if (state.kind !== 'confirmed') throw new Error(`no effects while ${state.kind}`)
  pod.confirmed = new Map([[SIDE, state.applied]])
  if (opening) openStarts(world, pod)
  else pod.task = { kind: 'run' }
}
