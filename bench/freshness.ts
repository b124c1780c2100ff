// How old records are when a snapshot shows them: when the broker appended them against when another reader of the catalog saw them.
// Pure. Invariant: a record that was appended in the window and in no snapshot is an error, not a gap.
import type { Appended } from './steady-feed.ts'

/** Offsets [first, next) of a partition that a snapshot added, and when it was seen. */
export interface Visible {
  readonly partition: number
  readonly first: number
  readonly next: number
  readonly seenMs: number
}

/** Records of one age; of one append and one snapshot. */
export interface Aged {
  readonly appendedMs: number
  readonly ageMs: number
  readonly records: number
}

/** Records appended within [fromMs, toMs). */
export function agesOf(
  appended: readonly Appended[],
  visible: readonly Visible[],
  fromMs: number,
  toMs: number,
): readonly Aged[] {
  const byPartition = new Map<number, Visible[]>()
  for (const each of visible) byPartition.set(each.partition, [...(byPartition.get(each.partition) ?? []), each])
  return appended
    .filter(({ appendedMs }) => appendedMs >= fromMs && appendedMs < toMs)
    .flatMap((chunk) => {
      const aged = (byPartition.get(chunk.partition) ?? []).flatMap((seen): Aged[] => {
        const records = Math.min(chunk.next, seen.next) - Math.max(chunk.first, seen.first)
        return records > 0 ? [{ appendedMs: chunk.appendedMs, ageMs: seen.seenMs - chunk.appendedMs, records }] : []
      })
      const found = aged.reduce((sum, { records }) => sum + records, 0)
      if (found !== chunk.next - chunk.first) {
        throw new Error(
          `partition ${chunk.partition} from ${chunk.first}: ${found} of ${chunk.next - chunk.first} seen`,
        )
      }
      return aged
    })
}

/** The age that this share of the records, 0 to 1, does not exceed; NaN without records. */
export function agePercentile(aged: readonly Aged[], share: number): number {
  const sorted = [...aged].sort((a, b) => a.ageMs - b.ageMs)
  const total = sorted.reduce((sum, { records }) => sum + records, 0)
  let seen = 0
  for (const { ageMs, records } of sorted) {
    seen += records
    if (seen >= share * total) return ageMs
  }
  return Number.NaN
}
