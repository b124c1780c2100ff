// A catalog in a Map: the double of the Catalog port. Same contract as the real ones (tests/shared/iceberg/catalog.conformance.ts).
// Metadata goes through its JSON at each commit, so that a test sees what a reader of the file would see.
import { randomUUID } from 'node:crypto'
import {
  type Catalog,
  type CommitOutcome,
  formatTableName,
  type LoadedTable,
  type TableName,
} from '../../src/shared/iceberg/catalog.ts'
import type { TableMetadata } from '../../src/shared/iceberg/metadata.ts'
import { parseTableMetadata, writeTableMetadata } from '../../src/shared/iceberg/metadata-json.ts'
import { newTableMetadata } from '../../src/shared/iceberg/new-table.ts'
import { applyOrRefuse } from '../../src/shared/iceberg/sql-catalog.ts'
import { metadataFileLocation, metadataFolder } from '../../src/shared/iceberg/table-location.ts'
import { checkRequirements } from '../../src/shared/iceberg/table-requirements.ts'

export interface MemoryCatalog extends Catalog {
  /** Current tables by formatted name; tests may look and tamper. */
  readonly tables: Map<string, LoadedTable>
}

export function createMemoryCatalog(now: () => number = Date.now): MemoryCatalog {
  const tables = new Map<string, LoadedTable>()
  const names = new Map<string, TableName>()
  const store = (name: TableName, metadata: TableMetadata, previous: string | null): CommitOutcome => {
    const location = metadataFileLocation(metadataFolder(metadata), previous, randomUUID())
    const table = { metadata: parseTableMetadata(writeTableMetadata(metadata), location), metadataLocation: location }
    tables.set(formatTableName(name), table)
    names.set(formatTableName(name), name)
    return { kind: 'done', table }
  }
  return {
    tables,
    loadTable: async (name) => tables.get(formatTableName(name)) ?? null,
    createTable: async (name, table) => {
      if (tables.has(formatTableName(name)))
        return { kind: 'conflict', reason: `table ${formatTableName(name)} exists` }
      return store(name, newTableMetadata(table, { uuid: randomUUID(), now: now() }), null)
    },
    updateTable: async (name, requirements, updates) => {
      const base = tables.get(formatTableName(name)) ?? null
      const failed = checkRequirements(base?.metadata ?? null, requirements)
      if (failed !== null) return { kind: 'conflict', reason: failed }
      if (base === null) return { kind: 'rejected', reason: `no table ${formatTableName(name)}` }
      const context = { now: now(), previousLocation: base.metadataLocation }
      const applied = applyOrRefuse(base.metadata, updates, context)
      return 'kind' in applied ? applied : store(name, applied, base.metadataLocation)
    },
    listTables: async () => [...names.keys()].toSorted().flatMap((key) => names.get(key) ?? []),
    close: async () => undefined,
  }
}
