// The position of replays in `k2.positions` (guard 11): a key of its own, whose only partition counts the records that replays of dead
// letters have made rows of. Pure. Invariant: each replay commit moves it, so of two replays that begin at one state one is fenced.
import type { TopicKey } from '../offsets.ts'
import type { PartitionMark, Positions, TopicMarks } from './positions.ts'

/** No cluster and topic id of Kafka: these hold no colon. */
export const REPLAY_TOPIC: TopicKey = 'k2:replay/dead-letters'
const REPLAY_PARTITION = 0

/** How far replays are; null before the first. */
export const replayMark = (positions: Positions): PartitionMark | null =>
  positions.topics.get(REPLAY_TOPIC)?.partitions.get(REPLAY_PARTITION) ?? null

/** The topics of Kafka that a table knows. */
export const kafkaTopicsOf = (positions: Positions): readonly (readonly [TopicKey, TopicMarks])[] =>
  [...positions.topics].filter(([topic]) => topic !== REPLAY_TOPIC)
