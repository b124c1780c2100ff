// What must hold after every change of a table: each record below the position exactly once, as a row of main, as a dead letter in
// its table, or as one that main still names; and no live file gone. Omniscient: it sees expired ancestors, the protocol does not.

import type { Positions } from '../../src/shared/commit/positions.ts'
import { NO_SNAPSHOT } from '../../src/shared/commit/positions.ts'
import { replayMark } from '../../src/shared/commit/replay-position.ts'
import { parseApplied } from '../../src/shared/commit/side-tables.ts'
import type { World } from './world.ts'
import { liveFiles, newestOwn, recordId, SIDE, TOPIC, violate } from './world.ts'

/** Judges the tables as they are now. A table whose marks cannot count (the next reader stops) is not judged. */
export function judge(world: World): void {
  if (world.upkeep) judgeSnapshots(world)
  const text = world.tables.main.properties['k2.positions']
  if (text === undefined) return
  const positions = world.parse(text)
  if (positions.snapshot === NO_SNAPSHOT || positions.snapshot !== newestOwn(world)) return
  const tag = world.tables.main.refs['k2']
  if (tag !== undefined && tag['snapshot-id'] !== positions.snapshot) return
  const counts = countRecords(world, positions)
  if (counts === null) return
  if (!world.damage.has('rollback') && !world.damage.has('replace')) {
    for (const row of world.foreignRows) if (counts.rows.get(row) !== 1) violate(world, 'FOREIGN_LOST')
  }
  const marks = positions.topics.get(TOPIC)?.partitions
  const replays = replayMark(positions) !== null
  world.fates.forEach((fates, partition) => {
    const next = Number(marks?.get(partition)?.next ?? 0n)
    fates.forEach((fate, offset) => {
      const record = recordId(partition, offset)
      const rows = counts.rows.get(record) ?? 0
      const letters = counts.letters.get(record) ?? 0
      const count = rows + letters
      // A replay makes one row of a letter, which stays.
      if (rows > 1 || letters > 1 || (count > 1 && !(replays && fate === 'dead'))) violate(world, 'DOUBLE')
      if (fate !== 'none' && offset < next && count === 0) violate(world, 'LOST')
    })
  })
}

/** Each snapshot that a table has, by whatever ref, can be read. */
function judgeSnapshots(world: World): void {
  for (const { snapshots } of Object.values(world.tables)) {
    for (const { 'manifest-list': list } of snapshots) {
      const files = world.lists.get(list)
      if (files === undefined || files.some((file) => world.files.get(file)?.swept !== false))
        violate(world, 'DANGLING')
    }
  }
}

interface Counts {
  readonly rows: Map<number, number>
  readonly letters: Map<number, number>
}

/** How often each record is there; null where a live file is gone (a violation of its own). */
function countRecords(world: World, positions: Positions): Counts | null {
  const counts: Counts = { rows: new Map(), letters: new Map() }
  const add = (to: Map<number, number>, file: string): void => {
    for (const record of world.files.get(file)?.records ?? []) to.set(record, (to.get(record) ?? 0) + 1)
  }
  for (const table of ['main', 'side'] as const) {
    const live = liveFiles(world, table)
    if (live === null || live.some((file) => world.files.get(file)?.swept !== false)) {
      violate(world, 'DANGLING')
      return null
    }
    for (const file of live) add(table === 'main' ? counts.rows : counts.letters, file)
  }
  const applied = parseApplied(world.tables.side.properties['k2.applied']) ?? new Set()
  for (const { table, commit, files } of positions.unconfirmed) {
    if (table === SIDE && !applied.has(commit)) for (const file of files) add(counts.letters, file)
  }
  return counts
}
