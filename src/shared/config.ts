// The typed, deep-frozen Config of a command, from flags, K2_* variables and a config file, in that order of precedence. Pure:
// the command line hands in what it read, so nothing else ever looks at the environment. All problems are found, not the first.
import type { RegistryAuth } from './avro/http-registry-errors.ts'
import type { CommandName } from './command-table.ts'
import type { TableName } from './iceberg/catalog.ts'
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
}

export interface ConfigInput {
  readonly flags: readonly Written[]
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Parsed JSON of the config file, or null without one. */
  readonly file: { readonly path: string; readonly content: unknown } | null
  readonly computed: Readonly<Record<ComputedDefault, string>>
}

export type ConfigResult<C extends CommandName> =
  | { readonly kind: 'config'; readonly config: Config<C> }
  | { readonly kind: 'refused'; readonly problems: readonly string[] }

/** Config of a command, or every problem with what was written, one line each. */
export function readConfig<C extends CommandName>(command: C, input: ConfigInput): ConfigResult<C> {
  const rows = optionsOf(command)
  const problems: string[] = []
  const layers = [
    writtenFlags(rows, input.flags, problems),
    writtenVariables(rows, input.environment, problems),
    writtenFile(rows, input.file, problems),
  ]
  const values: Record<string, OptionValue | null> = {}
  const given = new Map<string, Written>()
  for (const row of rows) {
    const written = layers.map((layer) => layer.get(keyOf(row))).find((found) => found !== undefined)
    if (written !== undefined) given.set(row.name, written)
    values[configKey(row)] = resolve(row, written, input.computed, problems)
  }
  problems.push(...contradictions(command, rows, given, values), ...targetProblems(command, values))
  if (problems.length > 0) return { kind: 'refused', problems }
  // The one cast: rows and Config<C> are two readings of the same table, which the compiler cannot relate through a loop.
  return { kind: 'config', config: deepFreeze(values) as Config<C> }
}

const configKey = (row: OptionRow): string =>
  row.kind === 'duration' ? `${row.name}Ms` : row.kind === 'instant' ? `${row.name}Us` : row.name

function resolve(
  row: OptionRow,
  written: Written | undefined,
  computed: Readonly<Record<ComputedDefault, string>>,
  problems: string[],
): OptionValue | null {
  if (written?.text === null && row.bare === undefined) {
    problems.push(`${written.origin} needs a value: ${row.text}`)
    return null
  }
  const text =
    (written?.text === null ? row.bare : written?.text) ??
    row.default ??
    (row.computed === undefined ? undefined : computed[row.computed])
  if (text === undefined) {
    if (row.required) problems.push(`${flagOf(row)} is required: ${row.text}`)
    return row.kind === 'boolean' ? false : null
  }
  const parsed = parseValue(row, text)
  if (parsed.kind === 'value') return parsed.value
  problems.push(`${written?.origin ?? flagOf(row)} ${parsed.problem}${isShown(row) ? `, not "${text}"` : ''}`)
  return null
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
  const known = optionRows.map(variableOf)
  for (const [name, text] of Object.entries(environment)) {
    if (!name.startsWith('K2_') || text === undefined || text === '') continue
    const row = rows.find((candidate) => variableOf(candidate) === name)
    if (row !== undefined) layer.set(keyOf(row), { key: keyOf(row), origin: name, text })
    else if (!known.includes(name)) problems.push(`${name} is no variable of k2${suggestion(name, known, '')}`)
  }
  return layer
}

function writtenFile(rows: readonly OptionRow[], file: ConfigInput['file'], problems: string[]): Map<string, Written> {
  const layer = new Map<string, Written>()
  if (file === null) return layer
  const { content, path } = file
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    problems.push(`${path} must hold one JSON object`)
    return layer
  }
  const known = optionRows.map(keyOf)
  for (const [key, value] of Object.entries(content)) {
    const origin = `${key} in ${path}`
    const row = rows.find((candidate) => keyOf(candidate) === key)
    const text = asText(value)
    if (!known.includes(key)) problems.push(`${origin} is no option of k2${suggestion(key, known, '')}`)
    else if (key === 'config') problems.push(`${origin} must not name another config file`)
    else if (text === null) problems.push(`${origin} must be a string, a number, a boolean or a list of strings`)
    else if (row !== undefined) layer.set(key, { key, origin, text })
  }
  return layer
}

/** A JSON value as the user would have written it on the command line, or null where it cannot be. */
function asText(value: unknown): string | null {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value.join(',')
  return null
}

/** Rules between options. Defaults take part: a chunk that cannot fit the queue would wait for ever. */
function contradictions(
  command: CommandName,
  rows: readonly OptionRow[],
  given: ReadonlyMap<string, Written>,
  values: Readonly<Record<string, OptionValue | null>>,
): readonly string[] {
  const problems: string[] = []
  for (const row of rows) {
    for (const other of row.conflicts ?? []) {
      const [mine, theirs] = [given.get(row.name), given.get(other)]
      if (mine === undefined || theirs === undefined) continue
      if (values[row.name] !== false && values[other] !== false)
        problems.push(`${mine.origin} contradicts ${theirs.origin}`)
    }
  }
  problems.push(...sourceProblems(command, rows, given, values))
  const { chunkBytes, queueBytes } = values
  if (typeof chunkBytes === 'number' && typeof queueBytes === 'number' && chunkBytes > queueBytes) {
    problems.push(`--chunk-bytes ${chunkBytes} is more than --queue-bytes ${queueBytes}: no chunk would ever fit`)
  }
  return problems
}

/** A run and a proof read, and a feed writes, a log directory or a cluster; what is about one of them means nothing with the other. */
function sourceProblems(
  command: CommandName,
  rows: readonly OptionRow[],
  given: ReadonlyMap<string, Written>,
  values: Readonly<Record<string, OptionValue | null>>,
): readonly string[] {
  if (!rows.some((row) => row.name === 'brokers')) return []
  const { brokers, start } = values
  const isLone = (values['saslUsername'] === null) !== (values['saslPassword'] === null)
  const loneProblems = [
    ...(isLone ? ['--sasl-username and --sasl-password belong together'] : []),
    ...((values['sslCert'] === null) === (values['sslKey'] === null)
      ? []
      : ['--ssl-cert and --ssl-key belong together']),
  ]
  // What shows tables, or shows or sets positions, may do without either.
  if (command.startsWith('positions ') || command.startsWith('tables ')) return loneProblems
  const isNone = (place: string): boolean => values[place] === null && brokers === null && !given.has(place)
  if (isNone('source')) {
    return ['--source or --brokers is required: a log directory, or the Kafka brokers to read from']
  }
  if (isNone('to')) {
    return ['--to or --brokers is required: a log directory, or the Kafka brokers to write to']
  }
  const isTime = typeof start === 'object' && start !== null && 'kind' in start && start.kind === 'time'
  return [
    ...(isTime && brokers === null
      ? ['--start with a time needs --brokers: a log directory has no index of times']
      : []),
    ...loneProblems,
  ]
}

/** A position is set by a number, or by what a source says. */
function targetProblems(command: CommandName, values: Readonly<Record<string, OptionValue | null>>): readonly string[] {
  if (command !== 'positions set' && command !== 'positions adopt') return []
  const { offset, fromFile, source, brokers, partition, topic } = values
  if (offset === null && fromFile === null) {
    return command === 'positions set' ? ['--offset or --from-file is required: where the partitions are set to'] : []
  }
  const kind = typeof offset === 'object' && offset !== null && 'kind' in offset ? offset.kind : null
  const hasSource = source !== null || brokers !== null
  if ((kind === 'earliest' || kind === 'latest') && !hasSource) {
    return [`--offset ${kind} needs --brokers or --source, which knows where that is`]
  }
  if (kind === 'time' && brokers === null) return ['--offset with a time needs --brokers: they have an index of times']
  if (kind === 'offset' && partition === null) return ['--offset with a number needs --partition, which it is for']
  if (kind === 'offsets' && (partition !== null || topic !== null)) {
    return ['--offset names topics and partitions itself: leave --topic and --partition out']
  }
  return []
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
