// What a replay did, or would do, on the terminal and as a document. Pure.
import type { ReplayReport } from '../replay/replay-report.ts'
import { formatNumber, type Style } from './style.ts'
import { type Column, renderTable } from './table.ts'

const COLUMNS: readonly Column[] = [
  { title: 'Code', align: 'left' },
  ...['Dead letters', 'Rows', 'Rows before', 'Still bad'].map((title): Column => ({ title, align: 'right' })),
  { title: 'Why', align: 'left' },
]

export function renderReplay(table: string, report: ReplayReport, dryRun: boolean, style: Style): string {
  if (report.byCode.size === 0) return `${style.bold(table)}  no dead letters\n`
  const rows = [...report.byCode].map(([code, { letters, rows: made, before, stillBad }]) => [
    code,
    formatNumber(letters),
    formatNumber(made),
    formatNumber(before),
    formatNumber(sumOf(stillBad)),
    [...stillBad].map(([now, count]) => `${formatNumber(count)} ${now}`).join('; '),
  ])
  const said = dryRun
    ? `${formatNumber(report.total)} would become rows; nothing was changed`
    : `${formatNumber(report.total)} became rows, in ${formatNumber(report.snapshots)} snapshots`
  return `${style.bold(table)}  ${said}\n${renderTable(COLUMNS, rows)}`
}

export const replayDocument = (report: ReplayReport) => ({
  replayed: report.total,
  snapshots: report.snapshots,
  by_code: [...report.byCode].map(([code, { letters, rows, before, stillBad }]) => ({
    error_code: code,
    letters,
    replayed: rows,
    replayed_before: before,
    still_bad: Object.fromEntries(stillBad),
  })),
})

const sumOf = (counts: ReadonlyMap<string, number>): number =>
  [...counts.values()].reduce((sum, count) => sum + count, 0)
