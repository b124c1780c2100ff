// The writer schema of a feed's topic. Main thread. Invariant: a feed writes only under a schema whose name and field order
// are those that its code follows: a registry that means something else by the topic is refused before the first record.
import type { SchemaRegistry } from '../../shared/avro/schema-registry.ts'
import { IngestError } from '../../shared/errors.ts'

/** Where a feed's schema comes from, and where its id does. */
export interface FeedSchemas {
  readonly schemas: SchemaRegistry
  /** Registers the schema for the values of a topic and returns its id there; without it the id is that of `schemas`. */
  readonly register?: ((topic: string, json: string) => Promise<number>) | undefined
}

/**
 * Schema id for the values of `topic`. Errors: SCHEMA_UNKNOWN where the registry has none for it, SCHEMA_INCOMPATIBLE where
 * it is not the record `fullName` with these fields; those of `register`.
 */
export async function feedSchemaId(
  { schemas, register }: FeedSchemas,
  topic: string,
  fullName: string,
  fields: readonly string[],
): Promise<number> {
  const schema = await schemas.latestForTopic(topic)
  if (schema === null) throw new IngestError('SCHEMA_UNKNOWN', { topic })
  // A registry only serves valid record schemas: their shape is that of the Avro specification.
  const record = JSON.parse(schema.json) as { name: string; namespace?: string; fields: readonly { name: string }[] }
  const name = record.name.includes('.') ? record.name : `${record.namespace ?? ''}.${record.name}`
  const names = record.fields.map((field) => field.name)
  if (name !== fullName || names.join() !== fields.join()) {
    const reason = `the feed writes ${fullName} with fields ${fields.join()}`
    throw new IngestError('SCHEMA_INCOMPATIBLE', { topic, schemaId: schema.id, name, reason })
  }
  return register === undefined ? schema.id : register(topic, schema.json)
}
