// What the coordinator asks the committer to open: the tables a route needs and the partitions it will read. Plain data, crosses
// from the main thread to the commit thread.

import type { WriterSchema } from '../avro/writer-schema.ts'
import type { ColumnChoices } from '../columns/column-choices.ts'
import type { TableName } from '../iceberg/catalog.ts'
import type { IcebergSchema, PartitionSpec } from '../iceberg/schema.ts'
import type { SortOrder } from '../iceberg/sort-order.ts'
import type { SourceState } from './guards.ts'
import type { PartitionMove } from './position-moves.ts'
import type { TablePolicy } from './positions.ts'

/** What a route chooses for its table; a table that exists must have it, or be brought to it (docs/config.md). */
export interface TableChoices {
  /** Whether the partition spec was chosen by name. */
  readonly isSpecChosen: boolean
  readonly isSortChosen: boolean
  /** Column ids are those of the wanted schema; null: no order. */
  readonly sortOrder: SortOrder | null
  readonly columns: ColumnChoices
  /** Fields that are renamed or left out, and that the newest schema does not have. */
  readonly absentFields: readonly string[]
  /** Properties that are set where the table has others. */
  readonly properties: Readonly<Record<string, string>>
}

export interface RouteSpec {
  readonly route: string
  readonly table: TableName
  /** Schema of a new table. */
  readonly schema: IcebergSchema
  /** Schemas that records are known to be written with: a table that exists is brought to hold them. */
  readonly writers: readonly WriterSchema[]
  readonly spec: PartitionSpec
  readonly deadLetters: { readonly schema: IcebergSchema; readonly spec: PartitionSpec }
  /** Root under which new tables get their folders: `<location>/<namespace…>/<name>`. */
  readonly location: string
  /** Partitions of the source, with where a partition begins that the table does not know. */
  readonly partitions: readonly SourceState[]
  /** Assignment epoch of the source: work of an older one is refused (guard 7). */
  readonly epoch: number
  /** Lost offsets that an operator gave up: each moves a partition that stands at `position`. */
  readonly acceptedGaps: readonly (PartitionMove & { readonly position: bigint })[]
  readonly group: string
  readonly writer: string
  readonly tombstone: TablePolicy['tombstone']
  /** Further properties of a new main table. */
  readonly properties: Readonly<Record<string, string>>
  /** Absent: nothing is chosen. */
  readonly choices?: TableChoices
}
