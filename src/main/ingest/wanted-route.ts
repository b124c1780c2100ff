// What a route asks the committer to open, and what its records are treated by: the options of the run, with those of the route's own
// entry before them. Main thread. Invariant: nothing is made here; a route whose choices cannot be had is refused before it reads.
import { deadLettersSchema, deadLettersSpec } from '../../shared/avro/iceberg-mapping.ts'
import type { SchemaRegistry } from '../../shared/avro/schema-registry.ts'
import type { WriterSchema } from '../../shared/avro/writer-schema.ts'
import type { RouteSpec } from '../../shared/commit/route-spec.ts'
import { IngestError } from '../../shared/errors.ts'
import type { RoutePolicy } from '../../shared/messages.ts'
import { wantedTable } from '../../shared/routes/wanted-table.ts'
import { locationOfPath } from '../../shared/store/file-location.ts'
import type { IngestOptions } from './ingest-options.ts'
import type { SourcePartition } from './record-source.ts'
import type { Route } from './routes.ts'

/** The options that hold for a route. */
export const ownOptions = (options: IngestOptions, { rule }: Route): IngestOptions => ({ ...options, ...rule?.options })

export const policyOf = (options: IngestOptions, route: Route): RoutePolicy => ({
  route: route.name,
  tombstone: options.tombstone,
  unknownSchema: options.unknownSchema,
  windowFirstUs: options.partitionWindowFirstUs,
  windowAheadUs: (BigInt(options.partitionWindowAheadMs) * 1000n).toString(),
})

interface Ports {
  /** Of the route. */
  readonly options: IngestOptions
  readonly registry: SchemaRegistry
  /** Told of each schema, so that no worker has to ask for it. */
  readonly know: (schema: WriterSchema) => void
}

/** Errors: SCHEMA_*, ROUTE_COLUMN; those of the registry. */
export async function routeSpec(
  ports: Ports,
  route: Route,
  partitions: readonly SourcePartition[],
  { epoch, writer }: { readonly epoch: number; readonly writer: string },
): Promise<RouteSpec> {
  const { options } = ports
  const { kafkaKey: keyColumn, kafkaHeaders: headersColumn, tombstone } = options
  const writers = await writersOf(ports, route)
  const wanted = wantedTable(writers, { keyColumn, headersColumn, tombstone }, route.rule)
  return {
    route: route.name,
    table: route.table,
    schema: wanted.schema,
    writers,
    spec: wanted.spec,
    deadLetters: { schema: deadLettersSchema(), spec: deadLettersSpec() },
    location: locationOfPath(options.warehouse),
    // The end of a live log is looked at again when reading begins: by now another member may have committed beyond this look.
    partitions: options.source.kind === 'directory' ? partitions : partitions.map(withoutEnd),
    epoch,
    acceptedGaps: [],
    group: options.group,
    writer,
    tombstone,
    properties: {},
    choices: wanted.choices,
  }
}

/** The newest schema of each topic. Errors: SCHEMA_UNKNOWN. */
function writersOf({ registry, know }: Ports, route: Route): Promise<WriterSchema[]> {
  return Promise.all(
    route.topics.map(async (topic) => {
      const schema = await registry.latestForTopic(topic)
      if (schema === null) throw new IngestError('SCHEMA_UNKNOWN', { topic, subject: `${topic}-value` })
      know(schema)
      return schema
    }),
  )
}

const withoutEnd = (partition: SourcePartition): SourcePartition => ({ ...partition, logEnd: OFFSET_MAX })
const OFFSET_MAX = 0x7fffffffffffffffn
