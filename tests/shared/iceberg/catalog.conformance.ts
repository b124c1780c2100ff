// What every Catalog must do. Run on the double and on each real catalog.
import { expect, test } from 'vitest'
import type { Catalog, CommitOutcome, LoadedTable, TableName } from '../../../src/shared/iceberg/catalog.ts'
import type { TableRequirement, TableUpdate } from '../../../src/shared/iceberg/metadata.ts'
import { newTable, snapshotOf } from './table-fixture.ts'

export interface CatalogUnderTest {
  readonly catalog: Catalog
  /** Folder for tables, without a slash at its end. */
  readonly warehouse: string
}

const trades: TableName = { namespace: ['market_data'], name: 'trades_v2' }
const id = 8744736658442914487n

const done = (outcome: CommitOutcome): LoadedTable => {
  if (outcome.kind !== 'done') throw new Error(`${outcome.kind}: ${outcome.reason}`)
  return outcome.table
}

const append = (snapshotId: bigint, parent: bigint | null, sequenceNumber: bigint): TableUpdate[] => [
  { action: 'add-snapshot', snapshot: snapshotOf(snapshotId, parent, sequenceNumber, Date.now()) },
  { action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': snapshotId },
  { action: 'set-properties', updates: { 'k2.positions': `at ${snapshotId}` } },
]

const headIs = (snapshotId: bigint | null): TableRequirement => ({
  type: 'assert-ref-snapshot-id',
  ref: 'main',
  'snapshot-id': snapshotId,
})

export function catalogConformance(make: () => Promise<CatalogUnderTest>): void {
  const withTable = async (): Promise<CatalogUnderTest & { readonly created: LoadedTable }> => {
    const made = await make()
    const outcome = await made.catalog.createTable(
      trades,
      newTable(`${made.warehouse}/market_data/trades_v2`, { owner: 'k2' }),
    )
    return { ...made, created: done(outcome) }
  }

  test('a table that is not there is null to load and in no list', async () => {
    const { catalog } = await make()
    expect(await catalog.loadTable(trades)).toBeNull()
    expect(await catalog.listTables()).toEqual([])
  })

  test('a created table is loaded with its schema, spec, location and properties', async () => {
    const { catalog, warehouse, created } = await withTable()
    const loaded = await catalog.loadTable(trades)
    expect(loaded).toEqual(created)
    expect(loaded?.metadata).toMatchObject({
      location: `${warehouse}/market_data/trades_v2`,
      'last-sequence-number': 0n,
      'current-snapshot-id': null,
      properties: { owner: 'k2' },
    })
    expect(loaded?.metadata.schemas[0]?.fields.map((field) => field.name)).toEqual([
      'symbol',
      'price',
      'timestamp',
      'kafka_offset',
    ])
    expect(loaded?.metadata['partition-specs'][0]?.fields).toMatchObject([{ name: 'timestamp_day', transform: 'day' }])
    expect(await catalog.listTables()).toEqual([trades])
  })

  test('a second creation is a conflict and leaves the first table', async () => {
    const { catalog, warehouse, created } = await withTable()
    const second = await catalog.createTable(trades, newTable(`${warehouse}/elsewhere`))
    expect(second.kind).toBe('conflict')
    expect(await catalog.loadTable(trades)).toEqual(created)
  })

  test('namespaces of several levels are kept apart from tables of the same name', async () => {
    const { catalog, warehouse } = await withTable()
    const deep: TableName = { namespace: ['a', 'b'], name: 'trades_v2' }
    done(await catalog.createTable(deep, newTable(`${warehouse}/deep`)))
    expect(await catalog.listTables()).toEqual([deep, trades])
    expect((await catalog.loadTable(deep))?.metadata.location).toBe(`${warehouse}/deep`)
  })

  test('a commit whose requirements hold is applied whole', async () => {
    const { catalog, created } = await withTable()
    const requirements: TableRequirement[] = [
      { type: 'assert-table-uuid', uuid: created.metadata['table-uuid'] },
      headIs(null),
    ]
    const table = done(await catalog.updateTable(trades, requirements, append(id, null, 1n)))
    expect(table.metadata).toMatchObject({
      'current-snapshot-id': id,
      'last-sequence-number': 1n,
      properties: { 'k2.positions': `at ${id}` },
    })
    expect(table.metadata['metadata-log'].map((entry) => entry['metadata-file'])).toEqual([created.metadataLocation])
    expect(table.metadataLocation).not.toBe(created.metadataLocation)
    expect(await catalog.loadTable(trades)).toEqual(table)
  })

  test('a commit whose requirement fails is a conflict and changes nothing', async () => {
    const { catalog } = await withTable()
    const first = done(await catalog.updateTable(trades, [headIs(null)], append(id, null, 1n)))
    const late = await catalog.updateTable(trades, [headIs(null)], append(id + 1n, null, 2n))
    expect(late).toEqual({ kind: 'conflict', reason: expect.stringContaining(String(id)) })
    expect(await catalog.loadTable(trades)).toEqual(first)
  })

  test('a late second copy of a commit is never applied, even without requirements', async () => {
    const { catalog } = await withTable()
    const first = done(await catalog.updateTable(trades, [], append(id, null, 1n)))
    expect((await catalog.updateTable(trades, [], append(id, null, 2n))).kind).toBe('conflict')
    expect(await catalog.loadTable(trades)).toEqual(first)
  })

  test('an update that can never be applied is rejected whole', async () => {
    const { catalog, created } = await withTable()
    const outcome = await catalog.updateTable(
      trades,
      [],
      [
        { action: 'set-properties', updates: { half: 'done' } },
        { action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': 404n },
      ],
    )
    expect(outcome.kind).toBe('rejected')
    expect(await catalog.loadTable(trades)).toEqual(created)
  })

  test('a commit to a table that is not there is not applied', async () => {
    const { catalog } = await make()
    expect((await catalog.updateTable(trades, [], [])).kind).toBe('rejected')
    expect((await catalog.updateTable(trades, [headIs(null)], [])).kind).toBe('conflict')
  })

  test('of commits sent at once on the same head exactly one is done', async () => {
    const { catalog } = await withTable()
    const ids = Array.from({ length: 6 }, (_, index) => id + BigInt(index))
    const outcomes = await Promise.all(
      ids.map((each) => catalog.updateTable(trades, [headIs(null)], append(each, null, 1n))),
    )
    expect(outcomes.map((outcome) => outcome.kind).toSorted()).toEqual([
      'conflict',
      'conflict',
      'conflict',
      'conflict',
      'conflict',
      'done',
    ])
    const winner = ids[outcomes.findIndex((outcome) => outcome.kind === 'done')]
    expect((await catalog.loadTable(trades))?.metadata['current-snapshot-id']).toBe(winner)
  })
}
