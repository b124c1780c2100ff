// Counts and hash sums per bucket of 65,536 offsets: what both sides of the comparison come down to in the first pass. Pure.
// Invariant: memory follows the buckets touched, never the rows; sums wrap, so order does not matter.
import { laneCount } from './row-hash.ts'

export const bucketSize = 65_536
export const bucketOf = (offset: number): number => Math.floor(offset / bucketSize)

export class Buckets {
  readonly #slots = new Map<number, number>()
  #counts = new Float64Array(16)
  #sums = new Int32Array(16 * laneCount)
  /** Of no row: one without an offset lies in bucket -1. */
  #lastBucket = Number.NaN
  #lastSlot = 0

  /** Adds the row whose hash lies at `lanes[4 × row]`. */
  add(offset: number, lanes: Int32Array, row: number): void {
    const bucket = bucketOf(offset)
    const slot = bucket === this.#lastBucket ? this.#lastSlot : this.#find(bucket)
    this.#counts[slot] = (this.#counts[slot] as number) + 1
    const sums = this.#sums
    const to = slot * laneCount
    const from = row * laneCount
    for (let lane = 0; lane < laneCount; lane++) {
      sums[to + lane] = (sums[to + lane] as number) + (lanes[from + lane] as number)
    }
  }

  get buckets(): IterableIterator<number> {
    return this.#slots.keys()
  }

  /** Whether a bucket holds the same rows here and there, as far as counts and 128-bit sums can tell. */
  equals(other: Buckets, bucket: number): boolean {
    const mine = this.#slots.get(bucket) ?? -1
    const theirs = other.#slots.get(bucket) ?? -1
    if ((this.#counts[mine] ?? 0) !== (other.#counts[theirs] ?? 0)) return false
    for (let lane = 0; lane < laneCount; lane++) {
      const here = mine < 0 ? 0 : this.#sums[mine * laneCount + lane]
      const there = theirs < 0 ? 0 : other.#sums[theirs * laneCount + lane]
      if (here !== there) return false
    }
    return true
  }

  #find(bucket: number): number {
    let slot = this.#slots.get(bucket)
    if (slot === undefined) {
      slot = this.#slots.size
      this.#slots.set(bucket, slot)
      if (slot >= this.#counts.length) this.#grow()
    }
    this.#lastBucket = bucket
    this.#lastSlot = slot
    return slot
  }

  #grow(): void {
    const counts = new Float64Array(this.#counts.length * 2)
    counts.set(this.#counts)
    const sums = new Int32Array(this.#sums.length * 2)
    sums.set(this.#sums)
    this.#counts = counts
    this.#sums = sums
  }
}
