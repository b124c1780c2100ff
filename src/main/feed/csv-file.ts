// CSV files without quoting, plain or gzipped, read whole and split line by line. Main thread.
// Invariant: line numbers count from 1 and never skip, so that (file, line) names a row for ever.
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { IngestError } from '../../shared/errors.ts'
import { FieldProblem } from './csv-values.ts'

/** A decompressed file larger than this is refused: it is held in memory, and a string has its own limit. */
const fileBytesMax = 256 * 1024 * 1024

export interface CsvFile {
  readonly path: string
  /** Name without `.csv` and `.gz`: a file and its gzipped copy give the same ids. */
  readonly stem: string
  readonly text: string
  /** SHA-256 of the decompressed bytes, hexadecimal. */
  readonly digest: string
}

export interface CsvRow {
  readonly file: CsvFile
  readonly line: number
  readonly fields: readonly string[]
}

export const csvStem = (name: string): string =>
  basename(name)
    .replace(/\.gz$/, '')
    .replace(/\.csv$/, '')

/** Errors: FEED_INPUT with file and reason. */
export async function readCsvFile(directory: string, name: string): Promise<CsvFile> {
  const path = join(directory, name)
  try {
    const stored = await readFile(path)
    const bytes = name.endsWith('.gz') ? gunzipSync(stored, { maxOutputLength: fileBytesMax }) : stored
    if (bytes.length > fileBytesMax) throw new RangeError(`larger than ${fileBytesMax} bytes`)
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return { path, stem: csvStem(name), text, digest: createHash('sha256').update(bytes).digest('hex') }
  } catch (error) {
    throw new IngestError('FEED_INPUT', { file: path, reason: 'cannot be read or unpacked' }, error)
  }
}

/** Rows in file order; LF or CRLF; an empty last line is none. Errors: FEED_INPUT where a row has not `fieldCount` fields. */
export function* csvRows(file: CsvFile, fieldCount: number, headerLines: number): Generator<CsvRow> {
  const { text } = file
  let line = 0
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf('\n', start)
    const next = newline === -1 ? text.length : newline
    const end = next > start && text.charCodeAt(next - 1) === 0x0d ? next - 1 : next
    line++
    if (line > headerLines) {
      const fields = text.slice(start, end).split(',')
      if (fields.length !== fieldCount) {
        throw rowProblem({ file, line, fields }, new FieldProblem(`${fields.length} fields instead of ${fieldCount}`))
      }
      yield { file, line, fields }
    }
    start = next + 1
  }
}

/** A FieldProblem with its place; anything else as it is (our bug). */
export function rowProblem(row: CsvRow, error: unknown): unknown {
  if (!(error instanceof FieldProblem)) return error
  return new IngestError('FEED_INPUT', { file: row.file.path, line: row.line, reason: error.message })
}
