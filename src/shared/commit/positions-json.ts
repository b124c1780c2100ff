// Text form of Positions and of ranges: canonical JSON out, `unknown` in and checked to the last field. Pure.
// Strict on purpose: a field this version does not know would be lost with the next write, so it is refused.
import type { ErrorContext } from '../errors.ts'
import { IngestError } from '../errors.ts'
import type { PartitionRange, TopicKey } from '../offsets.ts'
import type { CanonicalValue } from './canonical-json.ts'
import { canonicalJson } from './canonical-json.ts'
import type { AcceptedGap, PartitionMark, Positions, TablePolicy, TopicMarks, Unconfirmed } from './positions.ts'
import { rangesValue } from './positions.ts'

/** The property text, equal bytes for equal positions. */
export function writePositions(positions: Positions): string {
  return canonicalJson({
    v: positions.v,
    snapshot: String(positions.snapshot),
    history: positions.history,
    topics: object([...positions.topics].map(([key, marks]) => [key, topicValue(marks)])),
    ranges: rangesValue(positions.ranges),
    unconfirmed: positions.unconfirmed.map((item) => ({ commit: item.commit, table: item.table, files: item.files })),
    policy: { tombstone: positions.policy.tombstone, since: positions.policy.since },
    ...(positions.adopted === undefined ? {} : { adopted: String(positions.adopted) }),
  })
}

const topicValue = (marks: TopicMarks): CanonicalValue => ({
  name: marks.name,
  partitions: object([...marks.partitions].map(([partition, mark]) => [String(partition), markValue(mark)])),
})

const markValue = (mark: PartitionMark): CanonicalValue => ({
  start: String(mark.start),
  next: String(mark.next),
  ...(mark.epoch === undefined ? {} : { epoch: mark.epoch }),
  ...(mark.gaps === undefined ? {} : { gaps: mark.gaps.map(gapValue) }),
})

export const gapValue = ({ first, next, why, at }: AcceptedGap): Readonly<Record<string, string>> => ({
  first: String(first),
  next: String(next),
  why,
  at,
})

/** Without a prototype: keys come from outside (`__proto__` is a key like any other). */
function object(entries: ReadonlyArray<readonly [string, CanonicalValue]>): CanonicalValue {
  const out: Record<string, CanonicalValue> = Object.create(null)
  for (const [key, value] of entries) out[key] = value
  return out
}

/** Reads the property. Errors: POSITIONS_INVALID with the path of what is wrong. */
export function parsePositions(text: string): Positions {
  const root = fields(parseJson(text), '$')
  only(root, '$', ['v', 'snapshot', 'history', 'topics', 'ranges', 'unconfirmed', 'policy', 'adopted'])
  if (root['v'] !== 1) throw invalid('$.v', 'only version 1 is known')
  return {
    v: 1,
    snapshot: long(root['snapshot'], '$.snapshot', true),
    history: count(root['history'], '$.history'),
    topics: mapOf(root['topics'], '$.topics', topicMarks),
    ranges: rangesOf(root['ranges'], '$.ranges'),
    unconfirmed: list(root['unconfirmed'], '$.unconfirmed').map((item, at) =>
      unconfirmed(item, `$.unconfirmed[${at}]`),
    ),
    policy: policy(root['policy'], '$.policy'),
    ...(root['adopted'] === undefined ? {} : { adopted: long(root['adopted'], '$.adopted') }),
  }
}

/** Reads ranges of a summary (`k2.ranges`, `k2.evidence`). Errors: POSITIONS_INVALID. */
export const parseRanges = (text: string): PartitionRange[] => rangesOf(parseJson(text), '$')

function topicMarks(value: unknown, path: string): TopicMarks {
  const row = fields(value, path)
  only(row, path, ['name', 'partitions'])
  const marks = mapOf(row['partitions'], `${path}.partitions`, partitionMark)
  const partitions = new Map([...marks].map(([key, mark]) => [partitionNumber(key, path), mark]))
  return { name: text(row['name'], `${path}.name`), partitions }
}

function partitionMark(value: unknown, path: string): PartitionMark {
  const row = fields(value, path)
  only(row, path, ['start', 'next', 'epoch', 'gaps'])
  const start = long(row['start'], `${path}.start`)
  const next = long(row['next'], `${path}.next`)
  if (next < start) throw invalid(path, 'next lies before start')
  return {
    start,
    next,
    ...(row['epoch'] === undefined ? {} : { epoch: count(row['epoch'], `${path}.epoch`) }),
    ...(row['gaps'] === undefined ? {} : { gaps: gapsOf(row['gaps'], `${path}.gaps`) }),
  }
}

function gapsOf(value: unknown, path: string): AcceptedGap[] {
  return list(value, path).map((item, index) => {
    const at = `${path}[${index}]`
    const row = fields(item, at)
    only(row, at, ['first', 'next', 'why', 'at'])
    const { why } = row
    if (why !== 'retention' && why !== 'truncated' && why !== 'set') throw invalid(`${at}.why`, 'not a known reason')
    const gap = { first: long(row['first'], `${at}.first`), next: long(row['next'], `${at}.next`), why }
    if (gap.next <= gap.first) throw invalid(at, 'a gap of no offset')
    return { ...gap, why, at: text(row['at'], `${at}.at`) }
  })
}

function rangesOf(value: unknown, path: string): PartitionRange[] {
  const ranges: PartitionRange[] = []
  for (const [topic, partitions] of Object.entries(fields(value, path))) {
    for (const [key, pair] of Object.entries(fields(partitions, `${path}.${topic}`))) {
      const at = `${path}.${topic}.${key}`
      const ends = list(pair, at)
      if (ends.length !== 2) throw invalid(at, 'a range is [first, next]')
      const range = { topic, partition: partitionNumber(key, at), first: long(ends[0], at), next: long(ends[1], at) }
      if (range.next < range.first) throw invalid(at, 'next lies before first')
      ranges.push(range)
    }
  }
  return ranges
}

function unconfirmed(value: unknown, path: string): Unconfirmed {
  const row = fields(value, path)
  only(row, path, ['commit', 'table', 'files'])
  const files = list(row['files'], `${path}.files`).map((file, at) => text(file, `${path}.files[${at}]`))
  return { commit: text(row['commit'], `${path}.commit`), table: text(row['table'], `${path}.table`), files }
}

function policy(value: unknown, path: string): TablePolicy {
  const row = fields(value, path)
  only(row, path, ['tombstone', 'since'])
  const tombstone = row['tombstone']
  if (tombstone !== 'skip' && tombstone !== 'store') throw invalid(`${path}.tombstone`, 'skip or store')
  return { tombstone, since: text(row['since'], `${path}.since`) }
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch (error) {
    throw new IngestError('POSITIONS_INVALID', { path: '$' }, error)
  }
}

type Fields = Readonly<Record<string, unknown>>

function fields(value: unknown, path: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(path, 'not an object')
  return value as Fields // an object that is no array: every own key may be read as unknown
}

function only(row: Fields, path: string, known: readonly string[]): void {
  const stranger = Object.keys(row).find((key) => !known.includes(key))
  if (stranger !== undefined) throw invalid(`${path}.${stranger}`, 'unknown field: written by a newer version?')
}

function mapOf<T>(value: unknown, path: string, read: (item: unknown, path: string) => T): Map<TopicKey, T> {
  return new Map(Object.entries(fields(value, path)).map(([key, item]) => [key, read(item, `${path}.${key}`)]))
}

function list(value: unknown, path: string): readonly unknown[] {
  if (!Array.isArray(value)) throw invalid(path, 'not a list')
  return value
}

function text(value: unknown, path: string): string {
  if (typeof value !== 'string') throw invalid(path, 'not a string')
  return value
}

const LONG = /^(0|[1-9]\d{0,18})$/

function long(value: unknown, path: string, orNone = false): bigint {
  if (orNone && value === '-1') return -1n
  if (typeof value !== 'string' || !LONG.test(value)) throw invalid(path, 'not a decimal string of 64 bits')
  const number = BigInt(value)
  if (number > 0x7fffffffffffffffn) throw invalid(path, 'beyond 64 bits')
  return number
}

function count(value: unknown, path: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw invalid(path, 'not a count')
  return value
}

function partitionNumber(key: string, path: string): number {
  if (!/^(0|[1-9]\d{0,9})$/.test(key)) throw invalid(path, 'not a partition number')
  return Number(key)
}

function invalid(path: string, why: string): IngestError {
  const context: ErrorContext = { path: path.slice(0, 200), why }
  return new IngestError('POSITIONS_INVALID', context)
}
