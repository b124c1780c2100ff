// The wire between threads: unions on `kind`, all fields readonly, plain data only (no class, Date, function, Error).
// Bytes are Uint8Array over memory the sender allocated, listed for transfer by the sender.
import type { WriterSchema } from './avro/writer-schema.ts'
import type { ColumnChoices } from './columns/column-choices.ts'
import type { ReplayWork, SeenTable } from './commit/commit-work.ts'
import type { Positions } from './commit/positions.ts'
import type { RouteSpec } from './commit/route-spec.ts'
import type { ErrorCode, Failure } from './errors.ts'
import type { NewTable, TableName } from './iceberg/catalog.ts'
import type { DataFile } from './iceberg/data-file.ts'
import type { IcebergSchema, PartitionSpec } from './iceberg/schema.ts'
import type { SortOrder } from './iceberg/sort-order.ts'
import type { PartitionPosition, PartitionRange } from './offsets.ts'
import type { ParquetProperties } from './parquet/parquet-properties.ts'

/** What an encode worker must know of a table to write files for it. */
export interface TableLayout {
  readonly table: string
  readonly uuid: string
  /** Directory for new data files, e.g. `file:///…/market_data/trades_v2/data`. */
  readonly dataLocation: string
  readonly schema: IcebergSchema
  readonly spec: PartitionSpec
  /** How the table wants its files, as its properties were when it was opened. */
  readonly parquet: ParquetProperties
  /** Which fields of a record have a column of another name, or none; absent: each has the column of its name. */
  readonly columns?: ColumnChoices
  /** The sort order that rows of a file have; absent: that of the log. */
  readonly sort?: SortOrder
}

/** What the committer tells the coordinator of a route's tables before anything is read. */
export interface RouteTables {
  readonly main: TableLayout
  readonly deadLetters: TableLayout
  /** Where reading goes on; a partition without marks is absent. */
  readonly positions: readonly PartitionPosition[]
}

/** A schema id the registry does not have; with policy `dead-letter` its records are dead letters instead of a stop. */
export interface MissingSchema {
  readonly id: number
  readonly topicName: string
  readonly partition: number
  readonly offset: string
}

export type TombstonePolicy = 'skip' | 'store'
export type UnknownSchemaPolicy = 'stop' | 'dead-letter'

/** One partition's share of a chunk. Records outside [first, next) are skipped: the chunk may cut a record batch. */
export interface ChunkPart extends PartitionRange {
  readonly topicName: string
  readonly bytes: Uint8Array
}

export interface RoutePolicy {
  readonly route: string
  readonly tombstone: TombstonePolicy
  readonly unknownSchema: UnknownSchemaPolicy
  /** The partition column must lie in [windowFirstUs, kafka_timestamp + windowAheadUs]; µs since 1970 as decimal strings. */
  readonly windowFirstUs: string
  readonly windowAheadUs: string
}

export interface EncodeRequest {
  readonly kind: 'encode'
  /** Names the data files; unique in the table, e.g. `<uuid>`. */
  readonly fileStem: string
  readonly policy: RoutePolicy
  readonly main: TableLayout
  readonly deadLetters: TableLayout
  readonly schemas: readonly WriterSchema[]
  /** Ids the registry was asked for and does not have: their records are dead letters. */
  readonly missingSchemaIds: readonly number[]
  readonly parts: readonly ChunkPart[]
  readonly decompressedBytesMax: number
  /** µs since 1970 as decimal string: `seen_at` of this chunk's dead letters. */
  readonly seenAtUs: string
  /** A replay leaves the dead letters where they are; one that only looks puts nothing. */
  readonly puts: 'rows and dead letters' | 'rows' | 'nothing'
}

/** What happened to the offsets of one partition of a chunk; the counts add up to every record in its range. */
export interface RangeOutcome extends PartitionRange {
  readonly records: number
  readonly rows: number
  readonly deadLetters: number
  readonly tombstonesSkipped: number
  /** Offsets of the dead letters, where they are not put: which records of a replay are still bad. Doubles, exact up to 2^53. */
  readonly badOffsets?: readonly number[]
}

export interface StageTimes {
  readonly decompressMs: number
  readonly decodeMs: number
  readonly encodeMs: number
  readonly putMs: number
}

export type DeadLetterCounts = Readonly<Partial<Record<ErrorCode, number>>>

/** What an encode worker says once, when its modules are loaded. */
export const workerLoaded = 'loaded'

/** One answer never lists more unknown ids: garbage would otherwise make a list as long as the chunk. */
export const SCHEMAS_UNKNOWN_MAX = 100

export type EncodeReply =
  | {
      readonly kind: 'encoded'
      readonly ranges: readonly RangeOutcome[]
      readonly dataFiles: readonly DataFile[]
      readonly deadLetterFiles: readonly DataFile[]
      /** Wall-clock ms when the files were put: the age limit of guard 8 counts from here. */
      readonly encodedAtMs: number
      readonly times: StageTimes
      /** Dead letters by their code; absent where there are none. */
      readonly deadLetterCodes?: DeadLetterCounts
    }
  /** Ids neither in `schemas` nor in `missingSchemaIds`, each with its first record; at most SCHEMAS_UNKNOWN_MAX of them. */
  | { readonly kind: 'unknown-schemas'; readonly schemas: readonly MissingSchema[] }
  | { readonly kind: 'too-many-partitions'; readonly count: number }
  | { readonly kind: 'failed'; readonly failure: Failure }

/** A group of encoded chunks that becomes one snapshot. */
export interface CommitGroup {
  readonly ranges: readonly RangeOutcome[]
  readonly dataFiles: readonly DataFile[]
  readonly deadLetterFiles: readonly DataFile[]
  readonly oldestEncodedAtMs: number
  readonly epoch: number
  /** Absent but for a replay of dead letters. */
  readonly replay?: ReplayWork
}

/** The transaction log line of one snapshot (mission row R5); 64-bit numbers as decimal strings. */
export interface Transaction {
  readonly table: string
  readonly snapshot_id_before: string | null
  readonly snapshot_id_after: string
  readonly sequence_number_before: string
  readonly sequence_number_after: string
  readonly added_records: number
  readonly added_data_files: number
  readonly added_files_size_bytes: number
  readonly total_records: string
  readonly transaction_duration_ms: number
  readonly attempts: number
  readonly commit_id: string
}

export type CommitReply =
  | { readonly kind: 'committed'; readonly transaction: Transaction; readonly positions: readonly PartitionPosition[] }
  /** Another process owns these offsets now: drop everything in flight and start from these positions. */
  | { readonly kind: 'fenced'; readonly positions: readonly PartitionPosition[] }
  | { readonly kind: 'failed'; readonly failure: Failure }

/** Positions that an operator sets, decided on what somebody saw; a commit like any other (docs/protocol.md). */
export interface PositionsChange {
  readonly table: TableName
  readonly tableUuid: string
  readonly seen: SeenTable
  readonly positions: Positions
  readonly ranges: readonly PartitionRange[]
  readonly summary: Readonly<Record<string, string>>
  readonly writer: string
  readonly group: string
  /** The dead letters' table, made first where it is not there; null: it is left alone. */
  readonly deadLetters: Omit<NewTable, 'properties'> | null
}

export type ChangeReply =
  | { readonly kind: 'changed'; readonly snapshotId: string }
  /** The table says something else than was seen. */
  | { readonly kind: 'moved' }
  | { readonly kind: 'failed'; readonly failure: Failure }

export interface FilesDeleted {
  readonly dataFiles: number
  readonly manifests: number
  readonly manifestLists: number
}

/** What `k2 tables expire` did to one table. */
export type ExpireReply =
  | {
      readonly kind: 'expired'
      readonly snapshots: number
      readonly oldRefs: number
      readonly newTags: number
      readonly snapshotsLeft: number
      readonly deleted: FilesDeleted
      /** Lists of expired snapshots whose files wait for their grace. */
      readonly listsWaiting: number
    }
  | { readonly kind: 'failed'; readonly failure: Failure }

/** What the coordinator asks of the commit thread; answered under the same `call`. */
export type CommitterCall =
  | { readonly kind: 'open'; readonly call: number; readonly route: RouteSpec }
  | { readonly kind: 'commit'; readonly call: number; readonly route: string; readonly group: CommitGroup }
  /** Answered at once, whatever commits are under way: whether the thread is alive. */
  | { readonly kind: 'ping'; readonly call: number }
  | { readonly kind: 'change'; readonly call: number; readonly change: PositionsChange }
  | { readonly kind: 'expire'; readonly call: number; readonly table: TableName }
  | { readonly kind: 'close'; readonly call: number }

export type CommitterAnswer =
  | { readonly kind: 'opened'; readonly call: number; readonly tables: RouteTables }
  | { readonly kind: 'committed'; readonly call: number; readonly reply: CommitReply }
  | { readonly kind: 'alive'; readonly call: number }
  | { readonly kind: 'changed'; readonly call: number; readonly reply: ChangeReply }
  | { readonly kind: 'expired'; readonly call: number; readonly reply: ExpireReply }
  | { readonly kind: 'closed'; readonly call: number }
  | { readonly kind: 'failed'; readonly call: number; readonly failure: Failure }
  /** A line for the log, belonging to no call: what is retried, what waits. */
  | { readonly kind: 'notice'; readonly fields: Readonly<Record<string, string | number>> }
  | { readonly kind: 'fact'; readonly fact: CommitFact }

/** What the committer tells whoever measures it; `table` may be a side table, and is empty where the catalog itself is waited for. */
export type CommitFact =
  /** The catalog's answer to one request. */
  | {
      readonly kind: 'answered'
      readonly table: string
      readonly outcome: 'committed' | 'conflict' | 'unknown' | 'rejected'
    }
  /** A request to expire snapshots; `failed`: none was sent. */
  | {
      readonly kind: 'expired'
      readonly table: string
      readonly outcome: 'done' | 'conflict' | 'unknown' | 'rejected' | 'failed'
      readonly snapshots: number
      readonly oldRefs: number
      readonly newTags: number
      readonly ms: number
    }
  /** Files of expired snapshots, deleted after their grace. */
  | {
      readonly kind: 'swept'
      readonly table: string
      readonly outcome: 'done' | 'failed'
      readonly dataFiles: number
      readonly manifests: number
      readonly manifestLists: number
      readonly ms: number
    }
  /** Something is tried again after a while; `why` is a code, or what the catalog answered. */
  | { readonly kind: 'waiting'; readonly table: string; readonly why: string }
