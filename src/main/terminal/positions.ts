// The positions of a table on the terminal and as a document: what the table says of its own progress, and whether that may be
// believed. Pure.
import type { PartitionMark, Positions } from '../../shared/commit/positions.ts'
import type { ReadVerdict } from '../../shared/commit/read-positions.ts'
import type { Style } from './style.ts'
import { type Column, renderTable } from './table.ts'

export interface TablePositions {
  readonly table: string
  readonly verdict: ReadVerdict
}

const COLUMNS: readonly Column[] = [
  { title: 'Topic', align: 'left' },
  ...['Partition', 'Start', 'Next', 'In snapshot'].map((title): Column => ({ title, align: 'right' })),
]

export function renderPositions({ table, verdict }: TablePositions, style: Style): string {
  switch (verdict.kind) {
    case 'none':
      return `${style.bold(table)}  no positions: k2 has not written this table\n`
    case 'stop':
      return `${style.bold(table)}  ${style.red(`positions not to be trusted: ${verdict.reason}`)}; see docs/recovery.md\n`
    case 'evidence': {
      const { rows } = verdict.evidence
      return `${renderTrusted(table, verdict.positions, style)}  trusted only if the table still holds ${rows} rows of the last marked commit: others expired its snapshot\n`
    }
    case 'trusted':
      return renderTrusted(table, verdict.positions, style)
  }
}

function renderTrusted(table: string, positions: Positions, style: Style): string {
  const rows = listMarks(positions).map(({ topic, partition, mark, range }) => [
    topic,
    String(partition),
    String(mark.start),
    String(mark.next),
    range === null ? '' : `[${range.first}, ${range.next})`,
  ])
  const lines = [
    `${style.bold(table)}  snapshot ${positions.snapshot}, history ${positions.history}, tombstones: ${positions.policy.tombstone}`,
    rows.length === 0 ? '  no partition has been read yet' : renderTable(COLUMNS, rows).trimEnd(),
  ]
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
}

/** By topic name, then by partition. */
function listMarks(positions: Positions): readonly ListedMark[] {
  const marks = [...positions.topics].flatMap(([key, { name, partitions }]) =>
    [...partitions].map(([partition, mark]) => {
      const range = positions.ranges.find((found) => found.topic === key && found.partition === partition) ?? null
      return { key, topic: name, partition, mark, range }
    }),
  )
  return marks.sort((a, b) => (a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1))
}

/** For --json; offsets and ids as decimal strings. */
export function positionsDocument({ table, verdict }: TablePositions): object {
  if (verdict.kind === 'none') return { table, trust: 'none' }
  if (verdict.kind === 'stop') return { table, trust: 'stop', reason: verdict.reason }
  const { positions } = verdict
  return {
    table,
    trust: verdict.kind,
    snapshot: positions.snapshot,
    history: positions.history,
    policy: positions.policy,
    partitions: listMarks(positions).map(({ key, topic, partition, mark, range }) => ({
      topic_key: key,
      topic,
      partition,
      start: mark.start,
      next: mark.next,
      in_snapshot: range === null ? null : [range.first, range.next],
    })),
    unconfirmed: positions.unconfirmed,
  }
}
