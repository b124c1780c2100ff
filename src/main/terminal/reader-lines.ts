// How other engines open a table of the SQL catalog: one line each to paste into a shell (Trino: into its SQL prompt). Pure.
// Catalog name `k2` throughout: it is the `catalog_name` of the rows, and another name would find no table.

export interface TableAddress {
  /** Dotted. */
  readonly table: string
  /** Absolute path of the SQLite file. */
  readonly catalogFile: string
  /** `file:///…` */
  readonly warehouse: string
  /** Path of the current metadata file. */
  readonly metadataFile: string
}

export interface ReaderLine {
  readonly reader: string
  readonly line: string
}

export function readerLines(address: TableAddress): readonly ReaderLine[] {
  return [
    { reader: 'pyiceberg', line: pyicebergLine(address) },
    { reader: 'DuckDB', line: duckdbLine(address) },
    { reader: 'Spark', line: sparkLine(address) },
    { reader: 'Trino', line: trinoLine(address) },
  ]
}

/** Needs pyiceberg[sql-sqlite,pyarrow]. A JSON string is a Python string too. */
function pyicebergLine({ table, catalogFile, warehouse }: TableAddress): string {
  const [uri, folder, name] = [`sqlite:///${catalogFile}`, warehouse, table].map((text) => JSON.stringify(text))
  return shell(
    'python3',
    '-c',
    `from pyiceberg.catalog import load_catalog; print(load_catalog("k2", type="sql", uri=${uri}, warehouse=${folder}).load_table(${name}).scan(limit=10).to_arrow())`,
  )
}

/** By the metadata file: the snapshot of now. DuckDB has no SQL catalog of Iceberg. */
const duckdbLine = ({ metadataFile }: TableAddress): string =>
  shell('duckdb', '-c', `INSTALL iceberg; LOAD iceberg; SELECT count(*) FROM iceberg_scan(${sql(metadataFile)})`)

function sparkLine({ table, catalogFile, warehouse }: TableAddress): string {
  const settings = {
    'spark.sql.catalog.k2': 'org.apache.iceberg.spark.SparkCatalog',
    'spark.sql.catalog.k2.type': 'jdbc',
    'spark.sql.catalog.k2.uri': `jdbc:sqlite:${catalogFile}`,
    'spark.sql.catalog.k2.jdbc.schema-version': 'V1',
    'spark.sql.catalog.k2.warehouse': warehouse,
  }
  const packages = 'org.apache.iceberg:iceberg-spark-runtime-4.0_2.13:1.11.0,org.xerial:sqlite-jdbc:3.50.3.0'
  const conf = Object.entries(settings).flatMap(([key, value]) => ['--conf', `${key}=${value}`])
  return shell('spark-sql', '--packages', packages, ...conf, '-e', `SELECT count(*) FROM k2.${table}`)
}

/** Needs catalog.management=dynamic, and the SQLite JDBC driver in the folder of Trino's iceberg plugin. */
function trinoLine({ catalogFile, warehouse }: TableAddress): string {
  const settings = {
    'iceberg.catalog.type': 'jdbc',
    'iceberg.jdbc-catalog.catalog-name': 'k2',
    'iceberg.jdbc-catalog.driver-class': 'org.sqlite.JDBC',
    'iceberg.jdbc-catalog.connection-url': `jdbc:sqlite:${catalogFile}`,
    'iceberg.jdbc-catalog.default-warehouse-dir': warehouse,
    'fs.hadoop.enabled': 'true',
  }
  const list = Object.entries(settings).map(([key, value]) => `"${key}" = ${sql(value)}`)
  return `CREATE CATALOG k2 USING iceberg WITH (${list.join(', ')});`
}

const sql = (text: string): string => `'${text.replaceAll("'", "''")}'`

/** Words of a POSIX shell, quoted where they need it. */
export const shell = (...words: readonly string[]): string =>
  words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`)).join(' ')
