// One process's ingest: opens source, registry, pool and committer, runs one line per route, closes them in order. Main thread.
// Invariant: a route reads only from positions that the table answered in this life of the route; after a fence it asks again.
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SchemaRegistry } from '../../shared/avro/schema-registry.ts'
import { IngestError } from '../../shared/errors.ts'
import type { CommitFact, RouteTables } from '../../shared/messages.ts'
import { type PartitionPosition, partitionKey } from '../../shared/offsets.ts'
import { instanceIdOf } from '../kafka/static-member.ts'
import { openPatientRegistry } from '../registry/open-registry.ts'
import { AcceptedGaps, type GapMove } from './accepted-gaps.ts'
import { admission, BadStarts, holdTopics } from './bad-starts.ts'
import { type CommitterHandle, openCommitter } from './committer-handle.ts'
import { type EncodePool, openEncodePool } from './encode-pool.ts'
import type { Tell } from './ingest-facts.ts'
import type { IngestOptions } from './ingest-options.ts'
import { kafkaTopics, openKafkaSource } from './kafka-source.ts'
import { logRecordSource } from './log-assignment.ts'
import { openLogSource } from './log-source.ts'
import { NewWriters } from './new-writers.ts'
import { type CommittedBatch, type RouteEnd, type RouteLimits, type RoutePorts, runRoute } from './pipeline.ts'
import type { RecordBudget } from './record-slices.ts'
import type { Assignment, RecordSource, SourcePartition } from './record-source.ts'
import { type Begun, runLines } from './route-lines.ts'
import { planRoutes, type Route } from './routes.ts'
import { withSegment } from './segment-name.ts'
import { toldPorts } from './told-ports.ts'
import { ownOptions, policyOf, routeSpec } from './wanted-route.ts'

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
  /** Undecoded bytes that may wait between a Kafka consumer and its line. */
  readonly sourceBytes: number
  readonly budget: RecordBudget | null
  readonly gaps: AcceptedGaps
  readonly events: IngestEvents
  readonly tell: Tell
  readonly stop: AbortSignal
}

/**
 * Runs until the log ends (`untilEnd`), the budget of records is used up, or `stop` aborts; everything read by then is committed.
 * `tell` is told what happens, for whoever measures. Errors: the first one of a route, after the other routes have ended.
 */
export async function ingest(
  options: IngestOptions,
  events: IngestEvents,
  stop: AbortSignal,
  tell: Tell = () => undefined,
): Promise<void> {
  const registry = await openPatientRegistry(options, { notice: events.notice, stop, tell })
  const topics = await topicsOf(options, events, stop)
  const { catalogFile, warehouse } = options
  const notice: IngestEvents['notice'] = (fields) => events.notice(fields)
  const fact = (told: CommitFact): void => tell({ kind: 'commit fact', fact: told })
  const committer = openCommitter({ catalogFile, warehouse, notice, fact })
  const { workers, parquetEncoder } = options
  const pool = openEncodePool({ workers, warehouse, parquetEncoder, registry, notice, tell, stop })
  tell({ kind: 'opened', pool, committer })
  const gaps = new AcceptedGaps(options.acceptGap)
  const parts = { registry, pool, committer, budget: options.budget, gaps, events, tell }
  const lines = runLines({
    topics,
    plan: (names) => planRoutes(names, options.table, options.routes),
    run: (route, begun) =>
      reported({ ...parts, ...shareOf(ownOptions(options, route), begun), stop: begun.stop }, route),
    look: topicsChange(options) ? () => topicsOf(options, { notice: () => undefined }, stop) : null,
    notice,
    stop,
  })
  const ends: PromiseSettledResult<unknown>[] = await Promise.allSettled([lines])
  // In this order, so that the error of a route is told before one of the closing that follows from it.
  for (const close of [pool.close, committer.close]) ends.push(...(await Promise.allSettled([close()])))
  const failed = ends.find((end) => end.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}

/** A pattern may mean topics that are not there yet; a run to the end reads what is there when it begins. */
const topicsChange = ({ source, topics, untilEnd }: IngestOptions): boolean =>
  source.kind === 'brokers' && topics.kind === 'pattern' && !untilEnd

/** What a line of several is given; lines that came later count those there were. */
function shareOf(
  options: IngestOptions,
  { count, isLater }: Begun,
): Pick<Ingest, 'options' | 'limits' | 'sourceBytes'> {
  const sourceBytes = sourceBytesOf(options, count)
  const start = isLater ? ({ kind: 'earliest' } as const) : options.start
  return { options: { ...options, start }, limits: limitsOf(options, count, sourceBytes), sourceBytes }
}

async function topicsOf(
  options: IngestOptions,
  { notice }: Pick<IngestEvents, 'notice'>,
  stop: AbortSignal,
): Promise<string[]> {
  const { source, topics } = options
  if (source.kind === 'brokers') return kafkaTopics(source.connection, topics, notice, stop)
  const log = await openLogSource({ directory: source.path, topics })
  return (await log.partitions()).map((partition) => partition.topicName)
}

async function openSource(parts: Ingest, route: Route): Promise<RecordSource> {
  const { options, events, stop } = parts
  const { source, start, untilEnd } = options
  if (source.kind === 'directory') {
    const topics = { kind: 'names', names: route.topics } as const
    return logRecordSource(await openLogSource({ directory: source.path, topics }), { start, untilEnd })
  }
  const { connection, sessionTimeoutMs } = source
  const { group } = options
  const instanceId = source.instanceId === null ? null : instanceIdOf(source.instanceId, route.name)
  const { sourceBytes: queueBytesMax } = parts
  const { topics } = route
  const { notice } = events
  const member = { group, sessionTimeoutMs, instanceId }
  return openKafkaSource({ connection, topics, ...member, start, untilEnd, queueBytesMax, notice }, stop)
}

/** Chunks in flight share the byte budget; the window is what keeps every worker busy while results wait for their turn. */
function limitsOf(options: IngestOptions, routeCount: number, sourceBytes: number): Omit<RouteLimits, 'budget'> {
  const { batchSize, chunkBytes, workers } = options
  const share = Math.floor((options.queueBytes / routeCount - sourceBytes) / chunkBytes)
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

/** What may wait between a consumer and its line: a quarter of the route's bytes. A log directory is read when asked. */
const sourceBytesOf = ({ source, queueBytes }: IngestOptions, routeCount: number): number =>
  source.kind === 'directory' ? 0 : Math.min(SOURCE_BYTES_MAX, Math.floor(queueBytes / routeCount / 4))
const SOURCE_BYTES_MAX = 16 * 1024 * 1024

async function reported(parts: Ingest, route: Route): Promise<void> {
  const { tell } = parts
  tell({ kind: 'route began', route: route.name, topics: route.topics })
  try {
    await runUntilDrained(parts, route)
    tell({ kind: 'route ended', route: route.name, error: null })
  } catch (caught) {
    const { source } = parts.options
    const error = source.kind === 'directory' ? await withSegment(source.path, caught) : caught
    parts.events.failed(route, error)
    tell({ kind: 'route ended', route: route.name, error: error instanceof Error ? error.message : String(error) })
    throw error
  }
}

/** One life after the other: each assignment, and each fence within it, starts where the table stands. */
async function runUntilDrained(parts: Ingest, route: Route): Promise<void> {
  const source = await openSource(parts, route)
  const starts = new BadStarts(parts.options.allBadMax)
  parts.tell({ kind: 'source opened', route: route.name, source })
  const writer = `${hostname()}/${process.pid}/${randomUUID()}`
  try {
    for await (const assignment of source.assignments(parts.stop)) {
      const end = await runAssignment(parts, route, assignment, { writer, starts })
      if (end === 'drained') break
    }
  } finally {
    await source.close()
  }
  const [held] = starts.held.values()
  if (held !== undefined) throw held
}

/** What a route keeps from one assignment to the next. */
interface RouteLife {
  readonly writer: string
  readonly starts: BadStarts
}

async function runAssignment(
  parts: Ingest,
  route: Route,
  assignment: Assignment,
  { writer, starts }: RouteLife,
): Promise<'drained' | 'revoked'> {
  const { events, tell } = parts
  const acceptedGaps: GapMove[] = []
  const writers = new NewWriters(parts.registry)
  for (let isNew = true; ; isNew = false) {
    const partitions = await unlessRevoked(assignment, () => assignment.partitions())
    if (partitions === null) return 'revoked'
    const own = partitions.filter((partition) => partition.isAssigned)
    const readable = { ...route, topics: starts.without(route.topics) }
    const spec = await routeSpec({ ...parts, know: parts.pool.know }, readable, partitions, {
      epoch: assignment.epoch,
      writer,
    })
    try {
      const known = [...spec.writers, ...writers.schemas]
      const tables = await parts.committer.open({ ...spec, acceptedGaps, writers: known })
      if (isNew) events.opened(route, tables, own)
      tell({ kind: 'route reads', route: route.name, assignment, partitions: own, positions: tables.positions })
      const positions = tables.positions.filter(({ topic }) => !starts.held.has(topic))
      const admit = admission(partitions, starts)
      const end = await runLife(parts, route, assignment, { ...tables, positions }, admit)
      if (end.kind !== 'drained') {
        events.restarted(route, end)
        tell({ kind: 'route restarts', route: route.name, why: end.kind })
      }
      if (end.kind === 'revoked') return 'revoked'
      if (end.kind === 'held') holdTopics({ notice: events.notice, tell }, route.name, starts, own)
      if (end.kind === 'drained' && (await isDone(parts, assignment, partitions, tables.positions))) return 'drained'
    } catch (error) {
      const lesson = await writers.take(error, readable, spec.writers)
      if (lesson.kind === 'learned') {
        const event = 'records of another schema come: the table is opened again for it'
        events.notice({ event, schemaId: lesson.schemaId })
        continue
      }
      if (lesson.kind === 'misfit' && error instanceof IngestError) {
        starts.hold(lesson.topics, partitions, error)
        holdTopics({ notice: events.notice, tell }, route.name, starts, own)
        continue
      }
      const gap = parts.gaps.take(error, partitions)
      if (gap === null) throw error
      const { topicName: topic, partition, position, next, why } = gap
      const range = { position: String(position), next: String(next), why }
      events.notice({ event: 'a gap is accepted', topic, partition, ...range })
      acceptedGaps.push(gap)
    }
  }
}

/** From the positions of the table to the end of the source, a fence or a revocation. */
function runLife(
  parts: Ingest,
  route: Route,
  assignment: Assignment,
  tables: RouteTables,
  admit: NonNullable<RoutePorts['admit']>,
): Promise<RouteEnd> {
  const { events, tell } = parts
  const ports: RoutePorts = {
    source: assignment,
    encode: parts.pool.encode,
    commit: (group) => parts.committer.commit(route.name, group),
    admit,
  }
  return runRoute(
    toldPorts(ports, route.name, tell),
    tables.positions,
    {
      policy: policyOf(parts.options, route),
      main: tables.main,
      deadLetters: tables.deadLetters,
      decompressedBytesMax: parts.options.decompressedBytesMax,
    },
    { ...parts.limits, budget: parts.budget },
    parts.stop,
    (batch) => {
      events.committed(route, batch)
      tell({ kind: 'committed', route: route.name, batch })
    },
  )
}

/**
 * A run to the end is done when the table holds the whole of it, also what other members read: one of them may die on the way, and
 * then its share comes here. Waits before it says no.
 */
async function isDone(
  { options, budget, stop }: Ingest,
  assignment: Assignment,
  partitions: readonly SourcePartition[],
  positions: readonly PartitionPosition[],
): Promise<boolean> {
  if (!options.untilEnd || stop.aborted || (budget !== null && budget.left <= 0)) return true
  const next = new Map(positions.map((each) => [partitionKey(each.topic, each.partition), each.next]))
  const others = partitions.filter((partition) => !partition.isAssigned)
  if (others.every(({ topic, partition, end }) => (next.get(partitionKey(topic, partition)) ?? 0n) >= end)) return true
  const signal = AbortSignal.any([stop, assignment.revoked])
  await sleep(OTHERS_POLL_MS, undefined, { signal }).catch(() => undefined)
  return false
}
const OTHERS_POLL_MS = 500

/** A question that a revocation makes moot. */
async function unlessRevoked<T>({ revoked }: Assignment, ask: () => Promise<T>): Promise<T | null> {
  try {
    return await ask()
  } catch (error) {
    if (revoked.aborted) return null
    throw error
  }
}
