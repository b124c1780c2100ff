// The work that a pod of the simulation hands to the state machine: what it read, as files and ranges.

import type { Work } from '../../src/shared/commit/commit-work.ts'
import type { SourceState } from '../../src/shared/commit/guards.ts'
import { initialPositions, type PartitionStart, type Positions } from '../../src/shared/commit/positions.ts'
import { replayStart } from '../../src/shared/commit/replay-position.ts'
import type { Failure } from '../../src/shared/errors.ts'
import { dataFile } from './pod-files.ts'
import type { Pod, Read } from './pod-state.ts'
import type { World } from './world.ts'
import { MAIN, recordId, SIDE, TOPIC } from './world.ts'

export const workBase = (world: World, pod: Pod) => ({
  table: MAIN,
  tableUuid: 'uuid-main',
  snapshotId: BigInt(world.nextId++),
  writer: pod.name,
  group: 'g',
  policy: { tombstone: 'skip', since: '2024-01-01T00:00:00.000Z' } as const,
  confirmed: pod.confirmed,
})

export function groupWork(world: World, pod: Pod): Work {
  const base = workBase(world, pod)
  const rows: number[] = []
  const dead: number[] = []
  const ranges = [...pod.reads]
    .filter(([, { first, next }]) => next > first)
    .map(([partition, { first, next, lost }]) => {
      for (let offset = first; offset < next; offset++) {
        if (lost.includes(offset)) continue
        const fate = world.fates[partition]?.[offset]
        if (fate === 'row') rows.push(recordId(partition, offset))
        if (fate === 'dead') dead.push(recordId(partition, offset))
      }
      return { topic: TOPIC, partition, first: BigInt(first), next: BigInt(next) }
    })
  const put = (name: string, records: readonly number[]): string[] => {
    if (records.length === 0) return []
    world.files.set(name, { records, swept: false })
    return [name]
  }
  const dataFiles = put(`m${base.snapshotId}`, rows).map((location) => dataFile(location, rows.length))
  const side = put(`s${base.snapshotId}`, dead)
  return {
    ...base,
    kind: 'group',
    ranges,
    dataFiles,
    side: side.length === 0 ? null : { table: SIDE, files: side },
    oldestEncodedAtMs: pod.readSinceMs,
  }
}

/** Where what a pod moves begins. */
export const wantedStarts = ({ owned, replays }: Pod): readonly PartitionStart[] =>
  replays ? [replayStart] : owned.map((partition) => ({ topic: TOPIC, topicName: 't', partition, start: 0n }))

/** The partitions of the log as the guard compares them with positions. */
export const sourceOf = (world: World): SourceState[] =>
  world.fates.map((fates, partition) => ({
    topic: TOPIC,
    topicName: 't',
    partition,
    start: 0n,
    logStart: BigInt(world.logStarts[partition] ?? 0),
    logEnd: BigInt(fates.length),
  }))

export const positionAt = (partition: number, next: number): Positions => ({
  ...initialPositions({ tombstone: 'skip', since: '' }),
  topics: new Map([[TOPIC, { name: 't', partitions: new Map([[partition, { start: 0n, next: BigInt(next) }]]) }]]),
})

/** What a consumer does that nobody holds: it goes on where the log begins. */
export function skipLost(world: World, partition: number, read: Read): void {
  const logStart = world.logStarts[partition] ?? 0
  for (let offset = read.next; offset < logStart; offset++) read.lost.push(offset)
  // The turn then moves on by one: by the last of them, or by a record.
  read.next = Math.max(read.next, logStart - 1)
}

export const waiting = (pod: Pod) =>
  pod.positions?.unconfirmed.filter((each) => !pod.confirmed.get(SIDE)?.has(each.commit)) ?? []

export const describe = (work: Work): string =>
  work.kind === 'starts'
    ? work.starts.map(({ partition }) => `p${partition}`).join(' ')
    : work.ranges.map(({ partition, first, next }) => `p${partition}[${first},${next})`).join(' ')

export const stopped = (reason: string): Failure => ({ code: 'POSITIONS_UNTRUSTED', context: { reason }, cause: '' })
