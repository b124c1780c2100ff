// The data files of a table on the terminal: a line a file, and below it the bounds of the columns that tell where it came from. Pure.
import type { ChosenFiles, FileRow } from '../tables/file-rows.ts'
import { counted, sizeText } from './quantities.ts'
import { formatNumber, type Style } from './style.ts'

export interface TableFiles extends ChosenFiles {
  /** Dotted. */
  readonly table: string
  /** Of the table: names of files are shown as they go on from there. */
  readonly location: string
  /** Columns whose bounds are shown: those that partition the table, and where in Kafka rows came from. */
  readonly columns: readonly string[]
}

export function renderFiles(shown: TableFiles, style: Style): string {
  const { table, rows, total } = shown
  const lines = [
    `${style.bold(table)}  ${counted(total, 'data file')}`,
    ...rows.flatMap((row) => fileLines(row, shown, style)),
    ...(total > rows.length ? [`  and ${formatNumber(total - rows.length)} more: --limit shows more of them`] : []),
  ]
  return `${lines.join('\n')}\n`
}

function fileLines(row: FileRow, { location, columns }: TableFiles, style: Style): readonly string[] {
  const name = row.location.startsWith(`${location}/`) ? row.location.slice(location.length + 1) : row.location
  const size = sizeText(row.bytes).padStart(9)
  const bounds = columns.flatMap((column) => {
    const found = row.bounds.find((each) => each.column === column)
    if (found === undefined || (found.lower === null && found.upper === null)) return []
    return [`${column} ${found.lower ?? '?'} … ${found.upper ?? '?'}`]
  })
  return [
    `  ${size}  ${formatNumber(row.rows).padStart(10)} rows  ${row.partition === '' ? '-' : row.partition}  ${name}`,
    ...(bounds.length === 0 ? [] : [style.dim(`      ${bounds.join(', ')}`)]),
  ]
}
