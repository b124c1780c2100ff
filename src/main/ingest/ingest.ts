// One process's ingest: opens source, registry, pool and committer, runs one line per route, closes them in order. Main thread.
// Invariant: a route reads only from positions that the table answered in this life of the route; after a fence it asks again.
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { parseAvroSchema } from '../../shared/avro/avro-schema.ts'
import {
  checkWriterFits,
  deadLettersSchema,
  deadLettersSpec,
  icebergSchemaOf,
  partitionSpecFor,
} from '../../shared/avro/iceberg-mapping.ts'
import { openFileRegistry, type SchemaRegistry } from '../../shared/avro/schema-registry.ts'
import type { RouteSpec } from '../../shared/commit/route-spec.ts'
import { IngestError } from '../../shared/errors.ts'
import type { IcebergSchema } from '../../shared/iceberg/schema.ts'
import type { RoutePolicy, RouteTables } from '../../shared/messages.ts'
import { locationOfPath } from '../../shared/store/file-location.ts'
import { type CommitterHandle, openCommitter } from './committer-handle.ts'
import { type EncodePool, openEncodePool } from './encode-pool.ts'
import { follow } from './follow.ts'
import type { IngestOptions } from './ingest-options.ts'
import { openLogSource } from './log-source.ts'
import { type CommittedBatch, type RouteEnd, type RouteLimits, runRoute } from './pipeline.ts'
import type { RecordBudget } from './record-slices.ts'
import type { RecordSource, SourcePartition } from './record-source.ts'
import { planRoutes, type Route } from './routes.ts'
import { withSegment } from './segment-name.ts'

/** What an ingest tells its caller while it runs. */
export interface IngestEvents {
  opened(route: Route, tables: RouteTables, source: readonly SourcePartition[]): void
  committed(route: Route, batch: CommittedBatch): void
  /** Everything in flight was dropped; the route starts again from the table. */
  restarted(route: Route, why: Exclude<RouteEnd, { kind: 'drained' }>): void
  /** A route ended with an error while others may go on. */
  failed(route: Route, error: unknown): void
  notice(fields: Readonly<Record<string, string | number>>): void
}

interface Ingest {
  readonly options: IngestOptions
  readonly registry: SchemaRegistry
  readonly pool: EncodePool
  readonly committer: CommitterHandle
  readonly limits: Omit<RouteLimits, 'budget'>
  readonly budget: RecordBudget | null
  readonly events: IngestEvents
  readonly stop: AbortSignal
}

/**
 * Runs until the log ends (`untilEnd`), the budget of records is used up, or `stop` aborts; everything read by then is committed.
 * Errors: the first one of a route, after the other routes have ended.
 */
export async function ingest(options: IngestOptions, events: IngestEvents, stop: AbortSignal): Promise<void> {
  const registry = await openFileRegistry(options.schemas)
  const routes = planRoutes(await topicsOf(options), options.table)
  const { catalogFile, warehouse } = options
  const notice: IngestEvents['notice'] = (fields) => events.notice(fields)
  const committer = openCommitter({ catalogFile, warehouse, notice })
  const pool = openEncodePool({ workers: options.workers, warehouse, registry, notice, stop })
  const limits = limitsOf(options, routes.length)
  const parts = { options, registry, pool, committer, limits, budget: options.budget, events, stop }
  const ends = await Promise.allSettled(routes.map((route) => reported(parts, route)))
  // In this order, so that the error of a route is told before one of the closing that follows from it.
  for (const close of [pool.close, committer.close]) ends.push(...(await Promise.allSettled([close()])))
  const failed = ends.find((end) => end.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}

async function topicsOf(options: IngestOptions): Promise<string[]> {
  const source = await openLogSource({ directory: options.source, topics: options.topics })
  try {
    return (await source.partitions()).map((partition) => partition.topicName)
  } finally {
    await source.close()
  }
}

/** Chunks in flight share the byte budget; the window is what keeps every worker busy while results wait for their turn. */
function limitsOf(options: IngestOptions, routeCount: number): Omit<RouteLimits, 'budget'> {
  const { batchSize, chunkBytes, workers } = options
  const share = Math.floor(options.queueBytes / chunkBytes / routeCount)
  const chunk = { sizesMax: [Math.min(options.chunkRows, batchSize), chunkBytes], ageMsMax: CHUNK_AGE_MS_MAX }
  const commit = {
    sizesMax: [batchSize, options.commitBytes, FILES_PER_COMMIT_MAX],
    ageMsMax: options.commitIntervalMs,
  }
  const rest = { windowMax: Math.max(1, Math.min(2 * workers, share)), recordsPerSecond: options.throttle }
  // Batches no larger than a chunk were asked for exactly, and the first of them comes soon anyway.
  if (batchSize <= options.chunkRows) return { chunk, commit, ...rest }
  const firstChunk = {
    sizesMax: [Math.min(FIRST_CHUNK_ROWS, options.chunkRows), chunkBytes],
    ageMsMax: CHUNK_AGE_MS_MAX,
  }
  return {
    chunk: { ...chunk, first: firstChunk },
    commit: { ...commit, first: { sizesMax: commit.sizesMax, ageMsMax: 0 } },
    ...rest,
  }
}
const CHUNK_AGE_MS_MAX = 250
const FILES_PER_COMMIT_MAX = 1000
/** Whoever starts a run wants to see something: a small chunk comes first, and is committed at once. */
const FIRST_CHUNK_ROWS = 5000

async function reported(parts: Ingest, route: Route): Promise<void> {
  try {
    await runUntilDrained(parts, route)
  } catch (caught) {
    const error = await withSegment(parts.options.source, caught)
    parts.events.failed(route, error)
    throw error
  }
}

/** A fence drops everything in flight; the next round starts where the table stands. */
async function runUntilDrained(parts: Ingest, route: Route): Promise<void> {
  const { options, events, stop, budget } = parts
  const source = await openLogSource({ directory: options.source, topics: { kind: 'names', names: route.topics } })
  const writer = `${hostname()}/${process.pid}/${randomUUID()}`
  try {
    for (;;) {
      const partitions = await source.partitions()
      const tables = await parts.committer.open(await routeSpec(parts, route, partitions, writer))
      events.opened(route, tables, partitions)
      const end = await runRoute(
        {
          source: options.untilEnd ? source : following(source),
          encode: parts.pool.encode,
          commit: (group) => parts.committer.commit(route.name, group),
        },
        tables.positions,
        {
          policy: policyOf(options, route),
          main: tables.main,
          deadLetters: tables.deadLetters,
          decompressedBytesMax: options.decompressedBytesMax,
        },
        { ...parts.limits, budget },
        stop,
        (batch) => events.committed(route, batch),
      )
      if (end.kind === 'drained') return
      events.restarted(route, end)
    }
  } finally {
    await source.close()
  }
}

const following = (source: RecordSource): Pick<RecordSource, 'read' | 'acknowledge'> => ({
  read: (positions, signal) => follow(source, positions, signal),
  acknowledge: (positions) => source.acknowledge(positions),
})

const policyOf = (options: IngestOptions, route: Route): RoutePolicy => ({
  route: route.name,
  tombstone: options.tombstone,
  unknownSchema: options.unknownSchema,
  windowFirstUs: options.partitionWindowFirstUs,
  windowAheadUs: (BigInt(options.partitionWindowAheadMs) * 1000n).toString(),
})

async function routeSpec(
  parts: Ingest,
  route: Route,
  partitions: readonly SourcePartition[],
  writer: string,
): Promise<RouteSpec> {
  const { options } = parts
  const schema = await schemaOf(parts, route)
  return {
    route: route.name,
    table: route.table,
    schema,
    spec: partitionSpecFor(schema),
    deadLetters: { schema: deadLettersSchema(), spec: deadLettersSpec() },
    location: locationOfPath(options.warehouse),
    partitions: partitions.map((partition) => ({
      ...partition,
      start: options.start === 'earliest' ? partition.logStart : partition.logEnd,
    })),
    acceptedTopics: new Set(),
    group: options.group,
    writer,
    tombstone: options.tombstone,
    properties: {},
  }
}

/** The table schema from the newest writer schema of the route's first topic, which those of the others must fit. */
async function schemaOf(parts: Ingest, route: Route): Promise<IcebergSchema> {
  const { options, registry } = parts
  const [first, ...others] = await Promise.all(
    route.topics.map(async (topic) => {
      const schema = await registry.latestForTopic(topic)
      if (schema === null) throw new IngestError('SCHEMA_UNKNOWN', { topic, subject: `${topic}-value` })
      parts.pool.know(schema)
      return parseAvroSchema(schema.json)
    }),
  )
  if (first === undefined) throw new Error('a route without topics')
  const table = icebergSchemaOf(first, {
    keyColumn: options.kafkaKey,
    headersColumn: options.kafkaHeaders,
    tombstone: options.tombstone,
  })
  for (const other of others) checkWriterFits(other, table)
  return table
}
