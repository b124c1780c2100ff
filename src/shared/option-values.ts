// From the text of an option (flag, variable or config file alike) to its value. Pure; a value that does not fit is a problem
// in words, never an exception, so that all problems can be shown at once.
import type { RegistryAuth } from './avro/http-registry-errors.ts'
import type { TableName } from './iceberg/catalog.ts'
import type { AsOf } from './iceberg/scan-snapshot.ts'
import type { OptionRow } from './option-row.ts'

/** Topics to read: by name, or by the source text of a regular expression. */
export type Topics =
  | { readonly kind: 'names'; readonly names: readonly string[] }
  | { readonly kind: 'pattern'; readonly pattern: string }

/** Where the first run of a partition begins. */
export type Start =
  | { readonly kind: 'earliest' | 'latest' }
  /** At the first record whose timestamp is not before this; ms since 1970. */
  | { readonly kind: 'time'; readonly ms: number }
  /** Partitions that are not named begin at the earliest record. */
  | { readonly kind: 'offsets'; readonly offsets: readonly StartOffset[] }

/** Where a partition is set to: as a first run begins, or one offset (a decimal string). */
export type PositionTarget = Start | { readonly kind: 'offset'; readonly offset: string }

/** Whose lost offsets are given up: `<topic>/<partition>`. */
export type GapAcceptance =
  | { readonly kind: 'all' }
  | { readonly kind: 'partitions'; readonly partitions: readonly string[] }

export interface StartOffset {
  readonly topic: string
  readonly partition: number
  /** Decimal string: 64 bits. */
  readonly offset: string
}

/** Where the catalog is; REST catalogs come with their own kind. */
export interface CatalogAddress {
  readonly kind: 'sqlite'
  readonly file: string
}

/** From when on: a time, or so long ago; ms since 1970, and ms. */
export type Since = { readonly kind: 'time'; readonly ms: number } | { readonly kind: 'ago'; readonly ms: number }

/** Where a server listens. */
export interface ListenAddress {
  readonly host: string
  /** 0: any free one. */
  readonly port: number
}

export type OptionValue =
  | string
  | number
  | boolean
  | Topics
  | readonly string[]
  | readonly number[]
  | PositionTarget
  | GapAcceptance
  | RegistryAuth
  | CatalogAddress
  | ListenAddress
  | Since
  | TableName
  | AsOf
  | Readonly<Record<string, number>>
  | RegistryAuth

export type Parsed =
  | { readonly kind: 'value'; readonly value: OptionValue }
  /** Completes the sentence "<option> <text>: …". */
  | { readonly kind: 'problem'; readonly problem: string }

const value = (parsed: OptionValue): Parsed => ({ kind: 'value', value: parsed })
const problem = (text: string): Parsed => ({ kind: 'problem', problem: text })

/** Reads one option's text by the kind of its row. */
export function parseValue(row: OptionRow, text: string): Parsed {
  switch (row.kind) {
    case 'string':
    case 'secret':
    case 'path':
      return text === '' ? problem('must not be empty') : value(text)
    case 'boolean':
      return parseBoolean(text)
    case 'integer':
      return parseInteger(text, row.min, row.max)
    case 'bytes':
      return parseScaled(text, BYTES, row, { rule: 'bytes like 64KiB or 16MB', print: formatBytes })
    case 'duration':
      return parseScaled(text, MILLISECONDS, row, { rule: 'a time like 250ms, 10s or 5m', print: formatDuration })
    case 'instant':
      return parseInstant(text)
    case 'since':
      return parseSince(text)
    case 'enum':
      return row.values.includes(text) ? value(text) : problem(`must be one of ${row.values.join(', ')}`)
    case 'list':
      return parseList(row.values, text)
    case 'ports':
      return parsePorts(row.values, text)
    case 'topics':
      return parseTopics(text)
    case 'brokers':
      return parseBrokers(text)
    case 'listen':
      return parseListen(text)
    case 'urls':
      return parseUrls(text)
    case 'registry-auth':
      return parseRegistryAuth(text)
    case 'start':
      return parseStart(text)
    case 'position':
      return /^\d{1,18}$/.test(text) ? value({ kind: 'offset', offset: BigInt(text).toString() }) : parseStart(text)
    case 'as-of':
      return parseAsOf(text)
    case 'timezone':
      return parseTimezone(text)
    case 'gaps':
      return parseGaps(text)
    case 'partitions':
      return parsePartitions(text)
    case 'catalog':
      return parseCatalog(text)
    case 'table':
      return parseTable(text)
    case 'routes':
      return problem('has a place in the config file only')
  }
}

function parseBoolean(text: string): Parsed {
  if (text === 'true' || text === '1') return value(true)
  if (text === 'false' || text === '0') return value(false)
  return problem('must be true or false')
}

function parseInteger(text: string, min: number, max: number): Parsed {
  const number = /^-?\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  if (number >= min && number <= max) return value(number)
  return problem(
    max >= 1_000_000_000 ? `must be an integer, ${min} or more` : `must be an integer from ${min} to ${max}`,
  )
}

const BYTES: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
}
const MILLISECONDS: Readonly<Record<string, number>> = { ms: 1, s: 1e3, m: 6e4, h: 36e5, d: 864e5 }

interface Scale {
  readonly rule: string
  readonly print: (amount: number) => string
}

function parseScaled(
  text: string,
  factors: Readonly<Record<string, number>>,
  bounds: { readonly min: number; readonly max: number },
  scale: Scale,
): Parsed {
  const match = /^(\d{1,15}(?:\.\d{1,6})?)\s?([a-z]*)$/i.exec(text)
  const factor = factors[(match?.[2] ?? '?').toLowerCase()]
  if (match === null || factor === undefined) return problem(`must be ${scale.rule}`)
  const amount = Math.round(Number(match[1]) * factor)
  if (amount >= bounds.min && amount <= bounds.max) return value(amount)
  return problem(`must be from ${scale.print(bounds.min)} to ${scale.print(bounds.max)}`)
}

/** Exact: the largest unit that divides the amount. */
export function formatBytes(bytes: number): string {
  for (const [unit, factor] of [
    ['GiB', 2 ** 30],
    ['MiB', 2 ** 20],
    ['KiB', 2 ** 10],
  ] as const) {
    if (bytes >= factor && bytes % factor === 0) return `${bytes / factor}${unit}`
  }
  return `${bytes}B`
}

function formatDuration(ms: number): string {
  for (const [unit, factor] of [
    ['d', 864e5],
    ['h', 36e5],
    ['m', 6e4],
    ['s', 1e3],
  ] as const) {
    if (ms >= factor && ms % factor === 0) return `${ms / factor}${unit}`
  }
  return `${ms}ms`
}

/** ISO 8601 date or UTC time to µs since 1970. Date.parse rolls 30 February over to March; the round trip catches that. */
function parseInstant(text: string): Parsed {
  const ms = instantMs(text)
  if (ms === null) return problem('must be a date like 1990-01-01 or a UTC time like 1990-01-01T00:00:00Z')
  return value((BigInt(ms) * 1000n).toString())
}

function instantMs(text: string): number | null {
  const match = /^(\d{4}-\d{2}-\d{2})(?:T(\d{2}:\d{2}:\d{2}(?:\.\d{1,3})?)Z)?$/.exec(text)
  const ms = match === null ? Number.NaN : Date.parse(`${match[1]}T${match[2] ?? '00:00:00'}Z`)
  return Number.isNaN(ms) || !new Date(ms).toISOString().startsWith(match?.[1] ?? '?') ? null : ms
}

const SINCE_MS_MAX = 100 * 365 * 864e5

/** A time as for `instant`, or a duration that lies that far back. */
function parseSince(text: string): Parsed {
  const ms = instantMs(text)
  if (ms !== null) return value({ kind: 'time', ms })
  const bounds = { min: 0, max: SINCE_MS_MAX }
  const ago = parseScaled(text, MILLISECONDS, bounds, { rule: 'a time ago', print: formatDuration })
  if (ago.kind === 'value' && typeof ago.value === 'number') return value({ kind: 'ago', ms: ago.value })
  return problem('must be a UTC time like 2026-01-31 or 2026-01-31T00:00:00Z, or how long ago, like 30m, 2h or 7d')
}

/** Digits are a snapshot id: no tool makes tags of digits only. */
function parseAsOf(text: string): Parsed {
  if (/^\d{1,19}$/.test(text)) return value({ kind: 'snapshot', id: text })
  const ms = instantMs(text)
  if (ms !== null) return value({ kind: 'time', ms })
  return text === '' || /^\d{4}-\d{2}/.test(text)
    ? problem('must be a UTC time like 2026-01-31T00:00:00Z, a tag or branch, or a snapshot id')
    : value({ kind: 'ref', name: text })
}

function parseTimezone(text: string): Parsed {
  try {
    new Intl.DateTimeFormat('en', { timeZone: text })
    return /^[\w+-]+(?:\/[\w+-]+)*$/.test(text) ? value(text) : problem('must be a zone like Australia/Sydney')
  } catch {
    return problem('must be a zone like Australia/Sydney')
  }
}

function parseStart(text: string): Parsed {
  if (text === 'earliest' || text === 'latest') return value({ kind: text })
  const ms = instantMs(text)
  if (ms !== null) return value({ kind: 'time', ms })
  const offsets = text.split(',').map((item) => /^([a-zA-Z0-9._-]{1,249})\/(\d{1,9})=(\d{1,18})$/.exec(item.trim()))
  if (offsets.includes(null)) {
    return problem(
      'must be earliest, latest, a UTC time like 2026-01-31T00:00:00Z or offsets like trades/0=500,trades/1=0',
    )
  }
  const named = offsets.map((match) => ({
    topic: match?.[1] ?? '',
    partition: Number(match?.[2]),
    offset: BigInt(match?.[3] ?? '0').toString(),
  }))
  const twice = named.find((one, index) =>
    named.some((other, at) => at < index && other.topic === one.topic && other.partition === one.partition),
  )
  return twice === undefined
    ? value({ kind: 'offsets', offsets: named })
    : problem(`names partition ${twice.partition} of ${twice.topic} twice`)
}

/** `host:port`, an IPv6 address in brackets. */
function parseBrokers(text: string): Parsed {
  const brokers = text.split(',').map((broker) => broker.trim())
  const bad = brokers.find((broker) => !/^(?:[\w.-]+|\[[0-9a-fA-F:]+\]):\d{1,5}$/.test(broker))
  return bad === undefined ? value(brokers) : problem('must be <host>:<port>, comma-separated')
}

/** `[host:]port`; without a host only this machine reaches it. */
function parseListen(text: string): Parsed {
  const match = /^(?:(?:\[([0-9a-fA-F:]+)\]|([\w.-]+)):)?(\d{1,5})$/.exec(text)
  const port = Number(match?.[3] ?? Number.NaN)
  if (!(port <= 65_535)) return problem('must be <port> or <host>:<port>')
  return value({ host: match?.[1] ?? match?.[2] ?? '127.0.0.1', port })
}

/** Legal topic names of Kafka (org.apache.kafka.common.internals.Topic). */
const TOPIC = /^[a-zA-Z0-9._-]{1,249}$/

function parseTopics(text: string): Parsed {
  if (text.startsWith('/')) return parsePattern(text)
  const names = text.split(',').map((name) => name.trim())
  const bad = names.find((name) => !TOPIC.test(name))
  if (bad !== undefined) return problem(`must be topic names or one /regular expression/; "${bad}" is no topic name`)
  return value({ kind: 'names', names: [...new Set(names)] })
}

function parsePattern(text: string): Parsed {
  if (text.length < 3 || !text.endsWith('/')) return problem('must end with / as it begins: one /regular expression/')
  const pattern = text.slice(1, -1)
  try {
    new RegExp(pattern)
  } catch (error) {
    return problem(`is no regular expression (${error instanceof Error ? error.message : String(error)})`)
  }
  return value({ kind: 'pattern', pattern })
}

const URLS_MAX = 16

/** Addresses without a slash at the end. What else a URL can hold has another place (credentials) or none. */
function parseUrls(text: string): Parsed {
  const urls: string[] = []
  for (const part of text.split(',').map((item) => item.trim())) {
    if (!/^https?:\/\//i.test(part) || !URL.canParse(part))
      return problem('must be http:// or https:// addresses, comma-separated')
    const { username, password, search, hash, origin, pathname } = new URL(part)
    if (username !== '' || password !== '') return problem('must not hold credentials: they go in --registry-auth')
    if (search !== '' || hash !== '') return problem('must end with the base path, without ? or #')
    urls.push(`${origin}${pathname.replace(/\/+$/, '')}`)
  }
  return urls.length > URLS_MAX ? problem(`must be at most ${URLS_MAX} addresses`) : value([...new Set(urls)])
}

/** `basic:<user>:<password>` or `bearer:<token>`; a token is what a header can hold (RFC 6750, section 2.1). */
function parseRegistryAuth(text: string): Parsed {
  const basic = /^basic:([^:]+):(.+)$/s.exec(text)
  if (basic !== null) return value({ kind: 'basic', user: basic[1] ?? '', password: basic[2] ?? '' })
  const token = /^bearer:([\x21-\x7e]+)$/.exec(text)?.[1]
  if (token !== undefined) return value({ kind: 'bearer', token })
  return problem('must be basic:<user>:<password> or bearer:<token>')
}

function parseGaps(text: string): Parsed {
  if (text === 'all') return value({ kind: 'all' })
  const items = text.split(',').map((item) => /^([a-zA-Z0-9._-]{1,249})\/(\d{1,9})$/.exec(item.trim()))
  if (items.includes(null)) return problem('must be all, or partitions like trades/0,trades/3')
  return value({ kind: 'partitions', partitions: items.map((item) => `${item?.[1]}/${Number(item?.[2])}`) })
}

function parsePartitions(text: string): Parsed {
  const items = text.split(',').map((item) => item.trim())
  return items.every((item) => /^\d{1,9}$/.test(item))
    ? value([...new Set(items.map(Number))])
    : problem('must be partition numbers, comma-separated')
}

function parseCatalog(text: string): Parsed {
  const file = /^sqlite:(.+)$/.exec(text)?.[1]
  return file === undefined ? problem('must be sqlite:<file>') : value({ kind: 'sqlite', file })
}

function parseTable(text: string): Parsed {
  const levels = text.split('.')
  const name = levels.pop()
  if (name === undefined || levels.length === 0 || !/^[\w-]+(\.[\w-]+)+$/.test(text)) {
    return problem('must be <namespace>.<table>, of letters, digits, _ and -')
  }
  return value({ namespace: levels, name })
}

function parseList(values: readonly string[], text: string): Parsed {
  const items = text.split(',').map((item) => item.trim())
  const bad = items.find((item) => !values.includes(item))
  return bad === undefined
    ? value([...new Set(items)])
    : problem(`must be some of ${values.join(', ')}, comma-separated`)
}

function parsePorts(values: readonly string[], text: string): Parsed {
  const ports: Record<string, number> = {}
  for (const item of text.split(',')) {
    const [, name = '', port = ''] = /^\s*([^=\s]+)=(\d{1,5})\s*$/.exec(item) ?? []
    if (!values.includes(name) || Number(port) > 65_535 || ports[name] !== undefined) {
      return problem(
        `must be like ${values[0]}=29092, comma-separated, each once, of ${values.join(', ')}; 0 is any free port`,
      )
    }
    ports[name] = Number(port)
  }
  return value(ports)
}
