// An effective configuration as a config file: one line a setting, with where its value came from in a comment. Pure: string ← data.
// Invariant: read again as a config file, what is printed says the same; a hidden value is a comment.
import type { EffectiveConfig, Setting, SettingValue } from '../../shared/setting.ts'

/** Comments begin here where the value leaves room. */
const COMMENT_COLUMN = 48

export function renderEffectiveConfig({ settings, routes }: EffectiveConfig): string {
  const lines = settings.map((setting) => settingLine(setting, ''))
  if (routes.length > 0) lines.push('routes:')
  for (const route of routes) {
    // An entry of which nothing could be read is in the problems.
    route.settings.forEach((setting, index) => {
      lines.push(settingLine(setting, index === 0 ? '  - ' : '    '))
    })
  }
  return lines.map((line) => `${line}\n`).join('')
}

function settingLine({ key, value, from }: Setting, indent: string): string {
  if (value.kind === 'hidden') return `${indent}# ${key} is set by ${from}, and not shown`
  return `${`${indent}${key}: ${valueText(value)}`.padEnd(COMMENT_COLUMN)} # ${from}`
}

function valueText(value: Exclude<SettingValue, { kind: 'hidden' }>): string {
  switch (value.kind) {
    case 'text':
      return scalar(value.text)
    case 'list':
      return `[${value.items.map(scalar).join(', ')}]`
    case 'map':
      return `{${value.entries.map(([key, text]) => `${scalar(key)}: ${scalar(text)}`).join(', ')}}`
  }
}

/** Plain where YAML reads it as one text, also between brackets; else in quotes, as JSON. */
const scalar = (text: string): string =>
  /^[\w/^.][\w/.:^ ()@+-]*$/.test(text) && !/:(?: |$)| #| $/.test(text) ? text : JSON.stringify(text)

/** For --json. */
export const effectiveDocument = ({ settings, routes }: EffectiveConfig): object => ({
  settings: Object.fromEntries(settings.map(settingDocument)),
  routes: routes.map((route) => Object.fromEntries(route.settings.map(settingDocument))),
})

function settingDocument({ key, value, from }: Setting): readonly [string, object] {
  switch (value.kind) {
    case 'hidden':
      return [key, { value: null, is_hidden: true, from }]
    case 'text':
      return [key, { value: value.text, from }]
    case 'list':
      return [key, { value: value.items, from }]
    case 'map':
      return [key, { value: Object.fromEntries(value.entries), from }]
  }
}
