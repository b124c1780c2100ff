// Thread entry of the encode pool: a chunk of record batches in, data files put and their descriptions out. Owns its Parquet
// encoder, its reused columns and its store handle. Invariant: the answer is plain data whatever happened; a failure has written
// at most files that no table names.
import { readFileSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { toFailure } from '../shared/errors.ts'
import { type EncodeReply, type EncodeRequest, workerLoaded } from '../shared/messages.ts'
import { chooseEncoder, type EncoderPreference } from '../shared/parquet/encoder-choice.ts'
import { PageEncoder } from '../shared/parquet/page-encoder.ts'
import type { ParquetEncoder } from '../shared/parquet/parquet-encoder.ts'
import type { ParquetProperties } from '../shared/parquet/parquet-properties.ts'
import { ParquetWasmEncoder } from '../shared/parquet/parquet-wasm-encoder.ts'
import { openFolderStore } from '../shared/store/folder-store.ts'
import { ChunkRows } from './chunk-rows.ts'
import { writeDataFiles } from './data-file-writer.ts'

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
  const { rows, ...encoders } = tableOf(request)
  const outcome = rows.decode(request)
  if (outcome.unknownSchemas.length > 0) return { kind: 'unknown-schemas', schemas: outcome.unknownSchemas }
  const main = await writeDataFiles(rows.main, request.main, request.fileStem, encoders.main, store)
  if (main.kind === 'too-many-partitions') return main
  const dead = await writeDataFiles(
    rows.deadLetters.batch,
    request.deadLetters,
    `${request.fileStem}-dead-letters`,
    encoders.deadLetters,
    store,
  )
  if (dead.kind === 'too-many-partitions') return dead
  return {
    kind: 'encoded',
    ranges: outcome.ranges,
    dataFiles: main.files,
    deadLetterFiles: dead.files,
    ...(rows.deadLetters.batch.rowCount === 0 ? {} : { deadLetterCodes: rows.deadLetters.codes }),
    encodedAtMs: Date.now(),
    times: {
      decompressMs: outcome.decompressMs,
      decodeMs: outcome.decodeMs,
      encodeMs: main.encodeMs + dead.encodeMs,
      putMs: main.putMs + dead.putMs,
    },
  }
}

function tableOf({ main, deadLetters }: EncodeRequest): OpenTable {
  const wishes = JSON.stringify([main.parquet, deadLetters.parquet])
  const key = `${main.uuid}/${main.schema['schema-id']}/${main.spec['spec-id']}/${wishes}`
  const known = tables.get(key)
  if (known !== undefined) return known
  if (tables.size >= TABLES_MAX) tables.clear()
  const table = {
    rows: new ChunkRows(main, deadLetters, version),
    main: encoderFor(main.parquet),
    deadLetters: encoderFor(deadLetters.parquet),
  }
  tables.set(key, table)
  return table
}

function encoderFor(properties: ParquetProperties): ParquetEncoder {
  const createdBy = `k2 version ${version}`
  return chooseEncoder(parquetEncoder, properties).kind === 'direct'
    ? new PageEncoder({ ...properties, createdBy })
    : new ParquetWasmEncoder(properties)
}

function packageVersion(): string {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  const match = /"version":\s*"([^"]+)"/.exec(manifest)
  return match?.[1] ?? 'unknown'
}
