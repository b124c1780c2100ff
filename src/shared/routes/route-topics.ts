// Which topics a route is for: a name, a template (`market.{asset_class}.{data_type}.{exchange}`), or a /regular expression/, and
// what each captures for the name of the table. Pure. Invariant: what is said to cover another pattern matches every topic that the
// other one matches; where that cannot be told, nothing is said.
import type { Topics } from '../option-values.ts'

export type TopicPattern =
  | { readonly kind: 'name'; readonly text: string }
  /** A capture stands for one or more characters that are no dot. */
  | { readonly kind: 'template'; readonly text: string }
  /** `text`: between the slashes. Found anywhere in the name, unless it has ^ and $; as in --topic. */
  | { readonly kind: 'expression'; readonly text: string }

export type ParsedPattern =
  | { readonly kind: 'pattern'; readonly pattern: TopicPattern }
  | { readonly kind: 'problem'; readonly problem: string }

const problem = (text: string): ParsedPattern => ({ kind: 'problem', problem: text })

/** As a user would write it in the config file. */
export const patternText = ({ kind, text }: TopicPattern): string => (kind === 'expression' ? `/${text}/` : text)

export function parseTopicPattern(text: string): ParsedPattern {
  if (text.startsWith('/')) return parseExpression(text)
  if (/^[a-zA-Z0-9._-]{1,249}$/.test(text)) return { kind: 'pattern', pattern: { kind: 'name', text } }
  if (!/^(?:[a-zA-Z0-9._-]|\{[a-z]\w*\})+$/.test(text)) {
    return problem('must be a topic, a template like market.{asset_class}.trades.{exchange}, or a /regular expression/')
  }
  const captures = tableCaptures(text)
  const twice = captures.find((name, index) => captures.indexOf(name) < index)
  if (twice !== undefined) return problem(`captures {${twice}} twice`)
  if (/\}\{/.test(text)) return problem('has two captures beside each other: nothing says where one ends')
  return { kind: 'pattern', pattern: { kind: 'template', text } }
}

function parseExpression(text: string): ParsedPattern {
  if (text.length < 3 || !text.endsWith('/')) return problem('must end with / as it begins: one /regular expression/')
  const source = text.slice(1, -1)
  try {
    new RegExp(source)
  } catch (error) {
    return problem(`is no regular expression (${error instanceof Error ? error.message : String(error)})`)
  }
  if (/\\(?:k<|[1-9])/.test(source)) return problem('must not refer back to its own captures (\\1, \\k<name>)')
  return { kind: 'pattern', pattern: { kind: 'expression', text: source } }
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\-]/g, '\\$&')

function sourceOf(pattern: TopicPattern): string {
  switch (pattern.kind) {
    case 'name':
      return `^${escaped(pattern.text)}$`
    case 'template':
      return `^${pattern.text
        .split(/(\{\w+\})/)
        .map((part) => (part.startsWith('{') ? `(?<${part.slice(1, -1)}>[^.]+)` : escaped(part)))
        .join('')}$`
    case 'expression':
      return pattern.text
  }
}

/** What a pattern captures: names, and numbers of the groups of an expression. */
export function capturesOf(pattern: TopicPattern): readonly string[] {
  if (pattern.kind === 'name') return []
  // An alternative that matches nothing shows every group there is.
  const match = new RegExp(`${sourceOf(pattern)}|`).exec('')
  const numbers = pattern.kind === 'template' ? [] : [...(match?.keys() ?? [])].slice(1).map(String)
  return [...numbers, ...Object.keys(match?.groups ?? {})]
}

/** What the first pattern that fits a topic captures of it; null where none fits. */
export function matchTopic(patterns: readonly TopicPattern[], topic: string): Readonly<Record<string, string>> | null {
  for (const pattern of patterns) {
    const match = new RegExp(sourceOf(pattern)).exec(topic)
    if (match === null) continue
    const numbered = [...match].slice(1).map((text, index) => [String(index + 1), text ?? ''] as const)
    const named = Object.entries(match.groups ?? {}).map(([name, text]) => [name, text ?? ''] as const)
    return Object.fromEntries([...numbered, ...named])
  }
  return null
}

const CAPTURE = /\{(\w+)\}/g

/** Captures that a table's name refers to. */
export const tableCaptures = (table: string): readonly string[] =>
  [...table.matchAll(CAPTURE)].map((match) => match[1] ?? '')

/** The table's name with the captures of a topic put in. */
export const fillTable = (table: string, captures: Readonly<Record<string, string>>): string =>
  table.replace(CAPTURE, (_, name: string) => (Object.hasOwn(captures, name) ? (captures[name] ?? '') : ''))

/** All topics of the patterns, as --topic would name them. */
export function topicsOf(patterns: readonly TopicPattern[]): Topics {
  const names = patterns.filter(({ kind }) => kind === 'name').map(({ text }) => text)
  if (names.length === patterns.length) return { kind: 'names', names: [...new Set(names)] }
  const sources = patterns.map((pattern) => `(?:${withoutGroupNames(sourceOf(pattern))})`)
  return { kind: 'pattern', pattern: sources.join('|') }
}

/** Two patterns may name a group alike, one expression may not: groups of the whole capture nothing. */
function withoutGroupNames(source: string): string {
  let out = ''
  let isInClass = false
  for (let at = 0; at < source.length; at++) {
    const character = source[at] ?? ''
    if (character === '\\') {
      out += character + (source[++at] ?? '')
      continue
    }
    if (character === '[') isInClass = true
    if (character === ']') isInClass = false
    const named = isInClass ? null : /^\(\?<(?![=!])[^>]*>/.exec(source.slice(at))
    if (named === null) out += character
    else {
      out += '(?:'
      at += named[0].length - 1
    }
  }
  return out
}

/** Whether every topic that fits `inner` fits `outer` too; false also where it cannot be told. */
export function covers(outer: TopicPattern, inner: TopicPattern): boolean {
  if (inner.kind === 'name') return new RegExp(sourceOf(outer)).test(inner.text)
  if (inner.kind === 'expression') return outer.kind === 'expression' && outer.text === inner.text
  if (outer.kind !== 'template') return false
  const [mine, theirs] = [outer.text.split('.'), inner.text.split('.')]
  return (
    mine.length === theirs.length &&
    mine.every((part, index) => {
      const other = theirs[index] ?? ''
      // An empty part is no match for a capture, which wants a character.
      return /^\{\w+\}$/.test(part) ? other !== '' : part.replace(CAPTURE, '{}') === other.replace(CAPTURE, '{}')
    })
  )
}

/** A topic that fits both, as far as one is easily found; else null. */
export function commonTopic(one: TopicPattern, other: TopicPattern): string | null {
  const samples = [sampleOf(one), sampleOf(other), mixedSample(one, other)]
  const fits = (topic: string): boolean => [one, other].every((pattern) => new RegExp(sourceOf(pattern)).test(topic))
  return samples.find((topic) => topic !== null && fits(topic)) ?? null
}

function sampleOf({ kind, text }: TopicPattern): string | null {
  return kind === 'expression' ? null : text.replace(CAPTURE, (_, name: string) => name)
}

/** Of two templates of as many parts: from each part the one without a capture. */
function mixedSample(one: TopicPattern, other: TopicPattern): string | null {
  if (one.kind === 'expression' || other.kind === 'expression') return null
  const [mine, theirs] = [one.text.split('.'), other.text.split('.')]
  if (mine.length !== theirs.length) return null
  return mine
    .map((part, index) => (part.includes('{') ? (theirs[index] ?? '') : part))
    .join('.')
    .replace(CAPTURE, (_, name: string) => name)
}
