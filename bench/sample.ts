// A sample of synthetic trades for the figures of single stages: slices of a log, record values, and filled columns, made by the
// product's own reader and decoder. Invariant: every stage is measured on the same kind of data as the whole line.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { chunkRequest } from '../src/main/ingest/chunk-request.ts'
import { openLogSource } from '../src/main/ingest/log-source.ts'
import type { RecordBatches } from '../src/main/ingest/record-source.ts'
import { parseAvroSchema } from '../src/shared/avro/avro-schema.ts'
import { frameBytes } from '../src/shared/avro/framing.ts'
import {
  deadLettersSchema,
  deadLettersSpec,
  icebergSchemaOf,
  partitionSpecFor,
} from '../src/shared/avro/iceberg-mapping.ts'
import type { ColumnBatch } from '../src/shared/columns/column-batch.ts'
import type { IcebergSchema } from '../src/shared/iceberg/schema.ts'
import { decompressBody } from '../src/shared/kafka/compression.ts'
import { batchBody, readBatchHeader } from '../src/shared/kafka/record-batch.ts'
import { RecordCursor } from '../src/shared/kafka/record-cursor.ts'
import type { EncodeRequest, TableLayout } from '../src/shared/messages.ts'
import { standardProperties } from '../src/shared/parquet/parquet-properties.ts'
import { ChunkRows } from '../src/workers/chunk-rows.ts'
import type { BenchOptions } from './figure.ts'
import { syntheticLog } from './k2-process.ts'

/** Most records of a chunk of `k2 run`: what one Parquet file holds. */
export const CHUNK_ROWS = 50_000
/** As `k2 run` bounds it. */
export const DECOMPRESSED_BYTES_MAX = 64 * 1024 * 1024

const SCHEMA_ID = 1

export const tradeSchemaJson = (root: string): string => readFileSync(join(root, 'schemas/trade_v2.avsc'), 'utf8')

/** About a chunk of trades, as slices of eight partitions. */
export async function sampleSlices(options: BenchOptions, codec: string): Promise<readonly RecordBatches[]> {
  const directory = await syntheticLog(options, CHUNK_ROWS, codec)
  const source = await openLogSource({ directory, topics: { kind: 'pattern', pattern: '^market\\.' } })
  const positions = (await source.partitions()).map(({ topic, partition, logStart }) => ({
    topic,
    partition,
    next: logStart,
  }))
  const slices: RecordBatches[] = []
  for await (const slice of source.read(positions, new AbortController().signal)) slices.push(slice)
  return slices
}

export const recordCountOf = (slices: readonly RecordBatches[]): number =>
  slices.reduce((sum, slice) => sum + slice.recordCount, 0)

/** The record batches of the slices, each alone: `bytes` from the header on. */
export function* batchesOf(slices: readonly RecordBatches[]): Generator<{ bytes: Uint8Array; at: number }> {
  for (const { bytes } of slices) {
    for (let at = 0; ; ) {
      const header = readBatchHeader(bytes, at)
      if (header === null) break
      yield { bytes, at }
      at += header.length
    }
  }
}

/** Avro data of the records, without their frames. */
export interface Datum {
  readonly body: Uint8Array
  readonly start: number
  readonly end: number
}

export function sampleData(slices: readonly RecordBatches[]): readonly Datum[] {
  const data: Datum[] = []
  const cursor = new RecordCursor()
  for (const { bytes, at } of batchesOf(slices)) {
    const header = readBatchHeader(bytes, at)
    if (header === null) continue
    const body = decompressBody(header.codec, batchBody(bytes, at, header), DECOMPRESSED_BYTES_MAX)
    cursor.reset(body, header.recordCount, header.lastOffsetDelta)
    while (cursor.next()) data.push({ body, start: cursor.valueStart + frameBytes, end: cursor.valueEnd })
  }
  return data
}

/** The main table of trades: 15 fields of the record and 5 of provenance. */
export function tradeLayout(root: string): TableLayout {
  const avro = parseAvroSchema(tradeSchemaJson(root))
  const schema = icebergSchemaOf(avro, { keyColumn: false, headersColumn: false, tombstone: 'skip' })
  const spec = partitionSpecFor(schema)
  return {
    table: 'bench.trades',
    uuid: 'bench',
    dataLocation: 'file:///bench',
    schema,
    spec,
    parquet: standardProperties,
  }
}

/** The columns of one chunk, filled as an encode worker fills them. */
export async function sampleColumns(
  options: BenchOptions,
): Promise<{ readonly batch: ColumnBatch; readonly schema: IcebergSchema }> {
  const main = tradeLayout(options.root)
  const deadLetters = { ...main, schema: deadLettersSchema(), spec: deadLettersSpec() }
  const rows = new ChunkRows(main, deadLetters, 'bench')
  const context = {
    policy: {
      route: 'bench',
      tombstone: 'skip',
      unknownSchema: 'stop',
      windowFirstUs: '0',
      windowAheadUs: '86400000000',
    },
    main,
    deadLetters,
    decompressedBytesMax: DECOMPRESSED_BYTES_MAX,
  } as const satisfies Partial<EncodeRequest>
  const schemas = { schemas: [{ id: SCHEMA_ID, json: tradeSchemaJson(options.root) }], missingSchemaIds: [] }
  const slices = await sampleSlices(options, 'lz4')
  // A second time: text columns choose dictionary or plain bytes by the chunk before.
  for (let chunk = 0; chunk < 2; chunk++) {
    const outcome = rows.decode(chunkRequest(slices, context, schemas))
    if (outcome.unknownSchemas.length > 0 || rows.deadLetters.batch.rowCount > 0) {
      throw new Error('the sample does not decode')
    }
  }
  return { batch: rows.main, schema: main.schema }
}
