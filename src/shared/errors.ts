// Errors as data: one class, one table of codes. Runs on every thread. A code's `action` tells the caller what to do, so
// code branches on `code` or `action`, never on message text or on subclasses (an Error sent between threads loses both).
import { queryErrors } from './errors-query.ts'

import { trialErrors } from './errors-trial.ts'
import { recordErrors } from './record-errors.ts'

/** What the holder of an error does next. */
export type ErrorAction =
  | 'retry' // waiting can help: try the same again with backoff
  | 'reload' // our view is old: load the table again, check again
  | 'verify' // the outcome is unknown: look before doing anything else
  | 'quarantine' // one record is bad: dead letter, go on
  | 'stop' // a person has to decide: end with this text

export interface ErrorRow {
  readonly action: ErrorAction
  /** Lower case, no full stop; the values are in the context. */
  readonly text: string
  /** What a person does about it; shown after the text. */
  readonly help: string
}

export const errorTable = {
  // Command line and configuration
  USAGE: { action: 'stop', text: 'wrong usage', help: 'see k2 <command> --help' },
  LOG_NOT_WRITABLE: {
    action: 'stop',
    text: 'log file not writable',
    help: 'check --log-file, its folder and permissions',
  },
  HTTP_NOT_LISTENING: {
    action: 'stop',
    text: 'address for HTTP cannot be listened on',
    help: 'choose another with --http, or end the process that has it',
  },
  // Source
  SOURCE_MISSING: {
    action: 'stop',
    text: 'source directory not found',
    help: 'check --source, or write one with k2 feed csv',
  },
  SOURCE_EMPTY: {
    action: 'stop',
    text: 'no topic of the source fits',
    help: 'check --topic against the folders <topic>-<partition> of --source, or the topics of the cluster',
  },
  SOURCE_CORRUPT: {
    action: 'stop',
    text: 'corrupt record batch',
    help: 'restore the segment file from its broker or replica; nothing after this offset was read',
  },
  SOURCE_UNREADABLE: { action: 'retry', text: 'source file cannot be read', help: 'check permissions and the disk' },
  SOURCE_IDENTITY: {
    action: 'stop',
    text: 'cluster id or topic id missing or contradictory',
    help: 'meta.properties and partition.metadata must be those of one cluster and topic',
  },
  BROKER_UNREACHABLE: {
    action: 'retry',
    text: 'no broker answers as it should',
    help: 'check --brokers, --ssl, the network and the brokers',
  },
  BROKER_REFUSED: {
    action: 'stop',
    text: 'brokers refuse this client',
    help: 'check --sasl-*, --ssl* and the access rights on topics and group',
  },
  MEMBER_FENCED: {
    action: 'stop',
    text: 'another process has become the member of this name in the group',
    help: 'give each process that runs an --instance-id of its own; this one has stopped, the other goes on',
  },
  BROKER_UNTRUSTED: {
    action: 'stop',
    text: 'certificate of a broker is not trusted',
    help: 'name the file of who signed it with --ssl-ca, and the brokers with --brokers as their certificates do',
  },
  BROKER_UNSUPPORTED: {
    action: 'stop',
    text: 'broker or client library is not one that K2 can read from',
    help: 'brokers from Kafka 2.8 on are, with topics in message format v2',
  },
  FEED_INPUT: {
    action: 'stop',
    text: 'input of the feed cannot be read',
    help: 'correct the file; nothing of it was written',
  },
  FEED_CONFLICT: {
    action: 'stop',
    text: 'place of the feed holds something else than this feed',
    help: 'choose another directory or topic, add with --append, or finish the feed begun there with the same options',
  },
  CODEC_UNSUPPORTED: {
    action: 'stop',
    text: 'compression codec not supported',
    help: 'codecs none, gzip, snappy, lz4 and zstd are',
  },
  DECOMPRESSION_BOUND: {
    action: 'stop',
    text: 'record batch decompresses beyond its bound',
    help: 'raise --decompressed-bytes-max if the batch is genuine',
  },
  ROUTE_MISSING: {
    action: 'stop',
    text: 'topic has no route',
    help: 'name its table with --table, or give it a route in the config file; only market.{asset_class}.{data_type}.{exchange} has one by rule',
  },
  ROUTE_CONFLICT: {
    action: 'stop',
    text: 'two routes lead into one table',
    help: 'give one of them another table, or name the topics of both in one route of the config file',
  },
  ROUTE_COLUMN: {
    action: 'stop',
    text: 'a column that the route names cannot be used so',
    help: 'correct partition or sort of the route; columns and types are those that k2 tables show prints',
  },
  // Schemas
  SCHEMA_UNKNOWN: {
    action: 'stop',
    text: 'schema id not in the registry',
    help: 'add the schema to the registry (--schemas, --registry), or set --unknown-schema dead-letter',
  },
  SCHEMA_INVALID: { action: 'stop', text: 'schema cannot be read', help: 'correct the Avro schema file' },
  SCHEMA_UNSUPPORTED: {
    action: 'stop',
    text: 'schema has no exact Iceberg counterpart',
    help: 'see docs/schemas.md for the mapping and its refusals',
  },
  SCHEMA_INCOMPATIBLE: {
    action: 'stop',
    text: 'writer schema does not fit the table',
    help: 'see docs/schemas.md for what may change',
  },
  SCHEMA_REJECTED: {
    action: 'stop',
    text: 'schema registry does not take the schema',
    help: 'its subject holds one that this does not fit, or the registry does not allow it: see the reason',
  },
  REGISTRY_UNAVAILABLE: {
    action: 'retry',
    text: 'schema registry does not answer',
    help: 'check --registry, the network and the registry; k2 run waits and goes on by itself',
  },
  REGISTRY_REFUSED: {
    action: 'stop',
    text: 'schema registry refuses this client, or is none',
    help: 'check --registry, with its base path, and --registry-auth',
  },
  ...recordErrors,
  // Store
  STORE_NOT_WRITABLE: {
    action: 'stop',
    text: 'warehouse not writable',
    help: 'check --warehouse, its permissions and mount',
  },
  STORE_FULL: { action: 'retry', text: 'no space left for the warehouse', help: 'free space; k2 goes on by itself' },
  STORE_EXISTS: { action: 'verify', text: 'file exists already', help: 'another writer made it' },
  STORE_MISSING: {
    action: 'stop',
    text: 'file not found in the warehouse',
    help: 'restore it, or see docs/recovery.md',
  },
  STORE_IO: { action: 'retry', text: 'warehouse answered with an error', help: 'check the disk or the object store' },
  // Catalog and table
  CATALOG_LOCKED: {
    action: 'retry',
    text: 'catalog is locked by another process',
    help: 'find who holds the lock on the catalog file',
  },
  CATALOG_UNREADABLE: {
    action: 'stop',
    text: 'catalog cannot be opened',
    help: 'check --catalog; the file must be an Iceberg SQL catalog in SQLite',
  },
  TABLE_MISSING: { action: 'stop', text: 'table not found', help: 'check --table, or create it with k2 run' },
  TABLE_FOREIGN: {
    action: 'stop',
    text: 'table exists and was not written by k2',
    help: 'choose another --table, or take it over with k2 positions adopt',
  },
  TABLE_MISFIT: {
    action: 'stop',
    text: 'table does not fit the schema of the topic',
    help: 'compare k2 tables show with the Avro schema and the route (docs/config.md)',
  },
  TABLE_PROPERTY: {
    action: 'stop',
    text: 'table property has a value that cannot be used',
    help: 'set it to one that is allowed, or remove it; see docs/parquet.md',
  },
  TABLE_REPLACED: {
    action: 'stop',
    text: 'table was dropped and made again while k2 ran',
    help: 'start k2 run again once that is intended: it takes the new table',
  },
  TABLE_METADATA: {
    action: 'stop',
    text: 'table metadata cannot be read',
    help: 'another engine may have damaged it; see docs/recovery.md',
  },
  TABLE_FORMAT: {
    action: 'stop',
    text: 'table has a format version that K2 does not write',
    help: 'K2 reads and writes version 2; see docs/recovery.md',
  },
  TABLE_FILE_CORRUPT: {
    action: 'stop',
    text: 'data file of the table cannot be read',
    help: 'restore it from a copy, or see docs/recovery.md',
  },
  SIDE_TABLE_MISSING: {
    action: 'stop',
    text: 'side table is missing',
    help: 'register it again from its metadata, or let its rows go with k2 positions adopt; see docs/recovery.md',
  },
  // Commit protocol
  COMMIT_CONFLICT: { action: 'reload', text: 'another commit came first', help: 'k2 loads and checks again' },
  COMMIT_REJECTED: { action: 'stop', text: 'catalog refused the commit', help: 'see the reason given by the catalog' },
  COMMIT_GAVE_UP: {
    action: 'stop',
    text: 'commit did not succeed in its bounded number of attempts',
    help: 'find the other writers of this table, then start k2 run again',
  },
  POSITIONS_UNTRUSTED: {
    action: 'stop',
    text: 'table positions cannot be trusted',
    help: 'undo what was done to the table, or take it as it is with k2 positions adopt; see docs/recovery.md',
  },
  POSITIONS_INVALID: {
    action: 'stop',
    text: 'property k2.positions cannot be read',
    help: 'use the version of k2 that wrote it, or take the table as it is with k2 positions adopt; see docs/recovery.md',
  },
  POSITIONS_REFUSED: {
    action: 'stop',
    text: 'positions are not set so',
    help: 'nothing was changed; see the reason, and docs/recovery.md',
  },
  POSITIONS_MOVED: {
    action: 'stop',
    text: 'table changed while its positions were being set',
    help: 'another writer is active: stop it, look with k2 positions show, then set them again; nothing was changed',
  },
  POSITION_OUT_OF_RANGE: {
    action: 'stop',
    text: 'table position lies outside the log',
    help: 'give the lost offsets up with k2 run --accept-gap; see docs/recovery.md',
  },
  TOPIC_RECREATED: {
    action: 'stop',
    text: 'topic was made again under the same name',
    help: 'take the new one beside the old one with k2 positions adopt; see docs/recovery.md',
  },
  UNCONFIRMED_FULL: {
    action: 'retry',
    text: 'too many side files wait for their table',
    help: 'find what keeps the side table from being written',
  },
  UNCONFIRMED_MISSING: {
    action: 'stop',
    text: 'side files named by the main table are gone',
    help: 'restore them, or let them go with k2 positions adopt; see docs/recovery.md',
  },
  CHUNK_TOO_OLD: {
    action: 'reload',
    text: 'data files older than an hour are not committed',
    help: 'k2 reads their offsets again',
  },
  LAYOUT_CHANGED: {
    action: 'reload',
    text: 'table schema or partition spec changed after the files were written',
    help: 'k2 encodes their offsets again',
  },
  // Threads
  WORKER_DIED: { action: 'stop', text: 'a worker thread ended', help: 'report it with the log' },
  PARQUET: { action: 'stop', text: 'parquet encoder failed', help: 'report it with the log' },
  INTERNAL: { action: 'stop', text: 'unexpected failure', help: 'report it with the log' },
  // Demo
  ...trialErrors,
  ...queryErrors,
  // Proof
  VERIFY_UNSUPPORTED: {
    action: 'stop',
    text: 'table holds what k2 verify does not read, so nothing is proved',
    help: 'let the engine that wrote it compact the table, then verify again',
  },
} as const satisfies Record<string, ErrorRow>

export type ErrorCode = keyof typeof errorTable
/** Values that place an error: topic, partition, offset, file, option … Printed as `key=value`. */
export type ErrorContext = Readonly<Record<string, string | number | bigint | boolean>>

/** The one error class. Programming errors are `assert` and crash; everything the world can do is one of these. */
export class IngestError extends Error {
  readonly code: ErrorCode
  readonly context: ErrorContext

  constructor(code: ErrorCode, context: ErrorContext = {}, cause?: unknown) {
    super(describe(code, context, cause), cause === undefined ? undefined : { cause })
    this.name = 'IngestError'
    this.code = code
    this.context = context
  }

  get action(): ErrorAction {
    return errorTable[this.code].action
  }
}

/** One line: what happened, where, what to do. */
function describe(code: ErrorCode, context: ErrorContext, cause: unknown): string {
  const row = errorTable[code]
  const where = Object.entries(context).map(([key, value]) => `${key}=${value}`)
  const why = cause instanceof Error ? [`cause=${oneLine(cause.message)}`] : []
  const place = [...where, ...why].join(' ')
  return `${code}: ${row.text}${place === '' ? '' : ` (${place})`}; ${row.help}`
}

const oneLine = (text: string): string => text.replace(/\s+/g, ' ').slice(0, 500)

/** An error as plain data, for messages between threads. */
export interface Failure {
  readonly code: ErrorCode
  readonly context: ErrorContext
  readonly cause: string
}

/** Any thrown value as plain data; what is not ours becomes INTERNAL with its stack as the cause. */
export function toFailure(error: unknown): Failure {
  if (error instanceof IngestError) {
    const cause = error.cause instanceof Error ? error.cause.message : ''
    return { code: error.code, context: error.context, cause: oneLine(cause) }
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return { code: 'INTERNAL', context: {}, cause: oneLine(text) }
}

/** The inverse of {@link toFailure}. */
export function fromFailure(failure: Failure): IngestError {
  return new IngestError(failure.code, failure.context, failure.cause === '' ? undefined : new Error(failure.cause))
}

/** Our own bug: ends the thread. Not for anything the outside world can cause. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${message}`)
}

/** Exhaustiveness of a union: does not compile while a case is missing. */
export function assertNever(value: never): never {
  throw new Error(`unhandled case: ${JSON.stringify(value)}`)
}
