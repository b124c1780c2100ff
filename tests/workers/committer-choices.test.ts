import { describe, expect, it } from 'vitest'
import { everyColumn, writeColumnChoices } from '../../src/shared/columns/column-choices.ts'
import type { RouteSpec, TableChoices } from '../../src/shared/commit/route-spec.ts'
import { createWorld, mainName, mainSchema, routeSpec } from './committer-world.ts'

const choices = (more: Partial<TableChoices>): TableChoices => ({
  isSpecChosen: false,
  isSortChosen: false,
  sortOrder: null,
  columns: everyColumn,
  absentFields: [],
  properties: {},
  ...more,
})
const chosen = (more: Partial<TableChoices>, spec: Partial<RouteSpec> = {}): RouteSpec =>
  routeSpec({ ...spec, choices: choices(more) })

const bySymbol = { 'spec-id': 0, fields: [{ 'source-id': 1, 'field-id': 1000, name: 'symbol', transform: 'identity' }] }
const sorted = {
  'order-id': 1,
  fields: [{ transform: 'identity', 'source-id': 1, direction: 'asc', 'null-order': 'nulls-first' }],
} as const
const columns = { renamed: {}, leftOut: ['note'] }
const columnsProperty = { 'k2.columns': writeColumnChoices(columns) }
const zstd = { 'write.parquet.compression-codec': 'zstd', 'write.parquet.compression-level': '9' }

describe('a table that a route makes', () => {
  it('has its spec, order, columns and compression, and encode workers are told', async () => {
    const world = createWorld()
    const wanted = {
      isSpecChosen: true,
      isSortChosen: true,
      sortOrder: sorted,
      columns,
      properties: { ...columnsProperty, ...zstd },
    }
    const { main } = await world.pod().open(chosen(wanted, { spec: bySymbol }))
    expect(main.spec.fields).toEqual(bySymbol.fields)
    expect(main.sort).toEqual(sorted)
    expect(main.columns).toEqual(columns)
    expect(main.parquet).toMatchObject({ codec: 'zstd', level: 9 })
    const { rest, properties } = world.metadataOf(mainName)
    expect(rest['default-sort-order-id']).toBe(1)
    expect(properties).toMatchObject({ ...columnsProperty, ...zstd })
  })
})

describe('a table that is there', () => {
  const opened = async (first: RouteSpec, second: RouteSpec) => {
    const world = createWorld()
    await world.pod().open(first)
    return { world, again: await world.pod().open(second) }
  }

  it('is taken as it is by a route that chooses nothing', async () => {
    const first = chosen({ isSpecChosen: true, sortOrder: sorted, isSortChosen: true }, { spec: bySymbol })
    const { again } = await opened(first, chosen({}))
    expect(again.main.spec.fields).toEqual(bySymbol.fields)
    // Rows are sorted where the route asks for it.
    expect(again.main).not.toHaveProperty('sort')
  })

  it.each([
    [
      'partitioned otherwise',
      chosen({ isSpecChosen: true }, { spec: bySymbol }),
      'partitioned by nothing, in the route by identity(symbol)',
    ],
    [
      'sorted otherwise',
      chosen({ isSortChosen: true, sortOrder: sorted }),
      'sorted by none, in the route by symbol asc nulls first',
    ],
    [
      'with a column that the route leaves out',
      chosen({ columns: { renamed: {}, leftOut: ['symbol'] }, properties: {} }),
      'symbol is a column of the table, left out or renamed in the route',
    ],
  ])('stops by name where it is %s', async (_, second, problem) => {
    await expect(opened(chosen({}), second)).rejects.toMatchObject({ code: 'TABLE_MISFIT', context: { problem } })
  })

  it('stops where it leaves out what the route does not', async () => {
    const first = chosen({ columns, properties: columnsProperty })
    await expect(opened(first, chosen({}))).rejects.toMatchObject({
      code: 'TABLE_MISFIT',
      context: { problem: 'note is left out of the table, not so in the route' },
    })
  })

  it('is brought to what changes no row: another compression, one more field without a column', async () => {
    const gzip = { 'write.parquet.compression-codec': 'gzip' }
    const { world, again } = await opened(
      chosen({ properties: zstd }),
      chosen({ columns, properties: { ...columnsProperty, ...gzip } }),
    )
    expect(again.main.parquet).toMatchObject({ codec: 'gzip', level: null })
    expect(again.main.columns).toEqual(columns)
    const { properties, snapshots } = world.metadataOf(mainName)
    expect(properties).toMatchObject({ ...columnsProperty, ...gzip })
    expect(properties).not.toHaveProperty('write.parquet.compression-level')
    expect(snapshots).toHaveLength(1)
  })

  it.each(['lost before', 'lost after', 'conflict', 'locked'] as const)(
    'is brought there through an answer that is %s',
    async (fault) => {
      const world = createWorld()
      await world.pod().open(chosen({}))
      world.faults.push({ table: mainName, fault })
      const { main } = await world.pod().open(chosen({ properties: zstd }))
      expect(main.parquet.level).toBe(9)
    },
  )

  it('stops at a field that no record has, before a table is made, and not where the table knows it', async () => {
    const world = createWorld()
    const absent = chosen({ columns, absentFields: ['note'], properties: columnsProperty })
    await expect(world.pod().open(absent)).rejects.toMatchObject({ code: 'ROUTE_COLUMN', context: { column: 'note' } })
    expect(world.catalog.tables.size).toBe(0)
    await world.pod().open(chosen({ columns, properties: columnsProperty }))
    expect((await world.pod().open(absent)).main.columns).toEqual(columns)
  })

  it('stops where its tombstones were treated otherwise, once records were read', async () => {
    const optional = { ...mainSchema, fields: mainSchema.fields.map((field) => ({ ...field, required: false })) }
    const store = { tombstone: 'store', schema: optional } as const
    await expect(opened(routeSpec(store), routeSpec({ ...store, tombstone: 'skip' }))).rejects.toMatchObject({
      code: 'TABLE_MISFIT',
      context: {
        problem: expect.stringMatching(/^tombstones are stored in it since .*: go on with --tombstone store$/),
      },
    })
  })
})
