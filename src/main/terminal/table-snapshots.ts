// The snapshots and refs of a table on the terminal: two or three lines a snapshot, so that ids, writers and offsets fit any width.
// Pure.
import type { RefRow, SnapshotRanges, SnapshotRow } from '../tables/snapshot-rows.ts'
import { ageText, counted, sizeText, timeText } from './quantities.ts'
import { formatNumber, type Style } from './style.ts'

export interface TableSnapshots {
  /** Dotted. */
  readonly table: string
  readonly rows: readonly SnapshotRow[]
  /** All that fit `--since`. */
  readonly total: number
  readonly refs: readonly RefRow[]
  readonly oldestMs: number | null
  readonly nowMs: number
}

/** Ranges shown of one snapshot; the document has all. */
const RANGES_MAX = 4
/** Refs shown; the document has all. */
const REFS_MAX = 20
/** A ref that is kept for ever has the longest age that Iceberg's metadata can hold. */
const FOR_EVER_MS = 0x7fffffffffffffffn

export function renderSnapshots(shown: TableSnapshots, style: Style): string {
  const { table, rows, total, refs, oldestMs, nowMs } = shown
  const oldest = oldestMs === null ? '' : `, the oldest ${ageText(nowMs - oldestMs)} old`
  const lines = [
    `${style.bold(table)}  ${counted(total, 'snapshot')}${oldest}`,
    ...rows.flatMap((row) => snapshotLines(row, nowMs, style)),
    ...(total > rows.length ? [`  and ${formatNumber(total - rows.length)} older: --limit shows more of them`] : []),
    `  ${style.bold('Refs')}`,
    ...refLines(refs, nowMs),
  ]
  return `${lines.join('\n')}\n`
}

/** `id  time (age)  operation, what changed (refs)`, then who did it, and which offsets. */
export function snapshotLines(row: SnapshotRow, nowMs: number, style: Style): readonly string[] {
  const { id, timeMs, operation, refs, isOnMain, commitId, writer, group, ranges } = row
  const marks = [...refs, ...(isOnMain ? [] : ['not on main'])]
  const head = `  ${id}  ${timeText(timeMs)} (${ageText(nowMs - timeMs)} ago)  ${operation}, ${changeText(row)}`
  const who = [
    ...(commitId === null ? [] : [`commit ${commitId.slice(0, 12)}`]),
    writer === null ? 'writer unknown' : `by ${writer}`,
    ...(group === null ? [] : [`group ${group}`]),
  ]
  return [
    marks.length === 0 ? head : `${head} (${marks.join(', ')})`,
    style.dim(`      ${who.join(', ')}`),
    ...(ranges === null ? [] : [style.dim(`      ${rangesText(ranges)}`)]),
  ]
}

function changeText({ counts }: SnapshotRow): string {
  const { addedRows, addedFiles, addedBytes, removedRows, removedFiles } = counts
  const added = `+${counted(addedRows ?? 0n, 'row')} in ${counted(addedFiles ?? 0n, 'file')}`
  const size = addedBytes === null ? '' : `, ${sizeText(addedBytes)}`
  const isRemoving = (removedRows ?? 0n) > 0n || (removedFiles ?? 0n) > 0n
  const removed = `, -${counted(removedRows ?? 0n, 'row')} in ${counted(removedFiles ?? 0n, 'file')}`
  return `${added}${size}${isRemoving ? removed : ''}`
}

function rangesText(ranges: SnapshotRanges): string {
  if (ranges.kind === 'count') return `offsets of ${counted(ranges.partitions, 'partition')}`
  if (ranges.ranges.length === 0) return 'no offsets'
  const shown = ranges.ranges.slice(0, RANGES_MAX)
  const more = ranges.ranges.length - shown.length
  const text = shown.map(({ topic, partition, first, next }) => `${topic}/${partition} [${first}, ${next})`).join(', ')
  return more === 0 ? text : `${text} and ${counted(more, 'more partition')}`
}

/** A line a ref; the first ones. */
export function refLines(refs: readonly RefRow[], nowMs: number): readonly string[] {
  if (refs.length === 0) return ['  none']
  const shown = refs.slice(0, REFS_MAX)
  const width = Math.max(...shown.map(({ name }) => name.length))
  const lines = shown.map(({ name, type, snapshotId, timeMs, maxRefAgeMs }) => {
    const age = timeMs === null ? 'its snapshot is gone' : `${ageText(nowMs - timeMs)} old`
    return `  ${name.padEnd(width)}  ${type.padEnd(6)}  ${snapshotId}  ${age}${keptText(maxRefAgeMs)}`
  })
  return refs.length === shown.length ? lines : [...lines, `  and ${formatNumber(refs.length - shown.length)} more`]
}

function keptText(maxRefAgeMs: bigint | null): string {
  if (maxRefAgeMs === null) return ''
  return maxRefAgeMs === FOR_EVER_MS ? ', kept for ever' : `, kept for ${ageText(Number(maxRefAgeMs))}`
}
