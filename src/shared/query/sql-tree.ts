// What a parsed query says of tables: which it names, under which simple conditions, and which functions it calls with which
// constants. Read from DuckDB's own serialization of the statement (`json_serialize_sql`), so there is no second SQL parser. Pure, any
// thread. Invariant: what is not understood adds no condition; conditions only ever come from conjuncts that every row must satisfy.

import { isObject, type JsonObject } from '../iceberg/json-shape.ts'
import type { CompareOperator, Literal, Predicate } from '../iceberg/scan-predicate.ts'
import { literalOf } from './sql-literal.ts'

/** A place in the query where rows of a table are taken, lower case as SQL compares names. */
export interface TableReference {
  readonly schema: string
  readonly table: string
  readonly predicates: readonly Predicate[]
}

export interface FunctionCall {
  /** Lower case. */
  readonly name: string
  /** Null for what is no constant, or is named (`a := 1`). */
  readonly literals: readonly (Literal | null)[]
}

export interface QueryFacts {
  readonly references: readonly TableReference[]
  /** Names of common table expressions, lower case: they hide tables. */
  readonly expressions: ReadonlySet<string>
  readonly calls: readonly FunctionCall[]
}

/** Facts of a statement's tree as `json_serialize_sql` gives it, parsed. */
export function readQuery(tree: unknown): QueryFacts {
  const facts = { references: [] as TableReference[], expressions: new Set<string>(), calls: [] as FunctionCall[] }
  visit(tree, facts)
  return facts
}

interface Found {
  readonly references: TableReference[]
  readonly expressions: Set<string>
  readonly calls: FunctionCall[]
}

function visit(node: unknown, found: Found): void {
  if (Array.isArray(node)) {
    for (const item of node) visit(item, found)
    return
  }
  if (!isObject(node)) return
  if (node['type'] === 'SELECT_NODE') visitSelect(node, found)
  else if (node['type'] === 'BASE_TABLE') found.references.push({ ...tableOf(node), predicates: [] })
  else visitMembers(node, found)
}

function visitMembers(node: JsonObject, found: Found, but = ''): void {
  if (node['class'] === 'FUNCTION') found.calls.push(callOf(node))
  for (const [name, member] of Object.entries(node)) {
    if (name === but) continue
    if (name === 'cte_map') nameExpressions(member, found.expressions)
    visit(member, found)
  }
}

/** The tables of a FROM get the conjuncts of the WHERE, where no join can bring a row without them. */
function visitSelect(node: JsonObject, found: Found): void {
  visitMembers(node, found, 'from_table')
  const conjuncts = conjunctsOf(node['where_clause'])
  const from = node['from_table']
  if (isObject(from) && from['type'] === 'BASE_TABLE') {
    found.references.push({ ...tableOf(from), predicates: predicatesOf(conjuncts, from, 'any name') })
  } else visitJoin(from, conjuncts, found)
}

function visitJoin(from: unknown, conjuncts: readonly JsonObject[], found: Found): void {
  if (!isObject(from)) return
  if (from['type'] === 'BASE_TABLE') {
    found.references.push({ ...tableOf(from), predicates: predicatesOf(conjuncts, from, 'qualified') })
    return
  }
  if (from['type'] !== 'JOIN' || from['join_type'] !== 'INNER') {
    visit(from, found)
    return
  }
  const { left, right, ...rest } = from
  visitJoin(left, conjuncts, found)
  visitJoin(right, conjuncts, found)
  visit(rest['condition'], found)
}

const lower = (value: unknown): string => (typeof value === 'string' ? value.toLowerCase() : '')

const tableOf = (node: JsonObject): Pick<TableReference, 'schema' | 'table'> => ({
  schema: lower(node['schema_name']),
  table: lower(node['table_name']),
})

function nameExpressions(map: unknown, names: Set<string>): void {
  const entries = isObject(map) && Array.isArray(map['map']) ? map['map'] : []
  for (const entry of entries) if (isObject(entry)) names.add(lower(entry['key']))
}

function callOf(node: JsonObject): FunctionCall {
  const children = Array.isArray(node['children']) ? node['children'] : []
  const isNamed = children.some((child) => isObject(child) && lower(child['alias']) !== '')
  return {
    name: lower(node['function_name']),
    literals: isNamed ? children.map(() => null) : children.map(literalOf),
  }
}

function conjunctsOf(where: unknown): readonly JsonObject[] {
  if (!isObject(where)) return []
  if (where['type'] !== 'CONJUNCTION_AND') return [where]
  return Array.isArray(where['children']) ? where['children'].flatMap(conjunctsOf) : []
}

type Naming = 'any name' | 'qualified'

function predicatesOf(conjuncts: readonly JsonObject[], table: JsonObject, naming: Naming): readonly Predicate[] {
  // FROM t AS a(x, y): columns under other names. FROM t TABLESAMPLE: taken before the WHERE.
  const renamed = table['column_name_alias']
  if ((Array.isArray(renamed) && renamed.length > 0) || isObject(table['sample'])) return []
  const column = (node: unknown): string | null => columnOf(node, table, naming)
  return conjuncts.flatMap((conjunct) => predicatesOfOne(conjunct, column))
}

/** Name of the column of this table that an expression is, or null. */
function columnOf(node: unknown, table: JsonObject, naming: Naming): string | null {
  if (!isObject(node) || node['class'] !== 'COLUMN_REF' || !Array.isArray(node['column_names'])) return null
  const names = node['column_names'].map(lower)
  const column = names.at(-1) ?? ''
  if (names.length === 1) return naming === 'any name' ? column : null
  const { schema, table: name } = tableOf(table)
  const alias = lower(table['alias'])
  const isOurs = names.length === 2 ? names[0] === (alias === '' ? name : alias) : alias === '' && names[1] === name
  return isOurs && names.length <= 3 && (names.length < 3 || names[0] === schema) ? column : null
}

const operators: Readonly<Record<string, readonly [straight: CompareOperator, turned: CompareOperator]>> = {
  COMPARE_EQUAL: ['=', '='],
  COMPARE_NOTEQUAL: ['!=', '!='],
  COMPARE_LESSTHAN: ['<', '>'],
  COMPARE_LESSTHANOREQUALTO: ['<=', '>='],
  COMPARE_GREATERTHAN: ['>', '<'],
  COMPARE_GREATERTHANOREQUALTO: ['>=', '<='],
}

function predicatesOfOne(node: JsonObject, column: (node: unknown) => string | null): readonly Predicate[] {
  const type = lower(node['type']).toUpperCase()
  const children = Array.isArray(node['children']) ? node['children'] : []
  const compared = operators[type]
  if (compared !== undefined) return comparison(node, compared, column)
  if (type === 'COMPARE_BETWEEN') {
    const name = column(node['input'])
    const bounds = [
      ['>=', literalOf(node['lower'])],
      ['<=', literalOf(node['upper'])],
    ] as const
    return bounds.flatMap(([operator, literal]): Predicate[] =>
      name === null || literal === null ? [] : [{ kind: 'compare', column: name, operator, literal }],
    )
  }
  const name = column(children[0])
  if (name === null) return []
  if (type === 'COMPARE_IN') {
    const literals = children.slice(1).map(literalOf)
    const known = literals.filter((literal) => literal !== null)
    return known.length < literals.length ? [] : [{ kind: 'in', column: name, literals: known }]
  }
  if (type !== 'OPERATOR_IS_NULL' && type !== 'OPERATOR_IS_NOT_NULL') return []
  return [{ kind: 'null', column: name, isNull: type === 'OPERATOR_IS_NULL' }]
}

function comparison(
  node: JsonObject,
  [straight, turned]: readonly [CompareOperator, CompareOperator],
  column: (node: unknown) => string | null,
): readonly Predicate[] {
  const sides = [
    [node['left'], node['right'], straight],
    [node['right'], node['left'], turned],
  ] as const
  return sides.flatMap(([side, other, operator]): Predicate[] => {
    const name = column(side)
    const literal = name === null ? null : literalOf(other)
    return name === null || literal === null ? [] : [{ kind: 'compare', column: name, operator, literal }]
  })
}
