// Guard 11: replays of dead letters under their own key, beside runs and beside each other, with answers lost and copies late.
import { describe, expect, it } from 'vitest'
import { commitId } from '../../src/shared/commit/positions.ts'
import { parsePositions } from '../../src/shared/commit/positions-json.ts'
import { evidenceOf } from '../../src/shared/commit/read-positions.ts'
import { REPLAY_TOPIC, replayMark, replayStart } from '../../src/shared/commit/replay-position.ts'
import type { CommitGroup } from '../../src/shared/messages.ts'
import { createWorld, mainName, routeSpec, sideName, TOPIC } from './committer-world.ts'

type World = ReturnType<typeof createWorld>

const replaySpec = (writer: string) =>
  routeSpec({
    route: 'dead letters',
    partitions: [{ ...replayStart, logStart: 0n, logEnd: 0x7fffffffffffffffn }],
    group: 'replay',
    writer,
  })

/** Records at these offsets of partition 0 as rows, after `first` replayed ones. */
function replayGroup(world: World, first: bigint, offsets: readonly bigint[]): CommitGroup {
  const rows = offsets.length
  const range = { topic: REPLAY_TOPIC, partition: 0, first, next: first + BigInt(rows) }
  const [named = 0n] = offsets
  return {
    ...world.group(0n, BigInt(rows)),
    ranges: [{ ...range, records: rows, rows, deadLetters: 0, tombstonesSkipped: 0 }],
    replay: {
      records: offsets.join(' '),
      evidence: { ranges: [{ topic: TOPIC, partition: 0, first: named, next: named + 1n }], rows: 1n },
      summary: { 'k2.replay': '{}' },
    },
  }
}

const positions = (world: World) => parsePositions(world.metadataOf(mainName).properties['k2.positions'] ?? '')
const rowsIn = (world: World, table = mainName): number =>
  Number(world.metadataOf(table).snapshots.at(-1)?.summary['total-records'] ?? 0)

/** A table with rows and two dead letters, and two replays that both have looked at it. */
async function twoReplays() {
  const world = createWorld()
  const run = world.pod()
  await run.open(routeSpec())
  await run.commit('trades', world.group(0n, 10n, { dead: 2 }))
  const [one, two] = [world.pod(), world.pod()]
  await one.open(replaySpec('one'))
  await two.open(replaySpec('two'))
  return { world, run, one, two }
}

describe('a replay', () => {
  it('moves its own position by its rows, leaves those of Kafka alone, and adds no dead letter', async () => {
    const { world, one } = await twoReplays()
    const before = positions(world)
    const reply = await one.commit('dead letters', replayGroup(world, 0n, [8n, 9n]))
    expect(reply).toMatchObject({ kind: 'committed', positions: [{ topic: REPLAY_TOPIC, next: 2n }] })
    expect(replayMark(positions(world))).toMatchObject({ start: 0n, next: 2n })
    expect(positions(world).topics.get(TOPIC)).toEqual(before.topics.get(TOPIC))
    expect([rowsIn(world), rowsIn(world, sideName)]).toEqual([10, 2])
    expect(world.metadataOf(mainName).snapshots.at(-1)?.summary).toMatchObject({
      'k2.replay': '{}',
      'k2.group': 'replay',
    })
  })

  it('is fenced where another one was first, whatever records that one had', async () => {
    const { world, one, two } = await twoReplays()
    expect(await one.commit('dead letters', replayGroup(world, 0n, [8n]))).toMatchObject({ kind: 'committed' })
    expect(await two.commit('dead letters', replayGroup(world, 0n, [8n]))).toMatchObject({ kind: 'committed' })
    // The same work has the same id: it landed once. Other work is told to begin again.
    expect(rowsIn(world)).toBe(9)
    expect(await two.commit('dead letters', replayGroup(world, 0n, [9n]))).toMatchObject({ kind: 'fenced' })
    expect(rowsIn(world)).toBe(9)
  })

  it('takes the landed work of another for its own only where the records are the same', () => {
    const ranges = [{ topic: REPLAY_TOPIC, partition: 0, first: 0n, next: 1n }]
    const ids = ['a', 'b', null].map((records) => commitId('uuid', 0, ranges, records))
    expect(new Set(ids).size).toBe(3)
    expect(commitId('uuid', 0, ranges)).toBe(ids[2])
  })

  it.each(['lost after', 'lost before', 'conflict', 'throws after'] as const)(
    'lands once where its request meets: %s',
    async (fault) => {
      const { world, one } = await twoReplays()
      world.faults.push({ table: mainName, fault })
      expect(await one.commit('dead letters', replayGroup(world, 0n, [8n, 9n]))).toMatchObject({ kind: 'committed' })
      expect(rowsIn(world)).toBe(10)
      expect(replayMark(positions(world))?.next).toBe(2n)
    },
  )

  it('goes on beside a run, and the run beside it', async () => {
    const { world, run, one } = await twoReplays()
    expect(await run.commit('trades', world.group(10n, 20n))).toMatchObject({ kind: 'committed' })
    expect(await one.commit('dead letters', replayGroup(world, 0n, [8n]))).toMatchObject({ kind: 'committed' })
    expect(await run.commit('trades', world.group(20n, 30n))).toMatchObject({ kind: 'committed' })
    expect(await one.commit('dead letters', replayGroup(world, 1n, [9n]))).toMatchObject({ kind: 'committed' })
    expect(rowsIn(world)).toBe(8 + 20 + 2)
  })

  it('names rows that prove it, as its ranges count records and name none', async () => {
    const { world, one } = await twoReplays()
    await one.commit('dead letters', replayGroup(world, 0n, [8n, 9n]))
    expect(evidenceOf(world.metadataOf(mainName), positions(world))).toEqual({
      ranges: [{ topic: TOPIC, partition: 0, first: 8n, next: 9n }],
      rows: 1n,
    })
  })
})
