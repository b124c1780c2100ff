// A log directory read past its end: asked again and again for what was appended. Main thread.
import { setTimeout as sleep } from 'node:timers/promises'
import { type PartitionPosition, partitionKey } from '../../shared/offsets.ts'
import type { LogSource } from './log-source.ts'
import type { RecordBatches } from './record-source.ts'

/** How long the end of the log is left alone before it is looked at again. */
const POLL_MS = 200

/** As `source.read`, but the end of the log is waited at until the signal aborts. */
export async function* follow(
  source: Pick<LogSource, 'read'>,
  positions: readonly PartitionPosition[],
  signal: AbortSignal,
): AsyncGenerator<RecordBatches, void, undefined> {
  const next = new Map(positions.map((position) => [partitionKey(position.topic, position.partition), position]))
  while (!signal.aborted) {
    for await (const batches of source.read([...next.values()], signal)) {
      const { topic, partition } = batches
      next.set(partitionKey(topic, partition), { topic, partition, next: batches.next })
      yield batches
    }
    await sleep(POLL_MS, undefined, { signal }).catch(() => undefined)
  }
}
