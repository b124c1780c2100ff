// Cutting of undecoded record batches by records, from their headers alone. Main thread. Invariant: the two halves of a cut
// cover the offsets of the whole without gap; a record batch that straddles the cut is in both, and the worker skips the
// records outside its [first, next).
import { readBatchHeader } from '../../shared/kafka/record-batch.ts'
import type { Sizes } from '../../shared/streams.ts'
import type { RecordBatches } from './record-source.ts'

/** [records, bytes]: the dimensions in which chunks are limited. */
export const sizeOfBatches = (batches: RecordBatches): Sizes => [batches.recordCount, batches.bytes.length]

/**
 * Cuts so that the head holds at most `room` = [records, bytes]. Null where nothing fits. Exact in records wherever record
 * batches are dense; in a compacted batch the head may hold fewer.
 */
export function splitBatches(
  batches: RecordBatches,
  room: Sizes,
): readonly [head: RecordBatches, rest: RecordBatches] | null {
  const [recordsMax = 0, bytesMax = 0] = room
  let records = 0
  let at = 0
  while (at < batches.bytes.length) {
    const header = readBatchHeader(batches.bytes, at)
    if (header === null) break
    const end = at + header.length
    if (end > bytesMax) return at === 0 ? null : cutAt(batches, records, header.baseOffset, at, at)
    const first = header.baseOffset > batches.first ? header.baseOffset : batches.first
    const next = header.nextOffset < batches.next ? header.nextOffset : batches.next
    const span = next > first ? Number(next - first) : 0
    const inside = Math.min(header.recordCount, span)
    if (records + inside > recordsMax) {
      const room = recordsMax - records
      if (room <= 0) return at === 0 ? null : cutAt(batches, records, first, at, at)
      return cutAt(batches, records + room, first + BigInt(room), end, at)
    }
    records += inside
    at = end
  }
  return null
}

function cutAt(
  batches: RecordBatches,
  headRecords: number,
  offset: bigint,
  headEnd: number,
  restStart: number,
): readonly [RecordBatches, RecordBatches] {
  const cut = offset < batches.first ? batches.first : offset
  const head = { ...batches, next: cut, bytes: batches.bytes.subarray(0, headEnd), recordCount: headRecords }
  const rest = {
    ...batches,
    first: cut,
    bytes: batches.bytes.subarray(restStart),
    recordCount: Math.max(0, batches.recordCount - headRecords),
  }
  return [head, rest]
}

/** How many records a run may still read, shared by its routes. */
export class RecordBudget {
  #left: number

  constructor(records: number) {
    this.#left = records
  }

  get left(): number {
    return this.#left
  }

  /** What one life of a route takes. */
  share(): RecordShare {
    return new RecordShare(this)
  }

  take(records: number): void {
    this.#left -= records
  }
}

export class RecordShare {
  readonly #budget: RecordBudget
  #taken = 0

  constructor(budget: RecordBudget) {
    this.#budget = budget
  }

  get left(): number {
    return this.#budget.left
  }

  take(records: number): void {
    this.#taken += records
    this.#budget.take(records)
  }

  /** Records that were taken and then dropped by a fence will be read again. */
  giveBackAllBut(committed: number): void {
    this.#budget.take(committed - this.#taken)
    this.#taken = committed
  }
}

/** Ends the stream where the budget is used up, cutting the last slice. */
export async function* limitRecords(
  input: AsyncIterable<RecordBatches>,
  budget: RecordShare,
): AsyncGenerator<RecordBatches, void, undefined> {
  if (budget.left <= 0) return
  for await (const batches of input) {
    const parts =
      batches.recordCount <= budget.left ? null : splitBatches(batches, [budget.left, Number.POSITIVE_INFINITY])
    const head = parts === null ? batches : parts[0]
    if (head.recordCount > budget.left) return
    budget.take(head.recordCount)
    yield head
    if (budget.left <= 0) return
  }
}

/** Lets at most `recordsPerSecond` through, slice by slice, for tests and gentle backfills. Stops waiting on abort. */
export async function* throttleRecords(
  input: AsyncIterable<RecordBatches>,
  recordsPerSecond: number,
  signal: AbortSignal,
): AsyncGenerator<RecordBatches, void, undefined> {
  const startMs = performance.now()
  let records = 0
  const sliceMax = Math.max(1, Math.ceil(recordsPerSecond / 20))
  for await (const batches of input) {
    let rest: RecordBatches | null = batches
    while (rest !== null) {
      const parts = splitBatches(rest, [sliceMax, Number.POSITIVE_INFINITY])
      const head: RecordBatches = parts === null ? rest : parts[0]
      rest = parts === null ? null : parts[1]
      records += head.recordCount
      yield head
      await pause((records / recordsPerSecond) * 1000 - (performance.now() - startMs), signal)
      if (signal.aborted) return
    }
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms <= 0 || signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done, { once: true })
  })
}
