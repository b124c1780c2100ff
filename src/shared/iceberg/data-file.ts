// A data file as a manifest entry needs it: location, partition values, metrics (Iceberg spec, "Manifests", data_file struct).
// Plain data: it crosses threads from the encode worker, which wrote the file, to the committer, which names it in a manifest.

/** Partition value of one partition field: `day` and other integer transforms as number, null for a null source. */
export type PartitionValue = number | string | null

export interface DataFile {
  /** Absolute location as the table metadata spells it (`file:///…`, `s3://…`). */
  readonly location: string
  readonly recordCount: number
  readonly sizeBytes: number
  /** In the order of the partition spec's fields. */
  readonly partition: readonly PartitionValue[]
  readonly specId: number
  readonly schemaId: number
  readonly metrics: FileMetrics
  /** Sort order that the rows have; absent: none. */
  readonly sortOrderId?: number
  /** Offsets of the row groups in the file, for split planning. */
  readonly splitOffsets: readonly number[]
}

/** Per field id (leaf columns). Bounds in Iceberg's single-value binary serialization (spec, Appendix D). */
export interface FileMetrics {
  readonly columnSizes: ReadonlyArray<readonly [fieldId: number, bytes: number]>
  readonly valueCounts: ReadonlyArray<readonly [fieldId: number, count: number]>
  readonly nullValueCounts: ReadonlyArray<readonly [fieldId: number, count: number]>
  readonly nanValueCounts: ReadonlyArray<readonly [fieldId: number, count: number]>
  readonly lowerBounds: ReadonlyArray<readonly [fieldId: number, value: Uint8Array]>
  readonly upperBounds: ReadonlyArray<readonly [fieldId: number, value: Uint8Array]>
}
