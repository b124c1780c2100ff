// From the words of the command line to a command and its flags as written; values are read by config.ts. Pure. A flag takes the
// next word unless that looks like a flag; boolean flags take `=true`, `=false` or a `no-` in front.
import { type CommandName, commandNames } from '../shared/command-table.ts'
import type { Written } from '../shared/config.ts'
import { nearest } from '../shared/nearest.ts'
import { flagOf, keyOf, type OptionRow } from '../shared/option-row.ts'
import { optionsOf } from '../shared/options.ts'

export type Invocation =
  | { readonly kind: 'version' }
  /** Of all commands, or of those a word begins (`feed`). */
  | { readonly kind: 'help'; readonly commands: readonly CommandName[] }
  | {
      readonly kind: 'command'
      readonly command: CommandName
      readonly flags: readonly Written[]
      readonly problems: readonly string[]
    }
  | { readonly kind: 'refused'; readonly problems: readonly string[] }

export function readArguments(words: readonly string[]): Invocation {
  const firstFlag = words.findIndex((word) => word.startsWith('-'))
  const leading = firstFlag === -1 ? words : words.slice(0, firstFlag)
  const asksHelp = leading[0] === 'help' || words.includes('--help') || words.includes('-h')
  const named = leading[0] === 'help' ? leading.slice(1) : leading
  const command = commandNames.find((name) => name === named.slice(0, wordCount(name)).join(' '))
  if (asksHelp) {
    if (command !== undefined) return { kind: 'help', commands: [command] }
    const begun = commandNames.filter((name) => named.length === 0 || name.startsWith(`${named.join(' ')} `))
    return begun.length > 0 ? { kind: 'help', commands: begun } : noCommand(named)
  }
  if (words[0] === '--version' || words[0] === '-V') return { kind: 'version' }
  if (command === undefined) return noCommand(named)
  return { kind: 'command', command, ...readFlags(words.slice(wordCount(command)), optionsOf(command)) }
}

const wordCount = (command: string): number => command.split(' ').length

function noCommand(words: readonly string[]): Invocation {
  if (words.length === 0) return { kind: 'refused', problems: ['the command comes first, then its options'] }
  const family = commandNames.filter((name) => name.startsWith(`${words[0]} `))
  if (family.length > 0) {
    const second = words[1] === undefined ? '' : `, not "${words[1]}"`
    const choices = family.map((name) => name.split(' ')[1]).join(' or ')
    return { kind: 'refused', problems: [`k2 ${words[0]} needs one more word: ${choices}${second}`] }
  }
  const close = nearest(words.slice(0, 2).join(' '), commandNames) ?? nearest(words[0] ?? '', commandNames)
  const hint = close === null ? '' : `; did you mean ${close}?`
  return { kind: 'refused', problems: [`"${words[0]}" is no command${hint}`] }
}

const looksLikeFlag = (word: string): boolean => /^--?[a-z]/i.test(word)

function readFlags(words: readonly string[], rows: readonly OptionRow[]): { flags: Written[]; problems: string[] } {
  const flags: Written[] = []
  const problems: string[] = []
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? ''
    const match = /^--([^=]+)(?:=(.*))?$/s.exec(word)
    const positional = match === null && !looksLikeFlag(word) ? rows.find((row) => row.isPositional) : undefined
    if (positional !== undefined) {
      flags.push({ key: keyOf(positional), origin: flagOf(positional), text: word })
      continue
    }
    if (match === null) {
      problems.push(`"${word}" is not expected: options begin with --`)
      continue
    }
    const key = match[1] ?? ''
    const isKnown = rows.some((row) => keyOf(row) === key)
    const positive = !isKnown && key.startsWith('no-') ? key.slice(3) : key
    const isBoolean = rows.some((row) => row.kind === 'boolean' && keyOf(row) === positive)
    const next = words[index + 1]
    if (isBoolean) {
      flags.push({ key: positive, origin: `--${key}`, text: match[2] ?? String(positive === key) })
    } else if (match[2] !== undefined) {
      flags.push({ key, origin: `--${key}`, text: match[2] })
    } else if (next !== undefined && !looksLikeFlag(next)) {
      flags.push({ key, origin: `--${key}`, text: next })
      index++
    } else {
      flags.push({ key, origin: `--${key}`, text: null })
    }
  }
  return { flags, problems }
}
