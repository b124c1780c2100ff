// Brings the table's positions and the partitions of the log together, by cluster and topic id. Pure.
// Invariant: what the positions claim and the source cannot show is a problem or an error, never passed over in silence.
import type { AcceptedGap, Positions } from '../commit/positions.ts'
import { kafkaTopicsOf } from '../commit/replay-position.ts'
import { IngestError } from '../errors.ts'
import { partitionKey, type TopicKey } from '../offsets.ts'
import { type LedgerGap, Ledgers } from './partition-ledger.ts'
import type { LogPartition } from './verify-source.ts'

/** A ledger per partition of the positions, then one per further partition of the log. Errors: SOURCE_IDENTITY. */
export function openLedgers(
  positions: Positions,
  logs: readonly LogPartition[],
  source: string,
  problems: string[],
): Ledgers {
  const ledgers = new Ledgers()
  const byKey = new Map(logs.map((log) => [partitionKey(log.topic, log.partition), log]))
  let found = 0
  for (const [topic, marks] of kafkaTopicsOf(positions)) {
    for (const [partition, { start, next, gaps }] of marks.partitions) {
      const log = byKey.get(partitionKey(topic, partition)) ?? null
      if (log !== null) found++
      else if (next > start) reportAbsent(topic, marks.name, partition, logs, problems)
      const identity = { topic: marks.name, topicId: topicIdOf(topic), partition }
      const range = { start: Number(start), next: Number(next), gaps: (gaps ?? []).map(ledgerGap) }
      ledgers.add({ ...identity, ...range }, log)
    }
  }
  const claimed = ledgers.all.length
  if (claimed > 0 && found === 0) {
    const topics = [...positions.topics.keys()].slice(0, 3).join(', ')
    throw new IngestError('SOURCE_IDENTITY', { source, reason: `holds none of the table's topics (${topics})` })
  }
  for (const log of logs) {
    if (ledgers.find(log.topicId, log.partition) !== undefined) continue
    const { topicName, topicId, partition, logStart } = log
    ledgers.add({ topic: topicName, topicId, partition, start: logStart, next: logStart }, log)
  }
  return ledgers
}

const ledgerGap = ({ first, next, why }: AcceptedGap): LedgerGap => ({
  first: Number(first),
  next: Number(next),
  kind: why === 'truncated' ? 'truncated' : 'skipped',
})

/** A re-created topic is gone for good, and its rows stay (design section 3, guard 9); anything else should be there. */
function reportAbsent(
  topic: TopicKey,
  name: string,
  partition: number,
  logs: readonly LogPartition[],
  problems: string[],
): void {
  const isRecreated = logs.some((log) => log.topicName === name && log.topic !== topic)
  if (!isRecreated) problems.push(`partition ${partition} of topic ${name} (${topic}) is not in the source`)
}

const topicIdOf = (topic: TopicKey): string => topic.slice(topic.lastIndexOf('/') + 1)
