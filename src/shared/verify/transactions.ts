// Which transactional batches a read_committed reader must not see, from the markers in the log (KIP-98). Pure but for the
// batches it is given. Invariant: what is open at the end of the log is neither committed nor aborted.
import { isControl, isTransactional, type LogBatch } from './log-batch.ts'
import { decompressRecords, RecordWalk } from './log-records.ts'

interface AbortedRange {
  readonly first: number
  /** Offset of the abort marker. */
  readonly marker: number
}

const markerBytesMax = 65_536

export class Transactions {
  readonly #aborted = new Map<bigint, AbortedRange[]>()
  readonly #open = new Map<bigint, number>()
  readonly #walk = new RecordWalk()

  /** Takes the batches of a partition in offset order. */
  see(batch: LogBatch): void {
    if (!isTransactional(batch)) return
    if (!isControl(batch)) {
      if (!this.#open.has(batch.producerId)) this.#open.set(batch.producerId, batch.baseOffset)
      return
    }
    const first = this.#open.get(batch.producerId)
    this.#open.delete(batch.producerId)
    if (first === undefined || !this.#isAbort(batch)) return
    const ranges = this.#aborted.get(batch.producerId) ?? []
    ranges.push({ first, marker: batch.baseOffset })
    this.#aborted.set(batch.producerId, ranges)
  }

  /** Fate of a data batch, once all batches have been seen. */
  fate(batch: LogBatch): 'committed' | 'aborted' | 'open' {
    if (!isTransactional(batch)) return 'committed'
    const since = this.#open.get(batch.producerId)
    if (since !== undefined && batch.baseOffset >= since) return 'open'
    const ranges = this.#aborted.get(batch.producerId) ?? []
    let [low, high] = [0, ranges.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((ranges[middle] as AbortedRange).marker < batch.baseOffset) low = middle + 1
      else high = middle
    }
    const range = ranges[low]
    return range !== undefined && range.first <= batch.baseOffset ? 'aborted' : 'committed'
  }

  /** Control record key: version int16, type int16 (0 abort, 1 commit; others end no transaction by abort). */
  #isAbort(batch: LogBatch): boolean {
    this.#walk.open(batch, decompressRecords(batch, markerBytesMax))
    if (!this.#walk.next() || this.#walk.keyStart < 0 || this.#walk.keyEnd - this.#walk.keyStart < 4) return false
    const at = this.#walk.keyStart + 2
    return this.#walk.bytes[at] === 0 && this.#walk.bytes[at + 1] === 0
  }
}
