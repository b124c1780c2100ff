// Faults are seeded into the table, one at a time, and the counts must be exactly those of the fault: the checker is checked.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { fromFailure } from '../../../src/shared/errors.ts'
import { loadManifestList } from '../../../src/shared/iceberg/append.ts'
import type { TableName } from '../../../src/shared/iceberg/catalog.ts'
import { decodeManifest, encodeManifest } from '../../../src/shared/iceberg/manifest.ts'
import { check, cleanLog, rows, rowsOf, samples, schemas, total } from './seeded-table.ts'
import {
  counts,
  LogMaker,
  letterOf,
  makeTable,
  type TableContent,
  topicName,
  verify,
  writeLog,
} from './verify-world.ts'
import { wideAvro, wideSample, wideSchema } from './wide-sample.ts'

describe('a table that is right', () => {
  it('is equal, with every column kind, plain and dictionary columns, several files and codecs', async () => {
    const log = new LogMaker()
    const codecs = ['none', 'gzip', 'snappy', 'snappy-xerial', 'lz4'] as const
    for (const [index, codec] of codecs.entries()) log.records(samples(index * 8, index * 8 + 8), { codec })
    const files = [rows.slice(0, 13), rows.slice(13)]
    const report = await check(files, { dictionaries: new Set([9, 41, 51]) }, writeLog(new Map([[0, log]])))
    expect(report.examples).toEqual([])
    expect(counts(report)).toEqual([0, 0, 0, 0])
    expect(report.verdict).toBe('equal')
    expect(report.totals).toMatchObject({ sourceRecords: total, tableRows: total, equal: total })
  })

  it('keeps partitions apart, and reports records beyond the positions as not yet committed', async () => {
    const source = writeLog(
      new Map([
        [0, new LogMaker().records(samples(0, 20))],
        [3, new LogMaker().records(samples(0, 20, 3)).records(samples(20, 30, 3))],
      ]),
    )
    const files = [[...rowsOf(samples(0, 20, 3)), ...rowsOf(samples(0, 12))]]
    const positions = new Map([
      [0, [0, 12] as const],
      [3, [0, 20] as const],
    ])
    const report = await check(files, { positions }, source)
    expect(counts(report)).toEqual([0, 0, 0, 0])
    expect(report.partitions.map((partition) => partition.notYetCommitted)).toEqual([8, 10])
    expect(report.verdict).toBe('equal')
  })

  it('compares only from the start of the positions', async () => {
    const report = await check([rows.slice(7)], { positions: new Map([[0, [7, total]]]) })
    expect(counts(report)).toEqual([0, 0, 0, 0])
    expect(report.partitions[0]).toMatchObject({ start: '7', sourceRecords: total - 7 })
  })
})

describe('files and manifests', () => {
  it('named twice are a problem, and their rows are duplicates', async () => {
    const report = await check([rows], { entries: (files) => [...files, ...files] })
    expect(counts(report)).toEqual([0, total, 0, 0])
    expect(report.problems).toEqual([expect.stringContaining('f0.parquet 2 times')])
  })

  it('with another row count or size than their manifest says are a problem', async () => {
    const wrong = await check([rows], {
      entries: ([file]) => (file ? [{ ...file, recordCount: 39, sizeBytes: 5 }] : []),
    })
    expect(counts(wrong)).toEqual([0, 0, 0, 0])
    expect(wrong.problems).toEqual([
      expect.stringContaining('f0.parquet holds 40 rows, its manifest says 39'),
      expect.stringContaining('its manifest says 5'),
    ])
    expect(wrong.verdict).toBe('different')
  })

  it('that are gone are a problem, and their rows are missing', async () => {
    const table = await makeTable({
      schema: wideSchema,
      files: [rows.slice(0, 35), rows.slice(35)],
      positions: new Map([[0, [0, total]]]),
    })
    await table.store.delete('file:///memory/data/f1.parquet')
    const report = await verify(cleanLog(), table, schemas)
    expect(counts(report)).toEqual([5, 0, 0, 0])
    expect(report.problems).toEqual([expect.stringContaining('f1.parquet is gone (5 rows)')])
  })

  it('that others took with the snapshot that was pinned are no problem: the one that is current then is compared', async () => {
    const made = await makeTable({
      schema: wideSchema,
      files: [rows.slice(0, 35), rows.slice(35)],
      positions: new Map([[0, [0, total]]]),
    })
    const current = made.catalog.tables.get('market_data.trades_v2')
    const [snapshot] = current?.metadata.snapshots ?? []
    if (current === undefined || snapshot === undefined) throw new Error('no table')
    // The snapshot that was current a moment ago named another file, and both are gone.
    const former = { ...snapshot, 'manifest-list': 'file:///memory/gone.avro' }
    const expired = { ...current, metadata: { ...current.metadata, snapshots: [former] } }
    let loads = 0
    const catalog = {
      ...made.catalog,
      loadTable: async (name: TableName) =>
        name.name === 'trades_v2' && loads++ === 0 ? expired : made.catalog.loadTable(name),
    }
    expect(await verify(cleanLog(), { catalog, store: made.store }, schemas)).toMatchObject({ verdict: 'equal' })
    expect(loads).toBe(2)
  })

  it('that are damaged are named', async () => {
    const table = await makeTable({ schema: wideSchema, files: [rows], positions: new Map([[0, [0, total]]]) })
    const location = 'file:///memory/data/f0.parquet'
    const bytes = table.store.files.get(location) as Uint8Array
    bytes.fill(0xff, 4, 400)
    await expect(verify(cleanLog(), table, schemas)).rejects.toMatchObject({ code: 'TABLE_FILE_CORRUPT' })
    table.store.files.set(location, bytes.subarray(0, bytes.length - 9))
    await expect(verify(cleanLog(), table, schemas)).rejects.toMatchObject({ code: 'TABLE_FILE_CORRUPT' })
  })

  it('without a column hold nulls there, and a field of the record without a column is a problem', async () => {
    const grown = {
      ...wideSchema,
      fields: [...wideSchema.fields, { id: 99, name: 'added', required: false, type: 'string' }],
    }
    expect(counts(await check([rows], { schema: grown }))).toEqual([0, 0, 0, 0])
    const shrunk = { ...wideSchema, fields: wideSchema.fields.filter((field) => field.name !== 'note') }
    const report = await check([rows], { schema: shrunk })
    expect(report.problems).toEqual(['market_data.trades_v2: no column for field note (schema id 1)'])
  })
})

describe('a comparison that cannot be made', () => {
  const table = (more: Partial<TableContent> = {}) =>
    makeTable({ schema: wideSchema, files: [rows], positions: new Map([[0, [0, total]]]), ...more })

  it('ends by name: positions beyond the log, another cluster, a corrupt segment', async () => {
    const beyond = table({ positions: new Map([[0, [0, total + 1]]]) })
    await expect(verify(cleanLog(), await beyond, schemas)).rejects.toMatchObject({ code: 'POSITION_OUT_OF_RANGE' })
    const other = cleanLog()
    writeFileSync(join(other, 'meta.properties'), 'cluster.id=cluster-2\n')
    await expect(verify(other, await table(), schemas)).rejects.toMatchObject({ code: 'SOURCE_IDENTITY' })
    const corrupt = cleanLog()
    const segment = join(corrupt, `${topicName}-0`, `${'0'.repeat(20)}.log`)
    const bytes = readFileSync(segment)
    bytes[100] = (bytes[100] ?? 0) ^ 1
    writeFileSync(segment, bytes)
    await expect(verify(corrupt, await table(), schemas)).rejects.toMatchObject({ code: 'SOURCE_CORRUPT' })
  })

  it('does not come of a torn tail: that is the end of the log', async () => {
    const source = writeLog(
      new Map([[0, new LogMaker().records(samples(0, total)).records(samples(total, total + 5))]]),
    )
    const segment = join(source, `${topicName}-0`, `${'0'.repeat(20)}.log`)
    const bytes = readFileSync(segment)
    writeFileSync(segment, bytes.subarray(0, bytes.length - 3))
    const report = await verify(source, await table(), schemas)
    expect(counts(report)).toEqual([0, 0, 0, 0])
    expect(report.totals.notYetCommitted).toBe(0)
  })

  it('is a problem where a partition of the positions is not in the source', async () => {
    const report = await verify(
      cleanLog(),
      await table({
        positions: new Map([
          [0, [0, total]],
          [1, [0, 5]],
        ]),
      }),
      schemas,
    )
    expect(report.problems).toEqual([expect.stringContaining('partition 1')])
    expect(report.verdict).toBe('different')
  })

  it('is refused where another writer left delete files, by the name of one', async () => {
    const made = await table()
    const metadata = made.catalog.tables.get('market_data.trades_v2')?.metadata
    const [snapshot] = metadata?.snapshots ?? []
    const [schema] = metadata?.schemas ?? []
    if (snapshot === undefined || schema === undefined) throw new Error('no snapshot')
    for (const manifest of await loadManifestList(made.store, snapshot)) {
      const entries = decodeManifest(await made.store.read(manifest.location), manifest)
      const deletes = entries.map((entry) => ({ ...entry, file: { ...entry.file, content: 1 } }))
      made.store.files.set(manifest.location, encodeManifest({ schema, spec: { 'spec-id': 0, fields: [] } }, deletes))
    }
    await expect(verify(cleanLog(), made, schemas)).rejects.toMatchObject({
      code: 'VERIFY_UNSUPPORTED',
      context: { file: 'file:///memory/data/f0.parquet', reason: '1 position delete files of another writer' },
    })
  })

  it('allows for a run that goes on: dead letters of commits newer than the one compared are not extra', async () => {
    const letter = letterOf(total, wideSample(total), 'RECORD_VALUE')
    const made = await table({ letters: [letter] })
    const newer = await table({ positions: new Map([[0, [0, total + 1]]]) })
    let loads = 0
    const catalog = {
      ...made.catalog,
      loadTable: async (name: TableName) =>
        name.name === 'trades_v2' && loads++ > 0 ? newer.catalog.loadTable(name) : made.catalog.loadTable(name),
    }
    const source = writeLog(new Map([[0, new LogMaker().records(samples(0, total + 1))]]))
    expect(counts(await verify(source, { catalog, store: made.store }, schemas))).toEqual([0, 0, 0, 0])
    expect(counts(await verify(source, made, schemas))).toEqual([0, 0, 1, 0])
  })

  it('is refused for tables without positions, and for schemas that do not fit', async () => {
    const foreign = await table()
    const found = foreign.catalog.tables.get('market_data.trades_v2')
    if (found === undefined) throw new Error('no table')
    foreign.catalog.tables.set('market_data.trades_v2', {
      ...found,
      metadata: { ...found.metadata, properties: {} },
    })
    await expect(verify(cleanLog(), foreign, schemas)).rejects.toThrow(/POSITIONS_UNTRUSTED|TABLE_FOREIGN/)
    const misfit = new Map([[1, { ...wideAvro, fields: [{ name: 'flag', type: 'string' }] }]])
    await expect(verify(cleanLog(), await table(), misfit)).rejects.toMatchObject({ code: 'SCHEMA_INCOMPATIBLE' })
    expect(fromFailure({ code: 'SCHEMA_INCOMPATIBLE', context: {}, cause: '' }).action).toBe('stop')
  })
})
