// A query's result on the terminal: rows as a table, what was read for it, and how it was planned. Pure: string ← data.
import { formatTableName } from '../../shared/iceberg/catalog.ts'
import type { Cell } from '../../shared/query/query-messages.ts'
import type { TablePlan } from '../../shared/query/query-plan.ts'
import type { QueryOutcome, QueryResult } from '../query/query-run.ts'
import { formatNumber } from './style.ts'
import { renderTable } from './table.ts'

/** Longest cell on a terminal. */
const CELL_MAX = 80

const numeric = /^(?:U?(?:TINY|SMALL|BIG|HUGE)INT|U?INTEGER|DECIMAL|FLOAT|DOUBLE)/

/** The rows, and a line that says how many there are. */
export function renderResult(result: QueryResult): string {
  const { columns, rows, isCut } = result
  const count = `${formatNumber(rows.length)} ${rows.length === 1 ? 'row' : 'rows'}`
  const line = isCut ? `the first ${count}; --max-rows shows more, --output or --format csv all of them` : count
  const heads = columns.map(({ name, type }) => ({
    title: printable(name),
    align: numeric.test(type) ? ('right' as const) : ('left' as const),
  }))
  const cells = rows.map((row) => row.map(cellText))
  return `${columns.length === 0 ? '' : renderTable(heads, cells)}${line}\n`
}

export function cellText(cell: Cell): string {
  const text = cell === null ? 'NULL' : typeof cell === 'object' ? JSON.stringify(cell) : String(cell)
  const shown = printable(text)
  return shown.length <= CELL_MAX ? shown : `${shown.slice(0, CELL_MAX - 1)}…`
}

/** Line ends and other control characters as escapes: what is in a table must not move the cursor. */
const printable = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (character) => JSON.stringify(character).slice(1, -1))

/** One line a table: what was planned of how much. */
export const renderPlan = (plans: readonly TablePlan[]): string => plans.map((plan) => `${planText(plan)}\n`).join('')

function planText({ name, point, plan, prunedBy }: TablePlan): string {
  const { files, filesKept, manifests, manifestsRead } = plan.counts
  const of = (part: number, whole: number, what: string): string =>
    `${formatNumber(part)} of ${formatNumber(whole)} ${what}`
  const parts = [
    point.snapshot === null ? 'empty' : `snapshot ${point.snapshot['snapshot-id']}`,
    of(manifestsRead, manifests, 'manifests'),
    of(filesKept, files, 'data files'),
    `at most ${formatNumber(sum(plan.files.map(({ recordCount }) => recordCount)))} rows`,
    ...(prunedBy.length === 0 ? [] : [`chosen by ${prunedBy.join(', ')}`]),
  ]
  return `${formatTableName(name)}: ${parts.join(', ')}`
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)

/** For --json; 64-bit numbers as decimal strings. */
export function queryDocument({ plan, results, rows, notices }: QueryOutcome, seconds: number): object {
  return {
    results: results.map((result) => ({ columns: result.columns, rows: result.rows, cut: result.isCut })),
    rows_written: rows,
    tables: plan.tables.map(({ name, point, plan: scan, prunedBy }) => ({
      table: formatTableName(name),
      snapshot_id: point.snapshot?.['snapshot-id'] ?? null,
      manifests: scan.counts.manifests,
      manifests_read: scan.counts.manifestsRead,
      data_files: scan.counts.files,
      data_files_read: scan.counts.filesKept,
      delete_files_read: scan.deletes.length,
      rows_max: sum(scan.files.map(({ recordCount }) => recordCount)),
      chosen_by: prunedBy,
    })),
    notices,
    seconds,
  }
}
