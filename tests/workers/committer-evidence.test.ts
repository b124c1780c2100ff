// Guard 3 over real Parquet files: expiry by others cuts the line to the last snapshot of ours, and the rows decide.
import {
  Field,
  Int32,
  Int64,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  Table,
  tableToIPC,
  Utf8,
  vectorFromArray,
} from 'apache-arrow'
import * as parquet from 'parquet-wasm'
import { describe, expect, it } from 'vitest'
import { stageAppend, writeManifest } from '../../src/shared/iceberg/append.ts'
import type { CommitGroup } from '../../src/shared/messages.ts'
import { createWorld, MAIN, mainName, ROOT, routeSpec, TOPIC } from './committer-world.ts'

type World = ReturnType<typeof createWorld>

/** A Parquet file of the main table's provenance columns, named by field id, whatever their names are in the file. */
function parquetBytes(rows: ReadonlyArray<readonly [topicId: string, partition: number, offset: bigint]>): Uint8Array {
  const named = (name: string, type: Utf8 | Int32 | Int64, id: number) =>
    new Field(name, type, true, new Map([['PARQUET:field_id', String(id)]]))
  const fields = [
    named('topic_by_another_name', new Utf8(), 3),
    named('kafka_partition', new Int32(), 4),
    named('kafka_offset', new Int64(), 5),
  ]
  const children = [
    vectorFromArray(
      rows.map((row) => row[0]),
      new Utf8(),
    ).data[0],
    vectorFromArray(
      rows.map((row) => row[1]),
      new Int32(),
    ).data[0],
    vectorFromArray(
      rows.map((row) => row[2]),
      new Int64(),
    ).data[0],
  ].filter((child) => child !== undefined)
  const data = makeData({ type: new Struct(fields), length: rows.length, nullCount: 0, children })
  const table = new Table(new RecordBatch(new Schema(fields), data))
  const properties = new parquet.WriterPropertiesBuilder().setCompression(parquet.Compression.ZSTD).build()
  return parquet.writeParquet(parquet.Table.fromIPCStream(tableToIPC(table, 'stream')), properties)
}

/** A committed group whose data file is real: offsets [first, next) of partition 0. */
function realGroup(world: World, first: bigint, next: bigint): CommitGroup {
  const group = world.group(first, next)
  const offsets = Array.from({ length: Number(next - first) }, (_, at) => first + BigInt(at))
  const bytes = parquetBytes(offsets.map((offset) => ['topic-1', 0, offset] as const))
  const [file] = group.dataFiles
  if (file === undefined) throw new Error('no file')
  world.store.files.set(file.location, bytes)
  return { ...group, dataFiles: [{ ...file, sizeBytes: bytes.length }] }
}

/** Two empty commits by others, then expiry of all that no ref names: the line to our snapshot is cut. */
async function cutTheLine(world: World): Promise<void> {
  for (const id of [901n, 902n]) {
    const base = world.metadataOf(mainName)
    const context = { store: world.store, snapshotId: id, now: base['last-updated-ms'], attempt: 1, summary: {} }
    const { snapshot } = await stageAppend(base, [], context)
    await world.catalog.updateTable(
      MAIN,
      [],
      [
        { action: 'add-snapshot', snapshot },
        { action: 'set-snapshot-ref', 'ref-name': 'main', 'snapshot-id': id, type: 'branch' },
      ],
    )
  }
  const { snapshots, refs } = world.metadataOf(mainName)
  const kept = new Set(Object.values(refs).map((ref) => ref['snapshot-id']))
  const ids = snapshots.map((each) => each['snapshot-id']).filter((id) => !kept.has(id))
  await world.catalog.updateTable(MAIN, [], [{ action: 'remove-snapshots', 'snapshot-ids': ids }])
}

const rollback = (world: World, id: bigint) =>
  world.catalog.updateTable(
    MAIN,
    [],
    [{ action: 'set-snapshot-ref', 'ref-name': 'main', 'snapshot-id': id, type: 'branch' }],
  )

describe('a line cut by expiry (guard 3)', () => {
  it('goes on where the rows of our last snapshot are still in main', async () => {
    const world = createWorld()
    const pod = world.pod()
    await pod.open(routeSpec())
    await pod.commit('trades', realGroup(world, 0n, 3n))
    await pod.commit('trades', realGroup(world, 3n, 10n))
    await cutTheLine(world)
    const next = world.pod()
    expect((await next.open(routeSpec())).positions[0]).toEqual({ topic: TOPIC, partition: 0, next: 10n })
    const reply = await next.commit('trades', realGroup(world, 10n, 12n))
    expect(reply).toMatchObject({ kind: 'committed', transaction: { total_records: '12' } })
  })

  it('goes on in the middle of a commit, too', async () => {
    const world = createWorld()
    const pod = world.pod()
    await pod.open(routeSpec())
    await pod.commit('trades', realGroup(world, 0n, 10n))
    await cutTheLine(world)
    expect(await pod.commit('trades', realGroup(world, 10n, 12n))).toMatchObject({ kind: 'committed' })
  })

  it('stops where a rollback hides behind the cut', async () => {
    const world = createWorld()
    const pod = world.pod()
    await pod.open(routeSpec())
    await pod.commit('trades', realGroup(world, 0n, 3n))
    const kept = world.metadataOf(mainName).refs['main']?.['snapshot-id'] ?? 0n
    await pod.commit('trades', realGroup(world, 3n, 10n))
    await rollback(world, kept)
    await cutTheLine(world)
    await expect(world.pod().open(routeSpec())).rejects.toMatchObject({
      code: 'POSITIONS_UNTRUSTED',
      context: { reason: 'rows-missing', expected: 7n, found: 0n },
    })
  })

  it('stops where a rollback beyond an earlier commit hides behind the cut, although the last commit had no rows', async () => {
    const world = createWorld()
    const pod = world.pod()
    await pod.open(routeSpec())
    const kept = world.metadataOf(mainName).refs['main']?.['snapshot-id'] ?? 0n
    await pod.commit('trades', realGroup(world, 0n, 3n))
    await pod.commit('trades', world.group(3n, 10n, { rows: false }))
    await rollback(world, kept)
    await cutTheLine(world)
    await expect(world.pod().open(routeSpec())).rejects.toMatchObject({
      context: { reason: 'rows-missing', expected: 3n },
    })
  })

  it('counts neither other partitions nor other topics in the same file', async () => {
    const world = createWorld()
    const pod = world.pod()
    await pod.open(routeSpec())
    await pod.commit('trades', realGroup(world, 0n, 3n))
    const rows = [
      ['topic-1', 1, 0n],
      ['topic-9', 0, 1n],
      ['topic-1', 0, 3n],
    ] as const
    await appendFile(world, 900n, parquetBytes(rows))
    await cutTheLine(world)
    expect((await world.pod().open(routeSpec())).positions[0]?.next).toBe(3n)
  })

  it('takes a file without the columns for rows of nobody, as a file of an older schema has it', async () => {
    const world = createWorld()
    const pod = world.pod()
    await pod.open(routeSpec())
    await pod.commit('trades', realGroup(world, 0n, 3n))
    await appendFile(world, 900n, symbolsOnly())
    await cutTheLine(world)
    expect((await world.pod().open(routeSpec())).positions[0]?.next).toBe(3n)
  })

  it.each([
    ['no Parquet file', Uint8Array.of(0x4f, 0x62, 0x6a, 1, 0, 0, 0, 0, 0, 0, 0, 0), 'cannot be read'],
    ['a file without field ids', symbolsOnly(null), 'without field ids'],
  ])('stops where rows cannot be counted: %s', async (_, bytes, why) => {
    const world = createWorld()
    const pod = world.pod()
    await pod.open(routeSpec())
    await pod.commit('trades', realGroup(world, 0n, 3n))
    await appendFile(world, 900n, bytes)
    await cutTheLine(world)
    await expect(world.pod().open(routeSpec())).rejects.toMatchObject({
      code: 'POSITIONS_UNTRUSTED',
      context: { reason: 'rows-missing', why: expect.stringContaining(why) },
    })
  })
})

/** A file with one column of the table, and none of provenance. */
function symbolsOnly(fieldId: number | null = 1): Uint8Array {
  const metadata = fieldId === null ? new Map<string, string>() : new Map([['PARQUET:field_id', String(fieldId)]])
  const fields = [new Field('symbol', new Utf8(), true, metadata)]
  const children = [vectorFromArray(['A', 'B'], new Utf8()).data[0]].filter((child) => child !== undefined)
  const data = makeData({ type: new Struct(fields), length: 2, nullCount: 0, children })
  const table = new Table(new RecordBatch(new Schema(fields), data))
  return parquet.writeParquet(parquet.Table.fromIPCStream(tableToIPC(table, 'stream')))
}

/** A commit of another writer with one file. */
async function appendFile(world: World, snapshotId: bigint, bytes: Uint8Array): Promise<void> {
  const base = world.metadataOf(mainName)
  const location = `${ROOT}/other.parquet`
  world.store.files.set(location, bytes)
  const [file] = world.group(0n, 2n).dataFiles
  if (file === undefined) throw new Error('no file')
  const prepared = [
    await writeManifest(world.store, base, [{ ...file, location, sizeBytes: bytes.length }], snapshotId),
  ]
  const context = { store: world.store, snapshotId, now: base['last-updated-ms'], attempt: 1, summary: {} }
  const { snapshot } = await stageAppend(base, prepared, context)
  await world.catalog.updateTable(
    MAIN,
    [],
    [
      { action: 'add-snapshot', snapshot },
      { action: 'set-snapshot-ref', 'ref-name': 'main', 'snapshot-id': snapshotId, type: 'branch' },
    ],
  )
}
