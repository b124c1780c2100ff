// The parts of README.md and docs/ that are made from tables in src, as they must read. `npm run docs` writes them; the tidy test
// compares them.

import { readFileSync } from 'node:fs'
import { renderScaling } from '../../bench/scaling-model.ts'
import { type MetricRow, metricTable } from '../../src/main/serve/metric-table.ts'
import { healthRules } from '../../src/main/tables/health-rules.ts'
import { defaultOf, placeholderOf } from '../../src/main/terminal/help.ts'
import { commandNames, commandTable } from '../../src/shared/command-table.ts'
import { errorTable } from '../../src/shared/errors.ts'
import { flagOf, keyOf, type OptionRow, variableOf } from '../../src/shared/option-row.ts'
import { optionRows } from '../../src/shared/options.ts'
import { routeKeyRows } from '../../src/shared/routes/route-keys.ts'
import { routeOptionKeys } from '../../src/shared/routes/route-rule.ts'

const cell = (text: string): string => text.replaceAll('|', String.raw`\|`).replaceAll('<', '&lt;')
const code = (text: string): string => (text === '' ? '' : `\`${text.replaceAll('|', String.raw`\|`)}\``)
const row = (...cells: readonly string[]): string => `| ${cells.join(' | ')} |`

export function commandsBlock(): string {
  const rows = commandNames.map((name) => row(code(`k2 ${name}`), cell(commandTable[name].summary)))
  return [row('Command', 'What it does'), row('---', '---'), ...rows].join('\n')
}

export function optionsBlock(): string {
  const rows = (optionRows as readonly OptionRow[]).map((option) => {
    const value = placeholderOf(option)
    const standard = option.required === true ? 'required' : code(defaultOf(option))
    const commands = option.commands.length === commandNames.length ? 'all' : option.commands.join(', ')
    const isFlag = option.kind !== 'routes'
    return row(
      code(isFlag ? `${flagOf(option)} ${value}`.trimEnd() : `${option.name}:`),
      code(isFlag ? variableOf(option) : ''),
      standard,
      commands,
      cell(option.text),
    )
  })
  return [
    row('Option', 'Variable', 'Default', 'Commands', 'What it does'),
    row('---', '---', '---', '---', '---'),
    ...rows,
  ].join('\n')
}

export function routeKeysBlock(): string {
  const own = routeKeyRows.map(({ key, value, text }) =>
    row(code(key), value.replaceAll('|', String.raw`\|`), cell(text)),
  )
  const options = routeOptionKeys.map((key) => {
    const found = (optionRows as readonly OptionRow[]).find((option) => keyOf(option) === key)
    return row(
      code(key),
      code(found === undefined ? '' : placeholderOf(found) || 'true|false'),
      cell(found?.text ?? ''),
    )
  })
  return [row('Key', 'Value', 'What it says'), row('---', '---', '---'), ...own, ...options].join('\n')
}

export function errorsBlock(): string {
  const rows = Object.entries(errorTable).map(([name, { action, text, help }]) =>
    row(code(name), action, cell(text), cell(help)),
  )
  return [row('Code', 'Action', 'What happened', 'What to do'), row('---', '---', '---', '---'), ...rows].join('\n')
}

const labelText = ([name, values]: readonly [string, 'open' | readonly string[]]): string =>
  values === 'open' ? code(name) : `${code(name)}: ${values.map(code).join(', ')}`

export function metricsBlock(): string {
  const rows = Object.entries<MetricRow>(metricTable).map(([name, { type, help, labels }]) =>
    row(code(name), type, Object.entries(labels).map(labelText).join('; '), cell(help)),
  )
  return [row('Metric', 'Type', 'Labels', 'What it says'), row('---', '---', '---', '---'), ...rows].join('\n')
}

export function healthBlock(): string {
  const rows = Object.entries(healthRules).map(([name, { looks, warns, isBad, help }]) =>
    row(code(name), cell(looks), cell(warns), cell(isBad), cell(help)),
  )
  return [row('Check', 'Looks at', 'Warns', 'Bad', 'What to do'), row('---', '---', '---', '---', '---'), ...rows].join(
    '\n',
  )
}

/** From what `npm run bench:scaling` kept of a bench. */
const scalingBlock = (): string =>
  renderScaling(JSON.parse(readFileSync(new URL('../../bench/scaling.json', import.meta.url), 'utf8')))

/** The generated blocks: in which file, between `<!-- name -->` and `<!-- /name -->`. */
export const generatedBlocks = [
  { file: 'README.md', name: 'commands', block: commandsBlock },
  { file: 'README.md', name: 'options', block: optionsBlock },
  { file: 'docs/config.md', name: 'route-keys', block: routeKeysBlock },
  { file: 'docs/errors.md', name: 'errors', block: errorsBlock },
  { file: 'docs/metrics.md', name: 'metrics', block: metricsBlock },
  { file: 'docs/tables.md', name: 'health', block: healthBlock },
  { file: 'docs/scaling.md', name: 'scaling', block: scalingBlock },
] as const

const markers = (name: string): readonly [string, string] => [`<!-- ${name} -->`, `<!-- /${name} -->`]

/** The block as it stands in the text, or null without its markers. */
export function readBlock(text: string, name: string): string | null {
  const [open, close] = markers(name)
  const [start, end] = [text.indexOf(open), text.indexOf(close)]
  return start === -1 || end < start ? null : text.slice(start + open.length, end).trim()
}

export function writeBlock(text: string, name: string, block: string): string {
  const [open, close] = markers(name)
  const [start, end] = [text.indexOf(open), text.indexOf(close)]
  if (start === -1 || end < start) throw new Error(`no markers ${open} … ${close}`)
  return `${text.slice(0, start + open.length)}\n${block}\n${text.slice(end)}`
}
