// Rows of a DuckDB result as plain data, CSV or JSON lines. Process of the query. Invariant: no value passes through a JavaScript number
// but those of 32 bits and doubles: 64-bit and longer integers, decimals, dates and times are DuckDB's own text.
import { once } from 'node:events'
import type { DuckDBResult } from '@duckdb/node-api'
import type { Cell, QueryReply } from '../shared/query/query-messages.ts'

/** The first rows, and whether there are more. */
export async function readRows(result: DuckDBResult, rowsMax: number): Promise<QueryReply> {
  const columns = columnsOf(result)
  const rows: Array<readonly Cell[]> = []
  for await (const chunk of result.yieldRowsJson()) {
    for (const row of chunk) {
      if (rows.length === rowsMax) return { kind: 'result', columns, rows, isCut: true }
      rows.push(row)
    }
  }
  return { kind: 'result', columns, rows, isCut: false }
}

function columnsOf(result: DuckDBResult): Array<{ name: string; type: string }> {
  return result.columnNames().map((name, index) => ({ name, type: String(result.columnType(index)) }))
}

/** Writes to standard output as fast as it is read there; resolves to the number of rows. */
export async function writeText(result: DuckDBResult, format: 'csv' | 'jsonl'): Promise<number> {
  const names = columnsOf(result).map(({ name }) => name)
  const line = format === 'csv' ? csvLine : jsonLine(names)
  let rows = 0
  if (format === 'csv') await write(csvLine(names))
  for await (const chunk of result.yieldRowsJson()) {
    let text = ''
    for (const row of chunk) text += line(row)
    rows += chunk.length
    await write(text)
  }
  return rows
}

async function write(text: string): Promise<void> {
  if (text !== '' && !process.stdout.write(text)) await once(process.stdout, 'drain')
}

/** RFC 4180, with line feeds; NULL is nothing, and empty text is quoted, so that they differ. */
const csvLine = (row: readonly Cell[]): string => `${row.map(csvCell).join(',')}\n`

function csvCell(cell: Cell): string {
  if (cell === null) return ''
  const text = typeof cell === 'object' ? JSON.stringify(cell) : String(cell)
  return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** Two columns of one name: the later one is called name_1, as DuckDB does it. */
function jsonLine(names: readonly string[]): (row: readonly Cell[]) => string {
  const unique: string[] = []
  for (const name of names) {
    let candidate = name
    for (let count = 1; unique.includes(candidate); count++) candidate = `${name}_${count}`
    unique.push(candidate)
  }
  const keys = unique.map((name) => JSON.stringify(name))
  return (row) => `{${row.map((cell, index) => `${keys[index]}:${JSON.stringify(cell)}`).join(',')}}\n`
}
