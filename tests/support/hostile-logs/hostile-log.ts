// What a hostile log is: a topic, how it is made, and what its segments must show afterwards, so that no log is tame unnoticed.
import { readFile } from 'node:fs/promises'
import { listPartitions, listSegments } from '../../../src/shared/kafka/log-directory.ts'
import { type BatchHeader, batchBody, readBatchHeader } from '../../../src/shared/kafka/record-batch.ts'
import type { HostileWorld } from './hostile-world.ts'

/** What can be seen in a log's segments. */
export type Feature =
  | BatchHeader['codec']
  | 'committed'
  | 'aborted'
  | 'transactional'
  | 'idempotent'
  | 'append time'
  /** Offsets missing between or inside batches. */
  | 'holes'
  /** Batches without a record. */
  | 'emptied'
  /** Base timestamps that are the time at which tombstones may go (KIP-534). */
  | 'delete horizon'
  | 'segments'
  | 'later epoch'
  | 'xerial'
  | 'a batch of one'
  | 'a batch of thousands'
  | 'a batch of a megabyte'

export interface HostileLog {
  readonly topic: string
  readonly partitions?: number
  readonly config?: Readonly<Record<string, string>>
  readonly shows: readonly Feature[]
  make(world: HostileWorld, topic: string): Promise<void>
}

/** Logs made at once: most of their time is waiting for the broker. */
const LANES = 4

/** Makes the logs, a few at a time. */
export async function makeLogs(world: HostileWorld, logs: readonly HostileLog[]): Promise<void> {
  const left = [...logs]
  const lane = async (): Promise<void> => {
    for (let log = left.shift(); log !== undefined; log = left.shift()) {
      await world.cluster.createTopic(log.topic, log.partitions ?? 1, log.config)
      await log.make(world, log.topic)
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane))
}

const XERIAL = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0])

/** Features of a topic's segments in a log directory. */
export async function featuresOf(directory: string, topic: string): Promise<ReadonlySet<Feature>> {
  const found = new Set<Feature>()
  for (const { path } of (await listPartitions(directory)).filter((each) => each.topicName === topic)) {
    const segments = await listSegments(path)
    if (segments.length > 1) found.add('segments')
    let next: bigint | null = null
    for (const segment of segments) {
      const bytes = await readFile(segment.path)
      for (let at = 0; ; ) {
        const header = readBatchHeader(bytes, at)
        if (header === null) break
        const isGap: boolean = next !== null && header.baseOffset > next
        if (isGap || header.recordCount <= header.lastOffsetDelta) found.add('holes')
        for (const feature of featuresOfBatch(bytes, at, header)) found.add(feature)
        next = header.nextOffset
        at += header.length
      }
    }
  }
  return found
}

function featuresOfBatch(bytes: Buffer, at: number, header: BatchHeader): Feature[] {
  const { recordCount } = header
  if (header.isControl) return recordCount === 0 ? ['emptied'] : [isCommit(bytes, at, header) ? 'committed' : 'aborted']
  const body = batchBody(bytes, at, header)
  const when = (is: boolean, feature: Feature): Feature[] => (is ? [feature] : [])
  return [
    ...(recordCount === 0 ? (['emptied'] as const) : [header.codec]),
    ...when(header.isTransactional, 'transactional'),
    ...when(header.producerId >= 0n, 'idempotent'),
    ...when(header.timestampType === 'log-append', 'append time'),
    ...when((bytes.readInt16BE(at + 21) & 0x40) !== 0, 'delete horizon'),
    ...when(header.leaderEpoch > 0, 'later epoch'),
    ...when(XERIAL.equals(body.subarray(0, XERIAL.length)), 'xerial'),
    ...when(recordCount === 1, 'a batch of one'),
    ...when(recordCount >= 2000, 'a batch of thousands'),
    ...when(header.length > 500_000, 'a batch of a megabyte'),
  ]
}

/** Of a marker, which is never compressed: length, attributes, time, offset and key length take a byte each. */
const isCommit = (bytes: Buffer, at: number, header: BatchHeader): boolean => batchBody(bytes, at, header)[8] === 1
