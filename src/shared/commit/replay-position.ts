// The position of replays in `k2.positions` (guard 11): a key of its own, whose only partition counts the records that replays of dead
// letters have made rows of. Pure. Invariant: each replay commit moves it, so of two replays that begin at one state one is fenced.
import type { TopicKey } from '../offsets.ts'
import type { PartitionMark, PartitionStart, Positions, TopicMarks } from './positions.ts'

/** No cluster and topic id of Kafka: these hold no colon. */
export const REPLAY_TOPIC: TopicKey = 'k2:replay/dead-letters'
/** No topic name of Kafka: these hold no blank. */
const REPLAY_NAME = 'dead letters (replay)'
const REPLAY_PARTITION = 0

/** Summary key of a snapshot that a replay made: how many records, by the code of their dead letters. */
export const REPLAY_KEY = 'k2.replay'

/** Where replays begin in a table that had none. */
export const replayStart: PartitionStart = {
  topic: REPLAY_TOPIC,
  topicName: REPLAY_NAME,
  partition: REPLAY_PARTITION,
  start: 0n,
}

/** How far replays are; null before the first. */
export const replayMark = (positions: Positions): PartitionMark | null =>
  positions.topics.get(REPLAY_TOPIC)?.partitions.get(REPLAY_PARTITION) ?? null

/** The topics of Kafka that a table knows. */
export const kafkaTopicsOf = (positions: Positions): readonly (readonly [TopicKey, TopicMarks])[] =>
  [...positions.topics].filter(([topic]) => topic !== REPLAY_TOPIC)
