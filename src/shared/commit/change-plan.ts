// Plans an operator's change of positions: `k2 positions set` on marks that count, `k2 positions adopt` on everything else. Pure: what
// the table and its rows say comes in, the change to commit comes out. Invariant: nothing is guessed; a partition's position is given,
// or proven by snapshots and rows that are in the table now.
import { IngestError } from '../errors.ts'
import type { TableMetadata } from '../iceberg/metadata.ts'
import { type PartitionRange, partitionKey, type TopicKey, topicIdOf } from '../offsets.ts'
import { ancestry, mainHead } from './ancestry.ts'
import { canonicalJson } from './canonical-json.ts'
import type { SeenTable } from './commit-work.ts'
import type { SourceState } from './guards.ts'
import { changedRanges, type MarkChange, movePartitions, newGaps, type PartitionMove } from './position-moves.ts'
import {
  initialPositions,
  type PartitionMark,
  POSITIONS_PROPERTY,
  type Positions,
  type TopicMarks,
} from './positions.ts'
import { gapValue, parsePositions, parseRanges } from './positions-json.ts'
import { COMMIT_ID_KEY, type Evidence, type ReadVerdict, readPositions } from './read-positions.ts'
import type { PartitionRows, RowSurvey } from './row-survey.ts'

export interface ChangePlan {
  readonly seen: SeenTable
  readonly positions: Positions
  readonly ranges: readonly PartitionRange[]
  readonly summary: Readonly<Record<string, string>>
  /** Every partition that is set, moved or not. */
  readonly changes: readonly MarkChange[]
}

/** Summary key: what kind of change a snapshot without rows is. */
const CHANGE_KEY = 'k2.change'
/** Summary key: the gaps that a change accepts, `[{topic, partition, first, next, why, at}]`. */
const GAPS_KEY = 'k2.accepted-gaps'

/** What the marks of a table are worth, an unreadable property included. */
export type Marks = ReadVerdict | { readonly kind: 'invalid' }

/** As `readPositions`, but a property that cannot be read is an answer. */
export function marksOf(metadata: TableMetadata): Marks {
  try {
    return readPositions(metadata)
  } catch (error) {
    if (error instanceof IngestError && error.code === 'POSITIONS_INVALID') return { kind: 'invalid' }
    throw error
  }
}

/** What the property says, whether it counts or not; null where nothing can be read there. */
export function positionsSaid(metadata: TableMetadata): Positions | null {
  const text = metadata.properties[POSITIONS_PROPERTY]
  if (text === undefined || marksOf(metadata).kind === 'invalid') return null
  return parsePositions(text)
}

/** Moves of partitions whose marks count. `at`: ISO 8601. Errors: POSITIONS_REFUSED where none of them moves anything. */
export function planMoves(
  metadata: TableMetadata,
  before: Positions,
  moves: readonly PartitionMove[],
  kind: 'set' | 'adopt' | 'accept-gap',
  at: string,
): ChangePlan {
  const { positions, changes } = movePartitions(before, moves, at)
  if (changes.every((change) => change.before?.next === change.after.next)) {
    throw new IngestError('POSITIONS_REFUSED', { reason: 'each partition stands there already' })
  }
  return change(kind, trustedSeen(metadata), positions, changes)
}

export interface AdoptInput {
  readonly metadata: TableMetadata
  /** What the rows say; null where the marks count, so that nobody looked. */
  readonly survey: RowSurvey | null
  readonly given: readonly PartitionMove[]
  /** Partitions of the source, where one was named. */
  readonly source: readonly SourceState[]
  readonly isSideTableMissing: boolean
  /** Commits whose side files are gone. */
  readonly goneCommits: ReadonlySet<string>
  /** Wall-clock ms. */
  readonly atMs: number
}

/** Takes a table as it is. Errors: POSITIONS_REFUSED, where there is nothing to take or a position is neither given nor proven. */
export function planAdopt(input: AdoptInput): ChangePlan {
  const { metadata, survey } = input
  const marks = marksOf(metadata)
  if (marks.kind === 'trusted' || (marks.kind === 'evidence' && survey === null))
    return adoptTrusted(input, marks.positions)
  if (survey === null) throw new Error('marks that do not count, and nobody looked at the rows')
  if (marks.kind === 'none') return adoptForeign(input, survey)
  return adoptUntrusted(input, survey)
}

/** Topics made again come beside the old ones; side files and side tables that are gone are let go. */
function adoptTrusted(input: AdoptInput, before: Positions): ChangePlan {
  const { metadata, given, source, isSideTableMissing, goneCommits } = input
  const known = new Set([...before.topics.values()].map((marks) => marks.name))
  const remade = source.filter(({ topic, topicName }) => !before.topics.has(topic) && known.has(topicName))
  const named = new Map(given.map((move) => [partitionKey(move.topic, move.partition), move]))
  const moves = remade.map(
    ({ topic, topicName, partition, logStart }): PartitionMove =>
      named.get(partitionKey(topic, partition)) ?? { topic, topicName, partition, next: logStart, why: 'set' },
  )
  const other = given.find((move) => before.topics.has(move.topic))
  if (other !== undefined) {
    throw refused(`the marks of ${other.topicName} count: move them with k2 positions set`)
  }
  if (moves.length === 0 && !isSideTableMissing && goneCommits.size === 0) {
    throw refused('nothing to adopt: the marks count, and no topic of the source was made again')
  }
  const moved = movePartitions(before, moves.length === 0 ? standing(before) : moves, isoTime(input.atMs))
  const unconfirmed = before.unconfirmed.filter(({ commit }) => !goneCommits.has(commit))
  return change('adopt', trustedSeen(metadata), { ...moved.positions, unconfirmed }, moved.changes)
}

/** A table that others filled: nothing says where to begin, so every partition must be given. */
function adoptForeign(input: AdoptInput, survey: RowSurvey): ChangePlan {
  const { metadata, given, source } = input
  if (mainHead(metadata) === null) throw refused('the table is empty: k2 run takes it as it is')
  const named = new Set(given.map((move) => partitionKey(move.topic, move.partition)))
  const missing = source.find(({ topic, partition }) => !named.has(partitionKey(topic, partition)))
  if (given.length === 0 || missing !== undefined) {
    const which = missing === undefined ? '' : ` (partition ${missing.partition} of ${missing.topicName} has none)`
    throw refused(`the table is another writer's: say with --offset where each partition begins${which}`)
  }
  const at = isoTime(input.atMs)
  const empty = { ...initialPositions({ tombstone: 'skip', since: at }), adopted: survey.rows }
  const { positions, changes } = movePartitions(empty, given, at)
  return change('adopt', acceptedSeen(metadata, { ranges: [], rows: 0n }), positions, changes)
}

/** After a rollback, a replacement, or marks taken away: what is in the table now counts. */
function adoptUntrusted(input: AdoptInput, survey: RowSurvey): ChangePlan {
  const { metadata, given, goneCommits } = input
  const at = isoTime(input.atMs)
  const former = formerPositions(metadata, input.atMs)
  const proven = provenTopics(input, former, survey)
  const { positions, changes } = movePartitions({ ...former, topics: proven }, given, at)
  if (positions.topics.size === 0) {
    throw refused('no partition is known: name topics and offsets with --topic, --offset and a source')
  }
  const own = new Set(ancestry(metadata).line.map(({ summary }) => summary[COMMIT_ID_KEY]))
  const unconfirmed = former.unconfirmed.filter(({ commit }) => own.has(commit) && !goneCommits.has(commit))
  const all = standing(positions).map((move): MarkChange => {
    const { topic, topicName, partition } = move
    const after = markOf(positions.topics, topic, partition)
    if (after === null) throw new Error(`no mark of ${topicName}/${partition}`)
    return { topic, topicName, partition, before: markOf(former.topics, topic, partition), after }
  })
  const gapped = newGaps(changes).length > 0 ? changes : []
  const seen = acceptedSeen(metadata, evidenceIn(survey, positions))
  return change('adopt', seen, { ...positions, unconfirmed }, all, gapped)
}

/** What the property said, if it can be read; a history above any that it may have had, if not. */
function formerPositions(metadata: TableMetadata, atMs: number): Positions {
  const said = positionsSaid(metadata)
  if (said !== null) return said
  const empty = initialPositions({ tombstone: 'skip', since: isoTime(atMs) })
  return { ...empty, history: Math.floor(atMs / 1000) }
}

/**
 * Positions by what is there: after the newest range of a visible snapshot of ours, or after the highest row, whichever is later;
 * where nothing is there, at the start.
 */
function provenTopics(input: AdoptInput, former: Positions, survey: RowSurvey): Map<TopicKey, TopicMarks> {
  const ranges = visibleRanges(input.metadata)
  const topics = new Map<TopicKey, TopicMarks>()
  const partitions = new Map<string, { topic: TopicKey; partition: number }>()
  const add = (topic: TopicKey, partition: number): void =>
    void partitions.set(partitionKey(topic, partition), { topic, partition })
  for (const { topic, partition } of [...standing(former), ...ranges.values()]) add(topic, partition)
  for (const { topic, partition } of partitions.values()) {
    const key = partitionKey(topic, partition)
    const rows = survey.partitions.find((each) => each.topicId === topicIdOf(topic) && each.partition === partition)
    const mark = provenMark(markOf(former.topics, topic, partition), ranges.get(key) ?? null, rows ?? null)
    const marks = topics.get(topic) ?? { name: nameOf(input, former, topic), partitions: new Map() }
    topics.set(topic, { ...marks, partitions: new Map(marks.partitions).set(partition, mark) })
  }
  return topics
}

function provenMark(
  mark: PartitionMark | null,
  range: PartitionRange | null,
  rows: PartitionRows | null,
): PartitionMark {
  const ends = [...(range === null ? [] : [range.next]), ...(rows === null ? [] : [rows.highest + 1n])]
  const begins = [...(range === null ? [] : [range.first]), ...(rows === null ? [] : [rows.lowest])]
  const lowest = begins.reduce<bigint | null>((least, each) => (least === null || each < least ? each : least), null)
  const start = mark?.start ?? lowest ?? 0n
  const next = ends.reduce((most, each) => (each > most ? each : most), start)
  const gaps = (mark?.gaps ?? []).filter((gap) => gap.why === 'truncated' || gap.next <= next)
  return { start, next, ...(gaps.length === 0 ? {} : { gaps }) }
}

/** Newest range of each partition among the ancestors of the head. A summary that only counts its ranges says nothing. */
function visibleRanges(metadata: TableMetadata): ReadonlyMap<string, PartitionRange> {
  const newest = new Map<string, PartitionRange>()
  for (const { summary } of ancestry(metadata).line) {
    const text = summary['k2.ranges']
    if (summary[COMMIT_ID_KEY] === undefined || text === undefined || !text.startsWith('{')) continue
    for (const range of parseRanges(text)) {
      const key = partitionKey(range.topic, range.partition)
      const held = newest.get(key)
      // Older ranges only tell where it began.
      if (held === undefined) newest.set(key, range)
      else if (range.first < held.first) newest.set(key, { ...held, first: range.first })
    }
  }
  return newest
}

function nameOf({ source }: AdoptInput, former: Positions, topic: TopicKey): string {
  const name = former.topics.get(topic)?.name ?? source.find((each) => each.topic === topic)?.topicName
  if (name === undefined)
    throw refused(`the name of topic ${topic} is not in the table: name a source with --brokers or --source`)
  return name
}

/** Rows that a later rollback would take away: the last one of each partition. */
function evidenceIn(survey: RowSurvey, positions: Positions): Evidence {
  const ranges: PartitionRange[] = []
  let rows = 0n
  for (const { topic, partition, next } of standing(positions)) {
    const found = survey.partitions.find((each) => each.topicId === topicIdOf(topic) && each.partition === partition)
    if (found === undefined || found.highest >= next) continue
    ranges.push({ topic, partition, first: found.highest, next: found.highest + 1n })
    rows += found.atHighest
  }
  return { ranges, rows }
}

/** Every partition, at the position it has. */
const standing = ({ topics }: Positions): PartitionMove[] =>
  [...topics].flatMap(([topic, { name, partitions }]) =>
    [...partitions].map(([partition, { next }]) => ({ topic, topicName: name, partition, next, why: 'set' as const })),
  )

const markOf = (topics: Positions['topics'], topic: TopicKey, partition: number): PartitionMark | null =>
  topics.get(topic)?.partitions.get(partition) ?? null

const trustedSeen = (metadata: TableMetadata): SeenTable => ({
  kind: 'trusted',
  property: metadata.properties[POSITIONS_PROPERTY] ?? '',
})

const acceptedSeen = (metadata: TableMetadata, evidence: Evidence): SeenTable => ({
  kind: 'accepted',
  property: metadata.properties[POSITIONS_PROPERTY] ?? null,
  head: mainHead(metadata),
  evidence,
})

function change(
  kind: string,
  seen: SeenTable,
  positions: Positions,
  changes: readonly MarkChange[],
  gapped: readonly MarkChange[] = changes,
): ChangePlan {
  const gaps = newGaps(gapped).map(({ topic, partition, gap }) => ({ topic, partition, ...gapValue(gap) }))
  const summary = { [CHANGE_KEY]: kind, ...(gaps.length === 0 ? {} : { [GAPS_KEY]: canonicalJson(gaps) }) }
  return { seen, positions, ranges: changedRanges(changes), summary, changes }
}

const refused = (reason: string): IngestError => new IngestError('POSITIONS_REFUSED', { reason })
const isoTime = (ms: number): string => new Date(ms).toISOString()
