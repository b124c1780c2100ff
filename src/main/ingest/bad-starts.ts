// Topics that are held while the others of their table go on: those of which nothing but dead letters has come since the run began (a
// wrong registry, a producer without frames, a window that is too narrow), and those whose schema the table cannot take. Main thread;
// pure. Invariant: a topic of which one record has become a row is never held for its dead letters; a record that is read twice (after
// a fence) counts once; what is held stays so until the run ends.
import { type ErrorCode, errorTable, IngestError } from '../../shared/errors.ts'
import type { DeadLetterCounts, RangeOutcome } from '../../shared/messages.ts'
import { partitionKey, type TopicKey } from '../../shared/offsets.ts'
import type { Tell } from './ingest-facts.ts'
import type { RoutePorts } from './pipeline.ts'
import type { SourcePartition } from './record-source.ts'

/** What a chunk says of its topics. */
export interface ChunkOutcome {
  readonly ranges: readonly RangeOutcome[]
  readonly deadLetterCodes?: DeadLetterCounts
}

interface TopicStart {
  letters: number
  readonly codes: Map<ErrorCode, number>
}

export class BadStarts {
  readonly #lettersMax: number
  /** Null: rows have come of it. */
  readonly #topics = new Map<TopicKey, TopicStart | null>()
  /** Offset up to which a partition's records have been counted. */
  readonly #counted = new Map<string, bigint>()
  readonly #held = new Map<TopicKey, IngestError>()

  /** `lettersMax`: dead letters without a row that a topic may begin with; 0: any number. */
  constructor(lettersMax: number) {
    this.#lettersMax = lettersMax
  }

  /** Topics that are held, and why. */
  get held(): ReadonlyMap<TopicKey, IngestError> {
    return this.#held
  }

  /** Holds topics by name, for an error that is theirs alone. */
  hold(names: readonly string[], partitions: readonly SourcePartition[], error: IngestError): void {
    for (const { topic, topicName } of partitions.filter((each) => names.includes(each.topicName))) {
      this.#held.set(topic, new IngestError(error.code, { ...error.context, topic: topicName }, error.cause))
    }
  }

  /** The topics that are not held. */
  without(names: readonly string[]): readonly string[] {
    const held = new Set([...this.#held.values()].map(({ context }) => context['topic']))
    return names.filter((name) => !held.has(name))
  }

  /** Counts a chunk, in order. Not null: with it a topic is held, and the chunk must not be committed. */
  see({ ranges, deadLetterCodes = {} }: ChunkOutcome, nameOf: (topic: TopicKey) => string): IngestError | null {
    if (this.#lettersMax === 0) return null
    let refusal: IngestError | null = null
    for (const [topic, letters] of this.#news(ranges)) {
      const start = this.#topics.get(topic)
      if (start === null || start === undefined || letters === 0) continue
      start.letters += letters
      addCodes(start.codes, deadLetterCodes)
      if (start.letters < this.#lettersMax) continue
      const error = allBad(nameOf(topic), start)
      this.#held.set(topic, error)
      refusal ??= error
    }
    return refusal
  }

  /** Dead letters of each topic that were not counted before. A topic with a row is noted as good. */
  #news(ranges: readonly RangeOutcome[]): ReadonlyMap<TopicKey, number> {
    const news = new Map<TopicKey, number>()
    for (const { topic, partition, first, next, rows, deadLetters } of ranges) {
      if (rows > 0) this.#topics.set(topic, null)
      else if (!this.#topics.has(topic)) this.#topics.set(topic, { letters: 0, codes: new Map() })
      if (this.#topics.get(topic) === null) continue
      const key = partitionKey(topic, partition)
      if (first < (this.#counted.get(key) ?? 0n)) continue
      this.#counted.set(key, next)
      news.set(topic, (news.get(topic) ?? 0) + deadLetters)
    }
    return news
  }
}

function addCodes(codes: Map<ErrorCode, number>, counts: DeadLetterCounts): void {
  // Keys of a record of ours: Object.keys forgets what they were.
  for (const code of Object.keys(counts) as ErrorCode[]) codes.set(code, (codes.get(code) ?? 0) + (counts[code] ?? 0))
}

function allBad(topic: string, { letters, codes }: TopicStart): IngestError {
  const [code, count] = [...codes].sort((a, b) => b[1] - a[1])[0] ?? ['RECORD_NOT_FRAMED', 0]
  const { text, help } = errorTable[code]
  return new IngestError('TOPIC_ALL_BAD', { topic, records: letters, code, of_code: count, what: text, todo: help })
}

type Admit = NonNullable<RoutePorts['admit']>

/** The gate of a line: counts each chunk, and keeps the one that holds a topic. */
export function admission(partitions: readonly SourcePartition[], starts: BadStarts): Admit {
  const names = new Map(partitions.map(({ topic, topicName }) => [topic, topicName]))
  return (encoded) => starts.see(encoded, (topic) => names.get(topic) ?? topic)
}

/** Says which topics are not read on. Errors: what a topic is held for, where none of those that are read here is left. */
export function holdTopics(
  { notice, tell }: { readonly notice: (fields: Readonly<Record<string, string>>) => void; readonly tell: Tell },
  route: string,
  { held }: BadStarts,
  own: readonly SourcePartition[],
): void {
  for (const error of held.values()) {
    const topic = String(error.context['topic'] ?? '')
    notice({ event: 'topic is held', table: route, topic, error: error.message })
    tell({ kind: 'topic held', route, topic, error: error.message })
    if (own.length > 0 && own.every((partition) => held.has(partition.topic))) throw error
  }
}
