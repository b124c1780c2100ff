// Thread entry of the encode pool: a chunk of record batches in, data files put and their descriptions out. Owns its Parquet
// encoder, its reused columns and its store handle. Invariant: the answer is plain data whatever happened; a failure has written
// at most files that no table names.
import { readFileSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { toFailure } from '../shared/errors.ts'
import {
  type DeadLetterCounts,
  type EncodeReply,
  type EncodeRequest,
  type RangeOutcome,
  type StageTimes,
  type TableLayout,
  workerLoaded,
} from '../shared/messages.ts'
import { chooseEncoder, type EncoderPreference } from '../shared/parquet/encoder-choice.ts'
import { PageEncoder } from '../shared/parquet/page-encoder.ts'
import type { ParquetEncoder } from '../shared/parquet/parquet-encoder.ts'
import { sortingColumns } from '../shared/parquet/sorting-columns.ts'
import { openFolderStore } from '../shared/store/folder-store.ts'
import { ChunkRows } from './chunk-rows.ts'
import { type EncodedFile, encodeDataFiles, putDataFiles } from './data-file-writer.ts'

/** Tables (by uuid, schema and properties) whose columns are kept; a process with more routes builds some again. */
const TABLES_MAX = 16

export interface EncodeWorkerData {
  readonly warehouse: string
  readonly parquetEncoder: EncoderPreference
}

/** What is kept of a table and its dead letters from chunk to chunk. */
interface OpenTable {
  readonly rows: ChunkRows
  readonly main: ParquetEncoder
  readonly deadLetters: ParquetEncoder
}

// The one cast of this file: worker_threads types workerData as any; the pool sends exactly this.
const { warehouse, parquetEncoder } = workerData as EncodeWorkerData
const store = openFolderStore(warehouse)
const tables = new Map<string, OpenTable>()
const version = packageVersion()
// The pool ends no thread before this: Node 20 aborts the process where a thread ends while it loads its modules. This one is loaded
// once Piscina's require of it has returned, which is after the evaluation of the file.
setImmediate(() => parentPort?.postMessage(workerLoaded))

export default async function encodeChunk(request: EncodeRequest): Promise<EncodeReply> {
  try {
    return await encode(request)
  } catch (error) {
    return { kind: 'failed', failure: toFailure(error) }
  }
}

async function encode(request: EncodeRequest): Promise<EncodeReply> {
  const encoded = encodeFiles(await tableOf(request), request)
  if (encoded.kind !== 'encoded') return encoded
  const { main, deadLetters, times, ...rest } = encoded
  const startMs = performance.now()
  const { puts } = request
  const dataFiles = puts === 'nothing' ? [] : await putDataFiles(main, store)
  const deadLetterFiles = puts === 'rows and dead letters' ? await putDataFiles(deadLetters, store) : []
  const putMs = performance.now() - startMs
  return { ...rest, dataFiles, deadLetterFiles, encodedAtMs: Date.now(), times: { ...times, putMs } }
}

interface FilesOfChunk {
  readonly kind: 'encoded'
  readonly ranges: readonly RangeOutcome[]
  readonly main: readonly EncodedFile[]
  readonly deadLetters: readonly EncodedFile[]
  readonly deadLetterCodes?: DeadLetterCounts
  readonly times: Omit<StageTimes, 'putMs'>
}

/**
 * From bytes to files, without a pause: the columns, and the buffers of the encoders, are shared by all chunks of a worker, and a
 * second chunk begins as soon as this one waits for the store.
 */
function encodeFiles(
  { rows, ...encoders }: OpenTable,
  request: EncodeRequest,
): FilesOfChunk | Exclude<EncodeReply, { kind: 'encoded' | 'failed' }> {
  const outcome = rows.decode(request)
  if (outcome.unknownSchemas.length > 0) return { kind: 'unknown-schemas', schemas: outcome.unknownSchemas }
  const startMs = performance.now()
  const { batch, codes } = rows.deadLetters
  const main = encodeDataFiles(rows.main, request.main, request.fileStem, encoders.main)
  if (main.kind === 'too-many-partitions') return main
  const deadStem = `${request.fileStem}-dead-letters`
  const dead = encodeDataFiles(batch, request.deadLetters, deadStem, encoders.deadLetters)
  if (dead.kind === 'too-many-partitions') return dead
  const { ranges, decompressMs, decodeMs } = outcome
  return {
    kind: 'encoded',
    ranges,
    main: main.files,
    deadLetters: dead.files,
    ...(batch.rowCount === 0 ? {} : { deadLetterCodes: codes }),
    times: { decompressMs, decodeMs, encodeMs: performance.now() - startMs },
  }
}

async function tableOf({ main, deadLetters }: EncodeRequest): Promise<OpenTable> {
  const wishes = JSON.stringify([main.parquet, deadLetters.parquet, main.columns, main.sort])
  const key = `${main.uuid}/${main.schema['schema-id']}/${main.spec['spec-id']}/${wishes}`
  const known = tables.get(key)
  if (known !== undefined) return known
  const [mainEncoder, deadLetterEncoder] = [await encoderFor(main), await encoderFor(deadLetters)]
  if (tables.size >= TABLES_MAX) tables.clear()
  const table = { rows: new ChunkRows(main, deadLetters, version), main: mainEncoder, deadLetters: deadLetterEncoder }
  tables.set(key, table)
  return table
}

/** parquet-wasm and apache-arrow are loaded only by a worker that needs them. */
async function encoderFor({ parquet: properties, schema, sort }: TableLayout): Promise<ParquetEncoder> {
  if (chooseEncoder(parquetEncoder, properties).kind === 'direct') {
    const sortedBy = sort === undefined ? [] : sortingColumns(schema, sort)
    return new PageEncoder({ ...properties, createdBy: `k2 version ${version}`, sortedBy })
  }
  const { ParquetWasmEncoder } = await import('../shared/parquet/parquet-wasm-encoder.ts')
  return new ParquetWasmEncoder(properties)
}

function packageVersion(): string {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  const match = /"version":\s*"([^"]+)"/.exec(manifest)
  return match?.[1] ?? 'unknown'
}
