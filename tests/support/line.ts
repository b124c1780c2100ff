// The whole line in this process, over a log directory, a SQL catalog and a folder, with faults between: the same source, cutting,
// decoding, encoding and committing as `k2 run`, without its threads. One life ends drained, crashed, or with an error.
import { chunkRequest, type Encoded } from '../../src/main/ingest/chunk-request.ts'
import { logRecordSource } from '../../src/main/ingest/log-assignment.ts'
import { openLogSource } from '../../src/main/ingest/log-source.ts'
import { runRoute } from '../../src/main/ingest/pipeline.ts'
import type { Assignment } from '../../src/main/ingest/record-source.ts'
import { planRoutes } from '../../src/main/ingest/routes.ts'
import { parseAvroSchema } from '../../src/shared/avro/avro-schema.ts'
import {
  deadLettersSchema,
  deadLettersSpec,
  icebergSchemaOf,
  partitionSpecFor,
} from '../../src/shared/avro/iceberg-mapping.ts'
import type { CommitLimits } from '../../src/shared/commit/commit-limits.ts'
import type { RouteSpec } from '../../src/shared/commit/route-spec.ts'
import { IngestError } from '../../src/shared/errors.ts'
import { openSqlCatalog } from '../../src/shared/iceberg/sql-catalog.ts'
import type { EncodeRequest } from '../../src/shared/messages.ts'
import { ParquetWasmEncoder } from '../../src/shared/parquet/parquet-wasm-encoder.ts'
import { openFolderStore } from '../../src/shared/store/folder-store.ts'
import type { Store } from '../../src/shared/store/store.ts'
import { logDirectory } from '../../src/shared/verify/log-partitions.ts'
import type { VerifyReport } from '../../src/shared/verify/report.ts'
import { verifyTable } from '../../src/shared/verify/verify-table.ts'
import { ChunkRows } from '../../src/workers/chunk-rows.ts'
import { createCommitter } from '../../src/workers/committer.ts'
import { encodeDataFiles, putDataFiles } from '../../src/workers/data-file-writer.ts'
import { type FaultPlan, type FaultyPorts, faultyPorts } from './faulty.ts'
import type { Place } from './k2-process.ts'
import { tradeV2Json } from './trade-v2.ts'

export interface LifeOptions {
  readonly plan?: FaultPlan
  readonly limits?: Partial<CommitLimits>
  readonly busyMsMax?: number
  /** Records of one commit. */
  readonly commitRecords?: number
  /** Wall clock of the committer, ms. */
  readonly clock?: () => number
}

export interface Life {
  /** Null: drained. */
  readonly error: unknown
  readonly ports: FaultyPorts
  readonly records: number
  readonly fenced: number
}

const topic = 'market.crypto.trades.binance'
const [route] = planRoutes([topic], null)
const encoder = new ParquetWasmEncoder()
const quick = { attemptsMax: 6, troublesMax: 5, backoffMsFirst: 1, backoffMsMax: 2 }
const hourMs = 3_600_000

/** One process from its start to its end. What it throws is in the result; ports that crashed stay crashed. */
export async function live(place: Place, options: LifeOptions = {}): Promise<Life> {
  const clock = options.clock ?? Date.now
  const ports = faultyPorts(
    openFolderStore(place.warehouse),
    (store) => openSqlCatalog({ file: place.catalog, store, busyMsMax: options.busyMsMax ?? 1_000, now: clock }),
    options.plan ?? (() => null),
  )
  const committer = createCommitter({
    ...ports,
    clock,
    sleep: async () => undefined,
    limits: { ...quick, ...options.limits },
  })
  const source = await assignmentOf(place)
  const seen = { records: 0, fenced: 0 }
  let error: unknown = null
  try {
    await runUntilDrained(place, source, ports.store, committer, seen, { commitRecords: 150, ...options, clock })
    await committer.drain()
  } catch (caught) {
    error = caught
  }
  await ports.catalog.close()
  return { error, ports, ...seen }
}

async function runUntilDrained(
  place: Place,
  source: Assignment,
  store: Store,
  committer: ReturnType<typeof createCommitter>,
  seen: { records: number; fenced: number },
  { commitRecords, clock }: { readonly commitRecords: number; readonly clock: () => number },
): Promise<void> {
  for (;;) {
    const tables = await committer.open(await specOf(place, source))
    const rows = new ChunkRows(tables.main, tables.deadLetters, 'test')
    const encode = (request: EncodeRequest): Promise<Encoded> => encodeChunk(rows, request, store, clock())
    const policy = {
      route: 'trades',
      tombstone: 'skip',
      unknownSchema: 'stop',
      windowFirstUs: '0',
      windowAheadUs: '86400000000',
    } as const
    const end = await runRoute(
      {
        source,
        encode: (slices, context) => patiently(() => encode(chunkRequest(slices, context, schemas))),
        commit: (group) => committer.commit('trades', group),
      },
      tables.positions,
      { policy, main: tables.main, deadLetters: tables.deadLetters, decompressedBytesMax: 1 << 24 },
      {
        chunk: { sizesMax: [75, 1 << 24], ageMsMax: hourMs },
        commit: { sizesMax: [commitRecords, 1 << 30, 100], ageMsMax: hourMs },
        windowMax: 1,
        budget: null,
        recordsPerSecond: null,
      },
      new AbortController().signal,
      ({ group }) => {
        for (const range of group.ranges) seen.records += range.records
      },
    )
    if (end.kind === 'drained') return
    seen.fenced++
  }
}

const schemas = { schemas: [{ id: 1, json: tradeV2Json }], missingSchemaIds: [] }

/** A log directory has one assignment. */
async function assignmentOf(place: Place): Promise<Assignment> {
  const log = await openLogSource({ directory: place.log, topics: { kind: 'names', names: [topic] } })
  const source = logRecordSource(log, { start: { kind: 'earliest' }, untilEnd: true })
  for await (const assignment of source.assignments(new AbortController().signal)) return assignment
  throw new Error('a log directory has an assignment')
}

async function specOf(place: Place, source: Assignment): Promise<RouteSpec> {
  if (route === undefined) throw new Error('the topic has a route')
  const schema = icebergSchemaOf(parseAvroSchema(tradeV2Json), {
    keyColumn: false,
    headersColumn: false,
    tombstone: 'skip',
  })
  return {
    route: 'trades',
    table: route.table,
    schema,
    writers: [],
    spec: partitionSpecFor(schema),
    deadLetters: { schema: deadLettersSchema(), spec: deadLettersSpec() },
    location: openFolderStore(place.warehouse).root,
    partitions: await source.partitions(),
    epoch: source.epoch,
    acceptedGaps: [],
    group: 'test',
    writer: 'test',
    tombstone: 'skip',
    properties: {},
  }
}

/** As the pool waits, without the waiting. */
async function patiently<T>(run: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await run()
    } catch (error) {
      if (!(error instanceof IngestError) || error.action !== 'retry' || tries >= 5) throw error
    }
  }
}

/** What an encode worker does. */
async function encodeChunk(
  rows: ChunkRows,
  request: EncodeRequest,
  store: Store,
  encodedAtMs: number,
): Promise<Encoded> {
  const { ranges, unknownSchemas, decompressMs, decodeMs } = rows.decode(request)
  if (unknownSchemas.length > 0) throw new Error('unknown schema')
  const stem = request.fileStem
  const main = encodeDataFiles(rows.main, request.main, stem, encoder)
  const letters = rows.deadLetters.batch
  const dead = encodeDataFiles(letters, request.deadLetters, `${stem}-dead-letters`, encoder)
  if (main.kind !== 'encoded' || dead.kind !== 'encoded') throw new Error('too many partitions')
  return {
    kind: 'encoded',
    ranges,
    dataFiles: await putDataFiles(main.files, store),
    deadLetterFiles: await putDataFiles(dead.files, store),
    encodedAtMs,
    times: { decompressMs, decodeMs, encodeMs: 0, putMs: 0 },
  }
}

/** The proof, over ports without faults. */
export async function prove(place: Place): Promise<VerifyReport> {
  if (route === undefined) throw new Error('the topic has a route')
  const store = openFolderStore(place.warehouse)
  const catalog = openSqlCatalog({ file: place.catalog, store })
  try {
    return await verifyTable({
      catalog,
      store,
      source: logDirectory(place.log),
      topics: (name) => name === topic,
      table: route.table,
      schemas: async (id) => (id === 1 ? tradeV2Json : null),
      decompressedBytesMax: 1 << 24,
      now: Date.now,
    })
  } finally {
    await catalog.close()
  }
}
