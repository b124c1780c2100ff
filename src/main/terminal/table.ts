// Tables on the terminal: titles over aligned rows. Pure; the drawing is cli-table3's, uncoloured.
import Table from 'cli-table3'

export interface Column {
  readonly title: string
  readonly align: 'left' | 'right'
}

export function renderTable(columns: readonly Column[], rows: ReadonlyArray<readonly string[]>): string {
  const table = new Table({
    head: columns.map((column) => column.title),
    colAligns: columns.map((column) => column.align),
    style: { head: [], border: [], compact: true },
  })
  for (const row of rows) table.push([...row])
  return `${table.toString()}\n`
}
