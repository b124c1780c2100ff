// Positions that an operator sets, by the committer: on exactly the table that was seen, or not at all.
import { expect, test } from 'vitest'
import { planMoves } from '../../src/shared/commit/change-plan.ts'
import { guards } from '../../src/shared/commit/guards.ts'
import { parsePositions } from '../../src/shared/commit/positions-json.ts'
import type { PositionsChange } from '../../src/shared/messages.ts'
import { createWorld, MAIN, mainName, partition, routeSpec, TOPIC } from './committer-world.ts'

type World = ReturnType<typeof createWorld>

function changeOf(world: World, next: bigint): PositionsChange {
  const metadata = world.metadataOf(mainName)
  const before = parsePositions(metadata.properties['k2.positions'] ?? '')
  const move = { topic: TOPIC, topicName: 'market.crypto.trades.binance', partition: 0, next, why: 'set' } as const
  const plan = planMoves(metadata, before, [move], 'set', '2026-01-01T00:00:00.000Z')
  const whose = { writer: 'operator', group: 'k2 positions set', deadLetters: null }
  return { table: MAIN, tableUuid: metadata['table-uuid'], ...whose, ...plan }
}

async function written(): Promise<{ world: World; pod: ReturnType<World['pod']> }> {
  const world = createWorld()
  const pod = world.pod()
  await pod.open(routeSpec())
  await pod.commit('trades', world.group(0n, 10n))
  return { world, pod }
}

const positionsIn = (world: World) => parsePositions(world.metadataOf(mainName).properties['k2.positions'] ?? '')

test('a change is an empty snapshot with a new history; a run that is under way is fenced, and goes on from it', async () => {
  const { world, pod } = await written()
  expect(await world.pod().change(changeOf(world, 4n))).toMatchObject({ kind: 'changed' })
  const { history, snapshot } = positionsIn(world)
  expect(history).toBe(1)
  expect(world.metadataOf(mainName).refs).toMatchObject({
    main: { 'snapshot-id': snapshot },
    k2: { 'snapshot-id': snapshot },
  })
  const fenced = await pod.commit('trades', world.group(10n, 12n))
  expect(fenced).toMatchObject({ kind: 'fenced', positions: [{ next: 4n }, { next: 0n }] })
  expect(await pod.commit('trades', world.group(4n, 10n))).toMatchObject({ kind: 'committed' })
})

test('nothing is set where a run has committed since the table was looked at: without the guard it is overwritten', async () => {
  for (const [kind, own] of [
    ['moved', guards],
    ['changed', { ...guards, changed: () => false }],
  ] as const) {
    const { world, pod } = await written()
    const change = changeOf(world, 4n)
    await pod.commit('trades', world.group(10n, 20n))
    expect(await world.pod({ guards: own }).change(change)).toMatchObject({ kind })
    expect(positionsIn(world).topics.get(TOPIC)?.partitions.get(0)?.next).toBe(kind === 'moved' ? 20n : 4n)
  }
})

test.each(['lost before', 'lost after', 'conflict', 'throws after'] as const)(
  'a change lands once, also where its request is %s',
  async (fault) => {
    const { world } = await written()
    world.faults.push({ table: mainName, fault })
    expect(await world.pod().change(changeOf(world, 4n))).toMatchObject({ kind: 'changed' })
    expect(positionsIn(world)).toMatchObject({ history: 1 })
    expect(world.metadataOf(mainName).snapshots).toHaveLength(3)
  },
)

test('lost offsets that were accepted are given up once, whoever comes first, and named in the snapshot', async () => {
  const { world } = await written()
  const overrun = [{ ...partition(0), logStart: 15n }, partition(1)]
  const gap = { topic: TOPIC, topicName: 't', partition: 0, position: 10n, next: 15n, why: 'retention' } as const
  const spec = routeSpec({ partitions: overrun, acceptedGaps: [gap] })
  for (const pod of [world.pod(), world.pod()]) {
    expect((await pod.open(spec)).positions).toMatchObject([{ next: 15n }, { next: 0n }])
  }
  const { history, topics } = positionsIn(world)
  expect(history).toBe(1)
  expect(topics.get(TOPIC)?.partitions.get(0)?.gaps).toMatchObject([{ first: 10n, next: 15n, why: 'retention' }])
  expect(world.metadataOf(mainName).snapshots.at(-1)?.summary['k2.accepted-gaps']).toContain('"first":"10"')
})
