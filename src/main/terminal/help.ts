// `k2 --help` and `k2 <command> --help`, from the tables of commands and options. Pure: string ← data.
import { type CommandName, commandNames, commandTable } from '../../shared/command-table.ts'
import { flagOf, type OptionRow } from '../../shared/option-row.ts'
import { optionsOf } from '../../shared/options.ts'
import { styleFor, wrap } from './style.ts'

interface Page {
  readonly columns: number
  readonly color: boolean
}

/** Widest text that reads well. */
const COLUMNS_MAX = 110

/** Overview of some commands (all, or those of one family). */
export function renderHelp(commands: readonly CommandName[], page: Page): string {
  const { bold, dim } = styleFor(page)
  const lines = [
    'K2 moves market data from Kafka into Apache Iceberg, exactly once, and can prove it.',
    '',
    `${bold('Usage')}  k2 <command> [options]`,
  ]
  for (const group of new Set(commands.map((name) => commandTable[name].group))) {
    lines.push('', bold(group))
    for (const name of commands.filter((candidate) => commandTable[candidate].group === group)) {
      lines.push(`  ${name.padEnd(22)}${commandTable[name].summary}`)
    }
  }
  lines.push('', bold('Examples'))
  for (const name of commands) lines.push(`  ${commandTable[name].examples[0]}`)
  if (commands.length === commandNames.length) {
    lines.push('', 'k2 <command> --help lists its options. Each is also a variable (--batch-size: K2_BATCH_SIZE)')
    lines.push('and a key of the YAML file of --config; a flag comes before a variable, a variable before the file.')
    lines.push(dim('Exit codes: 0 done, 1 failed, 2 wrong usage.'))
  }
  return `${lines.join('\n')}\n`
}

export function renderCommandHelp(command: CommandName, page: Page): string {
  const { bold } = styleFor(page)
  const width = Math.min(page.columns, COLUMNS_MAX)
  const { summary, details, examples } = commandTable[command]
  const rows = optionsOf(command)
  const required = rows
    .filter((row) => row.required && command !== 'config check')
    .map((row) => `${flagOf(row)} ${placeholderOf(row)}`)
  const lines = [`k2 ${command}: ${summary}`, '', ...wrap(details, width), '']
  const words = rows.filter((row) => row.isPositional).map((row) => `[${row.name}]`)
  lines.push(`${bold('Usage')}  k2 ${[command, ...words, ...required, '[options]'].join(' ')}`)
  for (const group of new Set(rows.map((row) => row.group))) {
    lines.push('', bold(group))
    for (const row of rows.filter((candidate) => candidate.group === group)) lines.push(...optionLines(row, width))
  }
  lines.push('', bold(examples.length === 1 ? 'Example' : 'Examples'), ...examples.map((example) => `  ${example}`))
  return `${lines.join('\n')}\n`
}

const INDENT = 34

function optionLines(row: OptionRow, width: number): readonly string[] {
  const head = row.kind === 'routes' ? '  routes:' : `  ${flagOf(row)} ${placeholderOf(row)}`.trimEnd()
  const remark = row.required ? ' (required)' : defaultOf(row) === '' ? '' : ` (default ${defaultOf(row)})`
  const [first = '', ...more] = wrap(`${row.text}${remark}`, Math.max(30, width - INDENT))
  const text = more.map((line) => `${' '.repeat(INDENT)}${line}`)
  if (head.length + 2 > INDENT) return [head, `${' '.repeat(INDENT)}${first}`, ...text]
  return [`${head.padEnd(INDENT)}${first}`, ...text]
}

/** What stands for the value behind the flag; empty for a boolean. */
export function placeholderOf(row: OptionRow): string {
  switch (row.kind) {
    case 'boolean':
    case 'routes':
      return ''
    case 'enum':
      return row.values.join('|')
    case 'list':
      return '<a,b>'
    case 'ports':
      return '<name=port,…>'
    case 'integer':
      return '<n>'
    case 'catalog':
      return 'sqlite:<file>'
    case 'table':
      return '<ns.table>'
    case 'gaps':
      return '<all|topic/n,…>'
    case 'as-of':
      return '<time|tag|id>'
    case 'timezone':
      return '<zone>'
    case 'partitions':
      return '<n,n>'
    case 'position':
      return '<offset>'
    case 'topics':
      return '<a,b|/re/>'
    case 'brokers':
      return '<host:port>'
    case 'listen':
      return '<[host:]port>'
    case 'urls':
      return '<url,…>'
    case 'secret':
      return '<secret>'
    case 'registry-auth':
      return 'basic:<user>:<password>|bearer:<token>'
    case 'start':
      return '<place>'
    case 'path':
      return '<path>'
    case 'string':
      return '<text>'
    case 'bytes':
      return '<bytes>'
    case 'duration':
      return '<time>'
    case 'instant':
      return '<date>'
    case 'since':
      return '<time>'
  }
}

/** The default as a user would write it; empty where there is none. */
export const defaultOf = (row: OptionRow): string =>
  row.default ?? (row.computed === undefined ? '' : COMPUTED[row.computed])

const COMPUTED = {
  cores: 'one a core',
  'shipped schemas': 'schemas/ of k2',
  'shipped trades': 'data/ of k2',
  'user cache': '~/.cache/k2/services',
} as const
