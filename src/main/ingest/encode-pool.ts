// Owns the Piscina pool of encode workers. Main thread. Invariant: a chunk's result covers every offset of the chunk, whatever it
// took (schemas fetched, chunk halved); a chunk that cannot be encoded fails the line, nothing is skipped.
import { setTimeout as sleep } from 'node:timers/promises'
import { Piscina } from 'piscina'
import type { SchemaRegistry } from '../../shared/avro/schema-registry.ts'
import type { WriterSchema } from '../../shared/avro/writer-schema.ts'
import { assertNever, fromFailure, IngestError } from '../../shared/errors.ts'
import {
  type EncodeReply,
  type EncodeRequest,
  type MissingSchema,
  SCHEMAS_UNKNOWN_MAX,
  type TableLayout,
  workerLoaded,
} from '../../shared/messages.ts'
import { chooseEncoder, type EncoderPreference } from '../../shared/parquet/encoder-choice.ts'
import { workerUrl } from '../worker-url.ts'
import {
  type ChunkContext,
  chunkRequest,
  type Encoded,
  halve,
  joinEncoded,
  type Schemas,
  slicesBefore,
} from './chunk-request.ts'
import type { Tell } from './ingest-facts.ts'
import type { RecordBatches } from './record-source.ts'

/** Ids that the registry does not have are remembered up to here; a topic with more is garbage, and the line stops. */
const SCHEMAS_MISSING_MAX = 1000

export interface EncodePool {
  /** Encodes one chunk of a route and puts its files. Errors: SCHEMA_UNKNOWN, SOURCE_CORRUPT, STORE_*, PARQUET, WORKER_DIED. */
  encode(slices: readonly RecordBatches[], context: ChunkContext): Promise<Encoded>
  /** Tells the workers of a schema before its first record comes: a chunk with an unknown one is sent twice. */
  know(schema: WriterSchema): void
  readonly workers: number
  /** Chunks that wait for a worker, and chunks that a worker has. */
  load(): { readonly waiting: number; readonly running: number }
  close(): Promise<void>
}

export interface EncodePoolOptions {
  readonly workers: number
  readonly warehouse: string
  readonly parquetEncoder: EncoderPreference
  readonly registry: SchemaRegistry
  readonly tell: Tell
  /** What is tried again, for the log. */
  readonly notice: (fields: Readonly<Record<string, string | number>>) => void
  /** Ends the waiting between tries. */
  readonly stop: AbortSignal
}

/** A full disk or a store that answers with errors is waited for, about five minutes in all, then the line stops. */
const TRIES_MAX = 30
const BACKOFF_MS_FIRST = 250
const BACKOFF_MS_MAX = 15_000

const startWorkers = ({ workers, warehouse, parquetEncoder }: EncodePoolOptions): Piscina =>
  new Piscina({
    filename: workerUrl('encode-worker').href,
    minThreads: workers,
    maxThreads: workers,
    idleTimeout: Number.POSITIVE_INFINITY,
    // One is decoded and encoded while the files of the other are put.
    concurrentTasksPerWorker: 2,
    // Bounded by who sends: each line has at most its window of chunks here, and a run may have any number of lines.
    maxQueue: Number.POSITIVE_INFINITY,
    // A worker that waits in Atomics cannot finish the puts of its files.
    atomics: 'disabled',
    workerData: { warehouse, parquetEncoder },
  })

export function openEncodePool(options: EncodePoolOptions): EncodePool {
  const pool = startWorkers(options)
  const loaded = allLoaded(pool, options.workers)
  const schemas = new SchemaCache(options.registry)

  const sender = senderTo(pool, options.tell)
  const sayOnce = slowEncoderNotice(options)
  const encodeWhole = async (slices: readonly RecordBatches[], context: ChunkContext): Promise<Encoded> => {
    sayOnce(context.main)
    for (let tries = 1; ; tries++) {
      const reply = await sender.send(chunkRequest(slices, context, schemas.known()))
      switch (reply.kind) {
        case 'encoded':
          if (tries > 1) options.tell({ kind: 'chunk waits', table: context.main.table, why: null })
          return reply
        case 'unknown-schemas':
          await schemas.learn(reply.schemas, context.policy.unknownSchema === 'dead-letter')
          break
        case 'too-many-partitions': {
          const halves = halve(slices)
          if (halves === null) throw new Error(`one record with ${reply.count} partition values`)
          const first = await encode(halves[0], context)
          if (first.endedBy !== undefined) return first
          return joinEncoded(first, await encode(halves[1], context))
        }
        case 'failed':
          await retryLater(fromFailure(reply.failure), tries, context.main.table, options)
          break
        default:
          return assertNever(reply)
      }
    }
  }
  /** A chunk with a bad place ends there: what lies before it is encoded, and the error comes with it. */
  const encode = async (slices: readonly RecordBatches[], context: ChunkContext): Promise<Encoded> => {
    try {
      return await encodeWhole(slices, context)
    } catch (error) {
      const before = error instanceof IngestError ? slicesBefore(slices, error) : null
      if (before === null || !(error instanceof IngestError)) throw error
      const encoded = await encode(before, context)
      return { ...encoded, endedBy: encoded.endedBy ?? error }
    }
  }
  const close = async (): Promise<void> => {
    // Workers that wait do not keep a process alive, and one that has nothing else to do would end here: the timer does.
    const over = new AbortController()
    await Promise.race([loaded, sleep(LOAD_MS_MAX, undefined, { signal: over.signal }).catch(() => undefined)])
    over.abort()
    await pool.destroy()
  }
  return { encode, know: (schema) => schemas.know(schema), workers: options.workers, load: sender.load, close }
}

/** Says, once a process, that files are written by the slower of the two encoders though nobody asked for it. */
function slowEncoderNotice({ parquetEncoder, notice }: EncodePoolOptions): (layout: TableLayout) => void {
  let isSaid = false
  return ({ table, parquet }) => {
    const choice = chooseEncoder(parquetEncoder, parquet)
    if (isSaid || choice.kind === 'direct' || choice.reason === null) return
    isSaid = true
    notice({ event: 'files are written by parquet-wasm, several times slower', table, reason: choice.reason })
  }
}

/** Sends requests to the workers. Errors: WORKER_DIED. */
function senderTo(pool: Piscina, tell: Tell) {
  let died: unknown = null
  let sent = 0
  pool.on('error', (error: unknown) => {
    // A worker without a task, as one that cannot load: nobody would take what waits.
    died ??= error
    void pool.destroy()
  })
  const send = async (request: EncodeRequest): Promise<EncodeReply> => {
    const transferList = request.parts.map((part) => part.bytes.buffer as ArrayBuffer)
    const startMs = performance.now()
    sent++
    try {
      const reply: EncodeReply = await pool.run(request, { transferList })
      tell({ kind: 'encode answered', reply, ms: performance.now() - startMs })
      return reply
    } catch (error) {
      throw new IngestError('WORKER_DIED', { thread: 'encode' }, died ?? error)
    } finally {
      sent--
    }
  }
  const load = () => ({ waiting: pool.queueSize, running: sent - pool.queueSize })
  return { send, load }
}

/** Longer than a worker ever takes; one that died while loading never says so. */
const LOAD_MS_MAX = 10_000

function allLoaded(pool: Piscina, workers: number): Promise<void> {
  return new Promise((resolve) => {
    let count = 0
    pool.on('message', (message: unknown) => {
      if (message === workerLoaded && ++count === workers) resolve()
    })
    pool.on('error', () => resolve())
  })
}

/** Waits where waiting can help; else, or after the last try, throws. */
async function retryLater(error: IngestError, tries: number, table: string, options: EncodePoolOptions): Promise<void> {
  if (error.action !== 'retry' || tries >= TRIES_MAX || options.stop.aborted) throw error
  const waitMs = Math.min(BACKOFF_MS_MAX, BACKOFF_MS_FIRST * 2 ** (tries - 1))
  options.tell({ kind: 'chunk waits', table, why: error.code })
  options.notice({ event: 'chunk is tried again', table, error: error.message, tries, waitMs })
  await sleep(waitMs, undefined, { signal: options.stop }).catch(() => undefined)
}

/** Schemas by id as the workers need them: those seen, and those the registry was asked for in vain. */
class SchemaCache {
  readonly #registry: SchemaRegistry
  readonly #found = new Map<number, string>()
  readonly #missing = new Set<number>()

  constructor(registry: SchemaRegistry) {
    this.#registry = registry
  }

  know({ id, json }: WriterSchema): void {
    this.#found.set(id, json)
  }

  known(): Schemas {
    return {
      schemas: [...this.#found].map(([id, json]) => ({ id, json })),
      missingSchemaIds: [...this.#missing],
    }
  }

  /** Asks the registry. Errors: SCHEMA_UNKNOWN where a missing one stops the route, or where too many are missing. */
  async learn(wanted: readonly MissingSchema[], missingAllowed: boolean): Promise<void> {
    for (const want of wanted.slice(0, SCHEMAS_UNKNOWN_MAX)) {
      const schema = await this.#registry.schemaById(want.id)
      if (schema !== null) {
        this.#found.set(want.id, schema.json)
        continue
      }
      if (!missingAllowed || this.#missing.size >= SCHEMAS_MISSING_MAX) {
        throw new IngestError('SCHEMA_UNKNOWN', {
          schemaId: want.id,
          topic: want.topicName,
          partition: want.partition,
          offset: want.offset,
        })
      }
      this.#missing.add(want.id)
    }
  }
}
