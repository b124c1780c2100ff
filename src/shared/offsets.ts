// The algebra of progress: offset ranges and positions. Pure; the only place where offsets are added or compared as ranges.

/** Half-open range of Kafka offsets, `first` included, `next` excluded. */
export interface OffsetRange {
  readonly first: bigint
  readonly next: bigint
}

/**
 * Identity of a topic: `<cluster id>/<topic id>`, never its name, so that a re-created topic is a new history
 * (design.md section 3, guard 9).
 */
export type TopicKey = string

export const topicKey = (clusterId: string, topicId: string): TopicKey => `${clusterId}/${topicId}`

/** Kafka's topic id (base64url), the part after the slash: neither id contains one. */
export const topicIdOf = (key: TopicKey): string => key.slice(key.indexOf('/') + 1)

/** One partition's range inside a chunk, a file or a commit. */
export interface PartitionRange extends OffsetRange {
  readonly topic: TopicKey
  readonly partition: number
}

/** Next offset to read, per partition. */
export interface PartitionPosition {
  readonly topic: TopicKey
  readonly partition: number
  readonly next: bigint
}

/** Map key of a partition. */
export const partitionKey = (topic: TopicKey, partition: number): string => `${topic}/${partition}`

export const isEmptyRange = (range: OffsetRange): boolean => range.first === range.next

/**
 * Joins ranges of one group of chunks, given in order, into one range per partition.
 * Throws (our bug) where a partition's ranges are not contiguous.
 */
export function joinRanges(ranges: Iterable<PartitionRange>): PartitionRange[] {
  const joined = new Map<string, PartitionRange>()
  for (const range of ranges) {
    const key = partitionKey(range.topic, range.partition)
    const before = joined.get(key)
    if (before !== undefined && before.next !== range.first) {
      throw new Error(`ranges of ${key} are not contiguous: ${before.next} then ${range.first}`)
    }
    joined.set(key, before === undefined ? range : { ...before, next: range.next })
  }
  return [...joined.values()]
}
