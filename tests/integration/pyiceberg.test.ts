// Tables of ours read and written by pyiceberg from the same SQLite file and folder, and the other way round.
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { stageAppend, writeManifest } from '../../src/shared/iceberg/append.ts'
import type { Catalog, LoadedTable, TableName } from '../../src/shared/iceberg/catalog.ts'
import type { DataFile } from '../../src/shared/iceberg/data-file.ts'
import { partitionColumns, partitionPath } from '../../src/shared/iceberg/partition-transform.ts'
import { ancestors, listFiles } from '../../src/shared/iceberg/read-table.ts'
import { serializeValue } from '../../src/shared/iceberg/single-value.ts'
import { openSqlCatalog } from '../../src/shared/iceberg/sql-catalog.ts'
import { dataFolder } from '../../src/shared/iceberg/table-location.ts'
import { openFolderStore } from '../../src/shared/store/folder-store.ts'
import type { Store } from '../../src/shared/store/store.ts'
import { day, daySpec, newTable, tradeSchema } from '../shared/iceberg/table-fixture.ts'
import { pythonWithReaders, runReader } from '../support/python-venv.ts'

const trades: TableName = { namespace: ['market_data'], name: 'trades_v2' }
const idBase = 8744736658442914000n
/** Above 2^53, so that a bound or a value that went through a double would show. */
const offsetBase = 9_007_199_254_740_993n

let folder = ''
let catalogFile = ''
let store: Store
let catalog: Catalog

beforeAll(async () => {
  await pythonWithReaders()
  folder = await mkdtemp(join(tmpdir(), 'k2-pyiceberg-'))
  catalogFile = join(folder, 'catalog.db')
  // A name that shows whether both sides take locations literally.
  await mkdir(join(folder, 'ware house%20x'))
  store = openFolderStore(join(folder, 'ware house%20x'))
  catalog = openSqlCatalog({ file: catalogFile, store })
}, 300_000)

afterAll(async () => {
  await catalog.close()
  await rm(folder, { recursive: true })
})

async function load(name: TableName = trades): Promise<LoadedTable> {
  const table = await catalog.loadTable(name)
  if (table === null) throw new Error('no table')
  return table
}

/** A Parquet file of `rows` trades of one day, written by pyarrow. */
async function parquetFile(table: LoadedTable, text: string, rows: number, first: bigint): Promise<DataFile> {
  const partition = [day(text)]
  const path = partitionPath(partitionColumns(daySpec, tradeSchema), partition)
  const location = `${dataFolder(table.metadata)}/${path}/${first}.parquet`
  const written = await runReader(
    'write_parquet.py',
    location.replace('file://', ''),
    text,
    String(rows),
    String(first),
  )
  const sizeBytes = Number(Object(written)['bytes'])
  const last = first + BigInt(rows - 1)
  return {
    location,
    recordCount: rows,
    sizeBytes,
    partition,
    specId: 0,
    schemaId: 0,
    splitOffsets: [4],
    metrics: {
      columnSizes: [],
      valueCounts: [[4, rows]],
      nullValueCounts: [[4, 0]],
      nanValueCounts: [],
      lowerBounds: [[4, serializeValue('long', first)]],
      upperBounds: [[4, serializeValue('long', last)]],
    },
  }
}

async function append(snapshotId: bigint, files: readonly DataFile[]): Promise<LoadedTable> {
  const { metadata } = await load()
  const prepared = files.length === 0 ? [] : [await writeManifest(store, metadata, files, snapshotId)]
  const summary = { 'k2.commit-id': `commit ${snapshotId}` }
  const { snapshot } = await stageAppend(metadata, prepared, {
    store,
    snapshotId,
    now: Date.now(),
    attempt: 1,
    summary,
  })
  const outcome = await catalog.updateTable(
    trades,
    [{ type: 'assert-ref-snapshot-id', ref: 'main', 'snapshot-id': metadata['current-snapshot-id'] }],
    [
      { action: 'add-snapshot', snapshot },
      { action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': snapshotId },
      { action: 'set-snapshot-ref', 'ref-name': 'k2', type: 'tag', 'snapshot-id': snapshotId },
      { action: 'set-properties', updates: { 'k2.positions': `at ${snapshotId}` } },
    ],
  )
  if (outcome.kind !== 'done') throw new Error(`${outcome.kind}: ${outcome.reason}`)
  return outcome.table
}

const read = async (...argv: string[]): Promise<Record<string, unknown>> =>
  Object(await runReader('read_table.py', catalogFile, 'market_data.trades_v2', ...argv))

describe('a table of ours in the hands of pyiceberg', () => {
  let files: DataFile[] = []

  test('is listed and read: schema, spec, refs, summary, files and rows', async () => {
    const created = await catalog.createTable(trades, newTable(`${store.root}/market_data/trades_v2`))
    expect(created.kind).toBe('done')
    const table = await load()
    files = [
      await parquetFile(table, '2014-03-10', 10, offsetBase),
      await parquetFile(table, '2014-03-11', 20, offsetBase + 10n),
      await parquetFile(table, '2014-03-12', 30, offsetBase + 30n),
    ]
    await append(idBase + 1n, files.slice(0, 2))
    await append(idBase + 2n, files.slice(2))
    const found = await read()
    expect(found).toMatchObject({
      namespaces: ['market_data'],
      tables: ['market_data.trades_v2'],
      uuid: table.metadata['table-uuid'],
      fields: [
        [1, 'symbol', 'string', true],
        [2, 'price', 'decimal(18, 8)', false],
        [3, 'timestamp', 'timestamptz', true],
        [4, 'kafka_offset', 'long', false],
      ],
      spec: [[3, 1000, 'timestamp_day', 'day']],
      refs: { main: String(idBase + 2n), k2: String(idBase + 2n) },
      snapshots: [
        [String(idBase + 1n), null, 1],
        [String(idBase + 2n), String(idBase + 1n), 2],
      ],
      summary: {
        operation: 'append',
        'added-records': '30',
        'total-records': '60',
        'total-data-files': '3',
        'k2.commit-id': `commit ${idBase + 2n}`,
      },
      planned: files.map((file) => file.location),
      partitions: ['2014-03-10', '2014-03-11', '2014-03-12'].map((text) => String(day(text))),
      rows: 60,
      properties: { 'k2.positions': `at ${idBase + 2n}` },
    })
    expect(found['manifests']).toMatchObject([
      { added_data_files_count: 1, partition_spec_id: 0, added_snapshot_id: expect.anything() },
      {
        added_data_files_count: 2,
        partition_summaries: [{ contains_null: false, lower_bound: '2014-03-10', upper_bound: '2014-03-11' }],
      },
    ])
  })

  test('is pruned by partition and by column bounds', async () => {
    const byDay = await read("timestamp >= '2014-03-11T00:00:00+00:00' and timestamp < '2014-03-12T00:00:00+00:00'")
    expect(byDay).toMatchObject({ planned: [files[1]?.location], rows: 20 })
    const byOffset = await read(`kafka_offset >= ${offsetBase + 30n}`)
    expect(byOffset).toMatchObject({ planned: [files[2]?.location], rows: 30 })
    expect(await read(`kafka_offset = ${offsetBase + 29n}`)).toMatchObject({ planned: [files[1]?.location], rows: 1 })
  })

  test('takes an append of pyiceberg, which we read and commit on top of', async () => {
    const foreign = Object(
      await runReader('write_table.py', catalogFile, 'market_data.trades_v2', 'append', String(offsetBase + 60n)),
    )
    const { metadata } = await load()
    expect(String(metadata['current-snapshot-id'])).toBe(foreign.snapshot)
    expect(metadata.properties['k2.positions']).toBe(`at ${idBase + 2n}`)
    const [head] = ancestors(metadata, metadata['current-snapshot-id'])
    if (head === undefined) throw new Error('no head')
    const listed = await listFiles(store, head)
    expect(listed.deleteFiles).toEqual([])
    expect(listed.dataFiles.reduce((sum, each) => sum + each.file.recordCount, 0)).toBe(62)
    const theirs = listed.dataFiles.find((each) => String(each.snapshotId) === foreign.snapshot)
    expect(theirs).toMatchObject({ sequenceNumber: 3n, file: { partition: [day('2014-03-20')], recordCount: 2 } })
    const more = await parquetFile(await load(), '2014-03-13', 5, offsetBase + 62n)
    await append(idBase + 4n, [more])
    const found = await read()
    expect(found).toMatchObject({ rows: 67, summary: { 'total-records': '67', 'total-data-files': '5' } })
    expect(found['snapshots']).toHaveLength(4)
  })

  test('keeps its sequence numbers and files when we merge manifests of both', async () => {
    const enabled = await catalog.updateTable(
      trades,
      [],
      [{ action: 'set-properties', updates: { 'commit.manifest.min-count-to-merge': '3' } }],
    )
    expect(enabled.kind).toBe('done')
    await append(idBase + 5n, [])
    const found = await read()
    expect(found).toMatchObject({ rows: 67, manifests: [{ existing_data_files_count: 5, added_data_files_count: 0 }] })
    expect(found['planned']).toHaveLength(5)
    const pruned = await read("timestamp >= '2014-03-20T00:00:00+00:00'")
    expect(pruned).toMatchObject({ rows: 2 })
    expect(pruned['planned']).toHaveLength(1)
  })

  test('takes a delete and a new column of pyiceberg, and still our commit after it', async () => {
    await runReader('write_table.py', catalogFile, 'market_data.trades_v2', 'delete', `kafka_offset = ${offsetBase}`)
    await runReader('write_table.py', catalogFile, 'market_data.trades_v2', 'evolve')
    const { metadata } = await load()
    expect(metadata['current-schema-id']).toBe(1)
    await append(idBase + 6n, [await parquetFile(await load(), '2014-03-14', 3, offsetBase + 67n)])
    const found = await read()
    expect(found).toMatchObject({ rows: 69 })
    expect(found['fields']).toContainEqual([5, 'note', 'string', false])
    const [head] = ancestors((await load()).metadata, idBase + 6n)
    if (head === undefined) throw new Error('no head')
    const listed = await listFiles(store, head)
    expect(listed.dataFiles.reduce((sum, each) => sum + each.file.recordCount, 0)).toBe(69)
  })
})

describe('a table of pyiceberg in our hands', () => {
  const other: TableName = { namespace: ['theirs'], name: 't' }

  test('is loaded, listed and read, also after its own appends', async () => {
    await runReader('write_table.py', catalogFile, 'theirs.t', 'create', store.root)
    const empty = await load(other)
    expect(empty.metadata['current-snapshot-id']).toBeNull()
    expect(empty.metadata['partition-specs'][0]?.fields).toMatchObject([{ name: 'timestamp_day', transform: 'day' }])
    expect(await catalog.listTables()).toEqual([trades, other])
    for (const first of ['1', '3', '5']) await runReader('write_table.py', catalogFile, 'theirs.t', 'append', first)
    const { metadata } = await load(other)
    const chain = [...ancestors(metadata, metadata['current-snapshot-id'])]
    expect(chain).toHaveLength(3)
    const [head] = chain
    if (head === undefined) throw new Error('no head')
    const { dataFiles } = await listFiles(store, head)
    expect(dataFiles.map((each) => each.file.recordCount)).toEqual([2, 2, 2])
    expect(dataFiles.map((each) => each.file.partition)).toEqual([1, 2, 3].map(() => [day('2014-03-20')]))
    expect(await catalog.createTable(other, newTable(`${store.root}/x`))).toMatchObject({ kind: 'conflict' })
  })
})
