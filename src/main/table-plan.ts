// What a run would do to the table of a route before it reads: make it, leave it, change its schema, or refuse. Pure; the functions that
// decide are those of the run.

import type { MappingOptions } from '../shared/avro/iceberg-mapping.ts'
import type { SchemaChange } from '../shared/avro/schema-evolution.ts'
import { evolveByAll } from '../shared/avro/table-schema.ts'
import type { WriterSchema } from '../shared/avro/writer-schema.ts'
import { absentField, choicesMisfit } from '../shared/commit/choices-fit.ts'
import { columnsMisfit, takenAway } from '../shared/commit/table-fit.ts'
import { IngestError } from '../shared/errors.ts'
import { currentSchema } from '../shared/iceberg/current-layout.ts'
import type { TableMetadata } from '../shared/iceberg/metadata.ts'
import type { IcebergSchema, PartitionSpec } from '../shared/iceberg/schema.ts'
import type { RouteRule } from '../shared/routes/route-rule.ts'
import { wantedTable } from '../shared/routes/wanted-table.ts'

export type TablePlan =
  | { readonly kind: 'make'; readonly schema: IcebergSchema; readonly spec: PartitionSpec }
  | { readonly kind: 'keep' }
  | { readonly kind: 'evolve'; readonly changes: readonly SchemaChange[] }

/** `found`: the table as it is; null: none. Errors: SCHEMA_INCOMPATIBLE, SCHEMA_UNSUPPORTED, SCHEMA_INVALID, TABLE_MISFIT, ROUTE_COLUMN. */
export function planTable(
  table: string,
  writers: readonly WriterSchema[],
  options: Omit<MappingOptions, 'columns'>,
  found: TableMetadata | null,
  rule: RouteRule | undefined,
): TablePlan {
  const wanted = wantedTable(writers, options, rule)
  const absent = absentField({ ...wanted, route: table }, found?.properties ?? null)
  if (absent !== null) throw absent
  if (found === null) return { kind: 'make', schema: wanted.schema, spec: wanted.spec }
  const { columns } = wanted.choices
  const misfit = choicesMisfit({ ...wanted, route: table }, found)
  const { schema, changes } = evolveByAll(currentSchema(found), found['last-column-id'], writers, columns)
  const added = changes.filter((change) => change.kind === 'added').map((change) => change.path)
  const problem = misfit ?? takenAway(found, added) ?? columnsMisfit(wanted.schema, schema)
  if (problem !== null) throw new IngestError('TABLE_MISFIT', { table, problem })
  return changes.length === 0 ? { kind: 'keep' } : { kind: 'evolve', changes }
}
