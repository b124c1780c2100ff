// Merges small manifests, so that the cost of a commit does not grow with the history of the table. Commit thread.
// Manifests are merged in tiers, by the magnitude of their file count, as in a log-structured tree: a tier is merged once it
// holds `commit.manifest.min-count-to-merge` manifests. So a manifest list holds at most that many per tier, and an entry is
// rewritten once per tier (Java's bin packing rewrites the newest large manifest every hundred commits).
// Invariant: live files, their snapshot ids and their sequence numbers stay as they were; only the manifest that names them changes.
import { randomUUID } from 'node:crypto'
import type { Store } from '../store/store.ts'
import { decodeManifest, encodeManifest, type ManifestEntry } from './manifest.ts'
import { type ManifestFile, summarizePartitions } from './manifest-list.ts'
import type { TableMetadata } from './metadata.ts'
import { partitionColumns } from './partition-transform.ts'
import type { IcebergSchema, PartitionSpec } from './schema.ts'
import { typeOfField } from './schema-json.ts'
import { metadataFolder } from './table-location.ts'

export interface MergeContext {
  readonly store: Store
  readonly base: TableMetadata
  readonly snapshotId: bigint
  /** Told of each file before it is written, so that a failed attempt can name what it left. */
  readonly onWrite: (location: string) => void
}

const minCountDefault = 100
const targetBytesDefault = 8 * 1024 * 1024
/** Manifests read at a time. */
const readsMax = 8

/** The manifests with each full tier merged, in list order (newest first). At most one merge round per call. */
export async function mergeManifests(
  manifests: readonly ManifestFile[],
  context: MergeContext,
): Promise<readonly ManifestFile[]> {
  const bins = planMerges(manifests, context.base)
  if (bins.length === 0) return manifests
  const mergedInto = new Map<ManifestFile, ManifestFile | null>()
  for (const bin of bins) {
    const merged = await mergeOne(bin, context)
    // The merged manifest takes the place of the newest one; the others go.
    for (const [index, manifest] of bin.entries()) mergedInto.set(manifest, index === 0 ? merged : null)
  }
  return manifests.flatMap((manifest) => {
    const merged = mergedInto.get(manifest)
    return merged === undefined ? [manifest] : merged === null ? [] : [merged]
  })
}

/** Groups of manifests to merge, each of one spec, together at most the target size. Pure. */
export function planMerges(manifests: readonly ManifestFile[], base: TableMetadata): ManifestFile[][] {
  const { properties } = base
  if (properties['commit.manifest-merge.enabled'] === 'false') return []
  const minCount = Math.max(2, positive(properties['commit.manifest.min-count-to-merge'], minCountDefault))
  const targetBytes = positive(properties['commit.manifest.target-size-bytes'], targetBytesDefault)
  const tiers = new Map<string, ManifestFile[]>()
  for (const manifest of manifests) {
    // Encrypted manifests and those of deletes are left as they are; so are those that are large enough already.
    if (manifest.content !== 'data' || manifest.keyMetadata !== null || manifest.length * 2 > targetBytes) continue
    const files = manifest.addedFiles + manifest.existingFiles
    const tier = `${manifest.specId}/${Math.floor(Math.log(Math.max(1, files)) / Math.log(minCount))}`
    tiers.set(tier, [...(tiers.get(tier) ?? []), manifest])
  }
  const full = [...tiers.values()].filter((tier) => tier.length >= minCount)
  return full.flatMap((tier) => binsOf(tier, targetBytes)).filter((bin) => bin.length > 1)
}

function binsOf(tier: readonly ManifestFile[], targetBytes: number): ManifestFile[][] {
  const bins: ManifestFile[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const manifest of tier) {
    if (bytes + manifest.length > targetBytes) {
      bins.push([])
      bytes = 0
    }
    bins.at(-1)?.push(manifest)
    bytes += manifest.length
  }
  return bins
}

async function mergeOne(bin: readonly ManifestFile[], context: MergeContext): Promise<ManifestFile> {
  const { base, store } = context
  const entries: ManifestEntry[] = []
  for (let first = 0; first < bin.length; first += readsMax) {
    const read = bin.slice(first, first + readsMax).map(async (manifest) => {
      return decodeManifest(await store.read(manifest.location), manifest)
    })
    for (const list of await Promise.all(read)) entries.push(...list.filter((entry) => entry.status !== 'deleted'))
  }
  const specId = bin[0]?.specId
  const spec = base['partition-specs'].find((candidate) => candidate['spec-id'] === specId)
  if (spec === undefined) throw new Error(`no partition spec ${specId}`)
  const schema = schemaFor(spec, base)
  const existing = entries.map((entry): ManifestEntry => ({ ...entry, status: 'existing' }))
  const location = `${metadataFolder(base)}/${randomUUID()}-m0.avro`
  context.onWrite(location)
  const bytes = encodeManifest({ schema, spec }, existing)
  await store.putIfAbsent(location, bytes)
  return describeManifest({
    location,
    length: bytes.length,
    entries: existing,
    schema,
    spec,
    snapshotId: context.snapshotId,
  })
}

/** The current schema, or the newest one that still has the columns that the spec takes its values from: their types are the values'. */
function schemaFor(spec: PartitionSpec, base: TableMetadata): IcebergSchema {
  const hasSources = (schema: IcebergSchema): boolean =>
    spec.fields.every((field) => typeOfField(schema, field['source-id']) !== null)
  const current = base.schemas.find((candidate) => candidate['schema-id'] === base['current-schema-id'])
  const schema =
    [current, ...base.schemas.toReversed()].find((each) => each !== undefined && hasSources(each)) ?? current
  if (schema === undefined) throw new Error('no current schema')
  return schema
}

/** The manifest list's row for a manifest of these entries. Sequence numbers stay open where an entry inherits its own. */
export function describeManifest(written: {
  readonly location: string
  readonly length: number
  readonly entries: readonly ManifestEntry[]
  readonly schema: IcebergSchema
  readonly spec: PartitionSpec
  readonly snapshotId: bigint
}): ManifestFile {
  const { entries } = written
  const rowsOf = (status: ManifestEntry['status']): bigint =>
    entries.reduce((sum, entry) => (entry.status === status ? sum + entry.file.record_count : sum), 0n)
  const filesOf = (status: ManifestEntry['status']): number => entries.filter((entry) => entry.status === status).length
  return {
    location: written.location,
    length: written.length,
    specId: written.spec['spec-id'],
    content: 'data',
    sequenceNumber: null,
    minSequenceNumber: lowestSequenceNumber(entries),
    addedSnapshotId: written.snapshotId,
    addedFiles: filesOf('added'),
    existingFiles: filesOf('existing'),
    deletedFiles: filesOf('deleted'),
    addedRows: rowsOf('added'),
    existingRows: rowsOf('existing'),
    deletedRows: rowsOf('deleted'),
    partitions: summarizePartitions(
      partitionColumns(written.spec, written.schema),
      entries.map((entry) => entry.file.partition),
    ),
    keyMetadata: null,
  }
}

function lowestSequenceNumber(entries: readonly ManifestEntry[]): bigint | null {
  let lowest: bigint | null = null
  for (const { sequenceNumber } of entries) {
    if (sequenceNumber !== null && (lowest === null || sequenceNumber < lowest)) lowest = sequenceNumber
  }
  return lowest
}

function positive(text: string | undefined, otherwise: number): number {
  const value = Number(text ?? otherwise)
  return Number.isFinite(value) && value > 0 ? value : otherwise
}
