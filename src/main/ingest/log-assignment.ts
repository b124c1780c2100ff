// A log directory behind the port of sources: one assignment that holds every partition and is never revoked. Main thread.
import { type PartitionPosition, partitionKey } from '../../shared/offsets.ts'
import type { Start } from '../../shared/option-values.ts'
import { follow } from './follow.ts'
import type { LogPartition, LogSource } from './log-source.ts'
import type { Assignment, LogEnd, RecordBatches, RecordSource, SourcePartition } from './record-source.ts'

/** `untilEnd`: to the end that the log has when a read begins; otherwise the end is waited at. */
export function logRecordSource(source: LogSource, options: { start: Start; untilEnd: boolean }): RecordSource {
  const assignment = new LogAssignment(source, options.start, options.untilEnd)
  return {
    assignments: async function* () {
      yield assignment
    },
    health: () => null,
    // No file stays open between two slices.
    close: async () => undefined,
  }
}

class LogAssignment implements Assignment {
  readonly epoch = 0
  readonly revoked = new AbortController().signal
  readonly #source: LogSource
  readonly #start: Start
  readonly #untilEnd: boolean
  readonly #ends = new Map<string, bigint>()

  constructor(source: LogSource, start: Start, untilEnd: boolean) {
    this.#source = source
    this.#start = start
    this.#untilEnd = untilEnd
  }

  async partitions(): Promise<readonly SourcePartition[]> {
    const partitions = await this.#source.partitions()
    return partitions.map((partition) => {
      const id = partitionKey(partition.topic, partition.partition)
      const end = this.#ends.get(id) ?? partition.logEnd
      this.#ends.set(id, end)
      return { ...partition, start: startOf(this.#start, partition), end, isAssigned: true }
    })
  }

  read(positions: readonly PartitionPosition[], signal: AbortSignal): AsyncIterable<RecordBatches> {
    return this.#untilEnd ? this.#source.read(positions, signal) : follow(this.#source, positions, signal)
  }

  logEnds(): Promise<readonly LogEnd[]> {
    return this.#source.logEnds()
  }

  /** The topic id is looked at with every read; nothing but a person replaces a folder in between. */
  async confirm(): Promise<void> {}

  /** Nothing looks at a lag in a directory. */
  acknowledge(): void {}
}

/** A time is refused with the options: a log directory has no index of times. */
function startOf(start: Start, { topicName, partition, logStart, logEnd }: LogPartition): bigint {
  if (start.kind === 'latest') return logEnd
  if (start.kind !== 'offsets') return logStart
  const named = start.offsets.find((each) => each.topic === topicName && each.partition === partition)
  return named === undefined ? logStart : BigInt(named.offset)
}
