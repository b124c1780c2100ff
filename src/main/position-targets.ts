// Which partitions a command sets, and to which offset: from options, a file, the table's own positions and a look at the source.
// Pure. Invariant: a partition is named by its topic id; where a name has several, the source says which one is meant.
import type { PartitionMove } from '../shared/commit/position-moves.ts'
import type { Positions } from '../shared/commit/positions.ts'
import { kafkaTopicsOf } from '../shared/commit/replay-position.ts'
import { IngestError } from '../shared/errors.ts'
import type { TopicKey } from '../shared/offsets.ts'
import type { PositionTarget, Start, Topics } from '../shared/option-values.ts'
import type { SourcePartition } from './ingest/record-source.ts'

export interface TargetOptions {
  readonly topic: Topics | null
  readonly partition: readonly number[] | null
  readonly offset: PositionTarget | null
}

/** A partition that may be set. `start`: where the options mean it to begin; null without a source. */
interface Candidate {
  readonly topic: TopicKey
  readonly topicName: string
  readonly partition: number
  readonly start: bigint | null
}

/** What the source is to be asked for; a number is the same everywhere. */
export const startOfTarget = (target: PositionTarget | null): Start =>
  target === null || target.kind === 'offset' ? { kind: 'earliest' } : target

/** Moves of the partitions that the options name. Errors: POSITIONS_REFUSED, where one is not known, or its topic is ambiguous. */
export function targetsOf(
  options: TargetOptions,
  positions: Positions | null,
  source: readonly SourcePartition[] | null,
): PartitionMove[] {
  const { offset } = options
  if (offset === null) return []
  const candidates = candidatesOf(positions, source)
  if (offset.kind === 'offsets') {
    return offset.offsets.map(({ topic, partition, offset: next }) =>
      moveOf(single(candidates, topic, partition), BigInt(next)),
    )
  }
  const chosen = candidates.filter(
    ({ topicName, partition }) => fits(options.topic, topicName) && (options.partition?.includes(partition) ?? true),
  )
  if (chosen.length === 0) throw refused('no partition of the table or of the source fits --topic and --partition')
  for (const { topicName, partition } of chosen) single(chosen, topicName, partition)
  const absent = options.partition?.find((number) => !chosen.some(({ partition }) => partition === number))
  if (absent !== undefined) throw refused(`no topic has a partition ${absent}`)
  return chosen.map((candidate) => {
    const next = offset.kind === 'offset' ? BigInt(offset.offset) : candidate.start
    if (next === null) throw refused(`the source does not say where ${candidate.topicName} begins or ends`)
    return moveOf(candidate, next)
  })
}

/** With a source, what it holds now; a table's older topics of the same name are not read any more. */
function candidatesOf(positions: Positions | null, source: readonly SourcePartition[] | null): readonly Candidate[] {
  const found = source ?? []
  const known = (positions === null ? [] : kafkaTopicsOf(positions)).flatMap(([topic, { name, partitions }]) =>
    [...partitions.keys()].map((partition) => ({ topic, topicName: name, partition, start: null })),
  )
  return [...found, ...known.filter(({ topicName }) => !found.some((each) => each.topicName === topicName))]
}

function single(candidates: readonly Candidate[], topicName: string, partition: number): Candidate {
  const [first, ...others] = candidates.filter((each) => each.topicName === topicName && each.partition === partition)
  if (first === undefined)
    throw refused(`partition ${partition} of ${topicName} is neither in the table nor in a source`)
  if (others.length > 0) {
    throw refused(
      `the table knows several topics named ${topicName}: say with --brokers or --source which one is read now`,
    )
  }
  return first
}

const fits = (topics: Topics | null, name: string): boolean =>
  topics === null || (topics.kind === 'names' ? topics.names.includes(name) : new RegExp(topics.pattern).test(name))

const moveOf = ({ topic, topicName, partition }: Candidate, next: bigint): PartitionMove => ({
  topic,
  topicName,
  partition,
  next,
  why: 'set',
})

/** Positions as `k2 positions show --json` prints them, of one table. Errors: POSITIONS_REFUSED, with what is wrong in the file. */
export function targetsInFile(text: string, table: string): PartitionMove[] {
  const tables = field(parsed(text), 'tables')
  if (!Array.isArray(tables)) throw refused('--from-file holds no list of tables')
  const found: unknown = tables.find((each: unknown) => field(each, 'table') === table)
  const partitions = field(found, 'partitions')
  if (!Array.isArray(partitions)) throw refused(`--from-file holds no partitions of ${table}`)
  return partitions.map((row: unknown): PartitionMove => {
    const [topic, topicName, partition, next] = ['topic_key', 'topic', 'partition', 'next'].map((name) =>
      field(row, name),
    )
    const isPlaced = typeof topic === 'string' && typeof topicName === 'string' && Number.isSafeInteger(partition)
    if (!isPlaced || typeof next !== 'string' || !/^\d{1,18}$/.test(next)) {
      throw refused(`--from-file: not a partition with topic_key, topic, partition and next: ${JSON.stringify(row)}`)
    }
    return { topic, topicName, partition: Number(partition), next: BigInt(next), why: 'set' }
  })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new IngestError('POSITIONS_REFUSED', { reason: '--from-file is no JSON' }, error)
  }
}

const field = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined

const refused = (reason: string): IngestError => new IngestError('POSITIONS_REFUSED', { reason })
