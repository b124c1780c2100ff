// The reference of `query-symbol`: DuckDB in a process of its own, its `read_parquet` on files that are named to it, and nothing else.
// Arguments: path of a file that holds the SQL, threads, bytes of memory. Prints the rows as JSON.
import { readFileSync } from 'node:fs'
import { DuckDBInstance } from '@duckdb/node-api'

const [file = '', threads = '1', memoryBytes = '0'] = process.argv.slice(2)
const memory_limit = `${Math.floor(Number(memoryBytes) / 1024)}KiB`
const instance = await DuckDBInstance.create(':memory:', { threads, memory_limit })
const connection = await instance.connect()
await connection.run("SET TimeZone = 'UTC'")
const reader = await connection.runAndReadAll(readFileSync(file, 'utf8'))
process.stdout.write(JSON.stringify(reader.getRowsJson()), () => process.exit(0))
