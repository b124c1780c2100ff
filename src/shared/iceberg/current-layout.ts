// The schema and the partition spec that new files of a table are written with. Pure, any thread.
import { IngestError } from '../errors.ts'
import type { TableMetadata } from './metadata.ts'
import type { IcebergSchema, PartitionSpec } from './schema.ts'

/** Errors: TABLE_METADATA where the metadata names a schema that it does not hold. */
export function currentSchema(metadata: TableMetadata): IcebergSchema {
  const schema = metadata.schemas.find((each) => each['schema-id'] === metadata['current-schema-id'])
  if (schema === undefined) throw new IngestError('TABLE_METADATA', { field: 'current-schema-id' })
  return schema
}

/** Errors: TABLE_METADATA where the metadata names a spec that it does not hold. */
export function currentSpec(metadata: TableMetadata): PartitionSpec {
  const spec = metadata['partition-specs'].find((each) => each['spec-id'] === metadata['default-spec-id'])
  if (spec === undefined) throw new IngestError('TABLE_METADATA', { field: 'default-spec-id' })
  return spec
}
