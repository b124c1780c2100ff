// One route, whole: source → chunks → data files → commits → acknowledge. Main thread. Invariant: results stay in input order,
// every window is bounded, and a stop aborts the source and lets the line drain, so what was read is committed or not at all.
//
//   record batches ─▶ chunks ─▶ encode pool ─▶ data files ─▶ commit groups ─▶ committer ─▶ acknowledge
//        │               │            │                                           │
//   corrupt, out of   cut by      bad record: dead letter                 fenced: start again from the
//   range: stop       records,    bad chunk: stop                         table's positions; lost answer:
//                     bytes, age                                          looked up, never guessed
import { fromFailure, type IngestError } from '../../shared/errors.ts'
import type { CommitGroup, CommitReply, Transaction } from '../../shared/messages.ts'
import type { PartitionPosition } from '../../shared/offsets.ts'
import { type ChunkItems, type ChunkLimits, chunk, mapInOrder } from '../../shared/streams.ts'
import { type ChunkContext, type Encoded, joinOutcomes } from './chunk-request.ts'
import {
  limitRecords,
  type RecordBudget,
  type RecordShare,
  sizeOfBatches,
  splitBatches,
  throttleRecords,
} from './record-slices.ts'
import type { RecordBatches, RecordSource } from './record-source.ts'

/** What the line needs of the encode pool and of the committer thread; tests put faults behind the same two functions. */
export interface RoutePorts {
  readonly source: Pick<RecordSource, 'read' | 'acknowledge'>
  readonly encode: (slices: readonly RecordBatches[], context: ChunkContext) => Promise<Encoded>
  readonly commit: (group: CommitGroup) => Promise<CommitReply>
}

export interface RouteLimits {
  /** [records, bytes] of one chunk. */
  readonly chunk: ChunkLimits
  /** [records, bytes of data files, files] of one commit. */
  readonly commit: ChunkLimits
  /** Chunks in the pool at once, or encoded and not yet committed. */
  readonly windowMax: number
  /** Records this run may read; null: no limit. */
  readonly budget: RecordBudget | null
  readonly recordsPerSecond: number | null
}

/** One commit as the batch table shows it. */
export interface CommittedBatch {
  readonly transaction: Transaction
  readonly group: CommitGroup
  /** Ms since the previous commit of this route, or since its start. */
  readonly durationMs: number
  readonly encoded: readonly Encoded[]
}

export type RouteEnd =
  | { readonly kind: 'drained' }
  /** Another process wrote these offsets: everything in flight was dropped; go on from the table's positions. */
  | { readonly kind: 'fenced'; readonly positions: readonly PartitionPosition[] }
  /** The table changed under the files, or they grew too old: open it again and encode again. */
  | { readonly kind: 'reopen'; readonly reason: IngestError }

/** Runs a route from `positions` until its source ends or the signal aborts. Errors of every stage surface here. */
export async function runRoute(
  ports: RoutePorts,
  positions: readonly PartitionPosition[],
  context: ChunkContext,
  limits: RouteLimits,
  stop: AbortSignal,
  committed: (batch: CommittedBatch) => void,
): Promise<RouteEnd> {
  const abandon = new AbortController()
  const signal = AbortSignal.any([stop, abandon.signal])
  const share = limits.budget?.share() ?? null
  let recordsCommitted = 0
  let before = performance.now()
  try {
    const batches = limited(ports.source.read(positions, signal), share, limits.recordsPerSecond, signal)
    const chunks = chunk(batches, limits.chunk, { sizeOf: sizeOfBatches, split: splitBatches })
    const encoded = untilEnded(mapInOrder(chunks, (slices) => ports.encode(slices, context), limits.windowMax))
    const groups = chunk(encoded, limits.commit, encodedItems)
    const commits = mapInOrder(groups, (files) => commitGroup(ports, files), 1)
    for await (const { files, group, reply } of commits) {
      if (reply.kind !== 'committed') {
        share?.giveBackAllBut(recordsCommitted)
        if (reply.kind === 'fenced') return reply
        const reason = fromFailure(reply.failure)
        if (reason.action === 'reload') return { kind: 'reopen', reason }
        throw reason
      }
      recordsCommitted += group.ranges.reduce((sum, range) => sum + range.records, 0)
      await ports.source.acknowledge(reply.positions)
      const now = performance.now()
      committed({ transaction: reply.transaction, group, durationMs: now - before, encoded: files })
      before = now
    }
    return { kind: 'drained' }
  } finally {
    abandon.abort()
  }
}

/** What a chunk holds before a bad place is delivered, then the error: nothing after it can be committed. */
async function* untilEnded(results: AsyncIterable<Encoded>): AsyncGenerator<Encoded, void, undefined> {
  for await (const encoded of results) {
    yield encoded
    if (encoded.endedBy !== undefined) throw encoded.endedBy
  }
}

function limited(
  batches: AsyncIterable<RecordBatches>,
  share: RecordShare | null,
  recordsPerSecond: number | null,
  signal: AbortSignal,
): AsyncIterable<RecordBatches> {
  const some = share === null ? batches : limitRecords(batches, share)
  return recordsPerSecond === null ? some : throttleRecords(some, recordsPerSecond, signal)
}

const encodedItems: ChunkItems<Encoded> = {
  sizeOf: (encoded) => [
    encoded.ranges.reduce((sum, range) => sum + range.records, 0),
    encoded.dataFiles.reduce((sum, file) => sum + file.sizeBytes, 0),
    encoded.dataFiles.length + encoded.deadLetterFiles.length,
  ],
}

async function commitGroup(
  ports: RoutePorts,
  files: readonly Encoded[],
): Promise<{ files: readonly Encoded[]; group: CommitGroup; reply: CommitReply }> {
  const group: CommitGroup = {
    ranges: joinOutcomes(files.flatMap((encoded) => encoded.ranges)),
    dataFiles: files.flatMap((encoded) => encoded.dataFiles),
    deadLetterFiles: files.flatMap((encoded) => encoded.deadLetterFiles),
    oldestEncodedAtMs: Math.min(...files.map((encoded) => encoded.encodedAtMs)),
    epoch: 0,
  }
  return { files, group, reply: await ports.commit(group) }
}
