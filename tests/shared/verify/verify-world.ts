// A log directory and a table over a memory catalog, both written by hand: what the log says and what the table holds are given
// apart from each other, so that each can be wrong by itself.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type avro from 'avsc'
import { afterAll } from 'vitest'
import type { AcceptedGap, Positions, TopicMarks, Unconfirmed } from '../../../src/shared/commit/positions.ts'
import { writePositions } from '../../../src/shared/commit/positions-json.ts'
import { REPLAY_TOPIC } from '../../../src/shared/commit/replay-position.ts'
import { stageAppend, writeManifest } from '../../../src/shared/iceberg/append.ts'
import type { TableName } from '../../../src/shared/iceberg/catalog.ts'
import type { DataFile } from '../../../src/shared/iceberg/data-file.ts'
import type { IcebergField, IcebergSchema } from '../../../src/shared/iceberg/schema.ts'
import {
  type RecordInput,
  writeRecordBatch,
  writeTransactionMarker,
} from '../../../src/shared/kafka/record-batch-writer.ts'
import type { TombstonePolicy } from '../../../src/shared/messages.ts'
import { describeFile } from '../../../src/shared/parquet/data-file.ts'
import { ParquetWasmEncoder } from '../../../src/shared/parquet/parquet-wasm-encoder.ts'
import { logDirectory } from '../../../src/shared/verify/log-partitions.ts'
import type { TablePorts } from '../../../src/shared/verify/pinned-table.ts'
import type { VerifyReport } from '../../../src/shared/verify/report.ts'
import { verifyTable } from '../../../src/shared/verify/verify-table.ts'
import { type Cell, makeBatch, type Row } from '../../support/column-maker.ts'
import { createMemoryCatalog } from '../../support/memory-catalog.ts'
import { createMemoryStore } from '../../support/memory-store.ts'

export const topicName = 'market.crypto.trades.binance'
export const topicId = 'AAAAAAAAAAAAAAAAAAAAAQ'
export const topicKey = `cluster-1/${topicId}`
export const main: TableName = { namespace: ['market_data'], name: 'trades_v2' }
export const letters: TableName = { namespace: ['market_data'], name: 'trades_v2_dead_letters' }

const optional = (id: number, name: string, type: IcebergField['type']): IcebergField => ({
  id,
  name,
  required: false,
  type,
})

/** Provenance columns with ids from `from` on. */
export const provenance = (from: number): IcebergField[] => [
  optional(from, 'kafka_topic', 'string'),
  optional(from + 1, 'kafka_topic_id', 'string'),
  optional(from + 2, 'kafka_partition', 'int'),
  optional(from + 3, 'kafka_offset', 'long'),
  optional(from + 4, 'kafka_timestamp', 'timestamptz'),
]
const headers = (from: number): IcebergField =>
  optional(from, 'kafka_headers', {
    type: 'list',
    'element-id': from + 1,
    'element-required': true,
    element: {
      type: 'struct',
      fields: [
        { id: from + 2, name: 'key', required: true, type: 'string' },
        { id: from + 3, name: 'value', required: false, type: 'binary' },
      ],
    },
  })

export const schemaOf = (fields: readonly IcebergField[]): IcebergSchema => ({ type: 'struct', 'schema-id': 0, fields })
export const keyAndHeaders = (from: number): IcebergField[] => [
  optional(from, 'kafka_key', 'binary'),
  headers(from + 1),
]

const lettersSchema = schemaOf([
  ...provenance(1),
  ...keyAndHeaders(6),
  optional(11, 'value', 'binary'),
  optional(12, 'error_code', 'string'),
])

/** A record as the log has it and as the table should. */
export interface Sample {
  readonly value: Uint8Array | null
  readonly row: Row
  readonly key?: Uint8Array | null
  readonly headers?: NonNullable<RecordInput['headers']>
}

/** Confluent frame around an Avro value. */
export function framed(type: avro.Type, value: unknown, schemaId = 1): Uint8Array {
  const frame = Buffer.alloc(5)
  frame.writeInt32BE(schemaId, 1)
  return Buffer.concat([frame, type.toBuffer(value)])
}

export const timestampOf = (offset: number): number => 1_700_000_000_000 + offset

/** Provenance cells of a record. */
export const placeOf = (offset: number, partition = 0): Row => ({
  kafka_topic: topicName,
  kafka_topic_id: topicId,
  kafka_partition: partition,
  kafka_offset: BigInt(offset),
  kafka_timestamp: BigInt(timestampOf(offset)) * 1000n,
})

export const headerCells = (list: NonNullable<RecordInput['headers']>): Cell =>
  list.map(({ key, value }): Row => ({ key, value }))

/** The dead letter of a record. */
export const letterOf = (offset: number, sample: Sample, code: string | null, partition = 0): Row => ({
  ...placeOf(offset, partition),
  kafka_key: sample.key ?? null,
  kafka_headers: headerCells(sample.headers ?? []),
  value: sample.value,
  error_code: code,
})

type BatchSettings = Partial<Parameters<typeof writeRecordBatch>[1]>

/** Batches of one partition's log, in order. */
export class LogMaker {
  next = 0
  readonly batches: Uint8Array[] = []

  /** One batch of records at consecutive offsets, or at `offsets`. */
  records(samples: readonly Sample[], settings: BatchSettings = {}, offsets?: readonly number[]): this {
    const base = offsets?.[0] ?? this.next
    const inputs = samples.map((sample, index) => {
      const offset = offsets?.[index] ?? base + index
      return {
        offsetDelta: offset - base,
        timestampMs: timestampOf(offset),
        key: sample.key ?? null,
        value: sample.value,
        headers: sample.headers ?? [],
      }
    })
    this.batches.push(writeRecordBatch(inputs, { baseOffset: BigInt(base), ...settings }))
    this.next = base + (settings.lastOffsetDelta ?? inputs.at(-1)?.offsetDelta ?? 0) + 1
    return this
  }

  transaction(samples: readonly Sample[], end: 'commit' | 'abort' | 'none', producerId = 7n): this {
    const producer = { id: producerId, epoch: 0, baseSequence: 0 }
    this.records(samples, { kind: 'transactional', producer })
    if (end === 'none') return this
    const marker = { baseOffset: BigInt(this.next), marker: end, producer, timestampMs: timestampOf(this.next) }
    this.batches.push(writeTransactionMarker(marker))
    this.next++
    return this
  }
}

const folders: string[] = []
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

/** A folder of its own, gone when the tests end. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'k2-verify-'))
  folders.push(folder)
  return folder
}

export function writeLog(partitions: ReadonlyMap<number, LogMaker>, base = 0): string {
  const source = temporaryFolder()
  writeFileSync(join(source, 'meta.properties'), '#\nversion=1\ncluster.id=cluster-1\nnode.id=1\n')
  for (const [partition, log] of partitions) {
    const folder = join(source, `${topicName}-${partition}`)
    mkdirSync(folder)
    writeFileSync(join(folder, 'partition.metadata'), `version: 0\ntopic_id: ${topicId}\n`)
    writeFileSync(join(folder, `${String(base).padStart(20, '0')}.log`), Buffer.concat(log.batches))
  }
  return source
}

export interface TableContent {
  readonly schema: IcebergSchema
  /** Rows by data file. */
  readonly files: ReadonlyArray<readonly Row[]>
  readonly letters?: readonly Row[]
  /** Positions by partition: [start, next). */
  readonly positions: ReadonlyMap<number, readonly [start: number, next: number]>
  readonly unconfirmed?: readonly Row[]
  /** Of every partition. */
  readonly gaps?: readonly AcceptedGap[]
  readonly adopted?: bigint
  /** Rows of a file that another writer appends afterwards. */
  readonly foreign?: readonly Row[]
  /** Dead letters that the positions say were replayed. */
  readonly replayed?: bigint
  readonly history?: number
  readonly tombstone?: TombstonePolicy
  /** Field ids of text columns that become dictionary columns. */
  readonly dictionaries?: ReadonlySet<number>
  /** Last change of the manifest entries of main. */
  readonly entries?: (files: DataFile[]) => DataFile[]
}

const replayedTopic = (next: bigint): [string, TopicMarks] => [
  REPLAY_TOPIC,
  { name: 'dead letters (replay)', partitions: new Map([[0, { start: 0n, next }]]) },
]

export const makeTable = (content: TableContent) =>
  makeTableIn(content, { catalog: createMemoryCatalog(), store: createMemoryStore() })

/** Main table with its dead letters, in any catalog and store. */
export async function makeTableIn<P extends TablePorts>(content: TableContent, ports: P): Promise<P> {
  const { catalog, store } = ports
  const spec = { 'spec-id': 0, fields: [] }
  const write = async (rows: readonly Row[], schema: IcebergSchema, name: string): Promise<DataFile> => {
    const batch = makeBatch(schema, rows, content.dictionaries)
    const encoded = new ParquetWasmEncoder().encode(batch, schema)
    const location = `${store.root}/data/${name}.parquet`
    await store.putIfAbsent(location, encoded.bytes)
    return describeFile({ location, batch, schema, spec, partition: [], encoded })
  }
  const commit = async (
    name: TableName,
    schema: IcebergSchema,
    files: readonly DataFile[],
    snapshotId: bigint,
    properties: Readonly<Record<string, string>>,
  ): Promise<void> => {
    const made = await catalog.createTable(name, {
      schema,
      spec,
      location: `${store.root}/${name.name}`,
      properties: {},
    })
    if (made.kind !== 'done') throw new Error(made.kind)
    const { metadata } = made.table
    const prepared = files.length === 0 ? [] : [await writeManifest(store, metadata, files, snapshotId)]
    const summary = { 'k2.commit-id': 'c1' }
    const { snapshot } = await stageAppend(metadata, prepared, { store, snapshotId, now: 1, attempt: 1, summary })
    const outcome = await catalog.updateTable(
      name,
      [],
      [
        { action: 'add-snapshot', snapshot },
        { action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': snapshotId },
        { action: 'set-properties', updates: properties },
      ],
    )
    if (outcome.kind !== 'done') throw new Error(outcome.kind)
  }
  const unconfirmed: Unconfirmed[] = []
  if (content.unconfirmed !== undefined) {
    const file = await write(content.unconfirmed, lettersSchema, 'unconfirmed')
    unconfirmed.push({ commit: 'c1', table: 'market_data.trades_v2_dead_letters', files: [file.location] })
  }
  const letterRows = content.letters ?? []
  const letterFiles = letterRows.length === 0 ? [] : [await write(letterRows, lettersSchema, 'letters')]
  await commit(letters, lettersSchema, letterFiles, 5n, {})
  const files = await Promise.all(content.files.map((rows, index) => write(rows, content.schema, `f${index}`)))
  const positions: Positions = {
    v: 1,
    snapshot: 9_007_199_254_740_993n,
    history: content.history ?? 0,
    topics: new Map([
      [
        topicKey,
        {
          name: topicName,
          partitions: new Map(
            [...content.positions].map(([partition, [start, next]]) => [
              partition,
              {
                start: BigInt(start),
                next: BigInt(next),
                ...(content.gaps === undefined ? {} : { gaps: content.gaps }),
              },
            ]),
          ),
        },
      ],
      ...(content.replayed === undefined ? [] : [replayedTopic(content.replayed)]),
    ]),
    ranges: [],
    unconfirmed,
    policy: { tombstone: content.tombstone ?? 'skip', since: '2026-01-01T00:00:00Z' },
    ...(content.adopted === undefined ? {} : { adopted: content.adopted }),
  }
  const properties = { 'k2.positions': writePositions(positions) }
  const entries = content.entries?.(files) ?? files
  await commit(main, content.schema, entries, positions.snapshot, properties)
  if (content.foreign !== undefined) {
    await appendForeign(ports, await write(content.foreign, content.schema, 'foreign'))
  }
  return ports
}

/** A commit of another writer: a snapshot without K2's marks. */
async function appendForeign({ catalog, store }: TablePorts, file: DataFile): Promise<void> {
  const metadata = (await catalog.loadTable(main))?.metadata
  if (metadata === undefined) throw new Error('no table')
  const snapshotId = 77n
  const prepared = [await writeManifest(store, metadata, [file], snapshotId)]
  const { snapshot } = await stageAppend(metadata, prepared, { store, snapshotId, now: 2, attempt: 1, summary: {} })
  const outcome = await catalog.updateTable(
    main,
    [],
    [
      { action: 'add-snapshot', snapshot },
      { action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': snapshotId },
    ],
  )
  if (outcome.kind !== 'done') throw new Error(outcome.kind)
}

export async function verify(
  source: string,
  table: TablePorts,
  schemas: ReadonlyMap<number, unknown>,
): Promise<VerifyReport> {
  return verifyTable({
    ...table,
    source: logDirectory(source),
    topics: () => true,
    table: main,
    schemas: async (id) => (schemas.has(id) ? JSON.stringify(schemas.get(id)) : null),
    decompressedBytesMax: 64 * 1024 * 1024,
    now: () => 0,
  })
}

export const counts = ({ totals }: VerifyReport): readonly [number, number, number, number] => [
  totals.missing,
  totals.duplicate,
  totals.extra,
  totals.changed,
]
