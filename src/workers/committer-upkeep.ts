// When the tables of a route are looked after: expiry in the lane after a commit, deleting of files beside it. Commit thread.
// Invariant: nothing of this delays the answer to a commit, and files are deleted only between commits, never while one is in doubt.
import { IngestError } from '../shared/errors.ts'
import type { TableName } from '../shared/iceberg/catalog.ts'
import { formatTableName } from '../shared/iceberg/catalog.ts'
import {
  createUpkeep,
  dueLists,
  expireSnapshots,
  isExpiryDue,
  lookMsMax,
  lookSnapshots,
  sweepExpired,
  type Upkeep,
} from './committer-expiry.ts'
import type { CommitterIo } from './committer-io.ts'
import type { OpenRoute } from './committer-open.ts'
import { load } from './committer-run.ts'

/** Of one route. */
export interface RouteUpkeep {
  readonly main: Upkeep
  readonly side: Upkeep
  /** Commits to the side table since it was looked at. */
  sideCommits: number
  /** The last commit may still land: nothing is deleted until a later one did. */
  isInDoubt: boolean
  isClosing: boolean
}

export const createRouteUpkeep = (main: TableName, side: TableName): RouteUpkeep => ({
  main: createUpkeep(main),
  side: createUpkeep(side),
  sideCommits: 0,
  isInDoubt: false,
  isClosing: false,
})

/** The lane of a route. */
export interface RouteLane {
  /** Runs something after what is under way there. */
  readonly run: (work: () => Promise<void>) => Promise<void>
  /** Takes a bug of ours. */
  readonly fail: (error: unknown) => void
}

/** After a commit, in its lane. Never throws what the world did. */
export async function upkeepAfterCommit(
  io: CommitterIo,
  upkeep: RouteUpkeep,
  route: OpenRoute,
  lane: RouteLane,
): Promise<void> {
  if (isExpiryDue(upkeep.main, route.main, io.clock())) {
    route.main = (await expireSnapshots(io, upkeep.main, route.main, route.sideMetadata)).metadata
  }
  if (dueLists(io, upkeep.main, route.main).length > 0) startSweep(io, upkeep, upkeep.main, lane)
  const sideLookMs = io.clock() - upkeep.side.lookedAtMs
  if (upkeep.sideCommits >= lookSnapshots || (upkeep.sideCommits > 0 && sideLookMs >= lookMsMax))
    await lookAtSide(io, upkeep, lane)
}

async function lookAtSide(io: CommitterIo, upkeep: RouteUpkeep, lane: RouteLane): Promise<void> {
  upkeep.sideCommits = 0
  try {
    const side = await load(io, upkeep.side.name)
    if (side === null) return
    if (isExpiryDue(upkeep.side, side, io.clock())) await expireSnapshots(io, upkeep.side, side, null)
    if (dueLists(io, upkeep.side, side).length > 0) startSweep(io, upkeep, upkeep.side, lane)
  } catch (error) {
    if (!(error instanceof IngestError)) throw error
    io.log({ event: 'expiry failed', table: formatTableName(upkeep.side.name), error: error.message })
  }
}

/** One at a time; what it finds is deleted in the lane. */
function startSweep(io: CommitterIo, route: RouteUpkeep, upkeep: Upkeep, lane: RouteLane): void {
  if (upkeep.sweep !== null || io.clock() < upkeep.sweepAtMs) return
  const between = async (run: () => Promise<void>): Promise<boolean> => {
    let isDone = false
    if (route.isClosing) return false
    await lane.run(async () => {
      if (route.isInDoubt) return
      await run()
      isDone = true
    })
    return isDone
  }
  upkeep.sweep = sweepExpired(io, upkeep, between)
    .catch(lane.fail)
    .finally(() => {
      upkeep.sweep = null
    })
}

/** Waits until what is due is deleted; with `isClosing` set, until the list under way is. */
export async function endSweeps({ main, side }: RouteUpkeep): Promise<void> {
  await Promise.all([main.sweep, side.sweep])
}
