// Gathers what the verdicts on a table's health follow from. Main thread; reads only.
// Order: the main table is pinned first, its side tables and its source are looked at after it, so that nothing it names can be newer.
import { countRows } from '../../shared/commit/row-evidence.ts'
import { APPLIED_PROPERTY, parseApplied } from '../../shared/commit/side-tables.ts'
import { IngestError } from '../../shared/errors.ts'
import { type Catalog, formatTableName, type TableName } from '../../shared/iceberg/catalog.ts'
import type { Store } from '../../shared/store/store.ts'
import type { OpenedTable } from '../open-tables.ts'
import type { SourceOptions } from '../source-look.ts'
import { type DeepFindings, lookDeep } from './deep-look.ts'
import type { CatalogView } from './each-table.ts'
import { expiryOutlook } from './expiry-outlook.ts'
import type { HealthFacts, LagFact, SideFact } from './health.ts'
import { countsOf } from './snapshot-rows.ts'
import { kindOf, requiredSides } from './table-kind.ts'
import { lookAtTable } from './table-look.ts'
import { lagOf, type Progress, positionsIn, progressOf, sourceOf } from './table-progress.ts'

export interface HealthOptions extends SourceOptions {
  readonly deep: boolean
  readonly staleAfterMs: number | null
}

/** Looks begun on a table that moves on meanwhile. */
const DEEP_LOOKS_MAX = 3

/** Errors: STORE_*, TABLE_METADATA; those of the source are facts. */
export async function gatherFacts(
  opened: OpenedTable,
  view: CatalogView,
  options: HealthOptions,
): Promise<HealthFacts> {
  const look = await lookAtTable(opened, view)
  const { metadata } = look
  const progress = progressOf(metadata)
  const kind = kindOf(opened.name, metadata, view.names)
  const isMain = kind.kind === 'main'
  const nowMs = Date.now()
  return {
    look,
    kind,
    nowMs,
    progress,
    isEvidenceMet: options.deep && isMain ? await evidenceMet(progress, look.metadata, view.store) : null,
    lag: isMain ? await lagFact(options, progress) : { kind: 'unnamed' },
    staleMs: options.staleAfterMs,
    sides: isMain && metadata.snapshots.length > 0 ? await sideFacts(opened.name, view.catalog) : [],
    goneSideFiles: isMain ? await goneSideFiles(progress, view) : [],
    expiry: kind.kind === 'other' ? null : expiryOutlook(metadata, nowMs),
    deep: options.deep ? await deepFindings(opened, view) : null,
  }
}

async function evidenceMet(
  progress: Progress,
  metadata: OpenedTable['metadata'],
  store: Store,
): Promise<boolean | null> {
  if (progress.kind !== 'evidence') return null
  const { ranges, rows } = progress.evidence
  try {
    return (await countRows(store, metadata, ranges)) === rows
  } catch (error) {
    // Delete files, or a column that is gone: what cannot be counted is not there, as for a run.
    if (error instanceof IngestError && error.code === 'POSITIONS_UNTRUSTED') return false
    throw error
  }
}

async function lagFact(options: SourceOptions, progress: Progress): Promise<LagFact> {
  const positions = positionsIn(progress)
  const source = await sourceOf(options, positions)
  if (source.kind !== 'seen') return source
  return { kind: 'seen', lag: positions === null ? NO_LAG : lagOf(positions, source.partitions) }
}

const NO_LAG = { offsets: 0n, behind: 0, unseen: 0, problem: null }

export async function sideFacts(main: TableName, catalog: Catalog): Promise<readonly SideFact[]> {
  const facts: SideFact[] = []
  for (const name of requiredSides(main)) {
    const table = formatTableName(name)
    const metadata = (await catalog.loadTable(name))?.metadata
    if (metadata === undefined) {
      facts.push({ table, state: 'missing', rows: null })
      continue
    }
    const head = metadata.snapshots.find((snapshot) => snapshot['snapshot-id'] === metadata['current-snapshot-id'])
    const rows = head === undefined ? 0n : countsOf(head.summary).totalRows
    facts.push({ table, state: metadata.properties[APPLIED_PROPERTY] === undefined ? 'foreign' : 'there', rows })
  }
  return facts
}

/** Files that main names under `unconfirmed`, that no commit has brought into their table, and that are not there. */
async function goneSideFiles(progress: Progress, { store, catalog }: CatalogView): Promise<readonly string[]> {
  const gone: string[] = []
  for (const { commit, table, files } of positionsIn(progress)?.unconfirmed ?? []) {
    for (const file of files) {
      if ((await store.size(file)) !== null) continue
      // Once they are in their table, its own maintenance may have replaced them.
      const applied = parseApplied((await catalog.loadTable(nameOf(table)))?.metadata.properties[APPLIED_PROPERTY])
      if (applied?.has(commit) !== true) gone.push(file)
    }
  }
  return gone
}

function nameOf(table: string): TableName {
  const levels = table.split('.')
  return { namespace: levels.slice(0, -1), name: levels.at(-1) ?? '' }
}

/** Files that an expiry took while they were looked up are no fault of the table: what counts is a look that it stood still for. */
async function deepFindings(opened: OpenedTable, view: CatalogView): Promise<DeepFindings> {
  let standing = opened
  for (let looks = 1; ; looks++) {
    const findings = await lookDeep(formatTableName(opened.name), standing.metadata, view)
    if (findings.amiss === 0 || looks >= DEEP_LOOKS_MAX) return findings
    const now = await view.catalog.loadTable(opened.name)
    if (now === null || now.metadataLocation === standing.metadataLocation) return findings
    standing = { ...now, name: opened.name }
  }
}
