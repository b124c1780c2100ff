// Runs the effects of the two pure state machines against catalog and store, and feeds back what they bring. Commit thread.
// No decision is made here. Invariant: one catalog request per `post`; whatever it throws is an unknown outcome.
import type { CommitEffect, CommitEvent, CommitState } from '../shared/commit/commit-state.ts'
import { step } from '../shared/commit/commit-state.ts'
import type { Work } from '../shared/commit/commit-work.ts'
import { countRows } from '../shared/commit/row-evidence.ts'
import { readSideFiles, writeSideManifest } from '../shared/commit/side-files.ts'
import type { SideEffect, SideEvent, SideState } from '../shared/commit/side-state.ts'
import { stepSide } from '../shared/commit/side-state.ts'
import { assert, assertNever, IngestError, toFailure } from '../shared/errors.ts'
import type { PreparedManifest } from '../shared/iceberg/append.ts'
import { deleteAll, stageAppend, writeManifest } from '../shared/iceberg/append.ts'
import type { CommitOutcome, TableName } from '../shared/iceberg/catalog.ts'
import { formatTableName } from '../shared/iceberg/catalog.ts'
import type { DataFile } from '../shared/iceberg/data-file.ts'
import type { TableMetadata } from '../shared/iceberg/metadata.ts'
import type { CommitterIo } from './committer-io.ts'
import { newSnapshotId, pause } from './committer-io.ts'

export type CommitEnd = Extract<CommitState, { kind: 'committed' | 'fenced' | 'failed' }>
export type SideEnd = Extract<SideState, { kind: 'confirmed' | 'failed' }>

export interface MainRun {
  readonly name: TableName
  readonly work: Work
  /** The newest metadata of the main table that we hold; the head it names is what the first attempt asserts. */
  readonly base: TableMetadata
  /** Side files of the work, and the side table they are for. */
  readonly side: { readonly metadata: TableMetadata; readonly files: readonly DataFile[] } | null
}

/** Carries one commit to its end. Errors: only our own bugs; all else is in the end state. */
export async function runCommit(io: CommitterIo, run: MainRun): Promise<CommitEnd> {
  const prepared: PreparedManifest[] = []
  let at = step({ kind: 'idle' }, { kind: 'begin', work: run.work, base: run.base, atMs: io.clock() }, io.guards)
  for (;;) {
    const { state } = at
    const event = await runEffects(io, run, state, prepared, at.effects)
    if (state.kind === 'committed' || state.kind === 'fenced' || state.kind === 'failed') return state
    assert(event !== null, `no event while ${state.kind}`)
    at = step(state, event, io.guards, io.limits)
  }
}

async function runEffects(
  io: CommitterIo,
  run: MainRun,
  state: CommitState,
  prepared: PreparedManifest[],
  effects: readonly CommitEffect[],
): Promise<CommitEvent | null> {
  let event: CommitEvent | null = null
  for (const effect of effects) {
    try {
      event = await runEffect(io, run, state, prepared, effect)
    } catch (error) {
      if (!(error instanceof IngestError)) throw error
      event = { kind: 'troubled', failure: toFailure(error), atMs: io.clock() }
    }
  }
  return event
}

async function runEffect(
  io: CommitterIo,
  run: MainRun,
  state: CommitState,
  prepared: PreparedManifest[],
  effect: CommitEffect,
): Promise<CommitEvent | null> {
  switch (effect.kind) {
    case 'wait':
      await pause(io, run.work.table, effect.msMax, effect.why)
      return null
    case 'prepare':
      await prepare(io, run, prepared)
      return { kind: 'prepared', atMs: io.clock() }
    case 'load':
      return { kind: 'loaded', metadata: await load(io, run.name), atMs: io.clock() }
    case 'count-rows':
      return {
        kind: 'counted',
        rows: await countRows(io.store, effect.base, effect.evidence.ranges),
        atMs: io.clock(),
      }
    case 'stage': {
      const { base, snapshotId, timestampMs, summary } = effect.plan
      const attempt = 'attempts' in state ? state.attempts.length + 1 : 1
      const { store, lists } = io
      const context = { store, snapshotId, now: timestampMs, attempt, summary, cache: lists }
      return { kind: 'staged', ...(await stageAppend(base, prepared, context)), atMs: io.clock() }
    }
    case 'post':
      return {
        kind: 'answered',
        outcome: await post(io, run.name, effect.requirements, effect.updates),
        atMs: io.clock(),
      }
    case 'discard':
      await deleteAll(io.store, effect.locations)
      return null
    default:
      return assertNever(effect)
  }
}

/** Once per commit: manifests of the data files, one per spec and schema, and of the side files. */
async function prepare(io: CommitterIo, run: MainRun, prepared: PreparedManifest[]): Promise<void> {
  prepared.length = 0 // a second try after a full disk
  if (run.work.kind !== 'group') return
  for (const files of byLayout(run.work.dataFiles)) {
    prepared.push(await writeManifest(io.store, run.base, files, run.work.snapshotId))
  }
  if (run.side !== null) await writeSideManifest(io.store, run.side.metadata, run.side.files)
}

export function byLayout(files: readonly DataFile[]): DataFile[][] {
  const groups = new Map<string, DataFile[]>()
  for (const file of files) {
    const key = `${file.specId}/${file.schemaId}`
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [file])
    else group.push(file)
  }
  return [...groups.values()]
}

export async function load(io: CommitterIo, name: TableName): Promise<TableMetadata | null> {
  const loaded = await io.catalog.loadTable(name)
  return loaded === null ? null : loaded.metadata
}

type Request = Parameters<CommitterIo['catalog']['updateTable']>

/** Whatever goes wrong while a commit is sent, it may have landed. */
export async function post(io: CommitterIo, ...request: [...Request]): Promise<CommitOutcome> {
  const outcome = await send(io, ...request)
  const { kind } = outcome
  io.tell({ kind: 'answered', table: formatTableName(request[0]), outcome: kind === 'done' ? 'committed' : kind })
  return outcome
}

async function send(io: CommitterIo, ...[name, requirements, updates]: [...Request]): Promise<CommitOutcome> {
  try {
    return await io.catalog.updateTable(name, requirements, updates)
  } catch (error) {
    return { kind: 'unknown', reason: error instanceof Error ? error.message : String(error) }
  }
}

export interface SideRun {
  readonly main: TableName
  readonly mainUuid: string
  readonly side: TableName
  readonly limits: CommitterIo['limits']
}

/** Brings main's unconfirmed files into one side table. Errors: only our own bugs; all else is in the end state. */
export async function runSide(io: CommitterIo, run: SideRun): Promise<SideEnd> {
  const work = {
    mainTable: formatTableName(run.main),
    mainUuid: run.mainUuid,
    sideTable: formatTableName(run.side),
  }
  let at = stepSide({ kind: 'idle' }, { kind: 'begin', work, atMs: io.clock() }, io.guards, run.limits)
  for (;;) {
    const { state } = at
    if (state.kind === 'confirmed' || state.kind === 'failed') return state
    let event: SideEvent | null = null
    for (const effect of at.effects) event = await runSideEffect(io, run, effect)
    assert(event !== null, `no event while ${state.kind}`)
    at = stepSide(state, event, io.guards, run.limits)
  }
}

async function runSideEffect(io: CommitterIo, run: SideRun, effect: SideEffect): Promise<SideEvent | null> {
  try {
    switch (effect.kind) {
      case 'wait':
        await pause(io, formatTableName(run.side), effect.msMax, effect.why)
        return null
      case 'load-side':
        return { kind: 'side-loaded', metadata: await load(io, run.side), atMs: io.clock() }
      case 'load-main':
        return { kind: 'main-loaded', metadata: await load(io, run.main), atMs: io.clock() }
      case 'stage-side':
        return await stageSide(io, effect.plan)
      case 'post-side': {
        const outcome = await post(io, run.side, effect.requirements, effect.updates)
        return { kind: 'answered', outcome, atMs: io.clock() }
      }
      default:
        return assertNever(effect)
    }
  } catch (error) {
    if (!(error instanceof IngestError)) throw error
    return { kind: 'troubled', failure: toFailure(error), atMs: io.clock() }
  }
}

async function stageSide(
  io: CommitterIo,
  plan: Extract<SideEffect, { kind: 'stage-side' }>['plan'],
): Promise<SideEvent> {
  const files = await readSideFiles(io.store, plan.base, plan.appended)
  const snapshotId = newSnapshotId(io)
  const prepared: PreparedManifest[] = []
  for (const group of byLayout(files)) prepared.push(await writeManifest(io.store, plan.base, group, snapshotId))
  const context = {
    store: io.store,
    snapshotId,
    now: plan.timestampMs,
    attempt: 1,
    summary: plan.summary,
    cache: io.lists,
  }
  const { snapshot } = await stageAppend(plan.base, prepared, context)
  return { kind: 'staged', snapshot, atMs: io.clock() }
}
