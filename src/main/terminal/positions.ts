// The positions of a table on the terminal and as a document: what the table says of its own progress, and whether that may be
// believed. Pure.
import { findSnapshot } from '../../shared/commit/ancestry.ts'
import type { PartitionMark, Positions } from '../../shared/commit/positions.ts'
import type { ReadVerdict } from '../../shared/commit/read-positions.ts'
import type { TableMetadata } from '../../shared/iceberg/metadata.ts'
import { formatNumber, type Style } from './style.ts'
import { type Column, renderTable } from './table.ts'

export interface TablePositions {
  readonly table: string
  readonly verdict: ReadVerdict
  /** Tells when and by whom the snapshot of the positions was made. */
  readonly metadata: Pick<TableMetadata, 'snapshots'>
  /** Null where no source was named. */
  readonly source: readonly SourceEnd[] | null
}

/** A partition of the source as it is now. */
interface SourceEnd {
  readonly topic: string
  readonly partition: number
  readonly logStart: bigint
  readonly logEnd: bigint
}

/** The snapshot that carries the positions. */
interface Owner {
  /** ISO 8601. */
  readonly since: string
  readonly writer: string
  readonly group: string
}

const COLUMNS: readonly Column[] = [
  { title: 'Topic', align: 'left' },
  ...['Partition', 'Start', 'Next', 'Epoch', 'In snapshot', 'Log end', 'Lag'].map(
    (title): Column => ({ title, align: 'right' }),
  ),
]

export function renderPositions(shown: TablePositions, style: Style): string {
  const { table, verdict } = shown
  switch (verdict.kind) {
    case 'none':
      return `${style.bold(table)}  no positions: k2 has not written this table\n`
    case 'stop':
      return `${style.bold(table)}  ${style.red(`positions not to be trusted: ${verdict.reason}`)}; see docs/recovery.md\n`
    case 'evidence': {
      const { rows } = verdict.evidence
      return `${renderTrusted(shown, verdict.positions, style)}  trusted only if the table still holds ${rows} rows of the last marked commit: others expired its snapshot\n`
    }
    case 'trusted':
      return renderTrusted(shown, verdict.positions, style)
  }
}

function renderTrusted(shown: TablePositions, positions: Positions, style: Style): string {
  const { table, source } = shown
  const marks = listMarks(positions, source)
  const rows = marks.map(({ topic, partition, mark, range, logEnd, lag }) => [
    topic,
    String(partition),
    String(mark.start),
    String(mark.next),
    mark.epoch === undefined ? '' : String(mark.epoch),
    range === null ? '' : `[${range.first}, ${range.next})`,
    logEnd === null ? '' : String(logEnd),
    lag === null ? '' : formatNumber(lag),
  ])
  const lines = [
    `${style.bold(table)}  snapshot ${positions.snapshot}, history ${positions.history}, tombstones: ${positions.policy.tombstone}`,
    rows.length === 0 ? '  no partition has been read yet' : renderTable(COLUMNS, rows).trimEnd(),
  ]
  const owner = ownerOf(shown, positions)
  if (owner !== null) lines.push(`  since ${owner.since}, by ${owner.writer}, group ${owner.group}`)
  for (const { topic, partition, mark } of marks) {
    for (const { first, next, why, at } of mark.gaps ?? []) {
      lines.push(`  accepted gap: ${topic} ${partition} [${first}, ${next}), ${why}, since ${at}`)
    }
  }
  for (const { commit, table: side, files } of positions.unconfirmed) {
    lines.push(`  unconfirmed: ${files.length} files of ${side} (commit ${commit.slice(0, 12)})`)
  }
  return `${lines.join('\n')}\n`
}

interface ListedMark {
  readonly key: string
  readonly topic: string
  readonly partition: number
  readonly mark: PartitionMark
  /** What the snapshot that carries the positions added of this partition. */
  readonly range: { readonly first: bigint; readonly next: bigint } | null
  readonly logEnd: bigint | null
  readonly lag: bigint | null
}

function ownerOf({ metadata }: TablePositions, positions: Positions): Owner | null {
  const snapshot = findSnapshot(metadata, positions.snapshot)
  if (snapshot === null) return null
  const { summary } = snapshot
  const since = new Date(snapshot['timestamp-ms']).toISOString()
  return { since, writer: summary['k2.writer'] ?? '', group: summary['k2.group'] ?? '' }
}

/** By topic name, then by partition. */
function listMarks(positions: Positions, source: TablePositions['source']): readonly ListedMark[] {
  const marks = [...positions.topics].flatMap(([key, { name, partitions }]) =>
    [...partitions].map(([partition, mark]) => {
      const range = positions.ranges.find((found) => found.topic === key && found.partition === partition) ?? null
      const end = source?.find((found) => found.topic === key && found.partition === partition)
      const logEnd = end === undefined ? null : end.logEnd
      return { key, topic: name, partition, mark, range, logEnd, lag: logEnd === null ? null : logEnd - mark.next }
    }),
  )
  return marks.sort((a, b) => (a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1))
}

/** For --json; offsets and ids as decimal strings. */
export function positionsDocument(shown: TablePositions): object {
  const { table, verdict, source } = shown
  if (verdict.kind === 'none') return { table, trust: 'none' }
  if (verdict.kind === 'stop') return { table, trust: 'stop', reason: verdict.reason }
  const { positions } = verdict
  return {
    table,
    trust: verdict.kind,
    snapshot: positions.snapshot,
    history: positions.history,
    owner: ownerOf(shown, positions),
    adopted_rows: positions.adopted ?? null,
    policy: positions.policy,
    partitions: listMarks(positions, source).map(({ key, topic, partition, mark, range, logEnd, lag }) => ({
      topic_key: key,
      topic,
      partition,
      start: mark.start,
      next: mark.next,
      epoch: mark.epoch ?? null,
      gaps: (mark.gaps ?? []).map((gap) => ({ ...gap })),
      log_end: logEnd,
      lag,
      in_snapshot: range === null ? null : [range.first, range.next],
    })),
    unconfirmed: positions.unconfirmed,
  }
}
