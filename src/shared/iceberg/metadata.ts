// Table metadata of Iceberg format v2 (spec: "Table Metadata and Snapshots"), in memory: 64-bit ids are bigint, the rest keeps
// the wire's kebab-case names. Fields that K2 does not interpret are carried along unchanged (`rest`). Pure.
import type { IcebergSchema, PartitionSpec } from './schema.ts'

export interface Snapshot {
  readonly 'snapshot-id': bigint
  readonly 'parent-snapshot-id': bigint | null
  readonly 'sequence-number': bigint
  readonly 'timestamp-ms': number
  readonly 'manifest-list': string
  /** `operation` and the summary keys. */
  readonly summary: Readonly<Record<string, string>>
  readonly 'schema-id': number | null
  /** Members K2 does not interpret, written back as read. */
  readonly rest?: Readonly<Record<string, unknown>>
}

export interface SnapshotRef {
  readonly 'snapshot-id': bigint
  readonly type: 'branch' | 'tag'
  readonly 'max-ref-age-ms'?: bigint
  readonly 'min-snapshots-to-keep'?: number
  readonly 'max-snapshot-age-ms'?: bigint
}

export interface TableMetadata {
  readonly 'format-version': number
  readonly 'table-uuid': string
  readonly location: string
  readonly 'last-sequence-number': bigint
  readonly 'last-updated-ms': number
  readonly 'last-column-id': number
  readonly schemas: readonly IcebergSchema[]
  readonly 'current-schema-id': number
  readonly 'partition-specs': readonly PartitionSpec[]
  readonly 'default-spec-id': number
  readonly 'last-partition-id': number
  readonly properties: Readonly<Record<string, string>>
  readonly 'current-snapshot-id': bigint | null
  readonly snapshots: readonly Snapshot[]
  readonly refs: Readonly<Record<string, SnapshotRef>>
  readonly 'snapshot-log': ReadonlyArray<{ readonly 'snapshot-id': bigint; readonly 'timestamp-ms': number }>
  readonly 'metadata-log': ReadonlyArray<{ readonly 'metadata-file': string; readonly 'timestamp-ms': number }>
  /** Everything else of the file (sort orders, statistics, …), written back as read. */
  readonly rest: Readonly<Record<string, unknown>>
}

/** What must hold on the server's current metadata for an update to be applied (REST spec, TableRequirement). */
export type TableRequirement =
  | { readonly type: 'assert-create' }
  | { readonly type: 'assert-table-uuid'; readonly uuid: string }
  | { readonly type: 'assert-ref-snapshot-id'; readonly ref: string; readonly 'snapshot-id': bigint | null }
  | { readonly type: 'assert-current-schema-id'; readonly 'current-schema-id': number }
  | { readonly type: 'assert-last-assigned-field-id'; readonly 'last-assigned-field-id': number }
  | { readonly type: 'assert-default-spec-id'; readonly 'default-spec-id': number }

/** Changes of one commit, applied in order (REST spec, TableUpdate). */
export type TableUpdate =
  | { readonly action: 'add-snapshot'; readonly snapshot: Snapshot }
  | ({ readonly action: 'set-snapshot-ref'; readonly 'ref-name': string } & SnapshotRef)
  | { readonly action: 'set-properties'; readonly updates: Readonly<Record<string, string>> }
  | { readonly action: 'remove-properties'; readonly removals: readonly string[] }
  | { readonly action: 'add-schema'; readonly schema: IcebergSchema }
  | { readonly action: 'set-current-schema'; readonly 'schema-id': number }
  | { readonly action: 'remove-snapshots'; readonly 'snapshot-ids': readonly bigint[] }
  | { readonly action: 'remove-snapshot-ref'; readonly 'ref-name': string }
