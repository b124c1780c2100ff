// Which tables of a catalog a query reads, and under which conditions, by its text and its tree. Pure, any thread.
// Invariant: a table that the query may read in a way that is not understood is read without conditions.
import type { TableName } from '../iceberg/catalog.ts'
import type { Predicate } from '../iceberg/scan-predicate.ts'
import { type MetadataKind, metadataKinds } from './metadata-views.ts'
import type { QueryFacts } from './sql-tree.ts'
import { isMacroName, macroPredicates } from './trade-macros.ts'

/** What a query wants of one table. */
export interface TableUse {
  readonly name: TableName
  /** Rows are read. */
  readonly isRead: boolean
  readonly metadata: readonly MetadataKind[]
}

/** Tables that the text names; a name in a string or a comment counts, which costs a little and harms nothing. */
export function tablesInText(sql: string, tables: readonly TableName[]): readonly TableUse[] {
  const text = sql.toLowerCase()
  const words = new Set([...(text.match(/[\w$]+/g) ?? []), ...(text.match(/[\w$-]+/g) ?? [])])
  const known = new Set(tables.map(({ name }) => name.toLowerCase()))
  return tables.flatMap((name): TableUse[] => {
    const base = name.name.toLowerCase()
    const metadata = metadataKinds.filter((kind) => {
      const view = `${base}_${kind}`
      // A table of that very name is the one that is meant.
      return words.has(view) && !known.has(view)
    })
    const isRead = words.has(base)
    return isRead || metadata.length > 0 ? [{ name, isRead, metadata }] : []
  })
}

/** Macros that the text names. */
export const macrosInText = (sql: string): boolean => (sql.toLowerCase().match(/\w+/g) ?? []).some(isMacroName)

/** Functions that read tables named in texts. */
const hidden: ReadonlySet<string> = new Set(['query', 'query_table'])

/**
 * The conjunctions of which each place in the query wants one; an empty one wants everything. `isTrades`: macros read this table.
 */
export function wantedOf(
  facts: QueryFacts | null,
  name: TableName,
  isTrades: boolean,
): readonly (readonly Predicate[])[] {
  if (facts === null) return [[]]
  const table = name.name.toLowerCase()
  const schema = name.namespace.join('.').toLowerCase()
  if (facts.expressions.has(table) || facts.calls.some((call) => hidden.has(call.name))) return [[]]
  const references = facts.references.filter((each) => each.table === table && ['', schema].includes(each.schema))
  const calls = isTrades ? facts.calls.filter((call) => isMacroName(call.name)) : []
  const wanted = [...references.map(({ predicates }) => predicates), ...calls.map(macroPredicates)]
  return wanted.length === 0 ? [[]] : wanted
}
