// Data files as `k2 tables files` lists them: partition, rows, size, bounds. Pure. Invariant: of the files of a table no more are
// kept than will be shown, twice over at most.
import { childFields } from '../../shared/columns/nested-fields.ts'
import type { ManifestEntry } from '../../shared/iceberg/manifest.ts'
import { dataFileOf } from '../../shared/iceberg/manifest.ts'
import type { TableMetadata } from '../../shared/iceberg/metadata.ts'
import type { IcebergField, IcebergSchema } from '../../shared/iceberg/schema.ts'
import { type PartitionPaths, partitionPathsOf } from './file-survey.ts'
import { boundText } from './value-text.ts'

export type FileOrder = 'largest' | 'smallest' | 'newest' | 'oldest'

export interface ColumnBounds {
  /** Path of the column by its current name, `legs.element.price`. Dropped columns are left out. */
  readonly column: string
  readonly lower: string | null
  readonly upper: string | null
  readonly nulls: number | null
}

export interface FileRow {
  readonly location: string
  /** `timestamp_day=2014-03-10`, '' without partitions. */
  readonly partition: string
  readonly rows: bigint
  readonly bytes: bigint
  readonly snapshotId: bigint
  readonly sequenceNumber: bigint | null
  /** In the order of the schema. */
  readonly bounds: readonly ColumnBounds[]
}

export interface ChosenFiles {
  readonly rows: readonly FileRow[]
  /** Files that fit the partition, of which `rows` are the first. */
  readonly total: number
}

interface Kept {
  readonly entry: ManifestEntry
  readonly partition: string
}

/** Whether a partition path has all the wanted parts, `timestamp_day=2014-03-10` or several, comma-separated. */
export function partitionFilter(wanted: string | null): (path: string) => boolean {
  if (wanted === null) return () => true
  const parts = wanted.split(/[,/]/).map((part) => part.trim())
  return (path) => {
    const own = path.split('/')
    return parts.every((part) => own.includes(part) || own.map(decoded).includes(part))
  }
}

/** As a person writes it; a path has it encoded. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part.replaceAll('+', ' '))
  } catch {
    return part
  }
}

/** Takes the entries of a snapshot one by one, keeps those that come first. */
export class FileChoice {
  readonly #pathOf: PartitionPaths
  readonly #columns: ReadonlyMap<number, LeafColumn>
  readonly #fits: (path: string) => boolean
  readonly #before: (left: ManifestEntry, right: ManifestEntry) => number
  readonly #limit: number
  #kept: Kept[] = []
  #total = 0

  constructor(
    metadata: TableMetadata,
    chosen: { readonly partition: string | null; readonly order: FileOrder; readonly limit: number },
  ) {
    this.#pathOf = partitionPathsOf(metadata)
    this.#columns = leafColumns(metadata)
    this.#fits = partitionFilter(chosen.partition)
    this.#before = orders[chosen.order]
    this.#limit = chosen.limit
  }

  /** A live entry of a manifest of this spec; deletes are passed over. */
  add(entry: ManifestEntry, specId: number): void {
    if (entry.file.content !== 0) return
    const partition = this.#pathOf(entry, specId)
    if (!this.#fits(partition)) return
    this.#total += 1
    this.#kept.push({ entry, partition })
    if (this.#kept.length >= 2 * this.#limit) this.#cut()
  }

  chosen(): ChosenFiles {
    this.#cut()
    return { rows: this.#kept.map((kept) => fileRow(kept, this.#columns)), total: this.#total }
  }

  #cut(): void {
    this.#kept = this.#kept.toSorted((left, right) => this.#before(left.entry, right.entry)).slice(0, this.#limit)
  }
}

const compare = (left: bigint, right: bigint): number => (left < right ? -1 : left > right ? 1 : 0)
const bySize = (left: ManifestEntry, right: ManifestEntry): number =>
  compare(left.file.file_size_in_bytes, right.file.file_size_in_bytes) || byPath(left, right)
const byAge = (left: ManifestEntry, right: ManifestEntry): number =>
  compare(left.sequenceNumber ?? 0n, right.sequenceNumber ?? 0n) || byPath(left, right)
const byPath = (left: ManifestEntry, right: ManifestEntry): number =>
  left.file.file_path < right.file.file_path ? -1 : left.file.file_path > right.file.file_path ? 1 : 0

const orders: Readonly<Record<FileOrder, (left: ManifestEntry, right: ManifestEntry) => number>> = {
  largest: (left, right) => bySize(right, left),
  smallest: bySize,
  newest: (left, right) => byAge(right, left),
  oldest: byAge,
}

interface LeafColumn {
  readonly path: string
  readonly field: IcebergField
}

/** Primitive columns of the current schema by field id, in its order. */
function leafColumns(metadata: TableMetadata): ReadonlyMap<number, LeafColumn> {
  const columns = new Map<number, LeafColumn>()
  const visit = (field: IcebergField, above: readonly string[]): void => {
    const path = [...above, field.name]
    if (typeof field.type === 'string') columns.set(field.id, { path: path.join('.'), field })
    for (const child of childFields(field.type)) visit(child, path)
  }
  const schema: IcebergSchema | undefined = metadata.schemas.find(
    (each) => each['schema-id'] === metadata['current-schema-id'],
  )
  for (const field of schema?.fields ?? []) visit(field, [])
  return columns
}

function fileRow({ entry, partition }: Kept, columns: ReadonlyMap<number, LeafColumn>): FileRow {
  const { metrics } = dataFileOf(entry.file, 0)
  const [lower, upper, nulls] = [
    new Map(metrics.lowerBounds),
    new Map(metrics.upperBounds),
    new Map(metrics.nullValueCounts),
  ]
  const known = [...columns].filter(([id]) => lower.has(id) || upper.has(id) || nulls.has(id))
  return {
    location: entry.file.file_path,
    partition,
    rows: entry.file.record_count,
    bytes: entry.file.file_size_in_bytes,
    snapshotId: entry.snapshotId,
    sequenceNumber: entry.sequenceNumber,
    bounds: known.map(([id, { path, field }]) => ({
      column: path,
      lower: textOf(field, lower.get(id)),
      upper: textOf(field, upper.get(id)),
      nulls: nulls.get(id) ?? null,
    })),
  }
}

const textOf = ({ type }: IcebergField, bytes: Uint8Array | undefined): string | null =>
  bytes === undefined || typeof type !== 'string' ? null : boundText(type, bytes)
