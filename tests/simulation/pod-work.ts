// The work that a pod of the simulation hands to the state machine: what it read, as files and ranges.
import type { Work } from '../../src/shared/commit/commit-work.ts'
import type { Pod } from './pod.ts'
import { dataFile } from './pod-files.ts'
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
    .map(([partition, { first, next }]) => {
      for (let offset = first; offset < next; offset++) {
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
