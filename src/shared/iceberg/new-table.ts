// Metadata of a table that is being created (Iceberg spec, "Table Metadata", format v2). Pure, any thread.
// Field ids stay as given: the caller's schema already carries them.
import type { NewTable } from './catalog.ts'
import type { TableMetadata } from './metadata.ts'
import { highestFieldId } from './schema-json.ts'

/** Written into each new table, unless the caller says otherwise; readers and other writers honour them. */
export const defaultProperties: Readonly<Record<string, string>> = {
  'write.parquet.compression-codec': 'zstd',
  'write.metadata.delete-after-commit.enabled': 'true',
  'write.metadata.previous-versions-max': '100',
}

/** Partition field ids start here; a spec without fields counts as this less one (spec, "Partition Specs"). */
const firstPartitionId = 1000

/** Fresh metadata: no snapshot, sequence number 0. `uuid` and `now` (ms) come from the caller. */
export function newTableMetadata(
  table: NewTable,
  context: { readonly uuid: string; readonly now: number },
): TableMetadata {
  const order = table.sortOrder ?? { 'order-id': 0, fields: [] }
  return {
    'format-version': 2,
    'table-uuid': context.uuid,
    location: table.location.replace(/\/+$/, ''),
    'last-sequence-number': 0n,
    'last-updated-ms': context.now,
    'last-column-id': highestFieldId(table.schema),
    schemas: [table.schema],
    'current-schema-id': table.schema['schema-id'],
    'partition-specs': [table.spec],
    'default-spec-id': table.spec['spec-id'],
    'last-partition-id': Math.max(firstPartitionId - 1, ...table.spec.fields.map((field) => field['field-id'])),
    properties: { ...defaultProperties, ...table.properties },
    'current-snapshot-id': null,
    snapshots: [],
    refs: {},
    'snapshot-log': [],
    'metadata-log': [],
    rest: { 'sort-orders': [order], 'default-sort-order-id': order['order-id'] },
  }
}
