// A catalog and a store in memory, with tables whose data files exist by name and size only: what the looks at tables work on.

import type { OpenedTable } from '../../../src/main/open-tables.ts'
import type { CatalogView } from '../../../src/main/tables/each-table.ts'
import { initialPositions, type Positions } from '../../../src/shared/commit/positions.ts'
import { writePositions } from '../../../src/shared/commit/positions-json.ts'
import { stageAppend, writeManifest } from '../../../src/shared/iceberg/append.ts'
import type { TableName } from '../../../src/shared/iceberg/catalog.ts'
import type { DataFile } from '../../../src/shared/iceberg/data-file.ts'
import { serializeValue } from '../../../src/shared/iceberg/single-value.ts'
import { day, newTable } from '../../shared/iceberg/table-fixture.ts'
import { createMemoryCatalog, type MemoryCatalog } from '../../support/memory-catalog.ts'
import { createMemoryStore, type MemoryStore } from '../../support/memory-store.ts'

export const trades: TableName = { namespace: ['market_data'], name: 'trades_v2' }
export const letters: TableName = { namespace: ['market_data'], name: 'trades_v2_dead_letters' }

export interface FileSketch {
  readonly name: string
  readonly day: string | null
  readonly rows: number
  readonly bytes: number
}

export class TableWorld {
  readonly store: MemoryStore = createMemoryStore()
  readonly catalog: MemoryCatalog = createMemoryCatalog()
  readonly progress: string[] = []
  #snapshots = 0

  async create(name: TableName, properties: Record<string, string> = {}): Promise<void> {
    await this.catalog.createTable(name, newTable(`${this.store.root}/${name.name}`, properties))
  }

  /** A commit of files, each with as many bytes in the store as it says. */
  async append(name: TableName, files: readonly FileSketch[], summary: Record<string, string> = {}): Promise<bigint> {
    const { metadata } = await this.open(name)
    const snapshotId = 9_007_199_254_740_993n + BigInt(++this.#snapshots)
    const dataFiles = files.map((file) => dataFileOf(`${metadata.location}/data`, file))
    for (const { location, sizeBytes } of dataFiles) await this.store.putIfAbsent(location, new Uint8Array(sizeBytes))
    const prepared = dataFiles.length === 0 ? [] : [await writeManifest(this.store, metadata, dataFiles, snapshotId)]
    const context = { store: this.store, snapshotId, now: Date.now(), attempt: 1, summary }
    const { snapshot } = await stageAppend(metadata, prepared, context)
    await this.catalog.updateTable(
      name,
      [],
      [
        { action: 'add-snapshot', snapshot },
        { action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': snapshotId },
      ],
    )
    return snapshotId
  }

  async open(name: TableName): Promise<OpenedTable> {
    const loaded = await this.catalog.loadTable(name)
    if (loaded === null) throw new Error('no table')
    return { ...loaded, name }
  }

  async view(): Promise<CatalogView> {
    return {
      catalog: this.catalog,
      store: this.store,
      names: await this.catalog.listTables(),
      onProgress: (text) => void this.progress.push(text),
    }
  }
}

const dataFileOf = (folder: string, { name, day: date, rows, bytes }: FileSketch): DataFile => ({
  location: `${folder}/${name}.parquet`,
  recordCount: rows,
  sizeBytes: bytes,
  partition: [date === null ? null : day(date)],
  specId: 0,
  schemaId: 0,
  metrics: {
    columnSizes: [],
    valueCounts: [[4, rows]],
    nullValueCounts: [[4, 0]],
    nanValueCounts: [],
    lowerBounds: [
      [2, serializeValue('decimal(18, 8)', -150_000_000n)],
      [4, serializeValue('long', 9_007_199_254_740_993n)],
    ],
    upperBounds: [[4, serializeValue('long', 9_007_199_254_740_993n + BigInt(rows) - 1n)]],
  },
  splitOffsets: [4],
})

/** Positions at a snapshot, with one topic of two partitions. */
export const positionsAt = (snapshot: bigint, more: Partial<Positions> = {}): Positions => ({
  ...initialPositions({ tombstone: 'skip', since: '2026-01-13T00:00:00Z' }),
  snapshot,
  topics: new Map([
    [
      'cluster/topic',
      {
        name: 'trades',
        partitions: new Map([
          [0, { start: 0n, next: 500n }],
          [1, { start: 0n, next: 9_007_199_254_740_993n }],
        ]),
      },
    ],
  ]),
  ...more,
})

export const positionsText = (snapshot: bigint, more: Partial<Positions> = {}): string =>
  writePositions(positionsAt(snapshot, more))
