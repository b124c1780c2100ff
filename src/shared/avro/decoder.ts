// Decodes Avro records into the columns of a batch, by code generated once per writer schema and table schema. Encode worker.
// Invariant: a record is appended to every own column or to none; whatever its bytes are, time and memory stay in proportion to
// their number, and no byte outside [start, end) is read into a column.
import { type ColumnChoices, everyColumn } from '../columns/column-choices.ts'
import { isProvenanceColumn } from '../columns/provenance-columns.ts'
import {
  appendNull,
  type ColumnStore,
  closeList,
  closeStruct,
  createColumnBatch,
  type StoredBatch,
  truncateStore,
} from '../columns/storage.ts'
import { viewOf } from '../columns/text-store.ts'
import { assert, type ErrorCode } from '../errors.ts'
import type { IcebergSchema } from '../iceberg/schema.ts'
import type { AvroRecord } from './avro-schema.ts'
import * as reads from './column-reads.ts'
import { type DecoderTables, decoderSource, type RuntimeName } from './decoder-source.ts'
import { blockSize, branchIndex, refusalOf, trailing } from './refusals.ts'
import { block, readBlock, readIndex, scratch } from './varints.ts'
import { fitWriter } from './writer-fit.ts'

/** Why a record became a dead letter. */
export interface DecodeFailure {
  /** One of RECORD_*. */
  readonly code: ErrorCode
  /** Path of the field that could not be read: `legs[].price`, `vendor_data{}`; empty for the record as a whole. */
  readonly fieldPath: string
  /** What is wrong, and at which byte of the record. */
  readonly detail: string
}

export interface RecordDecoder {
  /**
   * Reads one Avro record from bytes [start, end) (without its frame) and appends it to every own column; the caller adds the
   * provenance columns and raises `rowCount`. On failure the own columns are back at `rowCount` values. Allocates nothing but
   * the failure. Errors: DECOMPRESSION_BOUND where the batch outgrows its memory.
   */
  decode(bytes: Uint8Array, start: number, end: number): DecodeFailure | null
}

type Run = (bytes: Uint8Array, view: DataView, start: number, end: number) => number

/** Where the first failure of the record at hand was met. */
interface Fault {
  path: number
  at: number
}

/**
 * Compiles the decoder of records of `writer` into `batch`, which was created from `table`. Once per schema, some milliseconds.
 * Errors: SCHEMA_INCOMPATIBLE, SCHEMA_UNSUPPORTED with `path` and `reason`.
 */
export function compileDecoder(
  writer: AvroRecord,
  table: IcebergSchema,
  batch: StoredBatch,
  columns: ColumnChoices = everyColumn,
): RecordDecoder {
  assert(batch.stores.length === table.fields.length, 'the batch was created from this table schema')
  const fault: Fault = { path: 0, at: 0 }
  const plan = fitWriter(writer, table, columns)
  const leftOut = createColumnBatch({ type: 'struct', 'schema-id': 0, fields: plan.leftOut }, 1).stores
  const { text, tables } = decoderSource(plan, [...batch.stores, ...leftOut])
  const run = generate(text, runtimeOf(fault), tables)
  const own = batch.stores.filter((store) => !isProvenanceColumn(store.column.field.name))
  let source: Uint8Array | null = null
  let bytes = new Uint8Array(0)
  let view = viewOf(bytes)
  return {
    decode(given, start, end) {
      if (given !== source) {
        source = given
        // One class for all callers keeps the generated code monomorphic: a Buffer is another one.
        bytes = new Uint8Array(given.buffer as ArrayBuffer, given.byteOffset, given.byteLength)
        view = viewOf(bytes)
      }
      assert(start >= 0 && start <= end && end <= bytes.length, 'the record lies within its bytes')
      const at = run(bytes, view, start, end)
      // One value at a time is all that they ever hold.
      if (leftOut.length > 0) takeBack(leftOut, 0)
      if (at === end) return null
      takeBack(own, batch.rowCount)
      if (at >= 0) return failureOf(trailing, '', at - start, end - start)
      return failureOf(at, tables.paths[fault.path] ?? '', fault.at - start, end - start)
    },
  }
}

function runtimeOf(fault: Fault): Readonly<Record<RuntimeName, unknown>> {
  const fail = (refusal: number, path: number, at: number): number => {
    fault.path = path
    fault.at = at
    return refusal
  }
  return {
    ...reads,
    appendNull,
    block,
    blockSize,
    branchIndex,
    closeList,
    closeStruct,
    fail,
    readBlock,
    readIndex,
    scratch,
  }
}

/** The text is ours (see decoder-source.ts); the cast is the one place where it meets the type system. */
function generate(text: string, runtime: Readonly<Record<RuntimeName, unknown>>, tables: DecoderTables): Run {
  return new Function('runtime', 'tables', text)(runtime, tables) as Run
}

function takeBack(stores: readonly ColumnStore[], rowCount: number): void {
  for (const store of stores) truncateStore(store, rowCount)
}

function failureOf(refusal: number, fieldPath: string, at: number, size: number): DecodeFailure {
  const { code, text } = refusalOf(refusal)
  return { code, fieldPath, detail: `${text}, at byte ${at} of ${size}` }
}
