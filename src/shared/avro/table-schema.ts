// The schema of a table from the Avro schemas that its records are written with, by id. Pure, any thread. Invariant: the same writers in
// the same order make the same schema, on every pod.
import { type ColumnChoices, everyColumn } from '../columns/column-choices.ts'
import { IngestError } from '../errors.ts'
import type { IcebergSchema } from '../iceberg/schema.ts'
import { highestFieldId } from '../iceberg/schema-json.ts'
import { parseAvroSchema } from './avro-schema.ts'
import { icebergSchemaOf, type MappingOptions } from './iceberg-mapping.ts'
import { type Evolution, evolveSchema, type SchemaChange } from './schema-evolution.ts'
import type { WriterSchema } from './writer-schema.ts'

/** The schema of a new table: that of the first writer, with what the others need besides. Errors: SCHEMA_*, with `schemaId`. */
export function newTableSchema(writers: readonly WriterSchema[], options: MappingOptions): IcebergSchema {
  const [first, ...others] = writers
  if (first === undefined) throw new Error('a table without a writer')
  const schema = ofWriter(first, () => icebergSchemaOf(parseAvroSchema(first.json), options))
  return evolveByAll(schema, highestFieldId(schema), others, options.columns).schema
}

/** {@link evolveSchema} for one writer after the other. Errors: SCHEMA_*, with the `schemaId` of the writer that does not fit. */
export function evolveByAll(
  table: IcebergSchema,
  lastColumnId: number,
  writers: readonly WriterSchema[],
  columns: ColumnChoices = everyColumn,
): Evolution {
  const changes: SchemaChange[] = []
  let standing: Omit<Evolution, 'changes'> = { schema: table, lastColumnId }
  for (const writer of writers) {
    const { schema, lastColumnId: lastId } = standing
    const evolution = ofWriter(writer, () => evolveSchema(schema, lastId, parseAvroSchema(writer.json), columns))
    changes.push(...evolution.changes)
    standing = evolution
  }
  return { ...standing, changes }
}

function ofWriter<T>({ id }: WriterSchema, run: () => T): T {
  try {
    return run()
  } catch (error) {
    if (!(error instanceof IngestError)) throw error
    throw new IngestError(error.code, { schemaId: id, ...error.context }, error.cause)
  }
}
