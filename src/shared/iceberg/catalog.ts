// Port: an Iceberg catalog. One attempt per call, no retry inside: a resend must be preceded by a check (design.md section 3, guard 2).
import type { TableMetadata, TableRequirement, TableUpdate } from './metadata.ts'
import type { IcebergSchema, PartitionSpec } from './schema.ts'
import type { SortOrder } from './sort-order.ts'

export interface TableName {
  /** Namespace levels, outermost first. */
  readonly namespace: readonly string[]
  readonly name: string
}

export interface LoadedTable {
  readonly metadata: TableMetadata
  readonly metadataLocation: string
}

/** How a commit ended. `unknown`: it may have landed, or may still land; nothing may be deleted. */
export type CommitOutcome =
  | { readonly kind: 'done'; readonly table: LoadedTable }
  | { readonly kind: 'conflict'; readonly reason: string }
  | { readonly kind: 'unknown'; readonly reason: string }
  | { readonly kind: 'rejected'; readonly reason: string }

export interface NewTable {
  readonly schema: IcebergSchema
  readonly spec: PartitionSpec
  /** Absent: none. */
  readonly sortOrder?: SortOrder
  readonly location: string
  readonly properties: Readonly<Record<string, string>>
}

export interface Catalog {
  /** Null where there is no such table. Errors: CATALOG_LOCKED, CATALOG_UNREADABLE, TABLE_METADATA, STORE_*. */
  loadTable(name: TableName): Promise<LoadedTable | null>
  /** Creates namespace and table. `conflict` where the table exists: the loser loads the winner's. Field ids may be re-assigned. */
  createTable(name: TableName, table: NewTable): Promise<CommitOutcome>
  /** One attempt: requirements are checked against the current metadata, then the updates are applied, or neither. */
  updateTable(
    name: TableName,
    requirements: readonly TableRequirement[],
    updates: readonly TableUpdate[],
  ): Promise<CommitOutcome>
  listTables(): Promise<readonly TableName[]>
  close(): Promise<void>
}

export const formatTableName = (name: TableName): string => [...name.namespace, name.name].join('.')
