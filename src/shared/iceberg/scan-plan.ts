// Plans a scan: which files of a snapshot may hold rows that satisfy a query (Iceberg spec, "Scan Planning"). Any thread that may use
// the store. Invariant: a manifest that its partition summaries rule out is not read, and a file is left out only where partition
// values or column bounds prove that no row of it is wanted.
import type { Store } from '../store/store.ts'
import { loadManifestList } from './append.ts'
import type { FileMetrics } from './data-file.ts'
import { dataFileOf, decodeManifest, type ManifestEntry } from './manifest.ts'
import type { ManifestFile } from './manifest-list.ts'
import type { TableMetadata } from './metadata.ts'
import { mayMatchPartition, mayMatchSummaries, type PartitionCondition, projectConditions } from './scan-partition.ts'
import type { Condition, Conjunction } from './scan-predicate.ts'
import { boundValue, mayMatchAll, type ValueRange } from './scan-range.ts'
import type { ReadPoint } from './scan-snapshot.ts'

export interface PlannedFile {
  readonly location: string
  readonly format: string
  readonly recordCount: number
  readonly sizeBytes: number
}

export interface PlannedDelete extends PlannedFile {
  readonly kind: 'position' | 'equality'
}

export interface ScanCounts {
  /** Manifests of data files that the snapshot has, and those that were read. */
  readonly manifests: number
  readonly manifestsRead: number
  /** Live data files of the snapshot, as its manifest list counts them, and those that are kept. */
  readonly files: number
  readonly filesKept: number
}

export interface ScanPlan {
  readonly files: readonly PlannedFile[]
  /** Those that apply to a file of `files`. */
  readonly deletes: readonly PlannedDelete[]
  readonly counts: ScanCounts
}

export interface ScanRequest {
  readonly store: Store
  readonly metadata: TableMetadata
  readonly point: ReadPoint
  /** A file is kept for the first of these that it may match. One without conditions keeps all; none at all keeps none. */
  readonly wanted: readonly Conjunction[]
}

/** Manifests read at a time. */
const readsMax = 8

const nothing: ScanPlan = {
  files: [],
  deletes: [],
  counts: { manifests: 0, manifestsRead: 0, files: 0, filesKept: 0 },
}

/** Errors: STORE_MISSING, STORE_IO, TABLE_METADATA. */
export async function planScan(request: ScanRequest): Promise<ScanPlan> {
  const { store, point } = request
  if (point.snapshot === null) return nothing
  const filters = new SpecFilters(request)
  const live = (await loadManifestList(store, point.snapshot)).filter(
    (manifest) => manifest.addedFiles + manifest.existingFiles > 0,
  )
  const wanted = live.filter((manifest) => filters.mayMatchManifest(manifest))
  const data: NumberedFile[] = []
  const deletes: NumberedFile[] = []
  for (let first = 0; first < wanted.length; first += readsMax) {
    const read = wanted.slice(first, first + readsMax).map(async (manifest) => ({
      manifest,
      entries: decodeManifest(await store.read(manifest.location), manifest),
    }))
    for (const { manifest, entries } of await Promise.all(read)) {
      for (const entry of entries) {
        if (entry.status === 'deleted' || !filters.mayMatchEntry(entry, manifest.specId)) continue
        const numbered = { entry, specId: manifest.specId, sequenceNumber: entry.sequenceNumber ?? 0n }
        if (entry.file.content === 0) data.push(numbered)
        else deletes.push(numbered)
      }
    }
  }
  const isData = ({ content }: ManifestFile): boolean => content === 'data'
  return {
    files: data.map(plannedFile),
    deletes: deletes.filter((file) => appliesToAny(file, data)).map(plannedDelete),
    counts: {
      manifests: live.filter(isData).length,
      manifestsRead: wanted.filter(isData).length,
      files: live.filter(isData).reduce((sum, { addedFiles, existingFiles }) => sum + addedFiles + existingFiles, 0),
      filesKept: data.length,
    },
  }
}

interface NumberedFile {
  readonly entry: ManifestEntry
  readonly specId: number
  readonly sequenceNumber: bigint
}

const plannedFile = ({ entry: { file } }: NumberedFile): PlannedFile => ({
  location: file.file_path,
  format: file.file_format.toLowerCase(),
  recordCount: Number(file.record_count),
  sizeBytes: Number(file.file_size_in_bytes),
})

const plannedDelete = (deletes: NumberedFile): PlannedDelete => ({
  ...plannedFile(deletes),
  kind: deletes.entry.file.content === 1 ? 'position' : 'equality',
})

/**
 * Position deletes apply to data files that are not newer, equality deletes to older ones (spec, "Scan Planning"). Partitions are not
 * compared here: a delete too many is refused or finds no row of its file, and harms nothing.
 */
function appliesToAny(deletes: NumberedFile, data: readonly NumberedFile[]): boolean {
  const isPosition = deletes.entry.file.content === 1
  return data.some(({ sequenceNumber }) =>
    isPosition ? sequenceNumber <= deletes.sequenceNumber : sequenceNumber < deletes.sequenceNumber,
  )
}

/** The wanted conjunctions, projected on each partition spec that the manifests have. */
class SpecFilters {
  readonly #request: ScanRequest
  readonly #bySpec = new Map<number, readonly SpecFilter[]>()

  constructor(request: ScanRequest) {
    this.#request = request
  }

  mayMatchManifest(manifest: ManifestFile): boolean {
    return this.#of(manifest.specId).some(({ partition }) => mayMatchSummaries(partition, manifest.partitions))
  }

  /** Delete files are judged by their partition only: their bounds are those of paths and positions. */
  mayMatchEntry({ file }: ManifestEntry, specId: number): boolean {
    const kept = this.#of(specId).filter(({ partition }) => mayMatchPartition(partition, file.partition))
    if (kept.length === 0 || file.content !== 0) return kept.length > 0
    if (kept.some(({ columns }) => columns.length === 0)) return true
    const { metrics } = dataFileOf(file, specId)
    return kept.some(({ columns }) => mayMatchAll(columns, (condition) => columnRange(metrics, condition)))
  }

  #of(specId: number): readonly SpecFilter[] {
    const known = this.#bySpec.get(specId)
    if (known !== undefined) return known
    const { metadata, point, wanted } = this.#request
    const spec = metadata['partition-specs'].find((candidate) => candidate['spec-id'] === specId)
    const filters = wanted.map((columns) => ({
      columns,
      partition: spec === undefined ? [] : projectConditions(columns, spec, point.schema),
    }))
    this.#bySpec.set(specId, filters)
    return filters
  }
}

interface SpecFilter {
  readonly columns: Conjunction
  readonly partition: readonly PartitionCondition[]
}

/** What a file's metrics say of a column. One that they do not know may hold anything. */
function columnRange(metrics: FileMetrics, condition: Condition): ValueRange {
  const { fieldId } = condition
  const nulls = lookUp(metrics.nullValueCounts, fieldId)
  const values = lookUp(metrics.valueCounts, fieldId)
  const nans = lookUp(metrics.nanValueCounts, fieldId)
  const type = condition.kind === 'null' ? null : condition.type
  return {
    lower: type === null ? null : boundValue(type, lookUp(metrics.lowerBounds, fieldId)),
    upper: type === null ? null : boundValue(type, lookUp(metrics.upperBounds, fieldId)),
    mayBeNull: nulls !== 0,
    mayBeNan: (type === 'float' || type === 'double') && nans !== 0,
    // A count of no values at all is one that its writer did not make.
    mayHaveValue: nulls === undefined || values === undefined || values === 0 || nulls < values,
  }
}

const lookUp = <T>(pairs: ReadonlyArray<readonly [number, T]>, fieldId: number): T | undefined =>
  pairs.find(([id]) => id === fieldId)?.[1]
