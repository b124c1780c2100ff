// How far a table says it is, and how far its source is: positions, lag, the age of the last commit. Main thread; the rules are pure.
// Invariant: a lag is told only of a source that was named and that answered; else it is said to be unknown.
import { outsideLog, recreatedTopic } from '../../shared/commit/guards.ts'
import { nextOffset, type Positions } from '../../shared/commit/positions.ts'
import { type ReadVerdict, readPositions } from '../../shared/commit/read-positions.ts'
import { kafkaTopicsOf } from '../../shared/commit/replay-position.ts'
import { IngestError } from '../../shared/errors.ts'
import type { TableMetadata } from '../../shared/iceberg/metadata.ts'
import { partitionKey } from '../../shared/offsets.ts'
import type { SourcePartition } from '../ingest/record-source.ts'
import { lookAtSource, type SourceOptions } from '../source-look.ts'

/** The read rule of the commit protocol on this metadata; `invalid` where the property cannot be read at all. */
export type Progress = ReadVerdict | { readonly kind: 'invalid'; readonly error: IngestError }

export function progressOf(metadata: TableMetadata): Progress {
  try {
    return readPositions(metadata)
  } catch (error) {
    if (!(error instanceof IngestError)) throw error
    return { kind: 'invalid', error }
  }
}

/** The positions that a progress carries, trusted or waiting for evidence. */
export const positionsIn = (progress: Progress): Positions | null =>
  'positions' in progress ? progress.positions : null

export type SourceState =
  /** Neither a log directory nor brokers were named. */
  | { readonly kind: 'unnamed' }
  | { readonly kind: 'seen'; readonly partitions: readonly SourcePartition[] }
  | { readonly kind: 'failed'; readonly error: IngestError }

/** The partitions of the table's topics as the source has them now. */
export async function sourceOf(options: SourceOptions, positions: Positions | null): Promise<SourceState> {
  if (options.source === null && options.brokers === null) return { kind: 'unnamed' }
  const names = [...new Set((positions === null ? [] : kafkaTopicsOf(positions)).map(([, { name }]) => name))]
  if (names.length === 0) return { kind: 'seen', partitions: [] }
  try {
    const partitions = await lookAtSource(options, { kind: 'names', names }, { kind: 'earliest' })
    return partitions === null ? { kind: 'unnamed' } : { kind: 'seen', partitions }
  } catch (error) {
    if (!(error instanceof IngestError)) throw error
    return { kind: 'failed', error }
  }
}

export interface Lag {
  /** Offsets between what is committed and the ends of the logs. */
  readonly offsets: bigint
  /** Partitions that are behind. */
  readonly behind: number
  /** Partitions of the table that the source does not have. */
  readonly unseen: number
  /** What a run would stop with: a position outside of the log, a topic made again. */
  readonly problem: IngestError | null
}

export function lagOf(positions: Positions, partitions: readonly SourcePartition[]): Lag {
  const lags = partitions.map(
    ({ topic, partition, logStart, logEnd }) => logEnd - (nextOffset(positions, topic, partition) ?? logStart),
  )
  const known = new Set(partitions.map(({ topic, partition }) => partitionKey(topic, partition)))
  const marked = kafkaTopicsOf(positions).flatMap(([topic, marks]) =>
    [...marks.partitions.keys()].map((partition) => partitionKey(topic, partition)),
  )
  return {
    offsets: lags.reduce((sum, lag) => (lag > 0n ? sum + lag : sum), 0n),
    behind: lags.filter((lag) => lag > 0n).length,
    unseen: marked.filter((key) => !known.has(key)).length,
    problem: recreatedTopic(positions, partitions) ?? outsideLog(positions, partitions),
  }
}

/** When the snapshot that carries the positions was committed, ms since 1970; null before the first, or where it has expired. */
export const committedMs = ({ snapshots }: Pick<TableMetadata, 'snapshots'>, positions: Positions): number | null =>
  snapshots.find((snapshot) => snapshot['snapshot-id'] === positions.snapshot)?.['timestamp-ms'] ?? null
