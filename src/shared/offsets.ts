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
  /** Leader epoch of the last record batch, where the source knows it: a log that was truncated below `next` shows by it. */
  readonly leaderEpoch?: number
}

/** Next offset to read, per partition. */
export interface PartitionPosition {
  readonly topic: TopicKey
  readonly partition: number
  readonly next: bigint
  /** Leader epoch of the record batch before it, where the source knew it. */
  readonly leaderEpoch?: number
}

/** Map key of a partition. */
export const partitionKey = (topic: TopicKey, partition: number): string => `${topic}/${partition}`
