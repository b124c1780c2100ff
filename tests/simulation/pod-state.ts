// What a pod of the simulation holds between two turns.
import { type CommitLimits, commitLimits } from '../../src/shared/commit/commit-limits.ts'
import type { CommitEffect, CommitState } from '../../src/shared/commit/commit-state.ts'
import type { Work } from '../../src/shared/commit/commit-work.ts'
import type { Guards } from '../../src/shared/commit/guards.ts'
import type { Positions } from '../../src/shared/commit/positions.ts'
import type { SideEffect, SideState } from '../../src/shared/commit/side-state.ts'
import type { Confirmed } from '../../src/shared/commit/side-tables.ts'
import type { Failure } from '../../src/shared/errors.ts'
import type { TableMetadata } from '../../src/shared/iceberg/metadata.ts'
import type { World } from './world.ts'

export const simulationLimits: CommitLimits = {
  ...commitLimits,
  attemptsMax: 40,
  troublesMax: 5,
  staleMax: 2,
  backoffMsFirst: 1,
  backoffMsMax: 1,
  unconfirmedMax: 2,
}

export interface Pod {
  readonly name: string
  readonly guards: Guards
  /** Its clock differs from the world's by this much. */
  readonly skewMs: number
  readonly owned: readonly number[]
  /** Replays dead letters, and reads nothing. */
  readonly replays: boolean
  /** Reads main before the side table, which is the wrong way round (guard 6). */
  readonly mainFirst: boolean
  mainRead: TableMetadata | null
  task: Task
  /** The newest metadata it holds; may be old. */
  main: TableMetadata | null
  positions: Positions | null
  confirmed: Confirmed
  /** Offsets read and not yet committed, per owned partition. */
  reads: Map<number, Read>
  readSinceMs: number
  /** Why it stopped for an operator. */
  halted: Failure | null
}

/** What all pods of a schedule have in common. */
export interface PodKind {
  readonly guards: Guards
  readonly mainFirst: boolean
}

/** Offsets of a partition; `lost` were gone from the log when it came to them. */
export interface Read {
  first: number
  next: number
  readonly lost: number[]
}

export type Task =
  | { readonly kind: 'open' }
  | { readonly kind: 'run' }
  | {
      readonly kind: 'main'
      state: CommitState
      effects: readonly CommitEffect[]
      readonly opening: boolean
      readonly work: Work
    }
  | { readonly kind: 'side'; state: SideState; effects: readonly SideEffect[]; readonly opening: boolean }
  /** A request is on its way. */
  | { readonly kind: 'wait'; readonly giveUp: () => void }

export const createPod = (
  world: World,
  name: string,
  { guards, mainFirst }: PodKind,
  owned: readonly number[],
  replays = false,
): Pod => ({
  name,
  guards,
  mainFirst,
  mainRead: null,
  skewMs: world.random.chance(30) ? world.random.int(120_000) - 60_000 : 0,
  owned,
  replays,
  task: { kind: 'open' },
  main: null,
  positions: null,
  confirmed: new Map(),
  reads: new Map(),
  readSinceMs: 0,
  halted: null,
})
