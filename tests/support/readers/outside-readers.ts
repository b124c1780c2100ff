// The readers of Parquet files that are not ours, behind one interface: pyarrow, DuckDB and parquet-java.
import { fileURLToPath } from 'node:url'
import type { Predicate } from '../../shared/parquet/conformance-predicates.ts'
import { pythonWithReaders } from '../python-venv.ts'
import { startParquetJava } from './parquet-java.ts'
import { ReaderProcess } from './reader-process.ts'

export interface OutsideReader {
  readonly name: string
  /** The rows of a file in the text of conformance-canonical.ts. */
  rows(path: string): Promise<readonly string[]>
  /** Rows that it finds by a predicate; null where it has no such literal. */
  count(path: string, predicate: Predicate): Promise<number | null>
}

/** What pyarrow sees in a footer; read_parquet.py makes it. */
export interface FooterFacts {
  readonly createdBy: string
  readonly rows: number
  /** Path, field id, nullable: of every field at every level. */
  readonly fields: ReadonlyArray<readonly [string, number, boolean]>
  readonly leaves: readonly LeafFacts[]
  readonly rowGroups: ReadonlyArray<{
    readonly rows: number
    readonly sorting: ReadonlyArray<readonly [number, boolean, boolean]>
    readonly chunks: readonly ChunkFacts[]
  }>
}
export interface LeafFacts {
  readonly path: string
  readonly physical: string
  readonly length: number
  readonly logical: { readonly [name: string]: unknown }
  readonly converted: string
  readonly levels: readonly [number, number]
}
export interface ChunkFacts {
  readonly values: number
  readonly nulls: number | null
  readonly bounds: readonly [string, string] | null
  /** Offset index, column index. */
  readonly indexes: readonly [boolean, boolean]
  readonly compression: string
  readonly encodings: readonly string[]
}

export interface OutsideReaders {
  readonly readers: readonly OutsideReader[]
  facts(path: string): Promise<FooterFacts>
  end(): Promise<void>
}

/** Two processes, one of Python and one of Java, until `end`. */
export async function startOutsideReaders(): Promise<OutsideReaders> {
  const script = fileURLToPath(new URL('./read_parquet.py', import.meta.url))
  const python = new ReaderProcess(await pythonWithReaders(), [script])
  const java = await startParquetJava()
  const reader = (name: string, process: ReaderProcess, prefix: string, takes: (of: Predicate) => boolean) => ({
    name,
    rows: (path: string) => process.ask(`${prefix}rows`, path),
    count: async (path: string, predicate: Predicate) => {
      if (!takes(predicate)) return null
      const [count] = await process.ask(`${prefix}count`, path, predicate.column, predicate.operator, predicate.text)
      return Number(count)
    },
  })
  return {
    readers: [
      reader('pyarrow', python, 'pyarrow-', isKnownToBounds),
      reader('DuckDB', python, 'duckdb-', (of) => isKnownToBounds(of) && hasDuckdbLiteral(of)),
      reader('parquet-java', java, '', () => true),
    ],
    facts: async (path) => {
      const [line] = await python.ask('facts', path)
      // The cast: the document of the script beside this file.
      return JSON.parse(line ?? '') as FooterFacts
    },
    end: async () => {
      await Promise.all([python.end(), java.end()])
    },
  }
}

/**
 * Where both bounds of a row group are one value, pyarrow 26.0.1 and DuckDB 2.0.1 take every value for that one, a NaN, too, whoever
 * wrote the file: bounds leave NaN out.
 */
const isKnownToBounds = ({ hasNaN }: Predicate): boolean => !hasNaN

/** DuckDB reads every date and time, but its functions make none near the ends of their types, where it has its infinities. */
function hasDuckdbLiteral({ type, value }: Predicate): boolean {
  if (type === 'date') return Math.abs(Number(value)) < 2_000_000_000
  if (type.startsWith('timestamp')) return Math.abs(Number(value)) < 9.2e18
  return true
}
