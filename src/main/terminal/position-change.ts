// What a change of positions does, before it is made: partition by partition, and what is doubled or never read by it. Pure.
import type { MarkChange } from '../../shared/commit/position-moves.ts'
import { formatNumber, type Style } from './style.ts'
import { type Column, renderTable } from './table.ts'

/** A change with what the table holds at or above the new position. */
export interface ShownChange extends MarkChange {
  /** Rows of the main table; null: too many to count them for this. */
  readonly rowsAbove: bigint | null
}

export interface ShownPlan {
  readonly table: string
  readonly history: { readonly before: number | null; readonly after: number }
  readonly changes: readonly ShownChange[]
  readonly remarks: readonly string[]
}

const COLUMNS: readonly Column[] = [
  { title: 'Topic', align: 'left' },
  { title: 'Partition', align: 'right' },
  { title: 'Next before', align: 'right' },
  { title: 'Next after', align: 'right' },
  { title: 'What it means', align: 'left' },
]

export function renderPlan({ table, history, changes, remarks }: ShownPlan, style: Style): string {
  const rows = changes.map((change) => [
    change.topicName,
    String(change.partition),
    change.before === null ? '' : String(change.before.next),
    String(change.after.next),
    meaning(change),
  ])
  const doubled = changes.reduce((sum, { rowsAbove }) => sum + (rowsAbove ?? 0n), 0n)
  const warnings = [
    ...(doubled === 0n
      ? []
      : [`${formatNumber(doubled)} rows at or above the new positions are in the table: they will be doubled`]),
    ...(changes.some(({ rowsAbove }) => rowsAbove === null)
      ? ['rows above the new positions were too many to be counted']
      : []),
    ...remarks,
  ]
  return [
    `${style.bold(table)}  history ${history.before ?? 'none'} → ${history.after}`,
    renderTable(COLUMNS, rows).trimEnd(),
    ...warnings.map((warning) => style.red(`  ${warning}`)),
    '',
  ].join('\n')
}

function meaning({ before, after, rowsAbove }: ShownChange): string {
  const rows =
    rowsAbove === null || rowsAbove === 0n ? '' : `; ${formatNumber(rowsAbove)} rows of them are there already`
  if (before === null) return `is read from ${after.next} on${rows}`
  if (after.next === before.next) return 'stays'
  return after.next < before.next
    ? `${formatNumber(before.next - after.next)} offsets are read again${rows}`
    : `${formatNumber(after.next - before.next)} offsets are never read: an accepted gap`
}

/** For --json. */
export const planDocument = ({ table, history, changes, remarks }: ShownPlan): object => ({
  table,
  history,
  changes: changes.map(({ topic, topicName, partition, before, after, rowsAbove }) => ({
    topic_key: topic,
    topic: topicName,
    partition,
    before: before === null ? null : { start: before.start, next: before.next },
    after: { start: after.start, next: after.next },
    rows_above: rowsAbove,
  })),
  remarks,
})
