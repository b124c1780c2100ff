// The typed, deep-frozen Config of a command, from flags, K2_* variables and a config file, in that order of precedence. Pure:
// the command line hands in what it read, so nothing else ever looks at the environment. All problems are found, not the first.
// Invariant: a value that may be a secret is in the config and nowhere else, neither in a problem nor in a setting.
import type { RegistryAuth } from './avro/http-registry-errors.ts'
import type { CommandName } from './command-table.ts'
import { type DocumentNode, escapeVariables, type MapNode, placeText } from './config-document.ts'
import { crossProblems } from './config-rules.ts'
import type { TableName } from './iceberg/catalog.ts'
import type { AsOf } from './iceberg/scan-snapshot.ts'
import { nearest } from './nearest.ts'
import { type ComputedDefault, flagOf, keyOf, type OptionRow, variableOf } from './option-row.ts'
import {
  type CatalogAddress,
  type GapAcceptance,
  type ListenAddress,
  type OptionValue,
  type PositionTarget,
  parseValue,
  type Since,
  type Start,
  type Topics,
} from './option-values.ts'
import { optionRows, optionsOf } from './options.ts'
import { type ReadRoutes, readRoutes } from './routes/read-routes.ts'
import type { RouteRule } from './routes/route-rule.ts'
import { topicsOf } from './routes/route-topics.ts'
import type { EffectiveConfig, Setting } from './setting.ts'

type Row = (typeof optionRows)[number]
type RowOf<C extends CommandName, R extends Row = Row> = R extends unknown
  ? C extends R['commands'][number]
    ? R
    : never
  : never

interface Values {
  string: string
  path: string
  boolean: boolean
  integer: number
  bytes: number
  duration: number
  instant: string
  topics: Topics
  brokers: readonly string[]
  urls: readonly string[]
  secret: string
  'registry-auth': RegistryAuth
  start: Start
  position: PositionTarget
  partitions: readonly number[]
  gaps: GapAcceptance
  catalog: CatalogAddress
  listen: ListenAddress
  since: Since
  table: TableName
  routes: readonly RouteRule[]
  'as-of': AsOf
  timezone: string
}
type ValueOf<R extends Row> = R extends { readonly kind: infer K; readonly values: readonly (infer V extends string)[] }
  ? K extends 'list'
    ? readonly V[]
    : K extends 'ports'
      ? Readonly<Partial<Record<V, number>>>
      : V
  : R['kind'] extends keyof Values
    ? Values[R['kind']]
    : never
type IsSet =
  | { readonly default: string }
  | { readonly computed: string }
  | { readonly required: true }
  | { readonly kind: 'boolean' }
  | { readonly kind: 'routes' }
type KeyOf<R extends Row> = R['kind'] extends 'duration'
  ? `${R['name']}Ms`
  : R['kind'] extends 'instant'
    ? `${R['name']}Us`
    : R['name']

/** What a command is started with: one property per option of the command; durations end in `Ms`, instants in `Us`. */
export type Config<C extends CommandName> = {
  readonly [R in RowOf<C> as KeyOf<R>]: R extends IsSet ? ValueOf<R> : ValueOf<R> | null
}

/** An option as written: by a flag, a variable or the config file. `origin` is how a problem names it. */
export interface Written {
  readonly key: string
  readonly origin: string
  /** Null for a flag without the value it needs. */
  readonly text: string | null
  /** What may be shown of a text that a variable was put into: the text as the file has it. */
  readonly shown?: string
  /** Where it was written, if `origin` says more. */
  readonly from?: string
  /** Refused already: it is known to be given, and nothing more is said of it. */
  readonly isRefused?: true
}

export interface ConfigInput {
  readonly flags: readonly Written[]
  readonly environment: Readonly<Record<string, string | undefined>>
  /** The config file, or null without one. */
  readonly file: MapNode | null
  readonly computed: Readonly<Record<ComputedDefault, string>>
}

export type ConfigResult<C extends CommandName> = Remarks &
  (
    | { readonly kind: 'config'; readonly config: Config<C> }
    | { readonly kind: 'refused'; readonly problems: readonly string[] }
  )

export interface Remarks {
  /** What each option was found to be, and where; without those that are wrong. */
  readonly effective: EffectiveConfig
  /** What is allowed, and may be meant otherwise. */
  readonly notes: readonly string[]
}

/** Config of a command, or every problem with what was written, one line each. */
export function readConfig<C extends CommandName>(command: C, input: ConfigInput): ConfigResult<C> {
  const rows = optionsOf(command)
  const problems: string[] = []
  const single = rows.filter((row) => row.kind !== 'routes')
  const flags = writtenFlags(single, input.flags, problems)
  const variables = writtenVariables(single, input.environment, problems)
  const layers = [flags, variables, writtenFile(rows, input.file, problems)]
  const values: Record<string, OptionValue | null> = {}
  const given = new Map<string, Written>()
  const settings: Setting[] = []
  for (const row of single) {
    const written = layers.map((layer) => layer.get(keyOf(row))).find((found) => found !== undefined)
    if (written !== undefined) given.set(row.name, written)
    const { value, text } = resolve(row, written, input.computed, problems)
    values[configKey(row)] = value
    if (text !== null && !UNTOLD.has(row.name)) settings.push(settingOf(row, written, text))
  }
  const overruled = new Set([...flags.keys(), ...variables.keys()])
  const routes = routesOf(rows, input.file, overruled, problems)
  if (routes !== null) placeRoutes(routes, values, given, problems)
  problems.push(...crossProblems(command, single, given, values))
  const meant = new Set(single.filter((row) => !isMeaningless(row, single, given, routes)).map(keyOf))
  const told = settings.filter(({ key, from }) => from !== 'default' || meant.has(key))
  const remarks = { effective: { settings: told, routes: routes?.settings ?? [] }, notes: routes?.notes ?? [] }
  if (problems.length > 0) return { kind: 'refused', problems, ...remarks }
  // The one cast: rows and Config<C> are two readings of the same table, which the compiler cannot relate through a loop.
  const config = { ...values, ...(routes === null ? {} : { routes: routes.rules }) }
  return { kind: 'config', config: deepFreeze(config) as Config<C>, ...remarks }
}

/** What a config file does not hold, or what says nothing of a run. */
const UNTOLD: ReadonlySet<string> = new Set(['config', 'check'])

/** A default beside something that takes its place: topics beside routes, the folder of schemas beside a registry. */
const isMeaningless = (
  row: OptionRow,
  rows: readonly OptionRow[],
  given: ReadonlyMap<string, Written>,
  routes: ReadRoutes | null,
): boolean =>
  (row.name === 'topic' && routes !== null && routes.settings.length > 0) ||
  rows.some(
    (other) =>
      given.has(other.name) &&
      (other.conflicts?.includes(row.name) === true || row.conflicts?.includes(other.name) === true),
  )

const NO_ROUTES: ReadRoutes = { rules: [], settings: [], notes: [] }

/** Null for a command that has none. */
function routesOf(
  rows: readonly OptionRow[],
  file: MapNode | null,
  overruled: ReadonlySet<string>,
  problems: string[],
): ReadRoutes | null {
  if (!rows.some((row) => row.kind === 'routes')) return null
  const entry = file?.entries.find(({ key }) => key === 'routes')
  return entry === undefined ? NO_ROUTES : readRoutes(entry.value, overruled, problems)
}

/** With routes, they say which topics are read, unless that is said, and which table each goes to. */
function placeRoutes(
  { rules }: ReadRoutes,
  values: Record<string, OptionValue | null>,
  given: ReadonlyMap<string, Written>,
  problems: string[],
): void {
  if (rules.length === 0) return
  if (!given.has('topic')) values['topic'] = topicsOf(rules.flatMap(({ topics }) => topics))
  const table = given.get('table')
  if (table !== undefined) problems.push(`${table.origin} contradicts routes, which name a table each`)
}

const configKey = (row: OptionRow): string =>
  row.kind === 'duration' ? `${row.name}Ms` : row.kind === 'instant' ? `${row.name}Us` : row.name

interface Resolved {
  readonly value: OptionValue | null
  /** As it was written, or its default; null where it has no value, or a wrong one. */
  readonly text: string | null
}
const unresolved: Resolved = { value: null, text: null }

function resolve(
  row: OptionRow,
  written: Written | undefined,
  computed: Readonly<Record<ComputedDefault, string>>,
  problems: string[],
): Resolved {
  if (written?.isRefused === true) return unresolved
  if (written?.text === null && row.bare === undefined) {
    problems.push(`${written.origin} needs a value: ${row.text}`)
    return unresolved
  }
  const text =
    (written?.text === null ? row.bare : written?.text) ??
    row.default ??
    (row.computed === undefined ? undefined : computed[row.computed])
  if (text === undefined) {
    if (row.required) problems.push(`${flagOf(row)} is required: ${row.text}`)
    return row.kind === 'boolean' ? { value: false, text: null } : unresolved
  }
  const parsed = parseValue(row, text)
  if (parsed.kind === 'value') return { value: parsed.value, text }
  const shown = written?.shown ?? text
  problems.push(`${written?.origin ?? flagOf(row)} ${parsed.problem}${isShown(row) ? `, not "${shown}"` : ''}`)
  return unresolved
}

function settingOf(row: OptionRow, written: Written | undefined, text: string): Setting {
  const key = keyOf(row)
  const from = written === undefined ? 'default' : (written.from ?? written.origin)
  if (written?.shown !== undefined) return { key, value: { kind: 'text', text: written.shown }, from }
  // A URL is read only where it holds no credentials.
  const isSecret = row.kind === 'secret' || row.kind === 'registry-auth'
  const isVariable = written !== undefined && written.origin === variableOf(row)
  if (isSecret) return { key, value: isVariable ? { kind: 'text', text: `\${${from}}` } : { kind: 'hidden' }, from }
  // To be read again, the two characters of a variable are written otherwise.
  return { key, value: { kind: 'text', text: escapeVariables(text) }, from }
}

/** What may hold a secret is not repeated, also where it is wrong. */
const isShown = (row: OptionRow): boolean =>
  row.kind !== 'secret' && row.kind !== 'registry-auth' && row.kind !== 'urls'

/** By key. A flag written twice is a contradiction, but for topics, which add up. */
function writtenFlags(rows: readonly OptionRow[], flags: readonly Written[], problems: string[]): Map<string, Written> {
  const layer = new Map<string, Written>()
  for (const flag of flags) {
    const row = rows.find((candidate) => keyOf(candidate) === flag.key)
    const earlier = layer.get(flag.key)
    if (row === undefined) {
      problems.push(`${flag.origin} is no option of this command${suggestion(flag.key, rows.map(keyOf), '--')}`)
    } else if (earlier === undefined) {
      layer.set(flag.key, flag)
    } else if (row.kind === 'topics' && earlier.text !== null && flag.text !== null) {
      layer.set(flag.key, { ...flag, text: `${earlier.text},${flag.text}` })
    } else {
      const texts = isShown(row) ? `: "${earlier.text ?? ''}" and "${flag.text ?? ''}"` : ''
      problems.push(`${flag.origin} is given twice${texts}`)
    }
  }
  return layer
}

/** K2_* variables of other commands are left alone; those of none are refused. An empty variable counts as unset. */
function writtenVariables(
  rows: readonly OptionRow[],
  environment: ConfigInput['environment'],
  problems: string[],
): Map<string, Written> {
  const layer = new Map<string, Written>()
  const known = optionRows.filter((row) => row.kind !== 'routes').map(variableOf)
  for (const [name, text] of Object.entries(environment)) {
    if (!name.startsWith('K2_') || text === undefined || text === '') continue
    const row = rows.find((candidate) => variableOf(candidate) === name)
    if (row !== undefined) layer.set(keyOf(row), { key: keyOf(row), origin: name, text })
    else if (!known.includes(name)) problems.push(`${name} is no variable of k2${suggestion(name, known, '')}`)
  }
  return layer
}

function writtenFile(rows: readonly OptionRow[], file: MapNode | null, problems: string[]): Map<string, Written> {
  const layer = new Map<string, Written>()
  const known = optionRows.map(keyOf)
  for (const { key, place, value } of file?.entries ?? []) {
    const from = placeText(value.place)
    const origin = `${placeText(place)}: ${key}`
    const row = rows.find((candidate) => keyOf(candidate) === key)
    const text = asText(value)
    if (!known.includes(key)) problems.push(`${origin} is no option of k2${suggestion(key, known, '')}`)
    else if (key === 'routes') continue
    else if (key === 'config') problems.push(`${origin} must not name another config file`)
    else if (text === 'misshapen') problems.push(`${origin} must be one value or a list of texts`)
    else if (row === undefined) continue
    else if (text === null) layer.set(key, { key, origin, text: null, isRefused: true })
    else layer.set(key, { key, origin, from, ...text })
  }
  return layer
}

/** A value of the file as the user would have written it on the command line; null where a variable of it is not set. */
function asText(value: DocumentNode): { readonly text: string; readonly shown?: string } | null | 'misshapen' {
  if (value.kind === 'map') return 'misshapen'
  const nodes = value.kind === 'list' ? value.items : [value]
  const texts: string[] = []
  const written: string[] = []
  for (const node of nodes) {
    if (node.kind !== 'text') return 'misshapen'
    if (node.text === null) return null
    texts.push(node.text)
    written.push(node.written)
  }
  const [text, shown] = [texts.join(','), written.join(',')]
  return text === shown ? { text } : { text, shown }
}

function suggestion(name: string, candidates: readonly string[], prefix: string): string {
  const close = nearest(name, candidates)
  return close === null ? '' : `; did you mean ${prefix}${close}?`
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const child of Object.values(value)) deepFreeze(child)
    Object.freeze(value)
  }
  return value
}
