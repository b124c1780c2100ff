import { describe, expect, test } from 'vitest'
import { guards } from '../../src/shared/commit/guards.ts'
import type { CommitGroup } from '../../src/shared/messages.ts'
import { createWorld, mainName, routeSpec, TOPIC } from './committer-world.ts'

const ofEpoch = (group: CommitGroup, epoch: number): CommitGroup => ({ ...group, epoch })

describe('an assignment epoch', () => {
  test('that is older than the one the route was opened for is refused without a look at the catalog (guard 7)', async () => {
    const world = createWorld()
    const pod = world.pod()
    await pod.open(routeSpec({ epoch: 4 }))
    const before = world.requests.length
    const reply = await pod.commit('trades', ofEpoch(world.group(0n, 10n), 3))
    expect(reply).toMatchObject({ kind: 'fenced', positions: [{ next: 0n }, { next: 0n }] })
    expect(world.requests).toHaveLength(before)
    expect(await pod.commit('trades', ofEpoch(world.group(0n, 10n), 4))).toMatchObject({ kind: 'committed' })
  })

  test('is what stops work of a lost assignment whose offsets nobody has written since: without the guard it lands', async () => {
    const world = createWorld()
    const pod = world.pod({ guards: { ...guards, staleEpoch: () => false } })
    await pod.open(routeSpec({ epoch: 4 }))
    expect(await pod.commit('trades', ofEpoch(world.group(0n, 10n), 3))).toMatchObject({ kind: 'committed' })
  })
})

test('the leader epoch of a range is kept with the position, and told again when the route is opened', async () => {
  const world = createWorld()
  const pod = world.pod()
  await pod.open(routeSpec())
  const group = world.group(0n, 10n)
  await pod.commit('trades', { ...group, ranges: group.ranges.map((range) => ({ ...range, leaderEpoch: 7 })) })
  const { topics } = JSON.parse(world.metadataOf(mainName).properties['k2.positions'] ?? '')
  expect(topics[TOPIC].partitions).toEqual({ 0: { start: '0', next: '10', epoch: 7 }, 1: { start: '0', next: '0' } })
  const { positions } = await world.pod().open(routeSpec())
  expect(positions).toEqual([
    { topic: TOPIC, partition: 0, next: 10n, leaderEpoch: 7 },
    { topic: TOPIC, partition: 1, next: 0n },
  ])
})
