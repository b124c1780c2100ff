// One route, whole: source → chunks → data files → commits → acknowledge. Main thread. Invariant: results stay in input order,
// every window is bounded, and a stop aborts the source and lets the line drain, so what was read is committed or not at all.
//
//   record batches ─▶ chunks ─▶ encode pool ─▶ data files ─▶ commit groups ─▶ committer ─▶ acknowledge
//        │               │            │                                           │
//   corrupt, out of   cut by      bad record: dead letter                 fenced: start again from the
//   range: stop       records,    bad chunk: stop                         table's positions; lost answer:
//   revoked: drop     bytes, age                                          looked up, never guessed
import { fromFailure, type IngestError } from '../../shared/errors.ts'
import type { CommitGroup, CommitReply, Transaction } from '../../shared/messages.ts'
import type { PartitionPosition } from '../../shared/offsets.ts'
import { type ChunkItems, type ChunkLimits, chunk, mapInOrder } from '../../shared/streams.ts'
import { type ChunkContext, type Encoded, joinOutcomes, withLeaderEpochs } from './chunk-request.ts'
import {
  limitRecords,
  type RecordBudget,
  type RecordShare,
  sizeOfBatches,
  splitBatches,
  throttleRecords,
} from './record-slices.ts'
import type { Assignment, RecordBatches } from './record-source.ts'

/** What the line needs of the encode pool and of the committer thread; tests put faults behind the same two functions. */
export interface RoutePorts {
  readonly source: Omit<Assignment, 'partitions' | 'logEnds'>
  readonly encode: (slices: readonly RecordBatches[], context: ChunkContext) => Promise<Encoded>
  readonly commit: (group: CommitGroup) => Promise<CommitReply>
  /** Asked of each encoded chunk, in order; an error keeps it, and what comes behind it, from being committed. */
  readonly admit?: (encoded: Encoded) => IngestError | null
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
  /** Another member of the group has the partitions now, or some of them: everything in flight was dropped. */
  | { readonly kind: 'revoked' }
  /** Another process wrote these offsets: everything in flight was dropped; go on from the table's positions. */
  | { readonly kind: 'fenced'; readonly positions: readonly PartitionPosition[] }
  /** A chunk was not admitted: what precedes it is committed. */
  | { readonly kind: 'held'; readonly reason: IngestError }
  /** The table changed under the files, or they grew too old: open it again and encode again. */
  | { readonly kind: 'reopen'; readonly reason: IngestError }

/** Runs a route from `positions` until its source ends, it is revoked, or the signal aborts. Errors of every stage surface here. */
export async function runRoute(
  ports: RoutePorts,
  positions: readonly PartitionPosition[],
  context: ChunkContext,
  limits: RouteLimits,
  stop: AbortSignal,
  committed: (batch: CommittedBatch) => void,
): Promise<RouteEnd> {
  const { revoked } = ports.source
  const abandon = new AbortController()
  const signal = AbortSignal.any([stop, abandon.signal])
  const share = limits.budget?.share() ?? null
  const life: Life = { share, recordsCommitted: 0, before: performance.now(), end: null, refusal: null }
  let committing: Promise<unknown> = Promise.resolve()
  const encode = async (slices: readonly RecordBatches[]): Promise<Encoded> =>
    withLeaderEpochs(await ports.encode(slices, context), slices)
  const commitUnlessEnded = async (files: readonly Encoded[]): Promise<RouteEnd | null> => {
    life.end ??= await commitFiles(ports, context, files, life, committed)
    return life.end
  }
  const commit = (files: readonly Encoded[]): Promise<RouteEnd | null> => {
    const done = commitUnlessEnded(files)
    committing = done.catch(() => undefined)
    return done
  }
  try {
    const batches = limited(ports.source.read(positions, signal), life.share, limits.recordsPerSecond, signal)
    const chunks = chunk(batches, limits.chunk, { sizeOf: sizeOfBatches, split: splitBatches })
    const encoded = untilRefused(untilEnded(mapInOrder(chunks, encode, limits.windowMax)), ports, life)
    const groups = chunk(encoded, limits.commit, encodedItems)
    for await (const end of unlessAborted(mapInOrder(groups, commit, 1), revoked)) {
      if (end === null) continue
      life.share?.giveBackAllBut(life.recordsCommitted)
      return end
    }
    if (!revoked.aborted && life.refusal === null) return { kind: 'drained' }
    // A commit under way is carried to its end, and counts; what comes behind it is dropped.
    await committing
    life.share?.giveBackAllBut(life.recordsCommitted)
    return revoked.aborted || life.refusal === null ? { kind: 'revoked' } : { kind: 'held', reason: life.refusal }
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

/** Chunks up to the first that is not admitted. */
async function* untilRefused(
  results: AsyncIterable<Encoded>,
  { admit }: RoutePorts,
  life: Life,
): AsyncGenerator<Encoded, void, undefined> {
  for await (const encoded of results) {
    life.refusal = admit?.(encoded) ?? null
    if (life.refusal !== null) return
    yield encoded
  }
}

/** What one life of a route adds up. */
interface Life {
  readonly share: RecordShare | null
  recordsCommitted: number
  /** When the last commit was done. */
  before: number
  /** What ended it. The next group may be on its way to its commit by then: it is dropped (guard 1). */
  end: RouteEnd | null
  /** Why a chunk was not admitted. */
  refusal: IngestError | null
}

/** One commit, from the files to the acknowledgement; null where the route goes on. Errors: those of the commit. */
async function commitFiles(
  { source, commit }: RoutePorts,
  context: ChunkContext,
  files: readonly Encoded[],
  life: Life,
  committed: (batch: CommittedBatch) => void,
): Promise<RouteEnd | null> {
  await source.confirm()
  if (source.revoked.aborted) return { kind: 'revoked' }
  const group = groupOf(files, source.epoch)
  const reply = await commit(group)
  if (reply.kind === 'fenced') return reply
  if (reply.kind === 'failed') {
    const reason = fromFailure(reply.failure)
    if (reason.action === 'reload') return { kind: 'reopen', reason }
    throw reason
  }
  life.recordsCommitted += group.ranges.reduce((sum, range) => sum + range.records, 0)
  const { transaction, positions } = reply
  source.acknowledge(positions, { tableUuid: context.main.uuid, snapshotId: transaction.snapshot_id_after })
  const now = performance.now()
  committed({ transaction, group, durationMs: now - life.before, encoded: files })
  life.before = now
  return null
}

/** Items until the signal aborts, which does not wait for the next one. */
async function* unlessAborted<T>(input: AsyncGenerator<T, void>, signal: AbortSignal): AsyncGenerator<T, void> {
  let stop: () => void = () => undefined
  const aborted = new Promise<'aborted'>((resolve) => {
    stop = () => resolve('aborted')
  })
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  try {
    for (;;) {
      const step = await Promise.race([input.next(), aborted])
      if (step === 'aborted' || step.done === true) return
      yield step.value
    }
  } finally {
    signal.removeEventListener('abort', stop)
    void input.return().catch(() => undefined)
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

const groupOf = (files: readonly Encoded[], epoch: number): CommitGroup => ({
  ranges: joinOutcomes(files.flatMap((encoded) => encoded.ranges)),
  dataFiles: files.flatMap((encoded) => encoded.dataFiles),
  deadLetterFiles: files.flatMap((encoded) => encoded.deadLetterFiles),
  oldestEncodedAtMs: Math.min(...files.map((encoded) => encoded.encodedAtMs)),
  epoch,
})
