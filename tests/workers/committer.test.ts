import { describe, expect, it } from 'vitest'
import { guards } from '../../src/shared/commit/guards.ts'
import { IngestError } from '../../src/shared/errors.ts'
import { listFiles } from '../../src/shared/iceberg/read-table.ts'
import type { CommitReply } from '../../src/shared/messages.ts'
import { createWorld, MAIN, mainName, partition, routeSpec, sideName, TOPIC } from './committer-world.ts'

const committed = (reply: CommitReply) => {
  if (reply.kind !== 'committed') throw new Error(`${reply.kind}: ${JSON.stringify(reply, bigintText)}`)
  return reply
}
const failed = (reply: CommitReply) => {
  if (reply.kind !== 'failed') throw new Error(reply.kind)
  return reply.failure
}
const bigintText = (_: string, value: unknown) => (typeof value === 'bigint' ? String(value) : value)
const positionsProperty = (world: ReturnType<typeof createWorld>) =>
  JSON.parse(world.metadataOf(mainName).properties['k2.positions'] ?? 'null')

describe('opening a route', () => {
  it('creates both tables and commits the starts as one empty snapshot before anything is read', async () => {
    const world = createWorld()
    const tables = await world.pod().open(routeSpec({ partitions: [partition(0), partition(1, 10_000n, 40n)] }))
    expect(tables.positions).toEqual([
      { topic: TOPIC, partition: 0, next: 0n },
      { topic: TOPIC, partition: 1, next: 40n },
    ])
    const main = world.metadataOf(mainName)
    expect(main.snapshots).toHaveLength(1)
    expect(main.refs['k2']).toMatchObject({ type: 'tag', 'snapshot-id': main.refs['main']?.['snapshot-id'] })
    expect(positionsProperty(world).snapshot).toBe(String(main.refs['main']?.['snapshot-id']))
    expect(world.metadataOf(sideName).properties['k2.applied']).toBe('[]')
    expect(world.metadataOf(sideName).location).toBe('file:///memory/market_data/trades_v2_dead_letters')
  })

  it('goes on from the table and commits nothing where every partition is known', async () => {
    const world = createWorld()
    const pod = world.pod()
    await pod.open(routeSpec())
    committed(await pod.commit('trades', world.group(0n, 10n)))
    const before = world.requests.length
    const tables = await world.pod().open(routeSpec())
    expect(tables.positions[0]?.next).toBe(10n)
    expect(world.requests).toHaveLength(before)
  })

  it('lets the loser of a create race load the tables of the winner', async () => {
    const world = createWorld()
    const [a, b] = await Promise.all([world.pod().open(routeSpec()), world.pod().open(routeSpec({ writer: 'pod-2' }))])
    expect(a.main.uuid).toBe(b.main.uuid)
    expect(world.metadataOf(mainName).snapshots).toHaveLength(1)
  })

  it('refuses a table that holds rows of somebody else', async () => {
    const world = createWorld()
    await world.pod().open(routeSpec())
    const table = world.catalog.tables.get(mainName)
    if (table === undefined) throw new Error('no table')
    const snapshots = table.metadata.snapshots.map((each) => ({ ...each, summary: { operation: 'append' } }))
    const foreign = {
      ...table.metadata,
      properties: {},
      snapshots,
      refs: { main: table.metadata.refs['main'] ?? never() },
    }
    world.catalog.tables.set(mainName, { ...table, metadata: foreign })
    await expect(world.pod().open(routeSpec())).rejects.toMatchObject({ code: 'TABLE_FOREIGN' })
  })

  it('takes an empty table that fits, and refuses one that does not', async () => {
    for (const [type, taken] of [
      ['string', true],
      ['int', false],
    ] as const) {
      const world = createWorld()
      const fields = routeSpec().schema.fields.map((field) => (field.name === 'symbol' ? { ...field, type } : field))
      const schema = { ...routeSpec().schema, fields }
      const table = { schema, spec: { 'spec-id': 0, fields: [] }, location: 'file:///memory/x', properties: {} }
      await world.catalog.createTable(MAIN, table)
      const json = '{"type":"record","name":"Trade","fields":[{"name":"symbol","type":"string"}]}'
      const opening = world.pod().open(routeSpec({ writers: [{ id: 1, json }] }))
      if (taken) expect((await opening).positions).toHaveLength(2)
      else await expect(opening).rejects.toMatchObject({ code: 'SCHEMA_INCOMPATIBLE' })
    }
  })

  it('stops where the marks of a table were removed (guard 3)', async () => {
    const world = createWorld()
    await world.pod().open(routeSpec())
    await world.catalog.updateTable(MAIN, [], [{ action: 'remove-properties', removals: ['k2.positions'] }])
    await expect(world.pod().open(routeSpec())).rejects.toMatchObject({
      code: 'POSITIONS_UNTRUSTED',
      context: { reason: 'marks-gone' },
    })
  })

  it('stops where a topic of the same name has another id (guard 9)', async () => {
    const world = createWorld()
    await world.pod().open(routeSpec())
    const remade = { ...partition(0), topic: 'cluster-1/topic-2' }
    await expect(world.pod().open(routeSpec({ partitions: [remade] }))).rejects.toMatchObject({
      code: 'TOPIC_RECREATED',
    })
  })

  it('would begin a topic made again as if it were new without guard 9', async () => {
    const world = createWorld()
    await world.pod().open(routeSpec())
    const remade = routeSpec({ partitions: [{ ...partition(0), topic: 'cluster-1/topic-2' }] })
    await world.pod({ guards: { ...guards, recreated: () => null } }).open(remade)
    expect(Object.keys(positionsProperty(world).topics)).toHaveLength(2)
  })

  it('stops where the position lies outside the log (guard 9)', async () => {
    const world = createWorld()
    const pod = world.pod()
    await pod.open(routeSpec())
    committed(await pod.commit('trades', world.group(0n, 10n)))
    const code = 'POSITION_OUT_OF_RANGE'
    await expect(world.pod().open(routeSpec({ partitions: [partition(0, 9n)] }))).rejects.toMatchObject({ code })
    const overrun = { ...partition(0), logStart: 11n }
    await expect(world.pod().open(routeSpec({ partitions: [overrun] }))).rejects.toMatchObject({ code })
  })

  it('stops where the side table is missing once main has commits', async () => {
    const world = createWorld()
    await world.pod().open(routeSpec())
    world.catalog.tables.delete(sideName)
    await expect(world.pod().open(routeSpec())).rejects.toMatchObject({ code: 'SIDE_TABLE_MISSING' })
  })

  it('waits for a locked catalog and says so, and gives the error up in the end', async () => {
    const world = createWorld()
    world.failLoads(3)
    await world.pod().open(routeSpec())
    expect(world.lines.filter((line) => line['why'] === 'CATALOG_LOCKED')).toHaveLength(3)
    world.failLoads(100)
    await expect(world.pod().open(routeSpec())).rejects.toMatchObject({ code: 'CATALOG_LOCKED' })
  })
})

const never = (): never => {
  throw new Error('unreachable')
}

describe('committing a group', () => {
  it('answers with the transaction and the new positions', async () => {
    const world = createWorld()
    const pod = world.pod()
    await pod.open(routeSpec())
    const first = committed(await pod.commit('trades', world.group(0n, 10n)))
    const second = committed(await pod.commit('trades', world.group(10n, 15n)))
    expect(second.positions[0]?.next).toBe(15n)
    expect(second.transaction).toMatchObject({
      table: mainName,
      snapshot_id_before: first.transaction.snapshot_id_after,
      sequence_number_before: '2',
      sequence_number_after: '3',
      added_records: 5,
      added_data_files: 1,
      added_files_size_bytes: 5,
      total_records: '15',
      attempts: 1,
    })
    expect(second.transaction.commit_id).toMatch(/^[0-9a-f]{64}$/)
    expect(world.metadataOf(mainName).snapshots.at(-1)?.summary).toMatchObject({
      'k2.commit-id': second.transaction.commit_id,
      'k2.writer': 'pod-1',
      'k2.group': 'k2-test',
      'k2.ranges': '{"cluster-1/topic-1":{"0":["10","15"]}}',
    })
  })

  it('moves positions with an empty snapshot where a group has no rows (guard 10)', async () => {
    const world = createWorld()
    const pod = world.pod()
    await pod.open(routeSpec())
    const reply = committed(await pod.commit('trades', world.group(0n, 7n, { rows: false })))
    expect(reply.positions[0]?.next).toBe(7n)
    expect(reply.transaction).toMatchObject({ added_records: 0, added_data_files: 0 })
  })

  for (const fault of ['lost before', 'lost after', 'throws after', 'conflict', 'locked'] as const) {
    it(`writes a group exactly once where its request is answered by: ${fault} (guards 2 and 4)`, async () => {
      const world = createWorld()
      const pod = world.pod()
      await pod.open(routeSpec())
      world.faults.push({ table: mainName, fault })
      const reply = committed(await pod.commit('trades', world.group(0n, 10n)))
      expect(reply.transaction.added_records).toBe(10)
      expect(reply.positions[0]?.next).toBe(10n)
      const head = world.metadataOf(mainName).snapshots.at(-1)
      if (head === undefined) throw new Error('no snapshot')
      expect(head['snapshot-id']).toBe(BigInt(reply.transaction.snapshot_id_after))
      expect((await listFiles(world.store, head)).dataFiles).toHaveLength(1)
    })
  }

  it('reports a refusal of the catalog', async () => {
    const world = createWorld()
    const pod = world.pod()
    await pod.open(routeSpec())
    world.faults.push({ table: mainName, fault: 'rejected' })
    expect(failed(await pod.commit('trades', world.group(0n, 10n)))).toMatchObject({ code: 'COMMIT_REJECTED' })
  })

  it('finds an earlier copy that landed although the next one is refused', async () => {
    const world = createWorld()
    const pod = world.pod()
    await pod.open(routeSpec())
    // The lost copy lands between the reload and the resend, so only the look-up after the refusal can find it.
    let late: (() => Promise<unknown>) | null = null
    const catalog = {
      ...world.catalog,
      updateTable: async (...request: Parameters<typeof world.catalog.updateTable>) => {
        if (late === null) {
          late = () => world.catalog.updateTable(...request)
          return { kind: 'unknown', reason: 'timeout' } as const
        }
        await late()
        return { kind: 'rejected', reason: 'no right' } as const
      },
    }
    const slow = world.pod({ catalog })
    await slow.open(routeSpec())
    expect(committed(await slow.commit('trades', world.group(0n, 10n))).positions[0]?.next).toBe(10n)
  })

  it('waits while the disk is full, says so, and loses nothing', async () => {
    const world = createWorld()
    const { putIfAbsent } = world.store
    let full = 0
    const store = {
      ...world.store,
      putIfAbsent: async (location: string, bytes: Uint8Array) => {
        if (full > 0 && full-- > 0) throw new IngestError('STORE_FULL', { location })
        return putIfAbsent(location, bytes)
      },
    }
    const pod = world.pod({ store })
    await pod.open(routeSpec())
    full = 3
    expect(committed(await pod.commit('trades', world.group(0n, 10n))).transaction.added_records).toBe(10)
    expect(world.lines.filter((line) => line['why'] === 'STORE_FULL')).toHaveLength(3)
    full = 100
    expect(failed(await pod.commit('trades', world.group(10n, 20n))).code).toBe('STORE_FULL')
    full = 0
    expect(committed(await pod.commit('trades', world.group(10n, 20n))).positions[0]?.next).toBe(20n)
  })

  it('fences a zombie and tells it where the table stands (guard 1)', async () => {
    const world = createWorld()
    const zombie = world.pod()
    const owner = world.pod()
    await zombie.open(routeSpec())
    await owner.open(routeSpec({ writer: 'pod-2' }))
    committed(await owner.commit('trades', world.group(0n, 6n)))
    const reply = await zombie.commit('trades', world.group(0n, 10n))
    expect(reply).toMatchObject({ kind: 'fenced' })
    expect(reply.kind === 'fenced' && reply.positions[0]?.next).toBe(6n)
    expect(world.metadataOf(mainName).snapshots.at(-1)?.summary['total-records']).toBe('6')
  })

  it('asks for the offsets again where files are older than an hour (guard 8)', async () => {
    const world = createWorld()
    const pod = world.pod()
    await pod.open(routeSpec())
    const group = world.group(0n, 10n)
    world.advanceMs(3_600_001)
    expect(failed(await pod.commit('trades', group))).toMatchObject({ code: 'CHUNK_TOO_OLD' })
  })

  it('asks for the offsets again where the schema changed since the files were written (guard 8)', async () => {
    const world = createWorld()
    const pod = world.pod()
    await pod.open(routeSpec())
    const schema = { ...routeSpec().schema, 'schema-id': 1 }
    const fields = [...schema.fields, { id: 9, name: 'note', required: false, type: 'string' }]
    await world.catalog.updateTable(
      MAIN,
      [],
      [
        { action: 'add-schema', schema: { ...schema, fields } },
        { action: 'set-current-schema', 'schema-id': -1 },
      ],
    )
    world.faults.push({ table: mainName, fault: 'conflict' })
    expect(failed(await pod.commit('trades', world.group(0n, 10n)))).toMatchObject({ code: 'LAYOUT_CHANGED' })
  })

  it('stops where the table was dropped and made again', async () => {
    const world = createWorld()
    const pod = world.pod()
    await pod.open(routeSpec())
    world.catalog.tables.delete(mainName)
    world.catalog.tables.delete(sideName)
    await world.pod().open(routeSpec())
    expect(failed(await pod.commit('trades', world.group(0n, 10n)))).toMatchObject({ code: 'TABLE_REPLACED' })
  })

  it('commits groups of one route one after the other, in the order asked for', async () => {
    const world = createWorld()
    const pod = world.pod()
    await pod.open(routeSpec())
    const groups = [world.group(0n, 10n), world.group(10n, 20n), world.group(20n, 30n)]
    const replies = await Promise.all(groups.map((group) => pod.commit('trades', group)))
    expect(replies.map((reply) => committed(reply).positions[0]?.next)).toEqual([10n, 20n, 30n])
  })
})

describe('side tables (guard 6)', () => {
  const sideRows = (world: ReturnType<typeof createWorld>) =>
    Number(world.metadataOf(sideName).snapshots.at(-1)?.summary['total-records'] ?? 0)

  it('appends dead letters after main, which forgets them with its next commit', async () => {
    const world = createWorld()
    const pod = world.pod()
    await pod.open(routeSpec())
    const reply = committed(await pod.commit('trades', world.group(0n, 10n, { dead: 3 })))
    expect(sideRows(world)).toBe(3)
    expect(world.metadataOf(sideName).properties['k2.applied']).toBe(`["${reply.transaction.commit_id}"]`)
    expect(positionsProperty(world).unconfirmed).toEqual([
      { commit: reply.transaction.commit_id, table: sideName, files: [expect.stringContaining('/side/data/')] },
    ])
    committed(await pod.commit('trades', world.group(10n, 20n)))
    expect(positionsProperty(world).unconfirmed).toEqual([])
    expect(sideRows(world)).toBe(3)
  })

  it('appends what a crashed pod left unconfirmed when the next one opens, once', async () => {
    const world = createWorld()
    const pod = world.pod()
    await pod.open(routeSpec())
    for (let count = 0; count < 6; count++) world.faults.push({ table: sideName, fault: 'lost before' })
    committed(await pod.commit('trades', world.group(0n, 10n, { dead: 3 })))
    expect(world.metadataOf(sideName).snapshots).toHaveLength(0)
    world.faults.length = 0
    await world.pod().open(routeSpec())
    expect(sideRows(world)).toBe(3)
    await world.pod().open(routeSpec())
    expect(sideRows(world)).toBe(3)
  })

  for (const fault of ['lost after', 'conflict', 'throws after'] as const) {
    it(`appends once where the side request is answered by: ${fault}`, async () => {
      const world = createWorld()
      const pod = world.pod()
      await pod.open(routeSpec())
      world.faults.push({ table: sideName, fault })
      committed(await pod.commit('trades', world.group(0n, 10n, { dead: 3 })))
      expect(sideRows(world)).toBe(3)
    })
  }

  it('stops the route by name where the named files are gone', async () => {
    const world = createWorld()
    const pod = world.pod()
    await pod.open(routeSpec())
    const group = world.group(0n, 10n, { dead: 3 })
    world.store.files.delete(group.deadLetterFiles[0]?.location ?? '')
    committed(await pod.commit('trades', group))
    const failure = failed(await pod.commit('trades', world.group(10n, 20n)))
    expect(failure).toMatchObject({
      code: 'UNCONFIRMED_MISSING',
      context: { file: group.deadLetterFiles[0]?.location },
    })
    await expect(world.pod().open(routeSpec())).rejects.toMatchObject({ code: 'UNCONFIRMED_MISSING' })
    await expect(pod.drain()).rejects.toMatchObject({ code: 'UNCONFIRMED_MISSING' })
  })

  it('makes main wait where too many side files are unconfirmed', async () => {
    const world = createWorld()
    const pod = world.pod({ limits: { attemptsMax: 6, backoffMsFirst: 1, unconfirmedMax: 3 } })
    await pod.open(routeSpec())
    for (let count = 0; count < 100; count++) world.faults.push({ table: sideName, fault: 'lost before' })
    for (let at = 0n; at < 3n; at++) committed(await pod.commit('trades', world.group(at, at + 1n, { dead: 1 })))
    expect((await pod.commit('trades', world.group(3n, 4n, { dead: 1 }))).kind).toBe('failed')
    expect(positionsProperty(world).unconfirmed).toHaveLength(3)
    world.faults.length = 0
    committed(await pod.commit('trades', world.group(3n, 4n, { dead: 1 })))
    expect(sideRows(world)).toBe(4)
  })
})
