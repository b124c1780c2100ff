// What a run would do to the table of a route before it reads: make it, leave it, change its schema, or refuse. Pure; the functions that
// decide are those of the run.

import type { MappingOptions } from '../shared/avro/iceberg-mapping.ts'
import { partitionSpecFor } from '../shared/avro/iceberg-mapping.ts'
import type { SchemaChange } from '../shared/avro/schema-evolution.ts'
import { evolveByAll, newTableSchema } from '../shared/avro/table-schema.ts'
import { columnsMisfit, takenAway } from '../shared/commit/table-fit.ts'
import { IngestError } from '../shared/errors.ts'
import { currentSchema } from '../shared/iceberg/current-layout.ts'
import type { TableMetadata } from '../shared/iceberg/metadata.ts'
import type { IcebergSchema, PartitionSpec } from '../shared/iceberg/schema.ts'
import type { WriterSchema } from '../shared/messages.ts'

export type TablePlan =
  | { readonly kind: 'make'; readonly schema: IcebergSchema; readonly spec: PartitionSpec }
  | { readonly kind: 'keep' }
  | { readonly kind: 'evolve'; readonly changes: readonly SchemaChange[] }

/** `found`: the table as it is; null: none. Errors: SCHEMA_INCOMPATIBLE, SCHEMA_UNSUPPORTED, SCHEMA_INVALID, TABLE_MISFIT. */
export function planTable(
  table: string,
  writers: readonly WriterSchema[],
  options: MappingOptions,
  found: TableMetadata | null,
): TablePlan {
  const wanted = newTableSchema(writers, options)
  if (found === null) return { kind: 'make', schema: wanted, spec: partitionSpecFor(wanted) }
  const { schema, changes } = evolveByAll(currentSchema(found), found['last-column-id'], writers)
  const added = changes.filter((change) => change.kind === 'added').map((change) => change.path)
  const problem = takenAway(found, added) ?? columnsMisfit(wanted, schema)
  if (problem !== null) throw new IngestError('TABLE_MISFIT', { table, problem })
  return changes.length === 0 ? { kind: 'keep' } : { kind: 'evolve', changes }
}
