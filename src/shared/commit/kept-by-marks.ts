// Snapshots and refs of a table that its positions need, whatever their age (guard 13). Pure.
// The read rule (guard 3) walks from the head to T, the last snapshot of ours; side files that are unconfirmed are described by the
// summary of their commit. Invariant: after an expiry of ours the same positions are read, by the same rule, as before it.
import { IngestError } from '../errors.ts'
import type { TableMetadata } from '../iceberg/metadata.ts'
import { ancestry, MAIN_BRANCH } from './ancestry.ts'
import { POSITIONS_PROPERTY, POSITIONS_TAG, type Positions } from './positions.ts'
import { parsePositions } from './positions-json.ts'
import { COMMIT_ID_KEY } from './read-positions.ts'

export interface KeptByMarks {
  readonly refs: ReadonlySet<string>
  readonly snapshots: ReadonlySet<bigint>
}

const refs: ReadonlySet<string> = new Set([MAIN_BRANCH, POSITIONS_TAG])

/** A side table, or a table without marks, needs its head only; one whose marks cannot be read keeps everything. */
export function keptByMarks(metadata: TableMetadata): KeptByMarks {
  const text = metadata.properties[POSITIONS_PROPERTY]
  if (text === undefined) return { refs, snapshots: new Set() }
  const positions = readable(text)
  if (positions === null) return { refs, snapshots: new Set(metadata.snapshots.map((each) => each['snapshot-id'])) }
  const kept = new Set([positions.snapshot])
  for (const { 'snapshot-id': id } of ancestry(metadata).line) {
    kept.add(id)
    if (id === positions.snapshot) break
  }
  const waiting = new Set(positions.unconfirmed.map(({ commit }) => commit))
  for (const { 'snapshot-id': id, summary } of waiting.size === 0 ? [] : metadata.snapshots) {
    if (waiting.has(summary[COMMIT_ID_KEY] ?? '')) kept.add(id)
  }
  return { refs, snapshots: kept }
}

function readable(text: string): Positions | null {
  try {
    return parsePositions(text)
  } catch (error) {
    if (error instanceof IngestError) return null
    throw error
  }
}
