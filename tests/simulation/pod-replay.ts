// A pod of the simulation that replays: it looks at main and at the letters at one moment, and commits rows for some of those that it
// did not find in main, on the replay position of that moment. What comes between the look and the commit is the schedule's.
import type { GroupWork, Work } from '../../src/shared/commit/commit-work.ts'
import { REPLAY_TOPIC, replayMark } from '../../src/shared/commit/replay-position.ts'
import type { TableMetadata } from '../../src/shared/iceberg/metadata.ts'
import { countRows, dataFile } from './pod-files.ts'
import type { Pod } from './pod-state.ts'
import { workBase } from './pod-work.ts'
import type { World } from './world.ts'
import { liveFiles, type RecordId, SIDE, TOPIC, tell, violate } from './world.ts'

/** Null: nothing to replay. */
export function lookForLetters(world: World, pod: Pod): GroupWork | 'not to be trusted' | null {
  const { main } = world.tables
  const verdict = pod.guards.read(main)
  const holds =
    verdict.kind !== 'evidence' || pod.guards.evidenceHolds(verdict.evidence, countRows(world, verdict.evidence))
  if (verdict.kind === 'none' || verdict.kind === 'stop' || !holds) return 'not to be trusted'
  const { positions } = verdict
  const mark = replayMark(positions)
  const [rows, side] = [liveFiles(world, 'main'), liveFiles(world, 'side')]
  if (mark === null || rows === null || side === null) return 'not to be trusted'
  const waiting = positions.unconfirmed.filter(({ table }) => table === SIDE).flatMap(({ files }) => files)
  const isRow = new Set(recordsIn(world, rows))
  const open = [...new Set(recordsIn(world, [...side, ...waiting]))].filter(
    (record) => record < 1_000_000 && !isRow.has(record),
  )
  if (open.length === 0) return null
  pod.main = main
  pod.positions = positions
  return replayWork(
    world,
    pod,
    mark.next,
    open.filter(() => open.length === 1 || world.random.chance(60)),
  )
}

const recordsIn = (world: World, files: readonly string[]): readonly RecordId[] =>
  files.flatMap((file) => world.files.get(file)?.records ?? [])

function replayWork(world: World, pod: Pod, first: bigint, records: readonly RecordId[]): GroupWork | null {
  const [named] = records
  if (named === undefined) return null
  const base = workBase(world, pod)
  const file = `r${base.snapshotId}`
  world.files.set(file, { records, swept: false })
  tell(world, () => `${pod.name} replays ${records.join(' ')} after ${first}`)
  const [partition, offset] = [Math.floor(named / 100), BigInt(named % 100)]
  return {
    ...base,
    kind: 'group',
    ranges: [{ topic: REPLAY_TOPIC, partition: 0, first, next: first + BigInt(records.length) }],
    dataFiles: [dataFile(file, records.length)],
    side: null,
    oldestEncodedAtMs: world.nowMs + pod.skewMs,
    replay: {
      records: records.join(' '),
      evidence: { ranges: [{ topic: TOPIC, partition, first: offset, next: offset + 1n }], rows: 1n },
      summary: {},
    },
  }
}

/** What was told committed is there: another's work is never taken for one's own. */
export function checkReplayed(world: World, work: Work, metadata: TableMetadata): void {
  if (work.kind !== 'group' || work.replay === undefined || metadata !== world.tables.main || world.damage.size > 0)
    return
  const rows = new Set(recordsIn(world, liveFiles(world, 'main') ?? []))
  const records = recordsIn(
    world,
    work.dataFiles.map(({ location }) => location),
  )
  if (records.some((record) => !rows.has(record))) violate(world, 'NOT_REPLAYED')
}
