// What a worker must know of a table to write files for it, from its metadata. Pure, any thread.
import { currentSchema, currentSpec } from '../iceberg/current-layout.ts'
import type { TableMetadata } from '../iceberg/metadata.ts'
import { dataFolder } from '../iceberg/table-location.ts'
import type { TableLayout } from '../messages.ts'
import { parquetProperties } from '../parquet/parquet-properties.ts'

/** Errors: TABLE_METADATA where the metadata contradicts itself, and those of `write.parquet.*` properties. */
export const tableLayout = (table: string, metadata: TableMetadata): TableLayout => ({
  table,
  uuid: metadata['table-uuid'],
  dataLocation: dataFolder(metadata),
  schema: currentSchema(metadata),
  spec: currentSpec(metadata),
  parquet: parquetProperties(metadata.properties, table),
})
