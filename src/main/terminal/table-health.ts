// The verdicts of `k2 tables health` on the terminal and as a document. Pure.
import { formatTableName } from '../../shared/iceberg/catalog.ts'
import type { UnreadableTable } from '../tables/each-table.ts'
import { type HealthCheck, type Verdict, worst } from '../tables/health.ts'
import { healthRules } from '../tables/health-rules.ts'
import type { TableKind } from '../tables/table-kind.ts'
import type { Style } from './style.ts'
import { kindText } from './table-list.ts'

export interface TableHealth {
  /** Dotted. */
  readonly table: string
  /** Null of a table that cannot be read. */
  readonly kind: TableKind | null
  readonly checks: readonly HealthCheck[]
}

/** A table that cannot be read, as a verdict; `unknown` where nothing says that it is one of ours. */
export const unreadableHealth = ({ name, error }: UnreadableTable, isOwn: boolean): TableHealth => ({
  table: formatTableName(name),
  kind: null,
  checks: [
    { check: 'readable', verdict: isOwn ? 'bad' : 'unknown', found: error.message, help: healthRules.readable.help },
  ],
})

export const verdictOf = ({ checks }: TableHealth): Verdict => worst(checks.map(({ verdict }) => verdict))

const SIGNS: Readonly<Record<Verdict, string>> = { good: '✓', unknown: '-', warn: '!', bad: '✗' }

export function renderHealth(tables: readonly TableHealth[], style: Style): string {
  if (tables.length === 0) return `${style.red('no table of k2 in this catalog: there is nothing to be healthy')}\n`
  return `${[...tables.map((table) => renderTable(table, style)), endLine(tables, style)].join('\n')}\n`
}

function renderTable({ table, kind, checks }: TableHealth, style: Style): string {
  const width = Math.max(...checks.map(({ check }) => check.length))
  const lines = checks.flatMap(({ check, verdict, found, help }) => {
    const line = `  ${SIGNS[verdict]} ${check.padEnd(width)}  ${found}`
    const painted = verdict === 'bad' ? style.red(line) : verdict === 'warn' ? style.bold(line) : line
    return help === '' ? [painted] : [painted, `    ${' '.repeat(width)}  → ${help}`]
  })
  const what = kind === null ? '' : `  ${kindText(kind)}`
  return [`${style.bold(table)}${what}`, ...lines, ''].join('\n')
}

function endLine(tables: readonly TableHealth[], style: Style): string {
  const verdicts = tables.map(verdictOf)
  const number = (wanted: Verdict): number => verdicts.filter((verdict) => verdict === wanted).length
  const all = tables.length === 1 ? '1 table' : `${tables.length} tables`
  if (number('bad') > 0) return style.red(`${number('bad')} of ${all} bad: see → above`)
  if (number('warn') > 0) return style.bold(`${number('warn')} of ${all} with a warning: see → above`)
  return style.green(`${all}, nothing bad`)
}

/** For --json. `ok`: nothing is bad, which is the exit code. */
export const healthDocument = (tables: readonly TableHealth[]): object => ({
  ok: isHealthy(tables),
  tables: tables.map((table) => ({
    table: table.table,
    kind: table.kind?.kind ?? null,
    verdict: verdictOf(table),
    checks: table.checks,
  })),
})

export const isHealthy = (tables: readonly TableHealth[]): boolean =>
  tables.length > 0 && tables.every((table) => verdictOf(table) !== 'bad')
