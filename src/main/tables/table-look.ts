// Looks at one table as of one metadata file: manifests, files, sizes. Main thread; reads only.
// Invariant: everything that is told of a table follows from one metadata, the one that the catalog named when the look began. Files
// of it that others expire meanwhile make the look begin again on the newer one, never mix the two.
import { IngestError } from '../../shared/errors.ts'
import { branchHead, loadManifestList } from '../../shared/iceberg/append.ts'
import { type Catalog, formatTableName } from '../../shared/iceberg/catalog.ts'
import type { ManifestFile } from '../../shared/iceberg/manifest-list.ts'
import { type WalkedManifest, walkManifests } from '../../shared/iceberg/manifest-walk.ts'
import type { Snapshot, TableMetadata } from '../../shared/iceberg/metadata.ts'
import type { Store } from '../../shared/store/store.ts'
import type { OpenedTable } from '../open-tables.ts'
import { FileSurvey, type FileTotals } from './file-survey.ts'

export interface ManifestTotals {
  readonly data: number
  readonly deletes: number
  readonly bytes: number
  readonly largestBytes: number
}

export interface TableLook {
  /** Dotted. */
  readonly table: string
  readonly metadata: TableMetadata
  readonly metadataLocation: string
  /** Null where the file is gone already. */
  readonly metadataBytes: number | null
  /** Head of main; null for a table without a snapshot. */
  readonly head: Snapshot | null
  readonly manifests: ManifestTotals
  readonly files: FileTotals
}

export interface LookPorts {
  readonly catalog: Catalog
  readonly store: Store
  /** Told while manifests are read. */
  readonly onProgress: (text: string) => void
}

/** Begun so often on a table that moves on while it is looked at. */
const LOOKS_MAX = 4

/**
 * `use` on the table as opened; where a file of it is gone, and the table has moved on, again on the newer metadata.
 * Errors: those of `use`.
 */
export async function onPinned<T>(
  opened: OpenedTable,
  catalog: Catalog,
  use: (pinned: OpenedTable) => Promise<T>,
): Promise<T> {
  let pinned = opened
  for (let looks = 1; ; looks++) {
    try {
      return await use(pinned)
    } catch (error) {
      const isGone = error instanceof IngestError && error.code === 'STORE_MISSING' && looks < LOOKS_MAX
      const newer = isGone ? await catalog.loadTable(pinned.name) : null
      if (newer === null || newer.metadataLocation === pinned.metadataLocation) throw error
      pinned = { ...newer, name: pinned.name }
    }
  }
}

/** Errors: STORE_MISSING, STORE_IO, TABLE_METADATA. */
export function lookAtTable(opened: OpenedTable, ports: LookPorts): Promise<TableLook> {
  return onPinned(opened, ports.catalog, async ({ name, metadata, metadataLocation }) => {
    const table = formatTableName(name)
    const head = branchHead(metadata, 'main')
    const manifests = head === null ? [] : await loadManifestList(ports.store, head)
    const survey = new FileSurvey(metadata)
    await eachManifest(table, manifests, ports, ({ entries, manifest }) => {
      for (const entry of entries) survey.add(entry, manifest.specId)
    })
    return {
      table,
      metadata,
      metadataLocation,
      metadataBytes: await ports.store.size(metadataLocation),
      head,
      manifests: manifestTotals(manifests),
      files: survey.totals(),
    }
  })
}

/** Walks manifests of a table, and says how far it is. Errors: STORE_MISSING, STORE_IO, TABLE_METADATA. */
export async function eachManifest(
  table: string,
  manifests: readonly ManifestFile[],
  { store, onProgress }: Pick<LookPorts, 'store' | 'onProgress'>,
  take: (walked: WalkedManifest) => void | Promise<void>,
): Promise<void> {
  let done = 0
  for await (const walked of walkManifests(store, manifests)) {
    onProgress(`${table}: manifest ${++done} of ${manifests.length}`)
    await take(walked)
  }
}

const manifestTotals = (manifests: readonly ManifestFile[]): ManifestTotals => ({
  data: manifests.filter(({ content }) => content === 'data').length,
  deletes: manifests.filter(({ content }) => content === 'deletes').length,
  bytes: manifests.reduce((sum, { length }) => sum + length, 0),
  largestBytes: manifests.reduce((largest, { length }) => Math.max(largest, length), 0),
})
