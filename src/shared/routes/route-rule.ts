// A route as the config file has it: which topics, into which table, and what is chosen for it. Plain data, any thread: a part of
// the frozen config. Invariant: what a route leaves open (null, or absent) is what the options of the run, or the table, say.
import type { ColumnChoices } from '../columns/column-choices.ts'
import type { TombstonePolicy, UnknownSchemaPolicy } from '../messages.ts'
import type { ParquetCodec } from '../parquet/page-compression.ts'
import type { TopicPattern } from './route-topics.ts'

/** One field of a partition spec, by the name of its column. */
export interface PartitionTerm {
  /** As Iceberg writes it: `identity`, `day`, `bucket[16]`, … */
  readonly transform: string
  readonly column: string
}

/** One field of a sort order, by the name of its column. */
export interface SortTerm {
  readonly column: string
  readonly descending: boolean
  readonly nullsFirst: boolean
}

export interface CompressionChoice {
  readonly codec: ParquetCodec
  /** Null: the default of the codec. */
  readonly level: number | null
}

/** The options of `k2 run` that a route may have its own value of, by their flag. */
export const routeOptionKeys = [
  'tombstone',
  'unknown-schema',
  'partition-window-first',
  'partition-window-ahead',
  'kafka-key',
  'kafka-headers',
  'batch-size',
  'commit-bytes',
  'commit-interval',
] as const

/** Their values, where the route has one that no flag and no variable overrules. */
export interface RouteOptions {
  readonly tombstone?: TombstonePolicy
  readonly unknownSchema?: UnknownSchemaPolicy
  readonly partitionWindowFirstUs?: string
  readonly partitionWindowAheadMs?: number
  readonly kafkaKey?: boolean
  readonly kafkaHeaders?: boolean
  readonly batchSize?: number
  readonly commitBytes?: number
  readonly commitIntervalMs?: number
}

export interface RouteRule {
  /** Its place in the document: `routes[2]`. */
  readonly path: string
  readonly topics: readonly TopicPattern[]
  /** `namespace.name`; `{capture}` stands for a part of the topic's name. */
  readonly table: string
  /** Null: by the rule of every table. Empty: unpartitioned. */
  readonly partition: readonly PartitionTerm[] | null
  readonly sort: readonly SortTerm[] | null
  readonly compression: CompressionChoice | null
  readonly columns: ColumnChoices
  readonly options: RouteOptions
}
