// The view of a table in DuckDB: the planned files read by field id, position deletes taken out, as SQL. Pure, any thread.
// Invariant: the view has exactly the columns of the schema, with their types, also where no file is left to read.
import { IngestError } from '../errors.ts'
import type { TableMetadata } from '../iceberg/metadata.ts'
import type { ScanPlan } from '../iceberg/scan-plan.ts'
import type { IcebergField, IcebergSchema } from '../iceberg/schema.ts'
import { pathOfLocation } from '../store/file-location.ts'
import { columnReading, quoted, sqlText } from './duckdb-type.ts'

export interface ViewSource {
  /** Dotted name, for errors. */
  readonly table: string
  readonly metadata: TableMetadata
  readonly schema: IcebergSchema
  /** Null: the view is there for its columns only. */
  readonly plan: ScanPlan | null
  /** Condition that all rows of the view satisfy, SQL, or null. */
  readonly where: string | null
}

/** Paths that the view reads. Errors: QUERY_UNSUPPORTED for what is no local Parquet file, and for equality deletes. */
export function viewPaths({ table, plan }: ViewSource): {
  readonly data: readonly string[]
  readonly deletes: readonly string[]
} {
  if (plan === null) return { data: [], deletes: [] }
  const unsupported = (file: string, reason: string): IngestError =>
    new IngestError('QUERY_UNSUPPORTED', { table, reason, file })
  const pathOf = ({ location, format }: { readonly location: string; readonly format: string }): string => {
    if (format !== 'parquet') throw unsupported(location, `a file in format ${format}; only parquet is read`)
    const path = pathOfLocation(location)
    if (path === null) throw unsupported(location, 'a file that is not on this machine')
    return path
  }
  const equality = plan.deletes.find(({ kind }) => kind === 'equality')
  if (equality !== undefined) throw unsupported(equality.location, 'equality deletes of another writer apply to it')
  return { data: plan.files.map(pathOf), deletes: plan.deletes.map(pathOf) }
}

/** SELECT of the view. Errors: as {@link viewPaths}. */
export function viewSelect(source: ViewSource): string {
  const { schema, where } = source
  const { data, deletes } = viewPaths(source)
  const columns = schema.fields.map((field) => readColumn(field, source))
  const select = `SELECT ${columns.map(({ expression }) => expression).join(', ')}`
  const filter = where === null ? '' : `WHERE (${where}\n)`
  if (data.length === 0) {
    const empty = columns.map(({ empty }) => empty).join(', ')
    return `SELECT * FROM (SELECT ${empty} WHERE false) ${filter}`
  }
  const entries = columns.flatMap(({ entry }) => entry ?? [])
  const options = [
    `schema = MAP {${entries.join(', ')}}`,
    ...(deletes.length === 0 ? [] : ['filename = true', 'file_row_number = true']),
  ]
  const rows = `read_parquet([${data.map(sqlText).join(', ')}], ${options.join(', ')}) AS k2_rows`
  const kept = deletes.length === 0 ? '' : `WHERE NOT EXISTS (${deletedRow(deletes)})`
  return filter === '' ? `${select} FROM ${rows} ${kept}` : `SELECT * FROM (${select} FROM ${rows} ${kept}) ${filter}`
}

/** A position delete names the data file as the metadata spells it: `file:///a`, `file:/a` or `/a`. */
const deletedRow = (deletes: readonly string[]): string =>
  `SELECT 1 FROM read_parquet([${deletes.map(sqlText).join(', ')}]) AS k2_deletes ` +
  `WHERE regexp_replace(k2_deletes.file_path, '^file:/+', '/') = k2_rows.filename AND k2_deletes.pos = k2_rows.file_row_number`

interface ReadColumn {
  readonly expression: string
  /** Of a view without files. */
  readonly empty: string
  /** For the schema by field id; null for a column that is not read. */
  readonly entry: string | null
}

function readColumn(field: IcebergField, { metadata, table }: ViewSource): ReadColumn {
  const reading = columnReading(field, metadata)
  const name = quoted(field.name)
  if (reading.kind === 'readable') {
    const { type } = reading
    const struct = `{name: ${sqlText(field.name)}, type: ${sqlText(type)}, default_value: NULL}`
    return { expression: name, empty: `CAST(NULL AS ${type}) AS ${name}`, entry: `${field.id}: ${struct}` }
  }
  const refusal = `error(${sqlText(`column ${field.name} of ${table} is not read: ${reading.reason}`)})`
  return { expression: `${refusal} AS ${name}`, empty: `${refusal} AS ${name}`, entry: null }
}
