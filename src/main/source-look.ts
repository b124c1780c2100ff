// A look at the partitions of a source, for commands that show or set positions: no group is joined, no record is read. Main thread.
import type { Start, Topics } from '../shared/option-values.ts'
import { KafkaPartitions } from './ingest/kafka-partitions.ts'
import { logRecordSource } from './ingest/log-assignment.ts'
import { openLogSource } from './ingest/log-source.ts'
import type { SourcePartition } from './ingest/record-source.ts'
import { ClusterLook } from './kafka/cluster-look.ts'
import type { KafkaConnection } from './kafka/connection.ts'

/** `--source`, or `--brokers` with what goes with it. */
export type SourceOptions = Omit<KafkaConnection, 'brokers'> & {
  readonly source: string | null
  readonly brokers: readonly string[] | null
}

/** Partitions of the topics, each with its `start`; null where no source is named. Errors: SOURCE_*, BROKER_*. */
export async function lookAtSource(
  options: SourceOptions,
  topics: Topics,
  start: Start,
): Promise<readonly SourcePartition[] | null> {
  const { source, brokers } = options
  if (source !== null) {
    const opened = logRecordSource(await openLogSource({ directory: source, topics }), { start, untilEnd: true })
    for await (const assignment of opened.assignments(new AbortController().signal)) return assignment.partitions()
    return []
  }
  if (brokers === null) return null
  const look = new ClusterLook({ ...options, brokers })
  try {
    return await new KafkaPartitions(look, start).of(topics, [])
  } finally {
    await look.close()
  }
}
