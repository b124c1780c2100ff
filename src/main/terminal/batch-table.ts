// The batch table of a run: one row per commit, printed as it comes (a run may never end, so rows are not collected to be
// aligned). Pure: string ← data. The lines are valid Markdown.
import { formatNumber } from './style.ts'

/** One commit. */
export interface BatchRow {
  /** Counted from 1 within the run. */
  readonly batch: number
  /** Records whose offsets the commit covers. */
  readonly messages: number
  /** Since the commit before, the first since the start of the run. */
  readonly durationMs: number
  /** The Iceberg transaction alone. */
  readonly commitMs: number
}

const COLUMNS = ['Batch', '  Messages', 'Duration (s)', 'Throughput (msg/s)', 'Iceberg TX (ms)'] as const
/** The head comes again after so many rows, so that it is on the screen of a long run. */
const ROWS_PER_HEAD = 50

const line = (cells: readonly string[]): string =>
  `| ${cells.map((cell, column) => cell.padStart(COLUMNS[column]?.length ?? 0)).join(' | ')} |\n`

/** The row's line, with the head above it where one is due. */
export function renderBatchRow(row: BatchRow): string {
  const cells = [
    formatNumber(row.batch),
    formatNumber(row.messages),
    formatNumber(row.durationMs / 1000, 2),
    formatNumber(perSecond(row.messages, row.durationMs), 2),
    formatNumber(row.commitMs, 2),
  ]
  return (row.batch - 1) % ROWS_PER_HEAD === 0 ? head() + line(cells) : line(cells)
}

function head(): string {
  const rule = COLUMNS.map((title) => `${'-'.repeat(title.length + 1)}:`).join('|')
  return `${line(COLUMNS)}|${rule}|\n`
}

/** Messages a second; 0 where no time passed. */
export const perSecond = (messages: number, durationMs: number): number =>
  durationMs <= 0 ? 0 : (messages * 1000) / durationMs

/** The newest rows of a run, for its JSON document: at most `rowsMax`, the oldest leave first. */
export function keepRows(rows: readonly BatchRow[], row: BatchRow, rowsMax: number): readonly BatchRow[] {
  return rows.length < rowsMax ? [...rows, row] : [...rows.slice(rows.length - rowsMax + 1), row]
}
