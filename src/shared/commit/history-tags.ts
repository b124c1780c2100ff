// Tags that keep the last snapshot of each hour and day for time travel, after the snapshots around them have expired. Pure.
// Their age is set on them (`max-ref-age-ms`), so that the expiry of other engines drops them at the same time as ours.
// Invariant: an hour is tagged once a snapshot of a later hour follows, so its tag never moves.
import type { Snapshot, SnapshotRef, TableMetadata } from '../iceberg/metadata.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs

/** Table properties: for how many hours the hourly tags stay, for how many days the daily ones; 0: none. */
export const HOURLY_TAGS_PROPERTY = 'k2.hourly-tags-hours'
export const DAILY_TAGS_PROPERTY = 'k2.daily-tags-days'
const defaults = { hours: 7 * 24, days: 90 }
/** More would be most of the metadata. */
const tagsMax = 1_000

interface Span {
  readonly ms: number
  readonly ageMsMax: number
  readonly name: (iso: string) => string
}

const digits = (iso: string, length: number): string => iso.slice(0, length).replaceAll('-', '')

function spansOf(properties: TableMetadata['properties']): readonly Span[] {
  const hours = countOf(properties[HOURLY_TAGS_PROPERTY], defaults.hours)
  const days = countOf(properties[DAILY_TAGS_PROPERTY], defaults.days)
  return [
    { ms: hourMs, ageMsMax: hours * hourMs, name: (iso) => `k2_hour_${digits(iso, 10)}_${iso.slice(11, 13)}` },
    { ms: dayMs, ageMsMax: days * dayMs, name: (iso) => `k2_day_${digits(iso, 10)}` },
  ]
}

function countOf(text: string | undefined, otherwise: number): number {
  return text !== undefined && /^\d{1,4}$/.test(text) ? Math.min(tagsMax, Number(text)) : otherwise
}

/**
 * Tags that are missing for the line of `main` (newest first), by name: `k2_hour_20261124_21`, `k2_day_20261124`, in UTC by the time
 * of the snapshot. A name that is taken is left alone.
 */
export function missingTags(
  line: readonly Snapshot[],
  metadata: Pick<TableMetadata, 'refs' | 'properties'>,
  nowMs: number,
): ReadonlyMap<string, SnapshotRef> {
  const found = new Map<string, SnapshotRef>()
  for (const { ms, ageMsMax, name } of spansOf(metadata.properties)) {
    for (const [index, snapshot] of line.entries()) {
      const atMs = snapshot['timestamp-ms']
      const next = line[index - 1]
      if (next === undefined || Math.floor(next['timestamp-ms'] / ms) <= Math.floor(atMs / ms)) continue
      const tag = name(new Date(atMs).toISOString())
      if (metadata.refs[tag] !== undefined || nowMs - atMs > ageMsMax || ageMsMax === 0) continue
      found.set(tag, { 'snapshot-id': snapshot['snapshot-id'], type: 'tag', 'max-ref-age-ms': BigInt(ageMsMax) })
    }
  }
  return found
}
