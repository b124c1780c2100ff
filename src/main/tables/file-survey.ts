// What the files of a snapshot are, added up entry by entry: rows, bytes, size classes, partitions, deletes. Pure.
// Invariant: memory follows the number of partitions, up to a bound, never the number of files.
import type { ManifestEntry } from '../../shared/iceberg/manifest.ts'
import { partitionValue } from '../../shared/iceberg/manifest.ts'
import type { TableMetadata } from '../../shared/iceberg/metadata.ts'
import { type PartitionColumn, partitionColumns, partitionPath } from '../../shared/iceberg/partition-transform.ts'
import { isSmall, type SizeClass, SizeClasses, targetFileBytes } from './size-classes.ts'

export interface PartitionTotals {
  /** `timestamp_day=2014-03-10`, '' of a table without partitions. */
  readonly path: string
  readonly files: number
  readonly rows: bigint
  readonly bytes: bigint
  /** Files far below the target size. */
  readonly smallFiles: number
  /** How many files fewer there would be if the small ones were put together. */
  readonly savedFiles: number
}

export interface FileTotals {
  readonly dataFiles: number
  readonly rows: bigint
  readonly bytes: bigint
  /** Null without a file. */
  readonly smallestBytes: bigint | null
  readonly largestBytes: bigint | null
  readonly targetBytes: number
  readonly classes: readonly SizeClass[]
  /** By path. */
  readonly partitions: readonly PartitionTotals[]
  /** Files of partitions beyond the bound, which are not told apart. */
  readonly otherFiles: number
  /** Files with deletes, which only other engines write. */
  readonly deleteFiles: { readonly position: number; readonly equality: number; readonly rows: bigint }
}

/** Partitions told apart; a table with more has other troubles. */
const PARTITIONS_MAX = 100_000

interface Sum {
  files: number
  rows: bigint
  bytes: bigint
  smallFiles: number
  smallBytes: bigint
}

/** Path of an entry's partition, by the spec of its manifest. */
export type PartitionPaths = (entry: ManifestEntry, specId: number) => string

/** Errors while used: TABLE_METADATA for a spec that is not there, or a transform of the future. */
export function partitionPathsOf(metadata: TableMetadata): PartitionPaths {
  const schema = metadata.schemas.find((each) => each['schema-id'] === metadata['current-schema-id'])
  const known = new Map<number, readonly PartitionColumn[]>()
  const columnsOf = (specId: number): readonly PartitionColumn[] => {
    const spec = metadata['partition-specs'].find((each) => each['spec-id'] === specId)
    const found =
      known.get(specId) ?? (spec === undefined || schema === undefined ? [] : partitionColumns(spec, schema))
    known.set(specId, found)
    return found
  }
  return (entry, specId) => partitionPath(columnsOf(specId), entry.file.partition.map(partitionValue))
}

export class FileSurvey {
  readonly #targetBytes: number
  readonly #pathOf: PartitionPaths
  readonly #classes = new SizeClasses()
  readonly #partitions = new Map<string, Sum>()
  readonly #partitionsMax: number
  #dataFiles = 0
  #rows = 0n
  #bytes = 0n
  #smallest: bigint | null = null
  #largest: bigint | null = null
  #otherFiles = 0
  #deletes = { position: 0, equality: 0, rows: 0n }

  constructor(metadata: TableMetadata, partitionsMax = PARTITIONS_MAX) {
    this.#targetBytes = targetFileBytes(metadata)
    this.#pathOf = partitionPathsOf(metadata)
    this.#partitionsMax = partitionsMax
  }

  /** A live entry of a manifest of this spec. */
  add(entry: ManifestEntry, specId: number): void {
    const { content, record_count: rows, file_size_in_bytes: bytes } = entry.file
    if (content !== 0) {
      this.#deletes[content === 1 ? 'position' : 'equality'] += 1
      this.#deletes.rows += rows
      return
    }
    this.#dataFiles += 1
    this.#rows += rows
    this.#bytes += bytes
    if (this.#smallest === null || bytes < this.#smallest) this.#smallest = bytes
    if (this.#largest === null || bytes > this.#largest) this.#largest = bytes
    this.#classes.add(bytes, rows)
    const sum = this.#sumOf(this.#pathOf(entry, specId))
    if (sum === null) this.#otherFiles += 1
    else addTo(sum, rows, bytes, isSmall(Number(bytes), this.#targetBytes))
  }

  totals(): FileTotals {
    const partitions = [...this.#partitions].map(
      ([path, { files, rows, bytes, smallFiles, smallBytes }]): PartitionTotals => {
        const needed = Math.ceil(Number(smallBytes) / this.#targetBytes)
        return { path, files, rows, bytes, smallFiles, savedFiles: Math.max(0, smallFiles - needed) }
      },
    )
    return {
      dataFiles: this.#dataFiles,
      rows: this.#rows,
      bytes: this.#bytes,
      smallestBytes: this.#smallest,
      largestBytes: this.#largest,
      targetBytes: this.#targetBytes,
      classes: this.#classes.all(),
      partitions: partitions.sort((left, right) => (left.path < right.path ? -1 : 1)),
      otherFiles: this.#otherFiles,
      deleteFiles: { ...this.#deletes },
    }
  }

  #sumOf(path: string): Sum | null {
    const known = this.#partitions.get(path)
    if (known !== undefined) return known
    if (this.#partitions.size >= this.#partitionsMax) return null
    const sum = { files: 0, rows: 0n, bytes: 0n, smallFiles: 0, smallBytes: 0n }
    this.#partitions.set(path, sum)
    return sum
  }
}

function addTo(sum: Sum, rows: bigint, bytes: bigint, small: boolean): void {
  sum.files += 1
  sum.rows += rows
  sum.bytes += bytes
  if (!small) return
  sum.smallFiles += 1
  sum.smallBytes += bytes
}
