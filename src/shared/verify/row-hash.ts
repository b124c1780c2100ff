// 128-bit hashes of rows: four 32-bit lanes with multipliers of their own, mixed into each other at the end of every value.
// A row's hash is the sum of its values' hashes (columns may come in any order), then a mix of that sum (`finish`), so that
// values exchanged between two rows do not cancel out when rows are summed up. Hot: no objects, no strings, no BigInt.
import type { Place, ValueSink } from './value-sink.ts'

/** Int32 words of one hash. */
export const laneCount = 4

const tag = { present: 1, item: 2, integer: 3, real: 4, decimal: 5, bytes: 6 } as const

const word = (lane: number, value: number, multiplier: number): number => {
  const mixed = Math.imul(value, multiplier)
  lane ^= (mixed << 15) | (mixed >>> 17)
  return (Math.imul((lane << 13) | (lane >>> 19), 5) + 0x561ccd1b) | 0
}

/** Finalizer of MurmurHash3: every input bit reaches every output bit. */
const spread = (lane: number): number => {
  lane = Math.imul(lane ^ (lane >>> 16), 0x85ebca6b)
  lane = Math.imul(lane ^ (lane >>> 13), 0xc2b2ae35)
  return lane ^ (lane >>> 16)
}

/**
 * Sums value hashes into `lanes[4 × row, 4 × row + 4)`. Set `row` before the events of a row; `reset` before the first row.
 */
export class RowHashes implements ValueSink {
  lanes: Int32Array
  row = 0
  readonly #double = new Float64Array(1)
  readonly #words = new Int32Array(this.#double.buffer)
  // The running lanes of one value.
  #a = 0
  #b = 0
  #c = 0
  #d = 0

  constructor(rowsMax: number) {
    this.lanes = new Int32Array(rowsMax * laneCount)
  }

  /** All rows 0, and room for `rows`. */
  reset(rows: number): void {
    if (this.lanes.length < rows * laneCount) this.lanes = new Int32Array(rows * laneCount)
    else this.lanes.fill(0, 0, rows * laneCount)
    this.row = 0
  }

  present(id: number, place: Place): void {
    this.#begin(id, place.hash, tag.present)
    this.#add()
  }

  item(id: number, place: Place): void {
    this.#begin(id, place.hash, tag.item)
    this.#add()
  }

  integer(id: number, place: Place, low: number, high: number): void {
    this.#begin(id, place.hash, tag.integer)
    this.#word(low)
    this.#word(high)
    this.#add()
  }

  real(id: number, place: Place, value: number): void {
    this.#double[0] = Number.isNaN(value) ? Number.NaN : value
    this.#begin(id, place.hash, tag.real)
    this.#word(this.#words[0] as number)
    this.#word(this.#words[1] as number)
    this.#add()
  }

  decimal(id: number, place: Place, words: Int32Array): void {
    this.#begin(id, place.hash, tag.decimal)
    for (let index = 0; index < 4; index++) this.#word(words[index] as number)
    this.#add()
  }

  bytes(id: number, place: Place, buffer: Uint8Array, start: number, end: number): void {
    this.#begin(id, place.hash, tag.bytes)
    let [a, b, c, d] = [this.#a, this.#b, this.#c, this.#d]
    let at = start
    for (; at + 4 <= end; at += 4) {
      const value =
        (buffer[at] as number) |
        ((buffer[at + 1] as number) << 8) |
        ((buffer[at + 2] as number) << 16) |
        ((buffer[at + 3] as number) << 24)
      a = word(a, value, 0x239b961b)
      b = word(b, value, 0xab0e9789)
      c = word(c, value, 0x38b34ae5)
      d = word(d, value, 0xa1e38b93)
    }
    let rest = 0
    for (let shift = 0; at < end; at++, shift += 8) rest |= (buffer[at] as number) << shift
    this.#a = a
    this.#b = b
    this.#c = c
    this.#d = d
    this.#word(rest)
    this.#word(end - start)
    this.#add()
  }

  /** Adds a value hash taken before (see `copyOut`): dictionary entries are hashed once. */
  addLanes(from: Int32Array, index: number): void {
    const lanes = this.lanes
    const to = this.row * laneCount
    const at = index * laneCount
    lanes[to] = (lanes[to] as number) + (from[at] as number)
    lanes[to + 1] = (lanes[to + 1] as number) + (from[at + 1] as number)
    lanes[to + 2] = (lanes[to + 2] as number) + (from[at + 2] as number)
    lanes[to + 3] = (lanes[to + 3] as number) + (from[at + 3] as number)
  }

  /** Turns the sum of a row into its hash, in place. */
  finish(row: number): void {
    const lanes = this.lanes
    const at = row * laneCount
    this.#a = lanes[at] as number
    this.#b = lanes[at + 1] as number
    this.#c = lanes[at + 2] as number
    this.#d = lanes[at + 3] as number
    this.#mix()
    lanes[at] = this.#a
    lanes[at + 1] = this.#b
    lanes[at + 2] = this.#c
    lanes[at + 3] = this.#d
  }

  #begin(id: number, place: number, kind: number): void {
    this.#a = Math.imul(id, 0x9e3779b1) ^ place
    this.#b = Math.imul(id, 0x85ebca77) + Math.imul(place, 0xc2b2ae3d)
    this.#c = Math.imul(id ^ place, 0x27d4eb2f) + kind
    this.#d = Math.imul(kind, 0x165667b1) ^ id ^ (place << 7)
    this.#word(kind)
  }

  #word(value: number): void {
    this.#a = word(this.#a, value, 0x239b961b)
    this.#b = word(this.#b, value, 0xab0e9789)
    this.#c = word(this.#c, value, 0x38b34ae5)
    this.#d = word(this.#d, value, 0xa1e38b93)
  }

  /** Every lane sees every other, twice: sums carry the bits of all four. */
  #mix(): void {
    let [a, b, c, d] = [this.#a, this.#b, this.#c, this.#d]
    a = (a + b + c + d) | 0
    b = (b + a) | 0
    c = (c + a) | 0
    d = (d + a) | 0
    a = spread(a)
    b = spread(b ^ 0x2545f491)
    c = spread(c ^ 0x4f6cdd1d)
    d = spread(d ^ 0x1b873593)
    a = (a + b + c + d) | 0
    this.#a = a
    this.#b = (b + a) | 0
    this.#c = (c + a) | 0
    this.#d = (d + a) | 0
  }

  #add(): void {
    this.#mix()
    const lanes = this.lanes
    const to = this.row * laneCount
    lanes[to] = (lanes[to] as number) + this.#a
    lanes[to + 1] = (lanes[to + 1] as number) + this.#b
    lanes[to + 2] = (lanes[to + 2] as number) + this.#c
    lanes[to + 3] = (lanes[to + 3] as number) + this.#d
  }
}
