// What `k2 query` and the process of its database say to each other. Plain data that JSON carries: 64-bit numbers are text.

export interface DatabaseLimits {
  readonly memoryBytes: number
  readonly threads: number
}

export type OutputPlan =
  /** Rows are sent back, at most so many of a result. */
  | { readonly kind: 'rows'; readonly rowsMax: number }
  /** Text on the process's standard output. */
  | { readonly kind: 'text'; readonly format: 'csv' | 'jsonl' }
  | { readonly kind: 'parquet'; readonly path: string }

export type QueryRequest =
  | { readonly kind: 'parse'; readonly sql: string; readonly where: string | null }
  | {
      readonly kind: 'run'
      /** The only files that the query may open. */
      readonly paths: readonly string[]
      /** SQL that makes views and macros. */
      readonly session: readonly string[]
      readonly sql: string
      readonly output: OutputPlan
    }

/** A cell as exact text, JSON for nested ones; null for NULL. */
export type Cell = null | string | number | boolean | readonly Cell[] | { readonly [name: string]: Cell }

export interface ResultColumn {
  readonly name: string
  /** As DuckDB names it. */
  readonly type: string
}

export type QueryReply =
  | {
      readonly kind: 'parsed'
      /** The tree of the one SELECT, or null for anything else. */
      readonly tree: string | null
      /** The tree of `SELECT … WHERE <where>`. */
      readonly where: string | null
    }
  | {
      readonly kind: 'result'
      readonly columns: readonly ResultColumn[]
      readonly rows: readonly (readonly Cell[])[]
      readonly isCut: boolean
    }
  | { readonly kind: 'done'; readonly rows: number }
  | { readonly kind: 'failed'; readonly reason: 'sql' | 'memory' | 'output'; readonly text: string }
